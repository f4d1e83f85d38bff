"""What moderation does when something is posted: it looks before others do."""

from portal.community import keeping
from portal.community.screening import screens, when_taken_back, when_waiting
from portal.moderation.services import appeals, holding, queue, suspending

__all__ = ["appeals", "holding", "keeping", "suspending"]

screens(holding.hold)
when_waiting(holding.wait)
when_taken_back(queue.close_all_about)
