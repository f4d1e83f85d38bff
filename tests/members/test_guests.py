"""Who has no account acts first and confirms by mail; until then nothing of it is anywhere but in the staff's list."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from portal.ideas import facade
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.jobs import Promise
from portal.members import queries
from portal.members.guests import services as guests
from portal.members.guests.models import GuestAct
from portal.members.models import Identity, Member
from portal.members.signing.passwords import hash_password
from tests.factories import a_board, a_member, an_idea, sign_in
from tests.support.factories import a_board as a_help_board

pytestmark = pytest.mark.usefixtures("app")
PASSWORD = "seven grey sheep by the river"


def token_in(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found is not None, path
    return found[1]


def post(client: FlaskClient, path: str, **fields: str):
    return client.post(path, data={"csrf_token": token_in(client, path), **fields})


def mails() -> list[tuple[str, str, str]]:
    """Return what was promised to be mailed: to whom, about what, and the text."""
    rows = db.session.scalars(select(Promise.args).where(Promise.job.endswith(".deliver")).order_by(Promise.id))
    return [tuple(row) for row in rows]


def link_in(mail: str) -> str:
    found = re.search(r"/guests/confirm/[\w-]+", mail)
    assert found is not None, mail
    return found[0]


def votes(idea_id: int) -> tuple[int, int]:
    row = db.session.execute(text("SELECT votes, ledger_seq FROM idea_tally WHERE idea_id = :id"), {"id": idea_id})
    return tuple(row.one())  # type: ignore[return-value]


def vote_as(client: FlaskClient, idea_id: int, email: str = "noor@example.org") -> str:
    answer = post(client, f"/ideas/{idea_id}/support?from=rising&at=3", guest_name="Noor", guest_email=email)
    assert answer.status_code == 303, answer.text
    return link_in(mails()[-1][2])


def test_a_guest_votes_first_and_the_vote_counts_when_she_confirms(client: FlaskClient) -> None:
    idea_id = an_idea()
    assert f'href="/ideas/{idea_id}/support' in client.get(f"/ideas/{idea_id}").text
    link = vote_as(client, idea_id)
    assert votes(idea_id) == (0, 0)
    assert queries.member_id_by_email("noor@example.org") is None
    page = client.get(link)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert votes(idea_id) == (0, 0)  # a program that looks through mails has opened the link
    done = post(client, link)
    assert done.location == f"/guests/welcome?next=/ideas/{idea_id}"
    assert votes(idea_id) == (1, 1)
    line = db.session.execute(
        text("SELECT origin, position, verified, member_id FROM vote_entry WHERE idea_id = :id"), {"id": idea_id}
    ).one()
    member = db.session.get_one(Member, line.member_id)
    assert (line.origin, line.position, line.verified) == ("rising", 3, True)
    assert (member.name, member.email, member.guest) == ("Noor", "noor@example.org", True)
    again = client.get(link)
    assert f'href="/ideas/{idea_id}"' in again.text
    assert "<form" not in again.text.split("<main")[1]
    assert votes(idea_id) == (1, 1)


def test_a_link_that_has_been_used_lets_nobody_in(client: FlaskClient, app: Flask) -> None:
    link = vote_as(client, an_idea())
    assert post(client, link).location.startswith("/guests/welcome")
    other = app.test_client()
    token = {"csrf_token": token_in(other, "/sign-in")}
    assert other.post(link, data=token).location == link
    assert other.get("/account").status_code == 302


def test_the_vote_follows_an_idea_that_was_merged_meanwhile(client: FlaskClient) -> None:
    board = a_board()
    idea_id, other = an_idea(board=board), an_idea(board=board)
    link = vote_as(client, idea_id)
    facade.join_twins(idea_id, other)
    db.session.commit()
    assert post(client, link).location.endswith(f"/ideas/{other}")
    assert votes(other)[0] == 1


def test_the_title_of_an_idea_is_never_kept_with_a_guests_vote(client: FlaskClient, app: Flask) -> None:
    idea_id = an_idea(title="Wool of Gennaro Esposito")
    link = vote_as(client, idea_id)
    assert "Gennaro" in client.get(link).text
    assert db.session.scalars(select(GuestAct.title)).all() == [""]
    db.session.execute(
        text("UPDATE idea SET hidden_at = now(), hidden_why = 'moderator' WHERE id = :id"), {"id": idea_id}
    )
    db.session.execute(text("UPDATE idea_tally SET listed = false WHERE idea_id = :id"), {"id": idea_id})
    db.session.commit()
    assert "Gennaro" not in client.get(link).text
    assert post(client, link).status_code == 404
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["moderator"]))
    assert "Gennaro" not in staff.get("/staff/guests").text


def test_whoever_confirms_reads_first_what_will_be_out(client: FlaskClient, app: Flask) -> None:
    form = {"board": a_board(), "title": "Yarn of nettles", "body": "<b>It grows</b> & stings."}
    post(client, "/ideas/new/guest", **form, guest_name="Noor", guest_email="noor@example.org")
    shown = "&lt;b&gt;It grows&lt;/b&gt; &amp; stings."
    assert shown in client.get(link_in(mails()[-1][2])).text
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["moderator"]))
    assert shown in staff.get("/staff/guests").text


def test_what_was_thrown_away_twice_is_a_sentence(client: FlaskClient, app: Flask) -> None:
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["moderator"]))
    assert post_from(staff, "/account", "/staff/guests/999/throw-away").status_code == 303


def post_from(client: FlaskClient, page: str, path: str, **fields: str):
    return client.post(path, data={"csrf_token": token_in(client, page), **fields})


def test_she_becomes_a_member_by_choosing_a_password(client: FlaskClient, app: Flask) -> None:
    idea_id = an_idea()
    post(client, vote_as(client, idea_id))
    assert post(client, "/guests/welcome?next=/ideas", password="sheep").status_code == 422
    assert post(client, "/guests/welcome?next=/ideas", password=PASSWORD).location == "/ideas"
    member = db.session.scalars(select(Member).filter_by(email="noor@example.org")).one()
    assert (member.guest, bool(member.password)) == (False, True)
    assert client.get("/account").status_code == 200  # still signed in
    elsewhere = app.test_client()
    form = {"csrf_token": token_in(elsewhere, "/sign-in"), "email": "noor@example.org", "password": PASSWORD}
    assert elsewhere.post("/sign-in", data=form).status_code == 302


def test_a_guest_proposes_and_asks(client: FlaskClient, app: Flask) -> None:
    board, help_board = a_board(), a_help_board()
    assert client.get("/ideas/new").location == "/ideas/new/guest"
    form = {"board": board, "title": "Yarn of nettles", "body": "It grows.", "tags": "nettle"}
    who = {"guest_name": "Noor", "guest_email": "noor@example.org"}
    assert post(client, "/ideas/new/guest", **form, **who).status_code == 303
    question = {"board": help_board, "title": "How hot may I wash nettles?", "body": "With soap."}
    assert post(client, "/questions/ask/guest", **question, **who).status_code == 303
    assert db.session.scalar(text("SELECT count(*) FROM idea")) == 0
    assert "Yarn of nettles" not in client.get(f"/boards/{board}").text
    idea_mail, question_mail = mails()[-2:]
    assert "nettle" not in idea_mail[2] + question_mail[2]  # no words of a stranger go into a mail of ours
    first = post(client, link_in(idea_mail[2]))
    assert "/ideas/" in first.location
    second = post(app.test_client(), link_in(question_mail[2]))
    assert "/questions/" in second.location
    assert (
        db.session.scalar(
            text(
                "SELECT count(DISTINCT author_id) FROM (SELECT author_id FROM idea UNION ALL SELECT author_id FROM question) x"
            )
        )
        == 1
    )


def test_what_was_typed_stays_when_it_needs_mending(client: FlaskClient) -> None:
    board = a_board()
    who = {"guest_name": "Noor", "guest_email": "no address"}
    refused = post(client, "/ideas/new/guest", board=board, title="Yarn of nettles", body="It grows.", **who)
    assert refused.status_code == 422
    assert "Yarn of nettles" in refused.text
    assert "It grows." in refused.text
    long = post(client, "/ideas/new/guest", board=board, title="y" * 121, guest_name="N", guest_email="n@example.org")
    assert long.status_code == 422
    assert mails() == []


def test_the_page_never_says_whether_an_address_has_an_account(client: FlaskClient, app: Flask) -> None:
    idea_id = an_idea()
    a_member(email="ada@example.org", verified=True, password_hash=hash_password(PASSWORD))
    answers = []
    for email in ("ada@example.org", "stranger@example.org"):
        fresh = app.test_client()
        answer = post(fresh, f"/ideas/{idea_id}/support", guest_name="X", guest_email=email)
        page = re.sub(r'nonce="[^"]+"', "", fresh.get(answer.location).text)
        answers.append((answer.status_code, answer.location, page))
    assert answers[0] == answers[1]


def test_whoever_has_an_account_confirms_signed_in(client: FlaskClient, app: Flask) -> None:
    idea_id = an_idea()
    ada = a_member(email="ada@example.org", verified=True, password_hash=hash_password(PASSWORD))
    link = vote_as(client, idea_id, "ADA@example.org")
    assert "sign in first" in mails()[-1][2]
    assert f"/sign-in?next={link}" in client.get(link).text
    token = token_in(client, "/sign-in")
    assert client.post(link, data={"csrf_token": token}).location == link
    other = sign_in(app.test_client(), a_member())
    assert "another address" in other.get(link).text
    assert other.post(link, data={"csrf_token": token_in(other, "/account")}).location == link
    assert votes(idea_id) == (0, 0)
    mine = sign_in(app.test_client(), ada)
    assert post(mine, link).location == f"/ideas/{idea_id}"
    assert votes(idea_id) == (1, 1)
    assert db.session.scalar(text("SELECT member_id FROM vote WHERE idea_id = :id"), {"id": idea_id}) == ada


def test_a_further_proven_address_is_hers_too(client: FlaskClient) -> None:
    ada = a_member(email="ada@example.org", verified=True, password_hash="x")
    db.session.add(Identity(member_id=ada, kind="email", value="ada@example.com", verified=True))
    db.session.commit()
    holder = guests.holder_of("ada@example.com")
    assert (holder.member_id, holder.is_guest) == (ada, False) if holder else None
    assert guests.holder_of("nobody@example.com") is None


def test_only_staff_sees_what_waits_and_moderators_throw_it_away(client: FlaskClient, app: Flask) -> None:
    idea_id = an_idea()
    link = vote_as(client, idea_id)
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["moderator"]))
    assert "noor@example.org" in staff.get("/staff/guests").text
    assert sign_in(app.test_client(), a_member()).get("/staff/guests").status_code == 403
    agent = sign_in(app.test_client(), a_member(kind="staff", roles=["support_agent"]))
    act_id = db.session.scalars(select(GuestAct.id)).one()
    throw = f"/staff/guests/{act_id}/throw-away"
    assert agent.post(throw, data={"csrf_token": token_in(agent, "/account")}).status_code == 403
    assert staff.post(throw, data={"csrf_token": token_in(staff, "/account")}).status_code == 303
    assert client.get(link).status_code == 404


def test_what_nobody_confirms_is_forgotten(client: FlaskClient) -> None:
    idea_id = an_idea()
    link = vote_as(client, idea_id)
    db.session.execute(update(GuestAct).values(expires_at=now() - timedelta(minutes=1)))
    db.session.commit()
    assert "too old" in client.get(link).text
    assert client.post(link, data={"csrf_token": token_in(client, "/sign-in")}).location == link
    assert votes(idea_id) == (0, 0)
    assert guests.drop_expired() == 1
    assert db.session.scalar(select(func.count()).select_from(GuestAct)) == 0


def test_voting_that_closed_meanwhile_is_refused_and_makes_nobody(client: FlaskClient) -> None:
    idea_id = an_idea()
    link = vote_as(client, idea_id)
    db.session.execute(text("UPDATE idea_tally SET stage = 'declined' WHERE idea_id = :id"), {"id": idea_id})
    db.session.commit()
    assert post(client, link).status_code == 409
    assert queries.member_id_by_email("noor@example.org") is None
    assert client.get(f"/ideas/{idea_id}/support").status_code == 409


def test_guests_can_be_kept_out_of_all_boards_or_of_some(client: FlaskClient, app: Flask) -> None:
    open_board, shut_board = a_board(), a_board()
    idea_id, other_id = an_idea(board=open_board), an_idea(board=shut_board)
    app.config["PORTAL_GUESTS"] = open_board
    try:
        assert client.get(f"/ideas/{idea_id}/support").status_code == 200
        assert client.get(f"/ideas/{other_id}/support").location.startswith("/sign-in")
        assert shut_board not in client.get("/ideas/new/guest").text
        app.config["PORTAL_GUESTS"] = "0"
        assert client.get(f"/ideas/{idea_id}/support").location.startswith("/sign-in")
        assert client.get("/ideas/new").location.startswith("/sign-in")
        assert f"/ideas/{idea_id}/support" not in client.get("/ideas").text
    finally:
        app.config["PORTAL_GUESTS"] = "1"


def test_closed_boards_are_closed_to_guests(client: FlaskClient) -> None:
    idea_id = an_idea(board=a_board(audience="kinds:customer"))
    assert client.get(f"/ideas/{idea_id}/support").status_code == 404


def test_nobody_is_flooded_with_mail(client: FlaskClient) -> None:
    ideas = [an_idea() for _ in range(6)]
    path = f"/ideas/{ideas[0]}/support"
    statuses = [post(client, path, guest_name="X", guest_email="victim@example.org").status_code for _ in range(7)]
    assert statuses == [303] * 5 + [429] * 2
    assert len(mails()) == 5
    assert post(client, path, guest_name="X", guest_email="another@example.org").status_code == 303
