"""Pictures and files: what is taken, who may fetch it, and what becomes of what means harm."""

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageCms
from sqlalchemy import select, update

from portal.community import facade as community
from portal.community import leaving, rules
from portal.community.models import Upload
from portal.community.queries import conversation
from portal.community.services import uploads
from portal.community.uploads import kinds, workshop
from portal.ideas import queries as idea_queries
from portal.ideas import services as ideas
from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, TooLarge, TooMany
from portal.members.policy import NOBODY, Viewer
from portal.moderation.services import deciding, rooms
from tests.community import hostile
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.members.factories import a_member, a_token, bearer, sign_in
from tests.support.factories import a_question, an_answer


def settled(**wishes: Any) -> Viewer:
    return a_viewer(verified=True, joined_at=now() - timedelta(days=30), **wishes)


def sent(viewer: Viewer, content: bytes | None = None, name: str = "photo.jpg", **more: Any) -> conversation.UploadCard:
    card = uploads.receive(viewer, hostile.picture() if content is None else content, name=name, **more)
    db.session.commit()
    return card


def shown(viewer: Viewer, card: conversation.UploadCard, **wishes: Any) -> int:
    return an_idea(viewer, body=f"Look: {card.markdown}", **wishes)


def kept_bytes(card: conversation.UploadCard) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(workshop.folder_of(card.key).iterdir()))


# What means harm


