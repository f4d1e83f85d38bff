"""A small community that talks about three things, made through the portal's own services."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from portal.community import facade as boards
from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.members.policy import Viewer
from portal.support import services as support
from tests.analytics.topics.talk import THEMES, threads
from tests.members.factories import a_viewer


def open_boards() -> None:
    """Open a public board for ideas, one for questions, and one that only suppliers see."""
    boards.open_board("yarns", kind="ideas", name={"en": "Yarns", "it": "Filati"})
    boards.open_board("help", kind="support", name={"en": "Help", "it": "Aiuto"})
    boards.open_board("mills", kind="ideas", name={"en": "Mills", "it": "Filature"}, audience="kinds:supplier,staff")
    for key, theme in THEMES.items():
        boards.define_tag(key, name=theme["tag"])
    db.session.commit()


def talk(
    number: int = 48,
    *,
    seed: int = 1,
    writers: list[Viewer] | None = None,
    at: Callable[[int], datetime] | None = None,
    **wishes: Any,
) -> list[tuple[str, int]]:
    """Let people open threads by turns on both boards, each with a reply; return what opened them.

    :param at: when the thread of a number was opened; now, if not given.
    """
    people = writers or [a_viewer(lang="it"), a_viewer(lang="en")]
    opened: list[tuple[str, int]] = []
    for place, one in enumerate(threads(number, seed=seed, **wishes)):
        asker, other = people[place % len(people)], people[(place + 1) % len(people)]
        words = {"title": one.title, "body": one.body, "lang": one.lang, "tags": [one.theme]}
        when = at(place) if at else None
        if place % 4 < 2:
            idea = ideas.propose_idea(asker, board="yarns", at=when, **words)
            ideas.comment_on_idea(idea, other, body=one.reply, at=when)
            opened.append(("idea", idea))
        else:
            question = support.ask_question(asker, board="help", at=when, **words)
            support.answer_question(question, other, body=one.reply, at=when)
            opened.append(("question", question))
    db.session.commit()
    return opened
