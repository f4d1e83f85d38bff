"""What waits for moderators, with its context."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.members import queries as members
from portal.members.policy import access, role
from portal.members.rules import Role
from portal.members.session import current_viewer
from portal.moderation import queries, rules, things, words
from portal.moderation.rules import Queue
from portal.moderation.services import holding
from portal.moderation.services import queue as lines

bp = Blueprint("moderation", __name__, url_prefix="/staff/moderation")
moderators = role(Role.MODERATOR)
WHYS = ("flags", "held", "spam", "voters")


@bp.get("")
@access(moderators)
def index() -> ResponseReturnValue:
    """Show a queue, the most urgent first."""
    viewer = current_viewer()
    chosen = request.args.get("queue", Queue.POST.value)
    queue = Queue(chosen) if chosen in set(Queue) else Queue.POST
    board = request.args.get("board", type=int)
    why = request.args.get("why", "")
    wish = queries.Wish(
        queue=queue,
        kind=request.args.get("kind", "") if request.args.get("kind") in things.kinds() else "",
        why=why if why in WHYS else "",
        board_id=board,
        cursor=request.args.get("cursor"),
    )
    page = queries.waiting_for(viewer, wish)
    counts = queries.counts(viewer)
    return render_template(
        "moderation/queue.html",
        queue=queue.value,
        wish=wish,
        rows=page.items,
        next=_here(cursor=page.next) if page.next else "",
        first=_here(cursor=None) if wish.cursor else "",
        counts=counts,
        oldest=queries.oldest(viewer),
        boards=community.boards_for(viewer),
        here_with=_here,
        **said(),
    )


@bp.get("/done")
@access(moderators)
def done() -> ResponseReturnValue:
    """Show what this moderator, or all of them, decided lately."""
    viewer = current_viewer()
    everybody = request.args.get("by") == "all"
    found = queries.decisions(viewer, actor_id=None if everybody else viewer.id, limit=50)
    return render_template(
        "moderation/done.html", rows=found, everybody=everybody, counts=queries.counts(viewer), **said()
    )


@bp.get("/<kind>/<int:thing_id>")
@access(moderators)
def thing(kind: str, thing_id: int) -> ResponseReturnValue:
    """Show one thing with its context and everything that can be done about it, waiting or not."""
    viewer = current_viewer()
    found = things.seen_by(viewer, kind, thing_id)
    item_id = request.args.get("item", type=int) or queries.item_about(kind, thing_id)
    item = queries.one_waiting(viewer, item_id) if item_id else None
    other = lines.look_at(item_id, actor_id=viewer.id) if item_id else None
    authors = queries.records_of([found.author_id])
    above = things.read([found.under]).get(found.under) if found.under else None
    return render_template(
        "moderation/thing.html",
        thing=found,
        above=above,
        item=item,
        own=found.author_id == viewer.id,
        voices=len(ideas.young_voices(thing_id)) if kind == "idea" else 0,
        looking=item.looked_by if item and other else None,
        flags=queries.flags_on(kind, thing_id),
        history=queries.decisions(viewer, thing=(kind, thing_id)),
        of_author=queries.decisions(viewer, author_id=found.author_id),
        record=authors[found.author_id],
        standing=queries.standing_of([found.author_id])[found.author_id],
        author=members.member_card(found.author_id),
        boards=[one for one in community.boards_for(viewer) if one.type == _type(kind) and one.id != found.board_id],
        all_boards=community.boards_for(viewer),
        counts=queries.counts(viewer),
        **said(),
    )


@bp.get("/newcomers")
@access(moderators)
def newcomers() -> ResponseReturnValue:
    """Show what each board holds of newcomers."""
    viewer = current_viewer()
    return render_template(
        "moderation/newcomers.html",
        boards=community.boards_for(viewer),
        own=queries.holding_rules(),
        usual=(rules.FIRST_POSTS, True),
        most=rules.NEWCOMER_POSTS,
        days=rules.NEWCOMER_DAYS,
        rule_of=holding.rule_of,
        counts=queries.counts(viewer),
        **said(),
    )


def _type(kind: str) -> str:
    return {"idea": "ideas", "question": "support"}.get(kind, "")


def said() -> dict[str, Any]:
    """Return the words that the templates need."""
    return {
        "reasons": words.REASONS,
        "kinds": words.KINDS,
        "terms": words.TERMS,
        "done_words": words.DONE,
        "whys": words.WHYS,
        "tags_of": words.tags,
        "because_of": words.because,
        "telling": words.telling,
        "marked": words.marked,
        "record_of": words.record,
    }


def _here(**changed: str | int | None) -> str:
    """Return this address with some of its query changed; a changed filter begins at the first page."""
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    query = {name: value for name, value in {**kept, **changed}.items() if value}
    return f"{request.path}?{urlencode(query)}" if query else request.path
