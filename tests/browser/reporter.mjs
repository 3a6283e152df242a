/*
 * reporter.mjs: one line per test as it ends, what failed and why, and at the end the count in
 * the form that tools/run-tests reads.
 */
import { inspect } from "node:util";

const seconds = (data) => `${((data.details?.duration_ms ?? 0) / 1000).toFixed(1)} s`;

/* A file as a whole, or a describe(): not a test of its own. */
const isGroup = (data) =>
    data.details?.type === "suite" || data.name === data.file || /\.test\.mjs$/.test(data.name);

export default async function* report(source) {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for await (const { type, data } of source) {
        if (type === "test:stderr" || type === "test:stdout") yield data.message;
        if (type !== "test:pass" && type !== "test:fail") continue;
        if (data.skip) (count.skipped++, yield `  skip  ${data.name}: ${data.skip}\n`);
        else if (type === "test:fail") {
            const error = data.details?.error;
            if (isGroup(data) && error?.failureType === "subtestsFailed") continue;
            count.failed++;
            yield `  FAIL  ${data.name} (${seconds(data)})\n${inspect(error?.cause ?? error).replace(/^/gm, "        ")}\n`;
        } else if (!isGroup(data)) (count.passed++, yield `  ok    ${data.name} (${seconds(data)})\n`);
    }
    yield `${count.passed} passed, ${count.failed} failed${count.skipped ? `, ${count.skipped} skipped` : ""}\n`;
}
