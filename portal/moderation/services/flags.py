"""A member says that something should be looked at; what came of it is told to her."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused, TooMany
from portal.kernel.outbox import publish
from portal.kernel.text import clean_text
from portal.members.policy import Viewer
from portal.moderation import rules, things
from portal.moderation.events import ContributionFlagged, FlagsAnswered
from portal.moderation.models import Flag
from portal.moderation.services import queue


def flag(viewer: Viewer, kind: str, thing_id: int, *, reason: str, words: str = "") -> int:
    """Flag a thing; return the flag's id. A second time changes the reason and the words.

    What moderators have answered can be flagged anew when it was edited since: it says something else now.

    :raise NotFound: when there is no such thing for this viewer.
    :raise Refused: when it is her own, or her flag on it has been answered.
    :raise Invalid: when the reason is not one of ours, or "other" says nothing.
    :raise TooMany: when she has flagged too much today.
    """
    thing = things.seen_by(viewer, kind, thing_id)
    if thing.author_id == viewer.id:
        raise Refused(_l("This is yours: you can change it or take it back yourself."))
    why, said = _checked(reason, words)
    _one_at_a_time(viewer)
    mine = select(Flag).filter_by(member_id=viewer.id, target_kind=kind, target_id=thing_id).with_for_update()
    found = db.session.scalar(mine)
    if found is not None and found.closed_at is not None:
        if thing.edited_at is None or thing.edited_at <= found.closed_at:
            raise Refused(_l("You flagged this before, and moderators have answered."))
        _count_today(viewer)
        found.outcome, found.closed_at, found.withdrawn_at, found.at = None, None, now(), now()
    if found is None:
        _count_today(viewer)
        found = Flag(member_id=viewer.id, target_kind=kind, target_id=thing_id, reason=why, words=said)
        db.session.add(found)
    fresh = found.id is None or found.withdrawn_at is not None
    found.reason, found.words, found.withdrawn_at = why, said, None
    db.session.flush()
    _bring(thing.kind, thing.id, thing.board_id, thing.author_id, visible=thing.why is None)
    if fresh:
        publish(
            ContributionFlagged(
                actor_id=viewer.id,
                flag_id=found.id,
                target_kind=kind,
                target_id=thing_id,
                author_id=thing.author_id,
                board_id=thing.board_id or None,
                reason=why,
            )
        )
    return found.id


def _checked(reason: str, words: str) -> tuple[str, str]:
    try:
        why = rules.Reason(reason).value
    except ValueError as error:
        raise Invalid(fields={"reason": _l("Choose what is wrong with it.")}) from error
    said = clean_text(words, field="words", most=rules.FLAG_WORDS_MAX, least=0)
    if why == rules.Reason.OTHER and not said:
        raise Invalid(fields={"words": _l("Say in a few words what is wrong with it.")})
    return why, said


def _one_at_a_time(viewer: Viewer) -> None:
    """Two clicks of one member are one flag, and two flags at once are two towards her day's number."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext("portal.flag"), viewer.id % 2**31)))


def _count_today(viewer: Viewer) -> None:
    """Refuse one flag too many: whoever is often wrong may flag less often."""
    decided = select(Flag.outcome).where(Flag.member_id == viewer.id, Flag.outcome.is_not(None))
    last = db.session.scalars(decided.order_by(Flag.closed_at.desc()).limit(rules.FLAGS_REMEMBERED)).all()
    most = rules.flags_a_day(last)
    since = select(func.count()).select_from(Flag).filter_by(member_id=viewer.id)
    if (db.session.scalar(since.where(Flag.at > now() - timedelta(days=1))) or 0) >= most:
        sentence = ngettext(
            "You can flag one thing a day for now. Moderators look at what you flagged already.",
            "You can flag %(num)s things a day. Moderators look at what you flagged already.",
            most,
        )
        raise TooMany(sentence, retry_after=86_400)


def withdraw(viewer: Viewer, flag_id: int) -> None:
    """Take a flag back; who made it can. A second time changes nothing.

    :raise NotFound: when it is somebody else's.
    :raise Refused: when it has been answered.
    """
    found = db.session.scalar(select(Flag).filter_by(id=flag_id, member_id=viewer.id).with_for_update())
    if found is None:
        raise NotFound(_l("There is no such flag."))
    if found.outcome is not None:
        raise Refused(_l("Moderators have answered this flag already."))
    if found.withdrawn_at is None:
        found.withdrawn_at = now()
        db.session.flush()
        thing = things.one(found.target_kind, found.target_id)
        _bring(thing.kind, thing.id, thing.board_id, thing.author_id, visible=thing.why is None)


def _bring(kind: str, thing_id: int, board_id: int, author_id: int, *, visible: bool) -> None:
    """Let the queue know which flags there are now."""
    counts = Counter(one.reason for one in open_flags(kind, thing_id))

    def change(why: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in why.items() if key != "flags"}
        return {**rest, "flags": dict(counts)} if counts else rest

    queue.bring(rules.Queue.POST, kind, thing_id, change, board_id=board_id, author_id=author_id, visible=visible)


def open_flags(kind: str, thing_id: int) -> Sequence[Flag]:
    """Return the flags on a thing that wait for an answer."""
    wanted = select(Flag).filter_by(target_kind=kind, target_id=thing_id, outcome=None, withdrawn_at=None)
    return db.session.scalars(wanted.order_by(Flag.id)).all()


def answer(kind: str, thing_id: int, *, upheld: bool, actor_id: int) -> list[int]:
    """Answer the flags on a thing and let those who raised them know; return the flags' ids."""
    found = open_flags(kind, thing_id)
    for one in found:
        one.outcome, one.closed_at = ("upheld" if upheld else "rejected"), now()
    db.session.flush()
    if found:
        who = [one.member_id for one in found]
        publish(FlagsAnswered(actor_id=actor_id, target_kind=kind, target_id=thing_id, upheld=upheld, flaggers=who))
    return [one.id for one in found]


def reopen(flag_ids: Sequence[int]) -> None:
    """Let flags wait for an answer again."""
    for one in db.session.scalars(select(Flag).where(Flag.id.in_(flag_ids))):
        one.outcome, one.closed_at = None, None
    db.session.flush()
