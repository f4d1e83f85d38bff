"""Make ``.venv`` and put everything into it; a second call finds nothing to do.

Standard library only: the system's Python runs it before anything is installed. What is installed is
locked with hashes in ``requirements/``. pip brings a pinned uv, uv brings the rest; where uv cannot
work, pip does it alone. Both take their registry from the environment and from pip's configuration,
never from here.
"""

import argparse
import ast
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
OLDEST, TOO_NEW = (3, 11), (3, 14)
LOCKED = ("requirements/uv.txt", "requirements/all.txt", "pyproject.toml", "tools/setup.py")
# What pip calls a setting, and what uv calls it.
PASSED_ON = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


class SetupError(Exception):
    """Something that a person has to mend."""


def main() -> int:
    """Install what is missing; 1 with a sentence when that is not possible."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quiet", action="store_true", help="say nothing when all is there")
    quiet = parser.parse_args().quiet
    try:
        with one_at_a_time():
            done = install()
            compile_translations()
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    if not done and not quiet:
        say("everything is installed")
    return 0


def install() -> bool:
    """Build the environment when its stamp does not fit; tell whether there was work to do."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        msg = (
            f"this is Python {sys.version.split()[0]}; 3.11, 3.12 or 3.13 is needed."
            " Name one: make setup PYTHON=/path/to/python3.11"
        )
        raise SetupError(msg)
    wanted = fingerprint()
    with contextlib.suppress(OSError):
        if STAMP.read_text() == wanted and PYTHON.exists():
            return False
    began = time.monotonic()
    with step("environment"):
        make_environment()
    with step("packages"):
        install_packages()
    with step("portal"):
        install_project()
    STAMP.write_text(wanted)
    say(f"installed in {time.monotonic() - began:.1f} s")
    return True


def fingerprint() -> str:
    """Return what the environment depends on: place, Python and the locked files."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n".encode())
    for name in LOCKED:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    """Make a fresh ``.venv`` unless one of the same Python is there at the same place."""
    same = "import sys; print(sys.prefix, *sys.version_info[:2])"
    with contextlib.suppress(OSError):
        seen = subprocess.run([PYTHON, "-c", same], capture_output=True, text=True, check=False)
        expected = f"{VENV} {sys.version_info[0]} {sys.version_info[1]}"
        if seen.returncode == 0 and seen.stdout.strip() == expected and has_pip():
            return
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode:
        msg = (
            f"{sys.executable} cannot make a virtual environment"
            " (on Debian and Ubuntu: apt-get install python3-venv).\n"
            f"{made.stdout}{made.stderr}"
        )
        raise SetupError(msg)


def has_pip() -> bool:
    """Tell whether the environment still has its pip."""
    asked = subprocess.run([PYTHON, "-m", "pip", "-V"], capture_output=True, check=False)
    return asked.returncode == 0


def install_packages() -> None:
    """Install everything that is locked, by uv, or by pip where uv cannot work."""
    uv_there = pip("install", "--require-hashes", "-r", "requirements/uv.txt")
    locked = ("--require-hashes", "-r", "requirements/all.txt")
    if uv_there and uv("pip", "install", *locked):
        return
    say("uv could not do it; pip takes longer")
    if not pip("install", *locked, quietly=False):
        msg = "the packages could not be installed; pip says why above"
        raise SetupError(msg)


def install_project() -> None:
    """Put the project itself into the environment, as it stands in this folder."""
    words = ("--no-deps", "--no-build-isolation", "--editable", ".")
    if not uv("pip", "install", *words) and not pip("install", *words, quietly=False):
        msg = "the project itself could not be installed"
        raise SetupError(msg)


def pip(*words: str, quietly: bool = True) -> bool:
    """Run the environment's pip and tell whether it succeeded."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return run([PYTHON, "-m", "pip", "--quiet", *words], environment, quietly=quietly)


def uv(*words: str) -> bool:
    """Run the environment's uv with pip's own settings, and tell whether it succeeded."""
    tool = VENV / "bin" / "uv"
    if not tool.exists():
        return False
    # As pip does, look in every registry for the wanted version; the hashes decide what is taken.
    chosen = {"UV_INDEX_STRATEGY": "unsafe-best-match", **settings_of_pip(), **os.environ}
    environment = {**chosen, "VIRTUAL_ENV": str(VENV)}
    home = environment.get("UV_CACHE_DIR") or environment.get("XDG_CACHE_HOME") or Path.home()
    if not os.access(home, os.W_OK):
        environment["UV_CACHE_DIR"] = str(ROOT / ".make" / "uv")
    return run([tool, "--quiet", *words], environment)


def settings_of_pip() -> dict[str, str]:
    """Return pip's registry settings (files and environment) under the names that uv reads."""
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        key = PASSED_ON.get(name.rpartition(".")[2])
        if key:
            with contextlib.suppress(ValueError, SyntaxError):
                settings[key] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def run(command: list[str | Path], environment: dict[str, str], *, quietly: bool = True) -> bool:
    """Run a tool in the project's folder; its words are shown when it fails and may speak."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = f"{done.stdout}{done.stderr}".strip().splitlines()
        sys.stderr.writelines(f"  {line}\n" for line in (lines[-3:] if quietly else lines[-40:]))
    return done.returncode == 0


def compile_translations() -> None:
    """Compile the catalogues that changed since the last time."""
    for source in (ROOT / "portal" / "translations").glob("*/*/LC_MESSAGES/messages.po"):
        made = source.with_suffix(".mo")
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            break
    else:
        return
    with step("translations"):
        if not run([PYTHON, "tools/messages.py", "compile"], dict(os.environ), quietly=False):
            msg = "the translations could not be compiled"
            raise SetupError(msg)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let two make commands in one folder wait for each other."""
    folder = ROOT / ".make"
    try:
        folder.mkdir(exist_ok=True)
        handle = (folder / "setup.lock").open("w")
    except OSError as error:
        msg = f"this folder cannot be written to ({error}); clone it where you may write"
        raise SetupError(msg) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long a part took."""
    began = time.monotonic()
    yield
    say(f"{name} {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"setup: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
