"""The brand manager's pages of topics: the list, one topic, and the posts behind each figure."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.analytics.topics import figures, jobs, queries, rules, services
from portal.analytics.topics.rules import WEEK
from portal.analytics.topics.scopes import Scope, own_boards, scope_of, shared_scope
from portal.community import facade as community
from portal.kernel import progress
from portal.kernel.errors import NotFound
from portal.kernel.formats import short_day
from portal.kernel.progress import RUNNING
from portal.members.policy import access, role
from portal.members.rules import Role
from portal.members.session import current_viewer

bp = Blueprint("topics", __name__, url_prefix="/staff/topics")
managers = role(Role.BRAND_MANAGER)
STEPS = {
    "words": _l("Reading the posts"),
    "space": _l("Finding words that go together"),
    "clusters": _l("Grouping the threads"),
    "mixtures": _l("Weighing the topics in each post"),
    "labels": _l("Naming the topics"),
    "quality": _l("Checking how good they are"),
    "keep": _l("Writing it down"),
}
CHOSEN_WEEKS = 12


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)


@bp.get("")
@access(managers)
def index() -> ResponseReturnValue:
    """Show what people talk about."""
    weeks, board = _weeks(), _board()
    seen = figures.overview(_boards(), weeks=weeks)
    return render_template(
        "analytics/topics.html",
        seen=seen,
        weeks=weeks,
        all_weeks=rules.WEEKS,
        board=board,
        boards=community.boards_for(current_viewer()),
        week=WEEK,
        most=max((max(line.unmet.weekly) for line in seen.most_unmet), default=1),
        **_training(),
    )


@bp.get("/training")
@access(managers)
def training() -> ResponseReturnValue:
    """Return the training under way, as it stands."""
    return render_template("analytics/_topics_training.html", **_training())


@bp.post("/training")
@access(managers)
def train() -> ResponseReturnValue:
    """Ask for a new reading of the posts."""
    jobs.start(_scope(), asked_by=current_viewer().id)
    return redirect(_address())


@bp.post("/training/<int:run_id>/cancel")
@access(managers)
def cancel(run_id: int) -> ResponseReturnValue:
    """Ask a training to stop."""
    progress.cancel(run_id)
    flash(_("The reading stops at its next step. What was found before stays."))
    return redirect(_address())


@bp.get("/table.csv")
@access(managers)
def table() -> ResponseReturnValue:
    """Return the list as a table for spreadsheets."""
    seen = figures.overview(_boards(), weeks=_weeks())
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["topic", "label", "posts", "people", "posts_before", "growth", "growth_low", "growth_high",
                     "questions", "unanswered", "words"])  # fmt: skip
    for line in seen.lines:
        grown = line.growth
        withheld = line.unmet.share is None
        writer.writerow([
            line.topic.id, _harmless(line.topic.title), line.volume.posts, line.volume.people, line.volume.before,
            *([round(grown.value, 3), round(grown.low, 3), round(grown.high, 3)] if grown else ["", "", ""]),
            *(["", ""] if withheld else [line.unmet.asked, len(line.unmet.open)]),
            _harmless(" ".join(word["text"] for word in line.topic.words[:10])),
        ])  # fmt: skip
    return Response(
        out.getvalue(), mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=topics.csv"}
    )


@bp.get("/<int:topic_id>")
@access(managers)
def show(topic_id: int) -> ResponseReturnValue:
    """Show one topic."""
    viewer, boards, weeks = current_viewer(), _boards(), _weeks()
    topic = queries.topic_card(topic_id, community.visible_board_ids(viewer))
    line, until = figures.line_of(topic, boards, weeks=weeks)
    waiting, proposed = figures.waiting_ideas(topic, boards, until=until, weeks=weeks)
    begins = rules.weeks_until(until, weeks)
    return render_template(
        "analytics/topic.html",
        topic=topic,
        line=line,
        weeks=weeks,
        all_weeks=rules.WEEKS,
        board=_board(),
        until=until,
        waiting=waiting,
        proposed=proposed,
        weekly=list(zip(begins, line.volume.weekly, line.unmet.weekly, strict=False)),
        xticks=_xticks(begins),
        yticks=_yticks(max(line.volume.weekly, default=0)),
        typical=figures.representatives(topic, viewer, boards),
        latest=figures.posts(topic, viewer, boards, size=10),
        address=_address,
    )


@bp.get("/<int:topic_id>/posts")
@access(managers)
def posts(topic_id: int) -> ResponseReturnValue:
    """Show the posts behind a figure of a topic: of a period, of one week, or those nobody has answered."""
    viewer, boards, weeks = current_viewer(), _boards(), _weeks()
    topic = queries.topic_card(topic_id, community.visible_board_ids(viewer))
    wanted = request.args.get("show", "all")
    line, until = figures.line_of(topic, boards, weeks=weeks)
    since, only = until - WEEK * weeks, None
    if wanted == "unmet":
        only = [("question", one) for one in line.unmet.open]
    elif wanted == "waiting":
        only = [("idea", one) for one in figures.waiting_ideas(topic, boards, until=until, weeks=weeks)[0]]
    if (week := _week()) is not None:
        since, until = week, week + WEEK
    page = figures.posts(topic, viewer, boards, since=since, until=until, only=only, cursor=request.args.get("cursor"))
    return render_template(
        "analytics/topic_posts.html",
        topic=topic,
        page_of_posts=page,
        since=since,
        until=until,
        wanted=wanted,
        address=_address,
    )


@bp.post("/<int:topic_id>/name")
@access(managers)
def name(topic_id: int) -> ResponseReturnValue:
    """Give a topic a name."""
    services.name_topic(topic_id, request.form.get("name", ""), current_viewer())
    flash(_("The name is kept; no later reading changes it."))
    return redirect(url_for("topics.show", topic_id=topic_id, **_kept()))


def _weeks() -> int:
    given = request.values.get("weeks", type=int)
    return given if given in rules.WEEKS else CHOSEN_WEEKS


def _board() -> community.BoardCard | None:
    key = request.values.get("board")
    return community.board_by_key(current_viewer(), key) if key else None


def _boards() -> list[int]:
    board = _board()
    return [board.id] if board else community.visible_board_ids(current_viewer())


def _week() -> datetime | None:
    """Return the beginning of the one week that is asked for.

    :raise NotFound: when it is not a time.
    """
    given = request.args.get("week")
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=UTC)
    except ValueError as error:
        raise NotFound from error


def _kept() -> dict[str, Any]:
    return {name: value for name in ("weeks", "board") if (value := request.values.get(name))}


def _address(endpoint: str = "topics.index", **changed: Any) -> str:
    """Return an address with the weeks and the board that were chosen, unless these change."""
    return url_for(endpoint, **{k: v for k, v in {**_kept(), **changed}.items() if v is not None})


def _scope() -> Scope:
    """Return what is trained from here: the chosen board's own model where it has one, else the shared one."""
    board, own = _board(), own_boards()
    return scope_of(board.id) if board is not None and board.id in own else shared_scope(own)


def _training() -> dict[str, Any]:
    scope = _scope()
    run = progress.latest(services.KIND, scope.subject)
    keys = list(STEPS)
    going = run is not None and run.state in RUNNING
    return {
        "run": run,
        "going": going,
        "step": STEPS.get(run.step, run.step) if run is not None and run.step else _l("Waiting for a worker"),
        "step_number": keys.index(run.step) + 1 if run is not None and run.step in keys else 0,
        "steps": len(keys),
        "last": queries.latest_run(scope.board_id),
        "address": _address,
    }


def _xticks(begins: list[datetime]) -> list[tuple[float, str]]:
    if not begins:
        return []
    last = len(begins) - 1
    places = sorted({0, last // 2, last})
    return [(100 * place / max(last, 1), short_day(begins[place])) for place in places]


def _yticks(most: int) -> list[tuple[float, str]]:
    step = max(1, -(-most // 3))
    return [(float(value), str(value)) for value in range(step, most + 1, step)]


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t")) else text
