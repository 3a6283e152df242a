/* rows.js: rows of a spreadsheet become a batch, and every value keeps its place in the text. */

const COLUMN_NAMES = {
    list: ["list", "list_id", "query", "query_id", "qid", "group", "session"],
    label: ["label", "relevance", "rel", "grade", "target", "y", "y_true"],
    score: ["score", "prediction", "pred", "s", "y_pred"],
    mask: ["mask", "valid"],
    weight: ["weight", "sample_weight", "w"],
};
const NO_VALUE = new Set(["", "null", "none", "na", "n/a", "nan", "-"]);

class RowError extends Error {
    constructor(detail, place) {
        super(detail);
        this.place = place;
    }
}

/* The plain form of a column's name, and which of our columns that names. */
const plainName = (text) => text.toLowerCase().replace(/[ -]/g, "_");
const columnOf = (text) =>
    Object.keys(COLUMN_NAMES).find((key) => COLUMN_NAMES[key].includes(plainName(text)));

/* One cell up to each delimiter; between quotes, which are doubled inside, a delimiter is text. */
const CELLS = {
    " ": /\S+/g,
    "\t": /\s*"(?:[^"]|"")*"[^\S\t]*(?=\t|$)|[^\t]*/g,
    ";": /\s*"(?:[^"]|"")*"\s*(?=;|$)|[^;]*/g,
    ",": /\s*"(?:[^"]|"")*"\s*(?=,|$)|[^,]*/g,
};
const QUOTED = /^"((?:[^"]|"")*)"$/;

/* The cells of a line: [{text, start, end}], positions in the whole text. */
function cutLine(line, offset, delimiter) {
    const cells = [];
    let last = -1;
    for (const part of line.matchAll(CELLS[delimiter])) {
        if (part.index === last) continue; /* the empty match right after a cell */
        const written = part[0].trim();
        const start = offset + part.index + part[0].indexOf(written);
        const text = written.replace(QUOTED, (_, inside) => inside.replaceAll('""', '"'));
        cells.push({ text, start, end: start + written.length });
        last = part.index + part[0].length;
    }
    return cells;
}

function findDelimiter(line) {
    const plain = line.replace(/"[^"]*"/g, "");
    return ["\t", ";", ","].find((mark) => plain.includes(mark)) ?? " ";
}

/* Which column is which: from a header line, else by their number. */
function findColumns(cells) {
    const names = cells.map((cell) => columnOf(cell.text));
    if (names.includes("label") && names.includes("score"))
        return {
            header: true,
            at: Object.fromEntries(names.map((name, i) => [name, i]).filter(([name]) => name)),
        };
    const plain = {
        2: ["label", "score"],
        3: ["list", "label", "score"],
        4: ["list", "label", "score", "mask"],
        5: ["list", "label", "score", "mask", "weight"],
    }[cells.length];
    if (!plain)
        throw new RowError(
            `expected 2 to 5 columns (list, label, score, mask, weight), found ${cells.length}`,
            cells[0],
        );
    return { header: false, at: Object.fromEntries(plain.map((name, i) => [name, i])) };
}

function readCell(cell, what, delimiter) {
    const word = cell.text.toLowerCase();
    if (what !== "weight" && what !== "mask" && NO_VALUE.has(word)) return null;
    if ((what === "label" || what === "mask") && (word === "true" || word === "false"))
        return word === "true";
    const plain = delimiter === "," ? cell.text : cell.text.replace(/^([^.,]*),([^.,]*)$/, "$1.$2");
    const value = plain === "" ? NaN : Number(plain);
    if (!Number.isFinite(value)) throw new RowError(`${what} is not a number: “${cell.text}”`, cell);
    if (what === "mask" && value !== 0 && value !== 1)
        throw new RowError("mask must be 0 or 1; name the columns in a first line if this is a weight", cell);
    return value;
}

/* The rows of a text: the cells of each line that is not blank. The first such line names the
 * delimiter, unless the caller knows it. */
function cutLines(text, delimiter) {
    const rows = [];
    let offset = 0;
    for (const line of text.split("\n")) {
        const start = offset;
        offset += line.length + 1;
        if (line.trim() === "") continue;
        delimiter ??= findDelimiter(line);
        rows.push(cutLine(line, start, delimiter));
    }
    return { rows, delimiter };
}

/* Reads rows into a batch; `cells[list][item]` is the place of each value in the text. */
function readRows(text) {
    const batch = { labels: [], scores: [], masks: [], weights: [] };
    const cells = [];
    const lists = new Map();
    const { rows, delimiter } = cutLines(text);
    const columns = findColumns(rows[0]);
    for (const row of rows.slice(columns.header ? 1 : 0))
        addRow(batch, cells, lists, columns.at, row, delimiter);
    if (cells.length === 0) throw new RowError("no rows yet", { start: 0, end: 0 });
    const { labels, scores: y_pred } = batch;
    const value = { y_true: "mask" in columns.at ? { labels, mask: batch.masks } : labels, y_pred };
    if ("weight" in columns.at) value.sample_weight = batch.weights;
    return { value, cells, names: [...lists.keys()] };
}

function addRow(batch, cells, lists, at, row, delimiter) {
    const cell = (name) => {
        if (row[at[name]]) return row[at[name]];
        throw new RowError(`${name} is missing in this row`, { start: row[0].start, end: row.at(-1).end });
    };
    const id = "list" in at ? cell("list").text : "";
    if (!lists.has(id)) {
        lists.set(id, lists.size);
        for (const column of Object.values(batch)) column.push([]);
        cells.push([]);
    }
    const list = lists.get(id);
    const places = {};
    for (const [name, column] of [
        ["label", "labels"],
        ["score", "scores"],
        ["mask", "masks"],
        ["weight", "weights"],
    ]) {
        if (!(name in at)) continue;
        places[name] = cell(name);
        batch[column][list].push(readCell(places[name], name, delimiter));
    }
    cells[list].push(places);
}
