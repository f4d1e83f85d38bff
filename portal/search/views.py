"""The page of search, and what is close to what somebody writes or reads."""

from urllib.parse import urlencode

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import facade as community
from portal.kernel.errors import Invalid, NotFound
from portal.members.policy import access, anyone
from portal.members.session import current_viewer
from portal.search import queries, rules
from portal.search.results import TYPES, close_to, likely, results

bp = Blueprint("search", __name__)
SHOWN = 5
FACETS = ("kind", "board", "state", "tag", "lang", "period")


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)


@bp.get("/search")
@access(anyone)
def search() -> ResponseReturnValue:
    """Show what holds the words, with how much of it there is by kind, board, state, tag, language and time."""
    viewer = current_viewer()
    boards = community.boards_for(viewer)
    chosen = {name: request.args.get(name, "") for name in FACETS}
    board = next((board for board in boards if board.key == chosen["board"]), None)
    if chosen["board"] and board is None:
        raise NotFound(_("There is no such board."))
    words = request.args.get("q", "")
    found = queries.find(
        queries.Wish(
            words=words,
            boards=[one.id for one in boards],
            kind=chosen["kind"] or None,
            board_id=board.id if board is not None else None,
            state=chosen["state"] or None,
            tag=chosen["tag"] or None,
            lang=chosen["lang"] or None,
            period=chosen["period"] or None,
            cursor=request.args.get("cursor"),
        )
    )
    return render_template(
        "search/search.html",
        words=words,
        found=found,
        results=results(viewer, found),
        chosen=chosen,
        boards={str(one.id): one for one in boards},
        link=lambda **change: _link(words, chosen, **change),
        next_page=_link(words, chosen, cursor=found.next) if found.next else "",
        first_page=_link(words, chosen) if request.args.get("cursor") else "",
    )


def _link(words: str, chosen: dict[str, str], **change: str | None) -> str:
    """Return the address of this search with something changed; a facet that is chosen already is taken away."""
    wanted = {name: value for name, value in {"q": words, **chosen, **change}.items() if value}
    return f"{url_for('search.search')}?{urlencode(wanted)}"


@bp.get("/similar")
@access(anyone)
def similar() -> ResponseReturnValue:
    """Return what may say the same as what is being written: a fragment that stands beside the composer."""
    kind = _kind(request.args.get("kind", "idea"))
    title, body = request.args.get("title", "")[:300], request.args.get("body", "")[:5000]
    found = likely(
        current_viewer(),
        kind,
        title,
        body,
        board=request.args.get("board") if kind == "idea" else None,
        limit=SHOWN,
        with_answers=True,
    )
    shown = [one for one in found if one.probability >= rules.CLOSE]
    return render_template("search/_near.html", kind=kind, found=shown, typed=bool(title.strip()))


@bp.get("/similar/<kind>/<int:target_id>")
@access(anyone)
def close(kind: str, target_id: int) -> ResponseReturnValue:
    """Show ideas and questions that are close to one."""
    viewer = current_viewer()
    card = community.describe(viewer, [(_kind(kind), target_id)]).get((kind, target_id))
    if card is None:
        raise NotFound(_("There is nothing here."))
    beside = request.headers.get("HX-Request") == "true"
    page = "search/_close.html" if beside else "search/close.html"
    return render_template(page, card=card, found=close_to(viewer, kind, target_id))


def _kind(word: str) -> str:
    if word not in TYPES:
        raise Invalid(fields={"kind": _("Say idea or question.")})
    return word
