/*
 * support.mjs: starts the real daemon on a free port and a headless browser, and ends both.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const BINARY = path.resolve(ROOT, process.env.RANKLOSSD ?? "build/ranklossd");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/* The daemon: {url, stop, child}. Ends with this process at the latest. */
export async function startDaemon(...flags) {
    const child = spawn(BINARY, ["--listen", "127.0.0.1:0", "--log-format", "text", ...flags], {
        stdio: ["ignore", "ignore", "pipe"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const address = await new Promise((resolve, reject) => {
        let log = "";
        child.stderr.setEncoding("utf8").on("data", (text) => {
            log = (log + text).slice(-10000);
            const found = /listening\b.*?(127\.0\.0\.1:\d+)/.exec(log);
            if (found) resolve(found[1]);
        });
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`the daemon ended with ${code}: ${log}`)));
        setTimeout(() => reject(new Error(`the daemon does not listen: ${log}`)), 20000).unref();
    });
    const url = `http://${address}`;
    await waitReady(url);
    return { url, child, stop: () => stopDaemon(child) };
}

async function waitReady(url) {
    for (let tries = 0; tries < 200; tries++) {
        const reply = await fetch(`${url}/readyz`).catch(() => null);
        if (reply?.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the daemon does not become ready");
}

/* SIGTERM; the daemon must then end cleanly. */
async function stopDaemon(child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20000);
    const [code, signal] = await ended;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the daemon ended with ${code ?? signal}`);
}

export function tokenFile(...tokens) {
    const folder = mkdtempSync(path.join(tmpdir(), "ranklossd-"));
    const file = path.join(folder, "tokens");
    writeFileSync(file, tokens.join("\n") + "\n", { mode: 0o600 });
    return { file, remove: () => rmSync(folder, { recursive: true }) };
}

export function launchBrowser() {
    return chromium.launch({
        executablePath: CHROMIUM,
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    });
}

/*
 * The page, open at its first half or at that which `half` names. `page.watched` holds what should not happen: messages of the
 * console, errors, and requests to anywhere but the daemon.
 */
export async function openPage(
    browser,
    url,
    { width = 1280, height = 900, scheme = "light", half = "", ...options } = {},
) {
    const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        ...options,
    });
    const page = await context.newPage();
    const watched = { console: [], errors: [], foreign: [], evaluations: 0 };
    page.on(
        "console",
        (message) => ["error", "warning"].includes(message.type()) && watched.console.push(message.text()),
    );
    page.on("pageerror", (error) => watched.errors.push(error.message));
    page.on("request", (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith("data:"))
            watched.foreign.push(request.url());
        if (request.url().endsWith("/v1/evaluate")) watched.evaluations++;
    });
    page.watched = watched;
    page.setDefaultTimeout(60000);
    await page.goto(url + half);
    return page;
}

/* Waits until what was typed last has been answered and drawn, in either half of the page. */
export async function settle(page) {
    await page.waitForFunction(
        () =>
            [typing, compareTyping].every(({ timer }) => timer === 0) &&
            [evaluation, comparison].every(({ pending }) => pending === null) &&
            !document.querySelector("[aria-busy]"),
    );
}

/* Types over what a field holds, and waits until the page has seen and answered it. */
export async function fill(page, selector, text) {
    await page.locator(selector).fill(text);
    const value = text.replaceAll("\r\n", "\n");
    await page.waitForFunction(
        ([field, wanted]) => document.querySelector(field).value === wanted,
        [selector, value],
    );
    await settle(page);
}

/* Replaces the batch as a person would: select all, paste. */
export const paste = (page, text) => fill(page, "#input", text);

export async function post(url, target, body, headers = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const reply = await fetch(url + target, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: text,
    });
    return { status: reply.status, headers: reply.headers, json: await reply.json() };
}
