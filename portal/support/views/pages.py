"""Pages that only read: the lists of questions, and one question."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import facade as community
from portal.community.queries.conversation import DraftCard
from portal.community.screening import Why
from portal.community.views import drafts
from portal.kernel.errors import NotFound
from portal.members.policy import Viewer, access, anyone
from portal.members.session import current_viewer
from portal.support import drawing, queries, rules, twins
from portal.support.drawing import Powers, Thread, drawer
from portal.support.forms import TextForm
from portal.support.queries import KIND, AnswerRow, QuestionPage, QuestionRow

bp = Blueprint("support", __name__)
BIGGEST = 2**62
WORDS_MOST = 200


def init_pages() -> None:
    """Show boards of questions at ``/boards/<key>``."""
    community.shows_boards(community.BoardType.SUPPORT)(show_board)


@bp.get("/questions")
@access(anyone)
def questions() -> ResponseReturnValue:
    """Show the questions of all boards, or of those that were chosen."""
    viewer = current_viewer()
    boards = community.boards_for(viewer, community.BoardType.SUPPORT)
    if chosen := request.args.get("board"):
        return show_board(community.board_by_key(viewer, chosen, community.BoardType.SUPPORT))
    return _list(viewer, boards, None)


def show_board(board: "community.BoardCard") -> ResponseReturnValue:
    """Show the questions of one board."""
    return _list(current_viewer(), [board], board)


def _list(
    viewer: Viewer, boards: "Sequence[community.BoardCard]", board: "community.BoardCard | None"
) -> ResponseReturnValue:
    tag = _tag(request.args.get("tag"))
    listing = _listing(request.args.get("sort"))
    q = request.args.get("q", "").strip()[:WORDS_MOST]
    page = queries.list_questions(
        [one.id for one in boards],
        listing,
        q=q,
        tag_id=tag.id if tag is not None else None,
        category=request.args.get("category") or None,
        cursor=request.args.get("cursor"),
    )
    ids = [row.id for row in page.items]
    community.record_impressions(viewer, KIND, ids, listing)
    return render_template(
        "support/questions.html",
        page=page,
        boards=boards,
        board=board,
        rows=drawing.rows(
            viewer,
            page.items,
            community.tags_of(KIND, ids),
            None if board is not None else {one.id: one for one in boards},
        ),
        tag=tag,
        q=q,
        listing=listing,
        links=_links(board, tag),
        following_page=_address(board, sort=listing, tag=tag, cursor=page.next) if page.next else "",
        first_page=_address(board, sort=listing, tag=tag) if request.args.get("cursor") else "",
    )


def _listing(word: str | None) -> str:
    return word if word in set(rules.Listing) else rules.Listing.NEWEST.value


def _tag(word: str | None) -> "community.TagCard | None":
    if not word:
        return None
    found = community.tag_by_key(word)
    if found is None:
        raise NotFound(_("There is no such tag."))
    return found


def _links(board: "community.BoardCard | None", tag: "community.TagCard | None") -> dict[str, str]:
    return {listing.value: _address(board, sort=listing.value, tag=tag) for listing in rules.Listing}


def _address(
    board: "community.BoardCard | None",
    *,
    sort: str,
    tag: "community.TagCard | None" = None,
    cursor: str | None = None,
) -> str:
    """Return the address of a list; what is as usual is left out."""
    return url_for(
        "support.questions",
        board=board.key if board is not None else None,
        sort=sort if sort != rules.Listing.NEWEST else None,
        tag=tag.key if tag is not None else None,
        category=request.args.get("category") or None,
        q=request.args.get("q", "").strip()[:WORDS_MOST] or None,
        cursor=cursor,
    )


@bp.get("/questions/<int:question_id>")
@access(anyone)
def question(question_id: int) -> ResponseReturnValue:
    """Show one question with its answers."""
    viewer = current_viewer()
    form, draft, remark = TextForm(), None, None
    if (begun := request.args.get("draft", "")).startswith("comment-"):
        remark = drafts.filled(viewer, begun)
    elif begun:
        draft = drafts.begin(viewer, f"answer-{question_id}", form)
    try:
        found = queries.question_page(viewer, question_id)
        if found.hidden == Why.MERGED:
            raise NotFound
    except NotFound:
        if (kept := twins.merged_into(question_id)) is None:
            raise
        return redirect(f"/questions/{queries.question_page(viewer, kept).id}")
    return shown(viewer, found, form, draft, remark)


def shown(
    viewer: Viewer,
    found: QuestionPage,
    form: TextForm,
    draft: DraftCard | None = None,
    remark: DraftCard | None = None,
) -> str:
    """Return the page of a question, with an answer that was typed if it is in the form.

    :param remark: a comment on it, or on one of its answers, that was begun and comes back.
    """
    answers = queries.answers_to(found.id, viewer)
    around = _surroundings(viewer, found, answers, remark) | {"draft": draft}
    page = drawing.page(viewer, around, form=form, typed=bool(form.errors or form.body.data or remark))
    return render_template("support/question.html", question=found, board=around["board"], page=page, form=form)


def _surroundings(
    viewer: Viewer, found: QuestionPage, answers: Sequence[AnswerRow], remark: DraftCard | None
) -> dict[str, Any]:
    """Return what the page of a question shows."""
    powers = Powers(
        may_accept=not viewer.is_anonymous and _may_accept(viewer, found),
        may_mark=viewer.is_staff or viewer.has_role("support_agent"),
        is_agent=viewer.has_role("support_agent"),
        may_hide=viewer.has_role("moderator"),
    )
    things = [(KIND, found.id), *(("answer", row.id) for row in answers)]
    threads = community.threads_on(things, reader=viewer.member_id)
    comments = threads.pop((KIND, found.id), [])
    under = {answer_id: rows for (_kind, answer_id), rows in threads.items()}
    replying = _replied([*comments, *(row for rows in under.values() for row in rows)])
    return {
        "question": found,
        "board": community.board_by_id(viewer, found.board_id),
        "answers": answers,
        "counted": sum(row.hidden is None for row in answers),
        "tags": found.tags,
        "topics": list(community.topics_of(KIND, [found.id]).get(found.id, ())),
        "commented": [*comments, *(comment for rows in under.values() for comment in rows)],
        "comments": _thread(comments),
        "replying": replying,
        "opened": request.args.get("open", type=_number),
        "drawn": drawer(
            viewer, found, powers, {answer_id: _thread(rows) for answer_id, rows in under.items()}, replying, remark
        ),
        "remark": remark,
        "powers": powers,
        "following": found.following,
        "sureness": [(row, rules.interval(row.useful, row.useless)) for row in answers if row.useful + row.useless][:4],
        "is_agent": powers.is_agent,
        "may_hide": powers.may_hide,
    }


def _may_accept(viewer: Viewer, found: QuestionRow) -> bool:
    is_agent = viewer.has_role("support_agent")
    return rules.why_not_accept(asker_id=found.author_id, member_id=viewer.id, is_agent=is_agent) is None


def _thread(rows: "list[community.CommentRow]") -> list[Thread]:
    by_id = {row.id: row for row in rows}
    branches = community.thread({row.id: row.parent_id for row in rows})
    part = community.folded(branches, opened=request.args.get("open", type=_number))
    return [Thread(by_id[one.id], [by_id[reply] for reply in one.replies], one.left_out) for one in part]


def _replied(rows: "list[community.CommentRow]") -> "community.CommentRow | None":
    """Return the comment that is about to be replied to, if the address names one that is here."""
    wanted = request.args.get("parent", type=_number)
    return next((row for row in rows if row.id == wanted and row.seen), None)


def _number(words: str) -> int:
    """Return the number of something; one that cannot be is none that anything has."""
    return min(max(int(words), 0), BIGGEST)
