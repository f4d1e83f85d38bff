"""The API's description, made from the declared endpoints: what is checked is what is documented."""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from portal.api.endpoints import Endpoint
from portal.api.once import HEADER, KEY_MOST
from portal.api.problems import KINDS

VERSION = "1.0.0"
REF = "#/components/schemas/{model}"
SLOT = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
PROBLEMS = {
    400: "The request cannot be read.",
    401: "No token, or one that is not valid.",
    403: "Not open to the token's member, or outside the token's scopes.",
    404: "There is nothing here, or it is hidden from the token's member.",
    409: "The rules do not allow this now.",
    410: "It was there, and is not any more.",
    413: "More was sent than is taken.",
    414: "The address is longer than the 8,190 bytes that are taken. A server in front may say so in its own words.",
    415: "What was sent is not of the type that is taken here.",
    422: "Fields need mending; `errors` says which and how.",
    429: "Too often; `Retry-After` says when to come back.",
    503: "Something the portal depends on is away; `Retry-After` says when to come back.",
}
ADDRESS_TOO_LONG = 414
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:portal:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "enum": sorted({*KINDS, 500})},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "pointer", "detail"],
                "properties": {name: {"type": "string"} for name in ("field", "pointer", "detail")},
            },
        },
    },
}


def document(endpoints: Sequence[Endpoint], *, title: str, server: str) -> bytes:
    """Return the description as JSON."""
    schemas, names = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(SLOT.sub(r"{\g<name>}", one.path), {})[one.method.lower()] = _operation(one, names, schemas)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "security": [{}, {"token": []}, {"session": []}],
        "tags": [{"name": name} for name in sorted({one.tag for one in endpoints})],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM_SCHEMA},
            "responses": {_problem_name(status): _problem(status, text) for status, text in PROBLEMS.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A personal token, made in the account."},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "session",
                    "description": "A browser that is signed in; writing needs the header X-CSRFToken.",
                },
            },
        },
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


Names = dict[tuple[Any, JsonSchemaMode], dict[str, Any]]


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[dict[str, Any], Names]:
    """Return every model's schema by name, and where each model is to be found."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for one in endpoints:
        for model in (one.query, one.body):
            if model is not None:
                models[model, "validation"] = None
        if one.response is not None and isinstance(_model(one), type):
            models[_model(one), "serialization"] = None
    names, definitions = models_json_schema(list(models), ref_template=REF)
    return definitions.get("$defs", {}), names


def _model(one: Endpoint) -> Any:
    return one.response._type if one.response is not None else None  # noqa: SLF001 - an adapter does not tell otherwise


def _operation(one: Endpoint, names: Names, schemas: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "parameters": [*_slots(one), *_query(one, names, schemas), *_key(one)],
        "responses": {str(one.status): _answer(one, names), **_problems(one)},
    }
    if one.description:
        said["description"] = one.description
    if one.body is not None:
        said["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": names[one.body, "validation"]}},
        }
    if one.files:
        schema = {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"},
                "alt": {"type": "string", "maxLength": 300, "description": "Words that stand for a picture"},
            },
        }
        said["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    if one.access.signed_in or one.access.roles:
        said["security"] = [{"token": []}, {"session": []}]
    said["x-scope"] = one.scope
    return said


def _slots(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": slot["name"],
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if slot["kind"] == "int" else {"type": "string"},
        }
        for slot in SLOT.finditer(one.path)
    ]


def _query(one: Endpoint, names: Names, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    name = names[one.query, "validation"]["$ref"].rpartition("/")[2]
    schema = schemas[name]
    return [
        {
            "name": field,
            "in": "query",
            "required": field in schema.get("required", []),
            "schema": inner,
            **({"description": inner["description"]} if "description" in inner else {}),
        }
        for field, inner in schema.get("properties", {}).items()
    ]


def _key(one: Endpoint) -> list[dict[str, Any]]:
    if one.method != "POST":
        return []
    text = "Two requests with one key are one: the second gets the answer of the first."
    schema = {"type": "string", "minLength": 1, "maxLength": KEY_MOST}
    return [{"name": HEADER, "in": "header", "required": False, "description": text, "schema": schema}]


def _answer(one: Endpoint, names: Names) -> dict[str, Any]:
    if one.response is None:
        return {"description": "Done."}
    model = _model(one)
    schema = names.get((model, "serialization")) or one.response.json_schema(mode="serialization", ref_template=REF)
    return {"description": one.summary, "content": {"application/json": {"schema": schema}}}


def _problems(one: Endpoint) -> dict[str, Any]:
    statuses = {401, 403, 503, *one.errors}
    if one.query is not None:
        statuses.add(414)
    if one.query is not None or one.body is not None:
        statuses.add(422)
    if "<" in one.path or (one.query is not None and "board" in one.query.model_fields):
        statuses.add(404)
    if one.body is not None:
        statuses |= {400, 413, 415}
    if one.method == "POST":
        statuses |= {409, 422}
    return {str(status): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in sorted(statuses)}


def _problem_name(status: int) -> str:
    return "".join(word.title() for word in KINDS[status].split("-"))


def _problem(status: int, text: str) -> dict[str, Any]:
    content: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    if status == ADDRESS_TOO_LONG:
        content["text/html"] = {"schema": {"type": "string"}}
    return {"description": text, "content": content}
