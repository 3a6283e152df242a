/* compareask.js: turns the columns into one request to /v1/compare, and places its problems. */

/* The page asks for every list's change up to this many, if the daemon allows that many (max-top-k). */
const DRAWN_CHANGES = 2000;

const comparing = { batch: null, options: null, reply: null, measure: "ndcg", top: 10 };
const comparison = makeLine("cmp-results");
const compareTyping = makeDelay(compare, () => columnBox("labels").value.length);
const compareSoon = compareTyping.soon;
const compareNow = compareTyping.now;

/* ---- Options ----------------------------------------------------------------------------------- */

const measureBoxes = () => [...$("cmp-measures").querySelectorAll("input")];
const chosenMeasures = () =>
    measureBoxes()
        .filter((box) => box.checked)
        .map((box) => box.value);

function readCompareOptions() {
    const names = systemNames();
    const k = $("cmp-k").value;
    return {
        names,
        measures: chosenMeasures(),
        k: k === "" ? undefined : Number(k),
        level: Number($("cmp-level").value),
        definition: $("cmp-definition").value,
    };
}

/* Shows the options of a request in the controls, as far as there are controls for them. */
function putCompareOptions(request) {
    const entries = [request.metrics, request.losses].filter(Array.isArray).flat();
    const named = entries.map((entry) => entry?.name ?? entry);
    const known = measureBoxes().filter((box) => named.includes(box.value));
    if (known.length > 0) for (const box of measureBoxes()) box.checked = known.includes(box);
    $("cmp-k").value = request.k ?? entries.find((entry) => entry?.k)?.k ?? "";
    const levels = [...$("cmp-level").options].map((option) => Number(option.value));
    if (levels.includes(request.confidence_level)) $("cmp-level").value = request.confidence_level;
    const definitions = [...$("cmp-definition").options].map((option) => option.value);
    const definition = request.definition ?? entries.find((entry) => entry?.definition)?.definition;
    $("cmp-definition").value = definitions.includes(definition) ? definition : "keras";
}

/* Mistakes that no request can express, or that would take a round trip to find. */
function findMistake({ names, measures }) {
    for (const side of SIDES)
        if (names[side] === "")
            return { detail: "Give each system a name.", place: { control: nameBox(side).id } };
    if (names.a === names.b)
        return { detail: "Two systems need two names.", place: { control: nameBox("b").id } };
    if (measures.length === 0)
        return { detail: "Choose at least one measure.", place: { control: measureBoxes()[0].id } };
    return null;
}

/* ---- The request ------------------------------------------------------------------------------- */

/* One weight per list where all its items have the same: some losses take no other. */
function weightsOf(lists) {
    const even = lists.every((list) => list.weights.every((weight) => weight === list.weights[0]));
    return lists.map((list) => (even ? list.weights[0] : list.weights));
}

function comparisonBody({ lists, weighted, grouped }, { names, measures, k, level, definition }) {
    const body = {
        y_true: lists.map((list) => list.labels),
        systems: Object.fromEntries(SIDES.map((side) => [names[side], lists.map((list) => list[side])])),
        baseline: names.a,
        list_ids: lists.map((list) => list.name),
    };
    if (grouped) body.groups = lists.map((list) => list.group);
    if (weighted) body.sample_weight = weightsOf(lists);
    const metrics = measures.filter((name) => name in METRICS);
    const losses = measures.filter((name) => name in LOSSES);
    if (metrics.length > 0) body.metrics = metrics;
    if (losses.length > 0) body.losses = losses;
    if (k !== undefined) body.k = k;
    if (level !== 0.95) body.confidence_level = level;
    if (metrics.length > 0 && definition !== "keras") body.definition = definition;
    return body;
}

function comparisonRequest() {
    if (!comparing.reply) return null;
    const body = comparisonBody(comparing.batch, comparing.options);
    return { path: "v1/compare", body, file: "comparison.json", member: "results" };
}

/* The chosen measure in detail: every list's change, and the lists' own scores. */
function detailedBody(batch, options) {
    const body = comparisonBody(batch, options);
    const most = catalogue[comparing.measure]?.parameters?.top_k?.maximum ?? 10;
    comparing.top = Math.min(most, DRAWN_CHANGES);
    for (const kind of ["metrics", "losses"])
        body[kind] = body[kind]?.map((name) =>
            name === comparing.measure
                ? { name, include: ["summary"], top_k: comparing.top }
                : { name, top_k: 1 },
        );
    return body;
}

