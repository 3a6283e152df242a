/*
 * compare.test.mjs: the page's comparison of two systems, against the real daemon. What the page shows
 * is held against known numbers, and against what the daemon answers to requests of our own.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { fill, launchBrowser, openPage, post, settle, startDaemon, tokenFile } from "./support.mjs";

const run = promisify(execFile);

/* The request that README shows, and its answer: three lists of which one gets better, one worse. */
const REQUEST = {
    y_true: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 2, 1],
    ],
    systems: {
        a: [
            [2, 1, 0],
            [2, 1, 0],
            [1, 3, 2],
        ],
        b: [
            [2, 1, 0],
            [1, 2, 0],
            [3, 1, 2],
        ],
    },
    list_ids: ["q1", "q2", "q3"],
    metrics: [{ name: "ndcg", k: 3 }],
};
const LABELS = "q1\t1\nq1\t0\nq1\t0\nq2\t0\nq2\t1\nq2\t0\nq3\t0\nq3\t2\nq3\t1";
const A = "2\n1\n0\n2\n1\n0\n1\n3\n2";
const B = "2\n1\n0\n1\n2\n0\n3\n1\n2";
const TABLE = ["query,relevance,a,b", ...tableRows(",")].join("\n");

function tableRows(delimiter) {
    const [labels, a, b] = [LABELS, A, B].map((column) => column.split("\n"));
    return labels.map((row, i) => [...row.split("\t"), a[i], b[i]].join(delimiter));
}

let daemon, browser, page;
const text = (selector) => page.locator(selector).textContent();
const shownProblem = () => page.locator("#cmp-problem").isVisible();
const focused = () => page.evaluate(() => document.activeElement.id);
const choose = async (selector, value) => {
    await page.locator(selector).selectOption(value);
    await settle(page);
};
const compareWith = (body) => post(daemon.url, "/v1/compare", body);
const compareOnly = async (...measures) => {
    for (const box of await page.locator("#cmp-measures input").all())
        await box.setChecked(measures.includes(await box.inputValue()));
    await settle(page);
};
const typeColumns = async (labels, a, b) => {
    await fill(page, "#cmp-labels", labels);
    await fill(page, "#cmp-a", a);
    await fill(page, "#cmp-b", b);
};
const facts = () =>
    page.$$eval("#cmp-facts div", (all) =>
        Object.fromEntries(all.map((one) => [one.children[0].textContent, one.children[1].textContent])),
    );
/* The page writes a minus sign; numbers have a hyphen. */
const number = (shown) => Number(shown.replace("−", "-"));
const close = (shown, wanted, what) =>
    assert.ok(
        Math.abs(number(shown) - wanted) <= 6e-5 * Math.max(1, Math.abs(wanted)),
        `${what}: ${shown}, ${wanted}`,
    );

before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchBrowser()]);
});
after(async () => {
    await browser?.close();
    await daemon?.stop();
});
beforeEach(async () => {
    page = await openPage(browser, daemon.url, { half: "/#compare" });
    await settle(page);
});
afterEach(async () => {
    const { errors, foreign } = page.watched;
    await page.context().close();
    assert.deepEqual(errors, [], "errors of the page's own script");
    assert.deepEqual(foreign, [], "requests to anywhere else");
});

/* What the page must show of README's example, however it was given. */
async function holdKnownAnswer() {
    assert.equal(await shownProblem(), false, await text("#cmp-problem-detail"));
    assert.equal(await text("#cmp-verdict-title"), "NDCG (k = 3)");
    assert.equal(await text("#cmp-verdict"), "No significant difference at 95 %");
    assert.match(await text("#cmp-sentence"), /changes by −0\.01468, .* runs from −0\.9867 to \+0\.9574\./);
    assert.deepEqual(await facts(), {
        a: "0.87698",
        b: "0.86229",
        Difference: "−0.014682",
        "Paired t test": "p = 0.95",
        "Randomization test": "p = 1",
        "Lists better, equal, worse": "1 · 1 · 1",
    });
    const rows = await page.$$eval("#cmp-changed-rows tr", (all) => all.map((row) => row.innerText.trim()));
    assert.deepEqual(
        rows.map((row) => row.split(/\s+/)),
        [["q3", "1.0000", "0.5869", "−0.4131"]],
    );
}

