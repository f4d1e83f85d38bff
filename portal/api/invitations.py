"""Invitations and organisations over the API: for staff, and for the admin of an organisation."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from portal.api.endpoints import Id, Input, Listing, Output, Reply, endpoint
from portal.kernel.errors import Forbidden
from portal.kernel.paging import Page
from portal.members.inviting import mailing, queries, services
from portal.members.inviting.queries import InvitationCard
from portal.members.queries import people
from portal.members.rules import Kind, Role
from portal.members.session import current_viewer

TAG = "members"
EMAIL_MAX = 254
STAFF = (Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)


class InvitationOut(Output):
    """An invitation; its link is in the mail alone."""

    id: int
    email: str
    kind: Kind
    organisation_id: int | None
    organisation: str | None
    organisation_admin: bool
    roles: list[Role]
    sent_at: datetime
    expires_at: datetime
    state: Literal["open", "accepted", "revoked", "expired"]
    accepted_by: int | None


class NewInvitation(Input):
    """Whom to ask in."""

    email: Annotated[str, Field(max_length=EMAIL_MAX)]
    kind: Annotated[Kind | None, Field(description="By default what the organisation is")] = None
    organisation_id: Id | None = None
    organisation_admin: bool = False
    roles: Annotated[tuple[Role, ...], Field(max_length=len(Role), description="For staff; by admins only")] = ()
    lang: Literal["it", "en"] = "en"


class OrganisationOut(Output):
    """An organisation and how many belong to it."""

    id: int
    name: str
    kind: Kind
    country: str
    members: int
    admins: int


class InvitationsWanted(Input):
    """Which invitations to list."""

    organisation_id: Id | None = None
    open: bool = False


@endpoint("GET", "/organisations", response=Listing[OrganisationOut], summary="Organisations", tag=TAG, roles=STAFF)
def organisations() -> Page[object]:
    """List the organisations by name."""
    return Page(people.organisations(), None)


@endpoint(
    "GET",
    "/invitations",
    query=InvitationsWanted,
    response=Listing[InvitationOut],
    summary="Invitations",
    tag=TAG,
    signed_in=True,
)
def list_invitations(query: InvitationsWanted) -> Page[InvitationCard]:
    """List invitations, the latest first: staff all of them, the admin of an organisation her own."""
    viewer = current_viewer()
    if query.organisation_id is None and not viewer.has_role(*STAFF):
        raise Forbidden(services.NOT_YOURS)
    if query.organisation_id is not None and not services.may_look_after(viewer, query.organisation_id):
        raise Forbidden(services.NOT_YOURS)
    return Page(queries.invitations(query.organisation_id, open_only=query.open), None)


@endpoint("POST", "/invitations", body=NewInvitation, response=InvitationOut, summary="Ask somebody in", tag=TAG)
def invite(body: NewInvitation) -> InvitationCard:
    """Ask somebody in; the link is mailed to the address."""
    card, secret = services.invite(
        current_viewer(),
        email=body.email,
        kind=body.kind,
        organisation_id=body.organisation_id,
        organisation_admin=body.organisation_admin,
        roles=body.roles,
        lang=body.lang,
    )
    mailing.send(card, secret, lang=body.lang)
    return card


@endpoint("DELETE", "/invitations/<int:invitation_id>", summary="Revoke an invitation", tag=TAG, status=204)
def revoke(invitation_id: int) -> Reply:
    """Make an invitation's link useless."""
    services.revoke(current_viewer(), invitation_id)
    return Reply(None, 204)
