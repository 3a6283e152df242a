/* livefigures.js: the strip of live figures, polled from /metrics while the page is visible. */

const POLL_MS = 2000;
const SLOWEST_POLL_MS = 30000;
const WINDOW = 16;
const SPARK = 45;
const live = { samples: [], rates: [], timer: 0, wait: POLL_MS };
const MEASURED = /handler="\/v1\/(?:losses\/|metrics\/|evaluate)/;

/* The few series that are shown, from the Prometheus text. */
function readMetrics(text, at) {
    const sample = { at, requests: 0, pairs: 0, queue: null, capacity: null, buckets: new Map() };
    for (const line of text.split("\n")) {
        const value = Number(line.slice(line.lastIndexOf(" ") + 1));
        if (line.startsWith("http_requests_total{") && MEASURED.test(line)) sample.requests += value;
        else if (line.startsWith("ranklossd_pairs_total")) sample.pairs += value;
        else if (line.startsWith("ranklossd_queue_depth ")) sample.queue = value;
        else if (line.startsWith("ranklossd_queue_capacity ")) sample.capacity = value;
        else if (line.startsWith("http_request_duration_seconds_bucket{") && MEASURED.test(line)) {
            const edge = Number(/le="([^"]+)"/.exec(line)[1].replace("+Inf", "Infinity"));
            sample.buckets.set(edge, (sample.buckets.get(edge) ?? 0) + value);
        }
    }
    return sample;
}

/* A quantile of what a histogram counted between two samples, in seconds; null if nothing. */
function quantile(older, newer, share) {
    const edges = [...newer.keys()].sort((a, b) => a - b);
    const count = (edge) => newer.get(edge) - (older.get(edge) ?? 0);
    const all = edges.length ? count(edges.at(-1)) : 0;
    const wanted = share * all;
    if (!(all > 0)) return null;
    const at = edges.findIndex((edge) => count(edge) >= wanted);
    const low = at > 0 ? edges[at - 1] : 0;
    const under = at > 0 ? count(low) : 0;
    if (edges[at] === Infinity) return low;
    return low + ((edges[at] - low) * (wanted - under)) / Math.max(1, count(edges[at]) - under);
}

function formatSeconds(seconds) {
    if (seconds === null) return "–";
    return seconds < 0.0095 ? `${format(1000 * seconds, 2)}` : `${format(Math.round(1000 * seconds), 3)}`;
}

function showLive(word, good) {
    if ($("live-word").textContent !== word) $("live-word").textContent = word;
    $("live-state").dataset.state = good ? "good" : "bad";
}

function drawLive() {
    const newest = live.samples.at(-1);
    const oldest = live.samples[0];
    const last = live.samples.at(-2);
    const seconds = (newest.at - oldest.at) / 1000;
    $("live-queue").textContent =
        newest.queue === null ? "–" : `${format(newest.queue)} of ${format(newest.capacity)}`;
    if (!last) return;
    live.rates = [
        ...live.rates,
        Math.max(0, newest.requests - last.requests) / ((newest.at - last.at) / 1000),
    ].slice(-SPARK);
    $("live-rate").textContent = format(live.rates.at(-1), 3);
    $("live-pairs").textContent = compact((newest.pairs - oldest.pairs) / seconds);
    const quantiles = [0.5, 0.9, 0.99].map((share) => quantile(oldest.buckets, newest.buckets, share));
    $("live-latency").textContent =
        quantiles[0] === null ? "–" : `${quantiles.map(formatSeconds).join(" · ")} ms`;
    const top = Math.max(1, ...live.rates);
    const steps = Math.max(9, live.rates.length - 1);
    $("live-spark").firstChild.setAttribute(
        "d",
        live.rates
            .map(
                (rate, i) =>
                    `${i ? "L" : "M"}${((90 * i) / steps).toFixed(1)} ${(19 - (18 * rate) / top).toFixed(1)}`,
            )
            .join(""),
    );
}

function compact(value) {
    return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

async function pollLive() {
    live.timer = 0;
    if (document.hidden) return; /* visibilitychange starts it again */
    try {
        const reply = await fetch("metrics", { cache: "no-store", headers: headers({}) });
        if (!reply.ok) throw new Error(String(reply.status));
        const sample = readMetrics(await reply.text(), performance.now());
        if (live.samples.length && sample.requests < live.samples.at(-1).requests)
            live.samples = []; /* it was restarted */
        live.samples = [...live.samples, sample].slice(-WINDOW);
        live.wait = POLL_MS;
        showLive("serving", true);
        drawLive();
    } catch (error) {
        live.wait = Math.min(SLOWEST_POLL_MS, 2 * live.wait);
        const words = {
            401: "metrics need the token",
            403: "no metrics for this page",
            404: "metrics are elsewhere",
        };
        showLive(words[error.message] ?? "no answer", error.message in words);
    }
    clearTimeout(live.timer);
    live.timer = setTimeout(pollLive, live.wait);
}

function restartLive() {
    clearTimeout(live.timer);
    live.wait = POLL_MS;
    pollLive();
}
