/* snippets.js: the request of the chosen tab as code in other languages, and as a file. */

let language = "curl";

/*
 * A request to show: {path, body, file, member}; `file` is what a long body is called, `member` what
 * the code prints of the reply. Here the one loss, with the options that are not defaults.
 */
function lossRequest() {
    if (!state.main) return null;
    const { batch, options } = state;
    const { losses, metrics, k, ...body } = batch.value;
    const defaults = { temperature: 1, reduction: "sum_over_batch_size", dtype: "float32" };
    for (const name of LOSS_OPTIONS)
        if (!(name in body) && options[name] !== undefined && options[name] !== defaults[name])
            body[name] = options[name];
    return { path: `v1/losses/${options.loss}`, body, file: "batch.json", member: "loss" };
}

/* Lists end to end, without null; a flat list as it is. */
const flat = (rows) => rows.flat().map((value) => value ?? NaN);

/*
 * The arrays of a loss's request: [[name, numpy's type, values, where the saved file has them]].
 * Lists travel flat, beside their lengths.
 */
function arraysOf({ y_true, y_pred, sample_weight, dtype }) {
    const float = dtype === "float64" ? "<f8" : "<f4";
    const masked = !Array.isArray(y_true);
    const arrays = [
        masked
            ? ["y_true", float, flat(y_true.labels), '["y_true"]["labels"]']
            : ["y_true", float, flat(y_true), '["y_true"]'],
        ["y_pred", float, flat(y_pred), '["y_pred"]'],
    ];
    if (masked && y_true.mask) arrays.push(["mask", "?", flat(y_true.mask).map(Number), '["y_true"]["mask"]']);
    if (Array.isArray(sample_weight))
        arrays.push(["sample_weight", float, flat(sample_weight), '["sample_weight"]']);
    if (Array.isArray(y_pred[0])) arrays.push(["lengths", "<i4", y_pred.map((row) => row.length)]);
    return arrays;
}

/* One array as Python: its values, or how they are read from the saved file. */
function pythonArray([name, type, values, place], long) {
    const shown = values.map((value) => (Number.isNaN(value) ? "np.nan" : value));
    if (!long) return `np.array([${shown.join(", ")}], "${type}")`;
    if (name === "lengths") return `np.array([len(row) for row in batch["y_pred"]], "${type}")`;
    return `np.hstack(batch${place}).astype("${type}")`;
}

const pythonValue = (value) => (value === null ? '"none"' : JSON.stringify(value));

function pythonParameters({ sample_weight, ...body }) {
    const asked = Object.entries(body).filter(([name]) => [...LOSS_OPTIONS, "name"].includes(name));
    if (typeof sample_weight === "number") asked.push(["sample_weight", sample_weight]);
    return asked.map(([name, value]) => `, "${name}": ${pythonValue(value)}`).join("");
}

