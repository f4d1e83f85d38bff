"""Topics: how many contributions a training reads per CPU second, and what one new post costs.

The texts are sentences of the demo community, drawn anew into as many posts as are wanted, each thread from one
subject; or, given as an argument, a file of real questions and answers (JSON lines, gzip or not).
"""

import gzip
import json
import random
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portal.analytics.topics.reading.model import TopicModel
from portal.analytics.topics.reading.training import Post, train

DEMO = Path(__file__).parent.parent / "portal" / "demo" / "data"
POSTS = 20_000
REPLIES = 3
NEW_POSTS = 300


def main() -> dict[str, Any]:
    """Measure and return the figures."""
    posts = list(_given(Path(sys.argv[1])) if len(sys.argv) > 1 else _drawn())
    began = time.process_time()
    found = train(posts, languages=("it", "en"))
    seconds = time.process_time() - began
    again = TopicModel.from_bytes(found.model.to_bytes())
    new = [post for post in posts if post.opens][:NEW_POSTS]
    for post in new[:30]:  # the first texts of each language load its stop words, once a process
        again.read(post.text, post.lang)
    times = sorted(_timed(again, post) for post in new)
    return {
        "name": "topics",
        "figures": [
            ["documents read", len(posts), "contributions", ""],
            ["training", round(len(posts) / seconds), "documents a CPU second", "≥ 1,000"],
            ["topics found", found.report.topics, "", ""],
            ["one new post, p50", round(times[len(times) // 2], 2), "ms", "≤ 50"],
            ["one new post, p99", round(times[int(len(times) * 0.99)], 2), "ms", "≤ 50"],
            ["the model, kept", round(len(found.model.to_bytes()) / 1e6, 2), "MB", ""],
            ["peak memory", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "MB", ""],
        ],
    }


def _timed(model: TopicModel, post: Post) -> float:
    began = time.perf_counter()
    model.read(post.text, post.lang)
    return (time.perf_counter() - began) * 1000


def _drawn() -> Iterator[Post]:
    """Yield threads made of sentences that were written about the same subject in the same language."""
    draw = random.Random(1)
    shelves: dict[tuple[str, str], list[str]] = {}
    for name in ("ideas", "questions"):
        for line in (DEMO / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            for tag in row["tags"]:
                shelves.setdefault((tag, row["lang"]), []).extend(_sentences(f"{row['title']}. {row['body']}"))
    subjects = [subject for subject, sentences in shelves.items() if len(sentences) > REPLIES]
    for thread in range(POSTS // (1 + REPLIES)):
        subject = draw.choice(subjects)
        for place in range(1 + REPLIES):
            text = " ".join(draw.choices(shelves[subject], k=draw.randint(2, 6)))
            yield Post((thread, place), thread, text, subject[1], opens=place == 0)


def _sentences(text: str) -> list[str]:
    return [one for one in re.split(r"(?<=[.!?])\s+", text) if one]


def _given(path: Path) -> Iterator[Post]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            row = json.loads(line)
            text = f"{row.get('title') or ''}\n{row['body'] or ''}"
            thread = row.get("parent") or row.get("idea") or row["id"]
            yield Post(row["id"], thread, text, row.get("lang") or "en", opens=thread == row["id"])


if __name__ == "__main__":
    print(json.dumps(main(), ensure_ascii=False))
