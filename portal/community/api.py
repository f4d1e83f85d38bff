"""Conversation over the API: reactions, earlier versions, one's own drafts and uploads, who may be mentioned."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import request
from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.api import Input, Output, Reply, endpoint
from portal.community import queries as community
from portal.community import registry, rules
from portal.community.queries import conversation as queries
from portal.community.queries import mentions
from portal.community.sending import MOST, take
from portal.community.services import drafts, reactions, revisions, uploads
from portal.kernel.errors import NotFound, Refused
from portal.members.session import current_viewer

TAG = "conversation"
PLACE_MOST = 500


class ReactionsOut(Output):
    """How many reacted in which way, and how you did."""

    reactions: dict[str, int]
    mine: list[str]


class VersionOut(Output):
    """One version of a text. One that moderators took out of sight has no words."""

    number: int
    title: str
    body: str
    at: datetime
    author: int
    redacted: bool


class VersionsOut(Output):
    """All versions of a text, the first one first."""

    items: list[VersionOut]


class DraftOut(Output):
    """What you have typed into a form and not sent."""

    key: str
    place: str
    title: str
    fields: dict[str, str]
    device: str
    version: int
    saved_at: datetime


class DraftsOut(Output):
    """What you have begun, the latest first."""

    items: list[DraftOut]


class DraftIn(Input):
    """What is typed in a form. ``version`` is the one it began with; another one is not written over."""

    fields: Annotated[dict[str, str], Field(max_length=drafts.FIELDS_MOST)]
    place: Annotated[str, Field(max_length=PLACE_MOST)] = "/"
    version: Annotated[int, Field(ge=0, le=2**62)] = 0
    anyway: Annotated[bool, Field(description="Write over what another device kept in between")] = False


class UploadOut(Output):
    """A picture or a file of yours, and how a text shows it."""

    key: str
    url: str
    kind: Literal["image", "file"]
    name: str
    alt: str
    content_type: str
    size: Annotated[int, Field(description="Bytes, of all sizes of a picture together")]
    width: int | None
    height: int | None
    markdown: str
    created_at: datetime
    target_kind: Annotated[str | None, Field(description="The text it belongs to: whoever sees that may fetch it")]
    target_id: int | None


class UploadsOut(Output):
    """What you have sent, the latest first."""

    items: list[UploadOut]


class PeopleWanted(Input):
    """Whose name begins how, and on which board."""

    board: Annotated[str, Field(max_length=100)]
    q: Annotated[str, Field(min_length=2, max_length=60)]


class PersonOut(Output):
    """A member who may be mentioned on the board: write ``[@name](/members/id)``."""

    id: int
    name: str
    kind: str
    job: str


class PeopleOut(Output):
    """Members in order of their names, at most eight."""

    items: list[PersonOut]


def _see(kind: str, target_id: int) -> None:
    if kind not in reactions.KINDS or (kind, target_id) not in registry.describe(current_viewer(), [(kind, target_id)]):
        raise NotFound(_l("There is nothing here to react to."))


def _reactions(marks: str) -> ReactionsOut:
    given = rules.reactions_of(marks)
    return ReactionsOut(
        reactions={name: count for name, (count, _mine) in given.items()},
        mine=[name for name, (_count, mine) in given.items() if mine],
    )


@endpoint(
    "GET",
    "/reactions/<kind>/<int:target_id>",
    response=ReactionsOut,
    summary="Reactions to an idea, question, answer or comment",
    tag=TAG,
    errors=(404,),
)
def get_reactions(kind: str, target_id: int) -> ReactionsOut:
    """Return the reactions to one text: `thanks`, `agree`, `insightful`, `celebrate`."""
    _see(kind, target_id)
    return _reactions(queries.reactions_to(kind, target_id, current_viewer().member_id))


@endpoint(
    "PUT",
    "/reactions/<kind>/<int:target_id>/<reaction>",
    response=ReactionsOut,
    summary="React to a text",
    tag=TAG,
    errors=(404, 409, 422),
)
def put_reaction(kind: str, target_id: int, reaction: str) -> ReactionsOut:
    """React to what somebody else wrote. A second time changes nothing."""
    return _reactions(reactions.react(current_viewer(), kind, target_id, reaction, on=True))


@endpoint(
    "DELETE",
    "/reactions/<kind>/<int:target_id>/<reaction>",
    response=ReactionsOut,
    summary="Take a reaction back",
    tag=TAG,
    errors=(404, 409, 422),
)
def delete_reaction(kind: str, target_id: int, reaction: str) -> ReactionsOut:
    """Take a reaction back. A second time changes nothing."""
    return _reactions(reactions.react(current_viewer(), kind, target_id, reaction, on=False))


@endpoint(
    "GET",
    "/revisions/<kind>/<int:target_id>",
    response=VersionsOut,
    summary="The versions of a text",
    tag=TAG,
    errors=(404,),
)
def list_revisions(kind: str, target_id: int) -> VersionsOut:
    """List what a text said from the first version on; 404 for one that was never changed."""
    return _versions(kind, target_id)


@endpoint(
    "POST",
    "/revisions/<kind>/<int:target_id>/<int:number>/restore",
    response=VersionsOut,
    summary="Bring an earlier version of your text back",
    tag=TAG,
    status=200,
    errors=(404, 409),
)
def restore_revision(kind: str, target_id: int, number: int) -> VersionsOut:
    """Bring an earlier version back, as a new one. Its author may, and so may moderators."""
    revisions.restore(current_viewer(), kind, target_id, number)
    return _versions(kind, target_id)


def _versions(kind: str, target_id: int) -> VersionsOut:
    rows = revisions.history(current_viewer(), kind, target_id)
    names = ("number", "title", "body", "at", "redacted")
    return VersionsOut(
        items=[VersionOut(author=row.author_id, **{name: getattr(row, name) for name in names}) for row in rows]
    )


@endpoint("GET", "/drafts", response=DraftsOut, summary="Your drafts", tag=TAG, signed_in=True)
def list_drafts() -> dict[str, Any]:
    """List what you have begun to write."""
    return {"items": queries.drafts_of(current_viewer().id)}


@endpoint("GET", "/drafts/<key>", response=DraftOut, summary="A draft of yours", tag=TAG, signed_in=True, errors=(404,))
def get_draft(key: str) -> queries.DraftCard:
    """Return what you have typed into one form, such as `propose`, `ask`, `answer-12`, `comment-idea-7`."""
    found = queries.draft_of(current_viewer().id, key)
    if found is None:
        raise NotFound(_l("There is no such draft."))
    return found


@endpoint("PUT", "/drafts/<key>", body=DraftIn, response=DraftOut, summary="Keep a draft", tag=TAG, errors=(409, 410))
def put_draft(key: str, body: DraftIn) -> queries.DraftCard:
    """Keep what is typed in a form; 409 when another device kept something else since ``version``."""
    saved = drafts.save(
        current_viewer().id,
        key,
        place=body.place,
        fields=body.fields,
        version=body.version,
        device="API",
        anyway=body.anyway,
    )
    if saved.other:
        raise Refused(drafts.IN_BETWEEN)
    return saved.draft


@endpoint("DELETE", "/drafts/<key>", summary="Throw a draft away", tag=TAG, status=204)
def delete_draft(key: str) -> None:
    """Throw a draft away. A second time changes nothing."""
    drafts.drop(current_viewer().id, key)


@endpoint("GET", "/uploads", response=UploadsOut, summary="What you have sent", tag=TAG, signed_in=True)
def list_uploads() -> dict[str, Any]:
    """List your pictures and files."""
    return {"items": queries.uploads_of(current_viewer().id)}


@endpoint(
    "POST",
    "/uploads",
    files=True,
    response=UploadOut,
    summary="Send a picture or a file",
    tag=TAG,
    body_most=MOST,
    errors=(413, 415, 422, 429, 503),
)
def post_upload() -> Reply:
    """Send one file as ``multipart/form-data``: ``file``, and for a picture ``alt``, the words that stand for it.

    Pictures (JPEG, PNG, WebP, GIF) are drawn anew, PDF files must do nothing but show pages, texts and tables (CSV) are
    written anew. Until a text of yours shows it by its ``markdown``, nobody else can fetch it.
    """
    card = take(current_viewer(), alt=request.form.get("alt", ""))[0]
    return Reply(card, headers={"Location": f"/api/v1/uploads/{card.key}"})


@endpoint(
    "GET", "/uploads/<key>", response=UploadOut, summary="A picture or file", tag=TAG, signed_in=True, errors=(404,)
)
def get_upload(key: str) -> queries.UploadCard:
    """Say what lies under a key; the bytes are at its ``url``."""
    return uploads.upload_for(current_viewer(), key)


@endpoint("DELETE", "/uploads/<key>", summary="Throw away what you sent", tag=TAG, status=204, errors=(404,))
def delete_upload(key: str) -> None:
    """Throw away a picture or file of yours, wherever it is shown."""
    uploads.withdraw(current_viewer(), key)


@endpoint(
    "GET",
    "/mentions",
    query=PeopleWanted,
    response=PeopleOut,
    summary="Who may be mentioned",
    tag=TAG,
    signed_in=True,
    errors=(404,),
)
def people(query: PeopleWanted) -> dict[str, Any]:
    """Return members whose name begins so, and who may see the board."""
    board = community.board_by_key(current_viewer(), query.board)
    return {"items": mentions.people_like(query.q, audience=board.audience)}
