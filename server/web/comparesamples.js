/* comparesamples.js: sample comparisons, as the columns that the pane shows. */

/* Measures that are chosen when the page opens. */
const COMPARED_FIRST = ["ndcg", "mean_reciprocal_rank", "mean_average_precision", "pairwise_hinge"];

/* About normal, between -1.5 and 1.5. */
const noiseOf = (random) => random() + random() + random() - 1.5;

/*
 * Lists of `items` items: {group: [lists, noise of a, noise of b]}; a single group has no name. Both
 * systems see the labels through noise of their own and some that they share, as systems over the
 * same items do.
 */
function drawComparisonSample(seed, items, groups, names) {
    const random = randomSource(seed);
    const rows = { labels: [], a: [], b: [] };
    const grouped = Object.keys(groups).length > 1;
    for (const [group, [lists, ...noise]] of Object.entries(groups))
        for (let list = 1; list <= lists; list++)
            for (let item = 0; item < items; item++) {
                const label = Math.floor(5 * random() ** 2.6);
                const id = `${group}-${String(list).padStart(2, "0")}`;
                const shared = 1.6 * noiseOf(random);
                rows.labels.push((grouped ? [id, group, label] : [id, label]).join("\t"));
                SIDES.forEach((side, i) =>
                    rows[side].push((0.7 * label + shared + noise[i] * noiseOf(random)).toFixed(3)),
                );
            }
    const columns = Object.entries(rows).map(([column, lines]) => [column, lines.join("\n")]);
    return { ...Object.fromEntries(columns), names, options: { k: 10 } };
}

const COMPARISONS = [
    [
        "A reranker, three languages",
        () =>
            drawComparisonSample(
                5,
                12,
                { en: [40, 2.8, 0.8], de: [20, 2, 1.6], fr: [12, 1.4, 2.2] },
                { a: "bm25", b: "reranker" },
            ),
    ],
    ["Clearly better", () => drawComparisonSample(8, 10, { web: [60, 2.8, 1] }, { a: "old", b: "new" })],
    [
        "No difference",
        () => drawComparisonSample(21, 10, { web: [50, 1.6, 1.6] }, { a: "seed 1", b: "seed 2" }),
    ],
    [
        "Too few lists to tell",
        () => drawComparisonSample(3, 8, { web: [5, 2.4, 1.4] }, { a: "old", b: "new" }),
    ],
];