describe("a comparison from", () => {
    test("a sample: the page shows the daemon's own numbers, and each sample can be compared", async () => {
        for (const sample of await page.$$eval("#cmp-sample option:not([hidden])", (all) =>
            all.map((option) => option.value),
        )) {
            await choose("#cmp-sample", sample);
            assert.equal(await shownProblem(), false, await text("#cmp-problem-detail"));
            const { body, names } = await page.evaluate(() => ({
                body: comparisonRequest().body,
                names: comparing.names,
            }));
            const { json } = await compareWith(body);
            for (const entry of json.results) {
                const cells = page.locator(`#cmp-rows tr:has([data-measure="${entry.name}"]) td`);
                const [own] = entry.comparisons;
                for (const [at, side] of ["a", "b"].entries()) {
                    const part = entry.systems[names[side]];
                    close(await cells.nth(1 + at).textContent(), part.metric ?? part.loss, entry.name);
                }
                close(await cells.nth(3).textContent(), own.difference, entry.name);
                assert.match(
                    await cells.nth(6).textContent(),
                    new RegExp(`^${own.better} · ${own.equal} · ${own.worse}$`),
                );
            }
        }
        assert.deepEqual(page.watched.console, []);
    });

    test("rows typed into the columns", async () => {
        await typeColumns(LABELS, A, B);
        await fill(page, "#cmp-name-a", "a");
        await fill(page, "#cmp-name-b", "b");
        await fill(page, "#cmp-k", "3");
        await holdKnownAnswer();
        assert.equal(await page.locator("#cmp-sample").inputValue(), "own");
    });

    test("a table with a line of names, pasted into the first column", async () => {
        await fill(page, "#cmp-k", "3");
        for (const table of [TABLE, TABLE.replaceAll(",", "\t"), TABLE.replaceAll(",", ";")]) {
            await fill(page, "#cmp-labels", "");
            await page.locator("#cmp-labels").fill(table);
            await page.waitForFunction(() => $("cmp-b").value.startsWith("2\n1"));
            await settle(page);
            assert.equal(await page.locator("#cmp-labels").inputValue(), LABELS);
            assert.equal(await page.locator("#cmp-a").inputValue(), A);
            await holdKnownAnswer();
        }
    });

    test("the JSON of a request, which also sets measures, k and confidence", async () => {
        await page.locator("#cmp-labels").fill(JSON.stringify({ ...REQUEST, seed: 3 }));
        await page.waitForFunction(() => $("cmp-k").value === "3");
        await settle(page);
        assert.equal(await text("#cmp-note"), "Left out: seed.");
        await holdKnownAnswer();
        assert.equal(await page.locator("#cmp-rows tr").count(), 1);
        await page
            .locator("#cmp-labels")
            .fill(JSON.stringify({ ...REQUEST, confidence_level: 0.9, losses: ["list_mle"], baseline: "b" }));
        await page.waitForFunction(() => $("cmp-level").value === "0.9");
        await settle(page);
        assert.match(await text("#cmp-verdict"), /at 90 %$/);
        assert.equal((await facts()).Difference, "+0.014682");
        assert.equal(await page.locator("#cmp-rows tr").count(), 2);
    });

    test("cells between quotes, which may hold delimiters and quotes", async () => {
        const table = 'query,relevance,a,"b, the ""new"" one"\n"shoes, red",1,2,1\n"shoes, red",0,1,2\n"q;2",1,1,2';
        await page.locator("#cmp-labels").fill(table);
        await page.waitForFunction(() => $("cmp-name-b").value === 'b, the "new" one');
        await settle(page);
        assert.equal(await page.inputValue("#cmp-labels"), "shoes, red\t1\nshoes, red\t0\nq;2\t1");
        const { body } = await page.evaluate(() => comparisonRequest());
        assert.deepEqual(body.list_ids, ["shoes, red", "q;2"]);
        assert.deepEqual(body.systems['b, the "new" one'], [[1, 2], [2]]);
    });

    test("files: CSV and JSON", async () => {
        for (const [name, mimeType, content] of [
            ["scores.csv", "text/csv", `\uFEFF${TABLE.replaceAll("\n", "\r\n")}\r\n`],
            ["comparison.json", "application/json", JSON.stringify(REQUEST)],
        ]) {
            await choose("#cmp-sample", "2");
            await fill(page, "#cmp-k", "3");
            await page.setInputFiles("#cmp-file", { name, mimeType, buffer: Buffer.from(content) });
            await page.waitForFunction((wanted) => $("cmp-labels").value === wanted, LABELS);
            await settle(page);
            await page.locator('#cmp-rows [data-measure="ndcg"]').click();
            await settle(page);
            await holdKnownAnswer();
        }
    });

    test("masks, weights, groups and missing labels reach the daemon", async () => {
        const body = {
            y_true: {
                labels: [
                    [1, 0, 2],
                    [null, 1, 0],
                    [3, 1, 0],
                ],
                mask: [
                    [1, 0, 1],
                    [1, 1, 1],
                    [1, 1, 1],
                ],
            },
            systems: {
                old: [[0.3, 0.2, 0.1], [0.5, null, 0.1].map((score) => score ?? 2), [1, 2, 3]],
                new: [
                    [0.1, 0.2, 0.3],
                    [0.5, 0.1, 0.2],
                    [1, 2, 1.5],
                ],
            },
            sample_weight: [2, 1, 0.5],
            groups: ["x", "y", "x"],
            metrics: ["ndcg", "mean_reciprocal_rank"],
            losses: ["list_mle", "pairwise_logistic"],
        };
        await page.locator("#cmp-labels").fill(JSON.stringify(body));
        await page.waitForFunction(() => $("cmp-name-b").value === "new");
        await settle(page);
        assert.equal(await shownProblem(), false, await text("#cmp-problem-detail"));
        const { json } = await compareWith(body);
        for (const entry of json.results) {
            const cells = page.locator(`#cmp-rows tr:has([data-measure="${entry.name}"]) td`);
            close(await cells.nth(3).textContent(), entry.comparisons[0].difference, entry.name);
        }
        assert.deepEqual(
            await page.$$eval("#cmp-groups .head b", (all) => all.map((one) => one.textContent).sort()),
            ["x", "y"],
        );
    });
});

