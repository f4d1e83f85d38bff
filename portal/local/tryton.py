"""A Tryton server on this machine, for trying the portal and for its tests.

Tryton lives in a virtual environment of its own, ``.venv-tryton``, with our module of ``integrations/tryton``.
The portal never imports it: they meet over JSON-RPC only. Building the database takes some twenty seconds, so
it is built once, as a template beside the environment, and copied for each use.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.crm.gateways.tryton import Rpc

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "integrations" / "tryton"
HOME = ROOT / ".venv-tryton"
DATABASE = "portal"
USER = "portal"
PASSWORD = "wool-and-words-8"  # noqa: S105 - of a server that listens on this machine alone
ADMIN = "admin"
START_SECONDS = 60.0
KNOWN_BY_COMPANY = ("crm_account", "crm_tier", "crm_spent", "crm_products", "crm_segment", "crm_revenue", "crm_since")


class CannotBuild(RuntimeError):
    """The environment or the database of Tryton could not be built; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a running Tryton is."""

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def settings(self) -> dict[str, str]:
        """Return the portal's settings that lead here."""
        return settings(self.url)


def settings(url: str) -> dict[str, str]:
    """Return the portal's settings for a local server at this address."""
    return {
        "PORTAL_CRM": "tryton",
        "PORTAL_CRM_URL": url,
        "PORTAL_CRM_DATABASE": DATABASE,
        "PORTAL_CRM_USER": USER,
        "PORTAL_CRM_PASSWORD": PASSWORD,
    }


def ensure_venv() -> Path:
    """Build the environment if it is not there or its lock has changed; return its folder.

    :raise CannotBuild: when packages cannot be fetched or installed.
    """
    wanted = _digest([SOURCE / "requirements.txt", SOURCE / "pyproject.toml"])
    mark = HOME / ".built"
    if mark.is_file() and mark.read_text() == wanted:
        return HOME
    venv.create(HOME, clear=True, with_pip=True)
    python = _program("python")
    _run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt"])
    _run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", "."])
    mark.write_text(wanted)
    return HOME


def ensure_template() -> Path:
    """Build the database that every use copies, if our module has changed since; return its file.

    :raise CannotBuild: when Tryton refuses.
    """
    ensure_venv()
    sources = [path for path in SOURCE.rglob("*") if path.suffix in {".py", ".xml", ".cfg", ".txt"}]
    template = HOME / "templates" / f"{_digest(sorted(sources))}.sqlite"
    if template.is_file():
        return template
    shutil.rmtree(template.parent, ignore_errors=True)
    template.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / f"{DATABASE}.sqlite"
        database.touch()
        config = _write_config(folder, port=0)
        _create_database(folder, config)
        _run([_program("python"), str(SOURCE / "provision.py"), str(config), DATABASE, USER], say=PASSWORD)
        _fold_log(database)
        shutil.copyfile(database, template.with_suffix(".part"))
    template.with_suffix(".part").rename(template)
    return template


