"""One embedded PostgreSQL: made, started, adopted. It listens on a socket that only this user can reach."""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg

from portal.local.binaries import Postgres, find_postgres
from portal.local.children import TETHER, is_alive
from portal.local.errors import LocalError
from portal.local.places import DATABASE, POSTGRES_PORT, ROLE, Places

BUILTIN_LOCALE_SINCE = 17
LONGEST_BASE = 70
ACCOUNTS = ("postgres", "nobody", "daemon")
SETTINGS = {
    "listen_addresses": "",
    "port": str(POSTGRES_PORT),
    "unix_socket_permissions": "0700",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
# For tests: a power cut may lose what was written, a killed process may not.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Footing:
    """As whom PostgreSQL runs, with which programs and on which folders: never as root."""

    programs: Postgres
    unprivileged: str
    data: Path
    run: Path


class PostgresServer:
    """The database of one data folder."""

    name = "PostgreSQL"
    end_signal = signal.SIGINT

    def __init__(self, places: Places, *, fast: bool = False) -> None:
        self.places, self.fast = places, fast
        self.footing = find_footing(places)
        self.log = places.log / "postgres.log"

    @property
    def unprivileged(self) -> str:
        """Return how root is given up: not at all, by a namespace, or for an account."""
        return self.footing.unprivileged

    def prepare(self) -> bool:
        """Make the database's folder when it is new; tell whether it was.

        :raise LocalError: when it cannot be made, or was made by another version.
        """
        version = self.footing.data / "PG_VERSION"
        self._forget_a_dead_owner()
        if not version.exists():
            self._initialise()
            return True
        found, ours = int(version.read_text()), self.footing.programs.major
        if found != ours:
            msg = f"{self.footing.data} was made by PostgreSQL {found}; this is {ours}."
            raise LocalError(msg, "Move it away, or bring it over with `portal backup` and `portal restore`.")
        return False

    def command(self) -> list[str]:
        """Return the server's command line: a list, so that any path does."""
        settings = {**SETTINGS, **(FAST if self.fast else {}), "unix_socket_directories": f'"{self.footing.run}"'}
        words = [self.footing.programs.program("postgres"), "-D", str(self.footing.data)]
        return words + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def running_pid(self) -> int | None:
        """Return the process that serves this folder already, if one does."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(self._pid_file.read_text().splitlines()[0])
            if is_alive(pid) and self._is_ours(pid):
                return pid
        return None

    def is_ready(self) -> bool:
        """Tell whether it answers, and make our database in it when it is not there yet."""
        try:
            with psycopg.connect(self._address("postgres"), connect_timeout=2, autocommit=True) as link:
                known = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not known:
                    link.execute(f'CREATE DATABASE "{DATABASE}"')
        except psycopg.OperationalError:
            return False
        return True

    def _address(self, database: str) -> str:
        host = str(self.footing.run).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={POSTGRES_PORT} user={ROLE} dbname={database}"

    @property
    def _pid_file(self) -> Path:
        return self.footing.data / "postmaster.pid"

    def _is_ours(self, pid: int) -> bool:
        """Tell whether the process is a PostgreSQL on this folder, not a later one of the same number."""
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return os.fsencode(self.footing.data) in words
        return self.is_ready()

    def _forget_a_dead_owner(self) -> None:
        """Remove the mark of a server that is gone, whose number another process may have by now."""
        if self._pid_file.exists() and self.running_pid() is None:
            self._pid_file.unlink(missing_ok=True)

    def _initialise(self) -> None:
        folder = self.footing.data
        if folder.exists() and any(folder.iterdir()):
            shutil.rmtree(folder)  # an initialisation that was cut short: it has no PG_VERSION
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        hand_to(folder, self.unprivileged)
        programs = self.footing.programs
        locale = ["--locale=C"]
        if programs.major >= BUILTIN_LOCALE_SINCE:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [programs.program("initdb"), *locale, "-E", "UTF8", "-U", ROLE, "-D", str(folder)]
        command += ["--auth-local=trust", "--auth-host=reject", *(["--no-sync"] if self.fast else [])]
        done = run_to_end(command, self.unprivileged)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            msg = f"initdb failed: {(done.stderr or done.stdout).strip()[-600:]}"
            raise LocalError(msg)


def run_to_end(command: list[str], unprivileged: str) -> subprocess.CompletedProcess[str]:
    """Run a program that must not be root, and return what it said."""
    tether = [sys.executable, "-I", "-S", str(TETHER), "--parent", str(os.getpid())]
    if unprivileged:
        tether += ["--unprivileged", unprivileged]
    environ = {**os.environ, "LC_ALL": "C"}
    return subprocess.run([*tether, "--", *command], capture_output=True, text=True, check=False, env=environ, cwd="/")


def find_footing(places: Places) -> Footing:
    """Return as whom and where PostgreSQL can run for this data folder.

    A plain user just runs it. Root enters a user namespace, in which its own files stay its own; where the
    kernel refuses that, an account without rights runs it in a folder that the account can reach.
    """
    programs = find_postgres()
    if os.geteuid() != 0:
        return Footing(programs, "", places.postgres, places.run)
    if run_to_end([programs.program("postgres"), "--version"], "namespace").returncode == 0:
        return Footing(programs, "namespace", places.postgres, places.run)
    return _footing_of_account(places, programs)


def _footing_of_account(places: Places, programs: Postgres) -> Footing:
    """Return the footing of an account without rights, below a folder that it can reach."""
    account = next((found for name in ACCOUNTS if (found := _account(name))), None)
    if account is None or places.postgres.exists():
        msg = "PostgreSQL refuses to run as root, and this kernel lends it no user namespace."
        raise LocalError(msg, "Run this as a plain user, or set DATABASE_URL.")
    base = places.data / "account"
    if not _others_reach(places.data) or len(os.fsencode(base)) > LONGEST_BASE:
        digest = hashlib.sha256(os.fsencode(places.data)).hexdigest()[:12]
        base = Path("/var/tmp") / f"portal-{digest}"  # noqa: S108 - checked to be ours below
    base.mkdir(mode=0o711, exist_ok=True)
    if base.stat().st_uid != 0:
        msg = f"{base} belongs to somebody else."
        raise LocalError(msg, "Remove it.")
    base.chmod(0o711)
    who, run = f"{account.pw_uid}:{account.pw_gid}", base / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    hand_to(run, who)
    link = places.run / f".s.PGSQL.{POSTGRES_PORT}"
    link.unlink(missing_ok=True)
    link.symlink_to(run / link.name)
    return Footing(_programs_for(programs, base), who, base / "postgres", run)


def _account(name: str) -> pwd.struct_passwd | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    return None


def _others_reach(folder: Path) -> bool:
    """Tell whether every account may walk to the folder."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def _programs_for(programs: Postgres, base: Path) -> Postgres:
    """Return programs that other accounts can run: these, or a copy of the wheel's below ``base``."""
    package = programs.package
    if package is None or _others_reach(programs.folder):
        return programs
    copy = base / f"programs-{programs.major}" / package.name
    if not copy.exists():
        part = copy.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(package, part, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, copy.parent / libraries.name, symlinks=True, dirs_exist_ok=True)
        part.rename(copy)
    return Postgres(copy / programs.folder.relative_to(package), programs.major)


def hand_to(folder: Path, unprivileged: str) -> None:
    """Give a folder to the account that PostgreSQL runs as, when it is another one."""
    if ":" in unprivileged:
        uid, gid = (int(part) for part in unprivileged.split(":"))
        os.chown(folder, uid, gid)
