"""What members hear of their own standing, and the staff of its duties."""

import pytest

from portal.analytics.reputation.events import BadgeEarned
from portal.community.events import ContributionHeld, MembersMentioned
from portal.kernel.database import db, transaction
from portal.kernel.events import Event
from portal.kernel.outbox import publish
from portal.members.events import MemberRolesChanged
from portal.members.events.trust import TrustLevelChanged
from portal.members.inviting import services as invitations
from portal.members.models import Organisation
from portal.members.policy import Viewer
from portal.moderation import events as moderation
from portal.notifications import queries, words
from tests.conftest import Workers
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, kinds, notices


def said(who: Viewer) -> list[tuple[str, str]]:
    """Return what a member reads, and where its one action leads."""
    shown = words.show(who, notices(who), words.PLAIN)
    return [(one.sentence, one.act.url if one.act else "") for one in shown]


def happened(event: Event, workers: Workers) -> None:
    with transaction():
        publish(event)
    workers.run()


def test_the_author_hears_what_moderators_decide_even_of_what_she_cannot_open(workers: Workers) -> None:
    ida, mod = a_member("Ida", lang="en"), a_member("Quentin", kind="staff", roles=["moderator"])
    idea = an_idea(a_board(), ida)
    about = {"target_kind": "idea", "target_id": idea, "author_id": ida.id, "actor_id": mod.id}
    happened(moderation.ContributionHidden(**about, board_id=None, reason="spam", decision_id=5), workers)
    assert said(ida) == [("Moderators took “Skeins of ten grams” out of sight.", "/account/decisions/5")]
    assert "Quentin" not in said(ida)[0][0], "decisions are the company's"
    happened(moderation.DecisionUndone(**about, decision_id=5, verb="hide"), workers)
    assert kinds(ida) == ["moderation", "moderation"]


@pytest.mark.parametrize(
    ("event", "sentence", "way"),
    [
        (
            lambda who: moderation.MemberSuspended(member_id=who, until="2030-01-01", reason="rude", decision_id=9),
            "You can read and not write for now: moderators decided so.",
            "/account/decisions/9",
        ),
        (
            lambda who: moderation.AppealDecided(appeal_id=1, decision_id=9, member_id=who, granted=True),
            "Another moderator has looked again: you were right.",
            "/account/decisions/9",
        ),
        (
            lambda who: moderation.FlagsAnswered(target_kind="idea", target_id=1, upheld=True, flaggers=[who]),
            "What you flagged was looked at, and you were right. Thank you.",
            "",
        ),
        (
            lambda who: TrustLevelChanged(member_id=who, before=1, level=2, why=[]),
            "You may do more from today. Your level is regular: see what it opens, and why.",
            "/account/reputation",
        ),
        (
            lambda who: TrustLevelChanged(member_id=who, before=2, level=1, why=[]),
            "You may do less from today. Your level is known: see why, and how it returns.",
            "/account/reputation",
        ),
        (
            lambda who: BadgeEarned(member_id=who, badge="foresaw"),
            "You have a new badge, Good eye: see what for.",
            "/account/reputation",
        ),
        (
            lambda who: MemberRolesChanged(member_id=who, before=[], after=["moderator"]),
            "What you may do here has changed: see your account.",
            "/account",
        ),
    ],
)
def test_a_member_hears_what_concerns_herself(workers: Workers, event: object, sentence: str, way: str) -> None:
    ida = a_member("Ida", lang="en")
    happened(event(ida.id), workers)  # type: ignore[operator]
    assert said(ida) == [(sentence, way)]


def test_supporters_hear_of_a_merge_and_until_when_they_may_leave(workers: Workers) -> None:
    ida, gus = a_member("Ida", lang="en"), a_member("Gus", lang="en")
    board = a_board()
    gone, kept = an_idea(board, ida, "Small skeins"), an_idea(board, gus, "Ten grams")
    bea = a_member("Bea", lang="en")
    merged = moderation.ThingsMerged(
        kind="idea",
        from_id=gone,
        into_id=kept,
        board_id=board.id,
        supporters=[bea.id],
        until="2030-11-30T00:00:00+00:00",
    )
    happened(merged, workers)
    sentence = "An idea that you support was joined with “Ten grams”. Your vote counts once; you can leave until 30 November 2030."
    assert said(bea) == [(sentence, "/account/moderation")]
    assert [(row.kind, row.why) for row in notices(ida)] == [("merge", "author")]
    assert notices(gus) == []


