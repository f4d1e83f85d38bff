"""For whom passkeys are made: the name in the address, to which devices tie their keys."""

from urllib.parse import urlsplit

from flask import current_app, request

from portal.members.signing.services.passkeys import Party


def passkey_party() -> Party | None:
    """Return for whom passkeys are made, or None where they cannot be: at a bare number instead of a name.

    In production it is the portal's own address; while one develops, the one in the browser.
    """
    own = str(current_app.config["PORTAL_URL"])
    address = own if current_app.config.get("PORTAL_ENV") == "production" else request.host_url
    parts = urlsplit(address)
    name = parts.hostname or ""
    if not name or ":" in name or name.replace(".", "").isdigit():
        return None
    return Party(id=name, origin=f"{parts.scheme}://{parts.netloc}", name=str(current_app.config["PORTAL_NAME"]))
