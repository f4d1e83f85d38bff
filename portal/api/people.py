"""Members over the API: what anybody may see of one, and who the token belongs to."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from portal.api.endpoints import Listing, Output, Paged, endpoint
from portal.kernel.paging import Page
from portal.members import queries
from portal.members.policy import Viewer
from portal.members.queries import MemberCard, Profile
from portal.members.rules import Kind, Role, Scope
from portal.members.session import current_viewer

TAG = "members"


class MemberBrief(Output):
    """A member in a line."""

    id: int
    name: str
    kind: Kind
    organisation: str | None = None
    url: str


class MemberOut(MemberBrief):
    """A member: what anybody may see of her."""

    job: str
    city: str
    country: str
    bio: str
    joined_at: datetime
    placeholder: Annotated[bool, Field(description="Stands for an imported author who has no account")]
    external_id: Annotated[str | None, Field(description="Id in the imported source; for admins' tokens only")] = None


class Me(MemberOut):
    """The member the token belongs to."""

    roles: list[Role]
    segments: list[str]
    scopes: Annotated[list[Scope], Field(description="Scopes of the token in use; a browser's session has all")]


class MembersWanted(Paged):
    """Which members to list."""

    kind: Kind | None = None


@endpoint("GET", "/members", query=MembersWanted, response=Listing[MemberBrief], summary="Members", tag=TAG)
def members(query: MembersWanted) -> Page[MemberCard]:
    """List those who have an account, the newest first."""
    page = queries.newest_members(query.cursor, kind=query.kind, size=query.limit)
    return Page([line.card for line in page.items], page.next)


@endpoint("GET", "/members/<int:member_id>", response=MemberOut, summary="A member", tag=TAG)
def member(member_id: int) -> dict[str, object]:
    """Return what anybody may see of a member."""
    return _seen_by(current_viewer(), queries.profile(member_id))


@endpoint("GET", "/me", response=Me, summary="Whose token this is", tag=TAG, signed_in=True)
def me() -> dict[str, object]:
    """Return the member the token belongs to, and what the token may do."""
    viewer = current_viewer()
    scopes = viewer.scopes if viewer.scopes is not None else set(Scope)
    mine = _seen_by(viewer, queries.profile(viewer.id))
    return {**mine, "roles": sorted(viewer.roles), "segments": sorted(viewer.segments), "scopes": sorted(scopes)}


def _seen_by(viewer: Viewer, who: Profile) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(who, name) for name in MemberOut.model_fields}
    if not (viewer.has_role(Role.ADMIN) and viewer.has_scope(Scope.ADMIN)):
        fields["external_id"] = None
    return fields
