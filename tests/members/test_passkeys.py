"""Passkeys: what a forged answer gets; a real browser is in `test_passkeys_in_a_browser`."""

import json

import pytest
from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.members.signing.models import Passkey
from portal.members.signing.queries import passkeys_of
from tests.members.factories import a_member, sign_in
from tests.members.test_signing_in import is_in, send


def test_what_is_asked_of_the_device_is_asked_once(client: FlaskClient) -> None:
    marta = a_member()
    sign_in(client, marta)
    asked = send(client, "/account/security/passkeys/options", "/account/security")
    assert asked.status_code == 200
    said = asked.get_json()
    assert said["options"]["rp"]["id"] == "localhost"
    assert said["options"]["user"]["id"]
    forged = json.dumps(
        {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
        }
    )
    answer = send(
        client, "/account/security/passkeys", "/account/security", name="x", ticket=said["ticket"], answer=forged
    )
    assert answer.status_code == 422
    assert "did not work" in answer.get_data(as_text=True)
    assert passkeys_of(marta) == []


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", "{", '{"id": "x"}', '{"id": 7, "response": 7}', "x" * 20_000]
)
def test_no_made_up_answer_lets_anybody_in(client: FlaskClient, answer: str) -> None:
    said = send(client, "/sign-in/passkey/options", "/sign-in").get_json()
    done = send(client, "/sign-in/passkey", "/sign-in", ticket=said["ticket"], answer=answer)
    assert done.location == "/sign-in"
    assert not is_in(client)


def test_where_the_address_is_a_number_no_passkeys_are_offered(client: FlaskClient) -> None:
    page = client.get("/sign-in", base_url="http://127.0.0.1:8000").get_data(as_text=True)
    assert "data-passkey" not in page
    assert "data-passkey" in client.get("/sign-in").get_data(as_text=True)


def test_nobody_removes_or_names_the_passkey_of_another(client: FlaskClient) -> None:
    marta = a_member()
    row = Passkey(member_id=marta, credential="AAAA", public_key="AAAA", name="Phone")
    db.session.add(row)
    db.session.commit()
    sign_in(client, a_member())
    assert send(client, f"/account/security/passkeys/{row.id}/remove", "/account/security").status_code == 404
    assert send(client, f"/account/security/passkeys/{row.id}/name", "/account/security", name="x").status_code == 404
    assert [one.name for one in passkeys_of(marta)] == ["Phone"]
    sign_in(client, marta)
    assert send(client, f"/account/security/passkeys/{row.id}/name", "/account/security", name="").status_code == 422
    assert send(client, f"/account/security/passkeys/{row.id}/name", "/account/security", name="Key").status_code == 302
    assert [one.name for one in passkeys_of(marta)] == ["Key"]
    assert send(client, f"/account/security/passkeys/{row.id}/remove", "/account/security").status_code == 302
    assert passkeys_of(marta) == []
