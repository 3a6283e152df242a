/* jsontext.js: places in JSON text, found by JSON Pointer or by byte offset. */

/* A walker over JSON text that is known to be well formed. */
function skipSpace(text, at) {
    while (at < text.length && /\s/.test(text[at])) at++;
    return at;
}

function skipString(text, at) {
    for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    return at + 1;
}

function skipValue(text, at) {
    let depth = 0;
    do {
        at = skipSpace(text, at);
        const mark = text[at];
        if (mark === '"') at = skipString(text, at);
        else if (mark === "[" || mark === "{") (depth++, at++);
        else if (mark === "]" || mark === "}") (depth--, at++);
        else if (mark === "," || mark === ":") at++;
        else while (at < text.length && !/[\s,:\]}]/.test(text[at])) at++;
    } while (depth > 0 && at < text.length);
    return at;
}

/* The member `token` of the container at `at`: {key, start}, or null. */
function findMember(text, at, token) {
    const object = text[at] === "{";
    if (!object && text[at] !== "[") return null;
    at = skipSpace(text, at + 1);
    for (let index = 0; at < text.length && text[at] !== "}" && text[at] !== "]"; index++) {
        const key = at;
        let name = String(index);
        if (object) {
            at = skipString(text, at);
            name = JSON.parse(text.slice(key, at));
            at = skipSpace(text, skipSpace(text, at) + 1);
        }
        if (name === token) return { key, start: at };
        at = skipSpace(text, skipValue(text, at));
        if (text[at] === ",") at = skipSpace(text, at + 1);
    }
    return null;
}

/* Where a JSON Pointer points: {start, end}; for what does not exist, where its container is. */
function locate(text, pointer) {
    let at = skipSpace(text, 0);
    let key = at;
    for (const token of pointer.split("/").slice(1)) {
        const member = findMember(text, at, token.replace(/~1/g, "/").replace(/~0/g, "~"));
        if (!member) break;
        ({ key, start: at } = member);
    }
    return { start: key, end: skipValue(text, at), value: at };
}

/* Turns offsets in UTF-8 bytes into positions in the text. */
function byteToIndex(text, offset) {
    return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, offset)).length;
}
