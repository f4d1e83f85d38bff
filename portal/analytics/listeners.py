"""What analytics does once for each thing that happens elsewhere."""

from portal.analytics import jobs, joining
from portal.analytics.services import routing
from portal.analytics.topics.events import TopicsTrained
from portal.kernel.events import listens_to
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.support.events import QuestionAsked


@listens_to(QuestionAsked)
def invite_experts(event: QuestionAsked) -> None:
    """Ask those who are likely to answer well; asked again, it does nothing."""
    routing.invite(event.question_id)


@listens_to(TopicsTrained)
def measure_what_is_new(event: TopicsTrained) -> None:
    """Work out who knows what once the topics are new; a run that waits already is enough."""
    del event
    jobs.measure_soon()


@listens_to(MembersMerged)
def learn_who_is_one(event: MembersMerged) -> None:
    """Learn the boards of both accounts anew, and whose word weighs what; asked again, it does the same."""
    _learn_anew(event)


@listens_to(MembersUnmerged)
def learn_who_is_two(event: MembersUnmerged) -> None:
    """Learn the boards of both accounts anew, and whose word weighs what; asked again, it does the same."""
    _learn_anew(event)


def _learn_anew(event: MembersMerged | MembersUnmerged) -> None:
    for board_id in joining.boards_of([event.member_id, event.gone_id]):
        jobs.learn_soon(board_id)
    jobs.measure_soon()
