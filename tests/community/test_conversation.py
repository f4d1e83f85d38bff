"""Threads, mentions, reactions, versions, drafts: what members notice of them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal.community import facade as community
from portal.community import leaving, rules
from portal.community.diffs import diff
from portal.community.models import Draft, Mention, Reaction, ReactionCount, Revision
from portal.community.queries import conversation, mentions
from portal.community.services import drafts, reactions, revisions
from portal.ideas import queries as idea_queries
from portal.ideas import services as ideas
from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import Fact
from portal.kernel.text import markdown_to_html
from portal.members import services as members
from portal.members.policy import NOBODY, Viewer
from portal.members.services import audit
from portal.support import queries as support_queries
from portal.support import services as support
from tests.conftest import Workers, counted_queries
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.members.factories import a_member, a_token, bearer, sign_in
from tests.search.factories import index_questions
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question, an_answer


def facts(name: str) -> list[dict[str, Any]]:
    return list(db.session.scalars(select(Fact.payload).where(Fact.name == name).order_by(Fact.id)))


def named(name: str, **wishes: Any) -> Viewer:
    return a_viewer(name=name, verified=True, joined_at=now() - timedelta(days=30), **wishes)


def post(client: FlaskClient, address: str, data: dict[str, Any], **more: Any) -> TestResponse:
    """Send a form as a page of ours does."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/drafts").text)
    assert token is not None
    return client.post(address, data={**data, "csrf_token": token[1]}, **more)


# Threads


def test_of_a_long_thread_the_latest_branches_are_drawn_and_the_others_asked_for() -> None:
    parents: dict[int, int | None] = dict.fromkeys(range(1, 101))
    part = rules.window(rules.thread(parents))
    assert [one.id for one in part.branches] == list(range(71, 101))
    assert (part.earlier, part.before, part.later) == (70, 71, False)
    before = rules.window(rules.thread(parents), before=part.before)
    assert [one.id for one in before.branches] == list(range(41, 71))
    assert before.later


@pytest.mark.parametrize("wanted", [1, 2, 50, 99, 100, 101, 120])
def test_the_address_of_a_comment_leads_to_a_page_that_draws_it(wanted: int) -> None:
    parents: dict[int, int | None] = dict.fromkeys(range(1, 101)) | dict.fromkeys(range(101, 121), 100)
    parents = dict(sorted(parents.items()))
    asked = dict(part.split("=") for part in rules.thread_page_of(wanted, parents).split("&") if part)
    part = rules.window(
        rules.thread(parents),
        before=int(asked["before"]) if "before" in asked else None,
        opened=int(asked["open"]) if "open" in asked else None,
    )
    assert wanted in {drawn for one in part.branches for drawn in (one.id, *one.replies)}


def test_a_permalink_leads_to_the_page_on_which_the_comment_stands(app: Flask, client: FlaskClient) -> None:
    idea, viewer = an_idea(), a_viewer()
    first = ideas.comment_on_idea(idea, viewer, body="First of all")
    for n in range(35):
        ideas.comment_on_idea(idea, viewer, body=f"Then {n}")
    db.session.commit()
    assert "First of all" not in client.get(f"/ideas/{idea}").text
    answer = client.get(f"/comments/{first}", follow_redirects=True)
    assert "First of all" in answer.text
    assert answer.request.path == f"/ideas/{idea}"


def test_one_replies_to_comments_on_questions_and_answers_too(app: Flask, client: FlaskClient) -> None:
    question = a_question()
    answer = an_answer(question)
    sign_in(client, a_member())
    posted = post(client, f"/answers/{answer}/comments", {"body": "Which water?"})
    comment = int(posted.location.rpartition("-")[2])
    page = client.get(f"/questions/{question}?parent={comment}").text
    assert f'name="parent_id" value="{comment}"' in page
    post(client, f"/answers/{answer}/comments", {"body": "Cold.", "parent_id": comment})
    page = client.get(f"/questions/{question}").text
    assert page.index("Which water?") < page.index("Cold.")
    assert page.count('<ol class="thread">') == 1


