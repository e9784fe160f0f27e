"""The page of the HTTP reference, made from the OpenAPI schema that the site serves."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

TITLES = {
    "uploads": "Uploads",
    "destinations": "Destinations",
    "credentials": "Temporary credentials",
    "csrf": "CSRF token",
    "token": "Tokens for logins",
    "callback": "OSS's callback",
    "companion": "Routes of Uppy's Companion",
}
"""The groups, in the order of the page."""
HEAD = """# HTTP reference

Each route, with its parameters, bodies and answers, from the OpenAPI schema of version {version}. The site serves the
schema itself at `/api/schema/`. [HTTP API](api.md) explains how the routes are used together.

Routes are shown with the prefix `/api/`, which is yours to choose. Errors are `application/problem+json`; their
`code` is what programs should compare. Each answer has the header `X-Request-ID`.
"""


def page(schema: Mapping[str, Any]) -> str:
    """The page in Markdown. Raises KeyError for a group of routes without a title."""
    groups: dict[str, list[str]] = {tag: [] for tag in TITLES}
    # What most clients need comes first; the list for staff is the last of its group.
    for path, methods in sorted(schema["paths"].items(), key=lambda item: ("/open-uploads/" in item[0], item[0])):
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_operation(f"{method.upper()} {path}", operation, schema))
    parts = [" ".join(HEAD.format(version=schema["info"]["version"]).split("\n")).replace("  ", "\n\n")]
    for tag, operations in groups.items():
        parts += [f"## {TITLES[tag]}", *operations]
    parts += ["## Objects", *_objects(schema)]
    return "\n\n".join(parts) + "\n"


def _operation(title: str, operation: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    lines = [f"### `{title}`", operation["description"].strip()]
    rows = [_parameter(row) for row in operation.get("parameters", ()) if row["name"] != "X-Request-ID"]
    if rows:
        lines.append(_table("parameter", "in", "type", "meaning", rows=rows))
    body = operation.get("requestBody")
    if body:
        lines.append(_body(body))
    if "security" in operation and operation["security"] in ([], [{}]):
        lines.append("No login is needed.")
    lines.append(_table("status", "answer", rows=list(_answers(operation["responses"]))))
    return "\n\n".join(lines)


def _body(body: Mapping[str, Any]) -> str:
    content = body["content"]
    schemas = sorted({_type(one["schema"]) for one in content.values()})
    text = f"Body: {' or '.join(schemas)}, as {', '.join(f'`{kind}`' for kind in content)}."
    examples = content.get("application/json", {}).get("examples", {})
    for example in list(examples.values())[:1]:
        text += f"\n\n```json\n{json.dumps(example['value'], indent=2, ensure_ascii=False)}\n```"
    return text


def _parameter(row: Mapping[str, Any]) -> list[str]:
    needed = ", required" if row.get("required") and row["in"] != "path" else ""
    return [f"`{row['name']}`", row["in"], _type(row["schema"]) + needed, _line(row.get("description", ""))]


def _answers(responses: Mapping[str, Any]) -> Iterator[list[str]]:
    for status, answer in sorted(responses.items()):
        content = answer.get("content", {})
        if "application/problem+json" in content and int(status) >= 400:
            text = _line(answer["description"])
        else:
            kinds = sorted({_type(one["schema"]) for one in content.values() if "schema" in one})
            text = ", ".join(kinds) or _line(answer["description"])
        yield [status, text]


def _objects(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, described in sorted(schema["components"]["schemas"].items()):
        if name.endswith("Problem") and "oneOf" not in described:
            continue  # They differ in their code alone, which the table of answers names.
        yield f"### {name}"
        if described.get("description"):
            yield described["description"].strip()
        if "enum" in described:
            yield "One of " + ", ".join(f"`{json.dumps(value)}`" for value in described["enum"]) + "."
        elif "properties" in described:
            required = set(described.get("required", ()))
            rows = [_member(member, one, required) for member, one in described["properties"].items()]
            yield _table("member", "type", "meaning", rows=rows)
        else:
            yield _type(described) + "."


def _member(name: str, described: Mapping[str, Any], required: set[str]) -> list[str]:
    notes = [
        "" if name in required or described.get("readOnly") else "Optional.",
        _line(described.get("description", "")),
        f"At least {described['minimum']}." if described.get("minimum") else "",
        f"At most {described['maximum']:,}." if "maximum" in described and described["maximum"] < 2**53 - 1 else "",
        f"At most {described['maxLength']} characters." if "maxLength" in described else "",
        f"Default: `{json.dumps(described['default'])}`." if "default" in described else "",
    ]
    return [f"`{name}`", _type(described), " ".join(note for note in notes if note)]


def _type(described: Mapping[str, Any]) -> str:
    """The type in words, with a link to an object of the page."""
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        return name if name.endswith("Problem") else f"[{name}](#{name.lower()})"
    for several in ("oneOf", "anyOf", "allOf"):
        if several in described:
            text = " or ".join(dict.fromkeys(_type(one) for one in described[several]))
            return f"{text} or null" if described.get("nullable") and "null" not in text else text
    if "enum" in described and "type" in described:
        return " or ".join(f"`{json.dumps(value)}`" for value in described["enum"])
    kind = described.get("type", "any JSON value")
    if kind == "array":
        text = f"array of {_type(described['items'])}"
    elif kind == "object" and isinstance(described.get("additionalProperties"), dict):
        text = f"object of {_type(described['additionalProperties'])}"
    else:
        text = f"{kind} ({described['format']})" if described.get("format") else str(kind)
    return f"{text} or null" if described.get("nullable") else text


def _line(text: str) -> str:
    text = re.sub(r"^\* `[^`]*` - .*$", "", text, flags=re.MULTILINE)  # The values of an enum, which its type names.
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def _table(*heads: str, rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
