"""What others may ask of notifications."""

from portal.notifications.recalling import recall

__all__ = ["recall"]
