/* problems.js: errors, and the place in the input that they are at. */

/* The place of a problem: {start, end} in the text, or {control}, or null. */
function placeOf(problem, batch, options) {
    const pointer = problem.errors?.[0]?.pointer;
    if (problem.offset !== undefined) {
        const start = byteToIndex(batch.text, problem.offset);
        return start <= batch.text.length ? { start, end: Math.min(start + 1, batch.text.length) } : null;
    }
    if (pointer === undefined || !isObject(batch.value)) return null;
    const tokens = pointer.split("/").slice(1);
    if (tokens[0] === "losses" || tokens[0] === "metrics") {
        if (OPTION_NAMES.includes(tokens[2])) return controlPlace(tokens[2], batch);
        return BY_LIST.includes(options.loss) ? textPlace(batch, "/sample_weight") : null;
    }
    return OPTION_NAMES.includes(tokens[0]) ? controlPlace(tokens[0], batch) : textPlace(batch, pointer);
}

function controlPlace(name, batch) {
    return name in batch.value ? textPlace(batch, "/" + name) : { control: name };
}

function textPlace(batch, pointer) {
    if (batch.kind === "rows") return rowPlace(batch, pointer);
    const place = locate(batch.text, pointer);
    const line = batch.text.indexOf("\n", place.start);
    return { start: place.start, end: line < 0 ? place.end : Math.min(place.end, line) };
}

function rowPlace(batch, pointer) {
    const tokens = pointer.split("/").slice(1);
    const what = {
        y_pred: "score",
        sample_weight: "weight",
        y_true: tokens[1] === "mask" ? "mask" : "label",
    }[tokens[0]];
    const [list, item] = tokens.filter((word) => /^\d+$/.test(word)).map(Number);
    return batch.cells[list ?? 0]?.[item ?? 0]?.[what] ?? null;
}

function lineOf(text, index) {
    const before = text.slice(0, index);
    const start = before.lastIndexOf("\n") + 1;
    let line = 1;
    for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line++;
    return { line, start, column: index - start + 1 };
}

function showProblem(problem, place) {
    $("problem").hidden = false;
    $("problem-title").textContent = problem.title;
    const error = problem.errors?.[0];
    $("problem-detail").textContent = error?.detail ?? problem.detail ?? "";
    $("results").classList.add("stale");
    $("results").removeAttribute("aria-busy");
    markPlace(place?.control ? null : place);
    for (const id of OPTION_NAMES) markInvalid($(id), place?.control === id);
    const words = [];
    if (place && !place.control) {
        const at = lineOf($("input").value, place.start);
        words.push(`line ${at.line}, column ${at.column}`);
    }
    if (error?.pointer) words.push(error.pointer);
    $("problem-place").textContent = words.join(" · ");
    showExcerpt($("problem-excerpt"), $("input").value, place?.control ? null : place);
    state.place = place;
    $("problem-go").textContent = place ? "Show the place" : "Try again";
}

function markInvalid(control, wrong) {
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
}

function clearProblem() {
    $("problem").hidden = true;
    $("token-form").hidden = true;
    $("results").classList.remove("stale");
    for (const id of OPTION_NAMES) markInvalid($(id), false);
    markPlace(null);
    state.place = null;
}

/* The text around a place, or nothing where there is no place. */
function showExcerpt(box, text, place) {
    box.hidden = !place;
    if (!place) return;
    const { start } = lineOf(text, place.start);
    const lineEnd = text.indexOf("\n", place.start);
    const stop = lineEnd < 0 ? text.length : lineEnd;
    const from = Math.max(start, place.start - 18);
    const to = Math.min(stop, Math.max(place.end, place.start + 1) + 18);
    const bad = text.slice(place.start, Math.min(place.end, place.start + 30, stop)) || " ";
    box.replaceChildren(
        (from > start ? "…" : "") + text.slice(from, place.start),
        element("em", {}, bad),
        text.slice(place.start + bad.length, to) + (to < stop ? "…" : ""),
    );
}

function goToPlace() {
    const place = state.place;
    const input = $("input");
    if (!place) return evaluateNow();
    if (place.control) return $(place.control).focus();
    input.focus();
    input.setSelectionRange(place.start, Math.max(place.end, place.start));
    const { line, start } = lineOf(input.value, place.start);
    input.scrollTop = Math.max(0, (line - 4) * LINE_HEIGHT);
    input.scrollLeft = Math.max(
        0,
        visualColumns(input.value.slice(start, place.start)) * charWidth() - input.clientWidth / 2,
    );
    drawEditor();
}

function showTokenForm(results, clear, show) {
    clear();
    $("token-form").hidden = false;
    results.classList.add("stale");
    if (document.activeElement === document.body) $("token").focus();
    if (token) show({ title: "The token was not accepted", detail: "Check it, and enter it again." }, null);
}