def test_a_hidden_comment_keeps_its_place_only_while_a_reply_to_it_can_be_seen(app: Flask) -> None:
    idea, viewer = an_idea(), a_viewer()
    first = ideas.comment_on_idea(idea, viewer, body="Rude")
    reply = ideas.comment_on_idea(idea, viewer, body="Ruder", parent_id=first)
    for comment in (first, reply):
        community.hide_comment(comment, actor_id=None)
    db.session.flush()
    db.session.expire_all()
    assert community.comments_on("idea", [idea]) == {}


# Mentions


def test_a_name_that_is_typed_becomes_a_link_and_its_bearer_hears_of_it(app: Flask) -> None:
    marta, idea = named("Marta Colantoni"), an_idea()
    comment = ideas.comment_on_idea(idea, named("Renzo"), body="Ask @marta colantoni, she knows.")
    row = community.comment_row(comment)
    assert row is not None
    assert row.body == f"Ask [@Marta Colantoni](/members/{marta.id}), she knows."
    assert f'<a href="/members/{marta.id}" class="mention" rel="nofollow ugc noopener">@Marta Colantoni</a>' in row.html
    told = facts("MembersMentioned")
    assert [(one["target_kind"], one["target_id"], one["members"]) for one in told] == [
        ("comment", comment, [marta.id])
    ]


@pytest.mark.parametrize(
    "text", ["`@Marta Colantoni`", "```\n@Marta Colantoni\n```", "a@Marta Colantoni", "[x @Marta](/y)", "@Marta", "@@@"]
)
def test_an_at_sign_elsewhere_is_only_a_sign(app: Flask, text: str) -> None:
    named("Marta Colantoni")
    row = community.comment_row(ideas.comment_on_idea(an_idea(), named("Renzo"), body=text))
    assert row is not None
    assert row.body == text
    assert facts("MembersMentioned") == []


def test_who_may_not_see_the_board_is_neither_offered_nor_mentioned(app: Flask, client: FlaskClient) -> None:
    board = a_board(audience="kinds:supplier")
    outside, inside = named("Marta Fuori"), named("Marta Dentro", kind="supplier")
    writer = named("Renzo", kind="supplier")
    idea = an_idea(writer, board, body=f"@Marta Fuori and [@x](/members/{outside.id}) and @Marta Dentro")
    page = idea_queries.idea_page(writer, idea)
    assert f"/members/{inside.id}" in page.html
    assert f"/members/{outside.id}" not in page.html
    assert mentions.mentioned_in("idea", idea) == {inside.id}
    sign_in(client, writer.id)
    assert [one["name"] for one in client.get(f"/mentions?board={board}&q=mart").get_json()] == ["Marta Dentro"]
    sign_in(client, outside.id)
    assert client.get(f"/mentions?board={board}&q=mart").get_json() == []


def test_a_name_that_two_members_bear_is_left_as_it_was_typed(app: Flask) -> None:
    named("Anna Rossi")
    named("Anna Rossi")
    row = community.comment_row(ideas.comment_on_idea(an_idea(), named("Renzo"), body="Hello @Anna Rossi"))
    assert row is not None
    assert row.body == "Hello @Anna Rossi"


def test_nobody_puts_another_name_on_a_mention(app: Flask) -> None:
    marta = named("Marta Colantoni")
    text = f"[@The director says yes](/members/{marta.id}) and [@*The* boss](/members/{marta.id})"
    row = community.comment_row(ideas.comment_on_idea(an_idea(), named("Renzo"), body=text))
    assert row is not None
    assert "director" not in row.html
    assert "boss" not in row.html


def test_a_text_follows_the_new_name_of_whom_it_mentions(committed: Flask, workers: Workers) -> None:
    marta, idea = named("Marta Colantoni"), an_idea(named("Renzo"), body="Ask @Marta Colantoni")
    members.change_profile(marta.id, name="Marta D'Amico", bio="", lang="it")
    db.session.commit()
    workers.run()
    page = idea_queries.idea_page(NOBODY, idea)
    assert "@Marta D'Amico</a>" in page.html.replace("&#x27;", "'").replace("&#39;", "'")
    assert "Colantoni" not in page.body
    assert page.edited_at is None


