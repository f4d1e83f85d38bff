"""Servers that `portal up` starts because a setting asks for them: ``PORTAL_CRM=tryton`` without an address."""

from collections.abc import Callable, Mapping
from pathlib import Path

from portal.local.errors import LocalError
from portal.local.places import Places
from portal.local.tasks import Guest, Task


def invited(asked: Mapping[str, str], place: Places, tell: Callable[[str, float], None]) -> list[Guest]:
    """Return the servers to run beside the portal.

    :raise LocalError: when one cannot be installed.
    """
    if asked.get("PORTAL_CRM") == "tryton" and not asked.get("PORTAL_CRM_URL"):
        return [_tryton(place, tell)]
    return []


def _tryton(place: Places, tell: Callable[[str, float], None]) -> Guest:
    from portal.local import tryton

    folder, port = place.data / "tryton", tryton.free_port()
    try:
        if not (tryton.HOME / ".built").is_file():
            tell("Tryton is installed now, once; this takes a minute", 0.0)
        command = tryton.prepare(folder, port)
    except (tryton.CannotBuild, OSError) as error:
        msg = f"Tryton cannot be started: {error}"
        raise LocalError(msg) from error
    url = f"http://127.0.0.1:{port}"
    return Guest(
        task=Task("Tryton", command),
        wait=lambda: tryton.wait_until_ready(url),
        settings=tryton.settings(url),
        fill=lambda: _say(tryton.fill(url, Path(__file__).parents[1] / "demo" / "data")),
        where=(
            f"Tryton (the CRM) is at {url}, database {tryton.DATABASE}: "
            f"open it with a Tryton client as {tryton.ADMIN}, password {tryton.PASSWORD}"
        ),
    )


def _say(made: Mapping[str, int]) -> str:
    if not any(made.values()):
        return "has the demo community's contacts"
    return "filled with " + ", ".join(f"{n} {what}" for what, n in made.items())
