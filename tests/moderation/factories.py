"""Moderators, newcomers and what they do, made through the portal's own services."""

from itertools import count
from typing import Any

from portal.kernel.database import db
from portal.members import queries as members
from portal.members import services as member_services
from portal.members.policy import Viewer
from tests.members.factories import a_member, a_viewer

_number = count(1)


def a_moderator(**wishes: Any) -> Viewer:
    return a_viewer(**{"kind": "staff", "roles": ["moderator"], **wishes})


def a_newcomer(**wishes: Any) -> Viewer:
    """Return somebody who has just signed up by herself."""
    n = next(_number)
    given = {"email": f"newcomer{n}@example.org", "name": f"Newcomer {n}", "origin": "sign_up", **wishes}
    member = member_services.create_member(**given)
    db.session.commit()
    return members.viewer_of(member.id)


__all__ = ["a_member", "a_moderator", "a_newcomer", "a_viewer"]
