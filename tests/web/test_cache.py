"""Pages kept ready for readers: quick, never stale for long, never another's."""

import re
import time
from collections.abc import Iterator

import pytest
from flask import Flask, flash
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from sqlalchemy import text

from portal.community import facade as community
from portal.ideas.events import IdeaPosted
from portal.kernel.database import db, transaction
from portal.kernel.outbox import publish
from portal.members.policy import NOBODY, access, anyone, signed_in
from portal.web import cache
from portal.web.headers import nonce

made: list[str] = []


def _page(name: str) -> str:
    made.append(name)
    if name == "form":
        generate_csrf()
    if name == "flash":
        flash("only for you")
    if name == "list":
        community.record_impressions(NOBODY, "idea", [7, 8], "newest")
    if name == "scripted":
        return f'<script nonce="{nonce()}"></script>'
    return f"<p>{name} {len(made)}</p>"


@pytest.fixture
def reader(committed: Flask) -> Iterator[FlaskClient]:
    """A browser that keeps no cookies, before a portal that keeps pages ready."""
    if "a_page" not in committed.view_functions:
        committed._got_first_request = False
        committed.add_url_rule("/page/<name>", "a_page", access(anyone)(_page))
        committed.add_url_rule("/mine/<name>", "my_page", access(signed_in)(lambda name: name))
    made.clear()
    before, hooks = committed.wsgi_app, list(committed.after_request_funcs[None])
    committed.config["PORTAL_READER_CACHE"] = "1"
    cache.init_app(committed)
    yield committed.test_client(use_cookies=False)
    committed.config["PORTAL_READER_CACHE"] = "0"
    committed.wsgi_app = before  # type: ignore[method-assign]
    committed.after_request_funcs[None] = hooks


def ready(client: FlaskClient, path: str, **headers: str) -> bool:
    """Whether a second look is answered without making the page anew."""
    first = client.get(path, headers=headers).data
    count = len(made)
    return client.get(path, headers=headers).data == first and len(made) == count


def test_a_readers_second_look_is_ready(reader: FlaskClient) -> None:
    assert ready(reader, "/page/a")


def test_a_browser_that_has_the_page_is_told_that_nothing_changed(reader: FlaskClient) -> None:
    etag = reader.get("/page/a").headers["ETag"]
    answer = reader.get("/page/a", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == etag
    assert "no-cache" in answer.headers["Cache-Control"]
    assert "Content-Security-Policy" not in answer.headers


def test_each_reader_gets_a_one_time_word_of_her_own(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [reader.get("/page/scripted") for _look in range(3)]
    monkeypatch.setattr(cache, "OLDEST", 0.0)
    looks.append(reader.get("/page/scripted"))
    words = [re.search(r"nonce-([\w-]{22})", look.headers["Content-Security-Policy"])[1] for look in looks]  # type: ignore[index]
    assert [look.text for look in looks] == [f'<script nonce="{word}"></script>' for word in words]
    assert len(set(words)) == 4
    assert len({look.headers["ETag"] for look in looks}) == 1
    assert len(made) == 2


@pytest.mark.parametrize(
    "headers", [{"Cookie": "session=x"}, {"Cookie": "a=b; remember_token=1|x"}, {"Authorization": "Bearer x"}]
)
def test_whoever_might_be_a_member_never_gets_a_kept_page(reader: FlaskClient, headers: dict[str, str]) -> None:
    reader.get("/page/a")
    answer = reader.get("/page/a", headers=headers)
    assert answer.data != b"<p>a 1</p>"


@pytest.mark.parametrize("name", ["form", "flash"])
def test_a_page_with_something_personal_is_not_kept(reader: FlaskClient, name: str) -> None:
    assert not ready(reader, f"/page/{name}")


def test_a_page_that_is_stricter_than_others_stays_so(reader: FlaskClient) -> None:
    answers = [reader.get("/guests/sent") for _ in range(3)]
    assert {answer.headers["Referrer-Policy"] for answer in answers} == {"no-referrer"}


def test_language_theme_query_and_fragment_are_pages_of_their_own(reader: FlaskClient) -> None:
    looks = [
        ("/page/a", {}),
        ("/page/a?x=1", {}),
        ("/page/a", {"Accept-Language": "it"}),
        ("/page/a", {"Cookie": "theme=dark"}),
        ("/page/a", {"Cookie": "lang=it; theme=dark"}),
        ("/page/a", {"HX-Request": "true"}),
    ]
    assert len({reader.get(path, headers=headers).data for path, headers in looks}) == len(looks)
    assert all(ready(reader, path, **headers) for path, headers in looks)


def test_a_new_fact_makes_every_page_anew(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "GLANCE", 0.0)
    assert ready(reader, "/page/a")
    with transaction():
        publish(IdeaPosted(idea_id=1, board_id=1, author_id=1, actor_id=1))
    count = len(made)
    reader.get("/page/a")
    assert len(made) == count + 1


def test_no_page_is_older_than_ten_seconds(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "OLDEST", 0.05)
    reader.get("/page/a")
    time.sleep(0.06)
    reader.get("/page/a")
    assert len(made) == 2


def test_refusals_are_not_kept(reader: FlaskClient) -> None:
    assert reader.get("/mine/a").status_code in {302, 401}
    assert "ETag" not in reader.get("/mine/a").headers


def test_a_guest_who_gets_a_kept_page_counts_as_a_viewer(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "GLANCE", 0.0)
    for agent in ("first", "second", "second", "third"):
        reader.get("/page/list", headers={"User-Agent": agent})
    reader.get("/page/a")
    assert made.count("list") == 1
    viewers = db.session.scalar(text("SELECT count(DISTINCT viewer) FROM impression WHERE target_id = 7"))
    assert viewers == 3
