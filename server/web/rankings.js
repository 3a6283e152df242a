/* rankings.js: draws each list as a ranking with arcs over its offending pairs, page by page. */

const ROW = 26;
const SMALLEST_CELL = 10;
const TEXT_CELL = 15;
const MORE_ROOM = 44;
const ARC_STEP = 0.3;
const ARC_TOP = 92;

function ranked(list) {
    if (!state.ranked.has(list)) state.ranked.set(list, rankItems(state.model, list));
    return state.ranked.get(list);
}

function gradeOf(label) {
    return `g${Math.max(0, Math.min(4, Math.round(Number(label))))}`;
}

function labelText(item) {
    return item.label === null
        ? "–"
        : typeof item.label === "boolean"
          ? String(Number(item.label))
          : format(item.label, 2);
}

/* Positions count from 0 here as in the daemon's replies; rows carry names of their own. */
function listName(list) {
    return state.batch.names?.[list] ? `List ${state.batch.names[list]}` : `List ${list}`;
}

function pageCount() {
    return Math.max(1, Math.ceil(state.main.per_list.length / PER_PAGE));
}

function listOrder() {
    const order = state.main.per_list.map((entry, list) => list);
    if ($("order").value === "loss")
        order.sort((a, b) => state.main.per_list[b].loss_sum - state.main.per_list[a].loss_sum || a - b);
    return order;
}

function drawLists() {
    const { main, options } = state;
    const shown = listOrder().slice(state.page * PER_PAGE, (state.page + 1) * PER_PAGE);
    const most = main.per_list.reduce((max, entry) => Math.max(max, entry.loss_sum), 0);
    const worst = (main.top_pairs ?? []).reduce((max, pairs) => Math.max(max, pairs[0]?.loss ?? 0), 0);
    const focused = document.activeElement?.dataset?.list;
    $("lists-title").textContent = `${plural(main.per_list.length, "list")} by score`;
    $("legend").children[2].lastChild.textContent =
        options.loss === "pairwise_mean_squared_error" ? "in order, wrong distance" : "in order, too close";
    $("legend").children[1].hidden = $("legend").children[2].hidden = !main.top_pairs;
    $("lists").replaceChildren(...shown.map((list) => listRow(list, most, worst)));
    if (focused !== undefined)
        $("lists").querySelector(`[data-list="${focused}"]`)?.focus({ preventScroll: true });
    $("pager").hidden = pageCount() === 1;
    $("page-word").textContent = `Page ${state.page + 1} of ${pageCount()}`;
    $("page-back").disabled = state.page === 0;
    $("page-next").disabled = state.page === pageCount() - 1;
}

function listRow(list, most, worst) {
    const entry = state.main.per_list[list];
    const chosen = list === state.chosen;
    const bar = element("i", { class: "lossbar" });
    bar.style.width = most > 0 ? `${Math.max(0, (100 * entry.loss_sum) / most)}%` : "0";
    const what = element(
        "div",
        {},
        element(
            "button",
            { type: "button", "aria-pressed": String(chosen), "data-list": list },
            listName(list),
        ),
        element(
            "p",
            { class: "what" },
            `loss ${format(entry.loss_sum, 4)}`,
            element("br"),
            `NDCG ${format(ndcgOf(list), 3)}, ${plural(entry.items, "item")}`,
        ),
        bar,
    );
    return element("li", chosen ? { class: "chosen" } : {}, what, rankingPicture(list, worst));
}

function ndcgOf(list) {
    return state.metrics.find((entry) => entry.name === "ndcg")?.per_list?.[list]?.metric;
}

/* How a ranking of `count` items fits the width: cells shrink first, then the last are left out. */
function rankingGrid(count) {
    const width = rankingWidth();
    const pitch = Math.min(ROW + 4, Math.max(SMALLEST_CELL, Math.floor((width - 2) / Math.max(1, count))));
    const fits = pitch * count <= width;
    const cell = pitch - (pitch > 20 ? 4 : 2);
    return {
        pitch,
        cell,
        shown: fits ? count : Math.max(1, Math.floor((width - MORE_ROOM) / pitch)),
        x: (rank) => rank * pitch + 1,
    };
}

