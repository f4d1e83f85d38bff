"""What people do with ideas. Past acts (``at``) come from demo texts and tell nobody: they are published quietly."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text, update

from portal.community import queries as community
from portal.community import services as community_services
from portal.community.screening import WAITING, Why, keep_waiting, screen, stop_waiting
from portal.community.services import mentions, writing
from portal.ideas import ledger, queries, rules
from portal.ideas.events import (
    IdeaEdited,
    IdeaHidden,
    IdeaPosted,
    IdeaShown,
    IdeaStageChanged,
)
from portal.ideas.models import Idea, IdeaTally, StageChange
from portal.ideas.services.voting import (
    REFUSALS,
    cast_vote,
    confirm_votes,
    enter_vote,
    let_votes_grow,
    set_aside,
    trust_votes,
    withdraw_vote,
)
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, Refused
from portal.kernel.language import language_of
from portal.kernel.outbox import has_happened, publish
from portal.kernel.text import clean_line, clean_text, excerpt, markdown_to_html
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.services import audit

__all__ = [
    "MISSING",
    "REFUSALS",
    "cast_vote",
    "check_idea",
    "comment_on_idea",
    "confirm_votes",
    "edit_idea",
    "enter_vote",
    "hide",
    "let_votes_grow",
    "propose_idea",
    "recount_comments",
    "release_idea",
    "set_aside",
    "set_stage",
    "show",
    "trust_votes",
    "withdraw_vote",
]
MISSING = {
    "stage": _l("Choose a stage of this board."),
    "reason_code": _l("Choose the reason for declining."),
    "answer": _l("Say why, and what instead: the author deserves a sentence."),
}
COUNT = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas) VALUES (:board_id, :facet, :key, :by)
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = idea_count.ideas + excluded.ideas""")


# Proposing


def propose_idea(
    viewer: Viewer,
    *,
    board: str,
    title: str,
    body: str = "",
    category: str = "",
    tags: Iterable[str] = (),
    lang: str | None = None,
    at: datetime | None = None,
) -> int:
    """Propose an idea and follow it; return its id. One that waits for somebody's eyes is told to nobody yet.

    :raise NotFound: when there is no such board for this viewer.
    :raise Invalid: when something typed needs mending.
    """
    place = community.board_by_key(viewer, board, "ideas")
    texts = _texts(title, body)
    written = writing.compose(texts["body"], board_id=place.id, author=viewer if at is None else None)
    texts |= {"body": written.body, "html": written.html}
    idea = Idea(board_id=place.id, author_id=viewer.id, **texts, created_at=at or now())
    idea.category = _category(category, place)
    idea.lang = lang or language_of(f"{idea.title}\n{idea.body}", otherwise=viewer.lang)
    if at is None and (why := _screened(idea, viewer)) is not None:
        idea.hidden_at, idea.hidden_why = idea.created_at, why
    db.session.add(idea)
    db.session.flush()
    due = rules.after_working_days(idea.created_at, place.promise_working_days) if place.promise_working_days else None
    _enter(idea, first_stage=place.stages[0], due=due)
    if words := list(tags):
        community_services.tag("idea", idea.id, words)
    writing.settle(written, "idea", idea.id, author_id=viewer.id, board_id=place.id, past=at is not None)
    if idea.hidden_why is None:
        _announce(idea, at=at)
    else:
        keep_waiting("idea", idea.id, board_id=idea.board_id, author_id=idea.author_id, why=idea.hidden_why)
    return idea.id


def check_idea(viewer: Viewer, *, board: str, title: str, body: str, category: str) -> None:
    """Look at what somebody would propose, without proposing it: she has to confirm her address first.

    :raise NotFound: when there is no such board for this viewer.
    :raise Invalid: when something typed needs mending.
    """
    _texts(title, body)
    _category(category, community.board_by_key(viewer, board, "ideas"))


def _announce(idea: Idea, *, at: datetime | None = None) -> None:
    """Tell of an idea for the first time; its author follows it."""
    publish(IdeaPosted(actor_id=idea.author_id, **_of(idea)), at=at, quiet=at is not None)
    community_services.follow(idea.author_id, "idea", idea.id, at=at)
    mentions.announce("idea", idea.id, idea.body)


def _screened(idea: Idea, viewer: Viewer) -> str | None:
    words = f"{idea.title}\n{idea.body}"
    return screen(viewer, kind="idea", board_id=idea.board_id, text=words, html=idea.html, thing_id=idea.id)


def _enter(idea: Idea, *, first_stage: str, due: datetime | None) -> None:
    """Give a new idea its figures, its first step and its place in the counts."""
    db.session.add_all([
        IdeaTally(
            idea_id=idea.id,
            board_id=idea.board_id,
            author_id=idea.author_id,
            created_at=idea.created_at,
            stage=first_stage,
            listed=idea.hidden_at is None,
            viewers_owed=rules.MIN_VIEWERS,
            rising=rules.unvoted(idea.created_at),
            wanted=rules.wanted(0, 0),
            answer_due_at=due,
            last_activity_at=idea.created_at,
        ),
        StageChange(idea_id=idea.id, stage=first_stage, at=idea.created_at, by_id=idea.author_id),
    ])  # fmt: skip
    db.session.flush()
    if idea.hidden_at is None:
        _count(idea.board_id, {("stage", first_stage): 1, ("category", idea.category): 1})