describe("what is drawn", () => {
    /* The chosen measure's result for the shown batch, with every list. */
    const reply = async (measure) => {
        const { body, names } = await page.evaluate(() => ({
            body: comparisonRequest().body,
            names: comparing.names,
        }));
        const key = measure in { pairwise_hinge: 1 } ? "losses" : "metrics";
        const { json } = await compareWith({
            ...body,
            losses: [],
            metrics: [],
            [key]: [measure],
            top_k: 1000,
        });
        return { body, names, entry: json.results[0] };
    };

    test("every list's change, best first, also for a loss, where less is better", async () => {
        for (const measure of ["ndcg", "pairwise_hinge"]) {
            await page.locator(`#cmp-rows [data-measure="${measure}"]`).click();
            await settle(page);
            const { entry } = await reply(measure);
            const { better, worse } = entry.comparisons[0].changed_most;
            const drawn = await page.evaluate(() => changes.bars.map((bar) => bar.difference));
            const wanted = [
                ...better.map((list) => list.difference),
                ...Array(entry.comparisons[0].equal).fill(0),
                ...worse.map((list) => list.difference).reverse(),
            ];
            assert.deepEqual(drawn, wanted);
            const heights = await page.$$eval("#cmp-changes rect:not(.cursor)", (bars) =>
                bars.map((bar) => (bar.classList.contains("worse") ? -1 : 1) * bar.getAttribute("height")),
            );
            assert.equal(heights.length, wanted.length);
            assert.deepEqual(
                heights,
                [...heights].sort((x, y) => y - x),
                "bars fall from left to right",
            );
        }
    });

    test("the lists that changed most, with the scores of both systems", async () => {
        const { body, names, entry } = await reply("ndcg");
        const values = {};
        for (const side of ["a", "b"]) {
            const { json } = await post(daemon.url, "/v1/metrics/ndcg", {
                y_true: body.y_true,
                y_pred: body.systems[names[side]],
                k: body.k,
                include: ["per_list"],
            });
            values[side] = json.per_list.map((list) => list.metric);
        }
        for (const way of ["worse", "better"]) {
            await choose("#cmp-way", way);
            const wanted = entry.comparisons[0].changed_most[way].slice(0, 10);
            const rows = page.locator("#cmp-changed-rows tr");
            assert.equal(await rows.count(), wanted.length);
            for (const [at, { list, id, difference }] of wanted.entries()) {
                const cells = await rows.nth(at).locator("td").allTextContents();
                assert.deepEqual(cells.slice(0, 2), [id, body.groups[list]]);
                close(cells[2], values.a[list], id);
                close(cells[3], values.b[list], id);
                close(cells[4], difference, id);
            }
        }
    });

    test("groups, worst first, on one scale, each with its interval", async () => {
        const { entry } = await reply("ndcg");
        const wanted = Object.entries(entry.groups)
            .map(([name, { comparisons }]) => ({ name, ...comparisons[0] }))
            .sort((x, y) => x.difference - y.difference);
        const shown = await page.$$eval("#cmp-groups li", (all) =>
            all.map((one) => ({
                name: one.querySelector(".head b").textContent,
                words: one.querySelector(".group-words").textContent,
                zero: Number(
                    one
                        .querySelector(".zero")
                        .getAttribute("d")
                        .match(/M([\d.]+)/)[1],
                ),
                mean: Number(one.querySelector(".mean").getAttribute("cx")),
            })),
        );
        assert.deepEqual(
            shown.map((group) => group.name),
            wanted.map((group) => group.name),
        );
        shown.forEach((group, i) => {
            const [difference, low, high] = group.words.match(/[+−]?[\d.]+/g);
            for (const [word, value] of [
                [difference, wanted[i].difference],
                [low, wanted[i].t[0]],
                [high, wanted[i].t[1]],
            ])
                assert.ok(Math.abs(number(word) - value) <= 0.005 * Math.abs(value), `${word}, ${value}`);
            const scale = (group.mean - group.zero) / wanted[i].difference;
            const first = (shown[0].mean - shown[0].zero) / wanted[0].difference;
            assert.ok(Math.abs(scale / first - 1) < 1e-6, "one scale for all");
        });
    });

    test("intervals lie on the side of the line that they are on, and better is right", async () => {
        const ends = (measure) =>
            page.$eval(`#cmp-rows tr:has([data-measure="${measure}"]) .interval`, (picture) => ({
                zero: Number(
                    picture
                        .querySelector(".zero")
                        .getAttribute("d")
                        .match(/M([\d.]+)/)[1],
                ),
                line: picture
                    .querySelector(".line")
                    .getAttribute("d")
                    .match(/^M([\d.]+) [\d.]+H([\d.]+)/)
                    .slice(1)
                    .map(Number),
            }));
        for (const sample of ["0", "1", "2"]) {
            await choose("#cmp-sample", sample);
            for (const measure of ["ndcg", "pairwise_hinge"]) {
                const [low, high] = (await reply(measure)).entry.comparisons[0].t;
                const [left, right] = measure === "ndcg" ? [low, high] : [-high, -low];
                const { zero, line } = await ends(measure);
                assert.equal(line[0] < zero, left < 0, `${sample} ${measure} left end`);
                assert.equal(line[1] > zero, right > 0, `${sample} ${measure} right end`);
            }
        }
    });

    test("a bar is read with the keys and with the pointer", async () => {
        const bars = await page.evaluate(() => changes.bars.length);
        await page.locator("#cmp-changes").focus();
        await page.keyboard.press("ArrowRight");
        const best = await page.evaluate(() => comparing.batch.lists[changes.bars[0].list].name);
        assert.match(await text("#cmp-readout"), new RegExp(`^${best}, group en: .* Rank 1 of ${bars}\\.$`));
        await page.keyboard.press("End");
        assert.match(await text("#cmp-readout"), new RegExp(`Rank ${bars} of ${bars}\\.$`));
        await page.keyboard.press("PageUp");
        assert.match(await text("#cmp-readout"), new RegExp(`Rank ${bars - 10} of`));
        const box = await page.locator("#cmp-changes").boundingBox();
        await page.mouse.move(box.x + 1, box.y + 20);
        assert.match(await text("#cmp-readout"), /Rank 1 of/);
        assert.equal(await page.locator("#cmp-cursor").getAttribute("visibility"), "visible");
    });

    test("a list opens as two rankings in the other half", async () => {
        const row = page.locator("#cmp-changed-rows button").first();
        const name = await row.textContent();
        await row.click();
        await settle(page);
        assert.equal(await page.locator("#evaluate").isVisible(), true);
        assert.deepEqual(await page.$$eval("#lists li button", (all) => all.map((one) => one.textContent)), [
            `List ${name} · bm25`,
            `List ${name} · reranker`,
        ]);
        await page.locator("#mode-compare").click();
        assert.equal(await text("#cmp-changed-rows tr:first-child button"), name);
    });

    test("no more is drawn than the daemon gives of each list, and the page says so", async () => {
        const lists = 2500;
        const rows = Array.from({ length: lists }, (_, l) => [`${l},1,2,1`, `${l},0,1,${l % 2 ? 0 : 2}`]);
        const buffer = Buffer.from(["list,label,a,b", ...rows.flat()].join("\n"));
        await page.setInputFiles("#cmp-file", { name: "many.csv", mimeType: "text/csv", buffer });
        await page.waitForFunction(() => $("cmp-name-a").value === "a");
        await settle(page);
        assert.equal(await shownProblem(), false, await text("#cmp-problem-detail"));
        assert.match(
            await text("#cmp-changes-count"),
            /^0 better, 1,250 equal, 1,250 worse\. .* the 1,000 largest changes each way, of 2,500 lists\.$/,
        );
        assert.equal(await page.evaluate(() => changes.bars.length), 1000);
        assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 3000);
    });
});

