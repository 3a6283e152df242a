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

const CODE = {
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
