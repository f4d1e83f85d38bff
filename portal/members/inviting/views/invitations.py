"""An invitation's own page: what it is about, and two ways to accept it."""

from flask import Blueprint, Response, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from portal.members import queries
from portal.members.inviting import services
from portal.members.inviting.forms import ROLE_WORDS
from portal.members.inviting.queries import InvitationCard
from portal.members.people_forms import JoiningForm
from portal.members.policy import access, anyone
from portal.members.services import LANGUAGES
from portal.members.session import current_viewer, forget_viewer
from portal.members.signing import passwords
from portal.members.signing.entering import enter

bp = Blueprint("invitations", __name__)


@bp.after_request
def keep_nowhere(response: Response) -> Response:
    """Let nobody keep these pages, and tell no other site where they are."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/invitations/<secret>")
@access(anyone)
def look(secret: str) -> ResponseReturnValue:
    """Show who asks, as whom, and what would change."""
    return _page(secret, services.open_invitation(secret), JoiningForm(formdata=None))


@bp.post("/invitations/<secret>")
@access(anyone)
def accept(secret: str) -> ResponseReturnValue:
    """Accept: with the account somebody has signed in with, or with a new one."""
    viewer, card = current_viewer(), services.open_invitation(secret)
    where = f"/organisations/{card.organisation_id}" if card.organisation_id else "/"
    if not viewer.is_anonymous:
        services.accept_as(secret, viewer)
        forget_viewer()
        flash(_("Accepted. Good to have you with us."))
        return redirect(where, 303)
    form = JoiningForm()
    if not form.validate():
        return _page(secret, card, form), 422
    password, name = form.password.data or "", form.name.data or ""
    if weak := passwords.why_weak(password, name=name, email=card.email):
        form.password.errors = [str(weak)]
        return _page(secret, card, form), 422
    locale = get_locale()
    lang = locale.language if locale is not None and locale.language in LANGUAGES else LANGUAGES[0]
    kept = passwords.hash_password(password)
    member_id = services.accept_with_new_account(secret, name=name, password_hash=kept, lang=lang)
    flash(_("Welcome. Good to have you with us."))
    return enter(member_id, way="invitation", next_path=where)


def _page(secret: str, card: InvitationCard, form: JoiningForm) -> str:
    viewer = current_viewer()
    return render_template(
        "members/invitation.html",
        card=card,
        form=form,
        secret=secret,
        roles=ROLE_WORDS,
        changes=services.changes_for(viewer.id, card) if not viewer.is_anonymous else None,
        has_account=viewer.is_anonymous and queries.member_by_email(card.email) is not None,
    )