const CODE = {
    /* Arrays as bytes, by the Open Inference Protocol. Comparisons have no such form. */
    numpy(url, text, request) {
        const { body, file, member } = request;
        if (member !== "loss") return `# Comparisons travel as JSON.\n${CODE.python(url, text, request)}`;
        const auth = token
            ? ',\n             "Authorization": "Bearer " + os.environ["RANKLOSSD_TOKEN"]'
            : "";
        const read = text === null ? `batch = json.load(open("${file}"))\n` : "";
        const arrays = arraysOf(body).map((array) => `    "${array[0]}": ${pythonArray(array, text === null)},`);
        const model = url.replace(/v1\/losses\/(\w+)$/, "v2/models/$1/infer");
        return `import json${token ? "\nimport os" : ""}
import urllib.request

import numpy as np

${read}arrays = {
${arrays.join("\n")}
}
types = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "bool": "BOOL"}
header = json.dumps({
    "inputs": [{"name": name, "shape": array.shape, "datatype": types[array.dtype.name],
                "parameters": {"binary_data_size": array.nbytes}} for name, array in arrays.items()],
    "parameters": {"binary_data_output": True${pythonParameters(body)}},
}).encode()
request = urllib.request.Request(
    ${JSON.stringify(model)},
    data=header + b"".join(array.tobytes() for array in arrays.values()),
    headers={"Content-Type": "application/octet-stream",
             "Inference-Header-Content-Length": str(len(header))${auth}})
with urllib.request.urlopen(request, timeout=30) as reply:
    start = int(reply.headers["Inference-Header-Content-Length"])
    print(np.frombuffer(reply.read()[start:], "${arraysOf(body)[1][1]}").tolist())`;
    },
    curl(url, body, { file }) {
        const auth = token ? ' \\\n  -H "Authorization: Bearer $RANKLOSSD_TOKEN"' : "";
        const head = `curl -s '${url}' \\\n  -H 'Content-Type: application/json'${auth} \\\n`;
        return body === null
            ? `${head}  --data-binary @${file}`
            : `${head}  --data-binary @- <<'JSON'\n${body}\nJSON`;
    },
    python(url, body, { file, member }) {
        const auth = token
            ? ',\n             "Authorization": "Bearer " + os.environ["RANKLOSSD_TOKEN"]'
            : "";
        const read = body === null ? `body = open("${file}", "rb").read()` : `body = r"""${body}""".encode()`;
        return `${token ? "import json\nimport os" : "import json"}\nimport urllib.request\n\n${read}\nrequest = urllib.request.Request(\n    ${JSON.stringify(url)}, data=body,\n    headers={"Content-Type": "application/json"${auth}})\nwith urllib.request.urlopen(request, timeout=30) as reply:\n    print(json.load(reply)["${member}"])`;
    },
    javascript(url, body, { member }) {
        const auth = token ? ", Authorization: `Bearer ${token}`" : "";
        const read =
            body === null
                ? "const body = await file.text(); // a File that someone chose"
                : `const body = JSON.stringify(${body});`;
        return `${read}\nconst reply = await fetch(${JSON.stringify(url)}, {\n  method: "POST",\n  headers: { "Content-Type": "application/json"${auth} },\n  body,\n});\nif (!reply.ok) throw new Error((await reply.json()).detail);\nconsole.log(JSON.stringify((await reply.json()).${member}));`;
    },
};

const shownRequest = () => (mode === "compare" ? comparisonRequest() : lossRequest());

function drawCode() {
    const request = shownRequest();
    $("code-card").hidden = !request;
    if (!request) return;
    const url = new URL(request.path, document.baseURI).href;
    const body = formatBatch(request.body);
    const long = body.length > CODE_INLINE;
    $("code-text").textContent = CODE[language](url, long ? null : body, request);
    $("save").textContent = `Save ${request.file}`;
    $("code-note").hidden = !long;
    $("code-note").textContent = `The code reads ${request.file}, which the button saves.`;
}

function saveBody() {
    const { body, file } = shownRequest();
    const url = URL.createObjectURL(new Blob([formatBatch(body)], { type: "application/json" }));
    element("a", { href: url, download: file }).click();
    URL.revokeObjectURL(url);
}

function chooseLanguage(name, focus) {
    language = name;
    selectTab($("tabs"), `tab-${name}`, focus);
    $("code").setAttribute("aria-labelledby", `tab-${name}`);
    drawCode();
}

let copiedTimer = 0;

function showCopied(shown) {
    $("copy").textContent = shown ? "Copied" : "Copy";
    $("copied").textContent = shown ? "Copied" : "";
}

async function copyCode() {
    const text = $("code-text").textContent;
    clearTimeout(copiedTimer); /* a previous copy must not reset this one's label early */
    showCopied(false); /* so that screen readers announce it again */
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        getSelection().selectAllChildren($("code-text")); /* a page without TLS has no clipboard */
        document.execCommand("copy");
    }
    showCopied(true);
    clearTimeout(copiedTimer);
    copiedTimer = setTimeout(showCopied, 1500, false);
}