def prepare(folder: Path, port: int) -> list[str]:
    """Make a database of its own in ``folder``, or bring the one that is there up to date with our module.

    Return the command that serves it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database, mark = folder / f"{DATABASE}.sqlite", folder / ".module"
    template = ensure_template()
    config = _write_config(folder, port)
    if not database.is_file():
        shutil.copyfile(template, database)
    elif not mark.is_file() or mark.read_text() != template.stem:
        _run([_program("trytond-admin"), "-c", str(config), "-d", DATABASE, "-u", "portal"])
    mark.write_text(template.stem)
    return [_program("trytond"), "-c", str(config), "-d", DATABASE]


@contextmanager
def serving(folder: Path, port: int | None = None) -> Iterator[Server]:
    """Run a server for as long as the block lasts.

    :raise CannotBuild: when it cannot be built or does not answer.
    """
    port = port or free_port()
    command = prepare(folder, port)
    with (folder / "trytond.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment())
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield Server(url=url, folder=folder, process=process)
    finally:
        process.terminate()
        process.wait(10)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait until the server answers a log-in.

    :raise CannotBuild: when it has ended, or is silent for a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    error: Exception | None = None
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            with Rpc(url, DATABASE, USER, PASSWORD) as rpc:
                rpc.call("model.portal.exchange.describe")
        except Exception as failure:  # noqa: BLE001 - whatever it is, it may pass
            error = failure
            time.sleep(0.3)
        else:
            return
    message = f"Tryton at {url} does not answer: {error}"
    raise CannotBuild(message)


def fill(url: str, demo: Path) -> dict[str, int]:
    """Give Tryton the demo community's accounts and contacts, as a CRM has them; again adds none.

    A party that the portal made before is given only what the company knows of it.
    """
    organisations, members = _read(demo / "organisations.jsonl"), _read(demo / "members.jsonl")
    with Rpc(url, DATABASE, ADMIN, PASSWORD) as rpc:
        accounts = _put(rpc, [_account(o) for o in organisations])
        ids = _ids_by_code(rpc)
        codes = {o["key"]: o["crm"]["account_id"] for o in organisations}
        contacts = _put(
            rpc, [_contact(m, ids.get(codes.get(m["organisation"], ""))) for m in members if _contact_id(m)]
        )
        _give_owners(rpc, organisations, members)
    return {"accounts": accounts, "contacts": contacts}


def _put(rpc: Rpc, rows: list[dict[str, Any]]) -> int:
    """Create these parties, and complete those that lack what the company knows; return how many were new."""
    fields = ["id", "code", *KNOWN_BY_COMPANY]
    known = {r["code"]: r for r in rpc.call("model.party.party.search_read", [], 0, None, None, fields)}
    if new := [row for row in rows if row["code"] not in known]:
        rpc.call("model.party.party.create", new)
    parts: list[Any] = []
    for row in rows:
        party = known.get(row["code"])
        if party and not any(party[name] for name in KNOWN_BY_COMPANY):
            parts += [[party["id"]], {name: row[name] for name in KNOWN_BY_COMPANY if name in row}]
    if parts:
        rpc.call("model.party.party.write", *parts)
    return len(new)


def _ids_by_code(rpc: Rpc) -> dict[str, int]:
    rows = rpc.call("model.party.party.search_read", [], 0, None, None, ["id", "code"])
    return {row["code"]: row["id"] for row in rows}


def _contact_id(member: Mapping[str, Any]) -> str | None:
    proven = [i for i in member["identities"] if i["kind"] == "crm_contact" and i["verified"]]
    return str(proven[0]["value"]) if proven else None


def _account(organisation: Mapping[str, Any]) -> dict[str, Any]:
    crm = organisation["crm"]
    return {
        "portal_kind": "organisation",
        "code": crm["account_id"],
        "name": organisation["name"],
        "crm_segment": crm["segment"],
        "crm_revenue": {"__class__": "Decimal", "decimal": str(crm["revenue_eur"])},
        "crm_since": _date(crm["since"]),
        "addresses": [],
    }


def _contact(member: Mapping[str, Any], account: int | None) -> dict[str, Any]:
    crm = member["crm"] or {}
    spent = crm.get("spent_eur")
    return {
        "portal_kind": "person",
        "code": _contact_id(member),
        "name": member["name"],
        "crm_account": account,
        "crm_tier": crm.get("tier"),
        "crm_spent": None if spent is None else {"__class__": "Decimal", "decimal": str(spent)},
        "crm_products": ", ".join(crm.get("products_owned", [])),
        "contact_mechanisms": [["create", [{"type": "email", "value": member["email"]}]]],
        "addresses": [],
    }


def _date(text: str) -> dict[str, Any]:
    year, month, day = (int(part) for part in text.split("-"))
    return {"__class__": "date", "year": year, "month": month, "day": day}


def _give_owners(rpc: Rpc, organisations: list[dict[str, Any]], members: list[dict[str, Any]]) -> None:
    ids = _ids_by_code(rpc)
    contacts = {m["key"]: _contact_id(m) for m in members}
    parts: list[Any] = []
    for organisation in organisations:
        owner = ids.get(contacts.get(organisation["crm"].get("owner")) or "")
        if owner:
            parts += [[ids[organisation["crm"]["account_id"]]], {"crm_owner": owner}]
    if parts:
        rpc.call("model.party.party.write", *parts)


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _create_database(folder: Path, config: Path) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    admin = [_program("trytond-admin"), "-c", str(config), "-d", DATABASE, "-u", "portal"]
    _run(
        [*admin, "--activate-dependencies", "--email", "admin@example.org", "--password"],
        extra={"TRYTONPASSFILE": str(secret)},
    )


def _fold_log(database: Path) -> None:
    """Fold SQLite's write-ahead log into the file, so that one file is the whole database."""
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _write_config(folder: Path, port: int) -> Path:
    config = folder / "trytond.conf"
    config.write_text(
        "[database]\nuri = sqlite://\n"
        f"path = {str(folder).replace('%', '%%')}\n"
        f"[web]\nlisten = 127.0.0.1:{port}\n"
        "[session]\nmax_attempt = 100\n"
    )
    return config


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _program(name: str) -> str:
    return str(HOME / "bin" / name)


def _environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    outside = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "DATABASE_URL"}
    return {k: v for k, v in os.environ.items() if k not in outside} | dict(extra or {})


def _run(command: list[str], *, say: str = "", extra: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=SOURCE, env=_environment(extra), input=say.encode(), capture_output=True, check=False
    )
    if done.returncode:
        message = f"{Path(command[0]).name} failed: {done.stderr.decode(errors='replace')[-2000:]}"
        raise CannotBuild(message)


if __name__ == "__main__":
    print(f"Tryton is ready: {ensure_template()}")  # noqa: T201 - what `make tryton` says
