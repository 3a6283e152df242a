"""Checks replies (and the requests that earned a 2xx) against server/web/openapi.json."""

import json
import os
import re

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load():
    with open(os.path.join(ROOT, "server/web/openapi.json"), encoding="utf-8") as file:
        return json.load(file)


DOCUMENT = load()
RESOLVER = jsonschema.RefResolver("", DOCUMENT)


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        node = RESOLVER.resolve(node["$ref"])[1]
    return node


def template_pattern(template):
    parts = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)) + r"\Z")


PATHS = sorted(((template_pattern(path), path) for path in DOCUMENT["paths"]),
               key=lambda row: row[1].count("{"))


def validate(value, schema, what):
    validator = jsonschema.Draft202012Validator(schema, resolver=RESOLVER)
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is not None:
        raise AssertionError(f"{what}: {error.message} at {list(error.absolute_path)}, "
                             f"schema {list(error.absolute_schema_path)[-4:]}")


def find_operation(method, path):
    """The operation that describes this request, or None."""
    path = path.split("?")[0]
    for pattern, template in PATHS:
        if pattern.match(path):
            return resolve(DOCUMENT["paths"][template]).get(method.lower())
    return None


def find_response(operation, status):
    responses = operation["responses"]
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in responses:
            return resolve(responses[key])
    return None


def check_problem(reply):
    """A problem+json reply that this daemon wrote itself."""
    if reply.media_type != "application/problem+json":
        raise AssertionError(f"status {reply.status} as {reply.media_type!r}: {reply.body[:200]!r}")
    problem = reply.json()
    validate(problem, {"$ref": "#/components/schemas/Problem"}, "problem")
    if problem["status"] != reply.status:
        raise AssertionError(f"problem says {problem['status']}, the reply {reply.status}")
    if problem["request_id"] != reply.header("X-Request-Id"):
        raise AssertionError(f"request ids differ: {problem['request_id']!r}, "
                             f"{reply.header('X-Request-Id')!r}")
    return problem


def check_inference_error(reply):
    """An error below /v2, in the protocol's form."""
    if reply.media_type != "application/json":
        raise AssertionError(f"status {reply.status} as {reply.media_type!r}: {reply.body[:200]!r}")
    validate(reply.json(), {"$ref": "#/components/schemas/InferenceError"}, "error")


def json_part(body):
    """The JSON value that a body begins with; tensors may follow."""
    return json.JSONDecoder().raw_decode(body.decode("latin-1"))[0]


def check_request(operation, body, what):
    """A body that was accepted is one that the description allows."""
    content = resolve(operation.get("requestBody", {})).get("content", {})
    if body is not None and "application/json" in content:
        binary = "application/octet-stream" in content
        validate(json_part(body) if binary else json.loads(body),
                 content["application/json"]["schema"], f"{what}, request")


def check_reply(method, path, reply, body=None):
    """Raises AssertionError where a reply is not what the description promises."""
    what = f"{method} {path} -> {reply.status}"
    if not reply.header("X-Request-Id"):
        raise AssertionError(f"{what}: no X-Request-Id")
    operation = find_operation(method if method != "HEAD" else "GET", path)
    inference = path == "/v2" or path.startswith("/v2/")
    if reply.status >= 400 and method != "HEAD":
        (check_inference_error if inference else check_problem)(reply)
    if operation is None or method == "HEAD" or reply.status == 304:
        return
    response = find_response(operation, reply.status)
    if response is None:
        raise AssertionError(f"{what}: status {reply.status} is not described")
    for name, header in response.get("headers", {}).items():
        if resolve(header).get("required") and reply.header(name) is None:
            raise AssertionError(f"{what}: header {name} is promised")
    content = response.get("content", {})
    if not content:
        return
    if reply.media_type not in content:
        raise AssertionError(f"{what}: {reply.media_type!r} is not among {list(content)}")
    if reply.media_type.endswith("json"):
        validate(reply.json(), content[reply.media_type].get("schema", {}), what)
    elif "application/json" in content:
        validate(json_part(reply.plain()), content["application/json"]["schema"], what)
    if reply.status < 300:
        check_request(operation, body, what)
