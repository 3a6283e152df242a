/*
 * code.test.mjs: the code that the page offers, copied and really run, gives the loss that the
 * page shows.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { fill, launchBrowser, openPage, paste, settle, startDaemon } from "./support.mjs";

const run = promisify(execFile);
const BATCHES = [
    '{"y_true": {"labels": [[1, 0, null, 3], [0, 1]], "mask": [[true, true, true, false], [1, 1]]}, "y_pred": [[1, 3, null, 4], [1, 1.8]], "name": "it\'s \\"quoted\\" \\u00e9"}',
    "query\tlabel\tscore\tweight\na\t1\t0.5\t2\na\t0\t0.75\t1\nb\t2\t1\t1\nb\t0\t3\t1\n",
];
const RUNNERS = {
    curl: async (code) => JSON.parse((await run("bash", ["-c", code], { timeout: 20000 })).stdout).loss,
    python: async (code) =>
        JSON.parse((await run("/usr/bin/python3", ["-c", code], { timeout: 20000 })).stdout),
    numpy: async (code) => {
        const [loss] = JSON.parse((await run("/usr/bin/python3", ["-c", code], { timeout: 20000 })).stdout);
        return loss;
    },
    javascript: async (code) =>
        JSON.parse(
            (await run(process.execPath, ["--input-type=module", "-e", code], { timeout: 20000 })).stdout,
        ),
};

let daemon, browser, page;
before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchBrowser()]);
    page = await openPage(browser, daemon.url);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: daemon.url });
});
after(async () => {
    await browser?.close();
    await daemon?.stop();
});

for (const language of Object.keys(RUNNERS))
    test(`the ${language} code does what the page did`, async () => {
        for (const batch of BATCHES)
            for (const temperature of ["1", "0.5"]) {
                await paste(page, batch);
                await fill(page, "#temperature", temperature);
                await page.locator("#dtype").selectOption("float64");
                await settle(page);
                await page.locator(`#tab-${language}`).click();
                const code = await page.locator("#code-text").textContent();
                await page.locator("#copy").click();
                await page.waitForFunction(
                    async (wanted) => (await navigator.clipboard.readText()) === wanted,
                    code,
                );
                assert.equal(
                    String(await RUNNERS[language](code)),
                    await page.locator("#loss-value").textContent(),
                    code,
                );
            }
    });

test("each copy says so, to the eye and to a screen reader, and stops saying so", async () => {
    await page.evaluate(() => {
        window.said = [];
        new MutationObserver(() => said.push(`${$("copied").textContent}|${$("copy").textContent}`)).observe(
            $("copied"),
            { childList: true },
        );
    });
    await page.locator("#copy").click();
    await page.waitForFunction(() => said.includes("Copied|Copied"));
    await page.locator("#copy").click(); /* mostly before the first one's word ends */
    await page.waitForFunction(() => said.filter((word) => word === "Copied|Copied").length === 2);
    await page.waitForFunction(() => said.at(-1) === "|Copy");
});

test("tabs are moved through with the arrow keys", async () => {
    await page.locator("#tab-curl").click();
    for (const [key, id] of [
        ["ArrowRight", "tab-python"],
        ["ArrowRight", "tab-numpy"],
        ["ArrowRight", "tab-javascript"],
        ["ArrowRight", "tab-curl"],
        ["ArrowLeft", "tab-javascript"],
        ["Home", "tab-curl"],
        ["End", "tab-javascript"],
    ]) {
        await page.keyboard.press(key);
        assert.equal(await page.evaluate(() => document.activeElement.id), id);
        assert.equal(await page.locator(`#${id}`).getAttribute("aria-selected"), "true");
        assert.equal(await page.locator("#code").getAttribute("aria-labelledby"), id);
    }
});

test("a large batch is referred to as a file", async () => {
    await page.locator("#sample").selectOption("7");
    await settle(page);
    await page.locator("#tab-curl").click();
    assert.match(await page.locator("#code-text").textContent(), /--data-binary @batch\.json$/);
});

test("the arrays of a large batch come out of the file", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ranklossd-"));
    await page.locator("#tab-numpy").click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
    await download.saveAs(path.join(folder, "batch.json"));
    const code = await page.locator("#code-text").textContent();
    const { stdout } = await run("/usr/bin/python3", ["-c", code], { cwd: folder, timeout: 20000 });
    const dtype = await page.locator("#dtype").inputValue();
    const narrow = dtype === "float64" ? Number : Math.fround;
    const shown = Number(await page.locator("#loss-value").textContent());
    assert.equal(JSON.parse(stdout)[0], narrow(shown), code);
    await rm(folder, { recursive: true });
});