describe("words", () => {
    test("are those of both tests, and of neither alone", async () => {
        const words = await page.evaluate(() => {
            const made = (difference, t, randomization, better = 5, worse = 3) => ({
                difference,
                better,
                worse,
                equal: 2,
                p_value: { t, randomization, holm: t },
            });
            return [
                judge("ndcg", made(0.1, 0.01, 0.02), 0.95),
                judge("ndcg", made(-0.1, 0.01, 0.02), 0.95),
                judge("pairwise_hinge", made(-0.1, 0.01, 0.02), 0.95),
                judge("pairwise_hinge", made(0.1, 0.01, 0.02), 0.95),
                judge("ndcg", made(0.1, 0.04, 0.06), 0.95),
                judge("ndcg", made(0.1, 0.06, 0.04), 0.95),
                judge("ndcg", made(0.1, 0.04, 0.04), 0.99),
                judge("ndcg", made(0, null, 1, 0, 0), 0.95),
                judge("ndcg", made(0.1, null, 1, 1, 0), 0.95),
                judge("ndcg", { ...made(0, null, null, 0, 0), equal: 0 }, 0.95),
            ];
        });
        assert.deepEqual(words, [
            "better",
            "worse",
            "better",
            "worse",
            "split",
            "split",
            "open",
            "same",
            "few",
            "none",
        ]);
    });

    test("say which system is better, and by how much", async () => {
        await choose("#cmp-sample", "1");
        assert.equal(await text("#cmp-verdict"), "new is better than old");
        await page.locator("#cmp-swap").click();
        await settle(page);
        assert.equal(await text("#cmp-verdict"), "old is worse than new");
        assert.match(await text("#cmp-announce"), /^NDCG \(k = 10\): old is worse than new$/);
        await choose("#cmp-sample", "3");
        assert.match(await text("#cmp-warning"), /^With 5 lists the intervals and tests are rough\.$/);
        await fill(page, "#cmp-b", await page.locator("#cmp-a").inputValue());
        assert.equal(await text("#cmp-verdict"), "new and old score the same on every list");
        assert.equal((await facts())["Paired t test"], "–");
        assert.equal(await text("#cmp-changed-none"), "No list got worse.");
        await typeColumns("1\n0\n2", "1\n2\n3", "3\n2\n4");
        assert.equal(await text("#cmp-verdict"), "Too few lists to tell");
        await fill(page, "#cmp-labels", "-1\nnull\n-1");
        assert.equal(await text("#cmp-verdict"), "Nothing to judge by");
        assert.equal(await text("#cmp-sentence"), "No list has a labelled item.");
    });

    test("follow the definition of a tool", async () => {
        await compareOnly("ndcg");
        await typeColumns(LABELS, A, B);
        const keras = (await facts()).Difference;
        await choose("#cmp-definition", "sklearn");
        const { body } = await page.evaluate(() => comparisonRequest());
        assert.equal(body.definition, "sklearn");
        const { difference } = (await compareWith(body)).json.results[0].comparisons[0];
        const shown = (await facts()).Difference;
        assert.ok(Math.abs(number(shown) - difference) < 1e-4, shown);
        assert.notEqual(shown, keras);
        await compareOnly("softmax"); /* a loss has no such parameter */
        assert.equal(await shownProblem(), false);
        await page.locator("#cmp-labels").fill(JSON.stringify({ ...REQUEST, definition: "trec_eval" }));
        await page.waitForFunction(() => $("cmp-definition").value === "trec_eval");
        await settle(page);
        assert.equal(await page.locator("#cmp-note").isVisible(), false);
    });

    test("fit the confidence that was asked for", async () => {
        await choose("#cmp-level", "0.99");
        const { body } = await page.evaluate(() => comparisonRequest());
        assert.equal(body.confidence_level, 0.99);
        const [low, high] = (await compareWith(body)).json.results.at(-1).comparisons[0].t;
        await page.locator('#cmp-rows [data-measure="mean_average_precision"]').click();
        await settle(page);
        const shown = (await text("#cmp-sentence")).match(/99 % interval runs from ([^ ]+) to ([^ ;]+)\./);
        assert.ok(shown, await text("#cmp-sentence"));
        assert.ok(Math.abs(number(shown[1]) - low) < 1e-4 && Math.abs(number(shown[2]) - high) < 1e-4);
    });
});

