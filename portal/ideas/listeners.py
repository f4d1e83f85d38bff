"""What ideas do when something happened elsewhere, and what they tell community of themselves."""

from collections.abc import Mapping, Sequence

from portal.community.events import CommentHidden, CommentShown
from portal.community.facade import Card, describes
from portal.community.screening import counts_comments
from portal.ideas import keeping, lists, services
from portal.kernel.events import listens_to
from portal.members.events import MemberAddressConfirmed
from portal.members.events.trust import TrustLevelChanged
from portal.members.policy import Viewer


@describes("idea")
def describe_ideas(viewer: Viewer, ids: Sequence[int]) -> Mapping[int, Card]:
    """Return a card of each idea the viewer may see."""
    return {
        row.id: Card("idea", row.id, row.title, row.url, row.board_id, row.author_id, row.lang)
        for row in lists.ideas_among(viewer, ids).values()
    }


counts_comments(keeping.KIND)(services.recount_comments)


@listens_to(CommentHidden)
def count_without_hidden(event: CommentHidden) -> None:
    """Keep the number of comments right. A repeat counts the same again."""
    if event.target_kind == "idea":
        services.recount_comments(event.target_id)


@listens_to(CommentShown)
def count_with_shown(event: CommentShown) -> None:
    """Keep the number of comments right. A repeat counts the same again."""
    if event.target_kind == "idea":
        services.recount_comments(event.target_id)


@listens_to(MemberAddressConfirmed)
def trust_earlier_votes(event: MemberAddressConfirmed) -> None:
    """Let votes given before the confirmation count more. A repeat finds none that are fresh."""
    services.confirm_votes(event.member_id)


@listens_to(TrustLevelChanged)
def trust_votes_of_the_trusted(event: TrustLevelChanged) -> None:
    """Let votes of a newcomer count whole from the moment she is trusted. A repeat finds none that count less."""
    if event.level > 0:
        services.trust_votes(event.member_id)
