/*
 * access.test.mjs: axe-core finds nothing wrong with the page in any of its states.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fill, launchBrowser, openPage, paste, settle, startDaemon, tokenFile } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let daemon, browser;
before(async () => {
    [daemon, browser] = await Promise.all([startDaemon(), launchBrowser()]);
});
after(async () => {
    await browser?.close();
    await daemon?.stop();
});

async function violations(page) {
    await page.evaluate(AXE);
    const found = await page.evaluate(
        (tags) => axe.run(document, { runOnly: { type: "tag", values: tags } }),
        RULES,
    );
    assert.ok(found.passes.length > 20, "axe looked at the page");
    return found.violations.map(
        ({ id, nodes }) =>
            `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
    );
}

const STATES = {
    "as it opens": async () => {},
    "a list chosen, the heat map pointed at": async (page) => {
        await page.locator('#lists button[data-list="1"]').click();
        await page.locator("#heat-canvas").focus();
        await page.keyboard.press("ArrowDown");
    },
    "malformed JSON": async (page) => paste(page, '{"y_true": [[1, 0]], "y_pred": [[1, x]]}'),
    "a wrong option": async (page) => {
        await fill(page, "#temperature", "-1");
    },
    "list MLE over rows of a spreadsheet": async (page) => {
        await fill(page, "#temperature", "1");
        await paste(page, "a\t1\t2\na\t0\t1\nb\t3\t1\nb\t0\t2\n");
        await page.locator("#loss").selectOption("list_mle");
        await settle(page);
    },
    "many lists": async (page) => {
        await page.locator("#loss").selectOption("pairwise_hinge");
        await page.locator("#sample").selectOption("7");
        await settle(page);
    },
    "options set in the batch": async (page) =>
        paste(
            page,
            '{"y_true": [1, null, 0], "y_pred": [1, null, 2], "temperature": 2, "reduction": "none"}',
        ),
    "two systems compared, a bar pointed at": async (page) => {
        await page.locator("#mode-compare").click();
        await settle(page);
        await page.locator("#cmp-changes").focus();
        await page.keyboard.press("End");
    },
    "a comparison without a difference": async (page) => {
        await page.locator("#cmp-sample").selectOption("2");
        await settle(page);
    },
    "a wrong row of a comparison": async (page) => fill(page, "#cmp-a", "1\nx"),
    "a wrong control of a comparison": async (page) => {
        await page.locator("#cmp-sample").selectOption("1");
        await fill(page, "#cmp-k", "0");
    },
    "nothing to compare": async (page) => {
        await fill(page, "#cmp-a", "");
        await fill(page, "#cmp-b", "");
        await fill(page, "#cmp-labels", "");
    },
};

for (const [name, look] of Object.entries({
    light: {},
    dark: { scheme: "dark" },
    narrow: { width: 360, height: 740 },
    "dark and narrow": { width: 360, height: 740, scheme: "dark" },
}))
    test(`no violations, ${name}`, async () => {
        /* axe writes markup of its own, which the page's policy would stop */
        const page = await openPage(browser, daemon.url, {
            ...look,
            bypassCSP: true,
            reducedMotion: "reduce",
        });
        await settle(page);
        for (const [state, reach] of Object.entries(STATES)) {
            await reach(page);
            assert.deepEqual(await violations(page), [], state);
        }
        await page.context().close();
    });

test("no violations where a token is asked for", async () => {
    const tokens = tokenFile("a-token-of-some-length");
    const locked = await startDaemon("--auth-tokens-file", tokens.file);
    for (const scheme of ["light", "dark"]) {
        const page = await openPage(browser, locked.url, { scheme, bypassCSP: true });
        await page.locator("#token-form").waitFor();
        assert.deepEqual(await violations(page), [], scheme);
        await page.context().close();
    }
    await locked.stop();
    tokens.remove();
});

test("axe would find a mistake", async () => {
    const page = await openPage(browser, daemon.url, { bypassCSP: true });
    await settle(page);
    await page.evaluate(() => document.querySelector('label[for="loss"]').remove());
    assert.match((await violations(page)).join("\n"), /^select-name/);
    await page.context().close();
});