/* The cells of a ranking, best score first, and an arc over each offending pair. */
function rankingPicture(list, worst) {
    const items = ranked(list);
    const grid = rankingGrid(items.length);
    const shown = items.slice(0, grid.shown);
    const left = items.length - shown.length;
    const position = new Map(shown.map((item) => [item.i, item.rank]));
    const pairs = (state.main.top_pairs?.[list] ?? []).filter(
        (pair) => position.has(pair.i) && position.has(pair.j),
    );
    const furthest = pairs.reduce(
        (most, pair) => Math.max(most, Math.abs(position.get(pair.i) - position.get(pair.j))),
        1,
    );
    const arcs = pairs.map((pair) =>
        arcOf(pair, position, items, worst, Math.min(ARC_STEP * grid.pitch, ARC_TOP / furthest)),
    );
    const top = Math.max(4, ...arcs.map((arc) => arc.height + 4));
    const end = grid.x(shown.length);
    const picture = shape("svg", {
        role: "img",
        width: end + (left > 0 ? MORE_ROOM - 2 : 1) + (items.length === 0 ? MORE_ROOM : 0),
        height: top + ROW + 1,
        "aria-label": describeRanking(items),
    });
    for (const arc of arcs.reverse())
        picture.append(
            shape("path", {
                class: `link ${arc.kind}`,
                d: arcPath(arc, top, grid),
                "stroke-width": arc.width,
            }),
        );
    for (const item of shown) picture.append(...cellOf(item, top, grid));
    if (left > 0 || items.length === 0)
        picture.append(
            shape(
                "text",
                { class: "more", x: end + 2, y: top + ROW / 2 + 4 },
                left > 0 ? `+${left}` : "empty",
            ),
        );
    return picture;
}

function rankingWidth() {
    const width = $("lists").clientWidth;
    return width > 520 ? width - 192 : width - 20;
}

function arcOf(pair, position, items, worst, step) {
    const a = position.get(pair.i);
    const b = position.get(pair.j);
    const wrong = items[a].y > items[b].y === items[a].s <= items[b].s && items[a].y !== items[b].y;
    return {
        from: Math.min(a, b),
        to: Math.max(a, b),
        height: 8 + step * Math.abs(a - b),
        width: (1 + 4 * (worst > 0 ? pair.loss / worst : 0)).toFixed(2),
        kind: wrong ? "bad" : "close",
    };
}

function arcPath(arc, top, grid) {
    const from = grid.x(arc.from) + grid.cell / 2;
    const to = grid.x(arc.to) + grid.cell / 2;
    const lift = top - arc.height * 1.3;
    return `M${from} ${top - 1}C${from} ${lift} ${to} ${lift} ${to} ${top - 1}`;
}

function cellOf(item, top, { cell, x }) {
    const kind = item.valid ? gradeOf(item.y) : "not";
    const deep = kind === "g3" || kind === "g4" ? " deep" : "";
    const at = x(item.rank);
    const box = shape("rect", {
        class: `cell ${kind}`,
        x: at,
        y: top,
        width: cell,
        height: ROW - 1,
        rx: cell > 18 ? 6 : 3,
    });
    if (cell < TEXT_CELL) return [box];
    return [
        box,
        shape(
            "text",
            { class: `cell-text${deep}${item.valid ? "" : " not"}`, x: at + cell / 2, y: top + ROW / 2 },
            labelText(item),
        ),
    ];
}

function describeRanking(items) {
    if (items.length === 0) return "An empty list";
    const labels = items.slice(0, 20).map((item) => (item.valid ? labelText(item) : "not valid"));
    return `Labels by score, best first: ${labels.join(", ")}${items.length > 20 ? ", …" : ""}`;
}

function chooseList(list) {
    state.chosen = list;
    state.rows = FIRST_ROWS;
    drawLists();
    drawDetail();
}