async function compare() {
    comparison.stop();
    let batch;
    try {
        batch = readComparison(columnTexts());
    } catch (error) {
        if (!(error instanceof RowError)) throw error;
        return showCompareProblem({ title: "A row cannot be read", detail: error.message }, error.place);
    }
    if (!batch) return showCompareProblem(EMPTY_COMPARISON, null);
    const options = readCompareOptions();
    const mistake = findMistake(options);
    if (mistake) return showCompareProblem({ title: "Not ready yet", ...mistake }, mistake.place);
    if (!options.measures.includes(comparing.measure)) comparing.measure = options.measures[0];
    await comparison.post(
        "v1/compare",
        catalogueRead.then(() => JSON.stringify(detailedBody(batch, options))),
        (reply) => showComparison(batch, options, reply),
        (problem) => {
            if (problem.status === 401)
                showTokenForm($("cmp-results"), clearCompareProblem, showCompareProblem);
            else showCompareProblem(problem, comparePlace(problem, batch, options));
        },
    );
}

/* ---- Problems ---------------------------------------------------------------------------------- */

const EMPTY_COMPARISON = {
    title: "Nothing to compare yet",
    detail: "Paste labels and scores, open a file, or pick a sample.",
};
const COMPARE_CONTROLS = { k: "cmp-k", confidence_level: "cmp-level", definition: "cmp-definition" };

/* Which cell of an item a member of the request comes from. A pointer may cut a long name short. */
function cellName(tokens, names) {
    const plain = { y_true: "label", list_ids: "list", groups: "group", sample_weight: "weight" };
    if (tokens[0] !== "systems") return plain[tokens[0]];
    const named = SIDES.find((side) => names[side] === tokens[1]);
    return named ?? SIDES.find((side) => tokens[1] && names[side].startsWith(tokens[1]));
}

/* The place of a problem: {column, start, end}, {control}, or null. */
function comparePlace(problem, batch, { names }) {
    const pointer = problem.errors?.[0]?.pointer;
    if (!pointer) return null;
    const tokens = pointer
        .split("/")
        .slice(1)
        .map((token) => token.replace(/~1/g, "/").replace(/~0/g, "~"));
    const control = COMPARE_CONTROLS[tokens[["metrics", "losses"].includes(tokens[0]) ? 2 : 0]];
    if (control) return { control };
    const what = cellName(tokens, names);
    const [list, item] = tokens.slice(tokens[0] === "systems" ? 2 : 1).map(Number);
    if (tokens[0] === "systems" && list === undefined && what) return { control: nameBox(what).id };
    return batch.lists[list]?.cells[item || 0]?.[what] ?? null;
}

function markCompareControl(id) {
    for (const box of [...SIDES.map(nameBox), ...Object.values(COMPARE_CONTROLS).map($), measureBoxes()[0]])
        markInvalid(box, box.id === id);
}

function showCompareProblem(problem, place) {
    const error = problem.errors?.[0];
    const inText = place?.column ? place : null;
    comparing.place = place;
    comparison.stop();
    $("cmp-problem").hidden = false;
    $("cmp-problem-title").textContent = problem.title;
    $("cmp-problem-detail").textContent = error?.detail ?? problem.detail ?? "";
    $("cmp-results").classList.add("stale");
    markColumn(inText);
    markCompareControl(place?.control);
    const row = inText && lineOf(columnBox(inText.column).value, inText.start).line;
    const where = inText && { labels: "labels", ...systemNames() }[inText.column];
    $("cmp-problem-place").textContent = [inText && `${where}, row ${row}`, error?.pointer]
        .filter(Boolean)
        .join(" · ");
    showExcerpt($("cmp-problem-excerpt"), inText ? columnBox(inText.column).value : "", inText);
    $("cmp-problem-go").textContent = place ? "Show the place" : "Try again";
}

function clearCompareProblem() {
    $("cmp-problem").hidden = true;
    $("token-form").hidden = true;
    $("cmp-results").classList.remove("stale");
    comparing.place = null;
    markColumn(null);
    markCompareControl(null);
}

function goToComparePlace() {
    const place = comparing.place;
    if (!place) return compareNow();
    if (place.control) return $(place.control).focus();
    const box = columnBox(place.column);
    box.focus();
    box.setSelectionRange(place.start, Math.max(place.end, place.start));
    box.scrollTop = Math.max(0, (lineOf(box.value, place.start).line - 4) * LINE_HEIGHT);
}
