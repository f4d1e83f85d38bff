"""What every page knows of the place it is in: its name, its sections, and which of them exist for this reader."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from portal.kernel.errors import PortalError
from portal.kernel.formats import language
from portal.members.policy import Viewer, access_of

View = Callable[..., Any]
LANGUAGES = (("it", "Leggi in italiano"), ("en", "Read in English"))


@dataclass(frozen=True, slots=True)
class Place:
    """One link of a navigation."""

    key: str
    href: str
    label: object
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Links of the staff's rail under one of the five Ms."""

    label: object
    items: Sequence[Place]


SECTIONS = (
    Place("ideas", "/ideas", _l("Ideas")),
    Place("questions", "/questions", _l("Questions")),
    Place("challenges", "/challenges", _l("Challenges")),
    Place("roadmap", "/roadmap", _l("Roadmap")),
    Place("workspaces", "/workspaces", _l("Workspaces")),
)
RAIL = (
    Group(
        _l("Monitoring"),
        (
            Place("desk", "/staff/desk", _l("Agent’s desk"), "phone"),
            Place("topics", "/staff/topics", _l("Topics"), "topics"),
            Place("moderation", "/staff/moderation", _l("Moderation"), "alert"),
            Place("audit", "/staff/audit", _l("Audit record"), "file"),
        ),
    ),
    Group(
        _l("Mapping"),
        (
            Place("members", "/staff/members", _l("Members"), "users"),
            Place("organisations", "/staff/organisations", _l("Organisations"), "home"),
            Place("invitations", "/staff/invitations", _l("Invitations"), "mail"),
            Place("identities", "/staff/identities", _l("Identities"), "link"),
            Place("guests", "/staff/guests", _l("Guests"), "user"),
            Place("experts", "/staff/experts", _l("Experts"), "answer"),
            Place("benefits", "/staff/benefits", _l("Benefits"), "sprout"),
            Place("segments", "/staff/segments", _l("Segments"), "users"),
        ),
    ),
    Group(
        _l("Management"),
        (
            Place("programme", "/staff/programme", _l("Programme"), "roadmap"),
            Place("exports", "/staff/exports", _l("Boards as files"), "file"),
        ),
    ),
    Group(
        _l("Middleware"),
        (
            Place("crm", "/staff/crm", _l("CRM status"), "sync"),
            Place("jobs", "/staff/jobs", _l("Work under way"), "clock"),
            Place("mail", "/staff/mail", _l("Mails that were kept"), "mail"),
        ),
    ),
    Group(_l("Measurement"), (Place("participation", "/staff/participation", _l("Participation"), "chart"),)),
)
ACCOUNT = (
    Place("questions-for-me", "/questions/for-me", _l("Questions for you"), "question"),
    Place("drafts", "/account/drafts", _l("Your drafts"), "edit"),
    Place("account", "/account", _l("Your account"), "edit"),
    Place("notification-wishes", "/account/notifications", _l("What you want to hear"), "bell"),
    Place("privacy", "/account/privacy", _l("Privacy"), "shield"),
    Place("figures", "/account/figures", _l("Your figures"), "chart"),
    Place("reputation", "/account/reputation", _l("Your reputation"), "rising"),
    Place("identities", "/account/identities", _l("Known elsewhere"), "link"),
    Place("tokens", "/account/tokens", _l("API tokens"), "key"),
    Place("moderation", "/account/moderation", _l("Moderation and you"), "alert"),
)
FOOTER = (
    Place("promises", "/promises", _l("Our promises")),
    Place("privacy", "/privacy", _l("Privacy")),
    Place("terms", "/terms", _l("Terms")),
    Place("safety", "/safety", _l("How we keep it safe")),
    Place("api", "/api/v1/docs", _l("API")),
)


class Site:
    """The place, as one reader finds it."""

    languages = LANGUAGES

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    @property
    def name(self) -> str:
        """Return the name of the community."""
        return str(current_app.config["PORTAL_NAME"])

    @property
    def headline(self) -> str:
        """Return what the front page says first, in the reader's language."""
        return str(current_app.config[f"PORTAL_HEADLINE_{language().upper()}"])

    @property
    def stylesheet(self) -> str:
        """Return the address of the brand's own style sheet, which sets its three tokens, or nothing."""
        return str(current_app.config.get("PORTAL_BRAND_CSS", ""))

    @property
    def imprint(self) -> str:
        """Return who runs this place."""
        return str(current_app.config.get("PORTAL_IMPRINT") or self.name)

    def has(self, path: str) -> bool:
        """Return whether something answers at this path and this reader may go there."""
        found = _view_at(current_app, path)
        if found is None:
            return False
        rule = access_of(found)
        if rule is None:
            return True
        try:
            rule.check(self.viewer)
        except PortalError:
            return False
        return True

    def sections(self) -> Iterator[Place]:
        """Yield the sections of the main navigation."""
        return (place for place in SECTIONS if self.has(place.href))

    def account(self) -> Iterator[Place]:
        """Yield what stands in the account's menu."""
        return (place for place in ACCOUNT if self.has(place.href))

    def footer(self) -> Iterator[Place]:
        """Yield the links below every page."""
        return (place for place in FOOTER if self.has(place.href))

    def rail(self) -> Iterator[Group]:
        """Yield the staff's rail by the five Ms; a group without a page is left out."""
        for group in RAIL:
            items = [place for place in group.items if self.has(place.href)]
            if items:
                yield Group(group.label, items)

    def first_of_staff(self) -> str:
        """Return the first page of the staff's house that this reader may see; the front without any."""
        return next((place.href for group in self.rail() for place in group.items), "/")


def _view_at(app: Flask, path: str) -> View | None:
    known: dict[str, View | None] = app.extensions.setdefault("portal_places", {})
    if path not in known:
        known[path] = _look(app, path)
    return known[path]


def _look(app: Flask, path: str) -> View | None:
    adapter = app.url_map.bind("localhost")
    for method in ("GET", "POST"):
        try:
            endpoint, _values = adapter.match(path, method=method)
        except MethodNotAllowed:
            continue
        except RequestRedirect:
            return None
        except HTTPException:
            return None
        return app.view_functions.get(endpoint)
    return None
