"""Settings: read from the environment, each with what it is for; `portal doctor` lists them.

A setting may be given by a file instead: ``SECRET_KEY_FILE=/run/secrets/key`` is read for ``SECRET_KEY``.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BODY_MOST = 30_000_000
"""Bytes of any request: two pictures with a form. What takes less says so itself."""
DEVELOPMENT_SECRETS = {"", "development-only", "secret", "changeme"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the environment."""

    name: str
    default: str
    what: str
    secret: bool = False


SETTINGS = (
    Setting(
        "PORTAL_ENV", "development", "development, testing or production; unsafe settings are refused in production"
    ),
    Setting("PORTAL_HOST", "127.0.0.1", "address to listen on"),
    Setting("PORTAL_PORT", "8000", "port to listen on"),
    Setting("PORTAL_DATA_DIR", "var", "embedded databases, uploads, models"),
    Setting("PORTAL_WEB_WORKERS", "2", "processes that serve pages"),
    Setting("PORTAL_WEB_THREADS", "4", "threads of each"),
    Setting("PORTAL_DEMO", "1", "0 starts with an empty community"),
    Setting("PORTAL_URL", "", "public address, for links in mails and feeds; http://HOST:PORT by default"),
    Setting("PORTAL_NAME", "Lanaviva", "name of the community"),
    Setting(
        "PORTAL_HEADLINE_IT",
        "La lana la facciamo noi.|Che cosa farne, lo decidiamo insieme.",
        "front page; | ends a line",
    ),
    Setting("PORTAL_HEADLINE_EN", "We make the wool.|What to make of it, we decide together.", "the same in English"),
    Setting("PORTAL_IMPRINT", "", "who runs the community, at the foot of each page; its name by default"),
    Setting("PORTAL_BRAND_CSS", "", "address of a style sheet that sets the brand's hue, logo and radius"),
    Setting("PORTAL_READER_CACHE", "", "1 keeps pages for readers ready, 0 does not; 1 by default, 0 in tests"),
    Setting("PORTAL_LOG", "", "json or plain; plain on a terminal, json elsewhere by default"),
    Setting("PORTAL_METRICS_TOKEN", "", "lets a scraper elsewhere read /metrics", secret=True),
    Setting("DATABASE_URL", "", "PostgreSQL; without it `portal up` starts one of its own"),
    Setting("REDIS_URL", "", "Redis or Valkey; without it `portal up` starts one of its own", secret=False),
    Setting("SECRET_KEY", "", "signs sessions; made and kept in the data folder in development", secret=True),
    Setting(
        "SECRET_KEY_FALLBACKS",
        "",
        "older keys, the latest first, joined by commas: what they signed holds until they are taken out",
        secret=True,
    ),
    Setting("PORTAL_SECURITY_CONTACT", "", "address for those who find a hole, shown on /safety and in security.txt"),
    Setting(
        "PORTAL_HOSTS",
        "",
        "further names that the portal may be called by, joined by commas; in production others are refused",
    ),
    Setting(
        "PORTAL_MAIL_URL",
        "",
        "mail server: smtp[s|+starttls]://user:password@host:port; without it mails are kept in the data folder in "
        "development, and none are sent in production",
        secret=True,
    ),
    Setting("PORTAL_MAIL_FROM", "", "address that the portal's mails come from"),
    Setting(
        "PORTAL_PUSH_KEY",
        "",
        "private key (PEM, P-256) that push services know us by; made and kept in the data folder in development",
        secret=True,
    ),
    Setting("PORTAL_PUSH_ALLOW_PRIVATE", "0", "1 lets push services be on private addresses: for tests"),
    Setting(
        "PORTAL_SIGN_UP_WITHOUT_MAIL", "0", "1 lets people sign up in production without a mail server, unconfirmed"
    ),
    Setting(
        "PORTAL_STAFF_SECOND_FACTOR",
        "",
        "1: roles of staff open nothing without a second proof; 0: they do; 1 by default in production only",
    ),
    Setting(
        "PORTAL_OIDC",
        "",
        "providers to sign in with, names joined by commas; each has PORTAL_OIDC_<NAME>_ISSUER, …_CLIENT_ID, "
        "…_CLIENT_SECRET, and if need be …_LABEL, …_SCOPES, …_ALGORITHMS",
    ),
    Setting("PORTAL_OIDC_ALLOW_PRIVATE", "0", "1 lets providers be on private addresses and without https: for tests"),
    Setting(
        "PORTAL_GUESTS",
        "1",
        "guests may vote, propose and ask, and confirm by mail: 1 on public boards, 0 nowhere, or their keys",
    ),
    Setting(
        "PORTAL_UPLOADS_URL", "", "host that gives pictures and files: https://files.example.org; our own by default"
    ),
    Setting("PORTAL_PROXIES", "0", "number of trusted proxies in front, for the client's address"),
    Setting("PORTAL_CRM", "none", "tryton, webhook or none"),
    Setting("PORTAL_CRM_URL", "", "address of the CRM's interface"),
    Setting("PORTAL_CRM_DATABASE", "", "name of the CRM's database"),
    Setting("PORTAL_CRM_USER", "", "user of the CRM"),
    Setting("PORTAL_CRM_PASSWORD", "", "password of the CRM's user", secret=True),
    Setting("PORTAL_CRM_SECRET", "", "signs what the webhook gateway sends (Standard Webhooks)", secret=True),
    Setting("PORTAL_CRM_CALLS_A_DAY", "0", "most calls to the CRM a day; 0 means any number"),
    Setting("PORTAL_CRM_CALLS_A_SECOND", "0", "most calls to the CRM a second; 0 means any number"),
    Setting("PORTAL_CRM_ALLOW_PRIVATE", "0", "1 lets the CRM be on a private address"),
)


