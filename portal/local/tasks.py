"""The processes that `portal up` runs beside the servers, and whoever adds one more."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """A process to keep running."""

    name: str
    command: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Guest:
    """A server that a setting asks for, such as a CRM to try the portal with.

    ``task`` is kept running before the portal's own; ``wait`` returns once it answers; ``settings`` lead the
    portal to it; ``fill`` runs after the demo community is loaded; ``where`` says where to look.
    """

    task: Task
    wait: Callable[[], None]
    settings: Mapping[str, str]
    fill: Callable[[], str]
    where: str


def portal_command(*words: str) -> list[str]:
    """Return the command line of a `portal` command, in this very environment."""
    return [sys.executable, "-c", "from portal.cli import main; main()", *words]


def pages_command() -> list[str]:
    """Return the command line of the pages' server."""
    return [sys.executable, "-m", "gunicorn", "--config", "python:portal.local.pages"]


def supervisor_command() -> list[str]:
    """Return the command line of the supervisor, which loads nothing of the application."""
    return [sys.executable, "-m", "portal.local.supervisor"]


def own_tasks(listener: int, environ: Mapping[str, str]) -> list[Task]:
    """Return the portal's processes: pages, on a port that is open already, and all that works behind them."""
    pages = {**environ, "PORTAL_BIND": f"fd://{listener}"}
    return [
        Task("web", pages_command(), pages, (listener,)),
        Task("background", portal_command("local", "background"), environ),
    ]


def child_environ(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the portal's processes."""
    quiet = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environ = {**quiet, **os.environ, **settings}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled modules save seconds at each start
    return environ
