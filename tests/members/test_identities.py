"""A member and a contact are one person only on evidence; what is less waits for a person, and can be taken back."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.jobs import Promise
from portal.members import contacts, facade, listeners, queries, services
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.members.founding import add_identity
from portal.members.models import Identity, Member
from portal.members.queries import people
from portal.members.services import identities, merging
from tests.factories import a_member, an_idea, sign_in
from tests.members.test_guests import mails, post, token_in

pytestmark = pytest.mark.usefixtures("app")


def contact_of(member_id: int) -> str | None:
    (contact,) = facade.crm_contacts([member_id])
    return next(iter(contact.contact_ids), None)


def waiting() -> set[tuple[str, int, str | None]]:
    return {(one.why, one.member_id, one.contact_id) for one in identities.doubts()}


def staff_id(*roles: str) -> int:
    return a_member(kind="staff", roles=list(roles or ("moderator",)))


def test_less_than_proof_waits_for_a_person() -> None:
    filanda = facade.apply_crm_account(account_id="A1", name="Filanda")
    unsure = a_member(email="unsure@example.org")
    namesake = a_member(name="Nives Serra", organisation_id=filanda)
    a_member(name="Nives Serra")  # the name alone is nothing
    known = a_member(email="known@example.org", verified=True)
    assert facade.apply_crm_contact(contact_id="C0", emails=["known@example.org"]) == known
    assert facade.apply_crm_contact(contact_id="C1", emails=["unsure@example.org"]) is None
    assert facade.apply_crm_contact(contact_id="C2", name="nives serra", account_id="A1") is None
    assert facade.apply_crm_contact(contact_id="C3", emails=["known@example.org"]) is None
    one, two = (a_member(email=f"{n}@example.com", verified=True) for n in ("one", "two"))
    assert facade.apply_crm_contact(contact_id="C4", emails=["one@example.com", "two@example.com"]) is None
    assert waiting() == {
        ("unverified_address", unsure, "C1"),
        ("same_name", namesake, "C2"),
        ("two_contacts", known, "C3"),
        ("two_members", one, "C4"),
        ("two_members", two, "C4"),
    }
    facade.apply_crm_contact(contact_id="C1", emails=["unsure@example.org"])
    assert len(waiting()) == 5  # asked again, it is the same question
    assert contact_of(unsure) is None


def test_a_further_proven_address_is_evidence_too() -> None:
    ada = a_member(email="ada@example.org", verified=True)
    add_identity(ada, "email", "Ada@example.com", verified=True, evidence="link")
    add_identity(a_member(), "email", "claimed@example.com", verified=False, evidence="said")
    assert facade.apply_crm_contact(contact_id="C1", emails=["ada@example.com"]) == ada
    assert facade.apply_crm_contact(contact_id="C2", emails=["claimed@example.com"]) is None


def test_each_decision_is_kept_and_can_be_undone() -> None:
    actor = staff_id()
    noor = a_member(email="noor@example.org", details={"crm": {"tier": "gold"}})
    facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"])
    (asked,) = identities.doubts()
    identities.decide(asked.id, "later", actor_id=actor)
    assert identities.doubts()[0].state == "later"
    identities.decide(asked.id, "match", actor_id=actor)
    assert contact_of(noor) == "C1"
    evidence = [one.evidence for one in people.identities_of(noor) if one.kind == "crm_contact"]
    assert evidence == ["decided by a person: unverified_address"]
    with pytest.raises(Refused):
        identities.decide(asked.id, "different", actor_id=actor)
    assert [(one.state, one.decided_by) for one in identities.doubts(open_only=False)] == [("matched", actor)]
    identities.undo(asked.id, actor_id=actor)
    assert contact_of(noor) is None
    assert db.session.get_one(Member, noor).crm == {"tier": "gold"}
    identities.decide(asked.id, "different", actor_id=actor)
    services.confirm_address(noor)
    assert facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"]) is None  # somebody said no
    identities.undo(asked.id, actor_id=actor)
    assert facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"]) == noor
    with pytest.raises(NotFound):
        identities.decide(10**9, "match", actor_id=actor)
    with pytest.raises(Refused):
        identities.undo(asked.id, actor_id=actor)
    with pytest.raises(Invalid):
        identities.decide(asked.id, "perhaps", actor_id=actor)


def test_a_contact_that_is_somebody_elses_is_not_given_away() -> None:
    actor, noor, ruth = staff_id(), a_member(email="noor@example.org"), a_member()
    facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"])
    contacts.link_contact(ruth, "C1", evidence="key")
    with pytest.raises(Refused):
        identities.decide(identities.doubts()[0].id, "match", actor_id=actor)
    assert (contact_of(noor), contact_of(ruth)) == (None, "C1")


def test_a_member_adds_an_address_by_opening_a_link(client: FlaskClient, app: Flask) -> None:
    noor = a_member(email="noor@example.org", verified=True)
    sign_in(client, noor)
    token = token_in(client, "/account/identities")
    sent = client.post("/account/identities/address", data={"csrf_token": token, "email": "noor@example.com"})
    assert sent.status_code == 303
    to, _subject, words = mails()[-1]
    link = re.search(r"/account/identities/confirm/[\w-]+", words)
    assert link is not None
    assert to == "noor@example.com"
    page = client.get(link[0])
    assert "noor@example.com" in page.text
    assert [one.value for one in people.identities_of(noor)] == ["noor@example.org"]  # opening is not confirming
    other = sign_in(app.test_client(), a_member())
    assert other.get(link[0]).status_code == 409
    assert other.post(link[0], data={"csrf_token": token_in(other, "/account")}).status_code == 409
    assert client.post(link[0], data={"csrf_token": token}).status_code == 303
    assert {(one.value, one.verified) for one in people.identities_of(noor)} == {
        ("noor@example.org", True),
        ("noor@example.com", True),
    }
    assert client.post(link[0], data={"csrf_token": token}).status_code == 409  # once only
    again = client.post("/account/identities/address", data={"csrf_token": token, "email": "noor@example.com"})
    assert again.status_code == 422
    assert client.post("/account/identities/address", data={"csrf_token": token, "email": "x"}).status_code == 422


def test_an_address_of_another_account_becomes_a_question_for_staff() -> None:
    noor, old = a_member(email="noor@example.org", verified=True), a_member(email="old@example.org", verified=True)
    written = an_idea(queries.viewer_of(old))
    _address, secret = identities.ask_for_address(noor, "old@example.org")
    assert not identities.prove_address(secret, noor)
    (asked,) = identities.doubts()
    assert (asked.why, asked.member_id, asked.other_id) == ("same_address", noor, old)
    identities.decide(asked.id, "match", actor_id=staff_id())
    assert ideas.idea_page(queries.viewer_of(noor), written).author_id == noor
    identities.undo(asked.id, actor_id=staff_id())
    assert ideas.idea_page(queries.viewer_of(noor), written).author_id == old


def test_a_member_sees_and_removes_what_is_linked_to_her(client: FlaskClient) -> None:
    noor = a_member(email="noor@example.org", verified=True)
    facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"], attributes={"tier": "gold"})
    db.session.commit()
    sign_in(client, noor)
    page = client.get("/account/identities").text
    assert "C1" in page
    assert "a confirmed address" in page
    token = token_in(client, "/account/identities")
    handle = {"csrf_token": token, "kind": "mastodon", "value": "@noor@example.social"}
    assert client.post("/account/identities/handle", data=handle).status_code == 303
    assert client.post("/account/identities/handle", data=handle).status_code == 422
    assert client.post("/account/identities/handle", data={**handle, "kind": "crm_contact"}).status_code == 422
    mine = {one.kind: one for one in people.identities_of(noor)}
    assert not mine["mastodon"].verified
    own = client.post(f"/account/identities/{mine['email'].id}/remove", data={"csrf_token": token})
    assert own.status_code == 409
    for kind in ("mastodon", "crm_contact"):
        gone = client.post(f"/account/identities/{mine[kind].id}/remove", data={"csrf_token": token})
        assert gone.status_code == 303
    assert contact_of(noor) is None
    assert db.session.get_one(Member, noor).crm == {}
    assert facade.apply_crm_contact(contact_id="C1", emails=["noor@example.org"]) is None  # she said that it is not she
    theirs = db.session.scalars(select(Identity.id).filter_by(member_id=a_member())).one()
    assert client.post(f"/account/identities/{theirs}/remove", data={"csrf_token": token}).status_code == 404


def test_an_imported_author_is_claimed_on_her_page_and_joined_by_staff(client: FlaskClient, app: Flask) -> None:
    noor = a_member(name="Noor")
    stand_in = services.placeholders_for("forum", ["u1"], names={"u1": "noor_knits"})["u1"]
    db.session.commit()
    sign_in(client, noor)
    page = f"/members/{stand_in}"
    assert "This is me" in client.get(page).text
    claimed = client.post(
        f"{page}/claim", data={"csrf_token": token_in(client, page), "words": "I posted a code there"}
    )
    assert claimed.status_code == 303
    real = client.post(f"/members/{a_member()}/claim", data={"csrf_token": token_in(client, page), "words": "x"})
    assert real.status_code == 404
    staff = sign_in(app.test_client(), staff_id())
    listed = staff.get("/staff/identities").text
    assert "I posted a code there" in listed
    doubt = identities.doubts()[0].id
    token = token_in(staff, "/staff/identities")
    for decision, status in (("perhaps", 422), ("match", 303), ("match", 409)):
        form = {"csrf_token": token, "decision": decision}
        assert staff.post(f"/staff/identities/{doubt}/decide", data=form).status_code == status
    moved = client.get(page)
    assert (moved.status_code, moved.location) == (302, queries.member_card(noor).url)
    assert "one person" in staff.get("/staff/identities").text
    assert staff.post(f"/staff/identities/{doubt}/undo", data={"csrf_token": token}).status_code == 303
    assert client.get(page).status_code == 200
    assert client.get("/staff/identities").status_code == 403
    mine = client.post(
        f"/staff/identities/{doubt}/decide", data={"csrf_token": token_in(client, page), "decision": "match"}
    )
    assert mine.status_code == 403


def test_an_admin_joins_and_parts_accounts_by_hand(client: FlaskClient, app: Flask) -> None:
    ada, double = a_member(email="ada@example.org"), a_member(email="ada@example.com")
    sign_in(client, staff_id("admin"))
    page = f"/staff/members/{ada}"
    token = token_in(client, page)
    for other, evidence in (("nobody", "x"), (str(ada), "x"), ("ada@example.com", "")):
        client.post(f"{page}/merge", data={"csrf_token": token, "other": other, "evidence": evidence})
        assert facade.merged_members() == {}
    form = {"csrf_token": token, "other": f"https://example.org/members/{double}/ada", "evidence": "told us"}
    assert client.post(f"{page}/merge", data=form).status_code == 303
    assert facade.merged_members() == {double: ada}
    assert "told us" in client.get(page).text
    undo = re.search(r"/staff/merges/\d+/undo", client.get(page).text)
    assert undo is not None
    assert client.post(undo[0], data={"csrf_token": token}).status_code == 303
    assert facade.merged_members() == {}
    moderator = sign_in(app.test_client(), staff_id())
    token = token_in(moderator, "/account")
    assert moderator.post(f"{page}/merge", data={**form, "csrf_token": token}).status_code == 403
    assert post(moderator, "/account", name="Bea", lang="en").status_code == 302


def test_nobody_decides_about_herself_and_admins_about_staff() -> None:
    moderator, admin = staff_id(), staff_id("admin")
    ada, colleague = a_member(verified=True), a_member(kind="staff", verified=True)
    own = identities.doubt("same_address", moderator, other_id=ada).id
    for act in ("match", "different", "later"):
        with pytest.raises(Forbidden):
            identities.decide(own, act, actor_id=moderator)
    of_staff = identities.doubt("same_address", colleague, other_id=ada).id
    with pytest.raises(Forbidden):
        identities.decide(of_staff, "match", actor_id=moderator)
    identities.decide(of_staff, "match", actor_id=admin)
    with pytest.raises(Forbidden):
        identities.undo(of_staff, actor_id=moderator)


def test_both_addresses_hear_that_accounts_were_joined_and_parted() -> None:
    ada = a_member(name="Ada", email="ada@example.org", verified=True, lang="it")
    double = a_member(email="ada@example.com", verified=True, lang="en")
    unsure = a_member(email="unsure@example.org")
    merge_id = merging.merge_members(ada, double, actor_id=None, evidence="told us")
    promised = db.session.scalars(select(Promise.args)).all()
    assert any("tell_who_was_joined" in str(args) for args in promised)
    listeners.tell_who_was_joined(MembersMerged(member_id=ada, gone_id=double, merge_id=merge_id))
    told = {to: (about, words) for to, about, words in mails()}
    assert told["ada@example.org"][0] == "I tuoi profili sono stati uniti"
    assert "called Ada" in told["ada@example.com"][1]
    listeners.tell_who_was_parted(MembersUnmerged(member_id=ada, gone_id=unsure, merge_id=merge_id))
    assert "unsure@example.org" not in {to for to, _about, _words in mails()}
    assert mails()[-1][1] == "I tuoi profili sono stati divisi"
