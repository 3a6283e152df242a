/*
 * comparepane.js: the three columns of a comparison: they scroll together, show their row numbers and
 * the row that is wrong, and take files and whole tables.
 */

const FILE_BYTES = 8e6;
const columnBox = (column) => $(`cmp-${column}`);
const nameBox = (side) => $(`cmp-name-${side}`);

const comparePane = { lines: 1, marked: null };

function columnTexts() {
    return Object.fromEntries(COMPARE_COLUMNS.map((column) => [column, columnBox(column).value]));
}

const systemNames = () => Object.fromEntries(SIDES.map((side) => [side, nameBox(side).value.trim()]));

function drawColumns() {
    drawGutter($("cmp-gutter"), columnBox("labels"), comparePane.lines, comparePane.marked);
}

/* One scroll position for all three. */
function scrollTogether(event) {
    for (const column of COMPARE_COLUMNS)
        if (columnBox(column) !== event.target) columnBox(column).scrollTop = event.target.scrollTop;
    drawColumns();
}

/* place: {column, start} or null. */
function markColumn(place) {
    for (const column of COMPARE_COLUMNS) markInvalid(columnBox(column), place?.column === column);
    comparePane.marked = place ? lineOf(columnBox(place.column).value, place.start).line : null;
    drawColumns();
}

/* Puts what was taken apart into the columns, names and controls. */
function putColumns(taken) {
    for (const column of COMPARE_COLUMNS)
        if (taken[column] !== undefined) replaceText(columnBox(column), taken[column]);
    for (const side of SIDES) if (taken.names?.[side]) nameBox(side).value = taken.names[side];
    if (taken.options) putCompareOptions(taken.options);
    $("cmp-note").textContent = taken.note ?? "";
    $("cmp-note").hidden = !taken.note;
    comparePane.lines = linesOf(columnBox("labels").value);
    drawColumns();
    compareNow();
}

/* Typing or pasting in a column. */
function columnChanged(column) {
    $("cmp-sample").value = "own";
    const taken = takeApart(column, columnBox(column).value);
    if (taken) return putColumns(taken);
    comparePane.lines = linesOf(columnBox("labels").value);
    drawColumns();
    compareSoon();
}

function swapSystems() {
    const { a, b } = columnTexts();
    const names = systemNames();
    putColumns({ a: b, b: a, names: { a: names.b, b: names.a } });
}

/* JSON, or a table with a first line of names; the columns stay as they are if it is neither. */
async function takeFile(file) {
    if (!file) return;
    const refuse = (detail) => showCompareProblem({ title: `${file.name} cannot be read`, detail }, null);
    if (file.size > FILE_BYTES) return refuse(`Files of up to ${format(FILE_BYTES / 1e6)} MB are read here.`);
    const text = (await file.text()).replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
    const taken = takeApart("labels", text);
    if (!taken?.a || !taken.b)
        return refuse(
            "Expected JSON with y_true and systems, or CSV whose first line names a column label, " +
                "two columns of scores and, if you like, list, group, weight and mask.",
        );
    $("cmp-sample").value = "own";
    putColumns(taken);
}

function listenToColumns() {
    for (const column of COMPARE_COLUMNS) {
        columnBox(column).addEventListener("input", () => columnChanged(column));
        columnBox(column).addEventListener("scroll", scrollTogether, { passive: true });
    }
    for (const side of SIDES) nameBox(side).addEventListener("input", compareSoon);
    $("cmp-swap").addEventListener("click", swapSystems);
    $("cmp-open").addEventListener("click", () => $("cmp-file").click());
    $("cmp-file").addEventListener("change", async (event) => {
        await takeFile(event.target.files[0]);
        event.target.value = ""; /* so that the same file can be opened again */
    });
    $("cmp-columns").addEventListener("dragover", (event) => {
        if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
    $("cmp-columns").addEventListener("drop", (event) => {
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        takeFile(event.dataTransfer.files[0]);
    });
    new ResizeObserver(drawColumns).observe($("cmp-columns"));
}
