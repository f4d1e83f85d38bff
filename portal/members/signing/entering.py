"""Letting somebody in who has shown who she is, whichever way she showed it."""

from flask import redirect
from flask.typing import ResponseReturnValue
from flask_security.utils import login_user

from portal.members import queries
from portal.members.rules import own_path
from portal.members.signing import halfway
from portal.members.signing.accounts import Account
from portal.members.signing.services import second_step


def enter(
    member_id: int, *, way: str, second_factor: bool = False, remember: bool = False, next_path: str | None = None
) -> ResponseReturnValue:
    """Sign a member in and lead on; or, when she has a second step and has not shown it, lead her to that.

    :param way: by what she showed that it is she: ``passkey``, ``link``, ``oidc:<provider>``, ``invitation``, …
    :param second_factor: whether she gave two proofs already.
    """
    member = queries.member_for_update(member_id)
    if not second_factor and second_step.is_required(member_id):
        return redirect(halfway.stop_here(member, way=way, remember=remember, next_path=next_path))
    halfway.forget()
    account = Account(member)
    account.way, account.second_factor = way, second_factor
    login_user(account, remember=remember, authn_via=[way])
    return redirect(own_path(next_path))
