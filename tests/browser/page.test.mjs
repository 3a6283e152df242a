/*
 * page.test.mjs: what a person does on the page, against the real daemon. What the page shows is
 * compared with what the daemon answers to requests of our own.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { fill, launchBrowser, openPage, paste, post, settle, startDaemon } from "./support.mjs";

const LOSSES = [
    "pairwise_hinge",
    "pairwise_logistic",
    "pairwise_soft_zero_one",
    "pairwise_mean_squared_error",
    "list_mle",
    "softmax",
    "approx_ndcg",
];
const BATCH = {
    y_true: [
        [1, 0, 1, 3],
        [0, 1, 2, 3],
    ],
    y_pred: [
        [1, 3, 2, 4],
        [1, 1.8, 2, 3],
    ],
};
const BATCH_TEXT =
    '{\n  "y_true": [[1, 0, 1, 3],\n             [0, 1, 2, 3]],\n  "y_pred": [[1, 3, 2, 4],\n             [1, 1.8, 2, 3]]\n}';

let daemon, browser, page;
const text = (selector) => page.locator(selector).textContent();
const choose = async (selector, value) => {
    await page.locator(selector).selectOption(value);
    await settle(page);
};
const typeInto = (selector, value) => fill(page, selector, value);
const selection = () =>
    page.$eval("#input", (input) => input.value.slice(input.selectionStart, input.selectionEnd));
const typed = () => page.$eval("#input", (input) => input.value);
const shownProblem = () => page.locator("#problem").isVisible();

before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchBrowser()]);
});
after(async () => {
    await browser?.close();
    await daemon?.stop();
});
beforeEach(async () => {
    page = await openPage(browser, daemon.url);
    await settle(page);
});
afterEach(async () => {
    const { errors, foreign } = page.watched;
    await page.context().close();
    assert.deepEqual(errors, [], "errors of the page's own script");
    assert.deepEqual(foreign, [], "requests to anywhere else");
});

describe("evaluating", () => {
    test("the page opens with a batch that is already evaluated", async () => {
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", await typed());
        assert.equal(await text("#loss-value"), String(json.loss));
        assert.equal(await page.locator("#lists li").count(), 6);
        assert.equal(await shownProblem(), false);
        assert.deepEqual(page.watched.console, []);
    });

    test("typing evaluates without pressing anything, and not once per key", async () => {
        await paste(page, "");
        const before = page.watched.evaluations;
        const keys = JSON.stringify(BATCH);
        const started = Date.now();
        await page.locator("#input").pressSequentially(keys, { delay: 10 });
        await page.waitForFunction((wanted) => $("input").value === wanted, keys);
        await settle(page);
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", BATCH);
        assert.equal(await text("#loss-value"), String(json.loss));
        const sent = page.watched.evaluations - before;
        /* one for each pause in typing at most, however slow this machine types */
        const most = 2 + (Date.now() - started) / 220;
        assert.ok(sent >= 1 && sent <= most && sent < keys.length, `${sent} requests, at most ${most}`);
    });

    test("each loss, reduction and precision shows the daemon's own number", async () => {
        await paste(page, BATCH_TEXT);
        for (const dtype of ["float32", "float64"])
            for (const reduction of ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"]) {
                await choose("#dtype", dtype);
                await choose("#reduction", reduction);
                for (const loss of LOSSES) {
                    await choose("#loss", loss);
                    const { json } = await post(daemon.url, `/v1/losses/${loss}`, {
                        ...BATCH,
                        dtype,
                        reduction,
                    });
                    assert.equal(
                        await text("#loss-value"),
                        String(json.loss),
                        `${loss} ${reduction} ${dtype}`,
                    );
                    assert.equal(await page.locator("#agreement").getAttribute("data-state"), "good");
                }
            }
    });

    test("the reduction none shows how many values there are, and their sum beside", async () => {
        await paste(page, BATCH_TEXT);
        await choose("#reduction", "none");
        assert.equal(await text("#loss-value"), "8 values");
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", BATCH);
        const shown = await text('#losses tr:has([aria-pressed="true"]) td:last-child');
        assert.ok(Math.abs(Number(shown) - json.totals.loss_sum) < 1e-4, shown);
    });

    test("temperature: number and slider follow each other, and both evaluate", async () => {
        await paste(page, BATCH_TEXT);
        await typeInto("#temperature", "0.1");
        assert.equal(Number(await page.locator("#temperature-slider").inputValue()), -1);
        const sharp = await post(daemon.url, "/v1/losses/pairwise_hinge", { ...BATCH, temperature: 0.1 });
        assert.equal(await text("#loss-value"), String(sharp.json.loss));
        await page.locator("#temperature-slider").focus();
        await page.keyboard.press("End");
        await page.waitForFunction(() => $("temperature").value === "100");
        await settle(page);
        assert.equal(await page.locator("#temperature").inputValue(), "100");
        const soft = await post(daemon.url, "/v1/losses/pairwise_hinge", { ...BATCH, temperature: 100 });
        assert.equal(await text("#loss-value"), String(soft.json.loss));
    });

    test("all losses and metrics stand beside each other, and k changes the metrics", async () => {
        await paste(page, BATCH_TEXT);
        for (const k of [undefined, 1]) {
            if (k) await typeInto("#k", String(k));
            const { json } = await post(daemon.url, "/v1/evaluate", {
                ...BATCH,
                losses: LOSSES,
                metrics: [
                    "ndcg",
                    "dcg",
                    "mean_reciprocal_rank",
                    "mean_average_precision",
                    "precision_at_k",
                    "recall_at_k",
                    "hit_rate",
                    "r_precision",
                    "bpref",
                    "auc",
                    "expected_reciprocal_rank",
                    "rank_biased_precision",
                ],
                k,
            });
            const expected = json.results.map((entry) => entry.loss ?? entry.metric);
            const shown = await page.$$eval("#losses td:last-child, #metrics td:last-child", (cells) =>
                cells.map((cell) => Number(cell.textContent)),
            );
            assert.equal(shown.length, 19);
            shown.forEach((value, i) =>
                assert.ok(
                    Math.abs(value - expected[i]) <= 1e-5 * Math.max(1, Math.abs(expected[i])),
                    `${json.results[i].name}: ${value}, ${expected[i]}`,
                ),
            );
        }
    });

    test("a loss chosen from the table becomes the one shown", async () => {
        await page.locator('#losses button[data-loss="pairwise_logistic"]').click();
        await settle(page);
        assert.equal(await text("#loss-title"), "Pairwise logistic");
        assert.equal(await page.locator("#loss").inputValue(), "pairwise_logistic");
        assert.match(await text("#announce"), /^Pairwise logistic: /);
    });

    test("the formula under the choice is the catalogue's", async () => {
        const { losses } = await (await fetch(`${daemon.url}/v1/losses`)).json();
        for (const { name, formula } of losses) {
            await choose("#loss", name);
            assert.equal(await text("#formula"), formula);
        }
    });

    test("what the batch says about options comes before the controls, which come back after it", async () => {
        await typeInto("#temperature", "3");
        await paste(
            page,
            JSON.stringify({
                ...BATCH,
                temperature: 2,
                reduction: null,
                dtype: "float64",
                name: "mine",
                include: ["gradient"],
                top_k: 3,
            }),
        );
        for (const id of ["temperature", "temperature-slider", "reduction", "dtype"])
            assert.equal(await page.locator(`#${id}`).isDisabled(), true, id);
        assert.equal(await page.locator("#temperature").inputValue(), "2");
        assert.equal(await text("#options-note"), "Set in the batch: temperature, reduction, dtype.");
        assert.equal(await text("#loss-value"), "8 values");
        await paste(page, BATCH_TEXT);
        assert.equal(await page.locator("#temperature").isDisabled(), false);
        assert.equal(await page.locator("#temperature").inputValue(), "3");
        assert.equal(await page.locator("#reduction").inputValue(), "sum_over_batch_size");
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", { ...BATCH, temperature: 3 });
        assert.equal(await text("#loss-value"), String(json.loss));
    });

    test("every sample is evaluated by every loss, and what is drawn agrees with the daemon", async () => {
        const samples = await page.$$eval("#sample option:not([hidden])", (options) =>
            options.map((option) => option.value),
        );
        assert.ok(samples.length >= 6);
        for (const sample of samples) {
            await choose("#sample", sample);
            const perItem = await page.evaluate(() => weightsPerItem(state.batch.value));
            for (const loss of LOSSES) {
                if (["list_mle", "softmax", "approx_ndcg"].includes(loss) && perItem) continue;
                await choose("#loss", loss);
                assert.equal(
                    await shownProblem(),
                    false,
                    `${sample} ${loss}: ${await text("#problem-detail")}`,
                );
                assert.equal(
                    await page.locator("#agreement").getAttribute("data-state"),
                    "good",
                    `${sample} ${loss}: ${await text("#agreement")}`,
                );
            }
            await choose("#loss", "pairwise_hinge");
        }
    });
});

