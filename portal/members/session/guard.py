"""What is asked before any view runs: may this person use it, and does the request come from a page of ours."""

from urllib.parse import urlencode

from flask import Flask, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest

from portal.kernel.errors import Forbidden, NotSignedIn
from portal.kernel.keys import signing_keys
from portal.members.doors import guest_door_of
from portal.members.policy import Access, access_of
from portal.members.session.freshness import ask_again, is_fresh, must_be_fresh
from portal.members.session.viewer import API, bearer_token, current_viewer

UNDECLARED = frozenset({"static"})
"""Endpoints of the framework that have no declaration: files that anybody may fetch."""
SECOND_PROOF = "/account/security"
SIGN_IN = "/sign-in"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Teach the application who members are and that it must ask before it acts."""
    app.config.setdefault("WTF_CSRF_CHECK_DEFAULT", False)
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    app.config.setdefault("WTF_CSRF_SECRET_KEY", signing_keys(app))
    CSRFProtect(app)
    _drop_hook(app, "csrf_protect")
    app.before_request(_ask)


def _drop_hook(app: Flask, name: str) -> None:
    """Take a hook of an extension out of every request; `_ask` calls the extension where it is needed."""
    hooks = app.before_request_funcs.get(None, [])
    hooks[:] = [hook for hook in hooks if hook.__name__ != name]


def came_with_token() -> bool:
    """Return whether a program asks by a bearer token, not a browser by its cookie."""
    return bearer_token() is not None


def _ask() -> ResponseReturnValue | None:
    """Let the request pass, send a reader to the sign-in page, or say why not.

    :raise BadRequest: for a NUL in the address, which no database takes. The API names the field.
    :raise NotSignedIn: when a token is not valid, or somebody must sign in.
    :raise Forbidden: for a view that declares nothing, and for those whom its declaration leaves out.
    """
    if "\0" in request.path or (b"%00" in request.query_string and not request.path.startswith(API)):
        raise BadRequest
    endpoint = request.endpoint
    if endpoint is None or endpoint in UNDECLARED:
        return None
    view = current_app.view_functions[endpoint]
    rule = access_of(view)
    if rule is None:
        raise Forbidden(_("This address does not say who may use it, so nobody may."))
    by_token = bearer_token() is not None
    if by_token and current_viewer().is_anonymous:
        g.bad_token = True
        raise NotSignedIn(_("This token is not valid, or it has been revoked."))
    if rule.signed_in or rule.roles or rule.scope:
        if (way := _way_round(rule)) == SIGN_IN and (door := guest_door_of(view)) is not None:
            return redirect(
                door + "?" + request.query_string.decode(errors="replace") if request.query_string else door
            )
        if way:
            return redirect(way + "?" + urlencode({"next": request.full_path.rstrip("?")}))
        rule.check(current_viewer(), writes=request.method not in SAFE)
    if not by_token and request.method not in SAFE:
        protect: CSRFProtect = current_app.extensions["csrf"]
        protect.protect(apply_exemptions=True)
    if must_be_fresh(view) and not (is_fresh() and not by_token):
        return ask_again(by_token=by_token)
    return None


def _way_round(rule: Access) -> str:
    """Return where a person goes first who asked for a page that needs a member, or a second proof of one.

    Scripts and programs are told so instead.
    """
    is_page = request.method in SAFE and not request.path.startswith(API) and "HX-Request" not in request.headers
    if not is_page or not (rule.signed_in or rule.roles):
        return ""
    viewer = current_viewer()
    if viewer.is_anonymous:
        return SIGN_IN
    return SECOND_PROOF if rule.sleeps(viewer) and not viewer.has_role(*rule.roles) else ""
