"""Digests: by consent alone, on the member's own morning, about what is near to her, once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.community import facade as community
from portal.kernel import retention
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.members.policy import Viewer
from portal.notifications import digests, queries, sending, services
from portal.notifications.models import Settings
from portal.notifications.rules.times import zone
from portal.notifications.services import preferences
from tests.conftest import Workers
from tests.notifications.factories import a_board, a_comment, a_member, a_question, an_idea, everything_is_due
from tests.notifications.mailbox import Mailbox


@pytest.fixture
def mailbox(committed: Flask) -> Iterator[Mailbox]:
    box = Mailbox().start()
    committed.config["PORTAL_MAIL_URL"] = box.url
    yield box
    committed.config["PORTAL_MAIL_URL"] = ""
    box.stop()


def a_reader(name: str = "Ida", *, consent: bool = True) -> Viewer:
    """A member whose daily digest was due within this hour."""
    who = a_member(name, lang="en")
    with transaction():
        hour = now().astimezone(zone("Europe/Rome")).hour
        db.session.add(Settings(member_id=who.id, rhythm="daily", hour=hour, quiet_from=0, quiet_to=0))
        if consent:
            preferences.want_digests(who.id, wanted=True)
            db.session.execute(text("UPDATE consent SET at = at - interval '2 days'"))
    return who


def a_morning() -> int:
    """Let the hour come, and send."""
    with transaction():
        planned = digests.plan()
    everything_is_due()
    sending.send_mails()
    return planned


def digests_of(mailbox: Mailbox, who: Viewer) -> list[str]:
    address = queries.addresses_of([who.id])[who.id]
    return [
        mail.get_body(("plain",)).get_content() for mail in mailbox.to(address) if "digest" in str(mail["Message-ID"])
    ]


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(mail["Subject"]) for mail in mailbox.mails if "digest" in str(mail["Message-ID"])]


def something_new(who: Viewer, workers: Workers) -> int:
    """Let somebody comment on what the member follows."""
    idea = an_idea(a_board(), a_member("Gus"), "Ten grams")
    with transaction():
        community.follow(who.id, "idea", idea)
    a_comment(idea, a_member("Bea"))
    workers.run()
    return idea


def test_a_digest_tells_what_is_new_on_what_she_follows(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    a_morning()
    (mail,) = digests_of(mailbox, ida)
    assert "Bea commented on “Ten grams”." in mail
    assert "because you asked for it, once a day" in mail
    assert subjects(mailbox) == ["1 thing is new on what you follow"]
    assert mailbox.mails[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_consent_there_is_none(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader(consent=False)
    something_new(ida, workers)
    assert a_morning() == 0
    assert digests_of(mailbox, ida) == []


def test_consent_taken_back_after_the_hour_holds(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    with transaction():
        assert digests.plan() == 1
        preferences.want_digests(ida.id, wanted=False)
    everything_is_due()
    sending.send_mails()
    assert digests_of(mailbox, ida) == []


def test_it_comes_once_however_often_the_clock_strikes(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    assert [a_morning() for _ in range(3)] == [1, 0, 0]
    with transaction():
        db.session.execute(text("UPDATE notification_settings SET digest_slot = NULL"))
    a_morning()
    assert len(digests_of(mailbox, ida)) == 1, "the day's key keeps it from a second time"


def test_when_nothing_is_new_nothing_is_sent(workers: Workers, mailbox: Mailbox) -> None:
    a_reader()
    workers.run()
    assert a_morning() == 1
    assert mailbox.raw == []
    assert queries.states() == {("digest", "dropped"): 1}


def test_what_she_read_or_saw_already_is_not_told_again(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    with transaction():
        services.mark_read(ida.id)
    a_morning()
    assert digests_of(mailbox, ida) == []


def test_new_posts_near_to_what_she_follows_are_chosen_and_muted_boards_are_not(
    workers: Workers, mailbox: Mailbox
) -> None:
    ida, gus = a_reader(), a_member("Gus")
    near, far, muted = a_board(), a_board(), a_board("support")
    with transaction():
        community.follow(ida.id, "member", a_member("Lea").id)
        preferences.set_boards(ida, {near.id: "all", muted.id: "mute"})
    an_idea(near, gus, "Close to her")
    an_idea(far, gus, "Far from her")
    a_question(muted, gus, "Not to be heard of?")
    workers.run()
    with transaction():
        db.session.execute(text("DELETE FROM notification"))
    a_morning()
    (mail,) = digests_of(mailbox, ida)
    assert "Close to her" in mail
    assert "Far from her" not in mail
    assert "Not to be heard of" not in mail


def test_who_follows_nothing_gets_the_new_posts_she_may_see(workers: Workers, mailbox: Mailbox) -> None:
    ida, gus = a_reader(), a_member("Gus", kind="staff")
    an_idea(a_board("ideas", "kinds:staff"), gus, "For staff alone")
    an_idea(a_board(), gus, "For everybody")
    workers.run()
    a_morning()
    (mail,) = digests_of(mailbox, ida)
    assert "For everybody" in mail
    assert "For staff alone" not in mail


def test_the_second_digest_begins_where_the_first_ended(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    a_morning()
    with transaction():
        yesterday = {"day": timedelta(days=1)}
        db.session.execute(
            text("""UPDATE notification_delivery SET key = 'digest:old', made_at = made_at - :day, ended_at = ended_at - :day
                    WHERE way = 'digest'"""),
            yesterday,
        )
        db.session.execute(text("UPDATE notification_settings SET digest_slot = digest_slot - :day"), yesterday)
        db.session.execute(text("UPDATE notification SET fresh_at = fresh_at - :day"), {"day": timedelta(days=2)})
        db.session.execute(text("UPDATE idea SET created_at = created_at - :day"), {"day": timedelta(days=2)})
    a_morning()
    assert len(digests_of(mailbox, ida)) == 1, "what the first told is not told by the second"


def test_read_notices_go_after_ninety_days(workers: Workers) -> None:
    ida = a_member("Ida")
    something_new(ida, workers)
    a_comment(an_idea(a_board(), ida), a_member("Leo"))
    workers.run()
    assert len(queries.notices_of(ida.id).items) == 2
    with transaction():
        old = "UPDATE notification SET read_at = now() - interval '91 days' WHERE kind = 'followed'"
        db.session.execute(text(old))
        retention.forget_what_is_old()
    assert [row.kind for row in queries.notices_of(ida.id).items] == ["reply"]


def test_the_first_digest_waits_for_the_hour_after_she_asked(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader(consent=False)
    something_new(ida, workers)
    with transaction():
        preferences.want_digests(ida.id, wanted=True)
    assert a_morning() == 0, "the hour has struck already when she asks"


def test_a_new_hour_brings_no_digest_for_the_hour_that_is_over(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    something_new(ida, workers)
    assert a_morning() == 1
    settings = queries.settings_of(ida.id)
    other = (now().astimezone(zone("Europe/Rome")).weekday() - 1) % 7
    with transaction():
        preferences.set_times(
            ida.id,
            preferences.Wishes(time_zone="Europe/Rome", quiet_from=0, quiet_to=0, mails=True, rhythm="weekly",
                               weekday=other, hour=settings.hour),
        )  # fmt: skip
    assert a_morning() == 0


def test_what_she_muted_or_follows_no_more_is_not_in_the_digest(workers: Workers, mailbox: Mailbox) -> None:
    ida = a_reader()
    muted, left, kept = (something_new(ida, workers) for _ in range(3))
    with transaction():
        db.session.execute(text("UPDATE idea SET title = 'Still followed' WHERE id = :id"), {"id": kept})
        db.session.execute(text("UPDATE idea SET title = 'Not wanted' WHERE id <> :id"), {"id": kept})
        preferences.mute(ida.id, "idea", muted)
        community.unfollow(ida.id, "idea", left)
    assert a_morning() == 1
    (said,) = digests_of(mailbox, ida)
    followed = said.partition("New, and close to it")[0]
    assert "Still followed" in followed
    assert "Not wanted" not in followed
