"""The CRMs that tests speak to: a real Tryton, and a simulator behind a real webhook."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.crm.gateways.base import Gateway, Limits
from portal.crm.gateways.tryton import TrytonGateway
from portal.crm.gateways.webhook import WebhookGateway
from portal.local import tryton
from tests.crm.simulator import SECRET, Simulator, simulated_crm


@pytest.fixture(scope="session")
def tryton_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tryton.Server]:
    """A real Tryton server with our module, on a database of its own."""
    try:
        tryton.ensure_template()
    except tryton.CannotBuild as error:
        pytest.skip(f"Tryton cannot be built here: {error}")
    folder: Path = tmp_path_factory.mktemp("tryton")
    with tryton.serving(folder) as server:
        yield server


@pytest.fixture
def tryton_gateway(tryton_server: tryton.Server) -> Iterator[TrytonGateway]:
    gateway = TrytonGateway(tryton_server.url, tryton.DATABASE, tryton.USER, tryton.PASSWORD)
    yield gateway
    gateway.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulated_crm() as crm:
        yield crm


@pytest.fixture
def webhook_gateway(simulator: Simulator) -> Iterator[WebhookGateway]:
    limits = Limits(rows=500, events=500, reads=False, lists=False)
    gateway = WebhookGateway(simulator.url, SECRET, allow_private=True, limits=limits, wait=5.0)
    yield gateway
    gateway.close()


@pytest.fixture(params=["tryton", "webhook"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    """Each gateway in turn: the contract is one for all."""
    found: Gateway = request.getfixturevalue(f"{request.param}_gateway")
    return found
