/* heatmap.js: draws the pair losses of the chosen list, and reads them out. */

const STRIP = 14;
const heat = { items: [], cell: 0, loss: null, at: null };

function heatColours() {
    const stops = getComputedStyle(document.documentElement)
        .getPropertyValue("--heat")
        .split(",")
        .map((text) => {
            const hex = Number.parseInt(text.trim().slice(1), 16);
            return [hex >> 16, (hex >> 8) & 255, hex & 255];
        });
    return (share) => {
        const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
        const low = Math.min(stops.length - 2, Math.floor(at));
        return stops[low].map((part, c) => Math.round(part + (at - low) * (stops[low + 1][c] - part)));
    };
}

const paint = (colour) => `rgb(${colour.join(" ")})`;
const bright = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b > 140;

function drawHeat(items) {
    const name = state.options.loss;
    const pairs = Boolean(PAIR_LOSS[name]);
    const valid = items.filter((item) => item.valid);
    const shown = valid.slice(0, HEAT_ITEMS);
    $("heat-figure").hidden = !pairs || shown.length === 0;
    $("heat-caption").textContent =
        name === "pairwise_mean_squared_error"
            ? "Loss of each pair, row i by column j, in the order of their scores"
            : "Loss of each pair: row i should rank above column j";
    $("heat-note").hidden = pairs && shown.length > 0 && valid.length <= HEAT_ITEMS;
    $("heat-note").textContent = !pairs
        ? "List MLE judges the whole order at once and has no pairs; the column Loss shows what each item adds to it."
        : shown.length === 0
          ? "No valid items, so no pairs."
          : `The ${HEAT_ITEMS} highest of ${format(valid.length)} valid items.`;
    heat.items = shown;
    heat.at = null;
    $("heat-cross").hidden = true;
    if (!pairs || shown.length === 0) return;
    const loss = shown.map((a) => shown.map((b) => pairLoss(name, a, b, state.temperature)));
    const most = loss.reduce((max, row) => row.reduce((m, value) => Math.max(m, value), max), 0);
    heat.cell = Math.max(
        2,
        Math.min(
            44,
            Math.floor(
                (Math.min(430, $("heat-figure").parentElement.clientWidth - 4) - STRIP) / shown.length,
            ),
        ),
    );
    heat.loss = loss;
    paintHeat(loss, most);
    paintScale();
    $("heat-max").textContent = format(most, 3);
    $("heat-readout").textContent = "Point at a pair, or move with the arrow keys.";
}

function paintHeat(loss, most) {
    const canvas = $("heat-canvas");
    const n = loss.length;
    const { cell } = heat;
    const size = n * cell + STRIP;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = canvas.height = Math.round(size * ratio);
    canvas.style.width = canvas.style.height = `${size}px`;
    const pen = canvas.getContext("2d");
    const colour = heatColours();
    const style = getComputedStyle(document.documentElement);
    pen.scale(ratio, ratio);
    pen.font = `600 10px ${style.getPropertyValue("--sans")}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let i = 0; i < n; i++) {
        paintGrade(pen, style, heat.items[i], STRIP + i * cell);
        for (let j = 0; j < n; j++)
            paintPair(pen, loss[i][j], colour(most > 0 ? loss[i][j] / most : 0), j, i);
    }
}

function paintGrade(pen, style, item, at) {
    const grade = gradeOf(item.y);
    const { cell } = heat;
    pen.fillStyle = style.getPropertyValue(`--${grade}`);
    pen.fillRect(at, 0, cell - 0.5, STRIP - 2);
    pen.fillRect(0, at, STRIP - 2, cell - 0.5);
    if (cell < 11) return;
    pen.fillStyle = style.getPropertyValue(grade === "g3" || grade === "g4" ? "--g-ink-deep" : "--g-ink");
    pen.fillText(labelText(item), at + cell / 2, STRIP / 2 - 0.5);
    pen.fillText(labelText(item), STRIP / 2 - 0.5, at + cell / 2);
}

function paintPair(pen, value, colour, column, row) {
    const { cell } = heat;
    const x = STRIP + column * cell;
    const y = STRIP + row * cell;
    pen.fillStyle = paint(colour);
    pen.fillRect(x, y, cell, cell);
    if (cell < 34 || value === 0) return;
    pen.fillStyle = bright(colour) ? "#1b1206" : "#ffffff";
    pen.fillText(format(value, 2), x + cell / 2, y + cell / 2);
}

function paintScale() {
    const canvas = $("heat-scale");
    const pen = canvas.getContext("2d");
    const colour = heatColours();
    for (let x = 0; x < canvas.width; x++) {
        pen.fillStyle = paint(colour(x / (canvas.width - 1)));
        pen.fillRect(x, 0, 1, canvas.height);
    }
}

function pointAt(row, column) {
    const n = heat.items.length;
    if (n === 0) return;
    const i = Math.min(n - 1, Math.max(0, row));
    const j = Math.min(n - 1, Math.max(0, column));
    const a = heat.items[i];
    const b = heat.items[j];
    heat.at = { row: i, column: j };
    const scale = $("heat-canvas").clientWidth / (n * heat.cell + STRIP);
    const cross = $("heat-cross");
    cross.hidden = false;
    cross.style.left = `${(STRIP + j * heat.cell) * scale}px`;
    cross.style.top = `${(STRIP + i * heat.cell) * scale}px`;
    cross.style.width = cross.style.height = `${Math.max(6, heat.cell * scale)}px`;
    $("heat-readout").textContent =
        `i: item ${a.i}, label ${labelText(a)}, score ${format(a.score)}; j: item ${b.i}, label ${labelText(b)}, score ${format(b.score)}. ` +
        (a === b ? "The same item." : `Loss ${format(heat.loss[i][j])}.`);
    lightItems([a.i, b.i]);
}

function lightItems(indices) {
    for (const row of $("items").children)
        row.classList.toggle("lit", indices.includes(Number(row.dataset.item)));
}

function heatFromPointer(event) {
    const box = $("heat-canvas").getBoundingClientRect();
    const scale = (heat.items.length * heat.cell + STRIP) / box.width;
    pointAt(
        Math.floor(((event.clientY - box.top) * scale - STRIP) / heat.cell),
        Math.floor(((event.clientX - box.left) * scale - STRIP) / heat.cell),
    );
}

function heatFromKey(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = heat.at ?? { row: 0, column: 0 };
    heat.at ? pointAt(at.row + step[0], at.column + step[1]) : pointAt(0, 0);
}