def _texts(title: str, body: str) -> dict[str, Any]:
    """Check both texts, so that a form can show all that is wrong at once."""
    wrong: dict[str, object] = {}
    clean = {"title": "", "body": ""}
    try:
        clean["title"] = clean_line(title, field="title", most=rules.TITLE_MAX)
    except Invalid as error:
        wrong |= error.fields
    try:
        clean["body"] = clean_text(body, field="body", most=rules.BODY_MAX, least=0)
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(fields=wrong)
    return {**clean, "excerpt": excerpt(clean["body"], rules.EXCERPT)}


def _category(category: str, board: community.BoardCard) -> str:
    if category and category not in board.categories:
        raise Invalid(fields={"category": _l("Choose one of this board's categories.")})
    return category


def _of(idea: Idea) -> dict[str, Any]:
    return {"idea_id": idea.id, "board_id": idea.board_id, "author_id": idea.author_id}


def _count(board_id: int, changes: dict[tuple[str, str], int]) -> None:
    """Keep the counts of a board, always in the same order, so that two who count do not wait for each other."""
    for (facet, key), by in sorted(changes.items()):
        if key and by:
            db.session.execute(COUNT, {"board_id": board_id, "facet": facet, "key": key, "by": by})


def edit_idea(
    idea_id: int,
    viewer: Viewer,
    *,
    title: str,
    body: str,
    category: str | None = "",
    tags: Iterable[str] | None = None,
    as_moderator: bool = False,
) -> None:
    """Change the words of one's own idea, or as a moderator those of somebody else's.

    :raise Forbidden: when it is somebody else's.
    :raise Refused: when the company has decided about it already.
    :raise Invalid: when something typed needs mending.
    """
    idea, tally = queries.idea_for_update(viewer, idea_id)
    if idea.author_id != viewer.id and not (as_moderator and viewer.has_role(Role.MODERATOR)):
        raise Forbidden(_l("Only its author can change an idea."))
    if tally.stage in rules.CLOSED and not (as_moderator and viewer.has_role(Role.MODERATOR)):
        raise Refused(_l("This idea has been answered; its text stands as it is."))
    if idea.author_id != viewer.id:
        audit.note(viewer.id, "idea.edit", "idea", idea.id)
    place = community.board_by_id(viewer, idea.board_id)
    texts = _texts(title, body)
    if writing.rewrite(idea, "idea", viewer, title=texts["title"], body=texts["body"]):
        idea.excerpt = texts["excerpt"]
    before, idea.category = idea.category, idea.category if category is None else _category(category, place)
    if before != idea.category and idea.hidden_at is None:
        _count(idea.board_id, {("category", before): -1, ("category", idea.category): 1})
    idea.edited_at = now()
    if tags is not None:
        community_services.tag("idea", idea.id, tags)
    if idea.hidden_at is None:
        publish(IdeaEdited(actor_id=viewer.id, **_of(idea)))
        if (why := _screened(idea, viewer)) is not None:
            _take_away(idea, tally, why, actor_id=None)
            keep_waiting("idea", idea.id, board_id=idea.board_id, author_id=idea.author_id, why=why)


# Comments


def comment_on_idea(
    idea_id: int,
    viewer: Viewer,
    *,
    body: str,
    parent_id: int | None = None,
    lang: str | None = None,
    at: datetime | None = None,
) -> int:
    """Comment on an idea, or reply to a comment on it; return the comment's id.

    :raise NotFound: when there is no such idea for this viewer.
    :raise Invalid: when the text needs mending.
    """
    idea = queries.idea_to_vote_on(viewer, idea_id)
    comment_id, seen = community_services.post_comment(
        viewer,
        board_id=idea.board_id,
        target_kind="idea",
        target_id=idea_id,
        body=body,
        parent_id=parent_id,
        lang=lang or language_of(body, otherwise=viewer.lang),
        at=at,
    )
    if not seen:
        return comment_id
    db.session.execute(
        update(IdeaTally)
        .filter_by(idea_id=idea_id)
        .values(
            comments=IdeaTally.comments + 1, last_activity_at=db.func.greatest(IdeaTally.last_activity_at, at or now())
        )
    )
    return comment_id


def recount_comments(idea_id: int) -> None:
    """Count the comments of an idea anew: one was hidden or shown again."""
    db.session.execute(ledger.LOCK, {"idea_id": idea_id})
    count = sum(community.count_comments("idea", one) for one in (idea_id, *queries.merged_ids(idea_id)))
    db.session.execute(update(IdeaTally).filter_by(idea_id=idea_id).values(comments=count))


