"""The staff's page of the exchange with CRMs: what waits, what was refused and why, and the proof that it arrived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from portal.crm import jobs, queries, rules
from portal.crm.services import letters, marking
from portal.crm.services.portraits import portraits
from portal.kernel import formats
from portal.kernel.errors import NotFound, Refused
from portal.kernel.progress import cancel, latest
from portal.members import facade as members
from portal.members.policy import access, role
from portal.members.rules import Role
from portal.members.session import current_viewer

bp = Blueprint("crm", __name__, url_prefix="/staff/crm")
staff = role(Role.BRAND_MANAGER, Role.SUPPORT_AGENT)
managers = role(Role.BRAND_MANAGER)
SHOWN_LETTERS = 25
LABELS: Mapping[str, Any] = {
    "url": _l("Page in the community"),
    "joined": _l("Joined"),
    "last_active": _l("Last active"),
    "lifecycle": _l("Lifecycle"),
    "active_days": _l("Active days"),
    "ideas_submitted": _l("Ideas submitted"),
    "ideas_shortlisted": _l("Ideas shortlisted"),
    "ideas_accepted": _l("Ideas accepted"),
    "ideas_shipped": _l("Ideas shipped"),
    "idea_success": _l("Idea success"),
    "votes": _l("Votes"),
    "foresight": _l("Foresight"),
    "comments": _l("Comments"),
    "questions": _l("Questions"),
    "answers": _l("Answers"),
    "answers_accepted": _l("Answers accepted"),
    "accepted_share": _l("Answers accepted (Wilson)"),
    "first_response_hours": _l("First response, hours"),
    "engagement": _l("Engagement"),
    "top_topics": _l("Top topics"),
    "expertise_percentile": _l("Best expertise"),
    "influence_percentile": _l("Influence"),
    "support_value": _l("Support value"),
    "tone": _l("Tone"),
    "consent": _l("Agrees to be shared"),
}
TITLES = {"tryton": "Tryton", "webhook": "Webhook"}


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)


@bp.get("")
@access(staff)
def status() -> ResponseReturnValue:
    """Show the whole exchange."""
    return render_template("crm/status.html", **_status(), **_proof(), dead=_dead(), run=_run())


@bp.get("/table")
@access(staff)
def table() -> ResponseReturnValue:
    """Return the table of gateways as it stands."""
    return render_template("crm/_gateways.html", **_status())


@bp.get("/comparison")
@access(staff)
def comparison() -> ResponseReturnValue:
    """Return the comparison as it stands."""
    return render_template("crm/_comparison.html", run=_run(), **_status())


def _status() -> dict[str, Any]:
    names, trouble = jobs.connected(), None
    try:
        outlets = jobs.outlets()
    except Refused as refused:
        outlets, trouble = {}, str(refused)
    found = [queries.figures(name) for name in sorted({*names, *marking.known_gateways()})]
    return {
        "gateways": found,
        "titles": TITLES,
        "trouble": trouble,
        "limits": {name: way.day_limit for name, way in outlets.items()},
        "reads": {name: way.gateway.limits.reads for name, way in outlets.items()},
        "consent": {f.name: queries.shares_and_withdrawals(f.name) for f in found},
    }


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, as it is shown."""

    id: int
    gateway: str
    what: str
    reason: str
    field: str | None
    value: str
    can_mend: bool
    tries: int
    last_at: datetime
    row: Mapping[str, Any]


def _dead() -> Sequence[Letter]:
    found = queries.dead_letters(limit=SHOWN_LETTERS)
    names = _names(found)
    return [
        Letter(
            id=one.id,
            gateway=TITLES.get(one.gateway, one.gateway),
            what=_what(one, names.get((one.kind, one.subject_id), f"{one.kind} {one.subject_id}")),
            reason=one.reason,
            field=one.field,
            value=str(one.row.get("data", {}).get(one.field) or one.row.get(one.field) or "") if one.field else "",
            can_mend=one.lane == "event" and bool(one.field) and one.field not in {"id", "key", "kind", "time"},
            tries=one.tries,
            last_at=one.last_at,
            row=one.row,
        )
        for one in found
    ]


def _what(one: Any, name: str) -> str:
    if one.lane == "event":
        return str(_("%(name)s, event “%(type)s”", name=name, type=one.row.get("type", "")))
    count = len(one.row.get("values", {}))
    fields = ngettext("%(num)s field", "%(num)s fields", count)
    return f"{name}, {fields}"


def _names(found: Sequence[Any]) -> dict[tuple[str, int], str]:
    cards = members.member_cards([one.subject_id for one in found if one.kind == "contact"])
    accounts = members.crm_accounts([one.subject_id for one in found if one.kind == "account"])
    names = {("contact", member_id): card.name for member_id, card in cards.items()}
    return names | {("account", account.organisation_id): account.name for account in accounts}


