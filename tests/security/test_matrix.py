"""Who × verb × object, from the URL map: every cell is declared, and every declared cell is really asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.kernel.database import db
from portal.members.policy import Access, access_of
from tests.conftest import _empty
from tests.members.factories import bearer, sign_in
from tests.security.matrix import CELLS, FIXED, GONE, NO, PARAMETERS, YES, Cell
from tests.security.town import ACTORS, Actor, Town, plant

DOOR = re.compile(r"^/sign-in\?|/guest\b")
"""Where somebody is sent who has not signed in; guests may do some things behind a door of their own."""
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SLOT = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
LET_IN = {"GET": {200, 302, 303}, **{method: {200, 201, 204, 302, 303} for method in UNSAFE}}
ANYTHING = {400, 404, 409, 413, 415, 422, 429, 503}
"""What a request without an object may meet behind the door: its fields are empty."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one endpoint."""

    method: str
    endpoint: str
    address: str
    access: Access

    @property
    def key(self) -> str:
        return f"{self.method} {self.endpoint}"

    @property
    def in_api(self) -> bool:
        return self.address.startswith("/api/")


def operations(app: Flask) -> list[Operation]:
    """Return every operation that the portal itself serves; of the addresses of one, the first."""
    found: dict[str, Operation] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        if view.__module__.startswith("tests"):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            access = access_of(view) or Access("anyone")
            found.setdefault(f"{method} {rule.endpoint}", Operation(method, rule.endpoint, rule.rule, access))
    return list(found.values())


def slots(operation: Operation) -> list[str]:
    return SLOT.findall(operation.address)


def cells_of(operation: Operation) -> list[Cell]:
    """Return the object rules of an operation; none for one that is about no object."""
    known = CELLS.get(operation.key, [])
    return known if isinstance(known, list) else [known]


def thing_of(operation: Operation, cell: Cell) -> str:
    return cell.thing or next((PARAMETERS[name] for name in slots(operation) if name in PARAMETERS), "")


def undeclared(app: Flask) -> list[str]:
    """Return the line that is missing for each operation whose address names a thing."""
    return [
        f'"{one.key}": Cell(see),  # {one.address}' for one in operations(app) if slots(one) and one.key not in CELLS
    ]


def at_the_door(actor: Actor, operation: Operation) -> str:
    """Return what the declaration alone says: `YES`, ``sign in``, ``prove`` (a second time), `NO`."""
    rule = operation.access
    if (rule.signed_in or rule.roles) and actor.kind is None:
        return "sign in"
    if rule.roles and not actor.has(*rule.roles):
        would = actor.asleep and bool(actor.roles & (rule.roles | {"admin"}))
        return "prove" if would else NO
    if operation.in_api and rule.scope and actor.kind and rule.scope not in actor.scopes:
        return NO
    writes = operation.method in UNSAFE and (rule.signed_in or bool(rule.roles))
    return NO if actor.suspended and writes and not rule.suspended else YES


def expected(actor: Actor, operation: Operation, cell: Cell | None, state: str) -> tuple[str, set[int]]:
    """Return a verdict in a word, and the statuses that keep it."""
    door = at_the_door(actor, operation)
    page = operation.method == "GET" and not operation.in_api
    if door == "sign in":
        return door, {302} if page else {401}
    if door == "prove":
        return door, {302} if page else {403}
    if door == NO:
        return NO, {403}
    inside = cell.rule(actor, state) if cell else YES
    if inside == GONE:
        return GONE, {404}
    if inside == NO:
        return NO, {403}
    return YES, LET_IN[operation.method] | set(cell.fine if cell else ANYTHING)


@pytest.fixture(scope="module")
def town(portal: Flask) -> Iterator[Town]:
    """The town, planted once for all cells, and committed: an open transaction would hold back everybody's facts."""
    with portal.app_context():
        methods = portal.config.get("WTF_CSRF_METHODS")
        portal.config.update(WTF_CSRF_METHODS=set(), WTF_CSRF_ENABLED=False, STAFF_SECOND_FACTOR=True)
        try:
            planted = plant()
            db.session.commit()
            yield planted
        finally:
            portal.config.update(WTF_CSRF_METHODS=methods, WTF_CSRF_ENABLED=True, STAFF_SECOND_FACTOR=False)
            db.session.remove()
            _empty()
    portal.extensions["redis"].flushdb()


