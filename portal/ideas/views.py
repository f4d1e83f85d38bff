"""Pages of ideas: lists, boards, one idea, proposing, voting, answering."""

from collections import Counter
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import impressions
from portal.community import queries as community
from portal.community.queries import BoardCard
from portal.community.queries.conversation import DraftCard
from portal.community.registry import shows_boards, topics_of
from portal.community.rules import Origin, Voting, Window, origin_of, thread, window
from portal.community.sending import with_files
from portal.community.views import drafts
from portal.ideas import drawing, guests, lists, queries, rules, services, twins
from portal.ideas.forms import REASON_WORDS, CommentForm, IdeaForm, StageForm
from portal.kernel.clock import today
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.formats import since
from portal.kernel.paging import Page
from portal.members.doors import has_guest_door
from portal.members.policy import Viewer, access, anyone, role, signed_in
from portal.members.rules import Role
from portal.members.session import current_viewer

bp = Blueprint("ideas", __name__)
KIND = "idea"
WORD_MAX = 200
ANSWERING = (Role.MODERATOR, Role.BRAND_MANAGER)


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)
    app.register_blueprint(guests.bp)
    drawing.init_app(app)


# Lists


@bp.get("/ideas")
@access(anyone)
def index() -> ResponseReturnValue:
    """List the ideas of all boards."""
    viewer = current_viewer()
    return _list_page(viewer, community.boards_for(viewer, "ideas"), None)


@shows_boards("ideas")
def board(found: BoardCard) -> ResponseReturnValue:
    """List the ideas of one board."""
    return _list_page(current_viewer(), [found], found)


def _list_page(viewer: Viewer, boards: list[BoardCard], one: BoardCard | None) -> ResponseReturnValue:
    sort = _sort()
    ids = [board.id for board in boards]
    page = _page(viewer, ids, sort)
    by_board, by_stage, by_category = _counts(ids)
    filters = {name: _word(name) for name in ("stage", "category", "tag", "topic", "q")}
    waiting = lists.waiting_for_answer(ids)
    names = {board.id: board for board in boards}
    ages = [since(row.created_at) for row in page.items] if sort is rules.Sort.NEWEST else today()
    body = drawing.body(
        viewer,
        "ideas/_list.html",
        (request.full_path, page.items, ages, page.next, by_board, by_stage, by_category, waiting, boards),
        board=one,
        boards=boards,
        counts=by_board,
        sort=sort,
        found=len(page.items),
        rows=lambda: drawing.rows(viewer, page.items, sort, None if one else names),
        next=_here(cursor=page.next) if page.next else "",
        first=_here(cursor=None) if request.args.get("cursor") else "",
        by_stage=by_stage,
        by_category=by_category if one else {},
        total=sum(by_stage.values()),
        waiting=waiting,
        filters=filters,
        here_with=_here,
    )
    return render_template("ideas/list.html", board=one, names=names, body=body)


def _counts(boards: list[int]) -> tuple[Counter[int], Counter[str], Counter[str]]:
    """Return how many ideas there are by board, by stage and by category."""
    by_board: Counter[int] = Counter()
    by: dict[str, Counter[str]] = {"stage": Counter(), "category": Counter()}
    for board_id, facet, key, ideas in queries.counts_of(boards):
        if facet in by:
            by[facet][key] += ideas
        if facet == "stage":
            by_board[board_id] += ideas
    return by_board, by["stage"], by["category"]


def _page(viewer: Viewer, boards: list[int], sort: rules.Sort) -> Page[lists.IdeaRow]:
    wish = lists.Wish(
        boards=boards,
        sort=sort,
        stage=_word("stage"),
        category=_word("category"),
        tag_id=lists.tag_of(_word("tag")),
        topic_id=request.args.get("topic", type=_number),
        q=_word("q"),
        cursor=request.args.get("cursor"),
    )
    page = lists.ideas_for(viewer, wish)
    origin = Origin.SEARCH if wish.q else Origin(sort)
    impressions.record(viewer, KIND, [row.id for row in page.items], origin)
    return page


