"""Flask-Security without what it would load and we do not use of it: some 15 MB in each web worker.

It imports webauthn, Authlib and cryptography when they are installed, for views of its own that are switched off here.
Ours import them in the moment in which somebody uses a passkey, a provider or a code.
"""

import importlib
import sys

OPTIONAL = ("webauthn", "authlib", "cryptography")


def load() -> None:
    """Import Flask-Security as if the optional packages were not there; afterwards they are."""
    hidden = [name for name in OPTIONAL if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("flask_security")
    finally:
        for name in hidden:
            del sys.modules[name]


load()
