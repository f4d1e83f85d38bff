"""Where pictures are drawn anew, one or two at a time, and where the results lie."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import structlog
from flask import current_app
from flask_babel import lazy_gettext as _l

from portal.community.uploads.kinds import Hostile
from portal.kernel.errors import Unavailable

log = structlog.get_logger(__name__)
PATIENCE = 30.0
"""Seconds for one picture; its process may use less of the processor than that."""
QUEUE = 20.0
"""Seconds to wait for one's turn."""
FULL = "full.webp"
_PROGRAM = Path(__file__).with_name("reencode.py")
_turn = BoundedSemaphore(1)
"""One child for each web process: pictures never take the machine from those who read."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it was made anew; its files are in ``folder`` as long as that is open."""

    width: int
    height: int
    widths: tuple[int, ...]
    size: int
    folder: Path


@contextmanager
def drawn_anew(content: bytes) -> Iterator[Drawn]:
    """Draw a picture anew in a process of its own.

    :raise Hostile: when it is no picture, too large, broken, or takes too much to draw.
    :raise Unavailable: when too many are waiting.
    """
    if not _turn.acquire(timeout=QUEUE):
        raise Unavailable(_l("Many pictures are being sent right now. Try again in a minute."), retry_after=60)
    try:
        with tempfile.TemporaryDirectory(prefix="upload-", dir=_waiting_room()) as place:
            source, folder = Path(place) / "source", Path(place) / "made"
            source.write_bytes(content)
            folder.mkdir()
            made = _draw(source, folder)
            size = sum(path.stat().st_size for path in folder.iterdir())
            yield Drawn(made["width"], made["height"], tuple(made["widths"]), size, folder)
    finally:
        _turn.release()


def _draw(source: Path, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-I", str(_PROGRAM), str(source), str(folder)]
    environ = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own program, by a list of words
            command,
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Hostile("takes too long") from error
    if done.returncode != 0:
        log.info("picture refused", why=done.stderr.decode(errors="replace")[-300:], status=done.returncode)
        raise Hostile("cannot be drawn")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


# Where the results lie


def _root() -> Path:
    root = Path(current_app.config["PORTAL_DATA_DIR"]) / "uploads"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return root


def _waiting_room() -> Path:
    room = _root() / "arriving"
    room.mkdir(exist_ok=True, mode=0o700)
    return room


def folder_of(key: str) -> Path:
    """Return where the files of an upload lie. A key is 32 hex digits, made by us."""
    return _root() / key[:2] / key


def keep_picture(key: str, drawn: Drawn) -> None:
    """Move a picture to its place."""
    folder_of(key).parent.mkdir(exist_ok=True, mode=0o700)
    shutil.move(drawn.folder, folder_of(key))


def keep_file(key: str, content: bytes) -> None:
    """Write a file to its place."""
    folder = folder_of(key)
    folder.mkdir(parents=True, mode=0o700)
    (folder / "file").write_bytes(content)


def path_of(key: str, *, image: bool, width: int | None = None) -> Path:
    """Return the file of an upload, or of one of its sizes."""
    name = FULL if image else "file"
    return folder_of(key) / (f"{width}.webp" if width is not None else name)


def throw_away(key: str) -> None:
    """Remove the files of an upload; a second time does nothing."""
    shutil.rmtree(folder_of(key), ignore_errors=True)


def keys_kept() -> Iterator[str]:
    """Yield the keys of all uploads that have files."""
    for folder in _root().glob("??/*"):
        if folder.is_dir():
            yield folder.name