def test_a_mention_in_a_comment_is_told_instead_of_the_comment(workers: Workers) -> None:
    ida, gus = a_member("Ida", lang="en"), a_member("Gus")
    board = a_board()
    idea = an_idea(board, ida)
    comment = a_comment(idea, gus)
    happened(
        MembersMentioned(
            actor_id=gus.id, target_kind="comment", target_id=comment, board_id=board.id, members=[ida.id, gus.id]
        ),
        workers,
    )
    (told,) = notices(ida)
    assert (told.kind, told.subject_kind, told.subject_id, told.details) == (
        "mention", "idea", idea, {"anchor": f"comment-{comment}"},
    )  # fmt: skip
    assert notices(gus) == []


def test_moderators_hear_of_the_queue_once_while_it_is_unread(workers: Workers) -> None:
    mod, gus = a_member("Mo", kind="staff", roles=["moderator"], lang="en"), a_member("Gus", kind="staff")
    for n in range(3):
        happened(
            ContributionHeld(
                actor_id=gus.id, target_kind="idea", target_id=n + 1, board_id=1, author_id=gus.id, why="held"
            ),
            workers,
        )
    assert said(mod) == [("A post is held back and waits for a moderator.", "/staff/moderation")]
    assert notices(gus) == []


def test_a_demo_is_told_its_past_in_the_page_alone_and_once(workers: Workers) -> None:
    from datetime import timedelta

    from portal.ideas import services as ideas
    from portal.kernel.clock import now
    from portal.notifications import facade, queries

    ida, gus, board = a_member("Ida"), a_member("Gus"), a_board()
    idea = an_idea(board, ida)
    with transaction():
        for days in (40, 12, 9, 6, 1):
            ideas.comment_on_idea(idea, gus, body=f"{days} days ago.", at=now() - timedelta(days=days))
    workers.run()
    assert notices(ida) == []
    for _ in range(2):
        with transaction():
            facade.recall(14, [ida.id])
    told = notices(ida)
    assert [row.read_at is None for row in told] == [True, True, False, False]
    assert (queries.unread_of(ida.id), queries.states(), notices(gus)) == (2, {}, [])


def test_the_bell_counts_anew_when_two_accounts_become_one(workers: Workers) -> None:
    from sqlalchemy import text

    from portal.kernel.database import db
    from portal.members.events.people import MembersMerged
    from portal.notifications import queries

    ida, twin = a_member("Ida"), a_member("Ida Twin")
    a_comment(an_idea(a_board(), twin), a_member("Gus"))
    workers.run()
    with transaction():
        db.session.execute(text("UPDATE notification SET member_id = :ida"), {"ida": ida.id})
    happened(MembersMerged(member_id=ida.id, gone_id=twin.id, merge_id=1), workers)
    assert (queries.unread_of(ida.id), queries.unread_of(twin.id)) == (1, 0)


def test_the_command_line_says_what_leaves(workers: Workers) -> None:
    import json

    ida = a_member("Ida")
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    said = json.loads(workers.app.test_cli_runner().invoke(args=["notifications", "status", "--json"]).stdout)
    assert said == {"mail": "files", "push": True, "ways": {"mail": {"waiting": 1}}}


def test_who_has_an_account_hears_in_the_page_that_she_is_asked_in(workers: Workers) -> None:
    ida, nobody = a_member("Ida", lang="en"), a_member("Nix", email="nix@example.org", verified=False)
    admin = a_member("Sara", kind="staff", roles=["admin"])
    with transaction():
        mill = Organisation(name="Mill & Sons", kind="supplier")
        db.session.add(mill)
        db.session.flush()
        card, _secret = invitations.invite(admin, email=queries.addresses_of([ida.id])[ida.id], organisation_id=mill.id)
        invitations.invite(admin, email="nix@example.org", organisation_id=mill.id)
        invitations.invite(admin, email="new@example.org", organisation_id=mill.id)
    workers.run()
    assert said(ida) == [
        ("Sara asks you to join Mill & Sons. Open the link that we have sent you by mail to accept.", "")
    ]
    assert notices(nobody) == [], "she has not shown that the address is hers"
    with transaction():
        invitations.revoke(admin, card.id)
    assert said(ida) == [], "it cannot be accepted any more"