describe("what is wrong", () => {
    const selection = (id) => page.$eval(id, (box) => box.value.slice(box.selectionStart, box.selectionEnd));
    const goTo = () => page.locator("#cmp-problem-go").click();

    test("in a row is marked there, and the last results stay, marked as old", async () => {
        for (const [column, rows, message, bad] of [
            ["#cmp-a", A.replace("3", "x"), /^score is not a number: “x”$/, "x"],
            ["#cmp-a", `${A}\n7`, /^10 scores for 9 labels: from here on/, "7"],
            ["#cmp-b", B.replace("3\n", ""), /^8 scores for 9 labels: the rest is missing$/, ""],
            ["#cmp-b", B.replace("3\n", "3\t4\n"), /^one score in each row was expected/, "4"],
            ["#cmp-labels", LABELS.replace("q2\t1", "q2\tyes"), /^label is not a number: “yes”$/, "yes"],
            ["#cmp-labels", LABELS.replace("q2\t1", "q2"), /^2 cells were expected/, "q2"],
        ]) {
            await typeColumns(LABELS, A, B);
            const before = await text("#cmp-verdict");
            await fill(page, column, rows);
            assert.match(await text("#cmp-problem-detail"), message);
            assert.equal(await page.locator(column).getAttribute("aria-invalid"), "true");
            assert.equal(await page.locator("#compare .stale-note").isVisible(), true);
            assert.equal(await text("#cmp-verdict"), before);
            await goTo();
            assert.equal(`#${await focused()}`, column);
            assert.equal(await selection(column), bad);
        }
        await typeColumns(LABELS, A, B);
        assert.equal(await shownProblem(), false);
        assert.equal(await page.locator("#compare [aria-invalid]").count(), 0);
    });

    test("for the daemon is marked in the row that its pointer comes from", async () => {
        await typeColumns(LABELS, A, B.replace("3", "1e39"));
        const names = await page.evaluate(() => systemNames());
        assert.match(
            await text("#cmp-problem-place"),
            new RegExp(`^${names.b}, row 7 · /systems/${names.b}/2/0$`),
        );
        assert.equal(await text("#cmp-gutter b"), "7");
        await goTo();
        assert.equal(await selection("#cmp-b"), "1e39");
        await typeColumns(LABELS.replace("q3\t2", "q3\t1e39"), A, B);
        await goTo();
        assert.equal(await selection("#cmp-labels"), "1e39");
        await typeColumns("q1\tde\t1\nq1\tfr\t0", "1\n2", "2\n1");
        assert.match(await text("#cmp-problem-detail"), /^list q1 was in group “de” further up$/);
    });

    test("with a control is marked at the control", async () => {
        for (const [act, id, message] of [
            [() => fill(page, "#cmp-k", "0"), "cmp-k", /whole number of at least 1/],
            [() => fill(page, "#cmp-name-b", "bm25"), "cmp-name-b", /^Two systems need two names\.$/],
            [() => fill(page, "#cmp-name-a", " "), "cmp-name-a", /^Give each system a name\.$/],
            [() => fill(page, "#cmp-name-a", "n".repeat(200)), "cmp-name-a", /128/],
            [() => compareOnly(), "cmp-choose-ndcg", /^Choose at least one measure\.$/],
        ]) {
            await page.reload();
            await settle(page);
            await act();
            assert.match(await text("#cmp-problem-detail"), message);
            assert.equal(await page.locator(`#${id}`).getAttribute("aria-invalid"), "true");
            await goTo();
            assert.equal(await focused(), id);
        }
    });

    test("with a file leaves the columns as they are", async () => {
        const before = await page.locator("#cmp-labels").inputValue();
        for (const [name, buffer, message] of [
            [
                "notes.txt",
                Buffer.from("no table\nat all\n"),
                /^Expected JSON with y_true and systems, or CSV/,
            ],
            ["labels.csv", Buffer.from("list,label\nq,1\n"), /two columns of scores/],
            ["half.json", Buffer.from('{"y_true": [1,'), /^Expected JSON/],
            ["huge.csv", Buffer.alloc(8e6 + 1, "a"), /^Files of up to 8 MB are read here\.$/],
        ]) {
            await page.setInputFiles("#cmp-file", { name, mimeType: "text/plain", buffer });
            await page.waitForFunction(
                (wanted) => $("cmp-problem-title").textContent.startsWith(wanted),
                name,
            );
            assert.match(await text("#cmp-problem-detail"), message);
            assert.equal(await page.locator("#cmp-labels").inputValue(), before);
        }
    });

    test("JSON that is no comparison says what was expected", async () => {
        for (const json of ['{"y_true": [[1, 0]], "y_pred": [[1, 2]]}', '{"y_true": [[1, ', "[1, 2"]) {
            await fill(page, "#cmp-labels", json);
            assert.match(await text("#cmp-problem-detail"), /JSON of a request with y_true and systems/);
        }
    });

    test("nothing at all is not an error", async () => {
        await typeColumns("", "", "");
        assert.equal(await text("#cmp-problem-title"), "Nothing to compare yet");
    });
});

