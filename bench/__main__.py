"""Run the benchmarks (all, or those named) one after the other and print a table.

Each is a module with a `main()` that returns ``{"name": …, "figures": [[what, value, unit, target], …]}``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ALL = ("pages", "votes", "importing", "topics", "graph", "routing", "similar", "sockets", "crm", "scale")
# Longer ones, by name only: "notices" (10,000 mails), "ring" and "spam" (files as arguments), "chaos" (kills all).


def run(name: str) -> dict[str, object]:
    """Run one benchmark in a process of its own."""
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return {"name": name, "figures": [["ended with status", done.returncode, "", ""]]}


def main() -> None:
    """Print the table; with ``--json`` the documents."""
    from bench.common import services

    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    chosen = [name for name in words or ALL if (Path(__file__).parent / f"{name}.py").exists()]
    with services() as environ:
        os.environ.update(environ)
        results = [run(name) for name in chosen]
    if "--json" in sys.argv:
        print(json.dumps(results))
        return
    table = Table("benchmark", "what", "figure", "unit", "to reach")
    for result in results:
        for what, value, unit, target in result["figures"]:  # type: ignore[attr-defined]
            table.add_row(
                str(result["name"]), what, f"{value:,}" if isinstance(value, int | float) else str(value), unit, target
            )
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
