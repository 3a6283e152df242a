/*
 * comparetable.js: turns a whole table, or the JSON of a request, into the three columns of a
 * comparison.
 *
 * The result is {labels, a, b, names: {a, b}, options, note}; members that were not found are
 * absent, and the note says in words what was left out.
 */

/* Members of a request to /v1/compare that are read; the last three have a control. */
const COMPARE_MEMBERS = new Set([
    ...["y_true", "systems", "baseline", "sample_weight", "list_ids", "groups"],
    ...["losses", "metrics", "k", "confidence_level", "definition"],
]);

const asWord = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));
const oneLine = (text) => text.replace(/\s+/g, " ").trim();
const noteOf = (parts) => parts.filter(Boolean).join(" ");

/* ---- JSON -------------------------------------------------------------------------------------- */

const asLists = (value) => (Array.isArray(value?.[0]) ? value : [value]);

/* Text that is JSON, or null: it may still be half typed. */
function parseJson(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

function idsOf(value, count) {
    const ids = Array.isArray(value.list_ids) ? value.list_ids.map((id) => oneLine(String(id))) : [];
    const own = ids.length === count && new Set(ids).size === count && !ids.includes("");
    return { ids: own ? ids : Array.from({ length: count }, (_, list) => String(list)), own };
}

/* Weight of an item, whether there is one for all, one for each list or one for each item. */
function weightAt(weight, list, item) {
    const row = Array.isArray(weight) ? weight[list] : weight;
    return Array.isArray(row) ? row[row.length === 1 ? 0 : item] : row;
}

function labelRows(value) {
    const masked = isObject(value.y_true);
    const labels = asLists(masked ? value.y_true.labels : value.y_true);
    const mask = masked && value.y_true.mask ? asLists(value.y_true.mask) : null;
    const { ids } = idsOf(value, labels.length);
    const weighted = value.sample_weight !== undefined && value.sample_weight !== null;
    return labels.flatMap((list, l) =>
        (Array.isArray(list) ? list : [list]).map((label, i) => {
            const cells = [ids[l]];
            if (value.groups || weighted) cells.push(oneLine(String(value.groups?.[l] ?? "")));
            cells.push(mask && !mask[l]?.[i] ? "null" : asWord(label));
            if (weighted) cells.push(asWord(weightAt(value.sample_weight, l, i)));
            return cells.join("\t");
        }),
    );
}

const scoreRows = (scores) => asLists(scores).flat().map(asWord);

/* The baseline and the system beside it. */
function chooseSystems(value) {
    const names = Object.keys(value.systems);
    const a = names.includes(value.baseline) ? value.baseline : names[0];
    return { a, b: names.find((name) => name !== a) ?? "", others: names.length - 2 };
}

function takeRequest(value) {
    const { a, b, others } = chooseSystems(value);
    const labels = asLists(isObject(value.y_true) ? value.y_true.labels : value.y_true);
    const left = Object.keys(value).filter((name) => !COMPARE_MEMBERS.has(name));
    return {
        labels: labelRows(value).join("\n"),
        a: scoreRows(value.systems[a]).join("\n"),
        b: scoreRows(value.systems[b] ?? []).join("\n"),
        names: { a, b },
        options: value,
        note: noteOf([
            others > 0 && `Took two of ${others + 2} systems.`,
            left.length > 0 && `Left out: ${left.join(", ")}.`,
            value.list_ids && !idsOf(value, labels.length).own && "Lists are numbered: their ids repeat.",
            labels.some((list) => list?.length === 0) && "Left out lists without items.",
        ]),
    };
}

function takeJson(column, text) {
    const value = parseJson(text);
    if (Array.isArray(value))
        return column === "labels"
            ? { labels: labelRows({ y_true: value }).join("\n") }
            : { [column]: scoreRows(value).join("\n") };
    return isObject(value) && isObject(value.systems) && value.y_true !== undefined
        ? takeRequest(value)
        : null;
}

/* ---- Tables ------------------------------------------------------------------------------------ */

/* What each column of a table is, from its first line; one whose name is none of ours is a system. */
function tableRoles(cells) {
    const roles = cells.map(({ text }) => {
        const role = plainName(text) === "group" ? "group" : columnOf(text);
        return role && role !== "score" ? role : "system";
    });
    if (!roles.includes("list") && roles.includes("group")) roles[roles.indexOf("group")] = "list";
    return roles;
}

function labelCellsOf(row, roles) {
    const cell = (role) => row[roles.indexOf(role)]?.text ?? "";
    const grouped = roles.includes("group");
    const weighted = roles.includes("weight");
    const valid = !roles.includes("mask") || ["1", "true"].includes(cell("mask").toLowerCase());
    const cells = [roles.includes("list") ? cell("list") : "0"];
    if (grouped || weighted) cells.push(grouped ? cell("group") : "");
    cells.push(valid ? cell("label") || "null" : "null");
    if (weighted) cells.push(cell("weight"));
    return cells.join("\t");
}

/* A table whose first line names its columns. */
function takeTable(text) {
    const { rows } = cutLines(text);
    if (rows.length < 2) return null;
    const roles = tableRoles(rows[0]);
    if (!roles.includes("label")) return null;
    const systems = [...roles.keys()].filter((at) => roles[at] === "system");
    const scores = (at) =>
        rows
            .slice(1)
            .map((row) => row[at]?.text || "null")
            .join("\n");
    const taken = {
        labels: rows
            .slice(1)
            .map((row) => labelCellsOf(row, roles))
            .join("\n"),
        names: {},
    };
    SIDES.forEach((side, i) => {
        if (systems[i] === undefined) return;
        taken[side] = scores(systems[i]);
        taken.names[side] = rows[0][systems[i]].text;
    });
    if (systems.length > 2) taken.note = `Took two of ${systems.length} columns of scores.`;
    return taken;
}

/* One column of scores whose first line is the system's name. */
function takeNamed(column, text) {
    const { rows } = cutLines(text, "\t");
    const name = rows[0]?.[0].text ?? "";
    const named = rows.length > 1 && rows[0].length === 1 && !NO_VALUE.has(name.toLowerCase());
    if (!named || Number.isFinite(Number(name.replace(",", ".")))) return null;
    const scores = rows.slice(1).map((row) => row.map((cell) => cell.text).join("\t"));
    return { [column]: scores.join("\n"), names: { [column]: name } };
}

/* What was put into a column, if it is more than that column's rows; else null. */
function takeApart(column, text) {
    const first = text.trimStart()[0];
    if (first === "{" || first === "[") return takeJson(column, text);
    if (first === undefined) return null;
    return takeTable(text) ?? (column === "labels" ? null : takeNamed(column, text));
}
