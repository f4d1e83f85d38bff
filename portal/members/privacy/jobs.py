"""What happens by the clock: those who asked to be erased are, and what is older than it may be goes."""

from portal.kernel.database import rollback, transaction
from portal.kernel.errors import PortalError
from portal.kernel.periodic import periodic
from portal.kernel.retention import forget_what_is_old
from portal.members.privacy import erasing, files, keeping, services, tombstones

__all__ = ["keeping", "services"]


@periodic(seconds=3600)
def erase_who_is_due() -> None:
    """Erase those whose days have passed, each in a transaction of her own; a repeat finds nobody."""
    for member_id, texts in erasing.due():
        try:
            with transaction():
                erasing.erase(member_id, texts=texts)
        except PortalError:
            rollback()


@periodic(cron="11 4 * * *")
def forget_old() -> None:
    """Throw away what is older than the privacy page says; a repeat finds nothing."""
    forget_what_is_old()


@periodic(cron="41 4 * * *")
def erase_again() -> None:
    """Erase again whoever came back with a backup; usually nobody."""
    again()


def again() -> int:
    """Erase again those whose hashes are in the list and who are here; return how many."""
    wanted = {**tombstones.read_file(files.data_folder()), **tombstones.known()}
    found = tombstones.members_to_erase(wanted)
    for member_id, texts in found:
        with transaction():
            erasing.erase(member_id, texts=texts)
    with transaction():
        for digest, texts in wanted.items():
            tombstones.add(digest, texts=texts)
    tombstones.write_file(files.data_folder(), wanted)
    return len(found)
