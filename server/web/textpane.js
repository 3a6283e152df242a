/* textpane.js: the editor of the batch: line numbers, the mark, and which options it sets. */

const LINE_HEIGHT = 20;
const PADDING_TOP = 10;
const PADDING_LEFT = 12;
const TAB_SIZE = 8;
const editor = { lines: 1, mark: null };

const charWidth = (() => {
    let width = 0;
    return () => {
        if (width) return width;
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = getComputedStyle($("input")).font;
        return (width = pen.measureText("0".repeat(100)).width / 100);
    };
})();

function visualColumns(text) {
    let column = 0;
    for (const mark of text) column += mark === "\t" ? TAB_SIZE - (column % TAB_SIZE) : 1;
    return column;
}

function markPlace(place) {
    const text = $("input").value;
    $("editor").classList.toggle("wrong", Boolean(place));
    markInvalid($("input"), Boolean(place));
    editor.mark = null;
    if (place) {
        const { line, start } = lineOf(text, place.start);
        const from = visualColumns(text.slice(start, place.start));
        editor.mark = { line, from, to: Math.max(from + 1, visualColumns(text.slice(start, place.end))) };
    }
    drawEditor();
}

/* Numbers the visible lines of a text area. */
function drawGutter(gutter, input, lines, marked) {
    const first = Math.max(0, Math.floor((input.scrollTop - PADDING_TOP) / LINE_HEIGHT));
    const last = Math.min(lines, first + Math.ceil(input.clientHeight / LINE_HEIGHT) + 2);
    const numbers = [];
    for (let line = first + 1; line <= last; line++)
        numbers.push(line === marked ? element("b", {}, String(line)) : `${line}\n`);
    gutter.replaceChildren(...numbers);
    gutter.style.transform = `translateY(${PADDING_TOP + first * LINE_HEIGHT - input.scrollTop}px)`;
}

function drawEditor() {
    const input = $("input");
    drawGutter($("gutter"), input, editor.lines, editor.mark?.line);
    $("mark").hidden = !editor.mark;
    if (!editor.mark) return;
    const { line, from, to } = editor.mark;
    const mark = $("mark").style;
    mark.top = `${PADDING_TOP + (line - 1) * LINE_HEIGHT - input.scrollTop}px`;
    mark.left = `${PADDING_LEFT + from * charWidth() - input.scrollLeft}px`;
    mark.width = `${(to - from) * charWidth()}px`;
}

function linesOf(text) {
    let lines = 1;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
    return lines;
}

function countLines() {
    editor.lines = linesOf($("input").value);
    drawEditor();
}

/* Inserting undoably takes Chromium time quadratic in the number of lines: 10 s for 600. */
const UNDO_LINES = 100;
const canUndo = (text) => text.length <= 100000 && linesOf(text) <= UNDO_LINES;

/*
 * Replaces the text so that the browser's undo can restore the old one, if it supports that. That
 * takes the focus for a moment; where nothing has it yet, Tab must go on from the top of the page.
 */
function replaceText(input, text) {
    const before = document.activeElement;
    if (before === document.body) {
        input.value = text;
        return;
    }
    input.focus({ preventScroll: true });
    input.select();
    const small = canUndo(text) && canUndo(input.value);
    if (!small || !document.execCommand("insertText", false, text)) input.value = text;
    input.setSelectionRange(0, 0);
    input.scrollTop = input.scrollLeft = 0;
    if (before instanceof HTMLElement && before !== input) before.focus({ preventScroll: true });
}

function setInput(text) {
    replaceText($("input"), text);
    countLines();
    evaluateNow();
}

function describeInput(batch) {
    const words = { empty: "", json: "JSON: y_true, y_pred and, if you like, sample_weight.", rows: "" };
    if (batch.kind === "rows")
        words.rows = `Rows: ${plural(batch.cells.length, "list")} in ${plural(
            batch.cells.reduce((sum, list) => sum + list.length, 0),
            "row",
        )}.`;
    $("input-kind").textContent = words[batch.kind];
}

/* A control shows the batch's value while the batch has one, and its own again afterwards. */
function lendControl(control, lent, value) {
    if (lent && control.dataset.own === undefined) control.dataset.own = control.value;
    if (lent) control.value = value ?? "none";
    else if (control.dataset.own !== undefined) {
        control.value = control.dataset.own;
        delete control.dataset.own;
    }
    control.disabled = lent;
}

function lendControls(value) {
    const own = isObject(value) ? value : {};
    const lent = OPTION_NAMES.filter((name) => name in own);
    for (const name of OPTION_NAMES) lendControl($(name), lent.includes(name), own[name]);
    $("temperature-slider").disabled = lent.includes("temperature");
    const temperature = Number($("temperature").value);
    if (temperature > 0) $("temperature-slider").value = Math.log10(temperature);
    $("options-note").hidden = lent.length === 0;
    $("options-note").textContent = `Set in the batch: ${lent.join(", ")}.`;
}
