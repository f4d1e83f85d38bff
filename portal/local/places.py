"""Where the things of one data folder are."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from portal.local.errors import LocalError

LONGEST_SOCKET_PATH = 100
POSTGRES_PORT = 5432
DATABASE = ROLE = "portal"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders, sockets and locks below one data folder."""

    data: Path

    @property
    def postgres(self) -> Path:
        """Return PostgreSQL's own folder."""
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        """Return the folder of Valkey's append-only file."""
        return self.data / "valkey"

    @property
    def log(self) -> Path:
        """Return the folder of what the processes write."""
        return self.data / "log"

    @property
    def run(self) -> Path:
        """Return the folder of the sockets: in the data folder, or elsewhere when its path does not suit sockets.

        The system allows some hundred bytes; Redis' list of clients, which RQ reads, allows no space.
        """
        near = self.data / "run"
        if _suits_sockets(near):
            return near
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        name = f"portal-{os.getuid()}-{digest}"
        temporary = Path(tempfile.gettempdir()) / name
        return temporary if _suits_sockets(temporary) else Path("/tmp") / name  # noqa: S108 - `make` checks its owner

    @property
    def live_socket(self) -> Path:
        """Return where page processes hand over websockets to the live process."""
        return self.run / "live.sock"

    @property
    def database_url(self) -> str:
        """Return the address of the embedded database; only this user can reach the socket."""
        socket = f"host={quote(str(self.run), safe='')}&port={POSTGRES_PORT}"  # PGPORT must not change it
        return f"postgresql+psycopg://{ROLE}@/{DATABASE}?{socket}"

    @property
    def redis_url(self) -> str:
        """Return the address of the embedded Valkey."""
        return f"unix://{quote(str(self.run / 'valkey.sock'))}?db=0"

    def make(self) -> None:
        """Make the folders, closed to other users.

        :raise LocalError: when that is not possible, or the socket folder is somebody else's.
        """
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            for folder in (self.log, self.run):
                folder.mkdir(mode=0o700, exist_ok=True)
                if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                    msg = f"The folder {folder} belongs to somebody else."
                    raise LocalError(msg, "Remove it, or name another data folder by PORTAL_DATA_DIR.")
                folder.chmod(0o700)
        except OSError as error:
            msg = f"The data folder {self.data} cannot be used: {error.strerror or error}."
            raise LocalError(msg, "Name another one by PORTAL_DATA_DIR.") from error


def _suits_sockets(folder: Path) -> bool:
    longest = os.fsencode(folder / f".s.PGSQL.{POSTGRES_PORT}.lock")
    return len(longest) < LONGEST_SOCKET_PATH and not set(str(folder)) & set(" \t\n=")


def places(data_dir: str | Path) -> Places:
    """Return the places of a data folder, named in any way."""
    return Places(Path(data_dir).expanduser().absolute())
