"""Pages where one writes: a question, an answer, a comment, a change."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import facade as community
from portal.community.sending import with_files
from portal.community.views import drafts
from portal.kernel.errors import Invalid, NotFound
from portal.members.doors import has_guest_door
from portal.members.policy import access, signed_in
from portal.members.session import current_viewer
from portal.support import queries, services
from portal.support.forms import EditForm, QuestionForm, TextForm
from portal.support.queries import KIND
from portal.support.views.pages import shown

bp = Blueprint("support_writing", __name__)
UNPROCESSABLE = 422


@bp.route("/questions/ask", methods=["GET", "POST"])
@access(signed_in)
@has_guest_door("/questions/ask/guest")
def ask() -> ResponseReturnValue:
    """Write a question; those that are close appear while one types."""
    viewer = current_viewer()
    boards = community.boards_for(viewer, community.BoardType.SUPPORT)
    if not boards:
        raise NotFound(_("There is no board for questions yet."))
    form = QuestionForm(title=request.args.get("title", ""))
    form.offer(boards, request.args.get("board"))
    draft = drafts.begin(viewer, "ask", form)
    if form.validate_on_submit():
        try:
            question_id = services.ask_question(
                viewer,
                board=form.board.data,
                title=form.title.data or "",
                body=with_files(viewer, form.body.data),
                category=form.category.data or "",
                tags=form.words(),
            )
        except Invalid as refusal:
            _show_errors(form, refusal)
        else:
            drafts.sent(viewer, "ask")
            if queries.question_page(viewer, question_id).hidden is None:
                flash(_("Your question is out. We tell you when somebody answers."))
            return redirect(url_for("support.question", question_id=question_id))
    return render_template("support/ask.html", form=form, boards=boards, draft=draft), _status(form)


@bp.post("/questions/<int:question_id>/solved")
@access(signed_in)
def solved(question_id: int) -> ResponseReturnValue:
    """Close a draft because an earlier question solved it; who answered is thanked."""
    answer_id = request.form.get("answer_id", type=int)
    services.deflect(question_id, current_viewer(), answer_id=answer_id)
    flash(_("Good that it is solved. Your draft is gone, and who answered is thanked."))
    return redirect(url_for("support.question", question_id=question_id))


@bp.route("/questions/<int:question_id>/edit", methods=["GET", "POST"])
@access(signed_in)
def edit_question(question_id: int) -> ResponseReturnValue:
    """Change one's own question."""
    viewer = current_viewer()
    found = queries.question_page(viewer, question_id)
    services.check_may_edit(viewer, found.author_id)
    tags = community.tags_of(KIND, [question_id]).get(question_id, [])
    form = EditForm(title=found.title, body=found.body, tags=", ".join(tag.title for tag in tags))
    key = f"question-{question_id}"
    draft = drafts.begin(viewer, key, form)
    if form.validate_on_submit():
        try:
            body = with_files(viewer, form.body.data)
            services.edit_question(question_id, viewer, title=form.title.data or "", body=body, tags=form.words())
        except Invalid as refusal:
            _show_errors(form, refusal)
        else:
            drafts.sent(viewer, key)
            return redirect(url_for("support.question", question_id=question_id))
    return render_template("support/edit_question.html", form=form, question=found, draft=draft), _status(form)


@bp.post("/questions/<int:question_id>/answers")
@access(signed_in)
def answer(question_id: int) -> ResponseReturnValue:
    """Answer a question."""
    viewer, form = current_viewer(), TextForm()
    if form.validate_on_submit():
        try:
            official = viewer.is_staff and bool(request.form.get("official"))
            body = with_files(viewer, form.body.data)
            answer_id = services.answer_question(question_id, viewer, body=body, official=official)
        except Invalid as refusal:
            _show_errors(form, refusal)
        else:
            drafts.sent(viewer, f"answer-{question_id}")
            if queries.answer_row(answer_id, viewer).hidden is None:
                flash(_("Your answer is out."))
            return redirect(url_for("support.question", question_id=question_id, _anchor=f"answer-{answer_id}"))
    return shown(viewer, queries.question_page(viewer, question_id), form), UNPROCESSABLE


@bp.route("/answers/<int:answer_id>/edit", methods=["GET", "POST"])
@access(signed_in)
def edit_answer(answer_id: int) -> ResponseReturnValue:
    """Change one's own answer."""
    viewer = current_viewer()
    found = queries.answer_row(answer_id, viewer)
    services.check_may_edit(viewer, found.author_id)
    form, key = TextForm(body=found.body), f"edit-answer-{answer_id}"
    draft = drafts.begin(viewer, key, form)
    if form.validate_on_submit():
        try:
            services.edit_answer(answer_id, viewer, body=with_files(viewer, form.body.data))
        except Invalid as refusal:
            _show_errors(form, refusal)
        else:
            drafts.sent(viewer, key)
            return redirect(url_for("support.question", question_id=found.question_id, _anchor=f"answer-{answer_id}"))
    return render_template("support/edit_answer.html", form=form, answer=found, draft=draft), _status(form)


@bp.post("/questions/<int:question_id>/comments")
@access(signed_in)
def comment_on_question(question_id: int) -> ResponseReturnValue:
    """Comment on a question."""
    found = queries.question_page(current_viewer(), question_id)
    comment_id = _comment(KIND, found.id, found.board_id)
    return redirect(url_for("support.question", question_id=question_id, _anchor=f"comment-{comment_id}"))


@bp.post("/answers/<int:answer_id>/comments")
@access(signed_in)
def comment_on_answer(answer_id: int) -> ResponseReturnValue:
    """Comment on an answer."""
    found = queries.answer_row(answer_id, current_viewer())
    comment_id = _comment("answer", found.id, found.board_id)
    return redirect(url_for("support.question", question_id=found.question_id, _anchor=f"comment-{comment_id}"))


def _comment(kind: str, target_id: int, board_id: int) -> int:
    parent_id = request.form.get("parent_id", type=int)
    comment_id, _seen = community.post_comment(
        current_viewer(),
        board_id=board_id,
        target_kind=kind,
        target_id=target_id,
        body=with_files(current_viewer(), request.form.get("body", "")),
        parent_id=parent_id,
    )
    drafts.sent(current_viewer(), drafts.of_comment(kind, target_id, parent_id))
    return comment_id


def _show_errors(form: QuestionForm | EditForm | TextForm, refusal: Invalid) -> None:
    """Put what a service refused beside the fields it is about."""
    for name, sentence in refusal.fields.items():
        field = form[name] if name in form else form[next(iter(form)).short_name]
        field.errors = [*field.errors, str(sentence)]


def _status(form: QuestionForm | EditForm | TextForm) -> int:
    return UNPROCESSABLE if form.errors else 200
