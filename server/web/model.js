/* model.js: a batch as lists of ranked items, and the loss of a pair of them. */

function buildModel(value, options) {
    const batched = Array.isArray(value.y_pred[0]);
    const round = options.dtype === "float64" ? Number : Math.fround;
    const masked = isObject(value.y_true);
    const wrap = (rows) => (batched ? rows : [rows]);
    const labels = wrap(masked ? value.y_true.labels : value.y_true);
    const scores = wrap(value.y_pred);
    const mask = masked && value.y_true.mask !== undefined ? wrap(value.y_true.mask) : null;
    return {
        batched,
        labels,
        scores,
        mask,
        round,
        weight: weightReader(value.sample_weight, batched, round),
    };
}

function weightReader(weight, batched, round) {
    if (!Array.isArray(weight)) return () => round(weight ?? 1);
    if (!batched) return (list, item) => round(weight[weight.length === 1 ? 0 : item]);
    return (list, item) => {
        const row = weight[list];
        return round(Array.isArray(row) ? row[row.length === 1 ? 0 : item] : row);
    };
}

/* The items of a list by score, best first; equal scores keep their order, as in the metrics. */
function rankItems(model, list) {
    const items = model.scores[list].map((score, i) => {
        const label = model.labels[list][i];
        const valid = label !== null && label >= 0 && (!model.mask || Boolean(model.mask[list][i]));
        return {
            i,
            score,
            label,
            valid,
            s: score === null ? -Infinity : model.round(score),
            y: valid ? model.round(Number(label)) : NaN,
            weight: model.weight(list, i),
        };
    });
    return items.sort((a, b) => b.s - a.s || a.i - b.i).map((item, rank) => Object.assign(item, { rank }));
}

function pairLoss(name, a, b, temperature) {
    if (!a.valid || !b.valid || a === b) return 0;
    if (name === "pairwise_mean_squared_error") return a.weight * PAIR_LOSS[name](a.s - b.s, a.y - b.y);
    return a.y > b.y ? a.weight * PAIR_LOSS[name]((a.s - b.s) / temperature) : 0;
}

function sameShape(model, values) {
    return model.batched ? values : [values];
}
