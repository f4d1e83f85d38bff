"""The processes that `portal up` runs beside the servers, and whoever adds one more."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


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


def own_tasks(listener: int, environ: Mapping[str, str]) -> list[Task]:
    """Return the portal's processes: pages on a socket that is open already, live updates, workers, clock."""
    pages = Task("web", portal_command("serve"), {**environ, "PORTAL_BIND": f"fd://{listener}"}, (listener,))
    others = {
        "live": ["live"],
        "worker": ["work", "quick"],
        "worker-crm": ["work", "crm"],
        "worker-heavy": ["work", "heavy"],
        "cron": ["cron"],
    }
    return [pages, *(Task(name, portal_command(*words), environ) for name, words in others.items())]


def child_environ(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the portal's processes."""
    quiet = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**quiet, **os.environ, **settings}


def working_folder() -> Path:
    """Return the folder that the processes work in."""
    return Path.cwd()
