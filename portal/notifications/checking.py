"""What is asked again before something leaves the portal: hours may have passed since it was written down.

Everything is read for a whole batch at once; it is seconds old when the last of a batch goes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.members.policy import Viewer
from portal.members.queries import MemberCard, member_cards
from portal.members.queries.several import viewers_of
from portal.notifications import queries
from portal.notifications.models import Settings
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import MANNERS, Kind, Level, Way, Why, ways_of
from portal.support import facade as support

Thing = tuple[str, int]
FOLLOWED = {Why.SUPPORTER, Why.FOLLOWER, Why.WATCHER, Why.READER_OF}
"""Reasons that a member can take back."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Why something is not sent after all."""

    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the messages of a batch need to know, read together."""

    viewers: Mapping[int, Viewer]
    addresses: Mapping[int, str]
    settings: Mapping[int, Settings]
    choices: Mapping[int, Mapping[tuple[str, str], bool]]
    rows: Mapping[int, NoticeRow]
    people: Mapping[int, MemberCard]
    """Who did it."""
    threads: Mapping[Thing, Thing]
    """On whose page a thing stands: an answer on its question's."""
    levels: Mapping[tuple[int, str, int], str]
    """How much a member wants to hear of what the notices are about."""
    follows: Collection[tuple[int, str, int]]
    supports: Collection[tuple[int, int]]
    """Who supports which idea."""


def known_of(members: Collection[int], notices: Collection[int]) -> Known:
    """Read what the notices of these members need."""
    rows = queries.notices_by_id(notices)
    threads = threads_of(rows.values())
    places = {place for row in rows.values() for place in places_of(row, threads)}
    wavering = {row.member_id for row in rows.values() if row.why in FOLLOWED}
    return Known(
        viewers_of(members),
        queries.addresses_of(members),
        queries.settings_among(members),
        queries.choices_of(members),
        rows,
        member_cards({who for row in rows.values() for who in row.actor_ids}),
        threads,
        queries.levels_among(members, places),
        community.follows_among(wavering, places),
        {
            (who, idea)
            for idea in {row.subject_id for row in rows.values() if row.why == Why.SUPPORTER}
            if idea is not None
            for who in ideas.supporters_of(idea, among=wavering)
        },
    )


def threads_of(rows: Collection[NoticeRow]) -> dict[Thing, Thing]:
    """Return on which page the answers among the subjects stand; one query."""
    answers = [row.subject_id for row in rows if row.subject_kind == "answer" and row.subject_id is not None]
    return {("answer", text.id): ("question", text.thread_id) for text in support.answer_texts_of(answers)}


def places_of(row: NoticeRow, threads: Mapping[Thing, Thing]) -> set[Thing]:
    """Return what a notice is about, as members follow and mute it: the thing, its page, its board, who did it."""
    subject = (row.subject_kind, row.subject_id or 0)
    board = {("board", row.board_id)} if row.board_id is not None else set()
    return {subject, threads.get(subject, subject), *board, *(("member", who) for who in row.actor_ids)}


def why_silent(row: NoticeRow | None, way: Way, known: Known) -> str | None:
    """Return why a notice is not to leave by this way any more, or None."""
    if row is None:
        return "taken back"
    if row.read_at is not None:
        return "read already"
    if way not in ways_of(Kind(row.kind), known.choices.get(row.member_id, {})):
        return f"not wanted by {way} any more"
    if MANNERS[Kind(row.kind)].mutable and _is_muted(row, known):
        return "muted meanwhile"
    if row.why in FOLLOWED and not _is_still_followed(row, known):
        return "not followed any more"
    return None


def _is_muted(row: NoticeRow, known: Known) -> bool:
    """Return whether the thing, its page or its board is muted, or everybody who did it."""
    silent = {
        (kind, thing_id)
        for kind, thing_id in places_of(row, known.threads)
        if known.levels.get((row.member_id, kind, thing_id)) == Level.MUTE
    }
    if any(kind != "member" for kind, _id in silent):
        return True
    return bool(row.actor_ids) and row.people <= len(silent) and {("member", who) for who in row.actor_ids} <= silent


def _is_still_followed(row: NoticeRow, known: Known) -> bool:
    places = places_of(row, known.threads)
    if any((row.member_id, kind, thing_id) in known.follows for kind, thing_id in places):
        return True
    if row.why == Why.WATCHER:
        return known.levels.get((row.member_id, "board", row.board_id or 0)) == Level.ALL
    return row.why == Why.SUPPORTER and (row.member_id, row.subject_id) in known.supports
