"""What a member sees of what she was told, in the page, the bell and the API."""

import html
import re

from flask import Flask
from flask.testing import FlaskClient

from portal.community import facade as community
from portal.kernel.database import db, transaction
from portal.notifications import queries
from portal.notifications.services import preferences
from tests.conftest import Workers, counted_queries
from tests.factories import a_token, bearer, sign_in
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, notices, post


def browser(app: Flask, member_id: int) -> FlaskClient:
    return sign_in(app.test_client(), member_id)


def test_who_was_told_nothing_reads_so(committed: Flask) -> None:
    page = browser(committed, a_member("Ida", lang="en").id).get("/notifications")
    assert page.status_code == 200
    assert "Nothing to tell you yet" in page.text
    assert "data-unread" not in page.text


def test_a_comment_rings_the_bell_and_stands_under_new(committed: Flask, workers: Workers) -> None:
    ida = a_member("Ida", lang="en")
    idea = an_idea(a_board(), ida, "Skeins of <ten> grams")
    a_comment(idea, a_member("Gus & Sons"))
    workers.run()
    mine = browser(committed, ida.id)
    assert '<span class="dot">1</span>' in mine.get("/ideas").text
    page = mine.get("/notifications").text
    assert "<b>Gus &amp; Sons</b> commented on your idea" in page
    assert "Skeins of &lt;ten&gt; grams</a>" in page
    assert "Because you wrote it." in page
    assert "data-unread" in page


def test_opening_a_notice_marks_it_read_and_leads_to_the_comment(committed: Flask, workers: Workers) -> None:
    ida = a_member("Ida")
    idea = an_idea(a_board(), ida)
    comment = a_comment(idea, a_member("Gus"))
    workers.run()
    (told,) = notices(ida)
    mine = browser(committed, ida.id)
    answer = mine.get(f"/notifications/{told.id}")
    assert answer.status_code == 302
    assert answer.location.endswith(f"#comment-{comment}")
    assert queries.unread_of(ida.id) == 0
    assert 'class="dot"' not in mine.get("/ideas").text
    assert "data-unread" not in mine.get("/notifications").text


