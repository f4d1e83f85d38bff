"""Ask the journey's Tryton server what it knows, as its own user would."""

import configparser
from pathlib import Path
from typing import Any

from portal.crm.gateways.tryton import Rpc
from portal.local import tryton


def address_of(data: Path) -> str:
    """Return where the server listens, from its own configuration."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(next((data / "tryton").glob("*.conf*")))
    return "http://" + config["web"]["listen"]


def contact_of(data: Path, email: str) -> dict[str, Any]:
    """Return the person with this address, or nothing."""
    with Rpc(address_of(data), tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
        fields = sorted(name for name in rpc.call("model.party.party.fields_get", []) if name.startswith("portal_"))
        people = rpc.call(
            "model.party.party.search_read", [["contact_mechanisms.value", "=", email]], 0, 1, None, fields
        )
    return dict(people[0]) if people else {}
