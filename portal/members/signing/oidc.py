"""Signing in with an account elsewhere, by OpenID Connect: the code flow with PKCE, as a confidential or public client.

Whatever a provider says is checked before it is believed: its own name, whom the token is for, the question it answers
(nonce), the algorithm (never one with a shared key, never none), the signature, the time. Every request goes through
`kernel.guard`.
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _l

from portal.config import OidcProvider
from portal.kernel.guard import guarded_client

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
KEPT = 600.0
"""Seconds for which a provider's description and keys are believed."""
LEEWAY = 60
PATIENCE = 10.0
LONGEST = 512 * 1024


class NotProven(Exception):
    """A provider's answer is not believed; the sentence says what was wrong with it."""

    def __init__(self, sentence: object, detail: str) -> None:
        super().__init__(detail)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is, by the word of a provider that was checked."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    lang: str | None


@dataclass(slots=True)
class _Known:
    """What a provider says of itself, and its keys."""

    description: dict[str, Any]
    at: float
    keys: dict[str, Any] = field(default_factory=dict)
    keys_at: float = 0.0


def providers() -> Iterator[OidcProvider]:
    """Yield the providers of the settings, in their order."""
    yield from current_app.config.get("PORTAL_OIDC_PROVIDERS", ())


def provider(name: str) -> OidcProvider | None:
    """Return the provider with this name."""
    return next((one for one in providers() if one.name == name), None)


