/* app.js: connects the controls and starts the page. Comes last. */

const catalogue = {};

async function readCatalogue() {
    try {
        for (const row of (await ask("v1/losses")).losses) catalogue[row.name] = row;
        $("formula").textContent = catalogue[$("loss").value]?.formula ?? "";
    } catch {
        /* the formulas are a help only; what is wrong shows when the batch is evaluated */
    }
}

function fillChoices() {
    for (const [name, word] of Object.entries(LOSSES))
        $("loss").append(element("option", { value: name }, word));
    SAMPLES.forEach(([word], i) => $("sample").append(element("option", { value: i }, word)));
    $("sample").append(element("option", { value: "own", hidden: "" }, "Your own"));
}

function loadSample(index) {
    const made = SAMPLES[index][1]();
    state.chosen = state.page = 0;
    setInput(typeof made === "string" ? made : formatBatch(made));
    $("sample").value = String(index);
}

function chooseLoss(name) {
    $("loss").value = name;
    evaluateNow();
}

function useToken(event) {
    event.preventDefault();
    token = $("token").value.trim();
    $("token").value = "";
    readCatalogue();
    restartLive();
    evaluateNow();
}

function listenToControls() {
    $("sample").addEventListener("change", (event) => loadSample(Number(event.target.value)));
    $("input").addEventListener("input", () => {
        $("sample").value = "own";
        countLines();
        evaluateSoon();
    });
    $("input").addEventListener("scroll", drawEditor, { passive: true });
    $("temperature-slider").addEventListener("input", (event) => {
        $("temperature").value = Number((10 ** Number(event.target.value)).toPrecision(2));
        evaluateSoon();
    });
    $("temperature").addEventListener("input", (event) => {
        if (Number(event.target.value) > 0)
            $("temperature-slider").value = Math.log10(Number(event.target.value));
        evaluateSoon();
    });
    for (const id of ["loss", "reduction", "dtype"]) $(id).addEventListener("change", evaluateNow);
    $("k").addEventListener("input", evaluateSoon);
    $("options").addEventListener("submit", (event) => event.preventDefault());
    $("token-form").addEventListener("submit", useToken);
    $("problem-go").addEventListener("click", goToPlace);
    $("step").addEventListener("click", stepDown);
}

function listenToResults() {
    $("losses").addEventListener("click", (event) => {
        const name = event.target.closest("button")?.dataset.loss;
        if (!name) return;
        chooseLoss(name);
    });
    $("lists").addEventListener("click", (event) => {
        const list = event.target.closest("li")?.querySelector("button").dataset.list;
        if (list !== undefined) chooseList(Number(list));
    });
    $("order").addEventListener("change", () => turnPage(0));
    $("page-back").addEventListener("click", () => turnPage(state.page - 1));
    $("page-next").addEventListener("click", () => turnPage(state.page + 1));
    $("heat-canvas").addEventListener("pointermove", heatFromPointer);
    $("heat-canvas").addEventListener("pointerdown", heatFromPointer);
    $("heat-canvas").addEventListener("keydown", heatFromKey);
    for (const kind of ["pointerover", "focusin"]) $("worst").addEventListener(kind, lightPair);
    for (const kind of ["pointerleave", "focusout"])
        $("worst").addEventListener(kind, () => lightItems([]));
    $("tabs").addEventListener(
        "click",
        (event) => event.target.id.startsWith("tab-") && chooseLanguage(event.target.id.slice(4)),
    );
    $("tabs").addEventListener("keydown", tabKey);
    $("copy").addEventListener("click", copyCode);
}

function lightPair(event) {
    const row = event.target.closest("li");
    if (row) lightItems([Number(row.dataset.i), Number(row.dataset.j)]);
}

function turnPage(page) {
    state.page = page;
    if (state.main) drawLists();
}

function redrawResults() {
    const { at } = heat;
    drawLists();
    drawDetail();
    if (at) pointAt(at.row, at.column);
}

function listenToWindow() {
    let resizing = 0;
    const redraw = () => {
        clearTimeout(resizing);
        resizing = setTimeout(() => {
            drawEditor();
            if (state.main) redrawResults();
        }, 120);
    };
    window.addEventListener("resize", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new ResizeObserver(drawEditor).observe($("editor"));
    document.addEventListener("visibilitychange", () => document.hidden || live.timer || pollLive());
}

fillChoices();
listenToControls();
listenToResults();
listenToWindow();
readCatalogue();
loadSample(0);
pollLive();
