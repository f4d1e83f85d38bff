"""Imports: rows a second and peak memory, for ideas, comments and questions; and that a second time adds nothing.

Each file is brought in by the command itself, in a process of its own. With ``IDEAS``, ``COMMENTS`` and
``QUESTIONS`` in the environment these files are taken, else made-up ones of 10,000, 20,000 and 90,000 rows.
"""

import gzip
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.common import ROOT, fresh_portal
from bench.pages import moment, sentence

IDEAS, COMMENTS, QUESTIONS = 10_000, 20_000, 30_000


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
        "questions": written(folder / "questions.jsonl.gz", questions()),
    }


def questions() -> Iterator[dict[str, Any]]:
    """Yield questions, each with two answers that come before or after it."""
    for n in range(QUESTIONS):
        answers = [
            {"id": f"a{n}-{k}", "type": "answer", "parent": f"q{n}", "author": f"a{(n + k) % 900}", "lang": "en",
             "created_at": moment(n + k), "body": sentence(20, 60), "helpful": k, "unhelpful": 0, "accepted": k == 1}
            for k in (1, 2)
        ]  # fmt: skip
        question = {"id": f"q{n}", "type": "question", "parent": None, "author": f"a{n % 900}", "lang": "en",
                    "created_at": moment(n), "title": sentence(4, 9), "body": sentence(40, 90),
                    "tags": [f"t{n % 9}"]}  # fmt: skip
        yield from (answers[0], question, answers[1]) if n % 50 == 0 else (question, *answers)


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
        "bench-support" if kind == "questions" else "bench",
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
