"""What analytics does once for each thing that happens elsewhere."""

from portal.analytics.services import routing
from portal.kernel.events import listens_to
from portal.support.events import QuestionAsked


@listens_to(QuestionAsked)
def invite_experts(event: QuestionAsked) -> None:
    """Ask those who are likely to answer well; asked again, it does nothing."""
    routing.invite(event.question_id)
