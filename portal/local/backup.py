"""Back up a community into one file, and restore it: the database, and the data folder's own files.

The broker is not in it: it holds nothing that cannot be made again from the database.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from portal.local.addresses import conninfo
from portal.local.binaries import find_postgres
from portal.local.errors import LocalError
from portal.local.places import Places

FORMAT = 1
NOT_OURS = {"postgres", "valkey", "account", "run", "log", "tryton"}
DUMP, NOTES, FILES = "database.dump", "about.json", "files"
ERASED = "erasures.jsonl"
"""The list of hashes of those who were erased; see `portal.members.privacy.tombstones`."""


def back_up(url: str, place: Places, target: Path) -> dict[str, Any]:
    """Write everything into one file that only this user can read; return what is in it.

    :raise LocalError: when the database cannot be dumped.
    """
    part = target.with_name(f"{target.name}.part")
    about = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "migration": _migration(url)}
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / DUMP
        _run("pg_dump", url, "--format=custom", "--no-owner", f"--file={dump}")
        part.touch(mode=0o600)
        names = list(_own_files(place))
        about |= {"files": len(names), "database_bytes": dump.stat().st_size}
        with tarfile.open(part, "w:gz", compresslevel=3) as box:
            notes = json.dumps(about).encode()
            entry = tarfile.TarInfo(NOTES)
            entry.size = len(notes)
            box.addfile(entry, io.BytesIO(notes))
            box.add(dump, DUMP)
            for name in names:
                box.add(place.data / name, f"{FILES}/{name}")
    part.replace(target)
    return about | {"file": str(target), "bytes": target.stat().st_size}


def restore(url: str, place: Places, source: Path, *, replace: bool = False) -> dict[str, Any]:
    """Bring a backup into a database and a data folder; all of the database or nothing.

    :raise LocalError: when the file is not a backup, or the database is not empty and may not be replaced.
    """
    if not replace and _migration(url):
        msg = "The database is not empty."
        raise LocalError(msg, "Restore with --replace to put the backup in its place.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with tarfile.open(source, "r:gz") as box:
                box.extractall(folder, filter="data")
            about: dict[str, Any] = json.loads((folder / NOTES).read_text())
        except (tarfile.TarError, OSError, ValueError) as error:
            msg = f"{source} is not a backup of the portal: {error}"
            raise LocalError(msg) from error
        if about["format"] != FORMAT:
            msg = f"{source} was made by another version of the portal."
            raise LocalError(msg, "Restore it with that version, then migrate.")
        gone = _erased(url) | _listed(place.data)
        _restore_database(url, folder)
        place.data.mkdir(parents=True, exist_ok=True)
        if (folder / FILES).is_dir():
            shutil.copytree(folder / FILES, place.data, dirs_exist_ok=True)
        _list(place.data, gone | _listed(place.data))
    return about


def _erased(url: str) -> set[str]:
    """Return who was erased from the database that is about to be replaced, as lines of the list of hashes."""
    with psycopg.connect(conninfo(url), connect_timeout=5) as link:
        there = link.execute("SELECT to_regclass('erasure')").fetchone()
        if not there or there[0] is None:
            return set()
        rows = link.execute("SELECT digest, texts FROM erasure").fetchall()
    return {json.dumps({"digest": digest, "texts": texts}) for digest, texts in rows}


def _listed(data: Path) -> set[str]:
    path = data / ERASED
    return set(path.read_text(encoding="utf-8").split("\n")) - {""} if path.is_file() else set()


def _list(data: Path, lines: set[str]) -> None:
    """Keep who was erased here, and who was when the backup was made: `erase_again` takes them out once more."""
    if lines:
        (data / ERASED).write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")


def _own_files(place: Places) -> Iterator[str]:
    if not place.data.is_dir():
        return
    for entry in sorted(place.data.iterdir()):
        if entry.name in NOT_OURS:
            continue
        if entry.is_dir():
            yield from (str(p.relative_to(place.data)) for p in sorted(entry.rglob("*")) if p.is_file())
        elif entry.is_file():
            yield entry.name


def _restore_database(url: str, folder: Path) -> None:
    """Put the dump in the place of everything that is there, in one transaction."""
    script = folder / "restore.sql"
    _run("pg_restore", "", "--no-owner", f"--file={script}", str(folder / DUMP))
    anew = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
    words = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    _run("psql", url, *words, f"--command={anew}", f"--file={script}")


def _run(program: str, url: str, *words: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, where no list of processes shows it."""
    environ, command = dict(os.environ), [find_postgres().program(program)]
    if url:
        command.append(f"--dbname={conninfo(url, with_password=False)}")
        environ |= {"PGPASSWORD": str(password)} if (password := make_url(url).password) else {}
    command += words
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        msg = f"{program} failed: {done.stderr.strip()[-500:]}"
        raise LocalError(msg, "Its version must not be older than the server's.")


def _migration(url: str) -> str:
    """Return the migration that the database is at; empty for an empty one."""
    with psycopg.connect(conninfo(url), connect_timeout=5) as link:
        there = link.execute("SELECT to_regclass('alembic_version')").fetchone()
        if not there or there[0] is None:
            return ""
        row = link.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""