# Stages


def set_stage(
    idea_id: int,
    viewer: Viewer,
    *,
    stage: str,
    answer: str = "",
    reason_code: str | None = None,
    at: datetime | None = None,
) -> None:
    """Move an idea to a stage, answer it, or both, signed by the viewer.

    :raise Forbidden: when the viewer is neither moderator nor brand manager.
    :raise Invalid: when a decline has no reason or no text, or the board has no such stage.
    :raise Refused: when there is nothing new in it.
    """
    if at is None and not viewer.has_role(Role.MODERATOR, Role.BRAND_MANAGER):
        raise Forbidden(_l("Moderators and brand managers answer ideas."))
    idea, tally = queries.idea_for_update(viewer, idea_id)
    place = community.board_by_id(viewer, idea.board_id)
    words = clean_text(answer, field="answer", most=rules.ANSWER_MAX, least=0)
    if missing := rules.why_not_stage(stage, known=place.stages, reason_code=reason_code, answer=words):
        raise Invalid(fields={missing: MISSING[missing]})
    if stage == tally.stage and not words:
        raise Refused(_l("The idea is in this stage already. Write an answer, or choose another stage."))
    before, tally.stage = tally.stage, stage
    if words or stage in rules.CLOSED:
        tally.answer_due_at = None
    tally.last_activity_at = max(tally.last_activity_at, at or now())
    db.session.add(
        StageChange(
            idea_id=idea.id,
            stage=stage,
            at=at or now(),
            by_id=viewer.id,
            answer=words or None,
            answer_html=markdown_to_html(words) if words else None,
            reason_code=reason_code if stage == rules.Stage.DECLINED else None,
        )
    )
    db.session.flush()
    if before != stage:
        _count(idea.board_id, {("stage", before): -1, ("stage", stage): 1})
    if at is None:
        audit.note(viewer.id, "idea.stage", "idea", idea.id, before=before, after=stage, answered=bool(words))
    event = IdeaStageChanged(
        actor_id=viewer.id, before=before, stage=stage, reason_code=reason_code, answered=bool(words), **_of(idea)
    )
    publish(event, at=at, quiet=at is not None)


# Taking out of sight


def hide(idea_id: int, *, actor: Viewer, why: str = "") -> None:
    """Take an idea out of sight; its author and moderators still see it. A second time changes nothing but the reason.

    :param why: one of `community.screening.Why`; by default whether its author or somebody else did it.
    :raise Forbidden: when the viewer is neither its author nor a moderator.
    """
    erases = why == Why.ERASED
    idea, tally = queries.any_idea_for_update(idea_id) if erases else queries.idea_for_update(actor, idea_id)
    if idea.author_id != actor.id and not actor.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only its author or a moderator can hide an idea."))
    if idea.author_id != actor.id:
        audit.note_unless_noted(actor.id, "idea.hide", "idea", idea_id)
    reason = why or (Why.AUTHOR if idea.author_id == actor.id else Why.HIDDEN).value
    if idea.hidden_at is None:
        _take_away(idea, tally, reason, actor_id=actor.id)
    elif why or idea.hidden_why in WAITING:
        if reason == Why.AUTHOR:
            stop_waiting("idea", idea_id)
        idea.hidden_why = reason


def _take_away(idea: Idea, tally: IdeaTally, why: str, *, actor_id: int | None) -> None:
    idea.hidden_at, idea.hidden_why, tally.listed = now(), why, False
    db.session.flush()
    _count(idea.board_id, {("stage", tally.stage): -1, ("category", idea.category): -1})
    publish(IdeaHidden(actor_id=actor_id, **_of(idea)))


def show(idea_id: int, *, actor: Viewer) -> None:
    """Show a hidden idea again.

    :raise Forbidden: when the viewer is no moderator.
    """
    queries.idea_for_update(actor, idea_id)
    if not actor.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only a moderator can show a hidden idea again."))
    audit.note_unless_noted(actor.id, "idea.show", "idea", idea_id)
    release_idea(idea_id, actor_id=actor.id)


def release_idea(idea_id: int, *, actor_id: int | None, viewer: Viewer | None = None) -> bool:
    """Let an idea be seen: one that never was is told of now, as if it were posted now. Return whether it is seen.

    :param viewer: its author, to ask the screens once more first: what made it wait may not be all.
    """
    idea, tally = queries.any_idea_for_update(idea_id)
    if viewer is not None and (why := _screened(idea, viewer)) is not None:
        idea.hidden_why = why
    elif idea.hidden_at is not None:
        idea.hidden_at, idea.hidden_why, tally.listed = None, None, True
        db.session.flush()
        _count(idea.board_id, {("stage", tally.stage): 1, ("category", idea.category): 1})
        if has_happened("IdeaPosted", "idea", idea.id):
            publish(IdeaShown(actor_id=actor_id, **_of(idea)))
        else:
            _announce(idea)
    return idea.hidden_at is None
