/*
 * differences.js: every list's change, drawn as bars from the best to the worst, and the lists that
 * changed most as a table.
 */

const CHANGES_HEIGHT = 190;
const CHANGES_PAD = 6;
const CHANGES_STEP = 10; /* lists that Page Up and Page Down move by */
const CHANGED_ROWS = 10;

const changes = { entry: null, bars: [], at: null };

/* The lists' own values, as far as the reply has them. */
function valuesOf(entry, side) {
    const { worst } = entry.systems[comparing.names[side]].summary;
    return new Map(worst.map(({ list, value }) => [list, value]));
}

/* Every list with its change and both values: best first. Where the reply does not hold all lists,
 * those in the middle are missing. */
function listChanges(entry) {
    const { better, equal, worse, changed_most } = entry.comparisons[0];
    const values = { a: valuesOf(entry, "a"), b: valuesOf(entry, "b") };
    const complete = values.a.size === better + equal + worse;
    const moved = new Set([...changed_most.better, ...changed_most.worse].map(({ list }) => list));
    const still = complete
        ? [...values.a.keys()].filter((list) => !moved.has(list)).sort((x, y) => x - y)
        : [];
    const bars = [
        ...changed_most.better,
        ...still.map((list) => ({ list, difference: 0 })),
        ...[...changed_most.worse].reverse(),
    ];
    return bars.map(({ list, difference }) => ({
        list,
        difference,
        a: values.a.get(list),
        b: values.b.get(list),
    }));
}

function drawChanges(entry) {
    changes.entry = entry;
    changes.bars = listChanges(entry);
    changes.at = null;
    const { better, equal, worse } = entry.comparisons[0];
    const lists = better + equal + worse;
    $("cmp-changes-title").textContent = `${measureTitle(entry)}: change of each list`;
    $("cmp-changes-count").textContent =
        `${format(better)} better, ${format(equal)} equal, ${format(worse)} worse. ` +
        "The dashed line is the difference over all lists." +
        (changes.bars.length < lists
            ? ` Drawn are the ${format(comparing.top)} largest changes each way, of ${plural(lists, "list")}.`
            : "");
    drawChangeChart();
    drawChanged();
}

/* ---- Chart ------------------------------------------------------------------------------------- */

/* Places of the bars: up is better, and the scale is the same both ways. */
function changeScale() {
    const width = Math.max(200, $("cmp-changes").clientWidth);
    const sizes = changes.bars.map((bar) => betterBy(changes.entry.name, bar.difference));
    const high = Math.max(0, ...sizes);
    const low = Math.min(0, ...sizes);
    const room = CHANGES_HEIGHT - 2 * CHANGES_PAD;
    const step = width / Math.max(1, sizes.length);
    return {
        width,
        step,
        sizes,
        bar: Math.max(0.7, step - Math.min(3, step / 4)),
        y: (size) => CHANGES_PAD + (room * (high - size)) / (high - low || 1),
    };
}

function drawChangeChart() {
    const scale = changeScale();
    const zero = scale.y(0);
    const picture = $("cmp-changes");
    picture.setAttribute("height", CHANGES_HEIGHT);
    picture.setAttribute("viewBox", `0 0 ${scale.width} ${CHANGES_HEIGHT}`);
    const bars = scale.sizes.map((size, i) => {
        const end = scale.y(size);
        return shape("rect", {
            class: size > 0 ? "better" : size < 0 ? "worse" : "equal",
            x: i * scale.step,
            y: Math.min(zero, end),
            width: scale.bar,
            height: Math.max(1, Math.abs(end - zero)),
        });
    });
    const mean = betterBy(changes.entry.name, changes.entry.comparisons[0].difference);
    const level = Math.max(0, Math.min(CHANGES_HEIGHT, scale.y(mean)));
    const [best, worst] = [changes.bars[0], changes.bars.at(-1)].map((bar) =>
        signed(bar?.difference ?? 0, 3),
    );
    $("cmp-up").textContent = `${best} ↑ better`;
    $("cmp-down").textContent = `${worst} ↓ worse`;
    picture.replaceChildren(
        ...bars,
        shape("path", { class: "zero", d: `M0 ${zero}H${scale.width}` }),
        shape("path", { class: "average", d: `M0 ${level}H${scale.width}` }),
        shape("rect", {
            id: "cmp-cursor",
            class: "cursor",
            y: 0,
            height: CHANGES_HEIGHT,
            visibility: "hidden",
        }),
    );
    pointAtChange(changes.at);
}