describe("rows of a spreadsheet", () => {
    const expected = {
        y_true: [
            [1, 0, null],
            [2, 0],
        ],
        y_pred: [
            [0.5, 1.25, null],
            [-1, 3],
        ],
    };

    test("tabs, commas, semicolons and blanks are understood", async () => {
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", expected);
        const rows = [
            ["a", "1", "0.5"],
            ["a", "0", "1.25"],
            ["b", "2", "-1"],
            ["a", "", ""],
            ["b", "0", "3"],
        ];
        const forms = {
            tabs: rows.map((row) => row.join("\t")).join("\n"),
            commas: rows.map((row) => row.join(", ")).join("\r\n"),
            "semicolons and decimal commas": rows.map((row) => row.join(";").replace(".", ",")).join("\n"),
            blanks: rows.map((row) => row.map((cell) => cell || "null").join("  ")).join("\n"),
            "a header, in another order": [
                "Score\tQID\tRelevance",
                ...rows.map(([id, label, score]) => [score, id, label].join("\t")),
            ].join("\n"),
        };
        for (const [name, form] of Object.entries(forms)) {
            await paste(page, form);
            assert.equal(await shownProblem(), false, `${name}: ${await text("#problem-detail")}`);
            assert.equal(await text("#loss-value"), String(json.loss), name);
            assert.equal(await page.locator("#lists li").count(), 2, name);
            assert.match(await text("#input-kind"), /2 lists in 5 rows/);
        }
        assert.equal(await page.locator("#lists li button").first().textContent(), "List a");
    });

    test("mask and weight columns reach the daemon", async () => {
        await paste(
            page,
            "q\t1\t0.5\t1\t2\nq\t0\t1.5\tfalse\t1\nq\t0\t0.25\ttrue\t1.5\nr\t2\t1\t1\t0.5\nr\t1\t2\t1\t1",
        );
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", {
            y_true: {
                labels: [
                    [1, 0, 0],
                    [2, 1],
                ],
                mask: [
                    [1, 0, 1],
                    [1, 1],
                ],
            },
            y_pred: [
                [0.5, 1.5, 0.25],
                [1, 2],
            ],
            sample_weight: [
                [2, 1, 1.5],
                [0.5, 1],
            ],
        });
        assert.equal(await text("#loss-value"), String(json.loss));
    });

    test("a bad cell is marked where it stands", async () => {
        for (const [rows, bad, message] of [
            ["a\t1\t0.5\na\tyes\t1\n", "yes", /label is not a number/],
            ["a,1,0.5\na,0,1.2.3\n", "1.2.3", /score is not a number/],
            ["a\t1\t0.5\t7\n", "7", /mask must be 0 or 1/],
            ["a\t1\t0.5\na\t1\n", "a\t1", /score is missing/],
        ]) {
            await paste(page, rows);
            assert.match(await text("#problem-detail"), message);
            await page.locator("#problem-go").click();
            assert.equal(await selection(), bad);
        }
    });

    test("what the daemon refuses is marked in the row that it came from", async () => {
        await paste(page, "list\tlabel\tscore\na\t1\t0.5\nb\t2\t1e39\nb\t0\t1\n");
        assert.equal(await shownProblem(), true);
        await page.locator("#problem-go").click();
        assert.equal(await selection(), "1e39");
        assert.match(await text("#problem-place"), /^line 3, column 5 · \/y_pred\/1\/0$/);
    });
});

