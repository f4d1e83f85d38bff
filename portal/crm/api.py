"""The exchange with CRMs over the API."""

from typing import Annotated

from pydantic import Field

from portal.api import Output, endpoint
from portal.crm import jobs, queries
from portal.crm.services import marking
from portal.members.rules import Role


class GatewayOut(Output):
    """How one gateway is doing."""

    pending: Annotated[int, Field(description="Contacts and accounts whose figures wait, and events")]
    sent: Annotated[int, Field(description="Rows and events that arrived")]
    failed: Annotated[int, Field(description="Batches that failed and are tried again")]
    dead: Annotated[int, Field(description="Rows and events that the CRM will not take as they are")]
    lag_seconds: Annotated[float, Field(description="Age of the oldest that waits")]
    drift: Annotated[int | None, Field(description="Fields that differ there; null when never compared")]
    state: Annotated[str, Field(description="running, waiting or paused")]
    why: str | None


@endpoint(
    "GET",
    "/crm/status",
    response=dict[str, GatewayOut],
    roles=(Role.BRAND_MANAGER, Role.SUPPORT_AGENT),
    summary="How the exchange with each CRM is doing",
)
def crm_status() -> dict[str, queries.Figures]:
    """By the name of the gateway; empty when no CRM is connected."""
    names = sorted({*jobs.connected(), *marking.known_gateways()})
    return {name: queries.figures(name) for name in names}
