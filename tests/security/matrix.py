"""The matrix's object rules: what the id in each address is, and who may do it to whose.

Who may use an endpoint at all is declared beside it (``@access``). An endpoint with an id in its address, or one in
what is sent, needs one line here besides, or the matrix fails. A rule says what an actor meets for a thing in
a state: `YES` (let in), `NO` (403: she sees it, and may not do this) or `GONE` (404: for her it is not there).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.security.town import WRITTEN, Actor, sees

YES, NO, GONE = "yes", "no", "gone"
Rule = Callable[[Actor, str], str]
PARAMETERS = {
    "idea_id": "idea",
    "question_id": "question",
    "answer_id": "answer",
    "comment_id": "comment",
    "member_id": "member",
    "organisation_id": "organisation",
    "topic_id": "topic",
    "run_id": "run",
    "letter_id": "letter",
    "session_id": "session",
    "token_id": "token",
    "key": "board",
    "notification_id": "notification",
    "decision_id": "decision",
    "flag_id": "flag",
    "benefit_id": "benefit",
    "identity_id": "identity",
    "invitation_id": "invitation",
}
"""Which thing stands behind the name of a part of an address."""
FIXED: dict[str, Any] = {
    "secret": "nonsense",
    "token": "nonsense",
    "name": "nowhere.eml",
    "passkey_id": 1,
    "act_id": 1,
    "number": 1,
    "width": 480,
    "slug": "x",
    "code": "it",
    "filename": "css/components.css",
}
"""Parts of addresses that are nobody's."""


def see(actor: Actor, state: str) -> str:
    """Whoever sees it may."""
    return YES if sees(actor, state) else GONE


def author(actor: Actor, state: str) -> str:
    """Its author alone may; others who see it are told no."""
    return (YES if state.startswith("own") else NO) if sees(actor, state) else GONE


def author_or(*roles: str) -> Rule:
    """Return the rule for its author and holders of these roles."""

    def rule(actor: Actor, state: str) -> str:
        return YES if sees(actor, state) and actor.has(*roles) else author(actor, state)

    return rule


def holders(*roles: str) -> Rule:
    """Return the rule for holders of these roles who see it."""

    def rule(actor: Actor, state: str) -> str:
        return (YES if actor.has(*roles) else NO) if sees(actor, state) else GONE

    return rule


def author_now(actor: Actor, state: str) -> str:
    """As `author`, and what is out of sight is there for its author alone."""
    return (
        GONE
        if state in {"hidden", "held", "merged"} or (state == "own_gone" and actor.has("moderator"))
        else author(actor, state)
    )


def staff_first(actor: Actor, state: str) -> str:
    """Only those who work for the company may, and only with what is in sight."""
    return seen_now(actor, state) if actor.kind == "staff" and not actor.asleep else NO


def mine(_actor: Actor, state: str) -> str:
    """Only one's own is there at all."""
    return YES if state == "own" else GONE


def looks_after(actor: Actor, state: str) -> str:
    """Who looks after the organisation may, and staff for all; of others' invitations nobody hears."""
    if actor.has("moderator", "support_agent", "brand_manager"):
        return GONE if state == "missing" else YES
    return YES if actor.miller and state == "own" else GONE


def asks_in(actor: Actor, state: str) -> str:
    """As `looks_after`; organisations themselves are seen by all."""
    if state == "missing":
        return GONE
    staff = actor.has("moderator", "support_agent", "brand_manager")
    return YES if staff or (actor.miller and state == "there") else NO


def of_everybody(*roles: str) -> Rule:
    """Return the rule for holders of these roles: they see whatever there is of it, whose it may be."""
    return lambda actor, state: GONE if state == "missing" or not actor.has(*roles) else YES


def of_others(*roles: str) -> Rule:
    """Return the rule for holders of these roles who are not judges in their own case."""
    everybody = of_everybody(*roles)
    return lambda actor, state: NO if state == "own" and actor.has(*roles) else everybody(actor, state)


def merged_leads_on(actor: Actor, state: str) -> str:
    """As `see`; what was merged leads everybody to what it was merged into."""
    return YES if state == "merged" else see(actor, state)


def there(_actor: Actor, state: str) -> str:
    """Whoever passes the declaration sees all there are."""
    return GONE if state in {"missing", "gone"} else YES


def always(_actor: Actor, _state: str) -> str:
    """Nothing is told of the thing, so any number will do."""
    return YES