test("everything works with the keyboard alone", async () => {
    await page.goto("about:blank"); /* a change of the hash alone would not load the page again */
    await page.goto(daemon.url);
    await settle(page);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "skip");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "mode-evaluate");
    await page.keyboard.press("ArrowRight");
    await settle(page);
    assert.equal(await focused(), "mode-compare");
    assert.equal(await page.locator("#mode-compare").getAttribute("aria-selected"), "true");
    assert.equal(await page.locator("#evaluate").isVisible(), false);
    assert.equal(new URL(page.url()).hash, "#compare");
    const seen = [];
    for (let i = 0; i < 60 && (await focused()) !== "code"; i++) {
        await page.keyboard.press("Tab");
        const { id, visible } = await page.evaluate(() => {
            const at = document.activeElement;
            return {
                id: at.id || at.dataset.measure || at.dataset.list,
                visible: getComputedStyle(at).outlineStyle !== "none",
            };
        });
        assert.ok(visible, `focus on ${id} is visible`);
        seen.push(id);
        if (id === "cmp-choose-mean_reciprocal_rank") await page.keyboard.press("Space");
        if (id === "mean_average_precision") await page.keyboard.press("Enter");
        await settle(page);
    }
    for (const id of [
        ...["cmp-sample", "cmp-open", "cmp-swap", "cmp-labels", "cmp-name-a", "cmp-a", "cmp-name-b", "cmp-b"],
        ...["cmp-k", "cmp-level", "cmp-definition", "cmp-choose-ndcg", "cmp-choose-softmax", "ndcg", "cmp-changes", "cmp-way"],
        ...["save", "copy", "tab-curl"],
    ])
        assert.ok(seen.includes(id), `${id} among ${seen}`);
    assert.equal(await page.locator('#cmp-rows [data-measure="mean_reciprocal_rank"]').count(), 0);
    assert.match(await text("#cmp-verdict-title"), /^Mean average precision/);
    await page.locator("#mode-compare").focus();
    await page.keyboard.press("Home");
    assert.equal(await page.locator("#evaluate").isVisible(), true);
    assert.equal(await page.locator("#skip").getAttribute("href"), "#results");
});

