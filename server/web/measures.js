/*
 * measures.js: what there is to evaluate, how much of it is drawn, and the few helpers that every
 * other script uses.
 *
 * The scripts of this folder become one, in the order that assets.c gives: what was typed -> a
 * batch -> one request to /v1/evaluate or /v1/compare -> what is drawn. No libraries, nothing from
 * elsewhere; text reaches the page only as text, never as markup.
 */
"use strict";

const LOSSES = {
    pairwise_hinge: "Pairwise hinge",
    pairwise_logistic: "Pairwise logistic",
    pairwise_soft_zero_one: "Pairwise soft zero-one",
    pairwise_mean_squared_error: "Pairwise mean squared error",
    list_mle: "List MLE",
    softmax: "Softmax",
    approx_ndcg: "Approximate NDCG",
};
const METRICS = {
    ndcg: "NDCG",
    dcg: "DCG",
    mean_reciprocal_rank: "Mean reciprocal rank",
    mean_average_precision: "Mean average precision",
    precision_at_k: "Precision at k",
    recall_at_k: "Recall at k",
    hit_rate: "Hit rate",
    r_precision: "R-precision",
    bpref: "Bpref",
    auc: "AUC",
    expected_reciprocal_rank: "Expected reciprocal rank",
    rank_biased_precision: "Rank-biased precision",
};

/* Losses with one value per list: they add over no pairs and take no weight per item. */
const BY_LIST = ["list_mle", "softmax", "approx_ndcg"];

/* The loss of the ordered pair (i, j); d is the score difference over the temperature. */
const PAIR_LOSS = {
    pairwise_hinge: (d) => Math.max(0, 1 - d),
    pairwise_logistic: (d) => Math.max(0, -d) + Math.log1p(Math.exp(-Math.abs(d))),
    pairwise_soft_zero_one: (d) => (d >= 0 ? Math.exp(-d) / (1 + Math.exp(-d)) : 1 / (1 + Math.exp(d))),
    pairwise_mean_squared_error: (d, gap) => (gap - d) ** 2,
};

/* Bounds on what is asked for and drawn, so that a big batch stays usable. */
const DETAIL_ITEMS = 200000; /* above: totals and per-list sums only */
const TOP_PAIRS = 12; /* per list, fewer when there are many lists */
const ALL_TOP_PAIRS = 40000;
const PER_PAGE = 8;
const FIRST_ROWS = 40;
const MORE_ROWS = 200;
const HEAT_ITEMS = 160;
const CODE_INLINE = 6000; /* characters of a batch shown inside the code */

const $ = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}

function shape(tag, attributes = {}, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
}

function format(value, digits = 5) {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value) && Math.abs(value) < 1e9)
        return (value || 0).toLocaleString("en"); /* no -0 */
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(Math.min(3, digits - 1));
    return String(Number(value.toPrecision(digits)));
}

const plural = (count, word) => `${format(count)} ${word}${count === 1 ? "" : "s"}`;
