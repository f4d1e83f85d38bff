"""What moderation looks at without anybody waiting for it."""

from portal.kernel.jobs import job
from portal.moderation.services import watching


@job(queue="quick")
def compare(kind: str, ids: list[int]) -> None:
    """Look for what says the same as each of some things. A repeat finds the same and adds nothing."""
    for thing_id in ids:
        watching.look_for_twins(kind, thing_id)
