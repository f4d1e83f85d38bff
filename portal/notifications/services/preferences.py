"""How a member wants to be told; every change is kept as hers, and takes effect with the next thing that happens."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.community import registry
from portal.community.queries import visible_board_ids
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound
from portal.members import services as members
from portal.members.models import MemberSession
from portal.members.policy import Viewer
from portal.members.queries import member_cards
from portal.members.rules import Purpose
from portal.notifications import queries
from portal.notifications.models import Choice, Place, PushSubscription, Settings
from portal.notifications.rules.kinds import Kind, Level, Way, ways_by_default
from portal.notifications.rules.times import Rhythm, known_zones

HOURS = range(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """When and where a member wants to be reached."""

    time_zone: str
    quiet_from: int
    quiet_to: int
    mails: bool
    rhythm: str
    weekday: int
    hour: int


def choose(member_id: int, wanted: Collection[tuple[Kind, Way]], *, among: Collection[Kind]) -> None:
    """Take over, for these kinds, by which ways they are wanted; what is as by default is not kept."""
    rows = [
        {"member_id": member_id, "kind": kind.value, "way": way.value, "wanted": (kind, way) in wanted}
        for kind in among
        for way in Way
        if ((kind, way) in wanted) != (way in ways_by_default(kind))
    ]
    mine = delete(Choice).where(Choice.member_id == member_id, Choice.kind.in_([kind.value for kind in among]))
    db.session.execute(mine)
    if rows:
        db.session.execute(insert(Choice), rows)


def want(member_id: int, kind: Kind, way: Way, *, wanted: bool) -> None:
    """Take over one wish."""
    row = {"member_id": member_id, "kind": kind.value, "way": way.value, "wanted": wanted}
    key = ["member_id", "kind", "way"]
    db.session.execute(insert(Choice).values(row).on_conflict_do_update(index_elements=key, set_={"wanted": wanted}))


def set_times(member_id: int, wishes: Wishes) -> None:
    """Take over when and where a member wants to be reached.

    :raise Invalid: for a time zone, an hour, a day or a rhythm that is none.
    """
    wrong: dict[str, object] = {}
    if wishes.time_zone not in known_zones():
        wrong["time_zone"] = _l("Choose a place such as Europe/Rome.")
    for name in ("quiet_from", "quiet_to", "hour"):
        if getattr(wishes, name) not in HOURS:
            wrong[name] = _l("Choose an hour from 0 to 23.")
    if wishes.rhythm not in set(Rhythm):
        wrong["rhythm"] = _l("Choose how often.")
    if wishes.weekday not in range(7):
        wrong["weekday"] = _l("Choose a day of the week.")
    if wrong:
        raise Invalid(fields=wrong)
    row: dict[str, object] = {name: getattr(wishes, name) for name in Wishes.__dataclass_fields__}
    before = queries.settings_of(member_id)
    if any(getattr(before, name) != row[name] for name in ("rhythm", "weekday", "hour", "time_zone")):
        row["digest_slot"] = now()  # the next one comes at the new hour, none for the hour that has just become hers
    written = insert(Settings).values(member_id=member_id, **row)
    db.session.execute(written.on_conflict_do_update(index_elements=["member_id"], set_=row))


def want_mails(member_id: int, *, wanted: bool) -> None:
    """Send this member mails, or none at all."""
    written = insert(Settings).values(member_id=member_id, mails=wanted)
    db.session.execute(written.on_conflict_do_update(index_elements=["member_id"], set_={"mails": wanted}))


def try_address_again(member_id: int) -> None:
    """Believe a member that her address works."""
    nothing = {"refused_address": None, "refused_why": None, "refused_at": None}
    written = insert(Settings).values(member_id=member_id, **nothing)
    db.session.execute(written.on_conflict_do_update(index_elements=["member_id"], set_=nothing))


def want_digests(member_id: int, *, wanted: bool) -> None:
    """Keep a member's word on digests: they come by consent alone."""
    members.say_consent(member_id, Purpose.DIGESTS, given=wanted)


def set_boards(viewer: Viewer, levels: Mapping[int, str]) -> None:
    """Take over how much a member wants to hear of boards; boards that she may not see are left out."""
    for board_id in visible_board_ids(viewer):
        if board_id in levels:
            _set_place(viewer.id, "board", board_id, levels[board_id])


def set_level(viewer: Viewer, kind: str, thing_id: int, level: str) -> None:
    """Take over how much a member wants to hear of a board, a thing or a person.

    :raise NotFound: when she may not see it.
    """
    seen = thing_id in visible_board_ids(viewer) if kind == "board" else _is_seen(viewer, kind, thing_id)
    if not seen:
        raise NotFound(_l("There is nothing here to follow."))
    _set_place(viewer.id, kind, thing_id, level)


def _is_seen(viewer: Viewer, kind: str, thing_id: int) -> bool:
    if kind == "member":
        return thing_id in member_cards([thing_id])
    return (kind, thing_id) in registry.describe(viewer, [(kind, thing_id)])


def mute(member_id: int, kind: str, thing_id: int) -> None:
    """Tell a member nothing more of a thing; for links in mails, which know whose they are."""
    _set_place(member_id, kind, thing_id, Level.MUTE)


def unmute(member_id: int, kind: str, thing_id: int) -> None:
    """Tell a member of a thing again."""
    _set_place(member_id, kind, thing_id, "")


def _set_place(member_id: int, kind: str, thing_id: int, level: str) -> None:
    if level in set(Level):
        row = {"member_id": member_id, "target_kind": kind, "target_id": thing_id, "level": level}
        written = insert(Place).values(row)
        key = ["member_id", "target_kind", "target_id"]
        db.session.execute(written.on_conflict_do_update(index_elements=key, set_={"level": level}))
    else:
        db.session.execute(delete(Place).filter_by(member_id=member_id, target_kind=kind, target_id=thing_id))


# Browsers


def subscribe(
    member_id: int, *, endpoint: str, p256dh: str, auth: str, agent: str = "", session: str | None = None
) -> None:
    """Let a browser be reached; one that belonged to another account belongs to this one from now on.

    :param session: the key of its session: it is reached for as long as that is open.
    """
    session_id = db.session.scalar(select(MemberSession.id).filter_by(key=session)) if session else None
    row = {"member_id": member_id, "p256dh": p256dh, "auth": auth, "agent": agent[:300], "session_id": session_id}
    written = insert(PushSubscription).values(endpoint=endpoint, **row, made_at=now())
    db.session.execute(written.on_conflict_do_update(index_elements=["endpoint"], set_=row))


def unsubscribe(member_id: int, *, endpoint: str | None = None, device_id: int | None = None) -> bool:
    """Do not reach a browser any more; return whether it was known."""
    which = PushSubscription.endpoint == endpoint if endpoint else PushSubscription.id == device_id
    gone = delete(PushSubscription).where(PushSubscription.member_id == member_id, which)
    return db.session.scalar(gone.returning(PushSubscription.id)) is not None


def forget_signed_out() -> None:
    """Forget browsers whose session has ended."""
    closed = select(MemberSession.id).where(MemberSession.closed_at.is_not(None))
    db.session.execute(delete(PushSubscription).where(PushSubscription.session_id.in_(closed)))


def forget_browsers(ids: Collection[int]) -> None:
    """Forget browsers whose makers say that they are gone."""
    db.session.execute(delete(PushSubscription).where(PushSubscription.id.in_(ids)))


def note_reached(ids: Collection[int]) -> None:
    """Note that browsers were reached."""
    db.session.execute(update(PushSubscription).where(PushSubscription.id.in_(ids)).values(used_at=now()))
