"""Drafts: what was typed and not sent, the same on all devices."""

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community.queries import conversation as queries
from portal.community.queries.conversation import DraftCard
from portal.community.services import drafts as services
from portal.kernel.errors import NotFound
from portal.members.agents import device_of
from portal.members.policy import Viewer, access, signed_in
from portal.members.rules import own_path
from portal.members.session import current_viewer

bp = Blueprint("drafts", __name__)
OURS = frozenset({"csrf_token", "draft", "draft_version", "draft_anyway", "draft_place", "file", "alt", "preview"})
CONFLICT = 409


@bp.get("/account/drafts")
@access(signed_in)
def drafts() -> ResponseReturnValue:
    """List what the reader has begun."""
    return render_template("community/drafts.html", drafts=queries.drafts_of(current_viewer().id))


@bp.post("/drafts")
@access(signed_in)
def save() -> ResponseReturnValue:
    """Keep what is typed in a form; scripts get the state of the draft, browsers the form again.

    What another device has kept in between is shown and not written over.
    """
    viewer, key = current_viewer(), request.form.get("draft", "")
    by_script = request.headers.get("HX-Request") == "true"
    version = request.form.get("draft_version", 0, type=int)
    if not by_script and queries.draft_of(viewer.id, key) is None:
        version = 0  # a button is pressed on purpose: the draft begins anew
    saved = services.save(
        viewer.id,
        key,
        place=request.form.get("draft_place") or _came_from(),
        fields={name: text for name, text in request.form.items() if name not in OURS},
        version=version,
        device=device_of(request.user_agent.string),
        anyway=request.form.get("draft_anyway") == "1",
    )
    if by_script:
        return jsonify(_plain(saved.draft)), CONFLICT if saved.other else 200
    if saved.other:
        mine = {name: text for name, text in request.form.items() if name not in OURS}
        page = render_template("community/draft_conflict.html", mine=mine, other=saved.draft, key=key)
        return page, CONFLICT
    flash(_("Your draft is kept, on all your devices."))
    return redirect(own_path(saved.draft.place), 303)


@bp.get("/drafts/<key>")
@access(signed_in)
def draft(key: str) -> Response:
    """Return one draft to the page with its form; scripts are told by an empty answer that there is none."""
    found = queries.draft_of(current_viewer().id, key)
    if found is None and request.headers.get("HX-Request") == "true":
        return Response(status=204)
    if found is None:
        raise NotFound(_("There is no such draft."))
    return jsonify(_plain(found))


@bp.post("/drafts/<key>/delete")
@access(signed_in)
def delete(key: str) -> ResponseReturnValue:
    """Throw a draft away."""
    services.drop(current_viewer().id, key)
    if request.headers.get("HX-Request") == "true":
        return Response(status=204)
    flash(_("The draft is gone."))
    return redirect("/account/drafts", 303)


def _came_from() -> str:
    """Return the page of ours that the form stands on."""
    came = request.referrer or ""
    return came.removeprefix(request.host_url.rstrip("/")) if came.startswith(request.host_url) else "/account/drafts"


def _plain(one: DraftCard) -> dict[str, Any]:
    return {
        "key": one.key,
        "fields": one.fields,
        "version": one.version,
        "saved_at": one.saved_at.isoformat(timespec="seconds"),
        "device": one.device,
        "place": one.place,
    }


def begin(viewer: Viewer, key: str, form: Any) -> DraftCard | None:
    """Put a member's draft into an empty form and return it; None when there is none, or something was sent."""
    if request.method != "GET":
        return None
    found = services.filled(viewer.member_id, key)
    for field in form if found is not None else ():
        if field.name in found.fields and field.name not in OURS:  # type: ignore[union-attr]
            field.data = found.fields[field.name]  # type: ignore[union-attr]
    return found


def filled(viewer: Viewer, key: str) -> DraftCard | None:
    """Return what a member has typed into one form."""
    return services.filled(viewer.member_id, key)


def of_comment(kind: str, target_id: int, parent_id: int | None = None) -> str:
    """Return the name of the draft of a comment on a thing, or of a reply to one: each reply has its own."""
    return f"comment-{kind}-{target_id}" + (f"-{parent_id}" if parent_id else "")


def sent(viewer: Viewer, key: str) -> None:
    """Throw away the draft of what has just been sent."""
    services.drop(viewer.member_id, key)
