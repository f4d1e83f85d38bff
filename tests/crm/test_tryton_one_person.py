"""One person under two numbers, with a real Tryton: joined there, joined here, parted, and no party too many."""

from collections.abc import Iterator
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import select

from portal.crm import queries
from portal.crm.gateways.tryton import Rpc, TrytonGateway
from portal.crm.models import DeadLetter
from portal.crm.services import marking, news
from portal.crm.services.outlet import Outlet
from portal.ideas.services import cast_vote
from portal.kernel import periodic, projections
from portal.kernel.database import db, transaction
from portal.local import tryton
from portal.members.models import Identity, Member
from portal.members.models.people import IdentityDoubt
from portal.members.queries import viewer_of
from portal.members.services import identities
from portal.members.services.merging import merge_members, unmerge_members
from tests.conftest import Workers
from tests.crm.test_from_fact_to_crm import CLOCK
from tests.ideas.factories import a_board, an_idea
from tests.members.factories import a_member

_number = count(1)
FIGURES = ("portal_member", "portal_votes", "portal_ideas_submitted", "portal_url")


class Exchange:
    """The portal and a Tryton that starts with no party of ours."""

    def __init__(self, workers: Workers, admin: Rpc, outlet: Outlet) -> None:
        self.workers, self.admin, self.outlet = workers, admin, outlet
        self.before = {one["id"] for one in self.parties([])}

    def settle(self) -> None:
        """Let everything that waits be done."""
        for _ in range(4):
            projections.advance_all()
            db.session.commit()
            periodic.run_periodic(CLOCK)
            self.workers.run()
        db.session.expire_all()

    def take_news(self) -> None:
        with transaction():
            news.take_news(self.outlet)
        self.settle()

    def parties(self, which: list[object]) -> list[dict[str, object]]:
        wanted = [["active", "in", [True, False]], ["portal_kind", "=", "person"], *which]
        fields = ["id", "code", "active", *FIGURES, "portal_events.type", "portal_events.event_id"]
        return self.admin.call("model.party.party.search_read", wanted, 0, None, [["id", "ASC"]], fields)

    def ours(self) -> list[dict[str, object]]:
        """Return the parties that were not here before."""
        return [one for one in self.parties([]) if one["id"] not in self.before]

    def of(self, member_id: int) -> dict[str, object]:
        """Return the one party with a member's number."""
        (found,) = self.parties([["portal_member", "=", member_id]])
        return found

    def replace(self, gone: dict[str, object], kept: dict[str, object]) -> None:
        """Join two contacts as somebody does in Tryton."""
        for field in ("name", "crm_account"):
            value = self.admin.call("model.party.party.read", [kept["id"]], [field])[0][field]
            self.admin.call("model.party.party.write", [gone["id"]], {field: value})
        session = self.admin.call("wizard.party.replace.create")[0]
        ask = {"ask": {"source": gone["id"], "destination": kept["id"]}}
        self.admin.call("wizard.party.replace.execute", session, ask, "replace")


def third() -> int:
    """Return somebody who decides; she has a party already."""
    return db.session.scalars(select(Member.id).filter_by(name="Other")).one()


def told(party: dict[str, object]) -> list[str]:
    return sorted(one["type"] for one in party["portal_events."])


def figures_of(party: dict[str, object]) -> dict[str, object]:
    return {name.removeprefix("portal_"): party[name] for name in FIGURES}


