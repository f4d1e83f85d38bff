"""Canaries: distinct texts in everything that is restricted, looked for in every answer that others can get.

Every canary carries the same bait word and a mark of its own. Searches and likeness are asked for the bait, so that what is
found would bring its mark along; only marks count, and each mark says who may meet it.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.kernel.database import db
from portal.members import queries as members
from portal.notifications.policy import rooms_open_to
from tests.conftest import Workers, _forget_the_request
from tests.security.test_matrix import Asking, Operation, expected, matrix, operations, slots
from tests.security.town import ACTORS, Actor, Town, in_closed, plant

BAIT = "zibellino"
MARK = re.compile(r"kanari[0-9a-f]{10}")
NARROW = {"closed", "hidden", "held", "own_hidden", "own_held", "own_gone", "erased"}
LISTS = (
    {},
    {"q": BAIT},
    {"title": f"{BAIT} idea", "body": f"{BAIT} idea text", "kind": "idea"},
    {"title": f"{BAIT} question", "body": f"{BAIT} question text", "kind": "question"},
    {"board": "ideas-closed", "q": BAIT},
    {"board": "support-closed", "title": BAIT},
    {"sort": "newest", "limit": "100"},
)
"""What is asked of each address that takes no id."""
SEARCHING = re.compile(r"/(?:ideas|questions|search|similar|experts|members|mentions|topics|boards)$")
"""Addresses that are asked with words, too."""
REFUSED = ("nobody", "customer", "partner", "manager")
"""In whose names the answers of refusals are read: one of each sort."""
MOST_TRUSTED_FIRST = tuple(one for one in reversed(ACTORS) if one.name != "reader")
"""So that what a page keeps for one reader would be found with the next, who may see less."""


@dataclass(slots=True)
class Cage:
    """The canaries: their marks, what each stands in, and who may meet it."""

    about: dict[str, str] = field(default_factory=dict)

    def word(self, about: str) -> str:
        """Return a text with a new canary in it."""
        mark = f"kanari{secrets.token_hex(5)}"
        self.about[mark] = about
        return f"{BAIT} {mark} {about}"

    def address(self, name: str) -> str:
        """Return an e-mail address with a new canary in it."""
        mark = f"kanari{secrets.token_hex(5)}"
        self.about[mark] = f"{name} address"
        return f"{mark}@example.org"

    def leaks(self, actor: Actor, text: str) -> list[str]:
        """Return what this actor must not meet and has met."""
        found = sorted({self.about[mark] for mark in MARK.findall(text.lower()) if mark in self.about})
        return [about for about in found if not may_meet(actor, about)]


def may_meet(actor: Actor, about: str) -> bool:
    """Return whether an actor may meet a canary, by what it stands in."""
    rules: list[tuple[Callable[[str], bool], bool]] = [
        (lambda a: a == "organisation's note", actor.kind == "staff"),
        (lambda a: a.endswith(" draft"), about.startswith(f"{actor.name} ")),
        (lambda a: "closed" in a, in_closed(actor)),
        (lambda a: a.endswith(("crm", "letter", "letter's reason")),
         actor.has("brand_manager", "support_agent", "moderator")),
        (lambda a: a == "asked in own address", actor.miller or actor.has("brand_manager", "support_agent", "moderator")),
        (lambda a: a.endswith("address"),
         about.startswith(f"{actor.name} ") or actor.has("brand_manager", "support_agent", "moderator")),
        (lambda a: a == "gone member", actor.has("brand_manager", "support_agent", "moderator")),
        (lambda a: "erased" in a, False),
        (lambda a: "own_gone" in a, actor.has("moderator")),
        (lambda a: "own_hidden" in a or "own_held" in a, about.startswith(f"{actor.name} ") or actor.has("moderator")),
        (lambda a: a.startswith(("hidden", "held")), actor.has("moderator")),
    ]  # fmt: skip
    return next((verdict for fits, verdict in rules if fits(about)), True)


@dataclass(slots=True)
class Hunt:
    """Asks, reads every answer, and remembers what was found where it must not be."""

    asking: Asking
    cage: Cage
    searched: int = 0
    found: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    """Where the public idea was met: a search that finds nothing hides nothing."""

    def read(self, actor: Actor, where: str, answer: TestResponse | str) -> None:
        """Look for canaries in an answer and its headers."""
        body = answer if isinstance(answer, str) else answer.get_data().decode(errors="replace")
        text = body if isinstance(answer, str) else f"{answer.headers}\n{body}"
        self.searched += 1
        if any(self.cage.about.get(mark) == "theirs idea" for mark in MARK.findall(text.lower())):
            self.met.add(where.partition("?")[0])
        self.found += [f"{where} shows {actor.name}: {about}" for about in self.cage.leaks(actor, text)]


@pytest.fixture
def cached(committed: Flask) -> Iterator[Flask]:
    """The portal as it is in production, with pages for readers kept ready."""
    names = ("PORTAL_ENV", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PORTAL_DATA_DIR")
    environ = {name: str(committed.config[name]) for name in names}
    environ["DATABASE_URL"] = str(committed.config["SQLALCHEMY_DATABASE_URI"])
    app = create_app({**environ, "PORTAL_READER_CACHE": "1"}, TESTING=True, SERVER_NAME="localhost")
    app.teardown_request(_forget_the_request)
    app.config.update(WTF_CSRF_METHODS=set(), WTF_CSRF_ENABLED=False, STAFF_SECOND_FACTOR=True)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def restricted_cells(app: Flask, town: Town, actor: Actor) -> Iterator[tuple[Operation, str, TestResponse | None]]:
    """Ask every address about a thing: all that read, and of those that write the ones that must refuse."""
    asking = Asking(app, town, undo=False)
    for who, operation, cell, state, thing_id in matrix(app, town, (actor,)):
        verdict, _statuses = expected(who, operation, cell, state)
        reads = operation.method == "GET" and (state in NARROW or state in {"theirs", "there"})
        refused = actor.name in REFUSED and verdict != "yes" and state in {"closed", "hidden", "held", "erased"}
        if cell and (reads or refused):
            yield operation, state, asking.ask(who, operation, cell, thing_id)


def hunt_lists(hunt: Hunt, app: Flask, actor: Actor) -> None:
    """Ask every address without an id, with and without words, boards and orders."""
    for operation in operations(app):
        if operation.method == "GET" and not slots(operation):
            for query in LISTS if SEARCHING.search(operation.address) else LISTS[:1]:
                answer = hunt.asking.get(actor, operation, query)
                hunt.read(actor, f"{operation.address}?{query}", answer)


def hunt_rooms(hunt: Hunt, town: Town, actor: Actor) -> None:
    """Ask for the rooms of everything; what is not in sight has none."""
    viewer = members.viewer_of(town.members[actor.name]) if actor.kind else members.Viewer()
    for kind in ("idea", "question"):
        for state in NARROW:
            thing_id = town.id_of(actor, kind, state)
            if thing_id is None:
                continue
            room = f"{kind}:{thing_id}"
            hunt.searched += 1
            if rooms_open_to(viewer, [room]) and not (state == "closed" and in_closed(actor)):
                hunt.found.append(f"room {room} ({state}) is open to {actor.name}")


def hunt_mails(hunt: Hunt, folder: Path) -> None:
    """Read every mail as the stranger who would get it by mistake: nobody's mail holds what is out of sight."""
    for mail in sorted(folder.rglob("*.eml")):
        text = mail.read_text(errors="replace")
        head, _, body = text.partition("\n\n")
        owner = next(
            (one for one in ACTORS if f"{one.name} address" in map(hunt.cage.about.get, MARK.findall(head))), ACTORS[0]
        )
        hunt.read(owner, f"mail {mail.name}", body)


