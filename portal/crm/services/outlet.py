"""One way out: a gateway, and what the portal has decided about using it."""

from dataclasses import dataclass
from datetime import timedelta

from portal.crm import queries
from portal.crm.gateways.base import Gateway, Paused
from portal.crm.models import GatewayState
from portal.crm.rules import Bucket, wanted_fields
from portal.kernel.clock import now, today
from portal.kernel.database import db


@dataclass(frozen=True, slots=True)
class Outlet:
    """A gateway, the public address of this site for links, and limits of calls that an operator has set."""

    gateway: Gateway
    site: str = ""
    calls_a_day: int = 0
    calls_a_second: float = 0.0

    @property
    def name(self) -> str:
        """Return the gateway's name."""
        return self.gateway.name

    @property
    def day_limit(self) -> int:
        """Return how many calls a day may be made; zero means any number."""
        limits = [limit for limit in (self.calls_a_day, self.gateway.limits.calls_a_day) if limit]
        return min(limits, default=0)

    @property
    def rate(self) -> float:
        """Return how many calls a second may be made; zero means any number."""
        rates = [rate for rate in (self.calls_a_second, self.gateway.limits.calls_a_second) if rate]
        return min(rates, default=0.0)


class OutOfCalls(Exception):
    """The budget of calls is used up for now."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no call is left for {seconds:.0f} s")
        self.seconds = seconds


class Calls:
    """Counts the calls of one batch against the bucket and the day's budget; `settle` writes the account."""

    def __init__(self, outlet: Outlet, state: GatewayState) -> None:
        moment = now()
        self.state, self._outlet = state, outlet
        self._today = state.calls if state.calls_on == today() else 0
        waited = (moment - state.tokens_at).total_seconds()
        self._bucket = Bucket(state.tokens, outlet.rate).after(max(0.0, waited))
        self.made = 0
        self.rows = 0
        """Rows of the last call."""

    def take(self) -> None:
        """Take one call from the budget.

        :raise OutOfCalls: when none is left now.
        """
        limit = self._outlet.day_limit
        if limit and self._today + self.made >= limit:
            midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            raise OutOfCalls((midnight - now()).total_seconds())
        if (wait := self._bucket.wait()) > 0:
            raise OutOfCalls(wait)
        self.made += 1
        self._bucket = self._bucket.without(1) if self._bucket.rate > 0 else self._bucket

    def settle(self) -> None:
        """Write what was used."""
        self.state.calls, self.state.calls_on = self._today + self.made, today()
        self.state.tokens, self.state.tokens_at = self._bucket.tokens, now()


def state_of(name: str) -> GatewayState:
    """Return how a gateway is doing; a new one begins with nothing."""
    state = queries.gateway_state(name)
    if state is None:
        state = GatewayState(name=name)
        db.session.add(state)
        db.session.flush()
    return state


def why_unfit(outlet: Outlet) -> str | None:
    """Ask whether a gateway can take what we send; return None, or why a person must act first.

    :raise RetryLater: :raise BatchRefused: when it cannot be asked now.
    """
    try:
        outlet.gateway.verify()
        missing = [field.name for field in outlet.gateway.plan(wanted_fields()) if not field.there]
    except Paused as error:
        return str(error)
    if missing:
        return f"{len(missing)} fields are missing there, such as {missing[0]}: run portal crm apply"
    return None