@contextmanager
def undone() -> Iterator[None]:
    """Undo what a request writes, so that each cell finds the town as it was planted."""
    db.session.remove()
    engine = db.engines[None]
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    with engine.connect() as connection:
        undo = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]
        try:
            yield
        finally:
            db.session.remove()
            db.engines[None] = engine
            undo.rollback()


class Asking:
    """Asks cells of the running portal in the name of each actor. Nothing that an answer sets is kept."""

    def __init__(self, app: Flask, town: Town, *, undo: bool = True) -> None:
        self.app, self.town, self.undo = app, town, undo
        self.browser: FlaskClient = app.test_client(use_cookies=False)
        self.cookies: dict[str, str] = {}

    def cookie(self, actor: Actor) -> str:
        """Return the actor's cookie; she signs in once."""
        if actor.kind and actor.name not in self.cookies:
            browser = sign_in(self.app.test_client(), self.town.members[actor.name], second_factor=not actor.asleep)
            found = browser.get_cookie("session")
            self.cookies[actor.name] = f"session={found.value if found else ''}"
        return self.cookies.get(actor.name, "")

    def ask(self, actor: Actor, operation: Operation, cell: Cell | None, thing_id: Any) -> TestResponse:
        """Send the request of one cell."""
        cookie = self.cookie(actor)
        sent = {name: _filled(value, thing_id) for name, value in (cell.data if cell else {}).items()}
        query = {name: _filled(value, thing_id) for name, value in (cell.query if cell else {}).items()}
        address = SLOT.sub(lambda slot: str(self._part(slot[1], query, cell, thing_id)), operation.address)
        given: dict[str, Any] = {"query_string": query}
        if operation.in_api and not actor.asleep:  # a program's token was made by somebody awake
            given["headers"] = bearer(self.town.tokens[actor.name]) if actor.kind else {}
            given |= {"json": sent} if operation.method != "GET" else {}
        else:
            given["headers"] = {"Cookie": cookie} if cookie else {}
            given |= {"json" if operation.in_api else "data": sent} if operation.method != "GET" else {}
        with undone() if self.undo else nullcontext():
            return self.browser.open(address, method=operation.method, **given)

    def get(self, actor: Actor, operation: Operation, query: Mapping[str, str]) -> TestResponse:
        """Ask an address that takes no id."""
        if operation.in_api and actor.kind and not actor.asleep:
            headers = bearer(self.town.tokens[actor.name])
        else:
            headers = {"Cookie": cookie} if (cookie := self.cookie(actor)) else {}
        return self.browser.get(operation.address, query_string=query, headers=headers)

    def _part(self, name: str, query: dict[str, Any], cell: Cell | None, thing_id: Any) -> Any:
        if name in query:
            return query.pop(name)
        if name in FIXED:
            return FIXED[name]
        if name in PARAMETERS and name != "key" and cell and cell.thing and PARAMETERS[name] != cell.thing:
            return next(self.town.things[PARAMETERS[name], one] for one in ("there", "theirs")
                        if (PARAMETERS[name], one) in self.town.things)  # fmt: skip
        return thing_id


def _filled(value: Any, thing_id: Any) -> Any:
    return thing_id if value == "{id}" else value


def matrix(
    app: Flask, town: Town, actors: Sequence[Actor] = ACTORS
) -> Iterator[tuple[Actor, Operation, Cell | None, str, Any]]:
    """Yield every declared cell: who, what, under which rule, in which state, to which thing."""
    for operation in operations(app):
        cells: list[Cell | None] = list(cells_of(operation)) or [None]
        for cell in cells:
            thing = thing_of(operation, cell) if cell else "none"
            states = cell.all_states(thing) if cell and thing != "none" else ("",)
            for actor in actors:
                for state in states:
                    thing_id = town.id_of(actor, thing, state) if state else None
                    if thing_id is not None or not state:
                        yield actor, operation, cell, state, thing_id


