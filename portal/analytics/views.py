"""The brand manager's pages of people: experts by topic, participation, and what stands behind each figure."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from portal.analytics import behind, facade, jobs, queries
from portal.analytics.behind import What
from portal.analytics.metrics import LIFECYCLE_WORDS, metrics_of
from portal.analytics.services import measuring, participation, routing
from portal.analytics.topics import queries as topics
from portal.community import facade as community
from portal.community.facade import BoardCard
from portal.ideas import facade as ideas
from portal.kernel import progress
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.formats import percent
from portal.kernel.progress import RUNNING
from portal.members import facade as members
from portal.members.policy import access, role, signed_in
from portal.members.privacy.services import worked_out
from portal.members.privacy.words import RECORDS
from portal.members.rules import Role
from portal.members.session import current_viewer
from portal.support import facade as support

bp = Blueprint("analytics", __name__)
managers = role(Role.BRAND_MANAGER)
WEEKS = participation.WEEKS
USUAL_WEEKS = 12
STEPS = {"trust": _l("Weighing whose word counts"), "expertise": _l("Finding who knows what"),
         "participation": _l("Counting who takes part")}  # fmt: skip
IBM = (5, 20, 75)
"""Engaged, casual and silent in the study of IBM, in per cent."""


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)


@bp.get("/staff/experts")
@access(managers)
def experts() -> ResponseReturnValue:
    """Show who knows what on a board, and who would answer a question."""
    boards = community.boards_for(current_viewer(), community.BoardType.SUPPORT)
    board = _chosen(boards) or (boards[0] if boards else None)
    lines = queries.experts_by_topic(board.id) if board else {}
    wanted = {name: request.args.get(name, "").strip()[:2000] for name in ("title", "body", "tags")}
    suggested = _suggested(board, wanted) if board and wanted["title"] else None
    people = [line.member_id for found in lines.values() for line in found]
    people += [one.member_id for one in suggested or ()]
    return render_template(
        "analytics/experts.html",
        boards=boards,
        board=board,
        lines=sorted(lines.values(), key=lambda found: -sum(line.answers for line in found)),
        wanted=wanted,
        suggested=suggested,
        cards=members.member_cards(people),
        **_measuring(),
    )


def _suggested(board: BoardCard, wanted: dict[str, str]) -> list[routing.Suggestion]:
    tags = [tag.strip() for tag in wanted["tags"].split(",") if tag.strip()]
    return routing.suggest_for(board.id, title=wanted["title"], body=wanted["body"], tags=tags)[:5]


@bp.get("/staff/experts/<int:topic_id>")
@access(managers)
def topic_experts(topic_id: int) -> ResponseReturnValue:
    """Show who knows one topic, with the simpler rankings beside."""
    visible = community.visible_board_ids(current_viewer())
    topic = topics.topic_card(topic_id, visible)
    lines = queries.experts_on(topic_id, visible)
    cards = members.member_cards([line.member_id for line in lines])
    return render_template("analytics/topic_experts.html", topic=topic, lines=lines, cards=cards)


@bp.get("/staff/experts/<int:topic_id>/<int:member_id>")
@access(managers)
def evidence(topic_id: int, member_id: int) -> ResponseReturnValue:
    """Show the questions that a member answered on a topic: what her place comes from."""
    viewer = current_viewer()
    visible = community.visible_board_ids(viewer)
    topic = topics.topic_card(topic_id, visible)
    line = next((one for one in queries.expertise_of(member_id, visible) if one.topic_id == topic_id), None)
    if line is None:
        raise NotFound(_l("Nothing is known of this member on this topic."))
    question_ids = behind.questions_of(line.answer_ids)
    cards = support.question_cards(question_ids, viewer)
    return render_template(
        "analytics/evidence.html",
        topic=topic,
        line=line,
        who=members.member_cards([member_id])[member_id],
        questions=[cards[one] for one in question_ids if one in cards],
    )


@bp.get("/staff/participation")
@access(managers)
def taking_part() -> ResponseReturnValue:
    """Show who takes part and how much."""
    boards, weeks = community.boards_for(current_viewer()), _weeks()
    board = _chosen(boards)
    kept = queries.report_of(board.id if board else participation.EVERYWHERE, weeks)
    return render_template(
        "analytics/participation.html",
        boards=boards,
        board=board,
        weeks=weeks,
        all_weeks=WEEKS,
        ibm=IBM,
        r=kept.report if kept else None,
        formulas=metrics_of("community"),
        months=_months(kept.report["funnel"]["shipping"]) if kept else [],
        at=kept.at if kept else None,
        day=lambda text: datetime.fromisoformat(text).date(),
        address=_address,
        **_measuring(),
    )


@bp.get("/staff/participation/behind")
@access(managers)
def what_is_behind() -> ResponseReturnValue:
    """Show the people, ideas or questions that a figure was counted from."""
    viewer, weeks = current_viewer(), _weeks()
    try:
        what = What(request.args.get("what", ""))
    except ValueError as error:
        raise NotFound(_l("There is no such figure.")) from error
    boards = community.boards_for(viewer)
    board = _chosen(boards)
    board_id, at = board.id if board else participation.EVERYWHERE, now()
    since = at - timedelta(weeks=weeks)
    found: dict[str, Any] = {"people": [], "ideas": [], "questions": []}
    if what in behind.PEOPLE:
        counted = behind.people(what, board_id, since.date(), at.date(), weeks)
        cards = members.member_cards([member_id for member_id, _ in counted])
        found["people"] = [(cards[one], n) for one, n in counted if one in cards]
    elif what in behind.IDEAS:
        ids = behind.ideas(what, board_id, at)
        rows = ideas.idea_cards(viewer, ids)
        found["ideas"] = [rows[one] for one in ids if one in rows]
    else:
        waited = behind.questions(what, board_id, since, at)
        asked = support.question_cards([one for one, _ in waited], viewer)
        found["questions"] = [(asked[one], wait) for one, wait in waited if one in asked]
    return render_template(
        "analytics/behind.html", what=what.value, board=board, weeks=weeks, address=_address, **found
    )


@bp.get("/staff/experts/measuring")
@access(managers)
def measuring_now() -> ResponseReturnValue:
    """Return how far the long run is."""
    return render_template("analytics/_measuring.html", **_measuring())


@bp.post("/staff/experts/measuring")
@access(managers)
def measure() -> ResponseReturnValue:
    """Have everything worked out anew."""
    jobs.measure_soon(asked_by=current_viewer().id)
    back = "analytics.taking_part" if request.form.get("back") == "participation" else "analytics.experts"
    return redirect(url_for(back))


@bp.post("/staff/experts/measuring/<int:run_id>/cancel")
@access(managers)
def stop_measuring(run_id: int) -> ResponseReturnValue:
    """Ask the long run to stop at its next step."""
    progress.cancel(run_id)
    return redirect(url_for("analytics.experts"))


@bp.get("/questions/for-me")
@access(signed_in)
def for_me() -> ResponseReturnValue:
    """Show the questions that somebody hopes the reader will answer, and why."""
    return render_template("analytics/for_me.html", invited=facade.invited(current_viewer()))


def _months(shipping: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return the curve of shipping as rows: months, share, its band, and the partners' share when there is one."""
    whole, partners = shipping.get("all"), shipping.get("partner")
    if whole is None:
        return []
    columns = [whole["shares"], whole["low"], whole["high"], *([partners["shares"]] if partners else [])]
    return [[str(month), *(percent(values[month]) for values in columns)] for month in range(len(whole["shares"]))]


