"""The texts and events of the demo community, with their times shifted so that the last one is today."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"
FILES = ("organisations", "members", "boards", "tags", "segments", "ideas", "comments", "questions", "answers",
         "reactions", "votes", "follows")  # fmt: skip
TIMES = ("at", "created_at", "joined_at", "accepted_at")
Row = dict[str, Any]


@dataclass(slots=True)
class Story:
    """Rows of each file; every time in them is a `datetime` between 14 months ago and now."""

    now: datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Row]:
        """Return the rows of one file."""
        return self.rows[name]

    def by_key(self, name: str) -> dict[str, Row]:
        """Return the rows of one file by their keys."""
        return {row["key"]: row for row in self.rows[name]}


def tell(now: datetime) -> Story:
    """Read the demo community as it stands at ``now``.

    All times move by one number of days, so that hours of the day stay true. What would fall after ``now`` on the last
    day is drawn together into the part of the day that has passed.
    """
    story = Story(now)
    for name in FILES:
        with (FOLDER / f"{name}.jsonl").open(encoding="utf-8") as lines:
            story.rows[name] = [json.loads(line) for line in lines]
    last = max(_times(story.rows))
    shift = timedelta(days=(now.date() - last.date()).days)
    for rows in story.rows.values():
        for row in rows:
            _move(row, shift, now)
    return story


def _times(files: dict[str, list[Row]]) -> Iterator[datetime]:
    for rows in files.values():
        for row in rows:
            for key in TIMES:
                if row.get(key):
                    yield _read(row[key])


def _move(row: Row, shift: timedelta, now: datetime) -> None:
    for key in TIMES:
        if row.get(key):
            row[key] = _not_later(_read(row[key]) + shift, now)
    for stage in row.get("stages") or ():
        if isinstance(stage, dict):
            _move(stage, shift, now)


def _not_later(moment: datetime, now: datetime) -> datetime:
    midnight = datetime.combine(now.date(), time(), UTC)
    if moment <= midnight:
        return moment
    return midnight + (moment - midnight) * ((now - midnight) / timedelta(days=1))


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