def test_every_endpoint_about_a_thing_says_who_may_do_it_to_whose(portal: Flask) -> None:
    missing = undeclared(portal)
    stale = sorted(set(CELLS) - {one.key for one in operations(portal)})
    assert not missing, "Add to CELLS in tests/security/matrix.py, with the rule that fits:\n" + "\n".join(missing)
    assert stale == [], "Take these out of CELLS; there is no such operation"


@pytest.mark.timeout(3600)
def test_every_cell_is_answered_as_declared(portal: Flask, town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    asking, wrong, asked = Asking(portal, town), [], 0
    for actor, operation, cell, state, thing_id in matrix(portal, town):
        verdict, statuses = expected(actor, operation, cell, state)
        answer = asking.ask(actor, operation, cell, thing_id)
        asked += 1
        to_sign_in = answer.status_code == 302 and bool(DOOR.search(answer.location or ""))
        if answer.status_code not in statuses or to_sign_in != (verdict == "sign in" and 302 in statuses):
            wrong.append(f"{operation.key} [{operation.address}] {actor.name} × {state or '-'}: "
                         f"{answer.status_code}, not {verdict} {sorted(statuses)}")  # fmt: skip
    with capsys.disabled():
        print(f"\nmatrix: {asked} cells of {len(operations(portal))} operations × {len(ACTORS)} actors")  # noqa: T201
    assert not wrong, f"{len(wrong)} cells are not as declared:\n" + "\n".join(wrong)


LIKE_NOTHING = ("nobody", "customer", "partner", "moderator")
"""In whose names the pages of what is not there are compared."""
OF_THE_MOMENT = re.compile(
    r'(?<=value=")[\w.-]{70,}|nonce[-="]+[\w-]+|[0-9a-f]{32}|\d+|nowhere|nothing|otto-writes|\w+-closed'
)
"""Numbers, names of requests and tokens of forms: what two answers to two addresses differ in."""


def _skeleton(answer: TestResponse) -> tuple[Any, ...]:
    """Return an answer without what differs from address to address and from moment to moment."""
    head = sorted((name, OF_THE_MOMENT.sub("#", value)) for name, value in answer.headers
                  if name not in {"Content-Length", "Set-Cookie"})  # fmt: skip
    return answer.status_code, head, OF_THE_MOMENT.sub("#", answer.text)


@pytest.mark.timeout(3600)
def test_what_one_may_not_see_answers_like_what_is_not_there(portal: Flask, town: Town) -> None:
    asking, compared, told = Asking(portal, town), 0, []
    missing: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    actors = [one for one in ACTORS if one.name in LIKE_NOTHING]
    for actor, operation, cell, state, thing_id in sorted(
        matrix(portal, town, actors), key=lambda one: one[3] != "missing"
    ):
        if cell is None or expected(actor, operation, cell, state)[0] != GONE or cell.thing == "paper":
            continue
        key = (actor.name, operation.key, thing_of(operation, cell))
        found = _skeleton(asking.ask(actor, operation, cell, thing_id))
        if state == "missing":
            missing[key] = found
        elif key in missing:
            compared += 1
            told += [f"{operation.key} {actor.name} × {state}: {_difference(found, missing[key])}"] * (
                found != missing[key]
            )
    assert not told, f"{len(told)} of {compared} answers tell that something is there:\n" + "\n".join(told)
    assert compared > 1000


def _difference(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return the first thing in which two answers differ."""
    if one[:2] != other[:2]:
        return f"{one[0]}, not {other[0]}; headers {set(one[1]) ^ set(other[1])}"
    place = next((n for n, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b), -1)
    return f"{one[2][place - 60 : place + 60]!r}, not {other[2][place - 60 : place + 60]!r}"
