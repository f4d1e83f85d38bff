"""Reading the exchange with CRMs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, select, text

from portal.crm.models import CrmEvent, DeadLetter, GatewayState, HourlyRows, Link, SeenNews, Wanted
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import Fact
from portal.members.models import Identity, Member

HOURS = 24
FACTS_BEHIND = {
    "joined": ("MemberJoined",),
    "ideas_submitted": ("IdeaPosted",),
    "votes": ("VoteCast", "VoteWithdrawn"),
    "comments": ("CommentPosted",),
    "questions": ("QuestionAsked",),
    "answers": ("AnswerGiven",),
}
"""The facts of a member's own doing that a figure is counted from."""


def has_turn(gateway: str) -> bool:
    """Take the turn to send to a gateway until the transaction ends; False when another has it."""
    asked = text("SELECT pg_try_advisory_xact_lock(hashtextextended('crm:' || :gateway, 0))")
    return bool(db.session.execute(asked, {"gateway": gateway}).scalar_one())


def gateway_state(gateway: str) -> GatewayState | None:
    """Return how a gateway is doing, read anew."""
    wanted = select(GatewayState).filter_by(name=gateway).execution_options(populate_existing=True)
    return db.session.scalar(wanted)


@dataclass(frozen=True, slots=True)
class Claim:
    """Subjects of one kind to send now, and every mark of theirs that this answers."""

    kind: str
    subjects: Sequence[int]
    marks_by_subject: dict[int, list[int]]
    tries: int

    @property
    def marks(self) -> list[int]:
        """Return all marks."""
        return [mark for marks in self.marks_by_subject.values() for mark in marks]


