"""Libraries without what they would load besides and we do not use of them: a score of MB in each process."""

import importlib
import sys


def load(library: str, *without: str) -> None:
    """Import a library as if some packages that it can use were not there; for everybody else they are."""
    hidden = [name for name in without if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module(library)
    finally:
        for name in hidden:
            del sys.modules[name]