def seen_now(actor: Actor, state: str) -> str:
    """Only what everybody in its audience sees: nothing that is out of sight, whoever asks."""
    return YES if state in {"theirs", "own"} or (state == "closed" and sees(actor, state)) else GONE


def figures_of_members(actor: Actor, state: str) -> str:
    """Everybody sees her own figures; those of others are for brand managers and agents."""
    return YES if state == "own" or actor.has("brand_manager", "support_agent") else NO


@dataclass(frozen=True, slots=True)
class Cell:
    """What one endpoint does with one thing.

    ``thing`` is read from the address when not given. ``data`` is what is sent; ``{id}`` in it (or in ``query``) stands for
    the thing. ``fine`` are the statuses of a request that was let in, besides the usual ones: say 409 for what the
    rules of the community refuse to those who may otherwise.
    """

    rule: Rule
    thing: str = ""
    states: Collection[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    fine: Collection[int] = ()

    def all_states(self, thing: str) -> Collection[str]:
        """Return the states in which the thing is met."""
        return self.states or STATES.get(thing, ("there", "missing"))


STATES: dict[str, Collection[str]] = {
    **dict.fromkeys(("idea", "question", "answer", "comment"), WRITTEN),
    "upload": ("theirs", "own", "closed", "hidden", "held", "own_held", "own_gone", "erased", "missing"),
    "draft": ("own", "theirs", "missing"),
    "notification": ("own", "theirs", "missing"),
    "board": ("theirs", "closed", "missing"),
    "ideas_board": ("theirs", "closed", "missing"),
    "support_board": ("theirs", "closed", "missing"),
    "topic": ("theirs", "closed", "missing"),
    "session": ("own", "theirs", "missing"),
    "token": ("own", "theirs", "missing"),
    "member": ("own", "there", "gone", "missing"),
    "run": ("there", "missing"),
    **dict.fromkeys(("decision", "flag", "benefit", "identity", "invitation"), ("own", "theirs", "missing")),
    "organisation": ("there", "other", "missing"),
}
TEXT = "A text that is long enough to be one."
MODERATOR, AGENT = "moderator", "support_agent"
IDEA = {"title": "A title that is long enough", "body": TEXT}


def in_sight(rule: Rule) -> Rule:
    """Return the rule for what is in sight; what is not is there for nobody at this address."""
    return lambda actor, state: rule(actor, state) if seen_now(actor, state) == YES else GONE


def own_or_seen(actor: Actor, state: str) -> str:
    """Her own file stays hers, whatever became of the text it stands in; of others' she gets what she sees."""
    return YES if state.startswith("own") and actor.kind else see(actor, state)


def nothing_there(_actor: Actor, _state: str) -> str:
    """There is no such paper: whoever passes the door is told so."""
    return GONE


PAPER = Cell(nothing_there, "paper", states=("missing",), fine=(404,))
"""A paper that this town holds none of (a decision, an invitation): who may open it, and that a wrong number tells nothing."""
SECRET = Cell(always, "none", fine=(400, 401, 403, 404, 409, 410, 422))
"""Whoever comes with a secret that is none gets nothing; what a real one opens is tested where it is made."""

SOME = ("theirs", "own", "closed", "hidden", "held", "own_hidden", "erased", "missing")
"""The states in which the other kinds of things are met where one address serves several kinds."""


def each(rule: Rule, *kinds: str, query: Mapping[str, str] | None = None, **more: Any) -> list[Cell]:
    """Return a cell for each kind of thing, of an address that names the kind."""
    return [Cell(rule, kind, states=SOME, query={**(query or {}), "kind": kind}, **more) for kind in kinds]


CELLS: dict[str, Cell | list[Cell]] = {
    # boards
    "GET community.board": Cell(see),
    "GET api.ideas_list_ideas": Cell(see, "ideas_board", query={"board": "{id}"}),
    "GET api.support_list_questions": Cell(see, "support_board", query={"board": "{id}"}),
    "POST api.ideas_propose_idea": Cell(see, "ideas_board", data={**IDEA, "board": "{id}"}),
    "POST api.support_ask": Cell(see, "support_board", data={**IDEA, "board": "{id}"}),
    # ideas
    "GET ideas.show": Cell(merged_leads_on),
    "GET ideas.vote_button": Cell(see),
    "GET ideas.edit": Cell(author),
    "POST ideas.edit": Cell(author, data={**IDEA, "category": "", "tags": ""}, fine=(409,)),
    "POST ideas.vote": Cell(seen_now, data={"vote": "1"}, fine=(409,)),
    "POST ideas.comment": Cell(seen_now, data={"body": TEXT}),
    "POST ideas.stage": Cell(see, data={"stage": "review", "answer": TEXT}),
    "POST ideas.enter_vote": Cell(
        seen_now,
        states=("theirs", "closed", "hidden", "missing"),
        data={"email": "otto@example.org", "source": "Shop"},
        fine=(409,),
    ),
    "POST ideas.hide": Cell(author_or(MODERATOR), data={"hide": "1"}),
    "GET api.ideas_get_idea": Cell(see),
    "PATCH api.ideas_change_idea": Cell(author, data=IDEA, fine=(409,)),
    "PUT api.ideas_put_vote": Cell(seen_now, fine=(409,)),
    "DELETE api.ideas_delete_vote": Cell(seen_now),
    "PUT api.ideas_put_stage": Cell(see, data={"stage": "review", "answer": TEXT}),
    "GET api.ideas_list_comments": Cell(see),
    "POST api.ideas_post_comment": Cell(seen_now, data={"body": TEXT}),
    # questions and answers
    "GET support.question": Cell(merged_leads_on),
    "GET support_acts.same_button": Cell(see),
    "POST support_acts.same_problem": Cell(seen_now, data={"same": "1"}, fine=(409,)),
    "POST support_writing.answer": Cell(seen_now, data={"body": TEXT}),
    "POST support_writing.comment_on_question": Cell(see, data={"body": TEXT}),
    "GET support_writing.edit_question": Cell(author_or(AGENT)),
    "POST support_writing.edit_question": Cell(author_or(AGENT), data=IDEA, fine=(404, 409)),
    "POST support_acts.hide_question": Cell(author_or(MODERATOR), data={"hide": "1"}, fine=(404,)),
    "POST support_writing.solved": Cell(see),
    "POST support_acts.accept": Cell(seen_now, fine=(403, 409)),
    "POST support_writing.comment_on_answer": Cell(see, data={"body": TEXT}),
    "GET support_writing.edit_answer": Cell(author_or(AGENT)),
    "POST support_writing.edit_answer": Cell(author_or(AGENT), data={"body": TEXT}, fine=(404, 409)),
    "POST support_acts.hide_answer": Cell(author_or(MODERATOR), data={"hide": "1"}, fine=(404,)),
    "POST support_acts.mark": Cell(staff_first, data={"mark": "verified"}),
    "POST support_acts.vote": Cell(seen_now, data={"vote": "1"}, fine=(403, 409)),
    "GET support_acts.vote_buttons": Cell(see),
    "POST api.support_accept": Cell(seen_now, fine=(403, 409)),
    "DELETE api.support_unaccept": Cell(seen_now, fine=(403, 409)),
    "PUT api.support_vote": Cell(seen_now, data={"value": 1}, fine=(403, 409)),
    "DELETE api.support_unvote": Cell(seen_now, fine=(403, 409)),
    "GET api.support_question": Cell(see),
    "POST api.support_give_answer": Cell(seen_now, data={"body": TEXT}),
    "GET api.support_list_answers": Cell(see),
    "PUT api.support_say_same": Cell(seen_now, fine=(409,)),
    "DELETE api.support_unsay_same": Cell(seen_now, fine=(409,)),
    # comments, follows, what is close
    "GET community.edit_comment": Cell(author_now, fine=(404,)),
    "POST community.edit_comment": Cell(author_now, data={"body": TEXT}, fine=(404, 409)),
    "POST community.hide_comment": Cell(
        author_or(MODERATOR), states=("theirs", "own", "closed", "hidden", "own_hidden", "held", "own_held", "missing")
    ),
    "POST community.follow": [
        Cell(seen_now, "idea", query={"kind": "idea"}, data={"follow": "1"}),
        Cell(seen_now, "question", query={"kind": "question"}, data={"follow": "1"}),
    ],
    "GET search.close": [
        Cell(seen_now, "idea", query={"kind": "idea"}),
        Cell(seen_now, "question", query={"kind": "question"}),
    ],
    # members
    "GET web.member": Cell(there),
    "GET api.members_member": Cell(there),
    "GET api.experts_member_metrics": Cell(
        lambda actor, state: GONE if state in {"missing", "gone"} else figures_of_members(actor, state)
    ),
    "POST members.close_session": Cell(always),
    "POST members.revoke_token": Cell(mine),
    # figures and the CRM
    "GET api.analytics_one_topic": Cell(see),
    "GET api.experts_topic_experts": Cell(see),
    "GET topics.show": Cell(see),
    "GET topics.posts": Cell(see),
    "POST topics.name": Cell(see, data={"name": "Wool"}),
    "POST topics.cancel": Cell(always),
    "GET analytics.topic_experts": Cell(see),
    "GET analytics.evidence": Cell(see, "topic", fine=(404,)),
    "POST analytics.stop_measuring": Cell(always),
    "POST crm.cancel_comparison": Cell(always),
    "POST crm.leave_out": Cell(there),
    "POST crm.mend": Cell(there, data={"name": "Otto"}, fine=(404, 409, 422)),
    "POST crm.look": Cell(always),
    # conversation
    "GET composing.comment": Cell(seen_now),
    "GET drafts.draft": Cell(mine, "draft"),
    "POST drafts.delete": Cell(always, "draft"),
    "GET history.history": each(seen_now, "idea", "question", "answer", "comment"),
    "POST history.restore": Cell(in_sight(author_or(MODERATOR)), "idea", query={"kind": "idea"}, fine=(409,)),
    "POST history.redact": Cell(seen_now, "idea", query={"kind": "idea"}, fine=(409,)),
    "POST reactions.react": each(seen_now, "idea", "question", "answer", "comment", data={"thanks": "1"}, fine=(409,)),
    "GET reactions.buttons": each(seen_now, "idea", "question", "answer", "comment"),
    "GET uploads.upload": Cell(own_or_seen, "upload"),
    "GET uploads.smaller": Cell(own_or_seen, "upload", fine=(404,)),
    "GET ideas_guests.support": Cell(see),
    "POST ideas_guests.support": Cell(see, fine=(422,)),
    # notifications
    "GET notifications.open_notice": Cell(mine),
    "POST notifications.read": Cell(mine),
    "PUT api.notifications_read_notification": Cell(mine),
    "DELETE api.notifications_unread_notification": Cell(mine),
    # what a secret in the address opens: nobody has guessed one
    **dict.fromkeys(
        (
            "GET signing.confirm_page",
            "POST signing.confirm",
            "GET signing.again_link",
            "GET signing.again_with",
            "POST signing.rename",
            "POST signing.remove",
            "POST signing.unlink",
            "GET signing.link",
            "GET security.confirm_email",
            "POST security.confirm_email",
            "GET security.reset_password",
            "POST security.reset_password",
            "GET guests.look",
            "POST guests.confirm",
            "GET signing.start",
            "GET signing.back",
            "POST guests.throw_away",
            "GET identities.look",
            "POST identities.prove",
            "GET privacy.data",
            "GET invitations.look",
            "POST invitations.accept",
            "GET notification_stop.ask",
            "POST notification_stop.stop",
            "GET kept_mail.kept_mail",
            "GET uploads.signed",
        ),
        SECRET,
    ),
    "GET api.conversation_get_draft": Cell(mine, "draft"),
    "PUT api.conversation_put_draft": Cell(
        always, "draft", data={"fields": {"title": "Wool"}, "version": 1}, fine=(404, 409, 410, 422)
    ),
    "DELETE api.conversation_delete_draft": Cell(always, "draft"),
    "GET api.conversation_get_reactions": each(seen_now, "idea", "question", "answer", "comment"),
    "PUT api.conversation_put_reaction": each(
        seen_now, "idea", "question", "answer", "comment", query={"reaction": "thanks"}, fine=(409,)
    ),
    "DELETE api.conversation_delete_reaction": Cell(
        seen_now, "idea", query={"kind": "idea", "reaction": "thanks"}, fine=(409,)
    ),
    "GET api.conversation_list_revisions": each(seen_now, "idea", "question", "answer", "comment"),
    "POST api.conversation_restore_revision": Cell(
        in_sight(author_or(MODERATOR)), "idea", query={"kind": "idea"}, fine=(409,)
    ),
    "GET api.conversation_get_upload": Cell(own_or_seen, "upload"),
    "DELETE api.conversation_delete_upload": Cell(own_or_seen, "upload", states=("own_hidden", "missing"), fine=(409,)),
    # moderation
    "GET moderation_mine.flag": each(see, "idea", "question", "answer", "comment", fine=(409,)),
    "POST moderation_mine.flag": Cell(see, "idea", query={"kind": "idea"}, data={"reason": "spam"}, fine=(409, 422)),
    "GET moderation.thing": Cell(there, "idea", states=("theirs", "missing"), query={"kind": "idea"}),
    "POST moderation_acts.act": Cell(
        there,
        "idea",
        states=("theirs", "missing"),
        query={"kind": "idea", "verb": "hide"},
        data={"reason": "spam"},
        fine=(422,),
    ),
    "POST moderation_acts.newcomers": Cell(
        there, "ideas_board_id", states=("theirs",), data={"hold": "1"}, fine=(422,)
    ),
    # members and organisations, for staff
    "GET staff_members.member": Cell(lambda _actor, state: GONE if state == "missing" else YES),
    "GET reputation.of_anybody": Cell(there),
    "GET api.reputation_reputation": Cell(
        lambda actor, state: (
            GONE
            if state in {"missing", "gone"}
            else YES
            if state == "own" or (actor.kind == "staff" and not actor.asleep)
            else NO
        )
    ),
    "GET privacy.erase": Cell(lambda _actor, state: GONE if state == "missing" else YES),
    "GET organisations.show": Cell(there),
    **{
        key: Cell(always, "member", states=("there", "missing"), fine=(400, 403, 404, 409, 422))
        for key in (
            "POST privacy.erase",
            "POST staff_members.merge",
            "POST staff_members.place",
            "POST staff_members.set_roles",
            "POST identities.claim",
        )
    },
    **{
        key: Cell(always, "organisation", fine=(403, 404, 422))
        for key in ("POST organisations.set_admin", "POST organisations.remove")
    },
    "POST organisations.ask_in": Cell(asks_in, data={"email": "new@example.org", "lang": "it"}, fine=(422,)),
    "POST organisations.resend": Cell(looks_after),
    "POST organisations.revoke": Cell(looks_after),
    "DELETE api.members_revoke": Cell(looks_after),
    "POST moderation_acts.undo": Cell(of_others(MODERATOR), fine=(409,)),
    "POST api.moderation_undo": Cell(of_others(MODERATOR), fine=(409,)),
    "POST reputation.claim": Cell(mine),
    "POST reputation.restore": Cell(of_everybody("brand_manager"), fine=(409,)),
    "POST reputation.withdraw": Cell(of_everybody("brand_manager"), data={"note": TEXT}),
    "POST api.reputation_claim_benefit": Cell(mine),
    "POST api.reputation_restore_benefit": Cell(of_everybody("brand_manager"), fine=(409,)),
    "POST api.reputation_withdraw_benefit": Cell(of_everybody("brand_manager"), data={"note": TEXT}),
    "GET moderation_mine.decision": Cell(mine),
    "POST moderation_mine.appeal": Cell(mine, data={"words": TEXT}),
    "POST api.moderation_appeal": Cell(mine, data={"words": TEXT}),
    "POST moderation_mine.withdraw": Cell(mine),
    "DELETE api.moderation_unflag": Cell(mine),
    "POST identities.remove": Cell(mine),
    **dict.fromkeys(
        (
            "POST moderation_mine.opt_out",
            "POST identities.decide",
            "POST identities.undo",
            "POST staff_members.unmerge",
            "POST moderation_acts.appeal",
            "DELETE api.moderation_opt_out",
        ),
        PAPER,
    ),
    "GET api.moderation_own_decision": Cell(mine),
    "GET api.moderation_holding_rule": Cell(see),
    "PUT api.moderation_set_holding_rule": Cell(see, data={"first_posts": 1, "links": True}),
    "POST api.moderation_decide_appeal": Cell(
        always, "paper", states=("missing",), data={"granted": False}, fine=(404, 422)
    ),
    "GET exports.export": Cell(see, "ideas_board", query={"kind": "ideas", "fmt": "csv"}),
    "GET api.members_list_invitations": Cell(always, "none", fine=(403,)),  # her organisation's; its admins' alone
    "POST members.create_token": Cell(always, "none", fine=(403, 422)),  # none for those whose roles sleep
    # nobody's
    "GET web.choose_language": Cell(always, "none"),
    "GET static": Cell(always, "none"),
}
