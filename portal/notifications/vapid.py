"""The key that tells push services who we are (RFC 8292): from the settings, or made and kept while one develops."""

import base64
import time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

KEY = "PORTAL_PUSH_KEY"
FILE = "push_key.pem"
POINT = 65
"""Bytes of a public key: 4 and both coordinates."""


def is_possible(app: Flask) -> bool:
    """Return whether there is a key, or may be one."""
    return bool(app.config.get(KEY)) or app.config["PORTAL_ENV"] != "production"


def public_key(app: Flask) -> str:
    """Return the public half as browsers take it; nothing where push is not set up."""
    return _public(_pem(app)) if is_possible(app) else ""


def headers(app: Flask, endpoint: str, seconds: int) -> dict[str, str]:
    """Return what proves a request to a push service to be ours; valid for so many seconds."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + seconds, "sub": subject(app)}
    return dict(_vapid(_pem(app)).sign(claims))


def subject(app: Flask) -> str:
    """Return whom a push service may write to about us."""
    host = urlsplit(str(app.config["PORTAL_URL"])).hostname or "localhost"
    return f"mailto:{app.config.get('PORTAL_MAIL_FROM') or f'postmaster@{host}'}"


def _pem(app: Flask) -> str:
    given = str(app.config.get(KEY) or "")
    return given.replace("\\n", "\n") if given else _kept(str(app.config["PORTAL_DATA_DIR"]))


@lru_cache(maxsize=8)
def _kept(folder: str) -> str:
    path = Path(folder) / FILE
    if not path.exists():
        from py_vapid import Vapid02

        made = Vapid02()
        made.generate_keys()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(made.private_pem())
        part.replace(path)
    return path.read_text(encoding="ascii")


@lru_cache(maxsize=8)
def _public(pem: str) -> str:
    """Return the public point, which stands at the end of the key as it is usually written.

    So the processes that serve pages need not load a library of ciphers to show it.
    """
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
    raw = der[-POINT:]
    if der[-POINT - 1 : -POINT + 1] != b"\0\x04":
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = _vapid(pem).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _vapid(pem: str) -> Any:
    from py_vapid import Vapid02

    return Vapid02.from_pem(pem.encode())
