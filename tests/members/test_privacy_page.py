"""The privacy page: consents, what is held, the file, leaving, the terms, and how long things are kept."""

import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.jobs import Promise
from portal.kernel.progress import LongRun
from portal.kernel.retention import forget_what_is_old, kept
from portal.members import queries, services
from portal.members.models import Consent, Member, MemberSession
from portal.members.models.audit import AuditEntry
from portal.members.privacy import erasing, files
from portal.members.privacy import services as privacy
from portal.members.privacy.words import RECORDS
from portal.members.rules import Purpose
from tests.conftest import Workers
from tests.members.a_whole_life import live
from tests.members.factories import a_member, a_token, bearer, sign_in


def token_of(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found.group(1)


def post(client: FlaskClient, path: str, page: str = "/account/privacy", **data: object):
    return client.post(path, data={"csrf_token": token_of(client, page), **data})


def test_each_purpose_is_chosen_and_the_history_is_kept(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    sign_in(client, ruth)
    assert client.get("/account/privacy").status_code == 200
    assert privacy.choices(ruth) == {
        Purpose.CRM: True, Purpose.PROFILING: True, Purpose.DIGESTS: False
    }  # fmt: skip

    post(client, "/account/privacy/consents", purpose=["digests", "listening"])
    assert [p for p, yes in privacy.choices(ruth).items() if yes] == [Purpose.DIGESTS]
    assert queries.who_objects([ruth], Purpose.PROFILING) == {ruth}
    assert len(privacy.history(ruth)) == 3
    post(client, "/account/privacy/consents", purpose=["digests"])
    assert len(privacy.history(ruth)) == 3


def test_nobody_is_asked_to_agree_to_what_nothing_does(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_member(lang="en"))
    for page in ("/account/privacy", "/privacy"):
        text = client.get(page, headers={"Accept-Language": "en"}).text
        assert "Work out what I know well" in text
        assert "Listen to my handles" not in text


def test_the_history_says_what_was_agreed_to(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    sign_in(client, ruth)
    post(client, "/account/privacy/consents", purpose=["digests"])
    assert "digest" in client.get("/account/privacy").text


def test_a_yes_to_an_older_text_is_asked_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ruth = a_member()
    services.say_consent(ruth, Purpose.DIGESTS, given=True)
    services.say_consent(ruth, Purpose.CRM, given=False)
    monkeypatch.setitem(queries.TEXTS, Purpose.DIGESTS, 2)
    monkeypatch.setitem(queries.TEXTS, Purpose.CRM, 2)
    assert not queries.agrees(ruth, Purpose.DIGESTS)
    assert not queries.agrees(ruth, Purpose.CRM)


def test_terms_are_accepted_on_joining_and_asked_again_when_they_change(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = services.create_member(email="j@example.org", name="J", origin="sign_up").id
    assert [(one.purpose, one.terms) for one in privacy.history(joined)] == [("terms", 1)]
    made = services.create_member(email="m@example.org", name="M", origin="staff").id
    db.session.commit()

    sign_in(client, joined)
    assert "/terms" not in client.get("/questions").text.split("<footer")[0]
    sign_in(client, made)
    assert 'href="/terms"' in client.get("/questions").text.split("<footer")[0]
    post(client, "/terms", page="/terms")
    assert 'href="/terms"' not in client.get("/questions").text.split("<footer")[0]
    assert db.session.scalars(select(Consent.terms).filter_by(member_id=made, purpose="terms")).all() == [1]


def test_a_member_fetches_her_file_and_nobody_else_does(committed: Flask, workers: Workers) -> None:
    ruth, other = a_member(name="Ruth Own"), a_member()
    client = sign_in(committed.test_client(), ruth)
    assert client.get("/account/privacy/file").status_code == 404
    assert post(client, "/account/privacy/file").status_code == 302
    assert "progress" in client.get("/account/privacy/file/state").text
    workers.run()

    answer = client.get("/account/privacy/file")
    assert answer.headers["Cache-Control"] == "private, no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as box:
        assert json.loads(box.read("member.json"))["records"]["member"][0]["name"] == "Ruth Own"
    answer.close()
    assert "/account/privacy/file" in client.get("/account/privacy").text
    assert sign_in(committed.test_client(), other).get("/account/privacy/file").status_code == 404
    assert committed.test_client().get("/account/privacy/file").status_code == 302
    assert committed.test_client().get("/account/privacy/file", headers=bearer(a_token(ruth))).status_code == 302

    db.session.execute(update(LongRun).values(ended_at=now() - timedelta(days=8)))
    db.session.commit()
    assert client.get("/account/privacy/file").status_code == 404


def test_fetching_and_leaving_ask_again_who_it_is(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    sign_in(client, ruth)
    db.session.execute(update(MemberSession).values(proved_at=now() - timedelta(hours=2)))
    db.session.commit()
    for path in ("/account/privacy/file", "/account/privacy/leave"):
        assert client.get(path).location.startswith("/account/again")
    assert client.get("/account/privacy").status_code == 200


def test_leaving_is_asked_for_shown_and_called_off(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    sign_in(client, ruth)
    assert post(client, "/account/privacy/leave", page="/account/privacy/leave").location == "/account/privacy/leave"
    assert erasing.wish_of(ruth) is None
    post(client, "/account/privacy/leave", page="/account/privacy/leave", posts="remove")
    wish = erasing.wish_of(ruth)
    assert wish
    assert wish.texts
    assert "/account/privacy/stay" in client.get("/account/privacy").text
    post(client, "/account/privacy/stay")
    assert erasing.wish_of(ruth) is None


def test_only_an_admin_erases_somebody_at_once_by_her_name(app: Flask, client: FlaskClient) -> None:
    ruth, moderator = a_member(name="Ruth Gone"), a_member(kind="staff", roles=["moderator"])
    page = f"/staff/members/{ruth}/erase"
    assert sign_in(client, moderator).get(page).status_code == 403
    sign_in(client, a_member(kind="staff", roles=["admin"]))
    assert post(client, page, page=page, posts="keep", name="Somebody").status_code == 422
    assert post(client, page, page=page, posts="keep", name="Ruth Gone").status_code == 302
    assert db.session.scalars(select(Member.name).filter_by(id=ruth)).one() == erasing.NOBODY
    acts = [(entry.act, entry.subject_id) for entry in db.session.scalars(select(AuditEntry))]
    assert acts == [("member.erase", ruth)]


def test_every_record_held_can_be_read(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    services.say_consent(ruth, Purpose.DIGESTS, given=True)
    sign_in(client, ruth)
    links = re.findall(r'href="(/account/privacy/data/[a-z_]+)"', client.get("/account/privacy").text)
    assert {"/account/privacy/data/member", "/account/privacy/data/consents"} <= set(links)
    for link in links:
        assert client.get(link).status_code == 200
    assert client.get("/account/privacy/data/nothing").status_code == 404
    assert "digests" in client.get("/account/privacy/data/consents").text


def test_what_is_old_goes_and_the_page_says_when(app: Flask, client: FlaskClient) -> None:
    ruth = a_member()
    services.open_session(ruth, address="198.51.100.9")
    db.session.execute(update(MemberSession).values(closed_at=now() - timedelta(days=31)))
    db.session.add(Promise(job="x", queue="quick", args=["a@example.org"], dead_at=now() - timedelta(days=31)))
    old = files.data_folder() / files.EXPORTS / "member-1-old.zip"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_bytes(b"x")
    import os

    os.utime(old, (0, 0))
    forget_what_is_old()
    assert db.session.scalars(select(MemberSession.id)).all() == []
    assert db.session.scalars(select(Promise.id).filter_by(job="x")).all() == []
    assert not old.exists()
    page = client.get("/privacy").text
    assert {"impressions", "exports", "sign-in log"} <= {one.name for one in kept()}
    assert all(f">{one.days} days<" in page for one in kept())


def test_all_pages_are_italian_for_italians(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_member(lang="it"))
    for path, words in (
        ("/account/privacy", "Che cosa accetti"),
        ("/account/privacy/leave", "Cancella il mio account"),
        ("/terms", "Regole della comunità"),
        ("/privacy", "Come trattiamo i dati"),
    ):
        assert words in client.get(path, headers={"Accept-Language": "it"}).text, path


def test_the_page_of_figures_leads_to_everything_that_is_worked_out(committed: Flask, workers: Workers) -> None:
    life = live(committed)
    workers.run()
    client = sign_in(committed.test_client(), life.id)
    page = client.get("/account/figures").text
    worked_out = privacy.worked_out(life.id)
    assert {"days", "idea_courses", "answer_courses"} <= set(worked_out)
    for name in worked_out:
        assert f'href="/account/privacy/data/{name}"' in page
        assert client.get(f"/account/privacy/data/{name}").status_code == 200
    menu = client.get("/questions").text
    assert 'href="/account/figures"' in menu
    assert 'href="/account/privacy"' in menu


def test_every_kind_of_record_has_a_name(portal: Flask) -> None:
    exported = {one.export for one in personal.tables().values() if one.export}
    assert exported - set(RECORDS) == set()
