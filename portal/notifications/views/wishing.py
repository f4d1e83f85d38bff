"""How a member wants to be told."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community.queries import boards_for
from portal.kernel.errors import Invalid
from portal.members import mail
from portal.members.policy import access, signed_in
from portal.members.queries import email_of
from portal.members.rules import own_path
from portal.members.session import current_viewer
from portal.notifications import labels, queries, vapid
from portal.notifications.rules.kinds import Kind, Level, Way, kinds_for, ways_of
from portal.notifications.rules.times import QUIET_FROM, QUIET_TO, Rhythm, known_zones
from portal.notifications.services import digesting, preferences
from portal.notifications.services.preferences import Wishes

bp = Blueprint("notification_wishes", __name__)
PAGE = "/account/notifications"


@bp.get(PAGE)
@access(signed_in)
def wishes() -> ResponseReturnValue:
    """Show what a member hears, by which way."""
    return _page({})


def _page(errors: dict[str, object]) -> str:
    viewer = current_viewer()
    chosen = queries.choices_of([viewer.id]).get(viewer.id, {})
    settings = queries.settings_of(viewer.id)
    kinds = kinds_for(is_staff=viewer.is_staff)
    described = labels.kind_words()
    return render_template(
        "notifications/wishes.html",
        kinds=[(kind, described[kind], ways_of(kind, chosen)) for kind in described if kind in kinds],
        ways=labels.way_words(),
        boards=[(board, queries.places_of(viewer.id).get(("board", board.id), "")) for board in boards_for(viewer)],
        muted=labels.muted(viewer, queries.places_of(viewer.id)),
        settings=settings,
        quiet=(
            QUIET_FROM if settings.quiet_from is None else settings.quiet_from,
            QUIET_TO if settings.quiet_to is None else settings.quiet_to,
        ),
        zones=sorted(known_zones()),
        digests=digesting.agrees(viewer.id),
        email=email_of(viewer.id),
        can_mail=mail.is_possible(),
        devices=queries.devices_of(viewer.id),
        push_key=vapid.public_key(current_app),
        errors=errors,
    )


@bp.post(PAGE)
@access(signed_in, suspended=True)
def change_wishes() -> ResponseReturnValue:
    """Take over how a member wants to be told."""
    viewer, form = current_viewer(), request.form
    try:
        preferences.set_times(viewer.id, _wishes(form))
    except Invalid as refusal:
        return _page(dict(refusal.fields)), 422
    wanted = [(kind, way) for kind in Kind for way in Way if form.get(f"{kind}.{way}") == "1"]
    preferences.choose(viewer.id, wanted, among=kinds_for(is_staff=viewer.is_staff))
    preferences.want_digests(viewer.id, wanted=form.get("rhythm") in {Rhythm.DAILY, Rhythm.WEEKLY})
    levels = {board.id: form[f"board.{board.id}"] for board in boards_for(viewer) if f"board.{board.id}" in form}
    preferences.set_boards(viewer, levels)
    flash(_("Saved."))
    return redirect(PAGE, 303)


def _wishes(form: Any) -> Wishes:
    def number(name: str) -> int:
        typed = form.get(name, "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else -1  # noqa: PLR2004

    return Wishes(
        time_zone=form.get("time_zone", ""),
        quiet_from=number("quiet_from"),
        quiet_to=number("quiet_to"),
        mails=form.get("mails") == "1",
        rhythm=form.get("rhythm", ""),
        weekday=number("weekday"),
        hour=number("hour"),
    )


@bp.post(f"{PAGE}/mute")
@access(signed_in, suspended=True)
def mute() -> ResponseReturnValue:
    """Tell a member nothing more of a thing (``on=0``: again)."""
    viewer, form = current_viewer(), request.form
    thing_id = int(form["id"]) if form.get("id", "").isascii() and form.get("id", "").isdigit() else 0
    level = "" if form.get("on") == "0" else Level.MUTE.value
    preferences.set_level(viewer, form.get("kind", ""), min(thing_id, 2**62), level)
    flash(_("You hear of it again.") if form.get("on") == "0" else _("You hear nothing more of this."))
    return redirect(own_path(form.get("next"), PAGE), 303)


@bp.post(f"{PAGE}/address")
@access(signed_in, suspended=True)
def try_address() -> ResponseReturnValue:
    """Send mails to an address again that its server refused."""
    preferences.try_address_again(current_viewer().id)
    flash(_("We try this address again."))
    return redirect(PAGE, 303)
