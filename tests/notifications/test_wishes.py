"""How members choose what they hear, and the one click that ends a kind of mail."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.members import queries as members
from portal.members.rules import Purpose
from portal.notifications import queries, sending, tokens
from portal.notifications.rules.kinds import MANNERS, Kind, Way, ways_of
from portal.notifications.services import preferences
from portal.notifications.tokens import Unsubscribe
from tests.conftest import Workers
from tests.factories import sign_in
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, everything_is_due, kinds, post
from tests.notifications.mailbox import Mailbox

PAGE = "/account/notifications"
TIMES = {"time_zone": "Europe/Rome", "quiet_from": "22", "quiet_to": "7", "rhythm": "off", "weekday": "6", "hour": "8"}


@pytest.fixture
def mailbox(committed: Flask) -> Iterator[Mailbox]:
    box = Mailbox().start()
    committed.config["PORTAL_MAIL_URL"] = box.url
    yield box
    committed.config["PORTAL_MAIL_URL"] = ""
    box.stop()


def browser(app: Flask, member_id: int) -> FlaskClient:
    return sign_in(app.test_client(), member_id)


def ways(member_id: int, kind: Kind) -> set[str]:
    return {way.value for way in ways_of(kind, queries.choices_of([member_id]).get(member_id, {}))}


def test_only_what_answers_an_act_of_her_own_is_mailed_by_default() -> None:
    mailed = {kind for kind, manner in MANNERS.items() if Way.MAIL in manner.ways}
    assert mailed == {Kind.MODERATION, Kind.ANSWER, Kind.REPLY, Kind.DECISION, Kind.DUTY}


def test_a_member_chooses_by_kind_way_board_and_hour(committed: Flask) -> None:
    ida, board = a_member("Ida", lang="en"), a_board()
    mine = browser(committed, ida.id)
    page = mine.get(PAGE).text
    assert (
        'name="reply.mail" value="1" aria-label="Somebody replies to you or comments on your post: Mail" checked'
        in page
    )
    assert "duty.mail" not in page, "duties are the staff's"
    chosen = {
        **TIMES,
        "time_zone": "America/New_York",
        "reply.page": "1",
        "stage.mail": "1",
        f"board.{board.id}": "all",
    }
    assert post(mine, PAGE, data=chosen).status_code == 303
    settings = queries.settings_of(ida.id)
    assert (settings.time_zone, settings.quiet_from, settings.quiet_to, settings.mails) == (
        "America/New_York",
        22,
        7,
        False,
    )
    assert (ways(ida.id, Kind.REPLY), ways(ida.id, Kind.STAGE), ways(ida.id, Kind.MENTION)) == (
        {"page"},
        {"mail"},
        set(),
    )
    assert queries.places_of(ida.id) == {("board", board.id): "all"}
    again = mine.get(PAGE).text
    assert '<option value="all" selected>' in again
    assert 'value="America/New_York"' in again


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("time_zone", "Mars/Olympus", "Choose a place"),
        ("time_zone", "../../etc/passwd", "Choose a place"),
        ("quiet_from", "24", "Choose an hour"),
        ("hour", "x", "Choose an hour"),
        ("weekday", "7", "Choose a day"),
        ("rhythm", "always", "Choose how often"),
    ],
)
def test_what_cannot_be_is_refused_in_words(committed: Flask, field: str, typed: str, said: str) -> None:
    ida = a_member("Ida", lang="en")
    answer = post(browser(committed, ida.id), PAGE, data={**TIMES, field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert queries.settings_of(ida.id).quiet_from is None


def test_a_rhythm_is_consent_and_never_takes_it_back(committed: Flask) -> None:
    ida = a_member("Ida")
    mine = browser(committed, ida.id)
    assert not members.agrees(ida.id, Purpose.DIGESTS)
    post(mine, PAGE, data={**TIMES, "rhythm": "daily"})
    assert members.agrees(ida.id, Purpose.DIGESTS)
    post(mine, PAGE, data={**TIMES, "rhythm": "off"})
    assert not members.agrees(ida.id, Purpose.DIGESTS)


def test_a_thing_is_muted_from_its_notice_and_heard_again(committed: Flask, workers: Workers) -> None:
    ida = a_member("Ida", lang="en")
    idea = an_idea(a_board(), ida)
    mine = browser(committed, ida.id)
    post(mine, f"{PAGE}/mute", data={"kind": "idea", "id": idea})
    a_comment(idea, a_member("Gus"))
    workers.run()
    assert kinds(ida) == []
    assert "Hear again" in mine.get(PAGE).text
    post(mine, f"{PAGE}/mute", data={"kind": "idea", "id": idea, "on": "0"})
    a_comment(idea, a_member("Bea"))
    workers.run()
    assert kinds(ida) == ["reply"]


def test_what_one_may_not_see_cannot_be_muted_either(committed: Flask) -> None:
    hidden = an_idea(a_board("ideas", "kinds:staff"), a_member("Gus", kind="staff"))
    mine = browser(committed, a_member("Ida").id)
    assert post(mine, f"{PAGE}/mute", data={"kind": "idea", "id": hidden}).status_code == 404
    assert post(mine, f"{PAGE}/mute", data={"kind": "nonsense", "id": "x"}).status_code == 404


def test_one_click_in_the_mail_program_ends_a_kind_without_signing_in(
    committed: Flask, workers: Workers, mailbox: Mailbox
) -> None:
    ida, gus, board = a_member("Ida"), a_member("Gus"), a_board()
    a_comment(an_idea(board, ida), gus)
    workers.run()
    everything_is_due()
    sending.send_mails()
    (mail,) = mailbox.mails
    way_out = "/" + mail["List-Unsubscribe"].strip("<>").split("/", 3)[3]
    program = committed.test_client()
    answer = program.post(way_out, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert ways(ida.id, Kind.REPLY) == {"page", "push"}
    assert ways(ida.id, Kind.ANSWER) >= {"mail"}
    a_comment(an_idea(board, ida), gus)
    workers.run()
    everything_is_due()
    sending.send_mails()
    assert len(mailbox.raw) == 1
    assert kinds(ida) == ["reply", "reply"], "in the page she goes on hearing of it"


def test_looking_at_the_link_changes_nothing(committed: Flask) -> None:
    ida = a_member("Ida", lang="en")
    link = "/notifications/stop/" + tokens.sign(Unsubscribe(ida.id, "reply"))
    page = committed.test_client().get(link)
    assert page.status_code == 200
    assert "No more of these: Somebody replies to you" in page.text
    assert "mail" in ways(ida.id, Kind.REPLY)


@pytest.mark.parametrize("wish", ["kind", "thing", "all"])
def test_the_page_behind_the_link_stops_and_undoes(committed: Flask, wish: str) -> None:
    ida = a_member("Ida", lang="en")
    idea = an_idea(a_board(), ida, "Skeins & more")
    link = "/notifications/stop/" + tokens.sign(Unsubscribe(ida.id, "reply", "idea", idea))
    reader = committed.test_client()

    def standing() -> tuple[bool, bool, bool]:
        settings, places = queries.settings_of(ida.id), queries.places_of(ida.id)
        return "mail" in ways(ida.id, Kind.REPLY), places.get(("idea", idea)) == "mute", settings.mails

    before = standing()
    assert before == (True, False, True)
    assert "Skeins &amp; more" in reader.get(link).text
    assert "Undo" in reader.post(link, data={"stop": wish}).text
    assert standing() == {"kind": (False, False, True), "thing": (True, True, True), "all": (True, False, False)}[wish]
    reader.post(link, data={"stop": f"again-{wish}"})
    assert standing() == before


def test_a_digest_is_ended_by_taking_consent_back(committed: Flask) -> None:
    from portal.kernel.database import transaction

    ida = a_member("Ida")
    with transaction():
        preferences.want_digests(ida.id, wanted=True)
    link = "/notifications/stop/" + tokens.sign(Unsubscribe(ida.id, "digest"))
    committed.test_client().post(link, data={"List-Unsubscribe": "One-Click"})
    assert not members.agrees(ida.id, Purpose.DIGESTS)


def test_a_link_that_was_tampered_with_opens_nothing(committed: Flask) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    good = tokens.sign(Unsubscribe(ida.id, "reply"))
    other = tokens.sign(Unsubscribe(gus.id, "reply"))
    reader = committed.test_client()
    for token in (good[:-2], good + "x", other.split(".")[0] + "." + good.split(".")[1], "x", good.replace(".", "")):
        assert reader.post(f"/notifications/stop/{token}").status_code == 404
        assert reader.get(f"/notifications/stop/{token}").status_code == 404
    assert "mail" in ways(ida.id, Kind.REPLY)
    assert "mail" in ways(gus.id, Kind.REPLY)


def test_a_link_outlives_the_key_it_was_signed_with_while_that_is_kept(committed: Flask) -> None:
    ida = a_member("Ida")
    old = committed.config["SECRET_KEY"]
    link = "/notifications/stop/" + tokens.sign(Unsubscribe(ida.id, "reply"))
    before = committed.config.get("SECRET_KEY_FALLBACKS")
    committed.config.update(SECRET_KEY="a new one", SECRET_KEY_FALLBACKS=[old])
    try:
        assert committed.test_client().get(link).status_code == 200
    finally:
        committed.config.update(SECRET_KEY=old, SECRET_KEY_FALLBACKS=before)


def test_an_address_that_was_refused_is_told_and_tried_again(committed: Flask) -> None:
    from portal.kernel.database import transaction
    from portal.notifications.services import delivering

    ida = a_member("Ida", lang="en")
    with transaction():
        delivering.note_refusal(ida.id, queries.addresses_of([ida.id])[ida.id], "550 5.1.1 unknown", for_good=True)
    mine = browser(committed, ida.id)
    assert "550 5.1.1 unknown" in mine.get(PAGE).text
    assert "do not arrive" in mine.get("/notifications").text
    post(mine, f"{PAGE}/address")
    assert "does not take our mails" not in mine.get(PAGE).text