describe("errors mark the place", () => {
    test("malformed JSON: line, column, mark and excerpt", async () => {
        await paste(page, BATCH_TEXT.replace("1.8", "1.8.8"));
        assert.equal(await shownProblem(), true);
        const { json } = await post(
            daemon.url,
            "/v1/losses/pairwise_hinge",
            BATCH_TEXT.replace("1.8", "1.8.8"),
        );
        assert.equal(await text("#problem-title"), json.title);
        assert.equal(await text("#problem-place"), `line ${json.line}, column ${json.column}`);
        assert.equal(json.line, 5);
        assert.equal(await text("#gutter b"), "5");
        assert.equal(await page.locator("#mark").isVisible(), true);
        assert.equal(await page.locator("#input").getAttribute("aria-invalid"), "true");
        assert.equal((await text("#problem-excerpt em")).length, 1);
        await paste(page, BATCH_TEXT);
        assert.equal(await shownProblem(), false);
        assert.equal(await page.locator("#mark").isVisible(), false);
        assert.equal(await page.locator("#input").getAttribute("aria-invalid"), null);
    });

    test("the place is right past letters of several bytes", async () => {
        await paste(page, '{"näme €": 1,\n "y_true": [1, 0], "y_pred": [1, 0,]}');
        await page.locator("#problem-go").click();
        assert.equal(await selection(), "]");
    });

    test("well-formed but wrong: the JSON Pointer becomes a place in the text", async () => {
        for (const [wrong, bad] of [
            [BATCH_TEXT.replace("1.8", '"1.8"'), '"1.8"'],
            [BATCH_TEXT.replace("[0, 1, 2, 3]", "[0, 1, 2]"), "[0, 1, 2]"],
            [BATCH_TEXT.replace('"y_pred"', '"extra": true,\n  "y_pred"'), '"extra": true'],
            [BATCH_TEXT.replace("3]]\n}", '3]],\n  "temperature": -1\n}'), '"temperature": -1'],
            [
                BATCH_TEXT.replace("3]]\n}", '3]],\n  "sample_weight": [1, 2, 3]\n}'),
                '"sample_weight": [1, 2, 3]',
            ],
        ]) {
            await paste(page, wrong);
            assert.equal(await shownProblem(), true, wrong);
            const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", wrong);
            const reason = (words) => words.split(",")[0]; /* what follows lists the members of this path */
            assert.equal(reason(await text("#problem-detail")), reason(json.errors[0].detail));
            await page.locator("#problem-go").click();
            assert.equal(await selection(), bad);
        }
    });

    test("a place far down is brought into view, with its line number", async () => {
        const rows = Array.from({ length: 400 }, (_, i) => `[${i}, 1, ${i === 321 ? "true" : 2}]`);
        await paste(
            page,
            `{"y_true": [${rows.map(() => "[0, 1, 2]").join(",\n")}],\n"y_pred": [${rows.join(",\n")}]}`,
        );
        await page.locator("#problem-go").click();
        assert.equal(await selection(), "true");
        const line = (await text("#problem-place")).match(/line (\d+)/)[1];
        assert.equal(line, String(400 + 321 + 1));
        await page.waitForFunction(
            (wanted) => document.querySelector("#gutter b")?.textContent === wanted,
            line,
        );
        const box = await page.locator("#mark").boundingBox();
        const editor = await page.locator("#editor").boundingBox();
        assert.ok(
            box.y > editor.y && box.y + box.height < editor.y + editor.height,
            "the mark is inside the editor",
        );
    });

    test("the mark lies on the character that is wrong", async () => {
        await paste(page, BATCH_TEXT.replace("1.8", "1.8x"));
        const at = await page.evaluate(() => {
            const { line, from } = editor.mark;
            const lines = $("input").value.split("\n");
            return lines[line - 1][from];
        });
        assert.equal(at, "x");
        const mark = await page.locator("#mark").boundingBox();
        const middle = await page.evaluate(({ x, y, width, height }) => {
            const input = $("input");
            input.style.pointerEvents = "auto";
            const range = document.caretPositionFromPoint?.(x + width / 2 - 1, y + height / 2);
            return range ? range.offset : null;
        }, mark);
        const index = (await typed()).indexOf("x");
        assert.ok(
            middle === index || middle === index + 1,
            `caret at ${middle}, wrong character at ${index}`,
        );
    });

    test("a wrong option is marked at its control", async () => {
        await typeInto("#temperature", "0");
        assert.equal(await page.locator("#temperature").getAttribute("aria-invalid"), "true");
        await page.locator("#problem-go").click();
        assert.equal(await page.evaluate(() => document.activeElement.id), "temperature");
        await typeInto("#temperature", "1");
        assert.equal(await page.locator("#temperature").getAttribute("aria-invalid"), null);
        await typeInto("#k", "0");
        assert.equal(await page.locator("#k").getAttribute("aria-invalid"), "true");
    });

    test("list MLE with weights per item points at the weights", async () => {
        await paste(
            page,
            JSON.stringify({
                ...BATCH,
                sample_weight: [
                    [1, 1, 1, 1],
                    [1, 1, 1, 2],
                ],
            }),
        );
        assert.equal(
            await page.locator('#losses tr:has([data-loss="list_mle"]) td:last-child').textContent(),
            "takes a weight per list",
        );
        await choose("#loss", "list_mle");
        assert.equal(await shownProblem(), true);
        await page.locator("#problem-go").click();
        assert.match(await selection(), /^"sample_weight":\[\[1,1/);
    });

    test("the last good results stay, marked as such", async () => {
        await paste(page, BATCH_TEXT);
        const value = await text("#loss-value");
        await paste(page, "{");
        assert.equal(await text("#loss-value"), value);
        assert.equal(await page.locator("#results .stale-note").isVisible(), true);
        await paste(page, "");
        assert.equal(await text("#problem-title"), "Nothing to evaluate yet");
    });
});

describe("lists drawn as rankings", () => {
    test("cells stand in the order of the scores and carry the labels", async () => {
        await paste(page, '{"y_true": [[1, 0, null, 4, 2]], "y_pred": [[0.1, 0.9, 0.5, 0.3, 0.3]]}');
        const cells = await page.$$eval("#lists .cell-text", (texts) =>
            texts.map((cell) => cell.textContent),
        );
        assert.deepEqual(cells, ["0", "–", "4", "2", "1"]);
        assert.equal(await page.locator("#lists .cell.not").count(), 1);
        assert.match(
            await page.locator("#lists svg").getAttribute("aria-label"),
            /best first: 0, not valid, 4, 2, 1/,
        );
    });

    test("each offending pair is an arc, thicker for a larger loss", async () => {
        const batch = { y_true: [[0, 1, 2]], y_pred: [[3, 1.5, 1]] };
        await paste(page, JSON.stringify(batch));
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", {
            ...batch,
            include: ["top_pairs"],
        });
        const arcs = await page.$$eval("#lists .link", (paths) =>
            paths.map((path) => ({
                width: Number(path.getAttribute("stroke-width")),
                bad: path.classList.contains("bad"),
            })),
        );
        assert.equal(arcs.length, json.top_pairs[0].length);
        const widths = arcs.map((arc) => arc.width).reverse();
        const wanted = json.top_pairs[0].map((pair) => 1 + (4 * pair.loss) / json.top_pairs[0][0].loss);
        widths.forEach((width, i) =>
            assert.ok(Math.abs(width - wanted[i]) < 0.011, `${width}, ${wanted[i]}`),
        );
        assert.ok(arcs.every((arc) => arc.bad));
        await paste(page, JSON.stringify({ ...batch, y_pred: [[1, 1.5, 2]] }));
        assert.equal(await page.locator("#lists .link.close").count(), 2);
        assert.equal(await page.locator("#lists .link.bad").count(), 0);
    });

    test("lists can be chosen by mouse and by keyboard", async () => {
        await page.locator('#lists button[data-list="2"]').click();
        assert.equal(await text("#detail-title"), "List 2");
        assert.equal(await page.locator('#lists button[data-list="2"]').getAttribute("aria-pressed"), "true");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        assert.equal(await text("#detail-title"), "List 3");
        assert.equal(await page.evaluate(() => document.activeElement.dataset.list), "3");
    });

    test("many lists come in pages, in either order", async () => {
        await choose("#sample", "7");
        assert.equal(await page.locator("#lists li").count(), 8);
        assert.equal(await text("#page-word"), "Page 1 of 38");
        assert.equal(await page.locator("#page-back").isDisabled(), true);
        await page.locator("#page-next").click();
        assert.equal(await page.locator("#lists button").first().textContent(), "List 8");
        await choose("#order", "loss");
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", {
            ...JSON.parse(await typed()),
            include: ["per_list"],
        });
        const worst = json.per_list
            .map((entry, i) => [entry.loss_sum, i])
            .sort((a, b) => b[0] - a[0] || a[1] - b[1])
            .slice(0, 8);
        assert.deepEqual(
            await page.$$eval("#lists button", (buttons) =>
                buttons.map((button) => Number(button.dataset.list)),
            ),
            worst.map(([, i]) => i),
        );
    });

    test("an empty list and a batch of masked items have a picture too", async () => {
        await paste(
            page,
            '{"y_true": {"labels": [[], [1, 0]], "mask": [[], [false, false]]}, "y_pred": [[], [1, 2]]}',
        );
        assert.equal(await shownProblem(), false);
        assert.equal(await text("#loss-value"), "0");
        assert.match(await page.locator("#lists li").first().textContent(), /empty/);
        await page.locator('#lists button[data-list="1"]').click();
        assert.equal(await text("#heat-note"), "No valid items, so no pairs.");
    });
});

