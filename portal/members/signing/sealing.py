"""Secrets that we must be able to read again, such as those of apps that show codes: sealed with the portal's key.

``SECRET_KEY_FALLBACKS`` opens what was sealed with an older key. A right code seals its secret anew, and so does a job
every night for all of them: a day after the keys were changed, the older one can go.
"""

import base64
from typing import Any

from portal.kernel.keys import signing_keys

PURPOSE = b"portal second step"


def seal(text: str) -> str:
    """Return a text that only this portal can read."""
    return str(_box().encrypt(text.encode()).decode())


def unseal(sealed: str) -> str | None:
    """Return what was sealed, or None when its key is gone."""
    from cryptography.fernet import InvalidToken

    try:
        return str(_box().decrypt(sealed.encode()).decode())
    except InvalidToken:
        return None


def _box() -> Any:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(_derived(key)) for key in reversed(signing_keys())])


def _derived(key: str | bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    plain = key if isinstance(key, bytes) else key.encode()
    return base64.urlsafe_b64encode(HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(plain))
