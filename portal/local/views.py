"""What the pages' processes do with websockets."""

from flask import Flask

from portal.local.handover import HandOver
from portal.local.places import places


def init_app(app: Flask) -> None:
    """Hand websockets over to the live process of this data folder, wherever pages are served."""
    live = places(app.config["PORTAL_DATA_DIR"]).live_socket
    app.wsgi_app = HandOver(app.wsgi_app, live)  # type: ignore[method-assign]
