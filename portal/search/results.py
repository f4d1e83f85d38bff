"""What was found, dressed for showing: titles, snippets, who and where; what one may not see is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.members.policy import Viewer
from portal.search import close, queries, rules
from portal.support import facade as support

TYPES = {"idea": community.BoardType.IDEAS, "question": community.BoardType.SUPPORT}


@dataclass(frozen=True, slots=True)
class Result:
    """One hit as a page or the API shows it."""

    kind: str
    id: int
    title: str
    title_html: Markup
    snippet: Markup
    url: str
    board: str
    board_title: str
    lang: str | None
    state: str
    author: str
    created_at: datetime
    score: float
    answer_id: int | None


@dataclass(frozen=True, slots=True)
class Likely:
    """A contribution that may say the same, with the answer to show beside a question."""

    kind: str
    id: int
    external_id: str | None
    title: str
    url: str
    lang: str | None
    probability: float
    state: str
    votes: int = 0
    voted: bool = False
    answers: int = 0
    answer: "support.AnswerRow | None" = None

    @property
    def same(self) -> bool:
        """Return whether it is called the same, rather than related."""
        return self.probability >= rules.DUPLICATE


def results(viewer: Viewer, found: queries.Found) -> list[Result]:
    """Return the hits of a page that the viewer may see, in their order."""
    boards = {board.id: board for board in community.boards_for(viewer)}
    idea_ids = [hit.id for hit in found.hits if hit.kind == "idea"]
    question_ids = [hit.id for hit in found.hits if hit.kind == "question"]
    cards: dict[tuple[str, int], Any] = {
        **{("idea", n): row for n, row in (ideas.idea_cards(viewer, idea_ids) if idea_ids else {}).items()},
        **{("question", n): row for n, row in support.question_cards(question_ids, viewer).items()},
    }
    shown = [hit for hit in found.hits if (hit.kind, hit.id) in cards]
    marked = queries.highlighted(found.words, _texts(shown))
    return [
        Result(
            kind=hit.kind,
            id=hit.id,
            title=(card := cards[hit.kind, hit.id]).title,
            title_html=marked[place][0],
            snippet=marked[place][1],
            url=_url(hit),
            board=boards[card.board_id].key,
            board_title=boards[card.board_id].title,
            lang=card.lang,
            state=_state(card),
            author=card.author_name,
            created_at=card.created_at,
            score=round(hit.rank, 6),
            answer_id=hit.answer_id,
        )
        for place, hit in enumerate(shown)
        if place in marked and cards[hit.kind, hit.id].board_id in boards
    ]


def _texts(hits: Sequence[queries.Hit]) -> list[tuple[int, str | None, str, str]]:
    """Return the words of each hit by its place: an answer's, where the answer fits best."""
    idea_ids = [hit.id for hit in hits if hit.kind == "idea"]
    written = {("idea", one.id): one for one in (ideas.search_texts(idea_ids) if idea_ids else ())}
    asked = {("question", one.id): one for one in support.texts_of([hit.id for hit in hits if hit.kind == "question"])}
    given = {
        one.id: one for one in support.answer_texts_of([hit.answer_id for hit in hits if hit.answer_id is not None])
    }
    found = []
    for place, hit in enumerate(hits):
        own = written.get((hit.kind, hit.id)) or asked.get((hit.kind, hit.id))
        answer = given.get(hit.answer_id) if hit.answer_id is not None else None
        if own is not None:
            found.append((place, (answer or own).lang, own.title, (answer or own).body))
    return found


def _url(hit: queries.Hit) -> str:
    if hit.kind == "idea":
        return f"/ideas/{hit.id}"
    return f"/questions/{hit.id}" + (f"#answer-{hit.answer_id}" if hit.answer_id is not None else "")


def _state(card: "ideas.IdeaRow | support.QuestionRow") -> str:
    if isinstance(card, support.QuestionRow):
        return "solved" if card.solved else "answered" if card.by_others else "open"
    return card.stage


def boards_of(viewer: Viewer, kind: str, board: str | None) -> list[int]:
    """Return the boards of a kind that the viewer may see, or the one of this key.

    :raise NotFound: when the viewer may not see such a board.
    """
    if board:
        return [community.board_by_key(viewer, board, TYPES[kind]).id]
    return community.visible_board_ids(viewer, TYPES[kind])


def likely(
    viewer: Viewer,
    kind: str,
    title: str,
    body: str = "",
    *,
    board: str | None = None,
    limit: int = 10,
    with_answers: bool = False,
) -> list[Likely]:
    """Return what may say the same as a text, the likeliest first."""
    boards, seen = boards_of(viewer, kind, board), community.visible_board_ids(viewer)
    found = close.close_to_text(kind, boards, title, body, limit=limit, known=seen)
    return _likely(viewer, kind, found, with_answers=with_answers)


def close_to(viewer: Viewer, kind: str, target_id: int, *, limit: int = 6) -> dict[str, list[Likely]]:
    """Return what is close to a contribution, by kind, the likeliest first."""
    seen = community.visible_board_ids(viewer)
    return {
        among: _likely(
            viewer,
            among,
            close.close_to_entry(kind, target_id, among, boards_of(viewer, among, None), limit, known=seen),
        )
        for among in TYPES
    }


def _likely(viewer: Viewer, kind: str, found: Sequence[close.Close], *, with_answers: bool = False) -> list[Likely]:
    ids = [one.id for one in found]
    if kind == "idea":
        rows = ideas.idea_cards(viewer, ids) if ids else {}
        return [
            Likely(
                kind="idea",
                id=one.id,
                external_id=rows[one.id].external_id,
                title=rows[one.id].title,
                url=f"/ideas/{one.id}",
                lang=rows[one.id].lang,
                probability=round(one.probability, 4),
                state=rows[one.id].stage,
                votes=rows[one.id].votes,
                voted=rows[one.id].my_vote == ideas.VoteKind.SUPPORT,
            )
            for one in found
            if one.id in rows
        ]
    cards = support.question_cards(ids, viewer)
    answers = support.best_answers(list(cards)) if with_answers else {}
    return [
        Likely(
            kind="question",
            id=one.id,
            external_id=cards[one.id].external_id,
            title=cards[one.id].title,
            url=f"/questions/{one.id}",
            lang=cards[one.id].lang,
            probability=round(one.probability, 4),
            state=_state(cards[one.id]),
            answers=cards[one.id].answers,
            answer=answers.get(one.id),
        )
        for one in found
        if one.id in cards
    ]