def test_the_name_of_somebody_who_is_erased_leaves_what_others_wrote(app: Flask) -> None:
    marta, renzo = named("Marta Colantoni"), named("Renzo")
    idea = an_idea(renzo, body="Ask @Marta Colantoni")
    ideas.edit_idea(idea, renzo, title="Skeins", body=f"Do ask [@x](/members/{marta.id})")
    fields = {"body": f"And [@Marta Colantoni](/members/{marta.id})"}
    drafts.save(renzo.id, "ask", place="/questions/ask", fields=fields)
    leaving.take_the_name_out(personal.Erasing(marta.id, texts=False))
    db.session.flush()
    db.session.expire_all()
    page = idea_queries.idea_page(NOBODY, idea)
    left = [page.body, page.html, *(one.body for one in revisions.history(NOBODY, "idea", idea))]
    left += [str(one.fields) + one.title for one in conversation.drafts_of(renzo.id)]
    assert [text for text in left if "Marta" in text or "Colantoni" in text] == []


def test_newcomers_mention_few_and_nobody_mentions_a_crowd(app: Flask) -> None:
    crowd = [named(f"Person {'abcdefghijkl'[n]}") for n in range(12)]
    text = " ".join(f"[@x](/members/{one.id})" for one in crowd)
    for viewer in (named("Renzo"), a_viewer()):
        with pytest.raises(Invalid):
            ideas.comment_on_idea(an_idea(), viewer, body=text)
    few = " ".join(f"[@x](/members/{one.id})" for one in crowd[:4])
    with pytest.raises(Invalid):
        ideas.comment_on_idea(an_idea(), a_viewer(), body=few)
    ideas.comment_on_idea(an_idea(), named("Silvia"), body=few)


def test_an_edit_tells_only_those_who_are_mentioned_for_the_first_time(app: Flask) -> None:
    renzo, marta, ewan = named("Renzo"), named("Marta Colantoni"), named("Ewan Strachan")
    comment = ideas.comment_on_idea(an_idea(), renzo, body="@Marta Colantoni")
    community.edit_comment(renzo, comment, f"[@x](/members/{marta.id}) and @Ewan Strachan")
    assert [one["members"] for one in facts("MembersMentioned")] == [[marta.id], [ewan.id]]


def test_a_text_without_mentions_asks_the_database_nothing_about_them(app: Flask) -> None:
    idea, viewer = an_idea(), a_viewer()
    with counted_queries() as seen:
        ideas.comment_on_idea(idea, viewer, body="Plain words")
    assert not [one for one in seen if "mention" in one.lower()]


# Reactions


def thing(kind: str) -> int:
    if kind == "idea":
        return an_idea()
    if kind == "comment":
        return ideas.comment_on_idea(an_idea(), a_viewer(), body="Well")
    question = a_question()
    return question if kind == "question" else an_answer(question)


@pytest.mark.parametrize("kind", ["idea", "question", "answer", "comment"])
def test_a_reaction_counts_once_and_can_be_taken_back(app: Flask, kind: str) -> None:
    target, viewer, other = thing(kind), a_viewer(), a_viewer()
    for _ in range(2):
        assert reactions.react(viewer, kind, target, "thanks") == "thanks:1*"
    assert reactions.react(other, kind, target, "agree") == "agree:1* thanks:1"
    assert reactions.react(viewer, kind, target, "thanks", on=False) == "agree:1"
    assert db.session.scalar(select(func.count()).select_from(Reaction)) == 1
    assert [one["kind"] for one in facts("Reacted")] == ["thanks", "agree"]
    assert [one["kind"] for one in facts("Unreacted")] == ["thanks"]


def test_pages_show_reactions_without_further_queries(app: Flask, client: FlaskClient) -> None:
    question = a_question()
    answers = [an_answer(question) for _ in range(3)]
    viewer = a_viewer()
    for answer in answers:
        reactions.react(viewer, "answer", answer, "insightful")
    db.session.commit()
    sign_in(client, viewer.id)
    with counted_queries() as seen:
        page = client.get(f"/questions/{question}").text
    assert page.count('name="insightful" value="0" aria-pressed="true"') == 3
    assert len([one for one in seen if "reaction" in one]) <= 3


def test_one_does_not_react_to_oneself_nor_to_what_one_may_not_see(app: Flask) -> None:
    writer = a_viewer(kind="supplier")
    idea = an_idea(writer, a_board(audience="kinds:supplier"))
    with pytest.raises(Refused):
        reactions.react(writer, "idea", idea, "agree")
    with pytest.raises(NotFound):
        reactions.react(a_viewer(), "idea", idea, "agree")
    with pytest.raises(NotFound):
        reactions.react(writer, "member", writer.id, "agree")
    with pytest.raises(Invalid):
        reactions.react(a_viewer(kind="supplier"), "idea", idea, "hate")