@pytest.mark.timeout(3600)
def test_nobody_meets_what_is_not_for_her(cached: Flask, workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    cage = Cage()
    town = plant(Town(word=cage.word, address=cage.address))
    workers.run()
    hunt = Hunt(Asking(cached, town, undo=False), cage)
    for actor in (*MOST_TRUSTED_FIRST, ACTORS[0]):
        for operation, state, answer in restricted_cells(cached, town, actor):
            if answer is not None:
                hunt.read(actor, f"{operation.key} × {state}", answer)
        hunt_lists(hunt, cached, actor)
        if actor.name != "asleep":
            hunt_rooms(hunt, town, actor)
    workers.run()
    hunt_mails(hunt, Path(cached.config["PORTAL_DATA_DIR"]))
    with capsys.disabled():
        print(f"\ncanaries: {hunt.searched} answers searched for {len(cage.about)} texts: {len(hunt.found)} leaks")  # noqa: T201
    assert {"/ideas", "/search", "/api/v1/search", "/api/v1/ideas"} <= hunt.met
    assert not hunt.found, f"{len(hunt.found)} leaks:\n" + "\n".join(sorted(set(hunt.found)))


def test_a_leak_would_be_found(cached: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cage = Cage()
    town = plant(Town(word=cage.word, address=cage.address))
    hunt = Hunt(Asking(cached, town, undo=False), cage)
    supplier, nobody = next(one for one in ACTORS if one.name == "supplier"), ACTORS[0]
    boards = next(one for one in operations(cached) if one.address == "/ideas")
    hunt.read(supplier, "/ideas", hunt.asking.get(supplier, boards, {}))
    hunt.read(nobody, "/ideas", hunt.asking.get(nobody, boards, {}))
    assert hunt.found == []
    monkeypatch.setattr("portal.community.queries.may_see_audience", lambda _viewer, _audience: True)
    hunt.read(nobody, "/ideas", hunt.asking.get(nobody, boards, {"sort": "newest"}))
    assert any("closed" in leak for leak in hunt.found)
