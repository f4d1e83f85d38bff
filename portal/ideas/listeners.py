"""What ideas do when something happened elsewhere."""

from portal.community.events import CommentHidden, CommentShown
from portal.ideas import services
from portal.kernel.events import listens_to
from portal.members.events import MemberAddressConfirmed


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
    """Let votes given before the confirmation count whole. A repeat finds none that are fresh."""
    services.trust_votes(event.member_id)
