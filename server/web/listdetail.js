/* listdetail.js: draws the chosen list: items, gradient, worst pairs; checks sums; takes a step. */

function drawDetail() {
    const { main, chosen, model, options } = state;
    const items = ranked(chosen);
    $("detail").hidden = false;
    $("detail-title").textContent = listName(chosen);
    $("items-caption").textContent = `${listName(chosen)}: items by score, best first`;
    const gradient = main.gradient ? sameShape(model, main.gradient)[chosen] : null;
    const losses =
        options.loss in LIST_TERMS
            ? listTerms(items, LIST_TERMS[options.loss])
            : state.values
              ? sameShape(model, state.values)[chosen]
              : null;
    const scale = {
        gradient: gradient ? gradient.reduce((max, g) => Math.max(max, Math.abs(g)), 0) : 0,
        loss: losses ? losses.reduce((max, value) => Math.max(max, Math.abs(value)), 0) : 0,
        low: items.reduce((min, item) => (item.score === null ? min : Math.min(min, item.s)), Infinity),
        high: items.reduce((max, item) => (item.score === null ? max : Math.max(max, item.s)), -Infinity),
    };
    $("items").replaceChildren(
        ...items
            .slice(0, state.rows)
            .map((item) => itemRow(item, gradient?.[item.i], losses?.[item.i], scale)),
    );
    drawItemsNote(items.length, Boolean(losses));
    $("step").disabled = !main.gradient || !flatten(main.gradient).some((g) => g !== 0);
    drawHeat(items);
    drawAgreement(items, losses);
    drawWorst(items);
}

function flatten(values) {
    return Array.isArray(values[0]) ? values.flat() : values;
}

function drawItemsNote(count, detailed) {
    const note = $("items-note");
    const parts = [];
    if (!detailed) parts.push(`Item losses and gradients are left out above ${format(DETAIL_ITEMS)} items. `);
    if (count > state.rows) {
        const more = element(
            "button",
            { type: "button", id: "items-more" },
            `Show ${format(Math.min(MORE_ROWS, count - state.rows))} more`,
        );
        more.addEventListener("click", () => {
            state.rows += MORE_ROWS;
            drawDetail();
        });
        parts.push(`The first ${format(state.rows)} of ${format(count)} items. `, more);
    }
    note.hidden = parts.length === 0;
    note.replaceChildren(...parts);
}

function itemRow(item, gradient, loss, scale) {
    const label = element("span", { class: `chip ${item.valid ? gradeOf(item.y) : "not"}` }, labelText(item));
    const spread = scale.high - scale.low;
    return element(
        "tr",
        { "data-item": item.i, ...(item.valid ? {} : { class: "not" }) },
        element("td", { class: "n" }, String(item.rank + 1)),
        element("td", { class: "n" }, String(item.i)),
        element("td", {}, label),
        figureCell(
            item.score === null ? "–" : format(item.score, 5),
            spread > 0 && item.score !== null ? (item.s - scale.low) / spread : 0,
            "score",
        ),
        element("td", {}, gradient === undefined ? "–" : pushPicture(gradient, scale.gradient)),
        figureCell(
            loss === undefined ? "–" : format(loss, 4),
            scale.loss > 0 && loss !== undefined ? Math.abs(loss) / scale.loss : 0,
            "loss",
        ),
    );
}

/* A number and its picture: a dot on the scores' scale, or a bar for a loss. */
function figureCell(text, share, kind) {
    const track = element("span", { class: `track ${kind}`, "aria-hidden": "true" }, element("i"));
    track.firstChild.style[kind === "score" ? "left" : "width"] = `${100 * share}%`;
    return element("td", {}, element("span", { class: "figure" }, element("span", {}, text), track));
}

/* An arrow: where a step down the gradient moves the score, and how far against the others. */
function pushPicture(gradient, most) {
    const up = gradient < 0;
    const length = most > 0 ? 3 + (19 * Math.abs(gradient)) / most : 0;
    const picture = shape("svg", {
        width: 12,
        height: 24,
        viewBox: "0 0 12 24",
        role: "img",
        "aria-label": gradient === 0 ? "stays" : up ? "up" : "down",
    });
    const tip = up ? 12 - length / 2 : 12 + length / 2;
    const tail = up ? 12 + length / 2 : 12 - length / 2;
    const wing = up ? tip + 4 : tip - 4;
    picture.append(
        shape("path", { d: gradient === 0 ? "M3 12h6" : `M6 ${tail}V${tip}M2 ${wing}L6 ${tip}L10 ${wing}` }),
    );
    return element(
        "span",
        { class: `push ${gradient === 0 ? "" : up ? "up" : "down"}` },
        picture,
        element("span", {}, format(-gradient, 2)),
    );
}

/* What each item, given its z = s / T - max(s / T), adds to a loss by list. */
const LIST_TERMS = {
    /* How surprising the choice of each item is, given all that should come after. */
    list_mle: (items) => {
        const terms = [];
        let below = 0;
        for (const item of items.sort((a, b) => a.y - b.y || b.i - a.i)) {
            below += Math.exp(item.z);
            terms[item.i] = Math.log(below + 1e-10) - item.z;
        }
        return terms;
    },
    softmax: (items) => {
        const sum = items.reduce((all, item) => all + Math.exp(item.z), 0);
        const terms = [];
        for (const item of items) terms[item.i] = item.y * (Math.log(sum) - item.z);
        return terms;
    },
    /* The share of the best ranking's gains. */
    approx_ndcg: (items) => {
        const gain = (item) => 2 ** item.y - 1;
        const best = items
            .map(gain)
            .sort((a, b) => b - a)
            .reduce((sum, value, rank) => sum + value / Math.log2(2 + rank), 0);
        const rank = (item) => items.reduce((sum, other) => sum + 1 / (1 + Math.exp(item.z - other.z)), 0.5);
        const terms = [];
        for (const item of items)
            terms[item.i] = gain(item) > 0 ? -gain(item) / Math.log2(1 + rank(item)) / best : 0;
        return terms;
    },
};

