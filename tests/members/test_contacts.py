"""Members as the CRM knows them, and stand-ins for imported authors."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from portal.kernel.database import db
from portal.members import facade, queries, services
from portal.members.founding import add_identity
from portal.members.rules import Purpose
from portal.members.services import identities
from tests.conftest import counted_queries
from tests.members.factories import a_member

pytestmark = pytest.mark.usefixtures("app")


def contact_of(member_id: int) -> str | None:
    (contact,) = facade.crm_contacts([member_id])
    return next(iter(contact.contact_ids), None)


def test_a_confirmed_address_proves_who_a_contact_is() -> None:
    ruth = a_member(email="ruth@example.org", verified=True)
    attributes = {"tier": "gold", "spent_eur": 120}
    assert facade.apply_crm_contact(contact_id="C1", emails=["RUTH@example.org"], attributes=attributes) == ruth
    assert contact_of(ruth) == "C1"
    assert queries.profile(ruth).purchases_verified
    assert facade.crm_contacts([ruth])[0].crm == {"tier": "gold", "spent_eur": 120, "contact_id": "C1"}


def test_an_address_that_is_only_claimed_proves_nothing() -> None:
    a_member(email="ruth@example.org", verified=False)
    assert facade.apply_crm_contact(contact_id="C1", emails=["ruth@example.org"]) is None


def test_a_contact_stays_with_the_member_it_is_proven_to_be() -> None:
    ruth, other = a_member(verified=True, email="a@example.org"), a_member(verified=True, email="b@example.org")
    add_identity(ruth, "crm_contact", "C1", verified=True, evidence="test")
    assert facade.apply_crm_contact(contact_id="C1", emails=["b@example.org"], attributes={"tier": None}) == ruth
    assert contact_of(other) is None


def test_attributes_are_replaced_one_by_one_and_emptied_by_none() -> None:
    ruth = a_member(verified=True, email="a@example.org")
    facade.apply_crm_contact(contact_id="C1", emails=["a@example.org"], attributes={"tier": "gold", "age": 3})
    facade.apply_crm_contact(contact_id="C1", attributes={"tier": None, "points": 5})
    assert facade.crm_contacts([ruth])[0].crm == {"age": 3, "points": 5, "contact_id": "C1"}


def test_an_account_becomes_an_organisation_once() -> None:
    first = facade.apply_crm_account(account_id="A1", name="Filanda", kind="supplier", attributes={"revenue_eur": 5})
    again = facade.apply_crm_account(account_id="A1", name="Filanda Rossi", attributes={"owner": "x"})
    assert first == again
    (account,) = facade.crm_accounts([first])
    assert (account.name, account.kind) == ("Filanda Rossi", "supplier")
    assert account.crm == {"account_id": "A1", "revenue_eur": 5, "owner": "x"}
    ruth = a_member(verified=True, email="a@example.org")
    facade.apply_crm_contact(contact_id="C1", emails=["a@example.org"], account_id="A1")
    assert facade.crm_contacts([ruth])[0].organisation_id == first


def test_a_merge_in_the_crm_is_followed() -> None:
    ruth, other = a_member(), a_member()
    add_identity(ruth, "crm_contact", "C1", verified=True, evidence="test")
    assert facade.contacts_merged("C1", "C2") == ruth
    assert contact_of(ruth) == "C2"
    add_identity(other, "crm_contact", "C3", verified=True, evidence="test")
    assert facade.contacts_merged("C3", "C2") == other
    assert (contact_of(ruth), contact_of(other)) == ("C2", None)


def test_only_those_who_agree_are_shared() -> None:
    ruth, noor = a_member(), a_member()
    services.say_consent(noor, Purpose.CRM, given=False)
    stand_in = services.placeholders_for("thunderbird", ["u_1"])["u_1"]
    assert facade.may_share_with_crm([ruth, noor, stand_in]) == {ruth}


def test_of_several_contacts_the_first_has_the_word() -> None:
    ruth = a_member(verified=True, email="a@example.org")
    facade.apply_crm_contact(contact_id="C1", emails=["a@example.org"], attributes={"tier": "gold"})
    add_identity(ruth, "crm_contact", "C2", verified=True, evidence="test")
    facade.apply_crm_contact(contact_id="C2", attributes={"tier": "new", "points": 5})
    (contact,) = facade.crm_contacts([ruth])
    assert contact.contact_ids == ("C1", "C2")
    assert contact.crm == {"tier": "gold", "points": 5, "contact_id": "C1"}


def test_two_members_whose_contacts_the_crm_joined_are_a_question() -> None:
    ruth, noor = a_member(), a_member()
    add_identity(ruth, "crm_contact", "C1", verified=True, evidence="test")
    add_identity(noor, "crm_contact", "C2", verified=True, evidence="test")
    assert facade.contacts_merged("C1", "C2") == ruth
    assert (contact_of(ruth), contact_of(noor)) == (None, "C2")
    assert facade.waiting_for_a_person([ruth, noor]) == {ruth}
    (asked,) = identities.doubts()
    assert (asked.why, asked.member_id, asked.other_id) == ("joined_in_crm", noor, ruth)
    identities.decide(asked.id, "different", actor_id=a_member(kind="staff", roles=["moderator"]))
    assert facade.waiting_for_a_person([ruth, noor]) == set()


def test_authors_of_an_import_get_one_stand_in_each() -> None:
    since = datetime(2020, 1, 2, tzinfo=UTC)
    first = services.placeholders_for("forum", ["u1", "u2", "u1"], names={"u1": "Ugo"}, joined={"u1": since})
    again = services.placeholders_for("forum", ["u2", "u3"])
    elsewhere = services.placeholders_for("blog", ["u1"])
    assert first["u2"] == again["u2"]
    assert elsewhere["u1"] != first["u1"]
    cards = facade.member_cards(first.values())
    assert (cards[first["u1"]].name, cards[first["u1"]].placeholder) == ("Ugo", True)
    assert queries.profile(first["u1"]).joined_at == since


def test_ten_thousand_authors_take_few_statements(app: Flask) -> None:
    with counted_queries() as seen:
        made = services.placeholders_for("forum", [f"u{n}" for n in range(10_000)])
    assert len(made) == 10_000
    assert len(seen) < 40


def test_cards_of_a_whole_list_are_one_query() -> None:
    ids = [a_member() for _ in range(5)]
    db.session.expunge_all()
    with counted_queries() as seen:
        cards = facade.member_cards([*ids, None, 999_999])
    assert set(cards) == set(ids)
    assert len(seen) == 1
