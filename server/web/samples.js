/* samples.js: sample batches, and how a batch is written as text. */

/* Seeded, so that a sample is the same each time. */
function randomSource(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 4294967296;
    };
}

/* Lists with graded labels, and scores that follow them with noise. */
function drawBatch(seed, lengths, noise) {
    const random = randomSource(seed);
    const y_true = lengths.map((n) => Array.from({ length: n }, () => Math.floor(5 * random() ** 2.2)));
    const y_pred = y_true.map((labels) =>
        labels.map((label) =>
            Number((label * 0.7 + noise * (random() + random() + random() - 1.5)).toFixed(3)),
        ),
    );
    return { y_true, y_pred };
}

function rowsSample() {
    const { y_true, y_pred } = drawBatch(7, [5, 6, 4], 2);
    const lines = y_true.flatMap((labels, l) =>
        labels.map((label, i) =>
            [
                ["shoes", "lamps", "tea"][l],
                label,
                y_pred[l][i],
                Number(l !== 1 || i !== 2),
                [1, 2, 0.5][l],
            ].join("\t"),
        ),
    );
    return ["query\tlabel\tscore\tmask\tweight", ...lines].join("\n");
}

function bulkLengths() {
    const random = randomSource(3);
    return Array.from({ length: 300 }, () => 2 + Math.floor(44 * random()));
}

const SAMPLES = [
    ["Search results, five grades", () => drawBatch(11, [12, 9, 14, 7, 10, 16], 2.4)],
    [
        "Two lists of four",
        () => ({
            y_true: [
                [1, 0, 1, 3],
                [0, 1, 2, 3],
            ],
            y_pred: [
                [1, 3, 2, 4],
                [1, 1.8, 2, 3],
            ],
        }),
    ],
    ["One list, unbatched", () => ({ y_true: [1, 0, 1, 3], y_pred: [1, 3, 2, 4] })],
    [
        "Masked and unlabelled items",
        () => ({
            y_true: {
                labels: [
                    [1, 0, 1, 3],
                    [0, null, 2, -1, 3],
                ],
                mask: [
                    [true, true, false, true],
                    [true, true, true, true, true],
                ],
            },
            y_pred: [
                [1, 3, 2, 4],
                [1, null, 2.2, 0.4, 1.9],
            ],
        }),
    ],
    [
        "Weights, one per item",
        () => ({
            y_true: [
                [1, 0, 1, 3],
                [0, 1, 2, 3],
            ],
            y_pred: [
                [1, 3, 2, 4],
                [1, 1.8, 2, 3],
            ],
            sample_weight: [
                [2, 3, 1, 1],
                [2, 1, 0, 0],
            ],
        }),
    ],
    ["Weights, one per list", () => ({ ...drawBatch(5, [8, 6, 9], 2), sample_weight: [1, 4, 0.5] })],
    ["Spreadsheet rows", rowsSample],
    ["300 lists", () => drawBatch(23, bulkLengths(), 3)],
];

/* A batch as text: one list a line, so that places in it are easy to find. */
function formatBatch(batch) {
    const rows = (value, indent) => {
        if (!Array.isArray(value) || !Array.isArray(value[0])) return JSON.stringify(value);
        return `[\n${value.map((row) => indent + "  " + JSON.stringify(row)).join(",\n")}\n${indent}]`;
    };
    const member = ([name, value]) => {
        const object = value !== null && typeof value === "object" && !Array.isArray(value);
        return `${JSON.stringify(name)}: ${
            object
                ? `{\n${Object.entries(value)
                      .map(([key, part]) => `    ${JSON.stringify(key)}: ${rows(part, "    ")}`)
                      .join(",\n")}\n  }`
                : rows(value, "  ")
        }`;
    };
    return `{\n${Object.entries(batch)
        .map((entry) => "  " + member(entry))
        .join(",\n")}\n}`;
}
