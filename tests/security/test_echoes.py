"""What few may see changes nothing in what the others get: no count, no order, no likeness, no tag of a page.

Canaries find words. This finds the rest: everything is asked before there is anything restricted and again afterwards,
and both answers must be the same, letter for letter.
"""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from portal.analytics.topics.models import Topic
from portal.community import facade as community
from portal.community.models import Draft
from portal.community.services import reactions
from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.members import queries as members
from portal.support import services as support
from tests.conftest import Workers
from tests.security.test_canaries import LISTS, SEARCHING, cached
from tests.security.test_matrix import Asking, Operation, cells_of, operations, slots, thing_of
from tests.security.town import ACTORS, Town, grounds, plant_what_all_see, write

__all__ = ["cached"]
OUTSIDE = [one for one in ACTORS if one.name in {"nobody", "customer", "partner"}]
"""Who is in no audience and has no role."""
MEANT = {
    "/metrics": "counts requests",
    "/readyz": "says how far the jobs are",
}
MOMENT = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{24}|(?<=\")(?:ey|I)[\w.-]{40,}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)|nonce[-=\"]+[\w-]+"
    r"|\b(?:just now|\d+ (?:seconds?|minutes?) ago)\b"
)
"""Names of requests, tokens of forms, moments."""
KNIT = re.compile(r"<figure[^>]*>(?:(?!</figure>).)*One stitch a day.*?</figure>", re.DOTALL)
"""How much was written a day: what was hidden later had been written, and says no more there than that."""
OF_ITS_TIME = {"X-Request-ID", "ETag", "Set-Cookie", "Date", "Expires", "Last-Modified", "Content-Length"}


def _answers(asking: Asking, town: Town, app: Flask) -> dict[str, str]:
    """Ask every address that reads, about what all see, as everybody outside; return each answer without its moment."""
    found = {}
    for actor in OUTSIDE:
        for operation in operations(app):
            if operation.method != "GET" or operation.address in MEANT:
                continue
            for where, answer in _ask(asking, town, actor, operation):
                head = sorted((name, value) for name, value in answer.headers if name not in OF_ITS_TIME)
                found[f"{actor.name} {where}"] = MOMENT.sub(
                    "·", f"{answer.status_code} {head}\n{answer.get_data().decode(errors='replace')}"
                )
    return found


def _ask(asking: Asking, town: Town, actor: Any, operation: Operation) -> Any:
    if not slots(operation):
        lists = [one for one in LISTS if "closed" not in str(one)] if SEARCHING.search(operation.address) else LISTS[:1]
        for query in lists:
            yield f"{operation.address}?{query}", asking.get(actor, operation, query)
        return
    for cell in cells_of(operation):
        thing_id = town.things.get((thing_of(operation, cell), "theirs"))
        if thing_id is not None:
            yield f"{operation.address} {thing_id}", asking.ask(actor, operation, cell, thing_id)


def _work_in_secret(town: Town) -> None:
    """Open limited boards and be busy there."""
    mill, rosa = town.things["organisation", "there"], members.viewer_of(town.things["member", "supplier"])
    for kind in ("ideas", "support"):
        key = f"{kind}-closed"
        board = community.open_board(
            key, kind=kind, name=town.word(key), audience=f"kinds:supplier;organisations:{mill}"
        )
        town.things |= {(f"{kind}_board", "closed"): key, (f"{kind}_board_id", "closed"): board.id}
    made = write(town, "closed", rosa, "closed")
    miller = members.viewer_of(town.members["miller"])
    ideas.cast_vote(made["idea", "closed"], miller)
    community.follow(miller.id, "idea", made["idea", "closed"])
    reactions.react(miller, "idea", made["idea", "closed"], "thanks")
    support.vote_answer(made["answer", "closed"], miller, value=1)
    support.accept_answer(made["answer", "closed"], rosa)
    db.session.add(Topic(board_id=town.things["ideas_board_id", "closed"], label={"": town.word("closed topic")}))
    db.session.add(
        Draft(member_id=rosa.id, key="idea-new", place="/ideas/new", title=town.word("draft"), fields={}, device="")
    )
    db.session.commit()


def _write_and_hide(town: Town, on: tuple[int, int]) -> None:
    """Write where all see it, and have it hidden, held or erased."""
    otto = members.viewer_of(town.things["member", "there"])
    for state in ("hidden", "held", "erased"):
        write(town, state, otto, "public", on=on)
    db.session.commit()


@pytest.mark.timeout(1800)
def test_what_few_may_see_changes_nothing_for_the_others(cached: Flask, workers: Workers) -> None:
    town = plant_what_all_see(Town(word=lambda about: f"zibellino {about}"))
    on = grounds(town, "all", "public")
    db.session.commit()
    workers.run()
    asking = Asking(cached, town, undo=False)
    _answers(asking, town, cached)  # sessions are opened, impressions begun
    workers.run()
    before = _answers(asking, town, cached)
    assert len(before) > 300

    _work_in_secret(town)
    workers.run()
    _must_be_the_same(before, _answers(asking, town, cached))

    _write_and_hide(town, on)
    workers.run()
    after = _answers(asking, town, cached)
    _must_be_the_same(*({where: KNIT.sub("·", text) for where, text in one.items()} for one in (before, after)))


def _must_be_the_same(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    changed = [
        f"{where}: {_first_difference(text, after[where])}" for where, text in before.items() if text != after[where]
    ]
    assert not changed, f"{len(changed)} of {len(before)} answers changed:\n" + "\n".join(changed)


def _first_difference(one: str, other: str) -> str:
    place = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[max(place - 90, 0) : place + 60]!r} became {other[max(place - 90, 0) : place + 60]!r}"
