"""Who will answer: a replay with only what was known, and one suggestion.

Given a file of real questions and answers as an argument (JSON lines, gzip or not), its last half year is replayed, or
the days given after it; without one, a community that is drawn: helpers with their subjects, hours and lulls.
"""

import gzip
import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.analytics.routing.memory import DAY, HOUR, Answered, Asked, InMemory, words_of
from portal.analytics.routing.replay import Happening, replay
from portal.analytics.routing.router import InMemoryShelf, Router, rank

BEGINS = 1_700_000_000.0
DAYS = 240
QUESTIONS_A_DAY = 20
HELPERS = 120
SUBJECTS = 12
SUGGESTIONS = 200


def main() -> dict[str, Any]:
    """Measure and return the figures."""
    happenings = list(_given(Path(sys.argv[1])) if len(sys.argv) > 1 else _drawn())
    since, until = _period(happenings)
    began = time.process_time()
    report: dict[str, Any] = replay(happenings, since, until)
    seconds = time.process_time() - began
    router = _learned(happenings)
    times = sorted(_timed(router, one) for one in happenings[-10 * SUGGESTIONS :] if isinstance(one, Asked))
    ours, recent, shared = report["ours"], report["last_30_days"], report["ours_spread"]
    return {
        "name": "routing",
        "report": report,
        "figures": [
            ["questions ranked", report["questions"], "", ""],
            ["hit@5, ours", ours["hit@5"], "", "≥ 0.85 on the real data"],
            ["hit@5, most active of 30 days", recent["hit@5"], "", ""],
            ["MRR, ours", ours["mrr"], "", "≥ 0.60 on the real data"],
            ["MRR, most active of 30 days", recent["mrr"], "", ""],
            ["hit@5 with the load shared", shared["hit@5"], "", ""],
            ["MRR with the load shared", shared["mrr"], "", ""],
            ["share of the ten busiest, ours", ours["top_ten_share"], "", ""],
            ["share of the ten busiest, shared", shared["top_ten_share"], "", "about half"],
            ["replay", round(seconds, 1), "CPU s", ""],
            ["one suggestion, p50", round(times[len(times) // 2], 2), "ms", ""],
            ["one suggestion, p99", round(times[int(len(times) * 0.99)], 2), "ms", "≤ 100"],
            ["peak memory", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "MB", ""],
        ],
    }


def _period(happenings: list[Happening]) -> tuple[float, float]:
    if len(sys.argv) > 3:
        first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in sys.argv[2:4])
        return first.timestamp(), (last + timedelta(days=1)).timestamp()
    end = max(one.at for one in happenings if isinstance(one, Asked)) + 1
    return end - (181 if len(sys.argv) > 1 else DAYS / 3) * DAY, end


def _learned(happenings: list[Happening]) -> Router:
    router = Router(InMemory(), InMemoryShelf())
    for one in happenings:
        if isinstance(one, Asked):
            router.ask(one)
        else:
            router.answer(one)
    return router


def _timed(router: Router, question: Asked) -> float:
    began = time.perf_counter()
    rank(question, router.memory, router.model)
    return (time.perf_counter() - began) * 1000


def _given(path: Path) -> Iterator[Happening]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [json.loads(line) for line in data.splitlines()]
    ids: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (row["created_at"], row["type"] == "answer")):
        at = datetime.fromisoformat(row["created_at"]).timestamp()
        who, this = (ids.setdefault(row[name], len(ids) + 1) for name in ("author", "id"))
        if row["type"] == "question":
            under = tuple(dict.fromkeys(word for word in (row.get("category"), *(row.get("tags") or ())) if word))
            yield Asked(this, who, at, words_of(row["title"], row["body"]), under)
        elif not row.get("by_asker"):
            yield Answered(ids.setdefault(row["parent"], len(ids) + 1), who, at)


def _drawn() -> Iterator[Happening]:
    """Yield a community: who answers depends on subject, hour and how keen each is in that month."""
    draw = random.Random(1)
    helpers = [(draw.paretovariate(1.0), draw.randrange(SUBJECTS), draw.randrange(24)) for _ in range(HELPERS)]
    keen = [1.0] * HELPERS
    found: list[Happening] = []
    for number in range(DAYS * QUESTIONS_A_DAY):
        at = BEGINS + number * DAY / QUESTIONS_A_DAY + draw.random() * HOUR
        if number % (30 * QUESTIONS_A_DAY) == 0:
            keen = [draw.choice((0.05, 1.0, 1.0)) for _ in range(HELPERS)]
        subject, hour = draw.randrange(SUBJECTS), int(at // HOUR) % 24
        title = " ".join(f"word{subject}x{draw.randrange(40)}" for _ in range(8))
        found.append(Asked(number + 1, 10_000 + number, at, words_of(title, ""), (f"subject{subject}",)))
        weights = [
            eager * mood * (6 if about == subject else 1) * (3 if (here - hour) % 24 < 6 else 1)
            for (eager, about, here), mood in zip(helpers, keen, strict=True)
        ]
        who = dict.fromkeys(draw.choices(range(HELPERS), weights, k=draw.choice((1, 1, 2))))
        found.extend(Answered(number + 1, one + 1, at + draw.expovariate(1 / (4 * HOUR))) for one in who)
    yield from sorted(found, key=lambda one: one.at)


if __name__ == "__main__":
    print(json.dumps(main()))
