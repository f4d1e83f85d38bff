"""What is the webhook's own: signatures, bad days, and addresses that must not be reached."""

import pytest

from portal.crm.gateways.base import BatchRefused, Limits, Paused, RetryLater
from portal.crm.gateways.webhook import WebhookGateway
from portal.kernel.guard import NotPublic, guarded_client, public_addresses
from tests.crm.simulator import SECRET, BadDay, Simulator
from tests.crm.test_gateways import a_row

LIMITS = Limits(rows=10, events=10, reads=False, lists=False)


def test_a_message_is_signed_and_carries_the_same_id_when_repeated(
    webhook_gateway: WebhookGateway, simulator: Simulator
) -> None:
    webhook_gateway.upsert([a_row()])
    assert simulator.calls == ["portal.contacts.upsert"]


def test_a_wrong_secret_pauses(simulator: Simulator) -> None:
    other = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg=="
    with pytest.raises(Paused, match="401"):
        WebhookGateway(simulator.url, other, allow_private=True).verify()


@pytest.mark.parametrize(("status", "asked"), [(429, 7.0), (503, 7.0)])
def test_a_busy_receiver_says_how_long_to_wait(
    webhook_gateway: WebhookGateway, simulator: Simulator, status: int, asked: float
) -> None:
    simulator.bad_days = [BadDay(status, retry_after="7")]
    with pytest.raises(RetryLater) as busy:
        webhook_gateway.upsert([a_row()])
    assert busy.value.after == asked
    assert not busy.value.suspect


def test_a_date_to_wait_for_is_understood(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    simulator.bad_days = [BadDay(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")]
    with pytest.raises(RetryLater) as busy:
        webhook_gateway.upsert([a_row()])
    assert busy.value.after == 0.0


def test_a_fault_of_the_receiver_is_suspect(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    simulator.bad_days = [BadDay(500)]
    with pytest.raises(RetryLater) as broken:
        webhook_gateway.upsert([a_row()])
    assert broken.value.suspect


def test_half_a_batch_is_made_whole_by_sending_it_again(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    rows = [a_row() for _ in range(4)]
    simulator.bad_days = [BadDay(500, kept=2)]
    with pytest.raises(RetryLater):
        webhook_gateway.upsert(rows)
    assert [v.status for v in webhook_gateway.upsert(rows)] == ["unchanged", "unchanged", "created", "created"]


def test_a_batch_that_is_too_large_is_refused_as_a_whole(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    simulator.most_rows = 2
    with pytest.raises(BatchRefused, match="413"):
        webhook_gateway.upsert([a_row() for _ in range(3)])


def test_the_receivers_count_of_calls_is_heeded(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    webhook_gateway.upsert([a_row()])
    assert webhook_gateway.rest == 0.0
    simulator.bad_days = [BadDay(200, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "30"})]
    webhook_gateway.upsert([a_row()])
    assert webhook_gateway.rest == 30.0


def test_an_answer_of_another_shape_is_a_plain_yes(webhook_gateway: WebhookGateway, simulator: Simulator) -> None:
    simulator.bad_days = [BadDay(200)]
    assert [v.status for v in webhook_gateway.upsert([a_row()])] == ["updated"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_private_addresses_are_not_reached(host: str) -> None:
    gateway = WebhookGateway(f"http://{host}:8080/x", SECRET, limits=LIMITS)
    with pytest.raises(Paused, match="public"):
        gateway.verify()


def test_a_name_is_checked_by_its_addresses() -> None:
    assert public_addresses("93.184.215.14", 443) == ["93.184.215.14"]
    with pytest.raises(NotPublic):
        public_addresses("no-such-host.invalid", 80)
    with guarded_client() as client, pytest.raises(NotPublic):
        client.get("http://127.0.0.1:9/")


@pytest.mark.parametrize("address", ["ftp://example.org/x", "not an address", "http://"])
def test_an_address_that_is_none_pauses(address: str) -> None:
    with pytest.raises((Paused, RetryLater)):
        WebhookGateway(address, SECRET, limits=LIMITS).verify()