OF_A_PROVIDER = (
    ("ISSUER", "", "its own name: the address below which it describes itself", False),
    ("CLIENT_ID", "", "what it calls us", False),
    ("CLIENT_SECRET", "", "how it knows us; without one, by PKCE alone", True),
    ("LABEL", "", "what its button says; its name by default", False),
    ("SCOPES", "openid email profile", "what we ask to know", False),
    ("ALGORITHMS", "RS256,ES256", "with what it may sign; never with a shared key", False),
)
_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """Somebody by whose word members sign in."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    algorithms: tuple[str, ...]
    allow_private: bool


class Unsafe(ValueError):
    """A setting that must not be used outside development."""


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the environment as Flask's configuration.

    :raise Unsafe: for settings that production must not have.
    """
    values = {setting.name: _value(setting, environ) for setting in SETTINGS}
    known = set(values)
    extra = {k: v for k, v in environ.items() if k.startswith("PORTAL_") and k not in known}
    config: dict[str, Any] = {**extra, **values}
    data = Path(values["PORTAL_DATA_DIR"]).absolute()
    config["PORTAL_DATA_DIR"] = str(data)
    config["SECRET_KEY"] = _secret_key(values, data)
    config["SQLALCHEMY_DATABASE_URI"] = database_url(values["DATABASE_URL"])
    config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": 10,
        "pool_use_lifo": True,
        "connect_args": {"connect_timeout": 5, "application_name": "portal"},
    }
    config["PORTAL_URL"] = values["PORTAL_URL"] or f"http://{values['PORTAL_HOST']}:{values['PORTAL_PORT']}"
    config["MAX_CONTENT_LENGTH"] = BODY_MOST
    config["SECRET_KEY_FALLBACKS"] = _words(values["SECRET_KEY_FALLBACKS"])
    config["TRUSTED_HOSTS"] = _hosts(values)
    config["DEVELOPMENT"] = values["PORTAL_ENV"] == "development"
    config["PORTAL_OIDC_PROVIDERS"] = oidc_providers(environ)
    config["STAFF_SECOND_FACTOR"] = _is_on(values["PORTAL_STAFF_SECOND_FACTOR"], values["PORTAL_ENV"] == "production")
    return config


