"""Pages of the shell: the front, the staff's door, language and theme."""

from datetime import timedelta

from flask import Blueprint, Flask, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.analytics import facade as analytics
from portal.community.facade import boards_for
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.members import facade as members
from portal.members.policy import access, anyone, signed_in
from portal.members.rules import own_path
from portal.members.services import set_language
from portal.web import cache, errors, headers, health, home, language, safety, templating, tokens
from portal.web.language import CODES, COOKIE, reader
from portal.web.site import Site

web = Blueprint("web", __name__)
YEAR = 31_536_000
MOST_ROOMS = 12


def init_app(app: Flask) -> None:
    """Wire the shell: language first, because everything else speaks."""
    language.init_app(app)
    templating.init_app(app)
    headers.init_app(app)
    tokens.init_app(app)
    errors.init_app(app)
    app.register_blueprint(web)
    app.extensions["csrf"].exempt(switch_theme)  # changes nothing but how this device draws
    health.init_app(app)
    cache.init_app(app)


@web.get("/")
@access(anyone)
def front() -> ResponseReturnValue:
    """Show the front page."""
    viewer = reader()
    boards = boards_for(viewer)
    rooms = " ".join(f"board:{board.id}" for board in boards[:MOST_ROOMS])
    return render_template("web/home.html", front=home.front(viewer), boards=boards, rooms=rooms)


@web.get("/members/<int:member_id>")
@web.get("/members/<int:member_id>/<slug>")
@access(anyone)
def member(member_id: int, slug: str = "") -> ResponseReturnValue:  # noqa: ARG001 - for people who read addresses
    """Show a member's page; that of an account which was joined to another leads there."""
    try:
        who = home.member_page(reader(), member_id)
    except NotFound:
        if (kept := members.stands_for(member_id)) == member_id:
            raise
        return redirect(members.member_card(kept).url)
    return render_template(
        "web/member.html",
        who=who,
        level_names=analytics.LEVELS,
        badge_names=analytics.BADGES,
        badge_grounds=analytics.BADGE_GROUNDS,
    )


@web.get("/safety")
@access(anyone)
def how_it_is_kept_safe() -> ResponseReturnValue:
    """Say how this place is kept safe, as it is configured."""
    return render_template(
        "web/safety.html", parts=safety.parts(), contact=current_app.config["PORTAL_SECURITY_CONTACT"]
    )


@web.get("/.well-known/security.txt")
@access(anyone)
def security_txt() -> ResponseReturnValue:
    """Tell those who find a hole where to write (RFC 9116)."""
    contact = current_app.config["PORTAL_SECURITY_CONTACT"]
    if not contact:
        raise NotFound
    way = contact if "://" in contact else f"mailto:{contact}"
    site = current_app.config["PORTAL_URL"]
    expires = (now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {way}", f"Expires: {expires}", "Preferred-Languages: it, en", f"Policy: {site}/safety"]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@web.get("/staff")
@access(signed_in)
def staff() -> ResponseReturnValue:
    """Open the first page of the staff's house that this member may see."""
    return redirect(Site(reader()).first_of_staff())


@web.get("/preferences/language/<code>")
@access(anyone)
def choose_language(code: str) -> ResponseReturnValue:
    """Keep the chosen language on this device and go back."""
    answer = redirect(_back(request.args.get("next", "/")))
    if code not in CODES:
        return answer
    if (member_id := reader().member_id) is not None:
        set_language(member_id, code)
    return _remember(answer, COOKIE, code)


@web.post("/preferences/theme")
@access(anyone)
def switch_theme() -> ResponseReturnValue:
    """Turn light into dark and back; scripts do the same without asking."""
    answer = redirect(_back(request.form.get("next", "/")), 303)
    return _remember(answer, "theme", "light" if templating.theme() == "dark" else "dark")


def _remember(answer: Response, name: str, value: str) -> Response:
    answer.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=request.is_secure)
    return answer


def _back(target: str) -> str:
    """Return a path of ours; anything that would lead elsewhere becomes the front."""
    return own_path(target)
