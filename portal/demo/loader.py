"""Loads the demo community through the portal's own services, in the order in which things happened."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from portal.community import facade as community
from portal.demo import queue
from portal.demo.story import Row, Story, tell
from portal.ideas import services as ideas
from portal.kernel.clock import now
from portal.kernel.database import transaction
from portal.kernel.outbox import gathered
from portal.kernel.progress import Progress
from portal.members import founding
from portal.members import services as members
from portal.members.policy import Viewer
from portal.members.segments import belongs
from portal.members.signing.passwords import hash_password
from portal.support import services as support

PASSWORD = "lanaviva-di-palena"  # noqa: S105 - printed at the start of every demo
PEOPLE = (
    ("marta", "customer"),
    ("ornella", "customer, expert on dyeing"),
    ("nives", "supplier"),
    ("otto", "partner"),
    ("loris", "staff, support agent"),
    ("bea", "staff, moderator"),
    ("anna", "staff, brand manager"),
    ("sara", "staff, admin"),
)


class Act(NamedTuple):
    """Something that somebody did: when, its place among those of one moment, and how to do it again."""

    at: datetime
    order: int
    do: Callable[[Row], None]
    row: Row


def log_ins(story: Story | None = None) -> list[tuple[str, str, str]]:
    """Return who can sign in to the demo: what she is, her address, her password."""
    by_key = (story or tell(now())).by_key("members")
    return [(f"{by_key[key]['name']}, {what}", by_key[key]["email"], PASSWORD) for key, what in PEOPLE]


def is_loaded() -> bool:
    """Return whether there is a community already: the demo is only for an empty portal."""
    return bool(community.every_board("ideas") or community.every_board("support"))


def load(progress: Progress | None = None) -> dict[str, int]:
    """Load everything in one transaction and return how much of each there was.

    Nobody is notified: what is loaded happened long ago.
    """
    loader = _Loader(tell(now()))
    with transaction(), gathered(), community.boards_remembered():
        counts = loader.run(progress or Progress())
    with transaction(), community.boards_remembered():
        queue.plant(loader.viewers, loader.ids)
    return counts


class _Loader:
    """Remembers which row became which id."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.ids: dict[str, dict[str, int]] = {}
        self.viewers: dict[str, Viewer] = {}
        self.hash = hash_password(PASSWORD)

    def run(self, progress: Progress) -> dict[str, int]:
        self._organisations()
        self._segments_and_tags()
        for act in progress.over(sorted(self._acts(), key=lambda a: a[:2]), "acts"):
            act.do(act.row)
        return {name: len(rows) for name, rows in self.story.rows.items()}

    # What stands before anybody comes

    def _organisations(self) -> None:
        for row in self.story["organisations"]:
            crm = {name: value for name, value in (row["crm"] or {}).items() if name != "owner"}
            self._keep("organisations", row, founding.found_organisation(
                key=row["key"], name=row["name"], kind=row["kind"], country=row["country"] or "",
                region=row["region"] or "", note=row["note"] or "", crm=crm,
            ))  # fmt: skip

    def _segments_and_tags(self) -> None:
        for row in self.story["segments"]:
            founding.define_segment(row["key"], name=row["name"], rule=row["rule"])
        for row in self.story["tags"]:
            self._keep("tags", row, community.define_tag(row["key"], name=row["name"], synonyms=row["synonyms"]))

    # What people do

    def _acts(self) -> Iterator[Act]:
        opening = min(row["joined_at"] for row in self.story["members"])
        for row in self.story["boards"]:
            yield Act(opening, 0, self._open_board, row)
        yield from self._rows(1, self._join, "members", "joined_at")
        yield from self._rows(2, self._propose, "ideas", "created_at")
        yield from self._rows(2, self._ask, "questions", "created_at")
        yield from self._rows(3, self._answer, "answers", "created_at")
        yield from self._rows(4, self._comment, "comments", "created_at")
        yield from self._rows(5, self._vote, "votes", "at")
        yield from self._rows(5, self._react, "reactions", "at")
        yield from self._rows(6, self._follow, "follows", "at")
        for row in self.story["answers"]:
            if row["accepted"]:
                yield Act(row["accepted_at"], 7, self._accept, row)
        for row in self.story["ideas"]:
            for stage in row["stages"]:
                if stage["stage"] != "submitted":
                    yield Act(stage["at"], 8, self._move, {**stage, "idea": row["key"]})

    def _rows(self, order: int, do: Callable[[Row], None], name: str, time: str) -> Iterator[Act]:
        return (Act(row[time], order, do, row) for row in self.story[name])

    def _open_board(self, row: Row) -> None:
        board = community.open_board(
            row["key"], kind=row["type"], name=row["name"], description=row["description"],
            audience=row["audience"], voting=row["voting"] or "support", stages=row["stages"] or (),
            categories=row["categories"], promise_working_days=row["promise_working_days"],
            position=self.story["boards"].index(row),
        )  # fmt: skip
        self._keep("boards", row, board.id)

    def _join(self, row: Row) -> None:
        organisation = self.story.by_key("organisations").get(row["organisation"] or "")
        about = {**row, "country": row["country"] or "", "organisation": organisation}
        segments = [s["key"] for s in self.story["segments"] if belongs(s["rule"], about)]
        who = members.create_member(
            email=row["email"], name=row["name"], kind=row["kind"], roles=row["roles"],
            password_hash=self.hash if row["key"] in dict(PEOPLE) else None,
            lang=row["lang"] if row["lang"] in members.LANGUAGES else "en",
            organisation_id=self._id("organisations", row["organisation"]) if row["organisation"] else None,
            verified=row["email_verified"], origin="demo", joined_at=row["joined_at"],
            details={"job": row["job"] or "", "city": row["city"] or "", "country": row["country"] or "",
                     "bio": row["bio"] or "", "segments": segments, "crm": row["crm"] or {}},
        )  # fmt: skip
        self._keep("members", row, who.id)
        for identity in row["identities"]:
            if identity["kind"] != "email":
                founding.add_identity(who.id, identity["kind"], identity["value"], verified=identity["verified"],
                                     evidence="demo", at=row["joined_at"])  # fmt: skip
        self.viewers[row["key"]] = Viewer(
            member_id=who.id, name=row["name"], kind=row["kind"], roles=frozenset(row["roles"]),
            segments=frozenset(segments), organisation_id=who.organisation_id, lang=who.lang,
            verified=row["email_verified"],
        )  # fmt: skip

    def _propose(self, row: Row) -> None:
        self._keep("ideas", row, ideas.propose_idea(
            self._who(row["author"]), board=row["board"], title=row["title"], body=row["body"], lang=row["lang"],
            category=row["category"] or "", tags=row["tags"], at=row["created_at"],
        ))  # fmt: skip

    def _vote(self, row: Row) -> None:
        ideas.cast_vote(
            self._id("ideas", row["idea"]), self._who(row["member"]), kind=row["kind"], origin=row["origin"],
            position=row["position"], source=row["source"], at=row["at"],
            entered_by=self._id("members", row["on_behalf_by"]) if row["on_behalf_by"] else None,
        )  # fmt: skip

    def _move(self, row: Row) -> None:
        ideas.set_stage(
            self._id("ideas", row["idea"]), self._who(row["by"]), stage=row["stage"], answer=row["answer"] or "",
            reason_code=row["reason_code"], at=row["at"],
        )  # fmt: skip

    def _comment(self, row: Row) -> None:
        parent = self._id("comments", row["parent"]) if row["parent"] else None
        self._keep("comments", row, ideas.comment_on_idea(
            self._id("ideas", row["idea"]), self._who(row["author"]), body=row["body"], parent_id=parent,
            lang=row["lang"], at=row["created_at"],
        ))  # fmt: skip

    def _ask(self, row: Row) -> None:
        self._keep("questions", row, support.ask_question(
            self._who(row["author"]), board=row["board"], title=row["title"], body=row["body"], lang=row["lang"],
            category=row["category"] or "", tags=row["tags"], at=row["created_at"],
        ))  # fmt: skip

    def _answer(self, row: Row) -> None:
        self._keep("answers", row, support.answer_question(
            self._id("questions", row["question"]), self._who(row["author"]), body=row["body"], lang=row["lang"],
            official=row["official"], at=row["created_at"],
        ))  # fmt: skip

    def _accept(self, row: Row) -> None:
        asker = self.story.by_key("questions")[row["question"]]["author"]
        support.accept_answer(self._id("answers", row["key"]), self._who(asker), at=row["accepted_at"])

    def _react(self, row: Row) -> None:
        who = self._who(row["member"])
        if row["kind"] == "same_problem":
            support.same_problem(self._id("questions", row["question"]), who, at=row["at"])
        else:
            support.vote_answer(self._id("answers", row["answer"]), who, value=1, at=row["at"])

    def _follow(self, row: Row) -> None:
        files = {"idea": "ideas", "question": "questions", "member": "members", "tag": "tags"}
        target = self._id(files[row["target_kind"]], row["target"])
        community.follow(self._who(row["member"]).id, row["target_kind"], target, at=row["at"])

    def _keep(self, name: str, row: Mapping[str, Any], new_id: int) -> None:
        self.ids.setdefault(name, {})[row["key"]] = new_id

    def _id(self, name: str, key: str) -> int:
        return self.ids[name][key]

    def _who(self, key: str) -> Viewer:
        return self.viewers[key]
