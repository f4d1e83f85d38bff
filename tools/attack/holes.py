"""Holes on purpose, in a throw-away route of one run: a scanner that does not find them proves nothing."""

from collections import defaultdict
from datetime import UTC, datetime

import httpx
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal.kernel.database import db
from portal.members.policy import access, anyone

holes = Blueprint("holes", __name__, url_prefix="/holes")
LUCKY = 7
CALLS: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = defaultdict(lambda: defaultdict(dict))
"""What was called outside, as wapiti asks for it: by its session, its number of the page, and the parameter."""
SCHEMA = {
    "openapi": "3.1.0",
    "info": {"title": "A hole", "version": "1"},
    "paths": {
        "/holes/number": {
            "get": {
                "parameters": [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "Fine", "content": {"application/json": {"schema": {}}}}},
            }
        }
    },
}


@holes.get("/")
@access(anyone)
def front() -> str:
    """Lead a scanner to the holes."""
    return "".join(f'<a href="/holes/{way}">{way}</a> ' for way in ("echo?name=wool", "find?id=1", "fetch?url=wool"))


@holes.get("/echo")
@access(anyone)
def echo() -> Response:
    """Give back what was sent, as it came."""
    answer = Response(f"<html><body>Hello {request.args.get('name', '')}</body></html>", mimetype="text/html")
    answer.headers["Content-Security-Policy"] = ""
    return answer


@holes.get("/find")
@access(anyone)
def find() -> Response:
    """Ask the database what was sent, as it came."""
    wanted = request.args.get("id", "1")
    try:
        rows = db.session.execute(text(f"SELECT id, name FROM board WHERE id = {wanted}")).all()
    except SQLAlchemyError as error:
        db.session.rollback()
        return Response(f"<p>PostgreSQL: {error}</p>", 500)
    return Response("".join(f"<p>{row.id} {row.name}</p>" for row in rows) or "<p>Nothing.</p>")


@holes.get("/fetch")
@access(anyone)
def fetch() -> Response:
    """Call whatever address was sent, without asking where it leads."""
    try:
        httpx.get(request.args.get("url", ""), timeout=5)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Response("<p>Nobody there.</p>")
    return Response("<p>Called.</p>")


@holes.get("/outside/")
@access(anyone)
def outside() -> str:
    """Stand for the world outside: who is led here was made to call a stranger."""
    return ""


@holes.get("/outside/ssrf/<session>/<page>/<parameter>/")
@access(anyone)
def called(session: str, page: str, parameter: str) -> str:
    """Write down that somebody was made to call."""
    call = {"url": request.url, "date": datetime.now(UTC).isoformat(), "ip": "127.0.0.1", "method": "GET"}
    CALLS[session][page].setdefault(parameter, []).append(call)
    return ""


@holes.get("/outside/get_ssrf.php")
@access(anyone)
def calls() -> Response:
    """Tell wapiti what it made call."""
    return jsonify(CALLS.get(request.args.get("session_id", ""), {}))


@holes.get("/number")
@access(anyone)
def number() -> Response:
    """Fall over larger numbers."""
    given = int(request.args.get("n", "0"))
    return jsonify(LUCKY // (0 if abs(given) > LUCKY else 1))


@holes.get("/openapi.json")
@access(anyone)
def schema() -> Response:
    """Describe the hole."""
    return jsonify(SCHEMA)
