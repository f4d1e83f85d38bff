"""Files of a member in the data folder: exports she asked for, mails that were kept for developers."""

import email
import email.policy
import hashlib
import secrets
from collections.abc import Collection, Iterator
from datetime import datetime
from email.utils import getaddresses
from pathlib import Path

from flask import current_app

from portal.kernel.personal import Erasing, erases_outside
from portal.members.privacy import tombstones

EXPORTS, MAILS = "exports", "mail"


def data_folder() -> Path:
    """Return where the portal keeps its files."""
    return Path(current_app.config["PORTAL_DATA_DIR"])


def new_export_path(member_id: int) -> Path:
    """Return where an export is written: under a name that nobody can guess, for this user's eyes only."""
    folder = data_folder() / EXPORTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"member-{member_id}-{secrets.token_urlsafe(24)}.zip"


def export_path(name: str) -> Path | None:
    """Return the file of an export, or None when it is gone; a name never leads out of the folder."""
    path = data_folder() / EXPORTS / Path(name).name
    return path if path.is_file() else None


def forget_exports(member_id: int) -> int:
    """Delete a member's exports; return how many there were."""
    return _delete((data_folder() / EXPORTS).glob(f"member-{member_id}-*.zip*"))


def forget_files_before(folder: str, moment: datetime) -> int:
    """Delete what has been lying in a folder since before a moment; return how many files."""
    old = (path for path in (data_folder() / folder).glob("*") if path.is_file())
    return _delete(path for path in old if path.stat().st_mtime < moment.timestamp())


def _delete(paths: Iterator[Path]) -> int:
    gone = 0
    for path in paths:
        path.unlink(missing_ok=True)
        gone += 1
    return gone


@erases_outside
def forget_files(erasing: Erasing) -> None:
    """Delete a member's exports and the mails that were kept, and bring the list of the erased up to date."""
    forget_exports(erasing.member_id)
    _delete(path for path in (data_folder() / MAILS).glob("**/*.eml") if _is_to(path, erasing.words))
    tombstones.write_file(data_folder(), tombstones.known())


def _is_to(path: Path, hashes: Collection[str]) -> bool:
    """Return whether a kept mail goes to one of these addresses, which are known as hashes only."""
    try:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    except OSError:
        return False
    people = getaddresses([str(mail[name]) for name in ("To", "Cc", "Reply-To", "X-To") if mail[name]])
    return any(hashlib.sha256(address.casefold().encode()).hexdigest() in hashes for _name, address in people)