def test_nobody_opens_or_marks_the_notice_of_another(committed: Flask, workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    a_comment(an_idea(a_board(), ida), gus)
    workers.run()
    (told,) = notices(ida)
    his = browser(committed, gus.id)
    assert his.get(f"/notifications/{told.id}").status_code == 404
    assert his.post(f"/notifications/{told.id}/read", data={"read": "1"}).status_code in {400, 404}
    program = committed.test_client()
    head = bearer(a_token(gus.id))
    assert program.put(f"/api/v1/notifications/{told.id}/read", headers=head).status_code == 404
    marked = program.post("/api/v1/notifications/read", headers=head, json={"ids": [told.id]})
    assert (marked.status_code, marked.json) == (200, {"marked": 0, "unread": 0})
    assert queries.unread_of(ida.id) == 1


def test_what_she_may_not_see_any_more_is_not_shown_and_not_counted(committed: Flask, workers: Workers) -> None:
    board = a_board("ideas", "kinds:staff,partner")
    ida = a_member("Ida", kind="partner")
    a_comment(an_idea(board, ida, "Secret skeins"), a_member("Gus", kind="staff"))
    workers.run()
    assert queries.unread_of(ida.id) == 1
    with transaction():
        db.session.execute(db.text("UPDATE board SET audience = 'kinds:staff' WHERE id = :id"), {"id": board.id})
    page = browser(committed, ida.id).get("/notifications")
    assert "Secret skeins" not in page.text
    assert queries.unread_of(ida.id) == 0
    listed = committed.test_client().get("/api/v1/notifications", headers=bearer(a_token(ida.id))).json
    assert listed == {"items": [], "next": None, "unread": 0}


def test_programs_read_notices_page_by_page_and_mark_them(committed: Flask, workers: Workers) -> None:
    ida, board = a_member("Ida", lang="en"), a_board()
    for n in range(3):
        a_comment(an_idea(board, ida, f"Idea number {n}"), a_member("Gus"))
        workers.run()
    program, head = committed.test_client(), bearer(a_token(ida.id))
    first = program.get("/api/v1/notifications?limit=2", headers=head).json
    assert [one["text"] for one in first["items"]] == [
        "Gus commented on your idea “Idea number 2”.",
        "Gus commented on your idea “Idea number 1”.",
    ]
    assert (first["unread"], first["items"][0]["reason"]) == (3, "Because you wrote it.")
    second = program.get(f"/api/v1/notifications?limit=2&cursor={first['next']}", headers=head).json
    assert ([one["read"] for one in second["items"]], second["next"]) == ([False], None)
    done = program.put(f"/api/v1/notifications/{second['items'][0]['id']}/read", headers=head).json
    assert done == {"marked": 1, "unread": 2}
    left = program.get("/api/v1/notifications?unread=true", headers=head).json
    assert len(left["items"]) == 2
    assert program.post("/api/v1/notifications/read", headers=head, json={}).json == {"marked": 2, "unread": 0}
    again = program.delete(f"/api/v1/notifications/{second['items'][0]['id']}/read", headers=head).json
    assert again == {"marked": 1, "unread": 1}


def test_programs_get_sentences_for_nonsense(committed: Flask) -> None:
    program, head = committed.test_client(), bearer(a_token(a_member("Ida").id))
    assert program.get("/api/v1/notifications?cursor=x", headers=head).status_code == 422
    assert program.get("/api/v1/notifications?kind=gossip", headers=head).status_code == 422
    assert program.post("/api/v1/notifications/read", headers=head, json={"ids": [0]}).status_code == 422
    assert program.put("/api/v1/notifications/999999/read", headers=head).status_code == 404
    assert committed.test_client().get("/api/v1/notifications").status_code == 401


def test_the_bell_costs_a_page_no_query(committed: Flask, workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    a_comment(idea, gus)
    workers.run()
    counts = []
    for who in (ida, gus):
        mine = browser(committed, who.id)
        mine.get("/ideas")
        with counted_queries() as seen:
            mine.get("/ideas")
        assert not [one for one in seen if "FROM notification" in one]
        counts.append(len([one for one in seen if "member_bell" in one]))
    assert counts == [1, 1], "read with the viewer, and nowhere else"


def test_a_page_of_notices_costs_the_same_for_one_and_for_many(committed: Flask, workers: Workers) -> None:
    ida, board = a_member("Ida"), a_board()
    costs = []
    for n in (1, 9):
        for _ in range(n):
            a_comment(an_idea(board, ida), a_member("Gus"))
        workers.run()
        mine = browser(committed, ida.id)
        mine.get("/notifications")
        with counted_queries() as seen:
            mine.get("/notifications")
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_italian_speaks_of_one_and_of_many(committed: Flask, workers: Workers) -> None:
    ida = a_member("Ida", lang="it")
    idea = an_idea(a_board(), ida)
    a_comment(idea, a_member("Gus"))
    workers.run()
    mine = browser(committed, ida.id)
    assert "<b>Gus</b> ha commentato la tua idea" in mine.get("/notifications").text
    for name in ("Bea", "Leo"):
        a_comment(idea, a_member(name))
    with transaction():
        community.follow(ida.id, "idea", idea)
    workers.run()
    assert "e altre 2 persone hanno commentato la tua idea" in mine.get("/notifications").text


def test_what_came_after_the_page_was_made_stays_new_when_all_are_marked(committed: Flask, workers: Workers) -> None:
    ida, board, gus = a_member("Ida"), a_board(), a_member("Gus")
    first, second = an_idea(board, ida, "First"), an_idea(board, ida, "Second")
    for idea in (first, second):
        a_comment(idea, gus)
    workers.run()
    mine = browser(committed, ida.id)
    until = re.search(r'name="until" value="([^"]+)"', mine.get("/notifications").text)
    assert until is not None
    a_comment(second, a_member("Bea"))
    a_comment(an_idea(board, ida, "Third"), gus)
    workers.run()
    post(mine, "/notifications/read", {"until": html.unescape(until[1])})
    assert [row.read_at is None for row in notices(ida)] == [True, True, False]
    program, head = committed.test_client(), bearer(a_token(ida.id))
    seen = program.get("/api/v1/notifications?limit=2", headers=head).json["items"]
    done = program.post("/api/v1/notifications/read", headers=head, json={"until": seen[1]["at"]}).json
    assert done == {"marked": 1, "unread": 1}
    for nonsense in ("yesterday", "2026-01-01"):
        post(mine, "/notifications/read", {"until": nonsense})
    assert queries.unread_of(ida.id) == 0


def test_the_list_goes_on_page_by_page(committed: Flask, workers: Workers) -> None:
    ida, board, gus = a_member("Ida", lang="en"), a_board(), a_member("Gus")
    for n in range(queries.PAGE + 2):
        a_comment(an_idea(board, ida, f"Idea number {n}"), gus)
    workers.run()
    mine = browser(committed, ida.id)
    first = mine.get("/notifications").text
    further = re.search(r'href="(/notifications\?cursor=[^"]+)"', first)
    assert further is not None
    second = mine.get(html.unescape(further[1])).text
    both = re.findall(r"Idea number (\d+)</a>", first) + re.findall(r"Idea number (\d+)</a>", second)
    assert sorted(map(int, both)) == list(range(queries.PAGE + 2))
    assert mine.get("/notifications?cursor=nonsense").status_code == 422


def test_programs_choose_what_they_hear(committed: Flask, workers: Workers) -> None:
    ida, board, gus = a_member("Ida", lang="en"), a_board(), a_member("Gus")
    program, head = committed.test_client(), bearer(a_token(ida.id))
    where = "/api/v1/notifications/wishes"
    before = program.get(where, headers=head).json
    assert (before["kinds"]["reply"], before["digest"]) == (["mail", "page", "push"], "off")
    assert "duty" not in before["kinds"], "duties are the staff's"
    wanted = {"kinds": {"reply": ["page"]}, "digest": "daily", "hour": 7, "time_zone": "America/Bogota", "mails": False}
    after = program.patch(where, headers=head, json=wanted).json
    assert (after["kinds"]["reply"], after["kinds"]["answer"]) == (["page"], before["kinds"]["answer"])
    assert [after[name] for name in ("digest", "hour", "time_zone", "mails")] == ["daily", 7, "America/Bogota", False]
    assert program.patch(where, headers=head, json={"digest": "off"}).json["hour"] == 7
    for nonsense in ({"hour": 24}, {"time_zone": "Mars"}, {"kinds": {"gossip": []}}, {"digest": "always"}):
        assert program.patch(where, headers=head, json=nonsense).status_code == 422
    with transaction():
        preferences.mute(ida.id, "board", board.id)
    muted = program.get(where, headers=head).json
    assert muted["places"] == [{"kind": "board", "id": board.id, "level": "mute"}]
    with transaction():
        preferences.unmute(ida.id, "board", board.id)
    a_comment(an_idea(board, ida), gus)
    workers.run()
    count = program.get("/api/v1/notifications/unread", headers=head).json
    assert count == {"unread": 1, "by_kind": {"reply": 1}}
    assert committed.test_client().get(where).status_code == 401