describe("one list in detail", () => {
    beforeEach(() => paste(page, BATCH_TEXT));

    test("items, losses and arrows are the daemon's", async () => {
        const { json } = await post(daemon.url, "/v1/losses/pairwise_hinge", {
            ...BATCH,
            include: ["gradient"],
        });
        const none = await post(daemon.url, "/v1/losses/pairwise_hinge", { ...BATCH, reduction: "none" });
        const rows = await page.$$eval("#items tr", (all) =>
            all.map((row) => ({
                item: Number(row.dataset.item),
                score: Number(row.cells[3].textContent),
                loss: Number(row.cells[5].textContent),
                arrow: row.querySelector(".push svg").getAttribute("aria-label"),
                push: Number(row.querySelector(".push span").textContent),
            })),
        );
        assert.deepEqual(
            rows.map((row) => row.item),
            [3, 1, 2, 0],
        );
        for (const row of rows) {
            const gradient = json.gradient[0][row.item];
            assert.equal(row.score, BATCH.y_pred[0][row.item]);
            assert.ok(Math.abs(row.loss - none.json.loss[0][row.item]) < 1e-3);
            assert.equal(row.arrow, gradient === 0 ? "stays" : gradient < 0 ? "up" : "down");
            assert.ok(Math.abs(row.push + gradient) <= 0.05 * Math.abs(gradient), `${row.push} ${gradient}`);
        }
    });

    test("the heat map is read with the arrow keys", async () => {
        await page.locator("#heat-canvas").focus();
        await page.keyboard.press("ArrowRight");
        assert.match(await text("#heat-readout"), /The same item/);
        for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
        /* row 2 is item 2 (label 1, score 2), column 1 is item 1 (label 0, score 3): 1 - (2 - 3) */
        assert.match(
            await text("#heat-readout"),
            /^i: item 2, label 1, score 2; j: item 1, label 0, score 3\. Loss 2\./,
        );
        assert.equal(await page.locator("#items tr.lit").count(), 2);
        for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowDown");
        assert.match(await text("#heat-readout"), /^i: item 0, label 1, score 1; j: item 1, .* Loss 3\./);
    });

    test("the heat map is read with the mouse, and its colours follow the losses", async () => {
        await page.locator("#heat-canvas").scrollIntoViewIfNeeded();
        const box = await page.locator("#heat-canvas").boundingBox();
        const cell = await page.evaluate(() => heat.cell);
        await page.mouse.move(box.x + 15 + 1.5 * cell, box.y + 15 + 3.5 * cell);
        assert.match(await text("#heat-readout"), /i: item 0.*j: item 1.*Loss 3\./);
        assert.equal(await page.locator("#heat-cross").isVisible(), true);
        const tone = (row, column) =>
            page.evaluate(
                ([r, c]) => {
                    const canvas = $("heat-canvas");
                    const ratio = canvas.width / canvas.clientWidth;
                    return [
                        ...canvas
                            .getContext("2d")
                            .getImageData(
                                (15 + (c + 0.15) * heat.cell) * ratio,
                                (15 + (r + 0.15) * heat.cell) * ratio,
                                1,
                                1,
                            ).data,
                    ]
                        .slice(0, 3)
                        .reduce((sum, part) => sum + part);
                },
                [row, column],
            );
        assert.ok(
            (await tone(3, 1)) < (await tone(2, 1)) && (await tone(2, 1)) < (await tone(0, 0)),
            "darker is worse",
        );
        assert.equal(await text("#heat-max"), "3");
    });

    test("a wrong sum would be noticed", async () => {
        const words = await page.evaluate(() => {
            state.values = state.values.map((row) => row.map((value) => value * 1.01));
            drawDetail();
            return [$("agreement").dataset.state, $("agreement").textContent];
        });
        assert.equal(words[0], "bad");
        assert.match(words[1], /differ from the daemon’s/);
    });

    test("worst pairs are named in words", async () => {
        assert.match(
            await page.locator("#worst li").first().textContent(),
            /Item 0 \(label 1\) not above 1 \(label 0\)3/,
        );
    });

    test("a worst pair's items are marked for the keyboard too", async () => {
        const marked = () => page.locator(".lit").count();
        await page.locator("#worst button").first().focus();
        assert.ok((await marked()) >= 2);
        await page.locator("#worst button").first().blur();
        assert.equal(await marked(), 0);
    });

    test("a step down the gradient lowers the loss, and can be undone", async () => {
        for (const form of [BATCH_TEXT, "a\t1\t1\na\t0\t3\na\t1\t2\na\t3\t4"]) {
            await paste(page, form);
            const start = Number(await text("#loss-value"));
            await page.locator("#step").click();
            await settle(page);
            const lower = Number(await text("#loss-value"));
            assert.ok(lower < start, `${lower} < ${start}`);
            await page.locator("#input").focus();
            await page.keyboard.press("Control+z");
            await page.waitForFunction((wanted) => $("input").value === wanted, form);
            await settle(page);
            assert.equal(Number(await text("#loss-value")), start);
        }
    });
});