def test_no_hostile_file_is_served_as_it_came(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UPLOADS_A_DAY", 1000)
    viewer = settled()
    db.session.commit()
    headers = bearer(a_token(viewer.id))
    sign_in(client, viewer.id)
    came_out, refused, anew = [], [], []
    for what, name, content in hostile.files():
        form = {"file": (io.BytesIO(content), name)}
        answer = client.post("/api/v1/uploads", data=form, headers=headers, content_type="multipart/form-data")
        if answer.status_code in {413, 422}:
            refused.append(what)
            continue
        assert answer.status_code == 201, (what, answer.text)
        anew.append(what)
        said = answer.get_json()
        given = client.get(said["url"])
        assert given.status_code == 200, what
        head = given.headers
        assert head["X-Content-Type-Options"] == "nosniff", what
        assert "sandbox" in head["Content-Security-Policy"], what
        assert "/" not in said["name"], what
        assert "\\" not in said["name"], what
        assert said["name"].isprintable(), what
        if given.data == content or hostile.MARK in given.data or b"<script" in given.data:
            came_out.append(what)
        if said["kind"] == "image":
            with Image.open(io.BytesIO(given.data)) as drawn:
                assert drawn.format == "WEBP", what
                assert not drawn.getexif(), what
                assert not {"icc_profile", "xmp", "exif"} & drawn.info.keys(), what
        else:
            assert head["Content-Disposition"].startswith("attachment"), what
    assert came_out == []
    assert len(refused) + len(anew) == len(hostile.FILES) >= 30
    assert refused
    assert anew
    inside = Path(app.config["PORTAL_DATA_DIR"]) / "uploads"
    strays = [path for path in inside.rglob("*") if path.is_file() and path.parent.parent.parent != inside]
    assert strays == []


def test_the_colours_of_a_picture_are_those_its_profile_means(app: Flask) -> None:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = plain.replace(b"rXYZ", b"?XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"?XYZ", b"bXYZ", 1)
    for profile, seen in ((plain, "red"), (swapped, "blue"), (b"no profile", "red")):
        buffer = io.BytesIO()
        Image.new("RGB", (40, 40), "red").save(buffer, "PNG", icc_profile=profile)
        card = sent(settled(), buffer.getvalue())
        with Image.open(workshop.path_of(card.key, image=True)) as drawn:
            red, _green, blue = drawn.convert("RGB").getpixel((20, 20))
            assert "icc_profile" not in drawn.info
        assert ("red" if red > blue else "blue") == seen


def test_a_picture_is_upright_small_and_only_pixels(app: Flask) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    card = sent(settled(), hostile.picture(size=(3000, 1500), exif=exif.tobytes()))
    assert (card.width, card.height) == (1200, 2400)
    assert card.widths == [640]
    with Image.open(workshop.path_of(card.key, image=True, width=640)) as small:
        assert small.width == 640


def test_what_moves_keeps_moving_unless_it_moves_too_long(app: Flask) -> None:
    few = sent(settled(), hostile.many_frames(12), "x.gif")
    with Image.open(workshop.path_of(few.key, image=True)) as drawn:
        assert getattr(drawn, "n_frames", 1) > 1
    many = sent(settled(), hostile.frames_by_hand(10_000), "x.gif")
    with Image.open(workshop.path_of(many.key, image=True)) as drawn:
        assert getattr(drawn, "n_frames", 1) == 1


def test_a_picture_that_takes_too_much_is_refused_and_the_portal_lives_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = settled()
    greedy = Path(app.config["PORTAL_DATA_DIR"]) / "greedy.py"
    greedy.write_text("import resource\nresource.setrlimit(resource.RLIMIT_AS, (10**8, 10**8))\nx = bytearray(10**9)\n")
    monkeypatch.setattr(workshop, "_PROGRAM", greedy)
    with pytest.raises(Invalid):
        sent(viewer)
    greedy.write_text("while True: pass\n")
    monkeypatch.setattr(workshop, "PATIENCE", 0.5)
    with pytest.raises(Invalid):
        sent(viewer)
    monkeypatch.undo()
    assert sent(viewer).is_image


def test_tables_and_texts_are_written_anew(app: Flask) -> None:
    card = sent(settled(), b"\xef\xbb\xbfname,sum\r\n=1+1,-2\r\n@x,+3%\r\n", "table.csv")
    assert kept_bytes(card) == b"name,sum\n'=1+1,-2\n'@x,+3%\n"
    assert card.content_type == "text/csv"
    text = sent(settled(), "perche\u0301\r\n".encode(), "notes.md")
    assert kept_bytes(text) == "perché\n".encode()
    assert text.name == "notes.txt"


def test_a_pdf_that_only_shows_pages_is_taken_and_never_opened_in_the_page(app: Flask, client: FlaskClient) -> None:
    viewer = settled()
    card = sent(viewer, hostile.pdf(hostile.PAGES), "offer.pdf")
    assert card.content_type == "application/pdf"
    shown(viewer, card)
    head = client.get(card.url).headers
    assert head["Content-Disposition"] == "attachment; filename=offer.pdf"
    assert "sandbox" in head["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "kind", "clean"),
    [
        ("../../x.jpg", kinds.Kind.IMAGE, "x.webp"),
        ("a\\b\\c.pdf", kinds.Kind.PDF, "c.pdf"),
        ("x.php\0.jpg", kinds.Kind.IMAGE, "x php.webp"),
        ("photo\u202egpj.exe", kinds.Kind.IMAGE, "photogpj.webp"),
        ("", kinds.Kind.TEXT, "file.txt"),
        ('"><script>.csv', kinds.Kind.CSV, "script.csv"),
        ("è" * 300, kinds.Kind.TEXT, "è" * 80 + ".txt"),
    ],
)
def test_a_name_says_what_it_is_and_nothing_else(name: str, kind: kinds.Kind, clean: str) -> None:
    assert kinds.clean_name(name, kind) == clean


# Who may fetch


def test_an_upload_is_its_owners_until_a_text_shows_it(app: Flask, client: FlaskClient) -> None:
    viewer, other = settled(), settled()
    card = sent(viewer)
    sign_in(client, other.id)
    assert client.get(card.url).status_code == 404
    shown(viewer, card)
    assert client.get(card.url).status_code == 200
    assert client.get(f"{card.url}/640").status_code == 200


def test_the_boards_audience_decides_who_may_fetch(app: Flask, client: FlaskClient) -> None:
    supplier = settled(kind="supplier")
    card = sent(supplier)
    shown(supplier, card, board=a_board(audience="kinds:supplier"))
    assert client.get(card.url).status_code == 404
    sign_in(client, settled().id)
    assert client.get(card.url).status_code == 404
    sign_in(client, settled(kind="supplier").id)
    assert client.get(card.url).status_code == 200


def test_what_is_hidden_takes_its_pictures_along(app: Flask, client: FlaskClient) -> None:
    viewer, moderator = settled(), a_viewer(kind="staff", roles=["moderator"])
    card = sent(viewer)
    idea = shown(viewer, card)
    ideas.hide(idea, actor=moderator)
    db.session.commit()
    assert client.get(card.url).status_code == 404
    sign_in(client, moderator.id)
    assert client.get(card.url).status_code == 200


def test_nobody_opens_anothers_upload_by_showing_it(app: Flask, client: FlaskClient) -> None:
    supplier, thief = settled(kind="supplier"), settled()
    card = sent(supplier)
    shown(supplier, card, board=a_board(audience="kinds:supplier"))
    shown(thief, card)
    sign_in(client, thief.id)
    assert client.get(card.url).status_code == 404


def test_a_comment_shows_a_picture_in_its_sizes(app: Flask, client: FlaskClient) -> None:
    viewer = settled()
    card = sent(viewer, hostile.picture(size=(1600, 900)), alt='The "red" one')
    comment = ideas.comment_on_idea(an_idea(), viewer, body=card.markdown)
    row = community.comment_row(comment)
    assert row is not None
    assert f'src="{card.url}" alt="The &quot;red&quot; one" width="1600" height="900"' in row.html
    assert f"{card.url}/640 640w" in row.html
    db.session.commit()
    assert client.get(card.url).status_code == 200


def test_with_a_host_of_their_own_uploads_come_from_there_and_nothing_else_does(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PORTAL_UPLOADS_URL", "http://files.example")
    viewer = settled()
    card = sent(viewer)
    shown(viewer, card)
    there = client.get(card.url).location
    assert there.startswith("http://files.example/u/")
    path = urlsplit(there).path
    assert client.get(path, base_url="http://files.example").status_code == 200
    assert client.get(path).status_code == 404
    assert client.get(path[:-2] + "xx", base_url="http://files.example").status_code == 404
    for other in ("/", "/ideas", card.url, "/sign-in"):
        assert client.get(other, base_url="http://files.example").status_code == 404


# Limits, quota, cleaning up


def test_newcomers_send_few_files_and_nobody_too_large_ones(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UPLOADS_A_DAY_OF_NEWCOMERS", 2)
    monkeypatch.setattr(rules, "QUOTA", 500)
    newcomer = a_viewer()
    for _ in range(2):
        sent(newcomer, b"words", "x.txt")
    with pytest.raises(TooMany):
        sent(newcomer, b"words", "x.txt")
    with pytest.raises(TooLarge):
        uploads.receive(settled(), b"\xff\xd8\xff" + b"0" * kinds.IMAGE_MOST, name="x.jpg")
    with pytest.raises(TooMany):
        sent(settled(), b"w" * 600, "x.txt")


def test_one_text_shows_so_many_and_no_more(app: Flask) -> None:
    viewer = settled()
    many = " ".join(f"![x](/uploads/{n:032x})" for n in range(rules.UPLOADS_A_POST + 1))
    with pytest.raises(Invalid):
        an_idea(viewer, body=many)


def test_what_no_text_shows_is_thrown_away_after_a_while(app: Flask) -> None:
    viewer = settled()
    unsent, young, dropped, used = (sent(viewer, b"words", "x.txt") for _ in range(4))
    idea = shown(viewer, dropped)
    shown(viewer, used)
    ideas.edit_idea(idea, viewer, title="Without", body="nothing")
    long_ago = now() - timedelta(days=40)
    db.session.execute(update(Upload).where(Upload.key != young.key).values(created_at=long_ago))
    db.session.execute(update(Upload).where(Upload.dropped_at.is_not(None)).values(dropped_at=long_ago))
    stray = workshop.folder_of("f" * 32)
    stray.mkdir(parents=True)
    os.utime(stray, (0, 0))
    assert uploads.forget_orphans() == 3
    db.session.commit()
    assert set(db.session.scalars(select(Upload.key))) == {young.key, used.key}
    assert not workshop.folder_of(unsent.key).exists()
    assert not stray.exists()
    assert workshop.folder_of(used.key).exists()


def test_a_file_in_a_draft_is_not_thrown_away(app: Flask) -> None:
    from portal.community.services import drafts

    viewer = settled()
    card = sent(viewer, b"words", "x.txt")
    drafts.save(viewer.id, "propose", place="/ideas/new", fields={"body": card.markdown})
    db.session.execute(update(Upload).values(created_at=now() - timedelta(days=10)))
    assert uploads.forget_orphans() == 0


def test_its_owner_throws_a_file_away_and_the_text_stays(app: Flask, client: FlaskClient) -> None:
    viewer = settled()
    card = sent(viewer)
    idea = shown(viewer, card)
    with pytest.raises(NotFound):
        uploads.withdraw(settled(), card.key)
    uploads.withdraw(viewer, card.key)
    db.session.commit()
    assert client.get(card.url).status_code == 404
    assert not workshop.folder_of(card.key).exists()
    assert idea_queries.idea_page(NOBODY, idea).body.startswith("Look")


def test_files_are_in_an_export_and_go_with_an_erasure(app: Flask) -> None:
    viewer = settled()
    card = sent(viewer)
    idea = shown(viewer, card)
    found = [one for find in personal.file_finders() for one in find(viewer.id)]
    assert [one.path for one in found] == [workshop.path_of(card.key, image=True)]
    assert leaving.place_of(found[0].name) == found[0].path
    assert leaving.place_of(f"uploads/{card.key}/../../x") is None
    erasing = personal.Erasing(viewer.id, texts=True, posts={"idea": (idea,)})
    for erase in personal.erasers():
        if erase.__module__ == "portal.community.leaving":
            erase(erasing)
    db.session.commit()
    assert not workshop.folder_of(card.key).exists()


# Without scripts


def test_a_file_comes_with_the_form_and_stands_below_the_text(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, settled().id)
    page = client.get(f"/ideas/{idea}").text
    token = page.split('name="csrf_token" value="')[-1].split('"')[0]
    form = {"body": "See", "alt": "A skein", "csrf_token": token, "file": (io.BytesIO(hostile.picture()), "x.jpg")}
    assert client.post(f"/ideas/{idea}/comments", data=form, content_type="multipart/form-data").status_code == 303
    assert 'alt="A skein" width="64"' in client.get(f"/ideas/{idea}").text


def test_a_file_that_is_not_taken_is_said_beside_the_text_which_stays(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_member())
    page = client.get(f"/ideas/{idea}").text
    token = page.split('name="csrf_token" value="')[-1].split('"')[0]
    form = {"body": "My words", "csrf_token": token, "file": (io.BytesIO(hostile.SVG), "x.svg")}
    answer = client.post(f"/ideas/{idea}/comments", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Send a picture" in answer.text
    assert "My words" in answer.text


@pytest.mark.parametrize("kind", ["comment", "answer"])
def test_a_picture_goes_with_its_text_when_that_becomes_a_thing_of_its_own_and_back(
    app: Flask, client: FlaskClient, kind: str
) -> None:
    author, moderator = settled(), a_viewer(kind="staff", roles=["moderator"])
    card = sent(author)
    body = f"Look: {card.markdown}"
    thing = (
        ideas.comment_on_idea(an_idea(), author, body=body)
        if kind == "comment"
        else an_answer(a_question(), author, body=body)
    )
    db.session.commit()
    decision = rooms.split(moderator, kind, thing, board=a_board(), title="On its own")
    db.session.commit()
    assert client.get(card.url).status_code == 200
    deciding.undo(decision, moderator)
    db.session.commit()
    assert client.get(card.url).status_code == 200
