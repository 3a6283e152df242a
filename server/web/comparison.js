/* comparison.js: draws the verdict on the chosen measure, and all measures beside each other. */

/* Below this many lists an interval is a rough guess. */
const FEW_LISTS = 10;

const entryNamed = (name) => comparing.reply.results.find((entry) => entry.name === name);
const valueOf = (part) => part.loss ?? part.metric;

function showComparison(batch, options, reply) {
    clearCompareProblem();
    Object.assign(comparing, { batch, options, reply, names: options.names });
    $("cmp-empty").hidden = true;
    $("cmp-cards").hidden = false;
    $("cmp-labels-name").textContent = batch.layout.join(", ");
    drawComparison();
    drawCode();
}

function drawComparison() {
    const entry = entryNamed(comparing.measure);
    drawVerdict(entry);
    drawMeasures();
    drawChanges(entry);
    drawGroups(entry);
}

function chooseMeasure(name) {
    comparing.measure = name;
    compareNow();
}

/* ---- Verdict ----------------------------------------------------------------------------------- */

function drawVerdict(entry) {
    const { names, reply } = comparing;
    const comparison = entry.comparisons[0];
    const verdict = judge(entry.name, comparison, reply.level);
    const title = verdictTitle(verdict, names, reply.level);
    $("cmp-verdict-title").textContent = measureTitle(entry);
    $("cmp-verdict").textContent = title;
    $("cmp-verdict").dataset.verdict = verdict;
    $("cmp-sentence").textContent = verdictSentence(verdict, entry, comparison, reply.level);
    $("cmp-facts").replaceChildren(...verdictFacts(entry, comparison).map(fact));
    $("cmp-picture").replaceChildren(verdictPicture(entry.name, comparison, verdict));
    $("cmp-warning").textContent = warningOf(comparison);
    $("cmp-warning").hidden = !$("cmp-warning").textContent;
    const spoken = `${measureTitle(entry)}: ${title}`;
    if ($("cmp-announce").textContent !== spoken) $("cmp-announce").textContent = spoken;
}

const fact = ([word, value]) => element("div", {}, element("dt", {}, word), element("dd", {}, value));

function verdictFacts(entry, comparison) {
    const { names } = comparing;
    return [
        [names.a, format(valueOf(entry.systems[names.a]), 5)],
        [names.b, format(valueOf(entry.systems[names.b]), 5)],
        ["Difference", signed(comparison.difference, 5)],
        ["Paired t test", chanceWord(comparison.p_value.t)],
        ["Randomization test", chanceWord(comparison.p_value.randomization)],
        [
            "Lists better, equal, worse",
            ["better", "equal", "worse"].map((way) => format(comparison[way])).join(" · "),
        ],
    ];
}

function verdictPicture(name, comparison, verdict) {
    const look = { reach: reachOf(comparison), width: 360, height: 40, pad: 16, verdict };
    return intervalPicture(name, comparison, look);
}

function warningOf({ better, equal, worse }) {
    const lists = better + equal + worse;
    return lists > 0 && lists < FEW_LISTS
        ? `With ${plural(lists, "list")} the intervals and tests are rough.`
        : "";
}

/* ---- Measures ---------------------------------------------------------------------------------- */

function drawMeasures() {
    const { names, options, reply } = comparing;
    for (const side of SIDES) headSystem($(`cmp-head-${side}`), names[side]);
    const focused = document.activeElement?.dataset?.measure;
    $("cmp-rows").replaceChildren(...options.measures.map((name) => measureRow(entryNamed(name))));
    if (focused) $("cmp-rows").querySelector(`[data-measure="${focused}"]`)?.focus({ preventScroll: true });
    $("cmp-many").hidden = options.measures.length < 2;
    $("cmp-many").textContent =
        `Each measure is tested by itself at ${levelWord(reply.level)}. The more you look at, the likelier ` +
        "one looks significant by chance: decide by the one that you chose beforehand.";
}

/* A long name is cut off in the head of a column, and shown in full when pointed at. */
function headSystem(head, name) {
    head.textContent = name;
    head.title = name;
}

function measureRow(entry) {
    const { names, measure, reply } = comparing;
    const comparison = entry.comparisons[0];
    const verdict = judge(entry.name, comparison, reply.level);
    const chosen = entry.name === measure;
    const values = SIDES.map((side) => steady(valueOf(entry.systems[names[side]])));
    const button = element(
        "button",
        { type: "button", "aria-pressed": String(chosen), "data-measure": entry.name },
        measureTitle(entry),
    );
    const look = { reach: reachOf(comparison), width: 170, height: 24, pad: 8, verdict };
    return element(
        "tr",
        {},
        element("td", {}, button, element("span", { class: "tight note" }, values.join(" → "))),
        ...values.map((value) => element("td", { class: "n fair" }, value)),
        element("td", { class: "n" }, steadySigned(comparison.difference)),
        element("td", { class: "roomy" }, intervalPicture(entry.name, comparison, look)),
        element(
            "td",
            {},
            verdictChip(verdict),
            element("span", { class: "chance" }, chanceWord(comparison.p_value.t)),
        ),
        element("td", { class: "roomy" }, shareBar(comparison)),
    );
}

const verdictChip = (verdict) =>
    element("span", { class: `verdict-chip ${verdict}` }, VERDICT_WORDS[verdict]);

/* How many lists got better, stayed, got worse: a bar, and the numbers. */
function shareBar({ better, equal, worse }) {
    const parts = Object.entries({ better, equal, worse }).map(([way, count]) => {
        const part = element("i", { class: way });
        part.style.flexGrow = String(count);
        return part;
    });
    return element(
        "span",
        { class: "shares" },
        element("span", { class: "share-bar", "aria-hidden": "true" }, ...parts),
        element("span", {}, `${format(better)} · ${format(equal)} · ${format(worse)}`),
    );
}
