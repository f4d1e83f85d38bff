"""What can be flagged and decided about: contributions of every kind, and profiles."""

from collections.abc import Iterable, Mapping
from html import escape

from flask_babel import lazy_gettext as _l

from portal.community import facade as community
from portal.community.screening import Posted, keeper_of, keepers
from portal.kernel.errors import NotFound
from portal.members import queries as members
from portal.members.policy import Viewer, may_see_hidden

PROFILE = "member"


def kinds() -> frozenset[str]:
    """Return every kind of thing that can be flagged."""
    return frozenset({*keepers(), PROFILE})


def read(wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Posted]:
    """Return mixed things, hidden or not, by kind and id; one query a kind."""
    by_kind: dict[str, list[int]] = {}
    for kind, thing_id in wanted:
        by_kind.setdefault(kind, []).append(thing_id)
    found: dict[tuple[str, int], Posted] = {}
    for kind, ids in by_kind.items():
        things: Mapping[int, Posted] = {}
        if kind == PROFILE:
            things = {one: _profile(one) for one in ids}
        elif keeper := keeper_of(kind):
            things = keeper.read(ids)
        found |= {(kind, thing_id): thing for thing_id, thing in things.items()}
    return found


def one(kind: str, thing_id: int) -> Posted:
    """Return one thing, hidden or not.

    :raise NotFound: when there is no such thing.
    """
    found = read([(kind, thing_id)]).get((kind, thing_id)) if kind in kinds() else None
    if found is None:
        raise NotFound(_l("There is no such contribution."))
    return found


def seen_by(viewer: Viewer, kind: str, thing_id: int) -> Posted:
    """Return one thing that this viewer may see.

    :raise NotFound: when there is no such thing, or this viewer may not see it, or what it stands under.
    """
    thing = one(kind, thing_id)
    while True:
        hidden = thing.why is not None and not may_see_hidden(viewer, author_id=thing.author_id, why=thing.why)
        if hidden or (thing.kind != PROFILE and thing.board_id not in community.visible_board_ids(viewer)):
            raise NotFound(_l("There is no such contribution."))
        if thing.under is None:
            return one(kind, thing_id)
        thing = one(*thing.under)


def _profile(member_id: int) -> Posted:
    who = members.profile(member_id)
    return Posted(
        PROFILE,
        who.id,
        0,
        who.id,
        who.name,
        who.bio,
        f"<p>{escape(who.bio)}</p>",
        who.lang,
        f"/members/{who.id}",
        who.joined_at,
        None,
    )
