/*
 * screenshots.mjs: takes the pictures of the page that the documentation shows.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { launchBrowser, openPage, paste, post, ROOT, settle, startDaemon } from "./support.mjs";

const MISTAKE =
    '{\n  "y_true": [\n    [3, 0, 2, 0, 1],\n    [0, 1, 0, 4]\n  ],\n  "y_pred": [\n    [1.92, 0.31, 2.4, -0.7, 0.02],\n    [0.4, "1.1", 0.9, 0.85]\n  ]\n}';
const PICTURES = [
    { name: "light", width: 1360, height: 1000, tall: 2100 },
    { name: "top", width: 1360, height: 820, tall: 820 },
    {
        name: "dark",
        width: 1360,
        height: 1000,
        tall: 2100,
        scheme: "dark",
        loss: "pairwise_mean_squared_error",
    },
    { name: "narrow", width: 390, height: 844, tall: 2500 },
    { name: "error", width: 1360, height: 900, tall: 900, batch: MISTAKE },
];
const COMPARISONS = [
    { name: "compare", width: 1360, height: 1000, tall: 1330 },
    { name: "compare-dark", width: 1360, height: 1000, tall: 1330, scheme: "dark" },
    { name: "compare-narrow", width: 390, height: 844, tall: 2500 },
];

async function traffic(url) {
    const batch = {
        y_true: [
            [1, 0, 1, 3],
            [0, 1, 2, 3],
        ],
        y_pred: [
            [1, 3, 2, 4],
            [1, 1.8, 2, 3],
        ],
    };
    for (let i = 0; i < 400; i++) await post(url, "/v1/losses/pairwise_logistic", batch);
}

async function take(browser, url, { name, loss, batch, tall, ...look }) {
    const page = await openPage(browser, url, { ...look, reducedMotion: "reduce" });
    await settle(page);
    if (loss) await page.locator("#loss").selectOption(loss);
    if (batch) await paste(page, batch);
    await page.waitForFunction(() => live.samples.length >= 1);
    if (!batch) await page.evaluate(() => evaluateNow()); /* its time no longer holds the page's own start */
    await settle(page);
    for (let samples = 1; samples < 4; samples++) {
        await traffic(url);
        await page.waitForFunction((count) => live.samples.length > count, samples);
    }
    if (!batch) {
        await page.locator("#heat-canvas").focus();
        for (const key of [...Array(7).fill("ArrowDown"), "ArrowRight", "ArrowRight"])
            await page.keyboard.press(key);
        await page.evaluate(() => scrollTo(0, 0));
    }
    await shoot(page, name, look.width, tall);
    await page.context().close();
}

/* A bar of the chart is pointed at, so that the picture shows what it says. */
async function takeComparison(browser, url, { name, tall, ...look }) {
    const page = await openPage(browser, url, { ...look, half: "/#compare", reducedMotion: "reduce" });
    await settle(page);
    await page.waitForFunction(() => live.samples.length >= 1);
    for (let samples = 1; samples < 3; samples++) {
        await traffic(url);
        await page.waitForFunction((count) => live.samples.length > count, samples);
    }
    await page.evaluate(() => {
        pointAtChange(changes.bars.length - 3);
        scrollTo(0, 0);
    });
    await shoot(page, name, look.width, tall);
    await page.context().close();
}

async function shoot(page, name, width, height) {
    const file = path.join(ROOT, "docs", `playground-${name}.png`);
    await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height } });
    execFileSync("pngquant", ["--force", "--nofs", "--output", file, "128", file]);
    console.log(path.relative(ROOT, file));
}

const daemon = await startDaemon();
const browser = await launchBrowser();
for (const picture of PICTURES) await take(browser, daemon.url, picture);
for (const picture of COMPARISONS) await takeComparison(browser, daemon.url, picture);
await browser.close();
await daemon.stop();