@bp.get("/account/figures")
@access(signed_in)
def my_figures() -> ResponseReturnValue:
    """Show the reader every figure that is held on her, with its formula."""
    mine = current_viewer().id
    return render_template(
        "analytics/figures.html",
        described=metrics_of("member"),
        figures=facade.contact_figures([mine])[mine],
        lifecycles=LIFECYCLE_WORDS,
        worked_out=worked_out(mine),
        records=RECORDS,
    )


def _measuring() -> dict[str, Any]:
    run = progress.latest(measuring.KIND)
    going = run is not None and run.state in RUNNING
    return {"run": run, "going": going, "step": STEPS.get(run.step, run.step) if run is not None else ""}


def _weeks() -> int:
    weeks = request.args.get("weeks", USUAL_WEEKS, type=int)
    return weeks if weeks in WEEKS else USUAL_WEEKS


def _chosen(boards: list[BoardCard]) -> BoardCard | None:
    key = request.args.get("board")
    found = next((board for board in boards if board.key == key), None)
    if key and found is None:
        raise NotFound(_l("There is no such board."))
    return found


def _address(endpoint: str = "analytics.taking_part", **values: Any) -> str:
    kept = {"weeks": request.args.get("weeks"), "board": request.args.get("board"), **values}
    return url_for(endpoint, **{name: value for name, value in kept.items() if value is not None})