def test_the_button_works_with_and_without_scripts(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_member())
    answer = post(client, f"/reactions/idea/{idea}", {"thanks": "1"})
    assert answer.status_code == 303
    fragment = post(client, f"/reactions/idea/{idea}", {"agree": "1"}, headers={"HX-Request": "true"}).text
    assert f'id="react-idea-{idea}"' in fragment
    assert fragment.count('aria-pressed="true"') == 2
    assert 'aria-pressed="true"' in client.get(f"/ideas/{idea}").text


def test_counts_agree_with_the_rows(app: Flask) -> None:
    idea = an_idea()
    for _ in range(4):
        reactions.react(a_viewer(), "idea", idea, "celebrate")
    db.session.execute(update(ReactionCount).values(members=99))
    reactions.recount("idea", idea)
    assert conversation.reaction_counts("idea", [idea]) == {idea: {"celebrate": 4}}


# Versions


def test_the_first_version_is_kept_when_a_text_is_changed_for_the_first_time(app: Flask, client: FlaskClient) -> None:
    author = a_viewer()
    idea = an_idea(author, title="Small skeins", body="Ten grams each.")
    with pytest.raises(NotFound):
        revisions.history(NOBODY, "idea", idea)
    ideas.edit_idea(idea, author, title="Small skeins", body="Twenty grams each, in a paper bag.")
    ideas.edit_idea(idea, author, title="Small skeins", body="Twenty grams each, in a paper bag.")
    assert [one.body for one in revisions.history(NOBODY, "idea", idea)] == [
        "Ten grams each.",
        "Twenty grams each, in a paper bag.",
    ]
    db.session.commit()
    page = client.get(f"/history/idea/{idea}").text
    assert "<del>Ten</del><ins>Twenty</ins>" in page
    assert f'href="/history/idea/{idea}"' in client.get(f"/ideas/{idea}").text


@pytest.mark.parametrize("kind", ["question", "answer", "comment"])
def test_every_kind_of_text_has_its_versions(app: Flask, kind: str) -> None:
    author, idea = a_viewer(), an_idea()
    if kind == "comment":
        target = ideas.comment_on_idea(idea, author, body="Before")
        community.edit_comment(author, target, "After")
    elif kind == "question":
        target = a_question(author, body="Before")
        support.edit_question(target, author, title="How?", body="After")
    else:
        target = an_answer(a_question(), author, body="Before")
        support.edit_answer(target, author, body="After")
    db.session.flush()
    assert [one.body for one in revisions.history(NOBODY, kind, target)] == ["Before", "After"]


def test_its_author_or_a_moderator_brings_a_version_back(app: Flask, client: FlaskClient) -> None:
    author, moderator = a_viewer(), a_viewer(kind="staff", roles=["moderator"])
    answer = an_answer(a_question(), author, body="Cold water.")
    support.edit_answer(answer, author, body="Hot water.")
    db.session.flush()
    with pytest.raises(Forbidden):
        revisions.restore(a_viewer(), "answer", answer, 1)
    revisions.restore(author, "answer", answer, 1)
    with pytest.raises(Refused):
        revisions.restore(author, "answer", answer, 3)
    revisions.restore(moderator, "answer", answer, 2)
    db.session.flush()
    assert support_queries.answer_row(answer, NOBODY).body == "Hot water."
    assert [one.author_id for one in revisions.history(NOBODY, "answer", answer)] == [author.id] * 3 + [moderator.id]


def test_a_version_out_of_sight_has_words_for_moderators_only(app: Flask, client: FlaskClient) -> None:
    author, moderator = a_viewer(), a_viewer(kind="staff", roles=["moderator"])
    idea = an_idea(author, body="My number is 555 0199.")
    ideas.edit_idea(idea, author, title="Small skeins", body="Write to me here.")
    with pytest.raises(Forbidden):
        revisions.redact(author, "idea", idea, 1)
    with pytest.raises(Refused):
        revisions.redact(moderator, "idea", idea, 2)
    revisions.redact(moderator, "idea", idea, 1)
    db.session.commit()
    for viewer in (NOBODY, author):
        assert [one.body for one in revisions.history(viewer, "idea", idea)] == ["", "Write to me here."]
    assert "555 0199" not in client.get(f"/history/idea/{idea}").text
    with pytest.raises(Refused):
        revisions.restore(author, "idea", idea, 1)
    revisions.redact(moderator, "idea", idea, 1, on=False)
    db.session.flush()
    acts = [one.act for one in audit.entries()]
    assert {"community.redact", "community.unredact"} <= set(acts)
    assert "555" in revisions.history(NOBODY, "idea", idea)[0].body