describe("the request", () => {
    test("as code gives the numbers that the page shows", async () => {
        await typeColumns(LABELS, A, B);
        await compareOnly("ndcg");
        const shown = number((await facts()).Difference);
        for (const [tab, start] of [
            ["curl", (code) => run("bash", ["-c", code])],
            ["python", (code) => run("/usr/bin/python3", ["-c", code])],
            ["numpy", (code) => run("/usr/bin/python3", ["-c", code])],
            ["javascript", (code) => run(process.execPath, ["--input-type=module", "-e", code])],
        ]) {
            await page.locator(`#tab-${tab}`).click();
            const { stdout } = await start(await text("#code-text"));
            const found = stdout.match(/["']difference["']: ?(-?[\d.]+)/);
            assert.ok(found && Math.abs(Number(found[1]) - shown) < 1e-6, `${tab}: ${stdout.slice(0, 200)}`);
        }
    });

    test("can be saved, and then does the same", async () => {
        assert.match(await text("#code-text"), /--data-binary @comparison\.json$/);
        const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
        assert.equal(download.suggestedFilename(), "comparison.json");
        const { status, json } = await compareWith(readFileSync(await download.path(), "utf8"));
        assert.equal(status, 200);
        close(
            (await facts()).Difference,
            json.results.find((entry) => entry.name === "ndcg").comparisons[0].difference,
            "difference",
        );
        await page.locator("#mode-evaluate").click();
        assert.equal(await text("#save"), "Save batch.json");
        assert.match(await text("#code-text"), /v1\/losses\/pairwise_hinge/);
    });
});

test("nothing is wider than a small screen", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await fill(page, "#cmp-name-b", "a-system-whose-name-is-very-long-".repeat(3));
    for (const sample of [null, "1", "3"]) {
        if (sample) await choose("#cmp-sample", sample);
        const { inner, scroll } = await page.evaluate(() => ({
            inner: innerWidth,
            scroll: document.documentElement.scrollWidth,
        }));
        assert.ok(scroll <= inner, `sample ${sample}: ${scroll} > ${inner}`);
    }
});

test("a token is asked for, and a daemon that goes away is told", async () => {
    const tokens = tokenFile("a-token-of-some-length");
    const locked = await startDaemon("--auth-tokens-file", tokens.file);
    const own = await openPage(browser, locked.url, { half: "/#compare" });
    await own.locator("#token-form").waitFor();
    await own.locator("#token").fill("a-token-of-some-length");
    await own.keyboard.press("Enter");
    await own.locator("#cmp-cards").waitFor();
    await settle(own);
    assert.equal(await own.locator("#token-form").isVisible(), false);
    assert.equal(await own.evaluate(() => changes.bars.length), 72);
    await locked.stop();
    await fill(own, "#cmp-k", "5");
    assert.equal(await own.locator("#cmp-problem-title").textContent(), "The daemon does not answer");
    assert.equal(await own.locator("#compare .stale-note").isVisible(), true);
    await own.context().close();
    tokens.remove();
});