@pytest.fixture
def exchange(
    committed: Flask, workers: Workers, tryton_server: tryton.Server, tryton_gateway: TrytonGateway
) -> Iterator[Exchange]:
    committed.config["PORTAL_CRM"] = "tryton"
    outlet = Outlet(tryton_gateway, site="https://c.example.org")
    committed.extensions["crm"]["tryton"] = outlet
    with Rpc(tryton_server.url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as admin:
        marking.open_gateway("tryton")
        db.session.commit()
        try:
            yield Exchange(workers, admin, outlet)
        finally:
            tryton_gateway.forget("contact", list(range(1, 200)))
            committed.config["PORTAL_CRM"] = "none"
            committed.extensions["crm"].clear()


@pytest.fixture
def two(exchange: Exchange) -> tuple[int, int]:
    """Rosa, who proposed one idea and voted for another; and Lana, who proposed two and voted for the same one."""
    board = a_board()
    rosa, lana, other = (a_member(name=name) for name in ("Rosa", "Lana", "Other"))
    theirs = an_idea(viewer_of(other), board)
    for who, ideas in ((rosa, 1), (lana, 2)):
        for number in range(ideas):
            an_idea(viewer_of(who), board, title=f"Idea {number} of {who}")
        with transaction():
            cast_vote(theirs, viewer_of(who), origin="newest")
    exchange.settle()
    return rosa, lana


IDEA, JOINED = "portal.idea.submitted", "portal.member.joined"
ROSAS, LANAS = sorted([JOINED, IDEA]), sorted([JOINED, IDEA, IDEA])


def as_two(exchange: Exchange, rosa: int, lana: int) -> None:
    """Each has a party of her own with her own figures and events, and there is none besides."""
    first, second = exchange.of(rosa), exchange.of(lana)
    assert (first["portal_ideas_submitted"], first["portal_votes"]) == (1, 1)
    assert (second["portal_ideas_submitted"], second["portal_votes"]) == (2, 1)
    assert (told(first), told(second)) == (ROSAS, LANAS)


def as_one(exchange: Exchange, kept: int, gone: int) -> None:
    """The kept one's party has the figures of both and the events of both, and the other has nothing."""
    party = exchange.of(kept)
    assert (party["portal_ideas_submitted"], party["portal_votes"]) == (3, 1)
    assert party["portal_url"] == f"https://c.example.org/members/{kept}"
    assert told(party) == sorted(ROSAS + LANAS)
    assert exchange.parties([["portal_member", "=", gone]]) == []
    for other in exchange.ours():
        if other["id"] != party["id"] and other["portal_member"] is None:
            assert (figures_of(other), told(other)) == (
                dict.fromkeys(("member", "votes", "ideas_submitted", "url")),
                [],
            )


def nothing_is_wrong(exchange: Exchange, parties: int) -> None:
    assert len(exchange.ours()) == parties, "a party too many, or one too few"
    assert db.session.scalars(select(DeadLetter.reason)).all() == []
    assert (queries.figures("tryton").pending, queries.figures("tryton").state) == (0, "running")


def test_two_members_who_are_one_are_one_contact_and_two_again(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    as_two(exchange, rosa, lana)
    codes = {who: exchange.of(who)["code"] for who in two}
    known = sorted(db.session.execute(select(Identity.member_id, Identity.value, Identity.verified)).all())
    with transaction():
        merge = merge_members(lana, rosa, actor_id=None, evidence="her own word")
    exchange.settle()
    exchange.take_news()
    as_one(exchange, lana, rosa)
    assert exchange.of(lana)["code"] == codes[lana]
    nothing_is_wrong(exchange, 3)
    with transaction():
        unmerge_members(merge, actor_id=None)
    exchange.settle()
    exchange.take_news()
    as_two(exchange, rosa, lana)
    assert {who: exchange.of(who)["code"] for who in two} == codes
    assert sorted(db.session.execute(select(Identity.member_id, Identity.value, Identity.verified)).all()) == known
    nothing_is_wrong(exchange, 3)


def test_the_newer_account_gives_way_to_the_older(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    with transaction():
        merge = merge_members(rosa, lana, actor_id=None, evidence="her own word")
    exchange.settle()
    as_one(exchange, rosa, lana)
    nothing_is_wrong(exchange, 3)
    with transaction():
        unmerge_members(merge, actor_id=None)
    exchange.settle()
    as_two(exchange, rosa, lana)
    nothing_is_wrong(exchange, 3)


def test_who_was_never_sent_takes_the_contact_and_gives_it_back(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    hers, late = exchange.of(rosa), a_member(name="Late")
    with transaction():
        merge = merge_members(late, rosa, actor_id=None, evidence="her own word")
    exchange.settle()
    assert exchange.of(late)["id"] == hers["id"]
    assert told(exchange.of(late)) == sorted([*ROSAS, JOINED])
    nothing_is_wrong(exchange, 3)
    with transaction():
        unmerge_members(merge, actor_id=None)
    exchange.settle()
    as_two(exchange, rosa, lana)
    assert exchange.of(rosa)["id"] == hers["id"]
    assert told(exchange.of(late)) == [JOINED]
    nothing_is_wrong(exchange, 4)


def test_contacts_of_two_members_that_the_crm_joined_wait_for_a_person(
    exchange: Exchange, two: tuple[int, int]
) -> None:
    rosa, lana = two
    first, second = exchange.of(rosa), exchange.of(lana)
    exchange.replace(first, second)
    exchange.take_news()
    (doubt,) = db.session.scalars(select(IdentityDoubt)).all()
    assert (doubt.why, doubt.member_id, doubt.other_id, doubt.state) == ("joined_in_crm", lana, rosa, "open")
    # Until somebody has decided, the contact says what the portal knows of Lana, and nothing of Rosa is anywhere.
    alone = exchange.of(lana)
    assert (alone["code"], alone["portal_ideas_submitted"], told(alone)) == (second["code"], 2, LANAS)
    assert exchange.parties([["portal_member", "=", rosa]]) == []
    an_idea(viewer_of(rosa))
    exchange.settle()
    assert told(exchange.of(lana)) == LANAS, "what Rosa does meanwhile is not Lana's"
    nothing_is_wrong_but_waiting(exchange, 3)
    with transaction():
        identities.decide(doubt.id, "match", actor_id=third())
    exchange.settle()
    party = exchange.of(lana)
    assert (party["portal_ideas_submitted"], told(party)) == (4, sorted([*ROSAS, *LANAS, IDEA]))
    nothing_is_wrong(exchange, 3)
    with transaction():
        identities.undo(doubt.id, actor_id=third())
    exchange.settle()
    assert told(exchange.of(lana)) == LANAS
    assert exchange.parties([["portal_member", "=", rosa]]) == []


def nothing_is_wrong_but_waiting(exchange: Exchange, parties: int) -> None:
    assert len(exchange.ours()) == parties
    assert db.session.scalars(select(DeadLetter.reason)).all() == []


def test_members_whose_contacts_were_joined_by_mistake_get_one_each(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    exchange.replace(exchange.of(rosa), exchange.of(lana))
    exchange.take_news()
    doubt_id = db.session.scalars(select(IdentityDoubt.id)).one()
    with transaction():
        identities.decide(doubt_id, "different", actor_id=third())
    exchange.settle()
    as_two(exchange, rosa, lana)
    nothing_is_wrong(exchange, 4)  # the one that was joined away stays, empty and out of sight
    exchange.take_news()
    as_two(exchange, rosa, lana)
    assert len(exchange.ours()) == 4


def test_contacts_of_one_member_that_the_crm_joins_stay_hers(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    first, second = exchange.of(rosa), exchange.of(lana)
    with transaction():
        merge = merge_members(lana, rosa, actor_id=None, evidence="her own word")
    exchange.settle()
    exchange.replace(second, first)  # the very contact that holds her figures gives way
    exchange.take_news()
    as_one(exchange, lana, rosa)
    assert exchange.of(lana)["code"] == first["code"]
    nothing_is_wrong(exchange, 3)
    with transaction():
        unmerge_members(merge, actor_id=None)
    exchange.settle()
    as_two(exchange, rosa, lana)


def test_a_contact_that_takes_hers_in_gets_figures_and_events(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    first, number = exchange.of(rosa), next(_number)
    row = {"code": f"CON-T{number}", "name": "Rosa T.", "addresses": []}
    kept = exchange.admin.call("model.party.party.create", [row])[0]
    exchange.replace(first, {"id": kept})
    exchange.take_news()
    as_two(exchange, rosa, lana)
    assert exchange.of(rosa)["id"] == kept
    (gone,) = exchange.parties([["id", "=", first["id"]]])
    assert figures_of(gone) == dict.fromkeys(("member", "votes", "ideas_submitted", "url"))
    nothing_is_wrong(exchange, 4)


def test_a_contact_that_is_not_she_keeps_nothing_of_her(exchange: Exchange, two: tuple[int, int]) -> None:
    rosa, lana = two
    hers = exchange.of(rosa)
    identity = db.session.scalars(select(Identity.id).filter_by(kind="crm_contact", member_id=rosa)).one()
    with transaction():
        identities.remove_identity(rosa, identity)
    exchange.settle()
    as_two(exchange, rosa, lana)
    (left,) = exchange.parties([["id", "=", hers["id"]]])
    assert (figures_of(left), told(left)) == (dict.fromkeys(("member", "votes", "ideas_submitted", "url")), [])
    assert exchange.of(rosa)["id"] != hers["id"]
