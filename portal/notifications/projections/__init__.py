"""What notifications read of the record: hints for open pages, and what members are told."""

from portal.notifications.projections import hints, telling

__all__ = ["hints", "telling"]