function listTerms(items, termsOf) {
    const { temperature, main, chosen, model } = state;
    const valid = items.filter((item) => item.valid);
    const most = valid.reduce((max, item) => Math.max(max, item.s / temperature), -Infinity);
    const terms = termsOf(valid.map((item) => ({ i: item.i, y: item.y, z: item.s / temperature - most })));
    if (main.per_list[chosen].items === 0) return [];
    return Array.from({ length: items.length }, (_, i) => (terms[i] ?? 0) * model.weight(chosen, 0));
}

/* The squared error counts (i, j) and (j, i): one of two equal ones is enough to look at. */
function oncePerPair(pairs) {
    const key = ({ i, j, loss }) => `${Math.min(i, j)} ${Math.max(i, j)} ${loss}`;
    return [...new Map(pairs.map((pair) => [key(pair), pair])).values()];
}

function drawWorst(items) {
    const pairs = oncePerPair(state.main.top_pairs?.[state.chosen] ?? []).slice(0, 5);
    const byIndex = new Map(items.map((item) => [item.i, item]));
    $("worst-title").hidden = pairs.length === 0;
    $("worst").replaceChildren(
        ...pairs.map((pair) => {
            const high = byIndex.get(pair.i);
            const low = byIndex.get(pair.j);
            const squared = state.options.loss === "pairwise_mean_squared_error";
            const words = squared
                ? `Item ${pair.i} (label ${labelText(high)}) and ${pair.j} (label ${labelText(low)})`
                : `Item ${pair.i} (label ${labelText(high)}) ${high.s > low.s ? "barely above" : "not above"} ${pair.j} (label ${labelText(low)})`;
            return element(
                "li",
                { "data-i": pair.i, "data-j": pair.j },
                element("button", { type: "button" }, words),
                element("b", {}, format(pair.loss, 4)),
            );
        }),
    );
}

/* Our own sums against the daemon's: the picture shows what was computed, or says that it does not. */
function drawAgreement(items, losses) {
    const box = $("agreement");
    if (!losses) return void (box.textContent = "");
    const pairs = Boolean(PAIR_LOSS[state.options.loss]);
    const rows = pairs ? items.filter((item) => item.valid).slice(0, HEAT_ITEMS) : [];
    const checks = pairs
        ? rows.map((a) => [
              items.reduce((sum, b) => sum + pairLoss(state.options.loss, a, b, state.temperature), 0),
              losses[a.i],
          ])
        : [[losses.reduce((sum, term) => sum + term, 0), state.main.per_list[state.chosen].loss_sum]];
    const slack = state.options.dtype === "float64" ? 1e-9 : 2e-5;
    const furthest = checks.reduce((max, [mine, theirs]) => Math.max(max, Math.abs(mine - theirs)), 0);
    const good = checks.every(
        ([mine, theirs]) => Math.abs(mine - theirs) <= slack * Math.max(1, Math.abs(mine), Math.abs(theirs)),
    );
    box.dataset.state = good ? "good" : "bad";
    const what = pairs ? "The rows drawn here add up to" : "The terms add up to";
    box.textContent = good
        ? `✓ ${what} the daemon’s losses (largest difference ${format(furthest, 2)}).`
        : `✗ The sums drawn here differ from the daemon’s by up to ${format(furthest, 3)}.`;
}

/* ---- A step down the gradient ---------------------------------------------------------------------- */

/* Moves the scores so that the furthest goes a quarter of the temperature, in the typed text. */
function stepDown() {
    const { batch, model, main } = state;
    const gradient = sameShape(model, main.gradient);
    const most = flatten(main.gradient).reduce((max, g) => Math.max(max, Math.abs(g)), 0);
    if (!(most > 0)) return;
    const rate = (0.25 * state.temperature) / most;
    const moved = model.scores.map((row, l) =>
        row.map((score, i) =>
            score === null ? null : Number((score - rate * gradient[l][i]).toPrecision(6)),
        ),
    );
    setInput(
        batch.kind === "rows"
            ? rowsWithScores(batch, moved)
            : textWithScores(batch, model.batched ? moved : moved[0]),
    );
}

function textWithScores({ text }, scores) {
    const { value, end } = locate(text, "/y_pred");
    const rows = Array.isArray(scores[0])
        ? `[\n${scores.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]`
        : JSON.stringify(scores);
    return text.slice(0, value) + rows + text.slice(end);
}

function rowsWithScores({ text, cells }, scores) {
    const changes = cells.flatMap((list, l) =>
        list.map(({ score }, i) => ({ ...score, text: scores[l][i] === null ? "" : String(scores[l][i]) })),
    );
    let done = 0;
    let made = "";
    for (const { start, end, text: score } of changes.sort((a, b) => a.start - b.start)) {
        made += text.slice(done, start) + score;
        done = end;
    }
    return made + text.slice(done);
}