def claim_wanted(gateway: str, limit: int) -> Claim | None:
    """Lock the marks of the subjects that have waited longest, accounts before contacts; None when none wait.

    Every visible mark of a chosen subject is taken along: it was committed before the figures are read.
    """
    for kind in ("account", "contact"):
        oldest = (
            select(Wanted.subject_id)
            .filter_by(gateway=gateway, kind=kind)
            .order_by(Wanted.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        subjects = list(dict.fromkeys(db.session.scalars(oldest)))
        if subjects:
            theirs = (
                select(Wanted.id, Wanted.subject_id, Wanted.tries)
                .filter_by(gateway=gateway, kind=kind)
                .where(Wanted.subject_id.in_(subjects))
                .with_for_update(skip_locked=True)
            )
            marks: dict[int, list[int]] = {subject: [] for subject in subjects}
            tries = 0
            for mark in db.session.execute(theirs):
                marks[mark.subject_id].append(mark.id)
                tries = max(tries, mark.tries)
            return Claim(kind, subjects, marks, tries)
    return None


def links(gateway: str, kind: str, subjects: Collection[int]) -> dict[int, Any]:
    """Return what was sent last, by subject: where to, what, when, and whether it is to be taken away."""
    wanted = (
        select(Link.subject_id, Link.crm_id, Link.sent, Link.sent_hash, Link.nulled_at, Link.sent_at, Link.lift)
        .filter_by(gateway=gateway, kind=kind)
        .where(Link.subject_id.in_(subjects))
    )
    return {row.subject_id: row for row in db.session.execute(wanted)}


def link(gateway: str, kind: str, subject_id: int) -> Link | None:
    """Return one subject's link."""
    return db.session.get(Link, (gateway, kind, subject_id))


def links_to_compare(gateway: str, kind: str, after: int, limit: int) -> list[Link]:
    """Return links with something sent, in order of their subject."""
    wanted = (
        select(Link)
        .filter_by(gateway=gateway, kind=kind)
        .where(Link.sent_at.is_not(None), Link.nulled_at.is_(None), Link.subject_id > after)
        .order_by(Link.subject_id)
        .limit(limit)
    )
    return list(db.session.scalars(wanted))


def count_links(gateway: str) -> int:
    """Return how many subjects have been sent and not taken back."""
    wanted = select(func.count()).select_from(Link).filter_by(gateway=gateway)
    return int(db.session.execute(wanted.where(Link.sent_at.is_not(None), Link.nulled_at.is_(None))).scalar_one())


def claim_events(gateway: str, limit: int) -> list[CrmEvent]:
    """Lock the oldest waiting events whose subjects the CRM knows already."""
    known = exists().where(
        and_(
            Link.gateway == CrmEvent.gateway,
            Link.kind == CrmEvent.kind,
            Link.subject_id == CrmEvent.subject_id,
            Link.sent_at.is_not(None),
            Link.nulled_at.is_(None),
        )
    )
    wanted = (
        select(CrmEvent)
        .filter_by(gateway=gateway, state="waiting")
        .where(known)
        .order_by(CrmEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(db.session.scalars(wanted))


def waiting_event_subjects(gateway: str, kind: str, limit: int = 1000) -> list[int]:
    """Return subjects with waiting events that the CRM has not been told of; not those that it refuses."""
    known = select(Link.subject_id).filter_by(gateway=gateway, kind=kind).where(Link.sent_at.is_not(None))
    marked = select(Wanted.subject_id).filter_by(gateway=gateway, kind=kind)
    refused = select(DeadLetter.subject_id).filter_by(gateway=gateway, kind=kind, lane="state")
    wanted = (
        select(CrmEvent.subject_id)
        .filter_by(gateway=gateway, kind=kind, state="waiting")
        .where(
            CrmEvent.subject_id.not_in(known),
            CrmEvent.subject_id.not_in(marked),
            CrmEvent.subject_id.not_in(refused),
        )
        .distinct()
        .limit(limit)
    )
    return list(db.session.scalars(wanted))


@dataclass(frozen=True, slots=True)
class Figures:
    """One gateway's figures, as `portal crm status` prints them and the page shows them."""

    name: str
    state: str
    why: str | None
    pending: int
    sent: int
    failed: int
    dead: int
    lag_seconds: float
    drift: int | None
    paused_at: datetime | None
    compared_at: datetime | None
    calls_today: int
    hours: Sequence[int]

    def as_json(self) -> dict[str, Any]:
        """Return the document that programs read."""
        return {
            "pending": self.pending,
            "sent": self.sent,
            "failed": self.failed,
            "dead": self.dead,
            "lag_seconds": round(self.lag_seconds, 1),
            "drift": self.drift,
            "state": self.state,
            "why": self.why,
        }


def figures(gateway: str) -> Figures:
    """Return one gateway's figures. Pending counts subjects once, and events; lag is the age of the oldest."""
    state = gateway_state(gateway) or GatewayState(name=gateway)
    rows, oldest_row = db.session.execute(
        select(func.count(func.distinct(func.concat(Wanted.kind, Wanted.subject_id))), func.min(Wanted.wanted_at))
        .filter_by(gateway=gateway)
    ).one()  # fmt: skip
    events, oldest_event = db.session.execute(
        select(func.count(), func.min(CrmEvent.made_at)).filter_by(gateway=gateway, state="waiting")
    ).one()
    oldest = min((moment for moment in (oldest_row, oldest_event) if moment), default=None)
    return Figures(
        name=gateway,
        state=state_word(state),
        why=state.why,
        pending=rows + events,
        sent=state.sent,
        failed=state.failed,
        dead=count_dead(gateway),
        lag_seconds=max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0,
        drift=state.drift,
        paused_at=state.paused_at,
        compared_at=state.compared_at,
        calls_today=state.calls if state.calls_on == now().date() else 0,
        hours=_hours(gateway),
    )


def state_word(state: GatewayState) -> str:
    """Return ``paused``, ``waiting`` (it asked us to, or failed) or ``running``."""
    if state.paused_at is not None:
        return "paused"
    return "waiting" if state.hold_until is not None and state.hold_until > now() else "running"


def _hours(gateway: str) -> list[int]:
    last = now().replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=HOURS - 1)
    wanted = select(HourlyRows.hour, HourlyRows.rows).filter_by(gateway=gateway).where(HourlyRows.hour >= first)
    rows = {row.hour: row.rows for row in db.session.execute(wanted)}
    return [rows.get(first + timedelta(hours=i), 0) for i in range(HOURS)]


def count_dead(gateway: str) -> int:
    """Return how many dead letters a gateway has."""
    return int(db.session.execute(select(func.count()).select_from(DeadLetter).filter_by(gateway=gateway)).scalar_one())


def dead_letters(*, gateway: str | None = None, limit: int = 50) -> list[DeadLetter]:
    """Return dead letters, newest first."""
    wanted = select(DeadLetter).order_by(DeadLetter.last_at.desc(), DeadLetter.id.desc()).limit(limit)
    if gateway is not None:
        wanted = wanted.filter_by(gateway=gateway)
    return list(db.session.scalars(wanted))


def dead_letters_to_replay(gateway: str | None, ids: Collection[int]) -> list[DeadLetter]:
    """Lock dead letters by number, or all of a gateway, or all."""
    wanted = select(DeadLetter).order_by(DeadLetter.id).with_for_update(skip_locked=True)
    if gateway is not None:
        wanted = wanted.filter_by(gateway=gateway)
    if ids:
        wanted = wanted.where(DeadLetter.id.in_(ids))
    return list(db.session.scalars(wanted))


def known_news(gateway: str, kind: str, crm_ids: Collection[str]) -> dict[str, str]:
    """Return the digest of what was said last, by the CRM's id."""
    wanted = select(SeenNews.crm_id, SeenNews.digest).filter_by(gateway=gateway, kind=kind)
    return {one[0]: one[1] for one in db.session.execute(wanted.where(SeenNews.crm_id.in_(crm_ids)))}


def news_of(gateway: str, kind: str, crm_id: str) -> Mapping[str, Any] | None:
    """Return what a CRM said last of one contact or account."""
    seen = db.session.get(SeenNews, (gateway, kind, crm_id))
    return seen.news if seen else None


def members_of_contacts(contact_ids: Collection[str]) -> dict[str, int]:
    """Return the members that are proven to be these contacts, by contact."""
    wanted = select(Identity.value, Identity.member_id).filter_by(kind="crm_contact", verified=True)
    return {one[0]: one[1] for one in db.session.execute(wanted.where(Identity.value.in_(contact_ids)))}


def organisations_of(member_ids: Collection[int]) -> set[int]:
    """Return the organisations these members belong to."""
    wanted = select(Member.organisation_id).where(Member.id.in_(member_ids), Member.organisation_id.is_not(None))
    return {organisation_id for organisation_id in db.session.scalars(wanted.distinct()) if organisation_id}


def shares_and_withdrawals(gateway: str) -> dict[str, int]:
    """Return how many contacts are shared, and how many were taken back in all and this week."""
    week = now() - timedelta(days=7)
    row = db.session.execute(
        select(
            func.count().filter(Link.nulled_at.is_(None), Link.sent_at.is_not(None)),
            func.count(Link.nulled_at),
            func.count(Link.nulled_at).filter(Link.nulled_at >= week),
        ).filter_by(gateway=gateway, kind="contact")
    ).one()
    return {"shared": row[0], "taken_back": row[1], "taken_back_this_week": row[2]}


def newest_link(kind: str = "contact") -> Link | None:
    """Return the contact that was sent last."""
    wanted = select(Link).filter_by(kind=kind).where(Link.sent_at.is_not(None), Link.nulled_at.is_(None))
    return db.session.scalar(wanted.order_by(Link.sent_at.desc()).limit(1))


def links_of(kind: str, subject_id: int) -> list[Link]:
    """Return one subject's links to all CRMs."""
    return list(db.session.scalars(select(Link).filter_by(kind=kind, subject_id=subject_id).order_by(Link.gateway)))


def facts_of(member_id: int) -> dict[str, int]:
    """Return how many facts of this member's own doing lie behind each figure that is counted from them."""
    wanted = select(Fact.name, func.count()).filter_by(actor_id=member_id).group_by(Fact.name)
    counts = {row[0]: row[1] for row in db.session.execute(wanted)}
    return {figure: sum(counts.get(name, 0) for name in names) for figure, names in FACTS_BEHIND.items()}


def latest_sequence(kind: str, subject_id: int) -> int:
    """Return the place in the record of the newest event of a subject."""
    wanted = select(func.coalesce(func.max(CrmEvent.sequence), 0)).filter_by(kind=kind, subject_id=subject_id)
    return int(db.session.execute(wanted).scalar_one())


def linked_subjects(gateway: str, kind: str) -> list[int]:
    """Return everybody of whom something was sent to this CRM and not taken back."""
    wanted = select(Link.subject_id).filter_by(gateway=gateway, kind=kind)
    return list(db.session.scalars(wanted.where(Link.sent_at.is_not(None), Link.nulled_at.is_(None))))
