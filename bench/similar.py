"""What is close while one types: time at 100,000 items, what is found again, and how honest the probabilities are.

Without arguments: 100,000 made-up questions, and the demo community's known pairs. With real data:

    python -m bench.similar --questions QA.jsonl.gz --duplicates PAIRS.csv.gz [--fit]

``--fit`` fits the two logistic regressions of `portal.search.rules` anew and prints them; they are then copied by hand.
"""

import argparse
import csv
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.common import fresh_portal
from portal.community import facade as community
from portal.community.importing import run_import
from portal.demo import loader
from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.search import close, rules
from portal.support.importing import QuestionImport

ITEMS, ASKED, LOOKED_AT = 100_000, 300, 25
VOCABULARY = 60_000
DEMO = Path(loader.__file__).parent / "data"
rng = random.Random(11)


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate beside a text: what they share, its lead over others, and whether they are known to be the same."""

    query: str
    likeness: rules.Likeness
    lead: float
    probability: float
    same: bool
    near_miss: bool = False


def made_up(count: int) -> Iterator[dict[str, Any]]:
    """Yield questions whose words are as unevenly frequent as those of people (Zipf)."""
    words = ["".join(rng.choices("abcdefghilmnoprstuvz", k=rng.randint(4, 9))) for _ in range(VOCABULARY)]
    weights = [1 / (rank + 3) for rank in range(VOCABULARY)]
    for n in range(count):
        chosen = rng.choices(words, weights, k=rng.randint(30, 90))
        yield {"id": f"m{n}", "type": "question", "author": f"u{n % 5000}", "created_at": "2025-01-01T00:00:00Z",
               "lang": "en", "title": " ".join(chosen[:8]), "body": " ".join(chosen[8:])}  # fmt: skip


def bring(path: Path, key: str) -> int:
    """Import a file of questions and index it; return the board."""
    with transaction():
        board = community.open_board(key, kind="support", name=key).id
    run_import(path, QuestionImport(board_id=board, origin=key).kind(), quiet=True)
    projections.advance("search")
    return board


def questions_of(path: Path) -> dict[str, dict[str, Any]]:
    """Return the questions of a file by id."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return {row["id"]: row for row in map(json.loads, lines) if row["type"] == "question"}


def timed(board: int, asked: Sequence[tuple[str, str]]) -> list[float]:
    """Return how many ms each of these texts took, the first few left out."""
    spent = []
    for title, body in asked:
        began = time.perf_counter()
        close.close_to_text("question", [board], title, body)
        spent.append((time.perf_counter() - began) * 1000)
    return sorted(spent[5:])


def pairs_of(query: str, found: Sequence[close.Close], same: set[int], near: set[int]) -> list[Pair]:
    """Return the candidates of a text with their lead, those shown first."""
    made = []
    for one in found:
        side = [
            o.likeness.overall for o in found if o.likeness.same_language == one.likeness.same_language and o is not one
        ]
        rivals = sorted(side, reverse=True)[: rules.RIVALS]
        lead = one.likeness.overall - (sum(rivals) / len(rivals) if rivals else 0.0)
        made.append(Pair(query, one.likeness, lead, one.probability, one.id in same, one.id in near))
    made.sort(key=lambda pair: -pair.likeness.overall)
    return made[:LOOKED_AT] + [pair for pair in made[LOOKED_AT:] if pair.same or pair.near_miss]


def demo_pairs() -> tuple[list[Pair], list[list[Any]]]:
    """Return the pairs of the demo's ideas, and its figures."""
    written = {row["key"]: row for row in map(json.loads, (DEMO / "ideas.jsonl").open())}
    ids = {row.title: row.id for row in db.session.execute(text("SELECT id, title FROM idea"))}
    known = list(map(json.loads, (DEMO / "duplicates.jsonl").open()))
    partners: dict[str, dict[str, set[int]]] = {}
    for row in known:
        for one, other in ((row["a"], row["b"]), (row["b"], row["a"])):
            partners.setdefault(one, {}).setdefault(row["kind"], set()).add(ids[written[other]["title"]])
    boards = [board.id for board in community.every_board("ideas")]
    pairs, ranks, across = [], [], []
    for key, row in written.items():
        own = ids[row["title"]]
        found = [
            one
            for one in close.close_to_text("idea", boards, row["title"], row["body"], lang=row["lang"], limit=200)
            if one.id != own
        ]
        mine = partners.get(key, {})
        pairs += pairs_of(key, found, mine.get("duplicate", set()), mine.get("related", set()))
        order = [one.id for one in found]
        for other in mine.get("duplicate", ()):
            place = order.index(other) if other in order else 999
            ranks.append(place)
            if any(one.id == other and not one.likeness.same_language for one in found) or other not in order:
                across.append(place)
    near = [pair.probability for pair in pairs if pair.near_miss]
    figures = [
        [
            "demo: duplicates among the first five",
            round(sum(r < 5 for r in ranks) / len(ranks), 3),
            f"of {len(ranks)}",
            "",
        ],
        [
            "demo: across languages, first five",
            round(sum(r < 5 for r in across) / len(across), 3),
            f"of {len(across)}",
            "",
        ],
        ["demo: near misses called the same", sum(p >= rules.DUPLICATE for p in near), f"of {len(near)}", "0"],
    ]
    return pairs, figures