def _word(name: str) -> str:
    """Return what an address says, cut short."""
    return request.args.get(name, "").strip()[:WORD_MAX]


def _number(text: str) -> int:
    """Return the number of something; one that cannot be is the largest, which nothing has."""
    return min(max(int(text), 0), lists.BIGGEST)


def _sort() -> rules.Sort:
    wanted = request.args.get("sort", "")
    return rules.Sort(wanted) if wanted in set(rules.Sort) else rules.Sort.RISING


def _here(**changed: str | None) -> str:
    """Return this address with some of its query changed; a changed filter begins at the first page."""
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    query = {name: value for name, value in {**kept, **changed}.items() if value}
    return f"{request.path}?{urlencode(query)}" if query else request.path


@bp.get("/ideas/counting")
@access(anyone)
def counting() -> ResponseReturnValue:
    """Say how votes are counted and lists are ordered."""
    return render_template("ideas/counting.html", rules=rules)


# Proposing


@bp.route("/ideas/new", methods=["GET", "POST"])
@access(signed_in)
@has_guest_door("/ideas/new/guest")
def new() -> ResponseReturnValue:
    """Propose an idea; what was typed stays when something needs mending."""
    viewer = current_viewer()
    boards = community.boards_for(viewer, "ideas")
    form = IdeaForm()
    chosen = form.offer(boards, request.args.get("board"))
    if request.method == "GET" and not form.title.data:
        form.title.data = request.args.get("title", "")
    draft = drafts.begin(viewer, "propose", form)
    if form.validate_on_submit():
        try:
            idea_id = services.propose_idea(
                viewer,
                board=form.board.data,
                title=form.title.data or "",
                body=with_files(viewer, form.body.data),
                category=_offered(form),
                tags=form.words(),
            )
        except Invalid as refusal:
            _mark(form, refusal)
        else:
            drafts.sent(viewer, "propose")
            if queries.is_seen(idea_id):
                flash(_("Your idea is out. We show it to at least %(n)s people.", n=rules.MIN_VIEWERS))
            return redirect(f"/ideas/{idea_id}")
    page = render_template("ideas/new.html", form=form, boards=boards, board=chosen, draft=draft)
    return page, 422 if form.errors else 200


def _offered(form: IdeaForm) -> str:
    """Return the chosen category; one of another board, chosen before the board was changed, is none."""
    chosen = str(form.category.data or "")
    return chosen if chosen in form.offered else ""


def _mark(form: Any, refusal: Invalid) -> None:
    """Put each sentence to its field; what belongs to no field is said on top."""
    for name, sentence in refusal.fields.items():
        field = getattr(form, name, None)
        if field is None:
            form.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]


@bp.route("/ideas/<int:idea_id>/edit", methods=["GET", "POST"])
@access(signed_in)
def edit(idea_id: int) -> ResponseReturnValue:
    """Change the words of one's own idea."""
    viewer = current_viewer()
    idea = queries.idea_page(viewer, idea_id)
    if idea.author_id != viewer.id:
        abort(403)
    place = idea.board
    tags = ", ".join(tag.title for tag in idea.tags)
    form = IdeaForm(data={"title": idea.title, "body": idea.body, "category": idea.category, "tags": tags})
    form.board.data = place.key
    form.offer([place], place.key)
    key = f"idea-{idea_id}"
    draft = drafts.begin(viewer, key, form)
    if form.validate_on_submit():
        try:
            services.edit_idea(
                idea_id,
                viewer,
                title=form.title.data or "",
                body=with_files(viewer, form.body.data),
                category=_offered(form),
                tags=form.words(),
            )
        except Invalid as refusal:
            _mark(form, refusal)
        else:
            drafts.sent(viewer, key)
            return redirect(idea.url)
    page = render_template("ideas/edit.html", form=form, idea=idea, board=place, draft=draft)
    return page, 422 if form.errors else 200


# One idea


