"""Signing in with an account elsewhere, against a real provider on loopback that may lie."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal import config
from portal.kernel.database import db
from portal.members import queries, services
from portal.members.models import Identity, MemberSession
from portal.members.signing import passwords
from tests.members.factories import a_member, sign_in
from tests.members.provider import CLIENT, SECRET, Provider
from tests.members.test_signing_in import PASSWORD, is_in, send


@pytest.fixture
def provider(app: Flask) -> Iterator[Provider]:
    """A provider, and a portal whose settings name it."""
    with Provider() as one:
        settings = {
            "PORTAL_OIDC": "acme",
            "PORTAL_OIDC_ACME_ISSUER": one.issuer,
            "PORTAL_OIDC_ACME_CLIENT_ID": CLIENT,
            "PORTAL_OIDC_ACME_CLIENT_SECRET": SECRET,
            "PORTAL_OIDC_ACME_LABEL": "Acme & Co",
            "PORTAL_OIDC_ALLOW_PRIVATE": "1",
        }
        app.config["PORTAL_OIDC_PROVIDERS"] = config.oidc_providers(settings)
        yield one
        app.config["PORTAL_OIDC_PROVIDERS"] = ()
        app.extensions.pop("oidc", None)
        one.shutdown()


def go(client: FlaskClient, start: str = "/sign-in/with/acme") -> Any:
    """Walk to the provider and back, as a browser does."""
    leaving = client.get(start)
    assert leaving.status_code == 302, leaving.get_data(as_text=True)
    return client.get(path_back(leaving.location))


def path_back(leaving: str) -> str:
    """Return where the provider sends the browser back to, on our own site."""
    back = urlsplit(httpx.get(leaving, trust_env=False).headers["location"])
    return f"{back.path}?{back.query}"


def links_of(member_id: int) -> list[str]:
    return list(db.session.scalars(select(Identity.value).filter_by(member_id=member_id, kind="oidc")))


# What is right


def test_a_newcomer_comes_in_by_the_word_of_a_provider(client: FlaskClient, provider: Provider) -> None:
    answer = go(client, "/sign-in/with/acme?next=/ideas")
    assert (answer.status_code, answer.location) == (302, "/ideas")
    assert is_in(client)
    member = queries.member_by_email("marta@example.org")
    assert member is not None
    assert (member.name, member.kind, member.password) == ("Marta Colantoni", "customer", None)
    assert member.email_verified_at is not None
    assert links_of(member.id) == [f"{provider.issuer} 7"]


def test_the_same_person_comes_back_to_the_same_account_whatever_her_address(
    app: Flask, client: FlaskClient, provider: Provider
) -> None:
    go(client)
    first = queries.member_by_email("marta@example.org")
    provider.person |= {"email": "other@example.org", "email_verified": False}
    assert go(app.test_client()).status_code == 302
    assert first is not None
    assert len(list(db.session.scalars(select(MemberSession).filter_by(member_id=first.id)))) == 2
    assert queries.member_by_email("other@example.org") is None


def test_a_verified_address_links_the_account_that_has_it(client: FlaskClient, provider: Provider) -> None:
    marta = a_member(email="Marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    go(client)
    assert links_of(marta) == [f"{provider.issuer} 7"]
    assert is_in(client)
    assert queries.member_for_update(marta).password is not None


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_the_provider_has_not_verified_links_nothing(
    client: FlaskClient, provider: Provider, verified: object
) -> None:
    marta = a_member(email="marta@example.org", verified=True)
    provider.person["email_verified"] = verified
    answer = go(client)
    assert answer.status_code == 409
    assert "does not vouch for your address" in answer.get_data(as_text=True)
    assert links_of(marta) == []
    assert not is_in(client)


def test_whoever_signed_up_with_an_address_not_hers_loses_it_to_its_owner(
    app: Flask, client: FlaskClient, provider: Provider
) -> None:
    squatter = a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD))
    thief = sign_in(app.test_client(), squatter)
    token = services.create_token(squatter, name="x", scopes=["write"])
    db.session.commit()
    go(client)
    assert is_in(client)
    assert not is_in(thief)
    assert queries.member_for_update(squatter).password is None
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_member_links_and_unlinks_an_account_of_hers(client: FlaskClient, provider: Provider) -> None:
    marta = a_member(email="m.c@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    sign_in(client, marta)
    page = client.get("/account/security").get_data(as_text=True)
    (way,) = re.findall(r'href="(/account/security/providers/acme/link\?csrf_token=[^"]+)"', page)
    answer = go(client, way)
    assert answer.location == "/account/security"
    assert links_of(marta) == [f"{provider.issuer} 7"]
    page = client.get("/account/security").get_data(as_text=True)
    (path,) = re.findall(r'action="(/account/security/providers/\d+/unlink)"', page)
    assert send(client, path, "/account/security").status_code == 302
    assert links_of(marta) == []


def test_nobody_is_made_to_link_by_an_address_from_elsewhere(client: FlaskClient, provider: Provider) -> None:
    sign_in(client, a_member())
    assert client.get("/account/security/providers/acme/link").status_code == 403
    assert client.get("/account/security/providers/acme/link?csrf_token=x").status_code == 403


def test_an_account_elsewhere_belongs_to_one_member(app: Flask, client: FlaskClient, provider: Provider) -> None:
    go(client)
    other = sign_in(app.test_client(), a_member())
    page = other.get("/account/security").get_data(as_text=True)
    (way,) = re.findall(r'href="(/account/security/providers/acme/link\?csrf_token=[^"]+)"', page)
    answer = go(other, way)
    assert answer.status_code == 409
    assert "linked to somebody else" in answer.get_data(as_text=True)


def test_nobody_unlinks_the_account_of_another(app: Flask, client: FlaskClient, provider: Provider) -> None:
    go(client)
    page = client.get("/account/security").get_data(as_text=True)
    (path,) = re.findall(r'action="(/account/security/providers/\d+/unlink)"', page)
    other = sign_in(app.test_client(), a_member(password_hash=passwords.hash_password(PASSWORD)))
    assert send(other, path, "/account/security").status_code == 404


def test_the_only_way_in_is_not_unlinked(client: FlaskClient, provider: Provider) -> None:
    go(client)
    page = client.get("/account/security").get_data(as_text=True)
    (path,) = re.findall(r'action="(/account/security/providers/\d+/unlink)"', page)
    answer = send(client, path, "/account/security")
    assert answer.status_code == 409
    assert "only way in" in answer.get_data(as_text=True)


def test_a_provider_shows_again_who_it_is(app: Flask, client: FlaskClient, provider: Provider) -> None:
    go(client)
    db.session.execute(MemberSession.__table__.update().values(proved_at="2020-01-01T00:00:00Z"))  # type: ignore[attr-defined]
    db.session.commit()
    asked = client.get("/account/tokens")
    assert asked.location == "/account/again?next=%2Faccount%2Ftokens"
    assert "Acme &amp; Co" in client.get(asked.location).get_data(as_text=True)
    provider.claims = {"auth_time": int(time.time()) - 4000}
    refused = go(client, "/account/again/with/acme?next=/account/tokens")
    assert refused.status_code == 400
    assert "did not ask you again" in refused.get_data(as_text=True)
    provider.claims = {}
    assert go(client, "/account/again/with/acme?next=/account/tokens").location == "/account/tokens"
    assert client.get("/account/tokens").status_code == 200


# What is wrong

TAMPERED: dict[str, tuple[dict[str, Any], str, str]] = {
    "issuer": ({"iss": "https://evil.example"}, "", "somebody else than the provider"),
    "audience": ({"aud": "another-site"}, "", "meant for another site"),
    "one audience among others": (
        {"aud": ["another-site", CLIENT], "azp": "another-site"},
        "",
        "meant for another site",
    ),
    "nonce": ({"nonce": "of another attempt"}, "", "another attempt than yours"),
    "no nonce": ({"nonce": None}, "", "lacks something"),
    "expiry": ({"exp": int(time.time()) - 3600}, "", "too old"),
    "no expiry": ({"exp": None}, "", "lacks something"),
    "issued tomorrow": ({"iat": int(time.time()) + 86400}, "", "clock is wrong"),
    "no subject": ({"sub": None}, "", "lacks something"),
    "algorithm none": ({}, "unsigned", "signed in a way that we do not accept"),
    "algorithm HS256, our secret": ({}, "with_the_shared_secret", "signed in a way that we do not accept"),
    "algorithm HS256, public key": ({}, "with_the_public_key_as_a_secret", "signed in a way that we do not accept"),
    "signature of another key": ({}, "with_another_key", "signature of the answer"),
    "body changed": ({}, "changed_afterwards", "signature of the answer"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_token_is_refused_with_a_clear_page(client: FlaskClient, provider: Provider, what: str) -> None:
    provider.claims, signer, sentence = TAMPERED[what]
    provider.sign = getattr(provider, signer) if signer else provider.honestly
    answer = go(client)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert sentence in page
    assert "We did not believe the answer of Acme &amp; Co." in page
    assert not is_in(client)
    assert queries.member_by_email("marta@example.org") is None


def test_the_same_answer_is_not_taken_twice(client: FlaskClient, provider: Provider) -> None:
    leaving = client.get("/sign-in/with/acme")
    back = path_back(leaving.location)
    assert client.get(back).status_code == 302
    send(client, "/sign-out", "/account")
    answer = client.get(back)
    assert answer.status_code == 400
    assert "another attempt" in answer.get_data(as_text=True)
    assert not is_in(client)


def test_an_answer_opens_only_the_browser_that_asked(app: Flask, client: FlaskClient, provider: Provider) -> None:
    thief = app.test_client()
    theirs = path_back(thief.get("/sign-in/with/acme").location)
    client.get("/sign-in/with/acme")
    assert client.get(theirs).status_code == 400
    assert not is_in(client)


def test_an_answer_from_another_provider_is_refused(client: FlaskClient, provider: Provider) -> None:
    provider.also = {"iss": "https://evil.example"}
    answer = go(client)
    assert answer.status_code == 400
    assert "somebody else than the provider" in answer.get_data(as_text=True)


def test_a_code_is_worth_nothing_without_what_only_we_know(client: FlaskClient, provider: Provider) -> None:
    leaving = client.get("/sign-in/with/acme")
    asked = parse_qs(urlsplit(leaving.location).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"nonce", "state", "code_challenge"} <= set(asked)
    back = path_back(leaving.location)
    provider.codes[parse_qs(urlsplit(back).query)["code"][0]]["code_challenge"] = "of somebody else"
    assert client.get(back).status_code == 400


def test_a_provider_that_bears_another_name_is_refused(client: FlaskClient, provider: Provider) -> None:
    provider.calls_itself = "https://evil.example"
    answer = client.get("/sign-in/with/acme")
    assert answer.status_code == 400
    assert "somebody else than the provider" in answer.get_data(as_text=True)


def test_a_provider_on_a_private_address_is_never_asked(app: Flask, client: FlaskClient, provider: Provider) -> None:
    (one,) = app.config["PORTAL_OIDC_PROVIDERS"]
    app.config["PORTAL_OIDC_PROVIDERS"] = (config.OidcProvider(**{
        **{name: getattr(one, name) for name in one.__slots__}, "allow_private": False, "issuer": one.issuer.replace("http:", "https:"),
    }),)  # fmt: skip
    answer = client.get("/sign-in/with/acme")
    assert answer.status_code == 400
    assert "does not answer as it should" in answer.get_data(as_text=True)
    assert provider.asked == []


def test_somebody_who_changed_her_mind_is_told_so(client: FlaskClient, provider: Provider) -> None:
    state = parse_qs(urlsplit(client.get("/sign-in/with/acme").location).query)["state"][0]
    answer = client.get(f"/sign-in/with/acme/back?error=access_denied&state={state}")
    assert answer.location == "/sign-in"
    assert "changed your mind" in client.get("/sign-in").get_data(as_text=True)


def test_a_provider_that_nobody_named_does_not_exist(client: FlaskClient) -> None:
    assert client.get("/sign-in/with/acme").status_code == 404


# Settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"PORTAL_OIDC_ACME_ISSUER": ""}, "ISSUER must be set"),
        ({"PORTAL_OIDC_ACME_CLIENT_ID": ""}, "CLIENT_ID must be set"),
        ({"PORTAL_OIDC_ACME_ISSUER": "http://acme.example"}, "must begin with https"),
        ({"PORTAL_OIDC_ACME_ALGORITHMS": "HS256"}, "public key"),
        ({"PORTAL_OIDC_ACME_ALGORITHMS": "RS256,none"}, "public key"),
        ({"PORTAL_OIDC": "a-b"}, "cannot be a name"),
    ],
)
def test_settings_that_are_not_safe_are_refused(wrong: dict[str, str], said: str) -> None:
    right = {
        "PORTAL_OIDC": "acme",
        "PORTAL_OIDC_ACME_ISSUER": "https://acme.example",
        "PORTAL_OIDC_ACME_CLIENT_ID": CLIENT,
    }
    assert config.oidc_providers(right)[0].label == "Acme"
    with pytest.raises(config.Unsafe, match=said):
        config.oidc_providers({**right, **wrong})


def test_doctor_knows_the_settings_of_each_provider() -> None:
    names = {one.name: one for one in config.settings_of({"PORTAL_OIDC": "acme"})}
    assert names["PORTAL_OIDC_ACME_CLIENT_SECRET"].secret
    assert "PORTAL_OIDC_ACME_ISSUER" in names
