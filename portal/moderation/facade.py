"""What those above may ask of moderation."""

from portal.moderation.rules import Reason
from portal.moderation.services.flags import flag

__all__ = ["Reason", "flag"]
