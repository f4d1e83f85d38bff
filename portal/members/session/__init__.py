"""Who is asking, and whether that person may: the one place that meets Flask-Login and Flask-Security.

A browser's session is one row that can be closed; a program's token is one row that can be revoked. Either is read by
one query a request, of plain columns, and only when somebody asks. Every route declares its `access`; a
route without a declaration is refused.
"""

from portal.members.session.freshness import fresh, is_fresh
from portal.members.session.guard import came_with_token, init_app
from portal.members.session.viewer import bearer_token, current_session_key, current_viewer, forget_viewer

__all__ = [
    "bearer_token",
    "came_with_token",
    "current_session_key",
    "current_viewer",
    "forget_viewer",
    "fresh",
    "init_app",
    "is_fresh",
]