@bp.get("/ideas/<int:idea_id>")
@access(anyone)
def show(idea_id: int) -> ResponseReturnValue:
    """Show one idea; whoever opens it has seen it."""
    form, draft = CommentForm(), None
    if "draft" in request.args:
        begun = drafts.of_comment(KIND, idea_id, request.args.get("parent", type=_number))
        draft = drafts.begin(current_viewer(), begun, form)
    try:
        page = _show(idea_id, form, StageForm(), draft=draft)
    except NotFound:
        if (kept := twins.merged_into(idea_id)) is None:
            raise
        return redirect(queries.idea_page(current_viewer(), kept).url)
    impressions.record(current_viewer(), KIND, [idea_id], origin_of(request.args.get("from")))
    return page


def _show(
    idea_id: int, form: CommentForm, stage_form: StageForm, status: int = 200, draft: DraftCard | None = None
) -> ResponseReturnValue:
    viewer = current_viewer()
    idea = queries.idea_page(viewer, idea_id)
    if idea.merged_away:
        raise NotFound
    way = queries.way_of(idea_id)
    comments = _comments(idea, viewer)
    part = _window(comments)
    topics = topics_of(KIND, [idea_id]).get(idea_id, ())
    may_answer, may_hide = viewer.has_role(*ANSWERING), viewer.has_role(Role.MODERATOR)
    replying_to = _replied(comments)
    stage_form.offer(idea.board, idea.stage)
    ages = [since(moment) for moment in (idea.created_at, *(one.created_at for one in comments))]
    mine = [idea.author_id == viewer.member_id, *(one.id for one in comments if one.author_id == viewer.member_id)]
    shown = (idea, way, comments, topics, may_answer, may_hide, replying_to, ages, mine, today(), part)
    answers = [step for step in way if step.answer_html]
    body = drawing.body(
        viewer,
        "ideas/_show.html",
        shown if status == HTTPStatus.OK and draft is None else None,
        idea=idea,
        young_whole=rules.YOUNG_WHOLE,
        board=idea.board,
        way=way,
        answer=answers[-1] if answers else None,
        earlier=answers[-2::-1],
        reasons=REASON_WORDS,
        thread=lambda: drawing.thread(comments, part, viewer, may_hide=may_hide),
        draft=draft,
        topics=topics,
        form=form,
        stage_form=stage_form,
        may_answer=may_answer,
        may_hide=may_hide,
        replying_to=replying_to,
        **_voting(idea),
    )
    return render_template("ideas/show.html", idea=idea, form=form, stage_form=stage_form, body=body), status


def _comments(idea: queries.IdeaPage, viewer: Viewer) -> list[community.CommentRow]:
    """Return the comments on an idea and on those that lead to it, as one thread in order of time."""
    found = community.comments_on(KIND, [idea.id, *idea.merged], reader=viewer.member_id)
    if not idea.merged:
        return found.get(idea.id, [])
    return sorted((one for rows in found.values() for one in rows), key=lambda one: (one.created_at, one.id))


def _window(comments: list[community.CommentRow]) -> Window:
    """Return the part of the thread that the address asks for."""
    before, opened = (request.args.get(name, type=_number) for name in ("before", "open"))
    return window(thread({one.id: one.parent_id for one in comments}), before=before, opened=opened)


def _replied(comments: list[community.CommentRow]) -> community.CommentRow | None:
    """Return the comment that is about to be replied to, if the address or the form names one that is here."""
    wanted = request.values.get("parent", type=_number)
    return next((one for one in comments if one.id == wanted and one.seen), None)


def _voting(idea: queries.IdeaPage) -> dict[str, Any]:
    closed = services.REFUSALS[rules.Refusal.CLOSED] if idea.stage in rules.CLOSED else ""
    return {"closed": closed, "three_way": idea.board.voting == Voting.SUPPORT_NOT_FOR_ME_SKIP}


@bp.route("/ideas/<int:idea_id>/vote", methods=["GET"])
@access(anyone)
def vote_button(idea_id: int) -> ResponseReturnValue:
    """Return the button with the current count, for pages that were told of a change."""
    idea = queries.idea_page(current_viewer(), idea_id)
    return render_template("ideas/_vote.html", idea=idea, wide="wide" in request.args, **_voting(idea))


