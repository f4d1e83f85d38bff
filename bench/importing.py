"""Imports: rows a second and peak memory, for ideas and comments on them; and that a second time adds nothing.

Each file is brought in by the command itself, in a process of its own. With ``IDEAS`` and ``COMMENTS`` in the
environment these files are taken, else 10,000 ideas and 20,000 comments that are made up.
"""

import gzip
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.common import ROOT, fresh_portal
from bench.pages import moment, sentence

IDEAS, COMMENTS = 10_000, 20_000


def made_up(folder: Path) -> dict[str, Path]:
    """Write the files and return them by kind."""
    ideas = (
        {"id": n, "title": sentence(4, 9), "body": sentence(40, 90), "lang": "en", "author": f"a{n % 900}",
         "created_at": moment(n), "category": f"c{n % 5}", "votes": n % 300, "status": "accepted" if n % 3 else None}
        for n in range(IDEAS)
    )  # fmt: skip
    comments = (
        {"id": n, "idea": n % IDEAS, "parent": n - 1 if n % 2 and n % IDEAS else None, "author": f"a{n % 900}",
         "lang": "en", "created_at": moment(n), "likes": n % 7, "body": sentence(12, 40)}
        for n in range(COMMENTS)
    )  # fmt: skip
    return {
        "ideas": written(folder / "ideas.jsonl.gz", ideas),
        "comments": written(folder / "comments.jsonl.gz", comments),
    }


def written(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as packed JSON lines."""
    with gzip.open(path, "wt") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def imported(environ: dict[str, str], kind: str, path: Path) -> dict[str, Any]:
    """Run the command; return its report."""
    command = [
        sys.executable,
        "-c",
        "from portal.cli import main; main()",
        "import",
        kind,
        str(path),
        "--board",
        "bench",
        "--json",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    """Print one JSON document."""
    logging.disable(logging.WARNING)
    figures: list[list[Any]] = []
    with fresh_portal("importing") as app:
        environ = app.config["BENCH_ENVIRON"]
        files = made_up(Path(tempfile.mkdtemp(prefix="portal-bench-")))
        files |= {kind: Path(os.environ[kind.upper()]) for kind in files if os.environ.get(kind.upper())}
        for kind, path in files.items():
            first, second = imported(environ, kind, path), imported(environ, kind, path)
            rate = round(first["added"] / first["seconds"])
            figures += [
                [f"{kind}: rows", first["added"], f"of {first['read']:,}, {first['failed']} with errors", ""],
                [f"{kind}: speed", rate, f"rows a second ({first['seconds']} s)", ""],
                [f"{kind}: peak memory", first["peak_memory_mb"], "MB", "≤ 600"],
                [f"{kind}: a second time", second["added"], f"added, {second['seconds']} s", "0"],
            ]
    print(json.dumps({"name": "importing", "figures": figures}))


if __name__ == "__main__":
    main()