def settings_of(environ: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return all settings, those of the providers that `PORTAL_OIDC` names among them."""
    return SETTINGS + tuple(
        Setting(f"PORTAL_OIDC_{name.upper()}_{key}", default, f"{name}: {what}", secret)
        for name in _provider_names(environ)
        for key, default, what, secret in OF_A_PROVIDER
    )


def oidc_providers(environ: Mapping[str, str]) -> tuple[OidcProvider, ...]:
    """Return the providers to sign in with.

    :raise Unsafe: for one whose settings are not complete, or that may sign with a shared key or not at all.
    """
    return tuple(_provider(name, environ) for name in _provider_names(environ))


def _provider_names(environ: Mapping[str, str]) -> list[str]:
    named = next(one for one in SETTINGS if one.name == "PORTAL_OIDC")
    return [name.strip().lower() for name in _value(named, environ).split(",") if name.strip()]


def _provider(name: str, environ: Mapping[str, str]) -> OidcProvider:
    said = {
        key: _value(Setting(f"PORTAL_OIDC_{name.upper()}_{key}", default, what), environ)
        for key, default, what, _secret in OF_A_PROVIDER
    }
    private = next(one for one in SETTINGS if one.name == "PORTAL_OIDC_ALLOW_PRIVATE")
    allow_private = _value(private, environ) == "1"
    algorithms = tuple(word.strip() for word in said["ALGORITHMS"].split(",") if word.strip())
    if not _PROVIDER_NAME.fullmatch(name) or name == "allow":
        raise Unsafe(f"PORTAL_OIDC: {name!r} cannot be a name; use letters, figures and _.")
    for key in ("ISSUER", "CLIENT_ID"):
        if not said[key]:
            raise Unsafe(f"PORTAL_OIDC_{name.upper()}_{key} must be set, because PORTAL_OIDC names {name}.")
    if not said["ISSUER"].startswith("https://") and not allow_private:
        raise Unsafe(f"PORTAL_OIDC_{name.upper()}_ISSUER must begin with https://")
    if not algorithms or any(word.startswith("HS") or word.lower() == "none" for word in algorithms):
        raise Unsafe(f"PORTAL_OIDC_{name.upper()}_ALGORITHMS must name algorithms with a public key, such as RS256.")
    return OidcProvider(
        name=name,
        label=said["LABEL"] or name.capitalize(),
        issuer=said["ISSUER"],
        client_id=said["CLIENT_ID"],
        client_secret=said["CLIENT_SECRET"],
        scopes=said["SCOPES"],
        algorithms=algorithms,
        allow_private=allow_private,
    )


def _is_on(word: str, otherwise: bool) -> bool:  # noqa: FBT001 - what holds when nothing is said
    return otherwise if word == "" else word.casefold() in {"1", "true", "yes", "on"}


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _hosts(values: Mapping[str, str]) -> list[str] | None:
    """Return the names that requests may call the portal by; None (any) outside production."""
    if values["PORTAL_ENV"] != "production" or not values["PORTAL_URL"]:
        return None
    ours = (urlsplit(values[name]).hostname for name in ("PORTAL_URL", "PORTAL_UPLOADS_URL"))
    return [name for name in ours if name] + ["localhost", "127.0.0.1", *_words(values["PORTAL_HOSTS"])]


def _value(setting: Setting, environ: Mapping[str, str]) -> str:
    if path := environ.get(f"{setting.name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(setting.name, setting.default)


def database_url(url: str) -> str:
    """Return the address with the driver that is installed: psycopg 3."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _secret_key(values: Mapping[str, str], data: Path) -> str:
    key = values["SECRET_KEY"]
    if values["PORTAL_ENV"] == "production":
        if key in DEVELOPMENT_SECRETS:
            message = "SECRET_KEY must be set to a long random text in production."
            raise Unsafe(message)
        return key
    return key or _kept_key(data / "secret_key")


def _kept_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
