"""Things for tests, made through the portal's own services."""

from tests.ideas.factories import a_board, an_idea
from tests.members.factories import a_member, a_token, a_viewer, bearer, sign_in, signed_in

__all__ = ["a_board", "a_member", "a_token", "a_viewer", "an_idea", "bearer", "sign_in", "signed_in"]
