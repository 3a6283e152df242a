/* overview.js: draws the loss, its totals, and the other measures beside it. */

function showReply(batch, options, reply, took) {
    clearProblem();
    const planned = planEntries(batch.value, options);
    const model = buildModel(batch.value, options);
    const main = reply.results[0];
    const detailed =
        planned.losses.length > 1 &&
        planned.losses[1].reduction === "none" &&
        planned.losses[1].name === options.loss;
    Object.assign(state, { batch, options, model, main, totals: reply.totals, ranked: new Map() });
    state.temperature = model.round(main.temperature);
    state.values = detailed ? reply.results[1].loss : null;
    state.metrics = reply.results.slice(planned.losses.length);
    state.losses = new Map(
        reply.results
            .slice(0, planned.losses.length)
            .filter((entry, i) => !(detailed && i === 1))
            .map((entry) => [entry.name, entry]),
    );
    state.chosen = Math.min(state.chosen, main.per_list.length - 1);
    state.page = Math.min(state.page, pageCount() - 1);
    drawHero(took);
    drawBeside();
    drawLists();
    drawDetail();
    drawCode();
}

function drawHero(took) {
    const { main, options } = state;
    const values = Array.isArray(main.loss);
    $("loss-title").textContent = LOSSES[options.loss];
    $("loss-value").textContent = values ? plural(main.totals.values, "value") : String(main.loss);
    $("loss-note").textContent = [
        options.reduction.replaceAll("_", " "),
        `temperature ${format(main.temperature)}`,
        options.dtype,
        `${format(took, 2)} ms there and back`,
    ].join(" · ");
    const totals = [
        ["Lists", "lists"],
        ["Items", "items"],
        ["Valid items", "valid_items"],
        ["Pairs", "pairs"],
        ["Values", "values"],
        ["Loss sum", "loss_sum"],
        ["Weight sum", "weight_sum"],
    ];
    $("totals").replaceChildren(
        ...totals.map(([word, key]) =>
            element("div", {}, element("dt", {}, word), element("dd", {}, format(main.totals[key], 7))),
        ),
    );
    const spoken = `${LOSSES[options.loss]}: ${$("loss-value").textContent}`;
    if ($("announce").textContent !== spoken) $("announce").textContent = spoken;
}

function drawBeside() {
    const { losses, metrics, options } = state;
    $("beside-reduction").textContent = options.reduction === "none" ? "Sum" : "Value";
    $("losses").replaceChildren(
        ...Object.keys(LOSSES).map((name) => lossRow(name, losses.get(name), name === options.loss)),
    );
    $("metrics").replaceChildren(...metrics.map(metricRow));
}

function lossRow(name, entry, chosen) {
    const button = element(
        "button",
        { type: "button", "aria-pressed": String(chosen), "data-loss": name },
        LOSSES[name],
    );
    const value = !entry
        ? "takes a weight per list"
        : format(Array.isArray(entry.loss) ? entry.totals.loss_sum : entry.loss, 6);
    return element(
        "tr",
        {},
        element("td", {}, button),
        element("td", { class: entry ? "n" : "n note" }, value),
    );
}

function metricRow(entry) {
    const cell = element("td", { class: "n" }, format(entry.metric, 6));
    if (entry.name !== "dcg") {
        const bar = element("i");
        bar.style.width = `${Math.min(100, 100 * entry.metric)}%`;
        cell.append(element("span", { class: "meter", "aria-hidden": "true" }, bar));
    }
    return element(
        "tr",
        {},
        element("td", {}, METRICS[entry.name] + (entry.k ? ` (k = ${entry.k})` : "")),
        cell,
    );
}
