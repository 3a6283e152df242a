/*
 * openapi.test.mjs: the API description as others use it. Redocly finds nothing wrong with it, its
 * examples are what the daemon answers, and a client generated from it type-checks and works.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { post, ROOT, startDaemon } from "./support.mjs";

const run = promisify(execFile);
const HERE = path.join(ROOT, "tests/browser");
const FILE = path.join(ROOT, "server/web/openapi.json");
const tool = (name) => path.join(HERE, "node_modules/.bin", name);
const document = JSON.parse(readFileSync(FILE, "utf8"));
const QUIET = {
    ...process.env,
    REDOCLY_TELEMETRY: "off",
    REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
    CI: "true",
};

let daemon;
before(async () => {
    daemon = await startDaemon();
});
after(() => daemon?.stop());

test("redocly lint: no errors and no warnings", async () => {
    const { stdout } = await run(
        tool("redocly"),
        ["lint", "--extends=recommended-strict", "--format=json", FILE],
        { cwd: HERE, env: QUIET, timeout: 120000 },
    );
    const { totals } = JSON.parse(stdout);
    assert.deepEqual(
        { errors: totals.errors, warnings: totals.warnings, ignored: totals.ignored },
        { errors: 0, warnings: 0, ignored: 0 },
    );
});

test("the daemon serves this very file", async () => {
    const reply = await fetch(`${daemon.url}/openapi.json`);
    assert.ok((await reply.text()) === readFileSync(FILE, "utf8"), "not the same text");
    assert.match(reply.headers.get("content-type"), /^application\/json/);
});

/* Examples are paired by their keys, which begin with the measure's name. */
const examples = Object.entries(document.paths)
    .filter(([, item]) => item.post)
    .flatMap(([target, { post: operation }]) => {
        const asked = operation.requestBody.content["application/json"].examples;
        const told = operation.responses["200"].content["application/json"].examples;
        assert.deepEqual(Object.keys(asked), Object.keys(told), `${target}: each request has its reply`);
        return Object.keys(asked).map((key) => ({
            key,
            target: target.replace(/\{\w+\}/, key.split(".")[0]),
            body: asked[key].value,
            reply: told[key].value,
        }));
    });

test("there are examples of every kind", () => {
    const text = JSON.stringify(examples.map((example) => example.body));
    for (const word of [
        "mask",
        "null",
        "sample_weight",
        "temperature",
        "none",
        "float64",
        "gradient",
        "top_pairs",
        "per_list",
        '"k"',
    ])
        assert.ok(text.includes(word), word);
});

/* Numbers to 13 digits: the last bits belong to the kernels. */
function nearly(value) {
    return JSON.parse(JSON.stringify(value), (key, part) =>
        typeof part === "number" ? Number(part.toPrecision(13)) : part,
    );
}

for (const { key, target, body, reply } of examples)
    test(`example ${target} ${key} is what the daemon answers`, async () => {
        const { status, json } = await post(daemon.url, target, body);
        assert.equal(status, 200, JSON.stringify(json));
        assert.deepEqual(nearly(json), nearly(reply));
    });

/* How to come by each problem that is shown as an example. */
const GOOD = {
    y_true: [
        [1, 0],
        [2, 0],
    ],
    y_pred: [
        [0.5, 0.25],
        [1, 3],
    ],
};
const PROBLEMS = {
    "Malformed.trailing_comma": [
        "/v1/losses/pairwise_hinge",
        '{\n  "y_true": [1, 0],\n  "y_pred": [0.5, 0.25,]\n}',
    ],
    "NotFound.unknown_loss": ["/v1/losses/pairwise_cosine", GOOD],
    "Invalid.lengths_differ": ["/v1/losses/pairwise_hinge", { ...GOOD, y_pred: [[0.5, 0.25], [1]] }],
    "Invalid.unknown_member": ["/v1/losses/pairwise_hinge", { ...GOOD, temprature: 2 }],
    "Invalid.weights_per_item": [
        "/v1/evaluate",
        {
            ...GOOD,
            sample_weight: [
                [1, 1],
                [1, 2],
            ],
            losses: ["pairwise_hinge", "list_mle"],
        },
    ],
    "UnsupportedMediaType.text": ["/v1/losses/pairwise_hinge", GOOD, { "Content-Type": "text/plain" }],
};

test("each problem shown as an example is what the daemon answers", async () => {
    const shown = Object.entries(document.components.responses).flatMap(([name, response]) =>
        Object.entries(response.content["application/problem+json"]?.examples ?? {}).map(
            ([key, { value }]) => [`${name}.${key}`, value],
        ),
    );
    assert.deepEqual(shown.map(([name]) => name).sort(), Object.keys(PROBLEMS).sort());
    for (const [name, value] of shown) {
        const { status, json } = await post(daemon.url, ...PROBLEMS[name]);
        assert.equal(status, value.status, name);
        assert.deepEqual({ ...json, request_id: "" }, { ...value, request_id: "" }, name);
    }
});

/* Type-checks `file` of this folder beside the generated types; the compiler's complaints. */
async function compile(file, folder) {
    copyFileSync(path.join(HERE, file), path.join(folder, file.replace(/\.ts$/, ".mts")));
    writeFileSync(
        path.join(folder, "tsconfig.json"),
        JSON.stringify({
            compilerOptions: {
                strict: true,
                target: "es2022",
                module: "nodenext",
                lib: ["es2023", "dom", "dom.iterable"],
                types: [],
                skipLibCheck: true,
            },
            files: [file.replace(/\.ts$/, ".mts")],
        }),
    );
    return run(tool("tsc"), ["-p", folder], { timeout: 120000 }).then(
        () => "",
        (error) => error.stdout || String(error),
    );
}

let folder;
before(async () => {
    folder = path.join(HERE, "node_modules/.cache/client");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await run(tool("openapi-typescript"), [FILE, "-o", path.join(folder, "api.d.ts")], {
        env: QUIET,
        timeout: 120000,
    });
});

test("a generated client type-checks, and makes real calls", async () => {
    assert.equal(await compile("client.ts", folder), "");
    const { stdout } = await run(process.execPath, [path.join(folder, "client.mjs"), daemon.url], {
        timeout: 30000,
    });
    assert.deepEqual(JSON.parse(stdout), {
        hinge: 1.25,
        names: ["pairwise_logistic", "ndcg"],
        losses: 7,
        problem: "/y_true",
    });
});

test("the client's types refuse what the daemon would", async () => {
    const said = await compile("misuse.ts", folder);
    const lines = readFileSync(path.join(HERE, "misuse.ts"), "utf8")
        .split("\n")
        .flatMap((line, i) => (line.includes("// wrong") ? [i + 1] : []));
    const reported = [
        ...new Set([...said.matchAll(/misuse\.mts\((\d+),/g)].map((match) => Number(match[1]))),
    ];
    assert.deepEqual(reported, lines, said);
});
