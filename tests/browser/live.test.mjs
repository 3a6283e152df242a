/*
 * live.test.mjs: the strip of live figures, tokens, and a daemon that goes away.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage, paste, post, settle, startDaemon, tokenFile } from "./support.mjs";

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
const SECRET = "correct-horse-battery-staple";

let browser;
before(async () => {
    browser = await launchBrowser();
});
after(() => browser?.close());

test("the strip shows what the daemon does", async () => {
    const daemon = await startDaemon();
    const page = await openPage(browser, daemon.url);
    const done = Date.now() + 9000;
    await page.waitForFunction(() => live.samples.length >= 1);
    while (Date.now() < done && (await page.evaluate(() => live.samples.length)) < 4) {
        for (let i = 0; i < 20; i++) await post(daemon.url, "/v1/losses/pairwise_hinge", BATCH);
        await page.waitForTimeout(50);
    }
    const shown = await page.evaluate(() => ({
        rate: $("live-rate").textContent,
        latency: $("live-latency").textContent,
        queue: $("live-queue").textContent,
        word: $("live-word").textContent,
        line: $("live-spark").firstChild.getAttribute("d"),
    }));
    assert.ok(Number(shown.rate.replaceAll(",", "")) > 20, shown.rate);
    const latency = /^([\d.,]+) · ([\d.,]+) · ([\d.,]+) ms$/.exec(shown.latency);
    assert.ok(latency, shown.latency);
    const [p50, p90, p99] = latency.slice(1).map(Number);
    assert.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p50 < 50, shown.latency);
    assert.match(shown.queue, /^\d+ of 256$/);
    assert.equal(shown.word, "serving");
    assert.match(shown.line, /^M[\d.]+ [\d.]+L/);
    const counted = await page.evaluate(() => live.samples.at(-1).requests - live.samples[0].requests);
    assert.ok(counted > 60, `${counted} requests between the samples`);
    await page.context().close();
    await daemon.stop();
});

test("quantiles come from the difference of two histograms", async () => {
    const daemon = await startDaemon();
    const page = await openPage(browser, daemon.url);
    const values = await page.evaluate(() => {
        const older = new Map([
            [0.001, 100],
            [0.01, 100],
            [0.1, 100],
            [Infinity, 100],
        ]);
        const newer = new Map([
            [0.001, 150],
            [0.01, 190],
            [0.1, 200],
            [Infinity, 200],
        ]);
        const beyond = new Map([
            [0.001, 100],
            [0.01, 100],
            [0.1, 100],
            [Infinity, 110],
        ]);
        return [
            quantile(older, newer, 0.25),
            quantile(older, newer, 0.5),
            quantile(older, newer, 0.9),
            quantile(older, older, 0.5),
            quantile(older, beyond, 0.5),
        ];
    });
    [0.0005, 0.001, 0.01].forEach((wanted, i) =>
        assert.ok(Math.abs(values[i] - wanted) < 1e-12, `${values[i]}, ${wanted}`),
    );
    assert.equal(values[3], null);
    assert.equal(values[4], 0.1);
    await page.context().close();
    await daemon.stop();
});

test("a daemon with tokens: asked for, refused, accepted, forgotten", async () => {
    const tokens = tokenFile(SECRET);
    const daemon = await startDaemon("--auth-tokens-file", tokens.file);
    const page = await openPage(browser, daemon.url);
    await page.locator("#token-form").waitFor();
    assert.match(await page.locator("#live-word").textContent(), /token|connecting/);
    await page.locator("#token").fill("not-the-token-at-all");
    await page.keyboard.press("Enter");
    await page.locator("#problem-title", { hasText: "not accepted" }).waitFor();
    await page.locator("#token").fill(SECRET);
    await page.locator("#token-form button").click();
    await page.waitForFunction(() => $("token-form").hidden && $("loss-value").textContent !== "–");
    await settle(page);
    const { json } = await post(
        daemon.url,
        "/v1/losses/pairwise_hinge",
        await page.locator("#input").inputValue(),
        { Authorization: `Bearer ${SECRET}` },
    );
    assert.equal(await page.locator("#loss-value").textContent(), String(json.loss));
    await page.locator("#live-word", { hasText: "serving" }).waitFor();
    assert.match(await page.locator("#formula").textContent(), /\S/);

    const kept = await page.evaluate(() =>
        JSON.stringify([
            { ...localStorage },
            { ...sessionStorage },
            document.cookie,
            location.href,
            document.documentElement.outerHTML,
            $("token").value,
        ]),
    );
    assert.equal(kept.includes(SECRET), false, "the token is in memory only");
    assert.match(await page.locator("#code-text").textContent(), /Bearer \$RANKLOSSD_TOKEN/);
    await page.reload();
    await page.locator("#token-form").waitFor();
    await page.context().close();
    await daemon.stop();
    tokens.remove();
});

test("a daemon that goes away is said to be away, without a storm of requests", async () => {
    const daemon = await startDaemon();
    const page = await openPage(browser, daemon.url);
    await settle(page);
    await daemon.stop();
    let requests = 0;
    page.on("request", () => requests++);
    await paste(page, JSON.stringify(BATCH));
    assert.equal(await page.locator("#problem-title").textContent(), "The daemon does not answer");
    assert.equal(await page.locator("#problem-go").textContent(), "Try again");
    await page.locator("#live-word", { hasText: "no answer" }).waitFor();
    await page.waitForTimeout(3000);
    assert.ok(requests <= 5, `${requests} requests in about 5 s`);
    await page.context().close();
});

test("a page out of sight stops asking", async () => {
    const daemon = await startDaemon();
    const page = await openPage(browser, daemon.url);
    await page.waitForFunction(() => live.samples.length >= 1);
    await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForTimeout(2500);
    let requests = 0;
    page.on("request", () => requests++);
    await page.waitForTimeout(2500);
    assert.equal(requests, 0);
    await page.evaluate(() => {
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForFunction(() => live.timer !== 0);
    assert.ok(requests >= 1);
    await page.context().close();
    await daemon.stop();
});

test("the page runs under its own policy, and the policy bites", async () => {
    const daemon = await startDaemon();
    const page = await openPage(browser, daemon.url);
    await settle(page);
    assert.deepEqual(page.watched.console, []);
    const stopped = await page.evaluate(async () => {
        const violations = [];
        document.addEventListener("securitypolicyviolation", (event) =>
            violations.push(event.effectiveDirective),
        );
        const script = document.createElement("script");
        try {
            script.textContent = "window.stolen = true";
        } catch {
            violations.push("trusted-types");
        }
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/pixel";
        document.body.append(image);
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.head.append(style);
        await new Promise((resolve) => setTimeout(resolve, 300));
        return {
            violations,
            stolen: window.stolen === true,
            hidden: getComputedStyle(document.body).display === "none",
        };
    });
    assert.equal(stopped.stolen, false);
    assert.equal(stopped.hidden, false);
    assert.ok(
        stopped.violations.some((name) => name.startsWith("img-src")),
        String(stopped.violations),
    );
    assert.ok(
        stopped.violations.some((name) => name.startsWith("style-src")),
        String(stopped.violations),
    );
    await page.context().close();
    await daemon.stop();
});
