"""Mails to a real server: each once, in the reader's language, with its reason and a way out."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from portal.ideas import services as ideas
from portal.kernel.database import db, transaction
from portal.members.policy import Viewer
from portal.notifications import jobs, queries, sending, services
from portal.notifications.models import Choice, Settings
from portal.notifications.services import delivering
from tests.conftest import Workers
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, everything_is_due, notices
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


def told_by_mail(count: int = 1, **wishes: object) -> list[Viewer]:
    """Let something happen that is told by mail to so many members."""
    board, gus = a_board(), a_member("Gus")
    people = [a_member(f"Ida {n}", **wishes) for n in range(count)]
    for one in people:
        a_comment(an_idea(board, one, "Skeins of ten grams"), gus)
    return people


def address(who: Viewer) -> str:
    return queries.addresses_of([who.id])[who.id]


def states() -> dict[str, int]:
    db.session.rollback()
    return {state: count for (way, state), count in queries.states().items() if way == "mail"}


def test_a_comment_is_mailed_with_its_reason_and_a_way_out(workers: Workers, mailbox: Mailbox) -> None:
    (ida,) = told_by_mail(lang="en")
    workers.run()
    assert mailbox.raw == [], "she may still read it in the page"
    everything_is_due()
    jobs.send_due()
    workers.run()
    (mail,) = mailbox.to(address(ida))
    assert mail["Subject"] == "Gus commented on your idea “Skeins of ten grams”"
    assert mail["From"] == "Lanaviva <notices@wool.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, marked = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Because you wrote it." in plain
    assert "<b>Gus</b> commented on your idea" in marked
    assert re.search(r'href="http://[^"]+/notifications/\d+"', marked), "whole addresses"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    way_out = mail["List-Unsubscribe"].strip("<>")
    assert way_out.startswith("http://")
    assert way_out in plain
    assert states() == {"sent": 1}


def test_a_mail_is_in_the_readers_language(workers: Workers, mailbox: Mailbox) -> None:
    (ida,) = told_by_mail(lang="it")
    workers.run()
    everything_is_due()
    sending.send_mails()
    (mail,) = mailbox.to(address(ida))
    assert mail["Subject"] == "Gus ha commentato la tua idea «Skeins of ten grams»"
    assert '<html lang="it">' in mail.get_body(("html",)).get_content()


def test_nothing_is_sent_twice_however_often_the_job_runs(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(3)
    workers.run()
    everything_is_due()
    for _ in range(3):
        sending.send_mails()
    assert len(mailbox.raw) == 3
    assert states() == {"sent": 3}


@pytest.mark.parametrize("act", ["read", "hidden", "no mails", "not this kind", "unconfirmed", "closed", "not visible"])
def test_what_is_not_wanted_any_more_is_not_sent(workers: Workers, mailbox: Mailbox, act: str) -> None:
    board, gus = a_board("ideas", "kinds:staff,partner"), a_member("Gus", kind="staff")
    ida = a_member("Ida", kind="partner")
    idea = an_idea(board, ida)
    a_comment(idea, gus)
    workers.run()
    with transaction():
        if act == "read":
            services.mark_read(ida.id)
        elif act == "hidden":
            ideas.hide(idea, actor=ida)
        elif act == "no mails":
            db.session.add(Settings(member_id=ida.id, mails=False))
        elif act == "not this kind":
            db.session.add(Choice(member_id=ida.id, kind="reply", way="mail", wanted=False))
        elif act == "unconfirmed":
            db.session.execute(text("UPDATE member SET email_verified_at = NULL WHERE id = :id"), {"id": ida.id})
        elif act == "closed":
            db.session.execute(text("UPDATE member SET active = false WHERE id = :id"), {"id": ida.id})
        else:
            db.session.execute(text("UPDATE board SET audience = 'kinds:staff' WHERE id = :id"), {"id": board.id})
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert mailbox.raw == []
    assert set(states()) <= {"dropped"}


def test_quiet_things_and_follows_are_not_mailed_by_default(workers: Workers, mailbox: Mailbox) -> None:
    ida, gus, manager = a_member("Ida"), a_member("Gus"), a_member("Mara", kind="staff", roles=["brand_manager"])
    idea = an_idea(a_board(), ida)
    with transaction():
        ideas.cast_vote(idea, gus)
        ideas.set_stage(idea, manager, stage="review")
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert [to for to, _raw in mailbox.raw] == [address(ida)]
    assert notices(gus)


def test_a_mailbox_that_does_not_exist_is_asked_once(workers: Workers, mailbox: Mailbox) -> None:
    (ida,) = told_by_mail()
    asked: list[str] = []
    mailbox.rcpt = lambda to: asked.append(to) or "550 5.1.1 No such mailbox"  # type: ignore[func-returns-value]
    workers.run()
    everything_is_due()
    sending.send_mails()
    settings = queries.settings_of(ida.id)
    assert (settings.refused_address, settings.refused_why) == (address(ida), "550 5.1.1 No such mailbox")
    a_comment(an_idea(a_board(), ida), a_member("Bea"))
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert asked == [address(ida)]
    assert states() == {"refused": 1, "dropped": 1}


def test_a_server_that_says_later_is_asked_later(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(2)
    said = iter(["451 Try again", None, None])
    mailbox.data = lambda _count: next(said)
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert (len(mailbox.raw), states()) == (1, {"sent": 1, "waiting": 1})
    sending.send_mails()
    assert len(mailbox.raw) == 1, "not before the pause is over"
    everything_is_due()
    sending.send_mails()
    assert (len(mailbox.raw), states()) == (2, {"sent": 2})


def test_one_message_that_is_refused_does_not_hold_up_the_others(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(3)
    said = iter([None, "554 Looks like spam", None])
    mailbox.data = lambda _count: next(said)
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert (len(mailbox.raw), states()) == (2, {"sent": 2, "refused": 1})


def test_while_the_server_is_away_everything_waits(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(2)
    workers.run()
    mailbox.stop()
    everything_is_due()
    assert sending.send_mails() is False
    assert states() == {"waiting": 2}
    mailbox.start()
    everything_is_due()
    sending.send_mails()
    assert (len(mailbox.raw), states()) == (2, {"sent": 2})


def test_a_worker_that_died_before_the_text_left_is_made_good(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail()
    workers.run()
    everything_is_due()
    with transaction():
        assert delivering.claim((sending.Way.MAIL,), 10)
    sending.send_mails()
    assert mailbox.raw == [], "it is in the hands of another for five minutes"
    everything_is_due()
    sending.send_mails()
    assert len(mailbox.raw) == 1


def test_a_worker_that_died_while_the_text_left_is_not_repeated(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail()
    workers.run()
    everything_is_due()
    with transaction():
        (one,) = delivering.claim((sending.Way.MAIL,), 10)
        assert delivering.begin([one])
        db.session.execute(text("UPDATE notification_delivery SET began_at = now() - interval '1 hour'"))
    with transaction():
        jobs.send_due()
    everything_is_due()
    sending.send_mails()
    assert (mailbox.raw, states()) == ([], {"doubtful": 1})


def test_two_workers_share_the_work(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(2)
    workers.run()
    everything_is_due()
    with transaction():
        (first,) = delivering.claim((sending.Way.MAIL,), 1)
        assert delivering.begin([first])
    assert delivering.begin([first]) is False
    sending.send_mails()
    assert (len(mailbox.raw), states()) == (1, {"sent": 1, "sending": 1})


def test_each_of_many_mails_arrives_once_though_the_server_goes_away_twice(workers: Workers, mailbox: Mailbox) -> None:
    told_by_mail(60)
    workers.run()
    stops = {20, 41}

    def stumble(count: int) -> str | None:
        if count in stops:
            stops.remove(count)
            return "421 Going away"
        return None

    mailbox.data = stumble
    while set(states()) != {"sent"}:
        everything_is_due()
        if not sending.send_mails():
            mailbox.stop()
            mailbox.start()
    assert not stops
    assert Counter(to for to, _raw in mailbox.raw).most_common(1)[0][1] == 1
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 60


def test_a_title_cannot_add_headers_or_lines(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_member("Ida", lang="en")
    idea = an_idea(a_board(), ida, "Fine\u2028Bcc: all@example.org <b>x</b>")
    a_comment(idea, a_member("Gus <b>", email="gus.b@example.org"), body=".\n..\nQUIT")
    workers.run()
    everything_is_due()
    sending.send_mails()
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert "<b>x</b>" not in mail.get_body(("html",)).get_content()
