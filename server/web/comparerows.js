/*
 * comparerows.js: turns three columns of text, one item a row, into the lists of a comparison, where
 * every value keeps its place: {column, start, end}.
 *
 * The first column holds list, group, label and weight, as many of them as the first row has cells;
 * the other two hold the scores of the baseline (a) and of the candidate (b).
 */

const SIDES = ["a", "b"];
const COMPARE_COLUMNS = ["labels", ...SIDES];
const LABEL_LAYOUTS = {
    1: ["label"],
    2: ["list", "label"],
    3: ["list", "group", "label"],
    4: ["list", "group", "label", "weight"],
};

const failAt = (column, detail, place) => {
    throw new RowError(detail, { ...place, column });
};

/* The rows of one column, whose cells know the column. */
function cutColumn(column, text, delimiter) {
    const cut = cutLines(text, delimiter);
    for (const row of cut.rows) for (const cell of row) cell.column = column;
    return cut;
}

/* The scores of a system and their places, one for each label. */
function readScores(side, text, wanted) {
    const { rows } = cutColumn(side, text, "\t");
    for (const row of rows)
        if (row.length > 1) failAt(side, `one score in each row was expected, found ${row.length}`, row[1]);
    const cells = rows.map((row) => row[0]);
    const counts = `${plural(cells.length, "score")} for ${plural(wanted, "label")}`;
    if (cells.length < wanted)
        failAt(side, `${counts}: the rest is missing`, { start: text.length, end: text.length });
    if (cells.length > wanted) failAt(side, `${counts}: from here on there is no label`, cells[wanted]);
    return cells;
}

/* JSON that is still here was not understood when it was put in. */
function refuseJson(column, text) {
    const start = skipSpace(text, 0);
    if (text[start] === "{" || text[start] === "[")
        failAt(column, "rows were expected, or the JSON of a request with y_true and systems", {
            start,
            end: start + 1,
        });
}

/* texts: the three columns. null where there are no labels yet. */
function readComparison(texts) {
    for (const column of COMPARE_COLUMNS) refuseJson(column, texts[column]);
    const { rows, delimiter } = cutColumn("labels", texts.labels);
    if (rows.length === 0) return null;
    const layout = LABEL_LAYOUTS[rows[0].length];
    if (!layout)
        failAt("labels", `1 to 4 cells (list, group, label, weight) were expected`, {
            start: rows[0][0].start,
            end: rows[0].at(-1).end,
        });
    const scores = Object.fromEntries(
        SIDES.map((side) => [side, readScores(side, texts[side], rows.length)]),
    );
    const lists = new Map();
    rows.forEach((row, i) => {
        const cells = labelCells(row, layout);
        for (const side of SIDES) cells[side] = scores[side][i];
        addItem(lists, cells, delimiter);
    });
    const grouped = [...lists.values()].some((list) => list.group !== "");
    return { lists: [...lists.values()], layout, weighted: layout.includes("weight"), grouped };
}

function labelCells(row, layout) {
    if (row.length !== layout.length)
        failAt("labels", `${plural(layout.length, "cell")} were expected, as in the first row`, {
            start: row[0].start,
            end: row.at(-1).end,
        });
    return Object.fromEntries(layout.map((name, i) => [name, row[i]]));
}

function addItem(lists, cells, delimiter) {
    const name = cells.list?.text ?? "0";
    const group = cells.group?.text ?? "";
    if (!lists.has(name)) lists.set(name, { name, group, labels: [], a: [], b: [], weights: [], cells: [] });
    const list = lists.get(name);
    if (list.group !== group)
        failAt("labels", `list ${name} was in group “${list.group}” further up`, cells.group);
    list.labels.push(readCell(cells.label, "label", delimiter));
    for (const side of SIDES) list[side].push(readCell(cells[side], "score", "\t"));
    if (cells.weight) list.weights.push(readCell(cells.weight, "weight", delimiter));
    list.cells.push(cells);
}
