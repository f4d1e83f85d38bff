"""Moderation over the API: flagging and what concerns oneself; for tokens of moderators the queue and every act."""

from portal.moderation.api import acting, mine, record, staff

__all__ = ["acting", "mine", "record", "staff"]