def real_pairs(questions: Path, duplicates: Path) -> tuple[list[Pair], list[list[Any]]]:
    """Return the pairs of real questions, and how often the earlier of two is found by the later."""
    board = bring(questions, "real")
    rows = questions_of(questions)
    ids = {
        row.external_id: row.id
        for row in db.session.execute(text("SELECT id, external_id FROM question WHERE board_id = :b"), {"b": board})
    }
    with gzip.open(duplicates, "rt") as file:
        linked = [row for row in csv.DictReader(file) if row["q1"] in ids and row["q2"] in ids]
    partners: dict[str, dict[str, set[int]]] = {}
    for row in linked:
        for one, other in ((row["q1"], row["q2"]), (row["q2"], row["q1"])):
            partners.setdefault(one, {}).setdefault(row["kind"], set()).add(ids[other])
    hits: dict[str, list[bool]] = {}
    pairs, asked = [], []
    later = {
        max(row["q1"], row["q2"], key=lambda q: rows[q]["created_at"]): row
        for row in linked
        if row["kind"] == "duplicate"
    }
    for key in [*later, *rng.sample(sorted(rows), min(250, len(rows)))]:
        row = rows[key]
        asked.append((row["title"], row["body"]))
        found = [
            o
            for o in close.close_to_text("question", [board], row["title"], row["body"], limit=200)
            if o.id != ids[key]
        ]
        mine = partners.get(key, {})
        related = mine.get("related", set())
        shown = [one for one in found if one.id not in related]
        pairs += pairs_of(key, shown, mine.get("duplicate", set()), set())[:10]
        if (link := later.get(key)) is not None:
            earlier = link["q1"] if link["q2"] == key else link["q2"]
            who = "same author" if link["same_author"] == "1" else "other author"
            hits.setdefault(who, []).append(ids[earlier] in [one.id for one in found[:10]])
    figures = [[f"real: recall@10, {who}", round(sum(h) / len(h), 3), f"of {len(h)}", ""] for who, h in hits.items()]
    spent = timed(board, asked)
    figures.append([f"real: p95 at {len(rows):,}", round(spent[int(len(spent) * 0.95)]), "ms", "150"])
    return pairs, figures


def reliability(pairs: Sequence[Pair]) -> list[list[Any]]:
    """Return of the pairs of each band of probability how many are the same, beside the mean that was said."""
    figures = []
    for low, high in ((0.0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.01)):
        band = [pair for pair in pairs if low <= pair.probability < high]
        if band:
            said = sum(pair.probability for pair in band) / len(band)
            true = sum(pair.same for pair in band) / len(band)
            figures.append(
                [f"said {low} to {min(high, 1)}: mean / true share", f"{said:.3f} / {true:.3f}", f"of {len(band)}", ""]
            )
    return figures


def fit(pairs: Sequence[Pair]) -> None:
    """Print the coefficients of both regressions and how they do on queries that were held out."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    for same, names in ((True, ("stems", "meanings", "lead")), (False, ("meanings", "title_meanings", "lead"))):
        side = [pair for pair in pairs if pair.likeness.same_language == same]
        x = np.array([[pair.lead if n == "lead" else getattr(pair.likeness, n) for n in names] for pair in side])
        y = np.array([pair.same for pair in side])
        model = LogisticRegression(C=30, max_iter=2000)
        groups = [pair.query for pair in side]
        held_out = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
        model.fit(x, y)
        sure = held_out >= 0.6
        report = {
            "same_language": same,
            "pairs": len(y),
            "duplicates": int(y.sum()),
            "bias": round(model.intercept_[0], 2),
        }
        report |= dict(zip(names, model.coef_[0].round(2).tolist(), strict=True))
        report |= {
            "brier": round(float(((held_out - y) ** 2).mean()), 4),
            "true of 0.6 and more": round(float(y[sure].mean()), 2) if sure.any() else None,
        }
        print(json.dumps(report, default=float), file=sys.stderr)


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--duplicates", type=Path)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    figures: list[list[Any]] = []
    with fresh_portal("similar"), tempfile.TemporaryDirectory() as folder:
        loader.load()
        projections.advance("search")
        pairs: list[Pair] = []
        if options.questions and options.duplicates:
            pairs, figures = real_pairs(options.questions, options.duplicates)
        demo, more = demo_pairs()
        figures += more + reliability(pairs + demo)
        if options.fit:
            fit(pairs + demo)
        if options.items:
            path = Path(folder) / "made-up.jsonl"
            with path.open("w") as file:
                file.writelines(json.dumps(row) + "\n" for row in made_up(options.items))
            board = bring(path, "made-up")
            samples = rng.sample(path.read_text().splitlines(), ASKED)
            spent = timed(board, [(row["title"], row["body"]) for row in map(json.loads, samples)])
            figures += [
                [f"p50 at {options.items:,} items", round(statistics.median(spent)), "ms", ""],
                [f"p95 at {options.items:,} items", round(spent[int(len(spent) * 0.95)]), "ms", "150"],
            ]
    print(json.dumps({"name": "similar", "figures": figures}))


if __name__ == "__main__":
    main()
