"""The import contracts hold, and each of them notices when it is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(place: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    only = ["--contract", contract] if contract else []
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
        *only,
    ]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "portal", place / "portal", ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    (place / "tests" / "architecture").mkdir(parents=True)
    for name in (
        "tests/__init__.py",
        "tests/architecture/__init__.py",
        "tests/architecture/front_door.py",
        "pyproject.toml",
    ):
        shutil.copy(ROOT / name, place / name)
    return place


def test_the_house_keeps_its_contracts() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("contract", "room", "line"),
    [
        ("floors", "members/facade.py", "import portal.ideas.facade"),
        ("rooms", "ideas/models.py", "import portal.ideas.services"),
        ("pure", "ideas/rules.py", "import sqlalchemy"),
        ("web-free", "ideas/services/__init__.py", "import flask"),
        ("front-doors", "analytics/services.py", "import portal.ideas.models"),
        ("views", "ideas/views.py", "import portal.ideas.models"),
        ("heavy", "web/__init__.py", "import gensim"),
        ("sockets", "web/__init__.py", "import flask_socketio"),
        ("no-knots", "kernel/__init__.py", "import portal.members"),
    ],
)
def test_a_broken_contract_is_noticed(copy: Path, contract: str, room: str, line: str) -> None:
    place = copy / "portal" / room
    before = place.read_text() if place.exists() else None
    place.write_text(f"{before or ''}\n{line}\n")
    try:
        result = check(copy, contract)
        assert result.returncode != 0, f"{line} in {room} went unnoticed"
    finally:
        if before is None:
            place.unlink()
        else:
            place.write_text(before)
