"""Have a Chromium for the tests' journeys: one that is here, else Debian's, where it may be installed.

Ends well in any case: without a browser the journeys are skipped, and this says why.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

FINDER = Path(__file__).resolve().parent.parent / "portal" / "local" / "browser.py"
PATIENCE = 600


def main() -> int:
    """Find or install a browser, and say which."""
    spec = importlib.util.spec_from_file_location("browser", FINDER)
    if spec is None or spec.loader is None:
        raise ImportError(FINDER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.find_browser()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        say("no Chromium here; installing Debian's")
        install()
        found = module.find_browser()
    if found:
        say(f"journeys use {found}")
    else:
        say("no Chromium here, and none can be installed: journeys are skipped (install the package chromium)")
    return 0


def install() -> None:
    """Install Debian's package without asking anything."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                ["apt-get", "--quiet", *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            say(f"apt-get {words[0]} did not work: {error}")
            return
        if done.returncode and words[0] == "install":
            say(f"apt-get could not install it: {done.stderr.strip()[-300:]}")


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"browser: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
