"""The API's addresses: every declared endpoint, checked before and dressed after, and its own description."""

import hashlib
from collections.abc import Callable
from functools import cache, partial, update_wrapper
from typing import Any, get_origin

from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import NotFound

from portal.api import invitations, openapi, people, problems, segments
from portal.api.endpoints import BIGGEST_ID, Endpoint, Reply, declared
from portal.api.once import once
from portal.api.problems import WrongType
from portal.kernel.errors import Invalid
from portal.members.policy import access, anyone
from portal.members.session import current_viewer

PREFIX = "/api/v1"
JSON = "application/json"
NUL = _l("This text holds control characters. Type it again without them.")


ABOUT_MEMBERS = (people, segments, invitations)
"""Members are a floor below: what the API says of them is declared here, in the frame."""


def init_app(app: Flask) -> None:
    """Serve what the features have declared. It is wired after them."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    for one in declared():
        api.add_url_rule(one.path, one.name, _serving(one), methods=[one.method])
    api.add_url_rule("/openapi.json", "description", description)
    api.add_url_rule("/docs", "docs", docs)
    app.register_blueprint(api)
    problems.init_app(app)


def _serving(one: Endpoint) -> Callable[..., Response]:
    return update_wrapper(partial(serve, one), one.view)


def serve(one: Endpoint, **path: Any) -> Response:
    """Check what came, call the view, dress what it returns.

    :raise Invalid: for fields that do not fit.
    """
    if any(isinstance(part, int) and part > BIGGEST_ID for part in path.values()):
        raise NotFound
    raw = b""
    arguments = path
    if one.query is not None:
        arguments["query"] = _query(one.query)
    if one.files:
        raw = _digest(one)
    if one.body is not None:
        raw = _raw(one)
        arguments["body"] = _body(one.body, raw)
    return once(current_viewer().member_id, raw, lambda: _dressed(one, one.view(**arguments)))


def _query(model: type[BaseModel]) -> BaseModel:
    """Read the query; what is empty counts as not given."""
    given: dict[str, Any] = {}
    for name in _lists(model) | request.args.keys():
        values = [value for value in request.args.getlist(name) if value != ""]
        if any("\0" in value for value in values):
            raise Invalid(fields={name: NUL})
        if values:
            given[name] = values if name in _lists(model) else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise problems.invalid(error) from error


@cache
def _lists(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, one in model.model_fields.items() if get_origin(one.annotation) is list)


def _raw(one: Endpoint) -> bytes:
    request.max_content_length = one.body_most
    if not request.is_json:
        raise WrongType
    return request.get_data()


def _digest(one: Endpoint) -> bytes:
    """Return what tells one sending from another: the digest of the files and words that came."""
    request.max_content_length = one.body_most
    if request.mimetype != "multipart/form-data":
        raise WrongType
    digest = hashlib.sha256(repr(sorted(request.form.items())).encode())
    for file in request.files.values():
        digest.update(file.read())
        file.seek(0)
    return digest.digest()


def _body(model: type[BaseModel], raw: bytes) -> BaseModel:
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise problems.invalid(error) from error
    if b"\\u0000" in raw:
        _refuse_nul(body.model_dump(), "")
    return body


def _refuse_nul(value: Any, name: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise Invalid(fields={name: NUL})
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        _refuse_nul(inner, f"{name}.{part}".lstrip("."))


def _dressed(one: Endpoint, result: Any) -> Response:
    reply = result if isinstance(result, Reply) else Reply(result)
    status = reply.status or one.status
    body = b"" if one.response is None else _json(one.response, reply.content)
    response = Response(body, status, content_type=JSON)
    response.headers.extend(reply.headers)
    if request.method == "GET":
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.update(("Authorization", "Cookie", "Accept-Language"))
        response.add_etag()
        response.make_conditional(request)
    return response


def _json(model: "TypeAdapter[Any]", content: Any) -> bytes:
    return model.dump_json(model.validate_python(content, from_attributes=True))


@access(anyone)
def docs() -> ResponseReturnValue:
    """Show people what there is."""
    operations = [
        {
            "method": one.method,
            "path": openapi.SLOT.sub(r"{\g<name>}", one.path),
            "summary": one.summary,
            "scope": one.scope,
            "needs_member": one.access.signed_in or bool(one.access.roles),
            "tag": one.tag,
        }
        for one in declared()
    ]
    tags = sorted({str(one["tag"]) for one in operations})
    groups = [(tag, [one for one in operations if one["tag"] == tag]) for tag in tags]
    return render_template("api/docs.html", groups=groups, server=f"{current_app.config['PORTAL_URL']}{PREFIX}")


@access(anyone)
def description() -> ResponseReturnValue:
    """Describe the API as OpenAPI 3.1; made once."""
    known: bytes | None = current_app.extensions.get("openapi")
    if known is None:
        title = f"{current_app.config['PORTAL_NAME']}: REST API"
        server = f"{current_app.config['PORTAL_URL']}{PREFIX}"
        known = current_app.extensions["openapi"] = openapi.document(declared(), title=title, server=server)
    response = Response(known, content_type="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.add_etag()
    return response.make_conditional(request)