def begin(one: OidcProvider, *, back: str, again: bool = False) -> tuple[str, dict[str, str]]:
    """Return where to send the browser, a `state` still to be added, and what the way back must remember.

    :param back: our address to which the provider sends the browser.
    :param again: ask the provider to make her prove herself anew.
    :raise NotProven: when the provider cannot be reached, or describes itself wrongly.
    """
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    described = _known(one).description
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    wanted = {
        "response_type": "code",
        "client_id": one.client_id,
        "redirect_uri": back,
        "scope": one.scopes,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    address = str(described["authorization_endpoint"])
    return address + ("&" if "?" in address else "?") + urlencode(wanted), {"nonce": nonce, "verifier": verifier}


def finish(one: OidcProvider, *, code: str, back: str, memory: Mapping[str, Any], sender: str | None) -> Person:
    """Exchange the code and return who it is.

    :param memory: what `begin` said must be remembered; ``again`` is when a new proof was asked for.
    :param sender: the issuer that the browser came back with (RFC 9207), if it did.
    :raise NotProven: when anything is not as it must be.
    """
    if sender is not None and sender != one.issuer:
        raise _wrong("issuer", f"the browser came back from {sender}")
    described = _known(one).description
    answer = _exchange(one, described, code=code, back=back, verifier=str(memory["verifier"]))
    token, access = answer.get("id_token"), answer.get("access_token")
    if not isinstance(token, str):
        raise _wrong("missing", "no id_token")
    claims = _checked(one, token, nonce=str(memory["nonce"]), access=access if isinstance(access, str) else None)
    if memory.get("again") and float(claims.get("auth_time") or 0) < float(memory["again"]) - LEEWAY:
        raise _wrong("stale", "auth_time is before the question")
    if "email" not in claims and "userinfo_endpoint" in described and isinstance(access, str):
        claims = {**_userinfo(one, described, access, str(claims["sub"])), **claims}
    return _person(one, claims)


def _checked(one: OidcProvider, token: str, *, nonce: str, access: str | None) -> dict[str, Any]:
    """Return the claims of a token whose signature and claims are all in order."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import errors, jwt

    allowed = [name for name in one.algorithms if name in ASYMMETRIC]
    try:
        found = jwt.decode(token, _keys(one, _kid_of(token)), algorithms=allowed)
        claims = CodeIDToken(
            found.claims,
            found.header,
            {
                "iss": {"essential": True, "value": one.issuer},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": one.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": one.client_id, "access_token": access},
        )
        claims.validate(int(time.time()), LEEWAY)
    except errors.InvalidClaimError as error:
        raise _wrong(_CLAIMS.get(error.claim, "claims"), str(error)) from error
    except errors.MissingClaimError as error:
        raise _wrong("missing", str(error)) from error
    except errors.ExpiredTokenError as error:
        raise _wrong("expired", str(error)) from error
    except errors.UnsupportedAlgorithmError as error:
        raise _wrong("algorithm", str(error)) from error
    except (errors.JoseError, ValueError, TypeError, KeyError) as error:
        raise _wrong("signature", f"{type(error).__name__}: {error}") from error
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:  # noqa: PLR2004 - OpenID Connect Core, 2
        raise _wrong("claims", "sub")
    return dict(claims)


def _exchange(
    one: OidcProvider, described: Mapping[str, Any], *, code: str, back: str, verifier: str
) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    methods = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if one.client_secret and "client_secret_basic" in methods:
        from urllib.parse import quote

        return _ask(
            one, "POST", str(described["token_endpoint"]), data=form,
            auth=(quote(one.client_id, safe=""), quote(one.client_secret, safe="")),
        )  # fmt: skip
    form |= {"client_id": one.client_id, **({"client_secret": one.client_secret} if one.client_secret else {})}
    return _ask(one, "POST", str(described["token_endpoint"]), data=form)


def _userinfo(one: OidcProvider, described: Mapping[str, Any], access: str, subject: str) -> dict[str, Any]:
    said = _ask(one, "GET", str(described["userinfo_endpoint"]), headers={"Authorization": f"Bearer {access}"})
    if said.get("sub") != subject:
        raise _wrong("claims", "userinfo speaks of somebody else")
    return {name: said[name] for name in ("email", "email_verified", "name", "locale") if name in said}


def _person(one: OidcProvider, claims: Mapping[str, Any]) -> Person:
    email, name, locale = claims.get("email"), claims.get("name"), claims.get("locale")
    return Person(
        issuer=one.issuer,
        subject=str(claims["sub"]),
        email=email if isinstance(email, str) and email else None,
        email_verified=claims.get("email_verified") is True,
        name=name if isinstance(name, str) else "",
        lang=locale[:2].casefold() if isinstance(locale, str) else None,
    )


def _known(one: OidcProvider) -> _Known:
    """Return a provider's own description, which must bear the name that the settings give it."""
    known: dict[str, _Known] = current_app.extensions.setdefault("oidc", {})
    found = known.get(one.issuer)
    if found is None or time.monotonic() - found.at > KEPT:
        said = _ask(one, "GET", one.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if said.get("issuer") != one.issuer:
            raise _wrong("issuer", f"it calls itself {said.get('issuer')}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _must_be_safe(one, str(said.get(name) or ""))
        found = known[one.issuer] = _Known(said, time.monotonic())
    return found


def _keys(one: OidcProvider, kid: str | None) -> Any:
    """Return the provider's keys; asked for again when it signs with one that we have not seen."""
    from joserfc.jwk import KeySet

    known = _known(one)
    age = time.monotonic() - known.keys_at
    unseen = kid is not None and kid not in {key.get("kid") for key in known.keys.get("keys", ())}
    if not known.keys or age > KEPT or (unseen and age > 1):
        known.keys = _ask(one, "GET", str(known.description["jwks_uri"]))
        known.keys_at = time.monotonic()
    return KeySet.import_key_set({"keys": known.keys["keys"]})


def _kid_of(token: str) -> str | None:
    from joserfc.jws import extract_compact

    kid = extract_compact(token.encode()).headers().get("kid")
    return kid if isinstance(kid, str) else None


def _must_be_safe(one: OidcProvider, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (one.allow_private and parts.scheme == "http"):
        raise _wrong("unsafe", f"{address!r} is not https")


def _ask(one: OidcProvider, method: str, address: str, **more: Any) -> dict[str, Any]:
    """Return the JSON object that a provider answers.

    :raise NotProven: when it is away, answers with an error, with too much, or with something else.
    """
    import httpx

    _must_be_safe(one, address)
    try:
        with (
            guarded_client(allow_private=one.allow_private, timeout=PATIENCE) as client,
            client.stream(method, address, headers={"Accept": "application/json", **more.pop("headers", {})}, **more)
            as answer,
        ):  # fmt: skip
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LONGEST:
                    raise _wrong("away", f"{address} answers with too much")
            if answer.status_code != httpx.codes.OK:
                raise _wrong("away", f"{address} answers {answer.status_code}: {body[:200]!r}")
        said = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _wrong("away", f"{address}: {type(error).__name__}: {error}") from error
    if not isinstance(said, dict):
        raise _wrong("away", f"{address} answers no object")
    return said


_CLAIMS = {"iss": "issuer", "aud": "audience", "azp": "audience", "nonce": "nonce", "exp": "expired", "iat": "expired"}
_SENTENCES = {
    "issuer": _l("The answer comes from somebody else than the provider you chose."),
    "audience": _l("The answer was meant for another site, not for us."),
    "nonce": _l("The answer belongs to another attempt than yours."),
    "expired": _l("The answer is too old, or its clock is wrong."),
    "algorithm": _l("The answer is signed in a way that we do not accept."),
    "signature": _l("The signature of the answer is not the provider’s."),
    "missing": _l("The answer lacks something that it must contain."),
    "claims": _l("The answer contradicts itself."),
    "stale": _l("The provider did not ask you again who you are."),
    "unsafe": _l("The provider uses an address that is not safe."),
    "away": _l("The provider does not answer as it should at the moment."),
}


def _wrong(key: str, detail: str) -> NotProven:
    return NotProven(_SENTENCES[key], f"{key}: {detail}")
