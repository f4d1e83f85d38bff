"""Find a Chromium on this machine, for the journeys of the tests."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "Library/Caches/ms-playwright/chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
)


def find_browser() -> str | None:
    """Return the path of a Chromium, or None; ``PORTAL_TEST_BROWSER`` goes before all."""
    if (named := os.environ.get("PORTAL_TEST_BROWSER")) and shutil.which(named):
        return shutil.which(named)
    for name in NAMES:
        if found := shutil.which(name):
            return found
    kept = [found for pattern in PLACES for found in sorted(Path.home().glob(pattern))]
    return str(kept[-1]) if kept else None
