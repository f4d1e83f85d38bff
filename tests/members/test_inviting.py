"""People are asked in by staff or by their organisation's own admin; nobody makes herself what she is not."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.members import queries
from portal.members.founding import found_organisation
from portal.members.inviting import queries as asked_in
from portal.members.inviting import services as invitations
from portal.members.inviting.models import MemberInvitation
from portal.members.models import Identity, Member
from portal.members.services import audit
from tests.factories import a_member, a_viewer, sign_in
from tests.members.test_guests import mails, post, token_in

pytestmark = pytest.mark.usefixtures("app")
PASSWORD = "seven grey sheep by the river"


def an_organisation(kind: str = "supplier", name: str = "Filanda") -> int:
    made = found_organisation(name=name, kind=kind)
    db.session.commit()
    return made


def an_admin() -> int:
    return a_member(kind="staff", roles=["admin"])


def its_admin(organisation_id: int, **wishes: object) -> int:
    details = {"organisation_admin": True}
    return a_member(kind="supplier", organisation_id=organisation_id, details=details, verified=True, **wishes)


def link_in(mail: str) -> str:
    found = re.search(r"/invitations/[\w-]+", mail)
    assert found is not None, mail
    return found[0]


def member(member_id: int) -> Member:
    db.session.expire_all()
    return db.session.get_one(Member, member_id)


def test_staff_asks_a_supplier_in_who_signs_up(client: FlaskClient, app: Flask) -> None:
    filanda = an_organisation()
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["brand_manager"]))
    wish = {"email": "nives@example.org", "kind": "supplier", "organisation": str(filanda), "lang": "it"}
    assert post(staff, "/staff/invitations", **wish, organisation_admin="1").status_code == 303
    to, _subject, words = mails()[-1]
    assert to == "nives@example.org"
    link = link_in(words)
    page = client.get(link).text
    assert "Filanda" in page
    assert "nives@example.org" in page
    assert client.get(link).status_code == 200  # opening it uses nothing up
    assert post(client, link, name="Nives", password="sheep").status_code == 422
    done = post(client, link, name="Nives", password=PASSWORD)
    assert done.location == f"/organisations/{filanda}"
    nives = db.session.scalars(select(Member).filter_by(email="nives@example.org")).one()
    assert (nives.kind, nives.organisation_id, nives.organisation_admin) == ("supplier", filanda, True)
    assert nives.email_verified_at is not None
    assert client.get("/account").status_code == 200
    assert app.test_client().get(link).status_code == 409
    assert audit.verify().sound


def test_an_organisations_admin_looks_after_her_people(client: FlaskClient, app: Flask) -> None:
    filanda, other = an_organisation(), an_organisation(name="Cardatura")
    boss = its_admin(filanda, name="Ermanno")
    colleague = a_member(kind="supplier", organisation_id=filanda, name="Ivana")
    sign_in(client, boss)
    assert "Ivana" in client.get(f"/organisations/{filanda}").text
    form = {"email": "new@example.org", "lang": "en"}
    assert post(client, f"/organisations/{filanda}", **form).status_code == 405
    token = token_in(client, f"/organisations/{filanda}")
    asked = client.post(f"/organisations/{filanda}/invitations", data={"csrf_token": token, **form})
    assert asked.status_code == 303
    row = db.session.scalars(select(MemberInvitation)).one()
    assert (row.kind, row.organisation_id, row.roles) == ("supplier", filanda, [])
    foreign = client.post(f"/organisations/{other}/invitations", data={"csrf_token": token, **form})
    assert foreign.status_code == 403
    act = f"/organisations/{filanda}/members/{colleague}"
    assert client.post(f"{act}/admin", data={"csrf_token": token, "on": "1"}).status_code == 303
    assert member(colleague).organisation_admin
    assert client.post(f"{act}/admin", data={"csrf_token": token, "on": "0"}).status_code == 303
    mine = f"/organisations/{filanda}/members/{boss}/remove"
    assert client.post(mine, data={"csrf_token": token}).status_code == 409  # somebody has to look after it
    assert client.post(f"{act}/remove", data={"csrf_token": token}).status_code == 303
    assert (member(colleague).kind, member(colleague).organisation_id) == ("customer", None)
    assert client.post(f"{act}/remove", data={"csrf_token": token}).status_code == 404
    stranger = sign_in(app.test_client(), colleague)
    token = token_in(stranger, "/account")
    refused = stranger.post(f"/organisations/{filanda}/invitations", data={"csrf_token": token, **form})
    assert refused.status_code == 403
    assert "Send the invitation" not in stranger.get(f"/organisations/{filanda}").text


def test_who_may_ask_whom_in() -> None:
    filanda = an_organisation()
    boss, agent = a_viewer(its_admin(filanda)), a_viewer(kind="staff", roles=["support_agent"])
    someone = a_viewer()
    invitations.invite(boss, email="a@example.org", organisation_id=filanda)
    invitations.invite(agent, email="b@example.org", kind="partner", organisation_id=filanda)
    for viewer, wish in (
        (someone, {"kind": "customer"}),
        (boss, {"kind": "partner", "organisation_id": filanda}),
        (boss, {"kind": "staff"}),
        (agent, {"kind": "staff"}),
    ):
        with pytest.raises(Forbidden):
            invitations.invite(viewer, email="c@example.org", **wish)
    admin = a_viewer(an_admin())
    invitations.invite(admin, email="d@example.org", kind="staff", roles=["moderator"])
    for wish in (
        {"kind": "supplier"},
        {"kind": "king"},
        {"kind": "staff", "roles": ["king"]},
        {"kind": "partner", "organisation_id": filanda, "roles": ["moderator"]},
        {"kind": "customer", "organisation_admin": True},
        {"kind": "customer", "organisation_id": 10**9},
        {"kind": "customer", "lang": "tlh"},
    ):
        with pytest.raises(Invalid):
            invitations.invite(admin, email="e@example.org", **wish)
    with pytest.raises(Invalid):
        invitations.invite(admin, email="no address")


def test_a_member_accepts_with_her_account_and_is_told_what_changes(client: FlaskClient, app: Flask) -> None:
    old, filanda = an_organisation("customer", "Bottega"), an_organisation()
    noor = a_member(email="noor@example.org", organisation_id=old, verified=True, password_hash="x")
    card, secret = invitations.invite(a_viewer(an_admin()), email="noor@example.com", organisation_id=filanda)
    db.session.commit()
    sign_in(client, noor)
    page = client.get(f"/invitations/{secret}").text
    for words in ("supplier", "Bottega", "Filanda", "noor@example.com"):
        assert words in page
    assert post(client, f"/invitations/{secret}").status_code == 303
    assert (member(noor).kind, member(noor).organisation_id) == ("supplier", filanda)
    further = db.session.scalars(select(Identity).filter_by(value="noor@example.com")).one()
    assert (further.member_id, further.verified) == (noor, True)
    assert asked_in.invitation_card(card.id).state == "accepted"


def test_whoever_has_an_account_signs_in_first(client: FlaskClient) -> None:
    filanda = an_organisation()
    a_member(email="noor@example.org", verified=True, password_hash="x")
    _card, secret = invitations.invite(a_viewer(an_admin()), email="noor@example.org", organisation_id=filanda)
    db.session.commit()
    assert f"/sign-in?next=/invitations/{secret}" in client.get(f"/invitations/{secret}").text
    token = token_in(client, "/sign-in")
    form = {"csrf_token": token, "name": "Mallory", "password": PASSWORD}
    assert client.post(f"/invitations/{secret}", data=form).status_code == 409


def test_an_invitation_of_staff_is_for_its_own_address_only() -> None:
    mallory = a_viewer(verified=True)
    _card, secret = invitations.invite(a_viewer(an_admin()), email="new@example.org", kind="staff", roles=["moderator"])
    with pytest.raises(Refused):
        invitations.accept_as(secret, mallory)
    made = invitations.accept_with_new_account(secret, name="New", password_hash="x", lang="en")
    assert (member(made).kind, member(made).roles) == ("staff", ["moderator"])


def test_staff_does_not_become_a_supplier_by_a_click() -> None:
    filanda, staff = an_organisation(), a_viewer(an_admin())
    _card, secret = invitations.invite(staff, email="x@example.org", organisation_id=filanda)
    with pytest.raises(Refused):
        invitations.accept_as(secret, staff)


def test_sent_again_the_first_link_ends_and_revoked_none_works() -> None:
    admin = a_viewer(an_admin())
    card, first = invitations.invite(admin, email="x@example.org")
    _card, second = invitations.resend(admin, card.id)
    with pytest.raises(NotFound):
        invitations.open_invitation(first)
    invitations.open_invitation(second)
    invitations.revoke(admin, card.id)
    with pytest.raises(Refused):
        invitations.open_invitation(second)
    with pytest.raises(Refused):
        invitations.resend(admin, card.id)
    card, third = invitations.invite(admin, email="x@example.org")
    invitations.invite(admin, email="x@example.org")
    with pytest.raises(Refused):
        invitations.open_invitation(third)  # asked again, the earlier one ends
    assert len(asked_in.invitations(open_only=True)) == 1


def test_an_old_link_opens_nothing(client: FlaskClient) -> None:
    _card, secret = invitations.invite(a_viewer(an_admin()), email="x@example.org")
    db.session.execute(update(MemberInvitation).values(expires_at=now() - timedelta(seconds=1)))
    db.session.commit()
    assert client.get(f"/invitations/{secret}").status_code == 409
    assert client.get("/invitations/nothing").status_code == 404


def test_a_member_cannot_change_what_she_is(client: FlaskClient) -> None:
    noor = a_member()
    sign_in(client, noor)
    form = {"name": "Noor", "lang": "en", "kind": "staff", "roles": "admin", "organisation_id": "1"}
    assert post(client, "/account", **form).status_code == 302
    assert (member(noor).kind, member(noor).roles, member(noor).organisation_id) == ("customer", [], None)


def test_an_admin_gives_roles_and_places_members(client: FlaskClient, app: Flask) -> None:
    filanda, admin, staff, customer = an_organisation(), an_admin(), a_member(kind="staff"), a_member()
    sign_in(client, admin)
    page = f"/staff/members/{staff}"
    token = token_in(client, page)
    given = client.post(f"{page}/roles", data={"csrf_token": token, "roles": ["moderator", "brand_manager"]})
    assert given.status_code == 303
    assert member(staff).roles == ["brand_manager", "moderator"]
    refused = client.post(f"/staff/members/{customer}/roles", data={"csrf_token": token, "roles": "moderator"})
    assert refused.status_code == 409
    mine = client.post(f"/staff/members/{admin}/roles", data={"csrf_token": token})
    assert mine.status_code == 409
    place = {"csrf_token": token, "kind": "supplier", "organisation": str(filanda), "organisation_admin": "1"}
    assert client.post(f"/staff/members/{customer}/place", data=place).status_code == 303
    assert (member(customer).kind, member(customer).organisation_admin) == ("supplier", True)
    assert client.post(f"/staff/members/{staff}/place", data=place).status_code == 409  # has roles
    assert {entry.act for entry in audit.entries()} >= {"member.roles", "member.place"}
    agent = sign_in(app.test_client(), a_member(kind="staff", roles=["support_agent"]))
    assert agent.get(page).status_code == 200
    token = token_in(agent, "/account")
    assert agent.post(f"{page}/roles", data={"csrf_token": token, "roles": "admin"}).status_code == 403
    assert agent.post(f"{page}/place", data={**place, "csrf_token": token}).status_code == 403
    assert sign_in(app.test_client(), customer).get(page).status_code == 403


def test_staff_finds_members(client: FlaskClient) -> None:
    filanda = an_organisation()
    nives = a_member(name="Nives Serra", kind="supplier", organisation_id=filanda, email="ns@example.org")
    a_member(name="Gaetano", kind="customer")
    mod = a_member(name="Bea", kind="staff", roles=["moderator"])
    sign_in(client, mod)
    for query, found in (
        ("q=serra", {"Nives Serra"}),
        ("q=NS@example", {"Nives Serra"}),
        ("kind=customer", {"Gaetano"}),
        ("role=moderator", {"Bea"}),
        (f"organisation={filanda}", {"Nives Serra"}),
        ("q=100%25", set()),
    ):
        rows = re.findall(r"<tbody.*</tbody>", client.get(f"/staff/members?{query}").text, re.DOTALL)
        assert {name for name in ("Nives Serra", "Gaetano", "Bea") if name in "".join(rows)} == found, query
    assert queries.profile(nives).name == "Nives Serra"
    assert client.get("/staff/organisations?q=filan").status_code == 200
    made = post(client, "/staff/organisations", name="Tintoria", kind="partner", country="IT")
    assert made.status_code == 303
    assert post(client, "/staff/organisations", name="", kind="partner").status_code == 422


def test_nobody_is_flooded_with_invitations(app: Flask) -> None:
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["admin"]))
    wish = {"email": "victim@example.org", "lang": "en", "kind": "customer", "organisation": "0"}
    statuses = [post(staff, "/staff/invitations", **wish).status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]
    assert len([one for one in mails() if one[0] == "victim@example.org"]) == 5
    assert post(staff, "/staff/invitations", **{**wish, "email": "other@example.org"}).status_code == 303
