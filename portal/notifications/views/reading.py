"""Pages of notices."""

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.members.policy import Viewer, access, signed_in
from portal.members.rules import own_path
from portal.members.session import current_viewer, forget_viewer
from portal.notifications import jobs, queries, services, words
from portal.notifications.rules.kinds import Tab, kinds_of
from portal.notifications.rules.times import Clock

bp = Blueprint("notifications", __name__)
LIST = "/notifications"
WEEK = 7


@bp.get(LIST)
@access(signed_in)
def notices() -> ResponseReturnValue:
    """Show what a member was told, the freshest first; what is on her screen counts as seen, not as read."""
    viewer = current_viewer()
    tab, only_new = _tab(), request.args.get("new") == "1"
    page = queries.notices_of(
        viewer.id, kinds=kinds_of(tab) if tab else None, unread=only_new, cursor=request.args.get("cursor")
    )
    shown = words.show(viewer, page.items)
    hidden = {row.id for row in page.items} - {one.id for one in shown}
    if hidden and services.mark_read(viewer.id, hidden):
        forget_viewer()
    services.note_seen(viewer.id, [one.id for one in shown])
    return render_template(
        "notifications/list.html",
        sections=_sections(shown, queries.settings_of(viewer.id).time_zone),
        page=page,
        tab=tab,
        only_new=only_new,
        unread=_unread(viewer),
        kept_days=services.KEPT_DAYS,
        until=page.items[0].fresh_at if page.items and "cursor" not in request.args else None,
        refused=queries.settings_of(viewer.id).refused_address,
    )


def _tab() -> Tab | None:
    wanted = request.args.get("tab")
    return Tab(wanted) if wanted in set(Tab) else None


def _unread(viewer: Viewer) -> dict[str, int]:
    """Return how many are new, in all and by tab."""
    counts = queries.unread_by_kind(viewer.id)
    by_tab = {tab.value: sum(counts.get(kind, 0) for kind in kinds_of(tab)) for tab in Tab}
    return {"all": sum(counts.values()), **by_tab}


def _sections(shown: list[words.Notice], zone: str) -> list[tuple[str, list[words.Notice]]]:
    """Return what is new, then the rest by days, by the member's own calendar."""
    clock = Clock(zone)
    today = clock.local(now()).date()
    groups: dict[str, list[words.Notice]] = {}
    titles = {"new": _("New"), "today": _("Today"), "week": _("This week"), "before": _("Before")}
    for one in shown:
        age = (today - clock.local(one.row.fresh_at).date()).days
        key = "new" if one.is_new else "today" if age <= 0 else "week" if age < WEEK else "before"
        groups.setdefault(key, []).append(one)
    return [(titles[key], groups[key]) for key in titles if key in groups]


@bp.get("/notifications/bell")
@access(signed_in)
def bell() -> ResponseReturnValue:
    """Return the bell with its number, for pages that are open."""
    return render_template("notifications/_bell.html")


@bp.get("/notifications/<int:notification_id>")
@access(signed_in)
def open_notice(notification_id: int) -> ResponseReturnValue:
    """Mark a notice as read and go on to what it is about, or (``act=1``) to what can be done about it."""
    viewer = current_viewer()
    row = queries.notice_of(viewer.id, notification_id)
    shown = words.show(viewer, [row]) if row is not None else []
    if not shown:
        raise NotFound(_("There is no such notice."))
    _mark_read(viewer.id, [notification_id])
    act = shown[0].act if request.args.get("act") == "1" else None
    return redirect(own_path(act.url if act is not None else shown[0].url, LIST))


@bp.post("/notifications/<int:notification_id>/read")
@access(signed_in, suspended=True)
def read(notification_id: int) -> ResponseReturnValue:
    """Mark a notice as read (``read=1``) or as new again (``read=0``)."""
    viewer = current_viewer()
    if queries.notice_of(viewer.id, notification_id) is None:
        raise NotFound(_("There is no such notice."))
    if request.form.get("read") == "0":
        services.mark_unread(viewer.id, notification_id)
        jobs.ring_bell.once(str(viewer.id), viewer.id)
    else:
        _mark_read(viewer.id, [notification_id])
    return _back()


@bp.post("/notifications/read")
@access(signed_in, suspended=True)
def read_all() -> ResponseReturnValue:
    """Mark all notices, or those of the tab, as read, but for what came after the page was made: nobody has seen it."""
    tab = request.form.get("tab")
    kinds = kinds_of(Tab(tab)) if tab in set(Tab) else None
    _mark_read(current_viewer().id, kinds=kinds, until=_moment(request.form.get("until", "")))
    return _back()


def _moment(typed: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _mark_read(member_id: int, ids: list[int] | None = None, **which: Any) -> None:
    """Mark as read, and let her other open pages know."""
    if services.mark_read(member_id, ids, **which):
        jobs.ring_bell.once(str(member_id), member_id)


def _back() -> ResponseReturnValue:
    return redirect(own_path(request.form.get("next"), LIST), 303)
