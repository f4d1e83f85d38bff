"""Members for tests, made through the portal's own services."""

from itertools import count
from typing import Any

from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.members import queries, services
from portal.members.policy import Viewer

_number = count(1)


def a_member(**wishes: Any) -> int:
    """Make a customer, or whom the wishes describe; return the id."""
    n = next(_number)
    given = {"email": f"member{n}@example.org", "name": f"Member {n}", "origin": "command", **wishes}
    member = services.create_member(**given)
    db.session.commit()
    return member.id


def a_token(member_id: int, *scopes: str) -> str:
    """Make a token; with all scopes that a member may have when none is named."""
    token = services.create_token(member_id, name="test", scopes=scopes or ("read", "write"))
    db.session.commit()
    return token


def bearer(token: str, **headers: str) -> dict[str, str]:
    """Return the headers of a program that has a token."""
    return {"Authorization": f"Bearer {token}", **{k.replace("_", "-"): v for k, v in headers.items()}}


def sign_in(client: FlaskClient, member_id: int, *, second_factor: bool = False) -> FlaskClient:
    """Give a browser a session of this member without the form, for tests about other things."""
    key = services.open_session(member_id, second_factor=second_factor)
    db.session.commit()
    with client.session_transaction() as session:
        session["_user_id"] = key
        session["_fresh"] = True
    return client


def a_viewer(member_id: int | None = None, **wishes: Any) -> Viewer:
    """Return a member as the one who asks; a new one when none is named."""
    return queries.viewer_of(a_member(**wishes) if member_id is None else member_id)


signed_in = sign_in