@bp.post("/ideas/<int:idea_id>/vote")
@access(signed_in)
def vote(idea_id: int) -> ResponseReturnValue:
    """Support an idea (``vote=1``), take a vote back (``vote=0``), or say privately ``kind=not_for_me`` or ``skip``.

    Scripts get the button back, browsers the page.
    """
    viewer = current_viewer()
    origin = origin_of(request.args.get("from"))
    kind = request.form.get("kind", rules.VoteKind.SUPPORT)
    if request.form.get("vote") == "0":
        written = services.withdraw_vote(idea_id, viewer, origin=origin)
        kind = ""
    elif kind in set(rules.VoteKind):
        at = request.args.get("at", type=_position)
        written = services.cast_vote(idea_id, viewer, kind=kind, origin=origin, position=at)
    else:
        abort(422)
    if request.headers.get("HX-Request"):
        return drawing.vote_button(idea_id, written, kind, wide="wide" in request.args)
    return redirect(_back(f"/ideas/{idea_id}"), 303)


def _position(text: str) -> int:
    return min(max(int(text), 0), 10_000)


def _back(otherwise: str) -> str:
    """Return the page of ours that somebody came from."""
    came = request.referrer or ""
    return came.removeprefix(request.host_url.rstrip("/")) if came.startswith(request.host_url) else otherwise


@bp.post("/ideas/<int:idea_id>/comments")
@access(signed_in)
def comment(idea_id: int) -> ResponseReturnValue:
    """Comment on an idea, or reply to a comment on it."""
    viewer, form = current_viewer(), CommentForm()
    if form.validate_on_submit():
        try:
            parent, body = request.form.get("parent", type=_number), with_files(viewer, form.body.data)
            written = services.comment_on_idea(idea_id, viewer, body=body, parent_id=parent)
        except Invalid as refusal:
            _mark(form, refusal)
        else:
            drafts.sent(viewer, drafts.of_comment(KIND, idea_id, parent))
            return redirect(f"/ideas/{idea_id}#comment-{written}", 303)
    return _show(idea_id, form, StageForm(formdata=None), 422)


@bp.post("/ideas/<int:idea_id>/stage")
@access(role(*ANSWERING))
def stage(idea_id: int) -> ResponseReturnValue:
    """Move an idea to a stage, answer it, or both."""
    viewer = current_viewer()
    idea = queries.idea_page(viewer, idea_id)
    form = StageForm()
    form.offer(idea.board, idea.stage)
    if form.validate_on_submit():
        try:
            services.set_stage(
                idea_id,
                viewer,
                stage=form.stage.data,
                answer=form.answer.data or "",
                reason_code=form.reason_code.data or None,
            )
        except Invalid as refusal:
            _mark(form, refusal)
        else:
            drafts.sent(viewer, f"stage-{idea_id}")
            flash(_("Saved. Those who follow the idea are told."))
            return redirect(f"/ideas/{idea_id}", 303)
    return _show(idea_id, CommentForm(formdata=None), form, 422)


@bp.post("/ideas/<int:idea_id>/entered-votes")
@access(role(*ANSWERING, Role.SUPPORT_AGENT))
def enter_vote(idea_id: int) -> ResponseReturnValue:
    """Enter the vote of a customer who gave it by telephone, in a shop, by letter."""
    services.enter_vote(
        idea_id, current_viewer(), email=request.form.get("email", ""), source=request.form.get("source", "")
    )
    flash(_("The vote is entered, with its source."))
    return redirect(f"/ideas/{idea_id}", 303)


@bp.post("/ideas/<int:idea_id>/hide")
@access(signed_in)
def hide(idea_id: int) -> ResponseReturnValue:
    """Take an idea out of sight (``hide=1``) or show it again (``hide=0``)."""
    (services.show if request.form.get("hide") == "0" else services.hide)(idea_id, actor=current_viewer())
    return redirect(f"/ideas/{idea_id}", 303)
