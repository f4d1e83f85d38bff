"""Mentions: names that are typed become links to members, and those who are mentioned hear of it.

A mention is kept in the text as a link, ``[@Marta Colantoni](/members/12)``: the id says who is meant, the name is put
on anew whenever the text is drawn. Who may not see the board is not mentioned.
"""

import re
from collections.abc import Collection, Iterable

from flask_babel import lazy_gettext as _l
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal.community import rules
from portal.community.events import MembersMentioned
from portal.community.models import Mention
from portal.community.queries import mentions as queries
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid
from portal.kernel.outbox import publish
from portal.members.policy import Viewer

_AS_IT_STANDS = re.compile(
    r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|!?\[[^\[\]\n]*\]\([^()\n]*\)|<[^<>\n]*>)", re.DOTALL
)
"""Code, links and addresses: an at sign in there is only a sign. No bracket is looked for beyond another of its kind:
a row of fifty thousand takes no longer than any text."""
_TYPED = re.compile(r"(?<![\w@/.])@([^\W_][\w'’.-]*(?: [^\W_][\w'’.-]*){0,4})")
_LINKED = re.compile(r"\[@([^\]\n]{0,200})\]\(/members/([1-9][0-9]{0,17})(?:/[\w-]*)?\)")
_END = ".'’-"
NAMES_MOST = 60
"""So many names of a text are looked up."""


def with_links(body: str, *, audience: str) -> tuple[str, dict[int, str]]:
    """Return a text with links where somebody was mentioned by name, and who is mentioned, by id.

    A name that two members bear is left as it was typed; whoever means one of them takes her from the list.
    """
    if "@" not in body:
        return body, {}
    parts = _AS_IT_STANDS.split(body)
    plain = range(0, len(parts), 2)
    typed = list(_candidates(parts[at] for at in plain))
    linked = {int(found[2]) for found in _LINKED.finditer(body)}
    named = queries.people_named(typed[:NAMES_MOST], audience=audience)
    one = {name: people[0] for name, people in named.items() if len(people) == 1}
    people = {person.id: person.name for person in queries.people_of(linked, audience=audience).values()}
    for at in plain:
        parts[at] = _TYPED.sub(lambda found: _link(found[1], one, people), parts[at])
    return _LINKED.sub(lambda found: _renamed(found, people), "".join(parts)), people


def _candidates(texts: Iterable[str]) -> Iterable[str]:
    """Yield what may be names after at signs, the longest first."""
    seen: dict[str, None] = {}
    for text in texts:
        for found in _TYPED.finditer(text):
            seen.update(dict.fromkeys(_shorter(found[1])))
    return seen


def _shorter(words: str) -> list[str]:
    parts = words.split(" ")
    return [" ".join(parts[:size]).rstrip(_END).lower() for size in range(len(parts), 0, -1)]


def _link(words: str, one: dict[str, queries.Person], people: dict[int, str]) -> str:
    for size, name in zip(range(len(words.split(" ")), 0, -1), _shorter(words), strict=True):
        if (person := one.get(name)) is not None:
            people[person.id] = person.name
            typed = " ".join(words.split(" ")[:size])
            return linked(person.id, person.name) + words[len(typed.rstrip(_END)) :]
    return f"@{words}"


def linked(member_id: int, name: str) -> str:
    """Return a mention as it stands in a text."""
    return f"[@{re.sub(r'[][()*_`<>]', ' ', name).strip()}](/members/{member_id})"


def _renamed(found: re.Match[str], people: dict[int, str]) -> str:
    name = people.get(int(found[2]))
    return found[0] if name is None else linked(int(found[2]), name)


def check(viewer: Viewer, mentioned: Collection[int], before: Collection[int] = ()) -> None:
    """Let a text mention so many, or say that it is too many.

    :raise Invalid: for more than a text may mention, or a member a day.
    """
    fresh = set(mentioned) - set(before) - {viewer.member_id}
    if not fresh:
        return
    newcomer = rules.is_newcomer(verified=viewer.verified, joined_days=viewer.joined_days, level=viewer.trust_level)
    most = rules.MENTIONS_OF_NEWCOMERS if newcomer else rules.MENTIONS_MOST
    if len(fresh) > most:
        raise Invalid(fields={"body": _l("Mention at most %(most)d people in one text.", most=most)})
    a_day = rules.MENTIONS_A_DAY_OF_NEWCOMERS if newcomer else rules.MENTIONS_A_DAY
    if queries.count_mentions_by(viewer.id) + len(fresh) > a_day:
        sentence = _l("You have mentioned %(most)d people in a day. Write the names without @ for now.", most=a_day)
        raise Invalid(fields={"body": sentence})


def note(kind: str, target_id: int, *, author_id: int, board_id: int, mentioned: Collection[int], past: bool) -> None:
    """Keep who is mentioned in a text; those of the past are not told any more."""
    moment = now()
    rows = [
        {
            "target_kind": kind,
            "target_id": target_id,
            "member_id": member_id,
            "author_id": author_id,
            "board_id": board_id,
            "at": moment,
            "told_at": moment if past or member_id == author_id else None,
        }
        for member_id in sorted(set(mentioned))
    ]
    if rows:
        db.session.execute(insert(Mention).on_conflict_do_nothing(), rows)


def announce(kind: str, target_id: int, body: str) -> None:
    """Tell of those who are mentioned in a text that can be seen now; a second time tells nothing."""
    if not _LINKED.search(body):
        return
    waiting = update(Mention).where(Mention.target_kind == kind, Mention.target_id == target_id)
    rows = db.session.execute(
        waiting.where(Mention.told_at.is_(None))
        .values(told_at=now())
        .returning(Mention.member_id, Mention.author_id, Mention.board_id)
    ).all()
    if rows:
        event = MembersMentioned(
            actor_id=rows[0].author_id,
            target_kind=kind,
            target_id=target_id,
            board_id=rows[0].board_id,
            members=sorted(row.member_id for row in rows),
        )
        publish(event)
