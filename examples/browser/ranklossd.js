// ranklossd from a browser, or from Node 18 and newer: fetch, and errors as exceptions.

export class Problem extends Error {
  // body: application/problem+json (RFC 9457) as the daemon sent it.
  constructor(status, body) {
    const places = (body.errors ?? []).map((error) => `${error.pointer}: ${error.detail}`);
    super([`${status} ${body.title ?? ""}: ${body.detail ?? ""}`, ...places].join("\n"));
    this.name = "Problem";
    this.status = status;
    this.body = body;
  }
}

// POSTs a batch to /v1/losses/{loss} and returns the reply. token: a bearer token, if the daemon asks
// for one; signal: an AbortSignal, for example AbortSignal.timeout(5000).
export async function evaluate(url, loss, batch, { token, signal } = {}) {
  const response = await fetch(`${url}/v1/losses/${loss}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(batch),
    signal,
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { title: response.statusText, detail: text.slice(0, 200) };
  }
  throw new Problem(response.status, body);
}
