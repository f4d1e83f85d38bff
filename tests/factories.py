"""Things for tests, made through the portal's own services."""

from tests.members.factories import a_member, a_token, a_viewer, bearer, sign_in, signed_in

__all__ = ["a_member", "a_token", "a_viewer", "bearer", "sign_in", "signed_in"]