const HOW_TO_READ = "Point at a bar, or move from bar to bar with the arrow keys.";

/* The list under the pointer or the keys, in words; null for none. */
function pointAtChange(at) {
    const cursor = $("cmp-cursor");
    changes.at = at !== null && changes.bars[at] ? at : null;
    cursor?.setAttribute("visibility", changes.at === null ? "hidden" : "visible");
    $("cmp-readout").textContent = changes.at === null ? HOW_TO_READ : changeWords(changes.bars[at], at);
    if (changes.at === null) return;
    const { step } = changeScale();
    const wide = Math.max(step, 3);
    cursor.setAttribute("x", (at + 0.5) * step - wide / 2);
    cursor.setAttribute("width", wide);
}

function changeWords(bar, at) {
    const { name, group } = comparing.batch.lists[bar.list];
    const values =
        bar.a === undefined || bar.b === undefined ? "" : `: ${format(bar.a, 4)} → ${format(bar.b, 4)}`;
    return (
        `${name}${group ? `, group ${group}` : ""}${values}, difference ${signed(bar.difference)}. ` +
        `Rank ${format(at + 1)} of ${format(changes.bars.length)}.`
    );
}

function changeFromPointer(event) {
    const box = $("cmp-changes").getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    pointAtChange(Math.max(0, Math.min(changes.bars.length - 1, Math.floor(share * changes.bars.length))));
}

function changeFromKey(event) {
    const last = changes.bars.length - 1;
    const at = changes.at ?? -1;
    const next = {
        ArrowRight: at + 1,
        ArrowLeft: at - 1,
        PageDown: at + CHANGES_STEP,
        PageUp: at - CHANGES_STEP,
        Home: 0,
        End: last,
    }[event.key];
    if (next === undefined || last < 0) return;
    event.preventDefault();
    pointAtChange(Math.max(0, Math.min(last, next)));
}

/* ---- Table ------------------------------------------------------------------------------------- */

function drawChanged() {
    const way = $("cmp-way").value;
    const changed = way === "better" ? changes.bars : [...changes.bars].reverse();
    const sign = way === "better" ? 1 : -1;
    const rows = changed
        .filter((bar) => sign * betterBy(changes.entry.name, bar.difference) > 0)
        .slice(0, CHANGED_ROWS);
    const most = Math.abs(rows[0]?.difference ?? 0);
    for (const side of SIDES) headSystem($(`cmp-changed-${side}`), comparing.names[side]);
    $("cmp-changed-group").hidden = !comparing.batch.grouped;
    $("cmp-changed").hidden = rows.length === 0;
    $("cmp-changed-none").hidden = rows.length > 0;
    $("cmp-changed-none").textContent = `No list got ${way}.`;
    $("cmp-changed-rows").replaceChildren(...rows.map((bar) => changedRow(bar, way, most)));
}

function changedRow(bar, way, most) {
    const { name, group } = comparing.batch.lists[bar.list];
    const track = element("span", { class: `change-bar ${way}`, "aria-hidden": "true" }, element("i"));
    track.firstChild.style.width = `${most > 0 ? (100 * Math.abs(bar.difference)) / most : 0}%`;
    const look = element(
        "button",
        {
            type: "button",
            class: "changed-list",
            "data-list": bar.list,
            title: "Look at both rankings of this list",
        },
        name,
    );
    return element(
        "tr",
        {},
        element("td", {}, look),
        ...(comparing.batch.grouped ? [element("td", { class: "fair" }, group)] : []),
        element("td", { class: "n" }, steady(bar.a)),
        element("td", { class: "n" }, steady(bar.b)),
        element("td", { class: "n" }, steadySigned(bar.difference)),
        element("td", { class: "roomy" }, track),
    );
}

/* Both systems' rankings of one list, as a batch of two lists in the other half of the page. */
function lookAtList(index) {
    const { batch, names } = comparing;
    const list = batch.lists[index];
    const rows = SIDES.flatMap((side) =>
        list.labels.map((label, i) =>
            [`${list.name} · ${names[side]}`, Number(label ?? NaN), list[side][i]]
                .map((cell) => (cell === null || Number.isNaN(cell) ? "null" : cell))
                .join("\t"),
        ),
    );
    chooseMode("evaluate");
    $("sample").value = "own";
    state.chosen = state.page = 0;
    setInput(["list\tlabel\tscore", ...rows].join("\n"));
    $("results").focus();
}
