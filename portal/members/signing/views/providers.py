"""Signing in with an account elsewhere: there, back, linked, unlinked."""

import time
from typing import Any

import structlog
from flask import current_app, flash, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import validate_csrf
from wtforms.validators import ValidationError

from portal.config import OidcProvider
from portal.kernel.errors import Forbidden, NotFound, PortalError, TooMany
from portal.members import services
from portal.members.policy import access, anyone, signed_in
from portal.members.rules import own_path
from portal.members.session import current_session_key, current_viewer, fresh
from portal.members.signing import attempts, oidc
from portal.members.signing.entering import enter
from portal.members.signing.forms import TOO_MANY
from portal.members.signing.services import providers, tickets
from portal.members.signing.views.doors import SECURITY, bp

PURPOSE = "provider"
MINUTES = 10
BROWSER = "provider"
"""Where the session cookie keeps what ties the way back to this browser."""
log = structlog.get_logger(__name__)


@bp.get("/sign-in/with/<name>")
@access(anyone)
def start(name: str) -> ResponseReturnValue:
    """Send somebody to a provider to sign in."""
    return _leave(_provider(name), {"next": own_path(request.args.get("next"))})


@bp.get("/account/security/providers/<name>/link")
@access(signed_in)
@fresh
def link(name: str) -> ResponseReturnValue:
    """Send a member to a provider to link her account there; the address carries the form's token."""
    try:
        validate_csrf(request.args.get("csrf_token"))
    except ValidationError as error:
        raise Forbidden(_("Follow the button on the page, not a link from elsewhere.")) from error
    return _leave(_provider(name), {"link": current_viewer().id, "next": SECURITY})


@bp.get("/account/again/with/<name>")
@access(signed_in)
def again_with(name: str) -> ResponseReturnValue:
    """Send a member to a provider to show once more that it is she."""
    memory = {"again": time.time(), "key": current_session_key(), "next": own_path(request.args.get("next"), SECURITY)}
    return _leave(_provider(name), memory)


def _leave(one: OidcProvider, memory: dict[str, Any]) -> ResponseReturnValue:
    if not attempts.may_come_from_here():
        raise TooMany(TOO_MANY)
    try:
        address, kept = oidc.begin(one, back=_back(one), again="again" in memory)
    except oidc.NotProven as error:
        return _failed(one, error)
    browser = session.setdefault(BROWSER, services.random_key())
    state = tickets.issue(
        PURPOSE, data={**memory, **kept, "provider": one.name, "browser": services.digest_of(browser)}, minutes=MINUTES
    )
    return redirect(f"{address}&state={state}")


@bp.get("/sign-in/with/<name>/back")
@access(anyone)
def back(name: str) -> ResponseReturnValue:
    """Take somebody back from a provider: let her in, link the account, or say what is wrong."""
    one = _provider(name)
    ticket = tickets.redeem_at_once(PURPOSE, request.args.get("state", ""))
    browser = services.digest_of(str(session.get(BROWSER, "")))
    if ticket is None or ticket.data["provider"] != one.name or ticket.data["browser"] != browser:
        sentence = _("The answer belongs to another attempt than yours.")
        return _failed(one, oidc.NotProven(sentence, "state"))
    if "error" in request.args:
        flash(_("%(provider)s did not let you in, or you changed your mind.", provider=one.label), "warn")
        return redirect("/sign-in" if "link" not in ticket.data else SECURITY)
    try:
        person = oidc.finish(
            one,
            code=request.args.get("code", ""),
            back=_back(one),
            memory=ticket.data,
            sender=request.args.get("iss"),
        )
        return _arrive(one, person, ticket.data)
    except oidc.NotProven as error:
        return _failed(one, error)
    except PortalError as error:
        return _failed(one, oidc.NotProven(error.message, "refused"), error.status)


def _arrive(one: OidcProvider, person: oidc.Person, memory: dict[str, Any]) -> ResponseReturnValue:
    word = providers.Word(person.issuer, person.subject, person.email, person.email_verified, person.name, person.lang)
    next_path = own_path(str(memory["next"]))
    if "link" in memory:
        if current_viewer().member_id != memory["link"]:
            raise Forbidden(_("Somebody else has signed in meanwhile."))
        providers.link(current_viewer().id, word)
        flash(_("Linked. From now on you can sign in with %(provider)s.", provider=one.label))
        return redirect(SECURITY)
    if "again" in memory:
        if memory["key"] != current_session_key() or providers.member_by(word) != current_viewer().member_id:
            raise Forbidden(_("That account is not linked to yours."))
        services.note_proof(str(memory["key"]))
        return redirect(next_path)
    locale = get_locale()
    member_id = providers.member_for(word, lang=locale.language if locale else "en")
    return enter(member_id, way=f"oidc:{one.name}", next_path=next_path)


@bp.post("/account/security/providers/<int:identity_id>/unlink")
@access(signed_in, suspended=True)
@fresh
def unlink(identity_id: int) -> ResponseReturnValue:
    """Let an account elsewhere no longer open this one."""
    providers.unlink(current_viewer().id, identity_id)
    flash(_("Unlinked."))
    return redirect(SECURITY)


def _provider(name: str) -> OidcProvider:
    found = oidc.provider(name)
    if found is None:
        raise NotFound(_("There is no such provider here."))
    return found


def _back(one: OidcProvider) -> str:
    return f"{current_app.config['PORTAL_URL'].rstrip('/')}/sign-in/with/{one.name}/back"


def _failed(one: OidcProvider, error: oidc.NotProven, status: int = 400) -> ResponseReturnValue:
    """Say clearly that nobody was let in, and why; the record keeps the details."""
    log.warning("sign-in with a provider refused", provider=one.name, why=str(error))
    attempts.refused_here()
    return render_template("members/provider_failed.html", provider=one, sentence=error.sentence), status