describe("a batch that is large", () => {
    test("20,000 lists are evaluated, and little of them is drawn", async () => {
        const lists = Array.from({ length: 20000 }, (_, l) => [l % 5, 1, 0]);
        await paste(
            page,
            JSON.stringify({
                y_true: lists,
                y_pred: lists.map((list) => list.map((label, i) => label * 0.1 + i)),
            }),
        );
        assert.equal(await shownProblem(), false);
        assert.equal(await text("#page-word"), "Page 1 of 2500");
        assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 3000);
    });

    test("above 200,000 items only totals and lists are asked for", async () => {
        const row = (value) => `[${Array(1000).fill(value).join(",")}]`;
        await paste(
            page,
            `{"y_true": [${Array(201).fill(row(1)).join(",")}], "y_pred": [${Array(201).fill(row(0.5)).join(",")}]}`,
        );
        assert.equal(await shownProblem(), false, await text("#problem-detail"));
        assert.match(await text("#items-note"), /left out above 200,000 items/);
        assert.equal(await page.locator("#items tr").count(), 40);
        await page.locator("#items-more").click();
        assert.equal(await page.locator("#items tr").count(), 240);
    });
});

describe("at any width", () => {
    test("nothing is wider than a small screen", async () => {
        await page.setViewportSize({ width: 360, height: 740 });
        const samples = await page.$$eval("#sample option:not([hidden])", (options) =>
            options.map((option) => option.value),
        );
        await page.evaluate(() => {
            /* live figures as wide as they get, and no poll to replace them */
            clearTimeout(live.timer);
            pollLive = drawLive = () => {};
            $("live-latency").textContent = "1,234 · 9,999 · 10,000 ms";
            $("live-rate").textContent = "123,456";
            $("live-queue").textContent = "100,000 of 100,000";
        });
        for (const sample of samples) {
            await choose("#sample", sample);
            const { inner, scroll } = await page.evaluate(() => ({
                inner: innerWidth,
                scroll: document.documentElement.scrollWidth,
            }));
            assert.ok(scroll <= inner, `sample ${sample}: ${scroll} > ${inner}`);
        }
    });

    test("everything can be reached with the keyboard, and what has focus shows it", async () => {
        const seen = new Set();
        await page.evaluate(() => document.activeElement.blur());
        for (let i = 0; i < 60; i++) {
            await page.keyboard.press("Tab");
            const { id, visible } = await page.evaluate(() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const after = getComputedStyle(at, "::after");
                const box = at.closest(".editor");
                return {
                    id: at.id || at.dataset.list || at.dataset.loss || at.tagName,
                    visible:
                        style.outlineStyle !== "none" ||
                        after.outlineStyle !== "none" ||
                        Boolean(box && getComputedStyle(box).boxShadow !== "none"),
                };
            });
            seen.add(id);
            if (id !== "BODY") assert.ok(visible, `focus on ${id} is not visible`);
        }
        for (const id of [
            "sample",
            "input",
            "loss",
            "temperature",
            "reduction",
            "dtype",
            "k",
            "pairwise_hinge",
            "order",
            "step",
            "heat-canvas",
            "copy",
            "tab-curl",
            "code",
        ])
            assert.ok(seen.has(id), `${id} among ${[...seen]}`);
    });
});
