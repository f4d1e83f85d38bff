"""What matters is done only by somebody who has just shown that it is she: a cookie alone is not enough for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import flask_login
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from portal.members.rules import own_path

V = TypeVar("V", bound=Callable[..., Any])
FRESH_FOR = timedelta(minutes=15)
PAGE = "/account/again"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def fresh(view: V) -> V:
    """Declare that a view is for somebody who has shown within the last quarter of an hour that it is she.

    Stands below `access`. Others are led to a page that asks, and from there back; tokens are refused.
    """
    view.fresh = True  # type: ignore[attr-defined]
    return view


def must_be_fresh(view: Callable[..., Any]) -> bool:
    """Return whether a view was declared so."""
    return bool(getattr(view, "fresh", False))


def is_fresh() -> bool:
    """Return whether whoever asks has shown a short while ago that it is she."""
    proved_at: datetime | None = getattr(flask_login.current_user, "proved_at", None)
    return proved_at is not None and now() - proved_at < FRESH_FOR


def ask_again(*, by_token: bool) -> ResponseReturnValue:
    """Lead to the page that asks who it is; from there back to the page, or to the one with the form.

    :raise Forbidden: for programs, and for scripts, which cannot be led anywhere.
    """
    if by_token:
        raise Forbidden(_("This is done by a person in a browser, not with a token."))
    if "HX-Request" in request.headers or request.accept_mimetypes.best == "application/json":
        raise Forbidden(_("Show first that it is you: open your account’s security page."))
    if request.method in SAFE:
        back = request.full_path.rstrip("?")
    else:
        flash(_("Nothing is done yet: show first that it is you, then do it once more."), "warn")
        back = own_path(urlsplit(request.referrer or "").path, "/account/security")
    return redirect(PAGE + "?" + urlencode({"next": back}), 303)