def test_versions_of_what_one_may_not_see_are_not_there(app: Flask, client: FlaskClient) -> None:
    author = a_viewer(kind="supplier")
    idea = an_idea(author, a_board(audience="kinds:supplier"))
    ideas.edit_idea(idea, author, title="New", body="New")
    db.session.commit()
    assert client.get(f"/history/idea/{idea}").status_code == 404
    assert client.get(f"/api/v1/revisions/idea/{idea}").status_code == 404


def test_both_texts_can_be_put_together_from_a_diff() -> None:
    before, after = "One line\nand another one\n", "One long line\nand another\nand a third"
    pieces = diff(before, after)
    assert "".join(one.text for one in pieces if one.change != "ins") == before
    assert "".join(one.text for one in pieces if one.change != "del") == after


def test_a_change_back_and_forth_is_written_down_each_time(app: Flask) -> None:
    author = a_viewer()
    comment = ideas.comment_on_idea(an_idea(), author, body="A")
    for body in ("B", "A", "A"):
        community.edit_comment(author, comment, body)
    assert db.session.scalar(select(func.count()).select_from(Revision)) == 3
    assert [one["number"] for one in facts("TextRevised")] == [2, 3]


# Drafts


def kept(viewer: Viewer, **wishes: Any) -> drafts.Saved:
    given: dict[str, Any] = {"place": "/ideas/new", "fields": {"title": "Skeins", "body": "Small ones"}, **wishes}
    return drafts.save(viewer.id, "propose", **given)


def test_a_draft_is_the_same_on_all_devices_and_grows_a_version_with_each_saving(app: Flask) -> None:
    viewer = a_viewer()
    assert kept(viewer, device="Firefox, Linux").draft.version == 1
    saved = kept(viewer, version=1, fields={"title": "Skeins", "body": "Smaller"}, device="Safari, iPhone")
    assert (saved.draft.version, saved.draft.device) == (2, "Safari, iPhone")
    assert [one.fields["body"] for one in conversation.drafts_of(viewer.id)] == ["Smaller"]


def test_what_another_device_kept_in_between_is_shown_and_not_written_over(app: Flask, client: FlaskClient) -> None:
    viewer = a_viewer()
    kept(viewer)
    kept(viewer, version=1, fields={"body": "From the phone"})
    late = kept(viewer, version=1, fields={"body": "From the desk"})
    assert late.other
    assert late.draft.fields == {"body": "From the phone"}
    db.session.commit()
    sign_in(client, viewer.id)
    data = {"draft": "propose", "draft_version": "1", "body": "From the desk"}
    page = post(client, "/drafts", data)
    assert page.status_code == 409
    assert "From the desk" in page.text
    assert "From the phone" in page.text
    answer = post(client, "/drafts", data | {"draft_anyway": "1"}, headers={"HX-Request": "true"})
    assert answer.get_json()["fields"] == {"body": "From the desk"}


