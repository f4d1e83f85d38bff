"""No more than was asked for: what is asked again at the last moment, bursts, addresses that refuse, letters as they look."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel.database import db, transaction
from portal.members import mail
from portal.members.policy import Viewer
from portal.notifications import queries, sending, smtp
from portal.notifications.rules.kinds import Kind, Way
from portal.notifications.rules.times import HOURLY
from portal.notifications.services import preferences
from tests.conftest import Workers
from tests.notifications.factories import (
    a_board,
    a_comment,
    a_member,
    a_question,
    an_answer,
    an_idea,
    everything_is_due,
)
from tests.notifications.mailbox import Mailbox


@pytest.fixture
def mailbox(committed: Flask) -> Iterator[Mailbox]:
    """A mail server that the portal is told to use."""
    box = Mailbox().start()
    committed.config["PORTAL_MAIL_URL"] = box.url
    committed.config["PORTAL_MAIL_FROM"] = "notices@wool.example"
    yield box
    committed.config["PORTAL_MAIL_URL"] = committed.config["PORTAL_MAIL_FROM"] = ""
    box.stop()


def states() -> dict[str, int]:
    db.session.rollback()
    return {state: count for (way, state), count in queries.states().items() if way == "mail"}


def wants_mail(who: Viewer, *kinds: Kind) -> None:
    with transaction():
        for kind in kinds:
            preferences.want(who.id, kind, Way.MAIL, wanted=True)


def send_all() -> None:
    everything_is_due()
    sending.send_mails()


def plain_of(letter: Any) -> str:
    return str(letter.get_body(("plain",)).get_content())


@pytest.mark.parametrize("act", ["thing", "board", "person"])
def test_what_she_mutes_after_it_happened_is_not_mailed(workers: Workers, mailbox: Mailbox, act: str) -> None:
    board, ida, gus = a_board(), a_member("Ida"), a_member("Gus")
    idea = an_idea(board, ida)
    a_comment(idea, gus)
    workers.run()
    with transaction():
        place = {"thing": ("idea", idea), "board": ("board", board.id), "person": ("member", gus.id)}[act]
        preferences.mute(ida.id, *place)
    send_all()
    assert (mailbox.raw, states()) == ([], {"dropped": 1})


def test_a_muted_person_does_not_silence_the_others_of_the_same_notice(workers: Workers, mailbox: Mailbox) -> None:
    ida, gus = a_member("Ida", lang="en"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    a_comment(idea, gus)
    a_comment(idea, a_member("Bea"))
    workers.run()
    with transaction():
        preferences.mute(ida.id, "member", gus.id)
    send_all()
    assert len(mailbox.raw) == 1


def test_who_follows_no_more_gets_no_mail_of_it(workers: Workers, mailbox: Mailbox) -> None:
    board, ida, leo = a_board(), a_member("Ida"), a_member("Leo")
    idea = an_idea(board, a_member("Gus", verified=False))
    for who in (ida, leo):
        wants_mail(who, Kind.FOLLOWED)
        with transaction():
            community.follow(who.id, "idea", idea)
    a_comment(idea, a_member("Bea"))
    workers.run()
    with transaction():
        community.unfollow(ida.id, "idea", idea)
    send_all()
    assert [to for to, _raw in mailbox.raw] == [queries.addresses_of([leo.id])[leo.id]]
    assert states() == {"dropped": 2, "sent": 1}, "the author has shown no address"


def test_who_took_her_vote_back_hears_of_the_stage_only_if_she_follows(workers: Workers, mailbox: Mailbox) -> None:
    manager = a_member("Mara", kind="staff", roles=["brand_manager"])
    people = [a_member(name) for name in ("Voter", "Leaver", "Follower")]
    idea = an_idea(a_board(), a_member("Gus", lang="en", email="gus@nowhere.example", verified=False))
    for who in people:
        wants_mail(who, Kind.STAGE)
        with transaction():
            ideas.cast_vote(idea, who)
    with transaction():
        community.follow(people[2].id, "idea", idea)
        community.unfollow(people[1].id, "idea", idea)
        ideas.set_stage(idea, manager, stage="review")
    workers.run()
    with transaction():
        for who in people[1:]:
            ideas.withdraw_vote(idea, who)
        community.unfollow(people[1].id, "idea", idea)
    send_all()
    assert {to for to, _raw in mailbox.raw} == {
        queries.addresses_of([who.id])[who.id] for who in (people[0], people[2])
    }


def test_what_piles_up_goes_in_one_mail(workers: Workers, mailbox: Mailbox) -> None:
    board, ida, gus = a_board(), a_member("Ida", lang="en"), a_member("Gus")
    for n in range(5):
        a_comment(an_idea(board, ida, f"Idea number {n}"), gus)
    secret = an_idea(a_board("ideas", "kinds:customer"), ida, "To be closed")
    a_comment(secret, gus)
    workers.run()
    with transaction():
        db.session.execute(text("UPDATE board SET audience = 'kinds:staff' WHERE audience = 'kinds:customer'"))
    send_all()
    (letter,) = mailbox.mails
    assert letter["Subject"] == "5 things are new for you"
    plain, marked = plain_of(letter), letter.get_body(("html",)).get_content()
    for n in range(5):
        assert f"Gus commented on your idea “Idea number {n}”." in plain
        assert f">Idea number {n}</a>" in marked
    assert "To be closed" not in plain + marked
    assert states() == {"sent": 5, "dropped": 1}
    assert "No more mails of this kind" in plain, "they are all replies"


def test_one_click_in_a_mail_of_several_kinds_ends_them_all(
    workers: Workers, mailbox: Mailbox, committed: Flask
) -> None:
    board, ida, gus = a_board(), a_member("Ida", lang="en"), a_member("Gus")
    for n in range(3):
        a_comment(an_idea(board, ida, f"Idea number {n}"), gus)
    an_answer(a_question(a_board("support"), ida), gus)
    workers.run()
    send_all()
    (letter,) = mailbox.mails
    way_out = str(letter["List-Unsubscribe"]).strip("<>").split("/", 3)[3]
    anyone = committed.test_client()
    page = anyone.get(f"/{way_out}")
    assert (page.status_code, queries.settings_of(ida.id).mails) == (200, True)
    for _ in range(2):
        assert anyone.post(f"/{way_out}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
        db.session.rollback()
        assert queries.settings_of(ida.id).mails is False
    anyone.post(f"/{way_out}", data={"stop": "again-all"})
    db.session.rollback()
    assert queries.settings_of(ida.id).mails is True


def test_after_some_mails_within_the_hour_the_rest_waits_and_goes_as_one(workers: Workers, mailbox: Mailbox) -> None:
    board, ida, gus = a_board(), a_member("Ida", lang="en"), a_member("Gus")
    for n in range(HOURLY + 4):
        a_comment(an_idea(board, ida, f"Idea number {n}"), gus)
        workers.run()
        send_all()
    assert (len(mailbox.raw), states()) == (HOURLY, {"sent": HOURLY, "waiting": 4})
    with transaction():
        db.session.execute(text("UPDATE notification_delivery SET ended_at = ended_at - interval '2 hours'"))
    send_all()
    assert (len(mailbox.raw), states()) == (HOURLY + 1, {"sent": HOURLY + 4})
    assert mailbox.mails[-1]["Subject"] == "4 things are new for you"


def test_an_address_is_given_up_after_three_refusals_in_a_row(workers: Workers, mailbox: Mailbox) -> None:
    board, ida, gus = a_board(), a_member("Ida"), a_member("Gus")
    said = iter(["550 5.7.1 We know you not", "552 5.2.2 Mailbox full", None, *["550 No"] * 9])
    mailbox.rcpt = lambda _to: next(said)
    for n in range(7):
        a_comment(an_idea(board, ida, f"Idea number {n}"), gus)
        workers.run()
        send_all()
        settings = queries.settings_of(ida.id)
        assert (settings.refused_address is not None) is (n >= 5), "two, an arrival, and then three"
    assert (len(mailbox.raw), states()) == (1, {"sent": 1, "refused": 5, "dropped": 1})
    assert settings.refused_why == "550 No"


def test_one_connection_carries_many_mails_and_is_renewed(
    workers: Workers, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    connect = mail.connect
    monkeypatch.setattr(mail, "connect", lambda: opened.append(1) or connect())
    monkeypatch.setattr(smtp, "MOST", 4)
    board, gus = a_board(), a_member("Gus")
    for n in range(10):
        a_comment(an_idea(board, a_member(f"Ida {n}")), gus)
    workers.run()
    send_all()
    assert (len(mailbox.raw), len(opened)) == (10, 3)


@pytest.mark.parametrize(
    ("address", "arrives"), [("ida@büro.example", "ida@xn--bro-hoa.example"), ("idà@büro.example", "")]
)
def test_an_address_in_other_letters_does_not_hold_up_the_rest(
    workers: Workers, mailbox: Mailbox, address: str, arrives: str
) -> None:
    board, gus = a_board(), a_member("Gus")
    mailbox.stop()
    mailbox.knows_other_letters = False
    mailbox.start()
    for given in (address, "leo@example.org"):
        a_comment(an_idea(board, a_member("Ida", email=given)), gus)
    workers.run()
    send_all()
    assert {to for to, _raw in mailbox.raw} == {arrives, "leo@example.org"} - {""}
    assert states() == ({"sent": 2} if arrives else {"sent": 1, "refused": 1})


def test_a_letter_reads_well_and_threads(workers: Workers, mailbox: Mailbox) -> None:
    ida, gus, bea = a_member("Ida", lang="it"), a_member("Gus"), a_member("Bea")
    board = a_board("support")
    question = a_question(board, ida, "Come si blocca uno scialle?")
    an_answer(question, gus, body="Bagnalo.\n\n<script>alert(1)</script> & stendilo.")
    workers.run()
    send_all()
    answer = an_answer(question, ida, body="Con gli spilli.")
    with transaction():
        community.post_comment(bea, board_id=board.id, target_kind="answer", target_id=answer, body="Senza ferro.")
        community.post_comment(ida, board_id=board.id, target_kind="question", target_id=question, body="E il vapore?")
    comment = db.session.scalar(text("SELECT max(id) FROM comment"))
    with transaction():
        community.post_comment(bea, board_id=board.id, target_kind="question", target_id=question,
                               body="Poco.", parent_id=comment)  # fmt: skip
    workers.run()
    send_all()
    first, second, *_more = mailbox.to(queries.addresses_of([ida.id])[ida.id])
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert (first["Precedence"], first["Auto-Submitted"]) == ("list", "auto-generated")
    assert re.fullmatch(r"Lanaviva <notices\.[\w.-]+>", str(first["List-Id"]))
    plain, marked = plain_of(first), first.get_body(("html",)).get_content()
    assert "> Bagnalo." in plain
    assert "&lt;script&gt;" in marked
    assert "<script" not in marked
    assert "rispondi nella pagina" in plain
    assert "rispondi nella pagina" in marked
    assert 'name="color-scheme" content="light dark"' in marked
    assert not re.search(r"src=|url\(|@import|<link|<img", marked), "nothing is fetched, so nobody sees who reads"
