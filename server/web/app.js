/* app.js: connects the controls and starts the page. Comes last. */

const catalogue = {};
let catalogueRead; /* a promise that resolves even if the catalogue cannot be read */

async function readCatalogue() {
    try {
        const [{ losses }, { metrics }] = await Promise.all([ask("v1/losses"), ask("v1/metrics")]);
        for (const row of [...losses, ...metrics]) catalogue[row.name] = row;
        $("formula").textContent = catalogue[$("loss").value]?.formula ?? "";
    } catch {
        /* formulas and bounds only help; errors show when the batch is evaluated */
    }
}

function fillChoices() {
    for (const [name, word] of Object.entries(LOSSES))
        $("loss").append(element("option", { value: name }, word));
    SAMPLES.forEach(([word], i) => $("sample").append(element("option", { value: i }, word)));
    COMPARISONS.forEach(([word], i) => $("cmp-sample").append(element("option", { value: i }, word)));
    for (const id of ["sample", "cmp-sample"])
        $(id).append(element("option", { value: "own", hidden: "" }, "Your own"));
    $("cmp-metrics").append(...Object.entries(METRICS).map(measureChoice));
    $("cmp-losses").append(...Object.entries(LOSSES).map(measureChoice));
}

function measureChoice([name, word]) {
    const box = element("input", { type: "checkbox", value: name, id: `cmp-choose-${name}` });
    box.checked = COMPARED_FIRST.includes(name);
    return element("label", { class: "choice" }, box, word);
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
    catalogueRead = readCatalogue();
    restartLive();
    if (mode === "compare") compareNow();
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
    for (const kind of ["pointerleave", "focusout"]) $("worst").addEventListener(kind, () => lightItems([]));
    listenToTabs($("tabs"), (id, focus) => chooseLanguage(id.slice("tab-".length), focus));
    $("copy").addEventListener("click", copyCode);
    $("save").addEventListener("click", saveBody);
}

function listenToComparison() {
    listenToTabs($("modes"), (id, focus) => chooseMode(id.slice("mode-".length), focus));
    listenToColumns();
    $("cmp-sample").addEventListener("change", (event) => loadComparison(Number(event.target.value)));
    $("cmp-measures").addEventListener("change", compareNow);
    for (const id of ["cmp-level", "cmp-definition"]) $(id).addEventListener("change", compareNow);
    $("cmp-k").addEventListener("input", compareSoon);
    $("cmp-options").addEventListener("submit", (event) => event.preventDefault());
    $("cmp-problem-go").addEventListener("click", goToComparePlace);
    $("cmp-rows").addEventListener("click", (event) => {
        const name = event.target.closest("button")?.dataset.measure;
        if (name) chooseMeasure(name);
    });
    $("cmp-changes").addEventListener("pointermove", changeFromPointer);
    $("cmp-changes").addEventListener("pointerdown", changeFromPointer);
    $("cmp-changes").addEventListener("keydown", changeFromKey);
    $("cmp-way").addEventListener("change", drawChanged);
    $("cmp-changed-rows").addEventListener("click", (event) => {
        const list = event.target.closest("button")?.dataset.list;
        if (list !== undefined) lookAtList(Number(list));
    });
}

function loadComparison(index) {
    putColumns(COMPARISONS[index][1]());
    $("cmp-sample").value = String(index);
}

/* The first sample waits until someone looks at this half of the page. */
function openComparison() {
    if (comparing.batch || columnTexts().labels !== "") drawColumns();
    else loadComparison(0);
    if (comparing.reply) drawComparison();
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
            if (mode === "compare") {
                drawColumns();
                if (comparing.reply) drawChangeChart();
                return;
            }
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
listenToComparison();
listenToWindow();
catalogueRead = readCatalogue();
loadSample(0);
if (location.hash === "#compare") chooseMode("compare");
pollLive();