def test_a_draft_comes_back_with_its_form_and_goes_when_it_is_sent(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    sign_in(client, a_member())
    form = {"title": "Skeins of ten grams", "body": "To try colours", "board": board}
    answer = post(client, "/drafts", form | {"draft": "propose", "draft_place": f"/ideas/new?board={board}"})
    assert answer.location == f"/ideas/new?board={board}"
    page = client.get(f"/ideas/new?board={board}").text
    assert "Skeins of ten grams" in page
    assert "To try colours" in page
    assert "Skeins of ten grams" in client.get("/account/drafts").text
    assert post(client, "/ideas/new", form).status_code == 302
    assert "Skeins of ten grams" not in client.get("/account/drafts").text
    assert "Skeins of ten grams" not in client.get(f"/ideas/new?board={board}").text


def test_drafts_of_answers_and_comments_come_back_where_they_were_begun(app: Flask, client: FlaskClient) -> None:
    question, idea = a_question(), an_idea()
    sign_in(client, a_member())
    for key, place in ((f"answer-{question}", f"/questions/{question}"), (f"comment-idea-{idea}", f"/ideas/{idea}")):
        post(client, "/drafts", {"draft": key, "body": "Half a sentence"})
        assert "Half a sentence" in client.get(f"{place}?draft=1").text
        assert "Half a sentence" not in client.get(place).text


def test_what_lags_behind_does_not_bring_back_a_draft_that_was_sent(app: Flask, client: FlaskClient) -> None:
    viewer = a_viewer()
    kept(viewer)
    drafts.drop(viewer.id, "propose")
    db.session.commit()
    sign_in(client, viewer.id)
    data = {"draft": "propose", "draft_version": "1", "body": "Late"}
    assert post(client, "/drafts", data, headers={"HX-Request": "true"}).status_code == 410
    late = client.put("/api/v1/drafts/propose", json={"fields": {"body": "Late"}, "version": 1},
                      headers=bearer(a_token(viewer.id)))  # fmt: skip
    assert late.status_code == 410
    assert conversation.drafts_of(viewer.id) == []
    assert post(client, "/drafts", data | {"draft_anyway": "1"}, headers={"HX-Request": "true"}).status_code == 200
    drafts.drop(viewer.id, "propose")
    assert post(client, "/drafts", data).status_code == 303, "a button that is pressed keeps what is there"


def test_a_form_that_comes_back_with_an_error_goes_on_with_its_draft(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_member())
    typed = {"body": "x" * 10_001, "draft_version": "3"}
    page = post(client, f"/ideas/{idea}/comments", typed)
    assert page.status_code == 422
    assert 'name="draft_version" value="3"' in page.text


def test_a_reply_has_a_draft_of_its_own_and_comes_back_without_scripts(app: Flask, client: FlaskClient) -> None:
    question, idea = a_question(), an_idea()
    answer = an_answer(question)
    sign_in(client, a_member())
    first = int(post(client, f"/answers/{answer}/comments", {"body": "Which water?"}).location.rpartition("-")[2])
    on_idea = int(post(client, f"/ideas/{idea}/comments", {"body": "Which wool?"}).location.rpartition("-")[2])
    for page, parent in ((f"/questions/{question}", first), (f"/ideas/{idea}", on_idea)):
        form = client.get(f"{page}?parent={parent}").text
        found = re.search(rf'data-draft="(comment-[a-z]+-\d+-{parent})" data-place="([^"]+)"', form)
        assert found is not None
        key, place = found[1], found[2].replace("&amp;", "&")
        assert post(client, "/drafts", {"draft": key, "draft_place": place, "body": "Half a reply"}).location == place
        back = client.get(place.partition("#")[0]).text
        assert "Half a reply" in back
        assert f'value="{parent}"' in back
        assert "Half a reply" not in client.get(page).text
        post(client, f"{page}/comments" if "ideas" in page else f"/answers/{answer}/comments",
             {"body": "A whole reply", "parent": parent, "parent_id": parent})  # fmt: skip
    assert "Half a reply" not in client.get("/account/drafts").text


def test_nobody_reads_another_members_draft(app: Flask, client: FlaskClient) -> None:
    kept(a_viewer())
    db.session.commit()
    sign_in(client, a_member())
    assert client.get("/drafts/propose").status_code == 404
    assert "Skeins" not in client.get("/account/drafts").text


@pytest.mark.parametrize(
    "wishes",
    [
        {"fields": {}},
        {"fields": {"body": "  "}},
        {"fields": {"body": "x" * (rules.DRAFT_MOST + 1)}},
        {"fields": {f"f{n}": "x" for n in range(40)}},
        {"fields": {"body": "a\0b"}},
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(app: Flask, wishes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        kept(a_viewer(), **wishes)


def test_drafts_nobody_touches_for_90_days_are_thrown_away(app: Flask) -> None:
    viewer = a_viewer()
    kept(viewer)
    drafts.save(viewer.id, "ask", place="/questions/ask", fields={"title": "Young"})
    old = now() - timedelta(days=rules.DRAFT_DAYS, hours=1)
    db.session.execute(update(Draft).filter_by(key="propose").values(saved_at=old))
    drafts.forget_old()
    assert [one.key for one in conversation.drafts_of(viewer.id)] == ["ask"]


def test_the_way_back_from_a_draft_never_leaves_the_portal(app: Flask) -> None:
    assert kept(a_viewer(), place="https://evil.example/").draft.place == "/"


# Markdown, search, API


def test_the_name_on_a_mention_is_ours_and_never_the_writers() -> None:
    text = "[@The *director*](/members/7) [@Nobody](/members/8) [Marta](/members/7)"
    html = markdown_to_html(text, people={7: "Marta <b>"})
    assert "director" not in html
    assert 'class="mention"' in html
    assert "@Marta &lt;b&gt;</a>" in html
    assert " @Nobody " in html


def test_nothing_comes_from_elsewhere_and_nothing_runs() -> None:
    html = markdown_to_html(
        "![x](https://evil.example/t.png) ![y](javascript:alert(1)) ![z](/uploads/../../etc) <img src=x onerror=a>\n\n"
        "|a|b|\n|-|-|\n|1|2|\n\n```\n<b>\n```\n[l](https://example.org)"
    )
    assert "<img" not in html
    assert "<table>" in html
    assert "&lt;b&gt;" in html
    assert html.count('rel="nofollow ugc noopener"') == 2


def test_a_preview_looks_as_the_text_will(app: Flask, client: FlaskClient) -> None:
    board, marta = a_board(), named("Marta Colantoni")
    sign_in(client, a_member())
    text = "**Bold** @Marta Colantoni <script>x</script>"
    fragment = post(client, "/preview", {"body": text, "board": board}, headers={"HX-Request": "true"}).text
    assert "<strong>Bold</strong>" in fragment
    assert f"/members/{marta.id}" in fragment
    assert "<script" not in fragment
    page = post(client, "/preview", {"body": text, "title": "My idea"}).text
    assert "My idea" in page
    assert db.session.scalar(select(func.count()).select_from(Mention)) == 0


def test_questions_can_be_searched_in_their_list(app: Flask, client: FlaskClient) -> None:
    board = a_help_board()
    titles = ("How do I wash a felted scarf?", "Which needles for lace?")
    index_questions(*(a_question(board=board, title=title) for title in titles))
    page = client.get("/questions?q=needles").text
    assert "Which needles for lace?" in page
    assert "felted scarf" not in page
    assert "“spaceships”" in client.get("/questions?q=spaceships").text


def test_all_of_it_can_be_done_over_the_api(app: Flask, client: FlaskClient) -> None:
    author = a_viewer()
    idea = an_idea(author, body="Ten grams.")
    ideas.edit_idea(idea, author, title="Skeins", body="Twenty grams.")
    db.session.commit()
    mine, others = (bearer(a_token(one)) for one in (author.id, a_member()))
    api = "/api/v1"
    assert client.put(f"{api}/reactions/idea/{idea}/thanks", headers=others).get_json() == {
        "reactions": {"thanks": 1},
        "mine": ["thanks"],
    }
    assert client.put(f"{api}/reactions/idea/{idea}/thanks", headers=mine).status_code == 409
    assert client.delete(f"{api}/reactions/idea/{idea}/thanks", headers=others).get_json()["reactions"] == {}
    versions = client.get(f"{api}/revisions/idea/{idea}").get_json()["items"]
    assert [one["body"] for one in versions] == ["Ten grams.", "Twenty grams."]
    assert client.post(f"{api}/revisions/idea/{idea}/1/restore", headers=others).status_code == 403
    restored = client.post(f"{api}/revisions/idea/{idea}/1/restore", headers=mine).get_json()["items"]
    assert [one["body"] for one in restored] == ["Ten grams.", "Twenty grams.", "Ten grams."]
    draft = client.put(f"{api}/drafts/ask", json={"fields": {"body": "Why?"}}, headers=mine).get_json()
    assert draft["version"] == 1
    assert client.put(f"{api}/drafts/ask", json={"fields": {"body": "How?"}}, headers=mine).status_code == 409
    assert [one["key"] for one in client.get(f"{api}/drafts", headers=mine).get_json()["items"]] == ["ask"]
    assert client.get(f"{api}/drafts/ask", headers=others).status_code == 404
    assert client.delete(f"{api}/drafts/ask", headers=mine).status_code == 204
