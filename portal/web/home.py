"""The front page and a member's page: what several features know, brought together for one reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.analytics import facade as analytics
from portal.analytics.facade import ExpertiseLine, Invited, Standing
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.ideas.facade import IdeaRow, Sort, Stage, StageRow
from portal.ideas.facade import MemberFigures as IdeaFigures
from portal.members import facade as members
from portal.members.facade import MemberCard, Profile
from portal.members.policy import Viewer
from portal.support import facade as support
from portal.support.facade import MemberFigures as HelpFigures
from portal.support.facade import QuestionRow

FEW, ANSWERED_LATELY, NEW_PEOPLE, SHOWN, DAYS = 3, 8, 5, 10, 147


@dataclass(frozen=True, slots=True)
class Front:
    """What the front page shows."""

    moving: Sequence[IdeaRow]
    answered: tuple[IdeaRow, StageRow] | None
    questions: Sequence[QuestionRow]
    ideas_in_all: int
    people: int
    newest: Sequence[MemberCard]
    promise_days: int | None
    days: Sequence[int]
    """Contributions on each of the last 21 weeks' days, today last."""
    invited: Sequence[Invited]
    useful: Sequence[ExpertiseLine]


def front(viewer: Viewer) -> Front:
    """Gather the front page for a reader."""
    moving = ideas.ideas_for_home(viewer, Sort.RISING, FEW)
    community.record_impressions(viewer, "idea", [idea.id for idea in moving], "home")
    boards = community.boards_for(viewer, "ideas")
    return Front(
        moving=moving,
        answered=_answered(viewer),
        questions=support.unanswered(viewer, FEW),
        ideas_in_all=ideas.board_figures([board.id for board in boards]).ideas,
        people=members.count_members(),
        newest=[line.card for line in members.newest_members(size=NEW_PEOPLE).items],
        days=analytics.days_of(None, DAYS, viewer),
        invited=analytics.invited(viewer, FEW),
        useful=analytics.expertise_of(viewer.id, viewer)[:FEW] if not viewer.is_anonymous else (),
        promise_days=min((b.promise_working_days for b in boards if b.promise_working_days), default=None),
    )


def _answered(viewer: Viewer) -> tuple[IdeaRow, StageRow] | None:
    """Return what was done last, or else what was answered last."""
    latest = ideas.latest_answers(viewer, ANSWERED_LATELY)
    return next((pair for pair in latest if pair[1].stage == Stage.SHIPPED), latest[0] if latest else None)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing that a member wrote, in a line."""

    kind: str
    url: str
    title: str
    lang: str | None
    at: datetime
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class MemberPage:
    """What a member's page shows to one reader."""

    profile: Profile
    ideas: Sequence[IdeaRow]
    questions: Sequence[QuestionRow]
    answers: Sequence[Contribution]
    figures: Sequence[tuple[IdeaFigures, HelpFigures]]
    """One pair for the member herself and for staff; nothing for others, because it counts closed boards, too."""
    expertise: Sequence[ExpertiseLine]
    days: Sequence[int]
    standing: Standing


def member_page(viewer: Viewer, member_id: int) -> MemberPage:
    """Gather a member's page.

    :raise NotFound: when there is no such member.
    """
    profile = members.profile(member_id)
    is_hers = viewer.member_id == member_id
    figures = []
    if is_hers or viewer.is_staff:
        mine, helped = ideas.member_figures([member_id]), support.figures([member_id])
        figures.append((mine[member_id], helped[member_id]))
    return MemberPage(
        profile=profile,
        ideas=ideas.ideas_of_member(viewer, member_id, size=SHOWN).items,
        questions=support.questions_of_member(viewer, member_id, SHOWN),
        answers=[
            Contribution(
                "answer",
                f"/questions/{row.question_id}#answer-{row.id}",
                row.title,
                row.lang,
                row.created_at,
                row.accepted_at is not None,
            )
            for row in support.answers_of_member(viewer, member_id, SHOWN)
        ],
        figures=figures,
        expertise=analytics.expertise_of(member_id, viewer),
        days=analytics.days_of(member_id, DAYS, viewer),
        standing=analytics.standing_of(member_id, viewer),
    )
