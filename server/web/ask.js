/* ask.js: turns what was typed into a request, and talks to the daemon. */

/* Members of a request that have a control here, of the same name. */
const LOSS_OPTIONS = ["temperature", "reduction", "dtype"];
const OPTION_NAMES = [...LOSS_OPTIONS, "k"];

/*
 * What was typed: {kind, text, value, cells}. `value` is null where the text is not JSON: the
 * daemon then says what is wrong with it, since its reader is the one that counts.
 */
function readInput(text) {
    const first = text.trimStart()[0];
    if (first === undefined) return { kind: "empty", text };
    if (first !== "{" && first !== "[") return { kind: "rows", text, ...readRows(text) };
    try {
        return { kind: "json", text, value: JSON.parse(text) };
    } catch {
        return { kind: "json", text, value: null };
    }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/* The options in effect: those in the batch override the controls. */
function readOptions(value) {
    const own = isObject(value) ? value : {};
    const number = (id) => ($(id).value === "" ? undefined : Number($(id).value));
    const options = {
        loss: $("loss").value,
        temperature: number("temperature"),
        reduction: $("reduction").value,
        dtype: $("dtype").value,
        k: number("k"),
    };
    for (const name of OPTION_NAMES) if (name in own) options[name] = own[name];
    if (options.reduction === null) options.reduction = "none";
    return options;
}

function countItems(value) {
    const scores = Array.isArray(value?.y_pred) ? value.y_pred : [];
    return scores.reduce((sum, row) => sum + (Array.isArray(row) ? row.length : 1), 0);
}

/* Losses by list take no weight per item: with one, the whole request would be refused. */
function weightsPerItem(value) {
    const weight = value?.sample_weight;
    const batched = Array.isArray(value?.y_pred?.[0]);
    if (!Array.isArray(weight)) return false;
    return batched
        ? Array.isArray(weight[0]) && weight.some((row) => row?.length !== 1)
        : weight.length !== 1;
}

/* What to ask of /v1/evaluate: the chosen loss in detail, its values, and everything beside it. */
function planEntries(value, options) {
    const items = countItems(value);
    const lists = Array.isArray(value?.y_pred?.[0]) ? value.y_pred.length : 1;
    const detail = items <= DETAIL_ITEMS;
    const pairs = !BY_LIST.includes(options.loss);
    const include = ["per_list"];
    if (detail) include.push("gradient");
    if (detail && pairs) include.push("top_pairs");
    const losses = [
        {
            name: options.loss,
            include,
            top_k: Math.max(1, Math.min(TOP_PAIRS, Math.floor(ALL_TOP_PAIRS / lists))),
        },
    ];
    if (detail) losses.push({ name: options.loss, reduction: "none", include: [] });
    const reduction = options.reduction === "none" ? { reduction: "sum" } : {};
    for (const name of Object.keys(LOSSES))
        if (name !== options.loss && !(BY_LIST.includes(name) && weightsPerItem(value)))
            losses.push({ name, ...reduction, include: [] });
    const metrics = Object.keys(METRICS).map((name) => ({
        name,
        include: name === "ndcg" ? ["per_list"] : [],
    }));
    return { losses, metrics };
}

/*
 * The request's text. The batch is sent as it was typed, with our members put before its last
 * brace, so that places the daemon reports are places in the editor.
 */
function requestText(batch, options) {
    const { text, value } = batch;
    if (!isObject(value)) return text;
    const extra = planEntries(value, options);
    for (const name of OPTION_NAMES)
        if (!(name in value) && options[name] !== undefined) extra[name] = options[name];
    if (batch.kind === "rows" || "losses" in value || "metrics" in value)
        return JSON.stringify({ ...value, ...extra });
    const brace = text.lastIndexOf("}");
    const comma = Object.keys(value).length > 0 ? "," : "";
    return text.slice(0, brace) + comma + JSON.stringify(extra).slice(1);
}

/* ---- Talking to the daemon --------------------------------------------------------------------- */

let token = "";

function headers(more) {
    return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

/* A reply's JSON. Rejects with a problem: an object like those of RFC 9457. */
async function ask(path, init = {}) {
    let reply;
    try {
        reply = await fetch(path, { cache: "no-store", ...init, headers: headers(init.headers ?? {}) });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw {
            status: 0,
            title: "The daemon does not answer",
            detail: "Is it still running, and does this page still come from it?",
        };
    }
    if (reply.ok) return reply.json();
    const problem = await reply.json().catch(() => ({}));
    throw { title: reply.statusText || "Error", detail: "", ...problem, status: reply.status };
}

const state = {
    batch: null,
    options: null,
    results: null,
    model: null,
    chosen: 0,
    page: 0,
    rows: FIRST_ROWS,
    place: null,
};

/* Requests of which only the newest counts: asking again aborts the one in flight. */
function makeLine(results) {
    const line = {
        pending: null,
        stop() {
            line.pending?.abort();
            line.pending = null;
            $(results).removeAttribute("aria-busy");
        },
        /* body: the text, or a promise of it */
        async post(path, body, done, failed) {
            line.stop();
            const mine = (line.pending = new AbortController());
            const started = performance.now();
            $(results).setAttribute("aria-busy", "true");
            try {
                const reply = await ask(path, {
                    method: "POST",
                    body: await body,
                    headers: { "Content-Type": "application/json" },
                    signal: mine.signal,
                });
                if (line.pending === mine) done(reply, performance.now() - started);
            } catch (problem) {
                if (line.pending !== mine || problem.name === "AbortError") return;
                if (problem instanceof Error) throw problem;
                failed(problem);
            } finally {
                if (line.pending === mine) line.stop();
            }
        },
    };
    return line;
}

const evaluation = makeLine("results");

async function evaluate() {
    evaluation.stop();
    let batch;
    try {
        batch = readInput($("input").value);
    } catch (error) {
        if (!(error instanceof RowError)) throw error;
        showProblem({ title: "A row cannot be read", detail: error.message }, error.place);
        return;
    }
    describeInput(batch);
    if (batch.kind === "empty")
        return showProblem(
            { title: "Nothing to evaluate yet", detail: "Paste a batch, or pick a sample." },
            null,
        );
    lendControls(batch.value);
    const options = readOptions(batch.value);
    $("formula").textContent = catalogue[options.loss]?.formula ?? "";
    await evaluation.post(
        "v1/evaluate",
        requestText(batch, options),
        (reply, took) => showReply(batch, options, reply, took),
        (problem) => {
            if (problem.status === 401) showTokenForm($("results"), clearProblem, showProblem);
            else showProblem(problem, placeOf(problem, batch, options));
        },
    );
}

/* ---- When to ask ------------------------------------------------------------------------------- */

const QUIET_MS = 220;
const LATEST_MS = 1000;

/* Runs something soon after the last call of soon(), but at the latest a second after the first. */
function makeDelay(run, length) {
    let since = 0;
    const delay = {
        timer: 0,
        soon() {
            const now = performance.now();
            if (!delay.timer) since = now;
            clearTimeout(delay.timer);
            const quiet = QUIET_MS + Math.min(600, length() / 4000);
            delay.timer = setTimeout(delay.now, Math.max(0, Math.min(quiet, since + LATEST_MS - now)));
        },
        now() {
            clearTimeout(delay.timer);
            delay.timer = 0;
            run();
        },
    };
    return delay;
}

const typing = makeDelay(evaluate, () => $("input").value.length);
const evaluateSoon = typing.soon;
const evaluateNow = typing.now;
