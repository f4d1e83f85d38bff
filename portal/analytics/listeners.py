"""What analytics does once for each thing that happens elsewhere."""

from portal.analytics import jobs
from portal.analytics.services import routing
from portal.analytics.topics.events import TopicsTrained
from portal.kernel.events import listens_to
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
