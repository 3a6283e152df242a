/* snippets.js: the request as code in other languages. */

let language = "curl";

/* The body of the one loss: the batch, and the options that are not defaults. */
function plainBody() {
    const { batch, options } = state;
    const { losses, metrics, k, ...body } = batch.value;
    const defaults = { temperature: 1, reduction: "sum_over_batch_size", dtype: "float32" };
    for (const name of LOSS_OPTIONS)
        if (!(name in body) && options[name] !== undefined && options[name] !== defaults[name])
            body[name] = options[name];
    return body;
}

const CODE = {
    curl(url, body) {
        const auth = token ? ' \\\n  -H "Authorization: Bearer $RANKLOSSD_TOKEN"' : "";
        const head = `curl -s '${url}' \\\n  -H 'Content-Type: application/json'${auth} \\\n`;
        return body === null
            ? `${head}  --data-binary @batch.json`
            : `${head}  --data-binary @- <<'JSON'\n${body}\nJSON`;
    },
    python(url, body) {
        const auth = token
            ? ',\n             "Authorization": "Bearer " + os.environ["RANKLOSSD_TOKEN"]'
            : "";
        const read =
            body === null ? 'body = open("batch.json", "rb").read()' : `body = r"""${body}""".encode()`;
        return `${token ? "import json\nimport os" : "import json"}\nimport urllib.request\n\n${read}\nrequest = urllib.request.Request(\n    ${JSON.stringify(url)}, data=body,\n    headers={"Content-Type": "application/json"${auth}})\nwith urllib.request.urlopen(request, timeout=30) as reply:\n    print(json.load(reply)["loss"])`;
    },
    javascript(url, body) {
        const auth = token ? ", Authorization: `Bearer ${token}`" : "";
        const read =
            body === null
                ? "const body = await file.text(); // a File that someone chose"
                : `const body = JSON.stringify(${body});`;
        return `${read}\nconst reply = await fetch(${JSON.stringify(url)}, {\n  method: "POST",\n  headers: { "Content-Type": "application/json"${auth} },\n  body,\n});\nif (!reply.ok) throw new Error((await reply.json()).detail);\nconsole.log((await reply.json()).loss);`;
    },
};

function drawCode() {
    const url = new URL(`v1/losses/${state.options.loss}`, document.baseURI).href;
    const body = formatBatch(plainBody());
    $("code-text").textContent = CODE[language](url, body.length > CODE_INLINE ? null : body);
}

function chooseLanguage(name, focus) {
    language = name;
    for (const tab of $("tabs").children) {
        const chosen = tab.id === `tab-${name}`;
        tab.setAttribute("aria-selected", String(chosen));
        tab.tabIndex = chosen ? 0 : -1;
        if (chosen && focus) tab.focus();
    }
    $("code").setAttribute("aria-labelledby", `tab-${name}`);
    if (state.main) drawCode();
}

function tabKey(event) {
    const names = Object.keys(CODE);
    const at = names.indexOf(language);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    chooseLanguage(names[(next + names.length) % names.length], true);
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