def _run() -> Any:
    for name in jobs.connected():
        if (run := latest(jobs.RECONCILE, name)) is not None:
            return run
    return None


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One field of one contact: here, as sent, there."""

    label: str
    purpose: str
    here: str
    there: str
    equal: bool | None
    facts: int


def _proof() -> dict[str, Any]:
    """Return one contact field by field: the one asked for, or the one sent last."""
    asked = request.args.get("contact", "").strip()
    newest = queries.newest_link()
    member_id = _asked_member(asked) if asked else newest.subject_id if newest else None
    links = queries.links_of("contact", member_id) if member_id else []
    link = next((one for one in links if one.sent_at and not one.nulled_at), None)
    if member_id is None or link is None:
        return {"proof": None, "asked": asked}
    here = portraits("contact", [member_id], site=jobs.site())[member_id].values
    facts = queries.facts_of(member_id)
    rows = [_proof_row(field, here, link, facts) for field in rules.FIELDS["contact"]]
    return {
        "proof": [row for row in rows if row.here != formats.NOTHING or row.there != formats.NOTHING],
        "proof_link": link,
        "proof_member": members.member_card(member_id),
        "asked": asked,
    }


def _asked_member(asked: str) -> int | None:
    return int(asked) if asked.isdecimal() else members.member_id_by_email(asked)


def _proof_row(field: rules.Field, here: Mapping[str, Any], link: Any, facts: Mapping[str, int]) -> ProofRow:
    mine = here.get(field.field)
    theirs = (link.there or {}).get(field.field)
    return ProofRow(
        label=str(LABELS[field.figure]),
        purpose=_("profiling") if field.purpose is rules.Purpose.PROFILING else _("share"),
        here=_shown(field, mine),
        there=_shown(field, theirs) if link.there is not None else "?",
        equal=rules.same(field.type, mine, theirs) if link.there is not None else None,
        facts=facts.get(field.figure, 0),
    )


def _shown(field: rules.Field, value: Any) -> str:
    if value is None:
        return formats.NOTHING
    if field.type == rules.TIME:
        return formats.moment(datetime.fromisoformat(value))
    if field.type == rules.YES_NO:
        return str(_("yes") if value else _("no"))
    if field.figure == "url":
        return "/" + str(value).split("/", 3)[-1]
    if field.type == rules.TEXT:
        return str(value)
    return formats.number(value, 0 if field.type == rules.WHOLE else 2)


@bp.post("/replay")
@access(managers)
def replay() -> ResponseReturnValue:
    """Send dead letters again: one, or all."""
    number = request.form.get("letter", type=int)
    replayed = letters.replay(ids=[number] if number else [])
    jobs.dispatch_soon()
    count = len(replayed)
    flash(ngettext("%(num)s row is sent again.", "%(num)s rows are sent again.", count))
    return _back("dead")


@bp.post("/letters/<int:letter_id>/mend")
@access(managers)
def mend(letter_id: int) -> ResponseReturnValue:
    """Send a refused event again with another value in the field that was refused."""
    if letters.mend(letter_id, request.form.get("value", "").strip()) is None:
        raise NotFound(_("This row is no longer here."))
    jobs.dispatch_soon()
    flash(_("Mended; it is on its way."))
    return _back("dead")


@bp.post("/letters/<int:letter_id>/leave")
@access(managers)
def leave_out(letter_id: int) -> ResponseReturnValue:
    """Decide that a refused row is not sent."""
    if not letters.leave_out(letter_id, actor_id=current_viewer().id):
        raise NotFound(_("This row is no longer here."))
    flash(_("Left out. What changes later is sent."))
    return _back("dead")


@bp.post("/resume")
@access(managers)
def resume() -> ResponseReturnValue:
    """Try a paused gateway again."""
    name = request.form.get("gateway", "")
    if name not in jobs.connected():
        raise NotFound(_("No such gateway is connected."))
    jobs.resume(name)
    flash(_("It is tried again now."))
    return _back()


@bp.post("/compare")
@access(managers)
def compare() -> ResponseReturnValue:
    """Begin a comparison of everything."""
    for name in jobs.connected():
        jobs.ask_to_reconcile(name, asked_by=current_viewer().id)
    return _back("compare")


@bp.post("/compare/<int:run_id>/cancel")
@access(managers)
def cancel_comparison(run_id: int) -> ResponseReturnValue:
    """Stop a comparison."""
    cancel(run_id)
    flash(_("It stops at the next row."))
    return _back("compare")


@bp.post("/look/<int:member_id>")
@access(staff)
def look(member_id: int) -> ResponseReturnValue:
    """Read one contact back from the CRM."""
    for name in jobs.connected():
        jobs.look_back.later(name, "contact", member_id)
    flash(_("It is being read back; look again in a moment."))
    return redirect(url_for("crm.status", contact=member_id, _anchor="proof"), 303)


def _back(anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("crm.status", _anchor=anchor), 303)
