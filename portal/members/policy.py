"""The one policy: who may do what. Pages, API, sockets, search, feeds, exports and jobs all ask it.

Everything is denied that is not allowed here. A route declares who may use it with `access`; a route without a
declaration is refused. Whether a *thing* may be seen follows from its board's audience and its own state.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.kernel.clock import now
from portal.kernel.errors import Forbidden, NotSignedIn, Suspended
from portal.members.rules import ERASED, GONE, Kind, Role, is_in_audience

V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking, as plain values; `NOBODY` when no one has signed in."""

    member_id: int | None = None
    name: str = ""
    kind: str | None = None
    roles: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    organisation_id: int | None = None
    lang: str | None = None
    verified: bool = False
    joined_days: int = 0
    scopes: frozenset[str] | None = field(default=None)
    """Scopes of the token in use; None for a browser session, which has all."""
    suspended_until: datetime | None = None
    trust_level: int = 0
    second_factor: bool = False
    """Whether this session was opened with two proofs, or the token by somebody who has two."""
    sleeping: frozenset[str] = frozenset()
    """Roles that wait for a second proof: they are not among `roles`, and so they open nothing."""
    unread: int = 0
    """How many notices are new to her, in a browser's session."""
    owes_terms: bool = False
    """Whether there are newer terms than those she accepted."""

    @property
    def suspended(self) -> bool:
        """Return whether moderators have taken the pen away for now: she reads, and writes nothing."""
        return self.suspended_until is not None and self.suspended_until > now()

    @property
    def is_anonymous(self) -> bool:
        """Return whether nobody has signed in."""
        return self.member_id is None

    @property
    def is_staff(self) -> bool:
        """Return whether the company employs this member, and she has proved it as far as her roles ask."""
        return self.kind == Kind.STAFF and not self.sleeping

    def has_role(self, *wanted: str) -> bool:
        """Return whether the viewer holds one of these roles; an admin holds all."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(wanted)

    def has_scope(self, scope: str) -> bool:
        """Return whether the token in use, if any, allows this."""
        return self.scopes is None or scope in self.scopes

    @property
    def id(self) -> int:
        """Return the member's id.

        :raise NotSignedIn: when nobody has signed in.
        """
        if self.member_id is None:
            raise NotSignedIn(_l("Sign in to do this."))
        return self.member_id


NOBODY = Viewer()


def may_see_audience(viewer: Viewer, audience: str) -> bool:
    """Return whether the viewer belongs to a board's audience."""
    kind = None if viewer.sleeping else viewer.kind
    return is_in_audience(
        audience, kind=kind, roles=viewer.roles, segments=viewer.segments, organisation_id=viewer.organisation_id
    )


def may_see_hidden(viewer: Viewer, *, author_id: int | None = None, why: str | None = None) -> bool:
    """Return whether a contribution that is out of sight is shown to this viewer, with a note that says so.

    Moderators see all that is left of it. Its author sees what others hid or hold back, so that she may mend it or
    appeal; what she took back herself is gone for her, too. To everybody else it does not exist.

    :param why: what stands in ``hidden_why``; None for what was hidden before reasons were kept.
    """
    if why == ERASED or viewer.is_anonymous:
        return False
    if viewer.has_role(Role.MODERATOR):
        return True
    return viewer.member_id == author_id and why not in GONE


def own_sentence(viewer: Viewer) -> object:
    """Return what a suspended member is told who tries to write."""
    until = format_date(viewer.suspended_until or now(), format="long")
    return _("Until %(until)s you can read here, but not write.", until=until)


_told_when_suspended: list[Callable[[Viewer], object]] = [own_sentence]


def explains_suspension(explain: Callable[[Viewer], object]) -> Callable[[Viewer], object]:
    """Declare what a suspended member is told who tries to write: moderation knows the reason and the way to appeal."""
    _told_when_suspended[:] = [explain]
    return explain


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: `anyone`, those `signed_in`, holders of one of ``roles``, tokens with ``scope``.

    Who is suspended may read what she may see. She changes nothing, except where a route says so.
    """

    name: str
    signed_in: bool = False
    roles: frozenset[str] = frozenset()
    scope: str | None = None
    suspended: bool = False
    """Whether the suspended may write here, too: to appeal, to look after their own account and data."""

    def check(self, viewer: Viewer, *, writes: bool = False) -> None:
        """Let the viewer pass or say why not.

        :raise NotSignedIn: when somebody must sign in first.
        :raise Forbidden: when the viewer lacks the role, or the token the scope, or may not write now.
        """
        if (self.signed_in or self.roles) and viewer.is_anonymous:
            raise NotSignedIn(_l("Sign in to do this."))
        if self.roles and not viewer.has_role(*self.roles):
            raise Forbidden(self._why_not(viewer))
        if self.scope and not viewer.has_scope(self.scope):
            raise Forbidden(_l("This token lacks the scope “%(scope)s”.", scope=self.scope))
        if writes and (self.signed_in or self.roles) and viewer.suspended and not self.suspended:
            raise Suspended(_told_when_suspended[0](viewer))

    def sleeps(self, viewer: Viewer) -> bool:
        """Return whether the viewer could pass if she proved herself a second time."""
        return bool(self.roles) and (Role.ADMIN in viewer.sleeping or not viewer.sleeping.isdisjoint(self.roles))

    def _why_not(self, viewer: Viewer) -> object:
        if self.sleeps(viewer):
            return _l("Your role opens this only with a second proof. Set one up, or sign in with it.")
        return _l("This is for other roles than yours.")


anyone = Access("anyone")
signed_in = Access("signed_in", signed_in=True)


def role(*names: Role, scope: str | None = None) -> Access:
    """Return the access of those who hold one of these roles, and of admins."""
    return Access("role:" + ",".join(names), roles=frozenset(names), scope=scope)


def scoped(scope: str, *, member: bool = True) -> Access:
    """Return the access of an API route: a token with this scope, or a browser session."""
    return Access(f"scope:{scope}", signed_in=member, scope=scope)


def access(rule: Access, *, suspended: bool = False) -> Callable[[V], V]:
    """Declare who may use a view. The check runs before the view does; see `session.init_app`.

    :param suspended: whether those who are suspended may write here, too.
    """
    declared = replace(rule, suspended=True) if suspended else rule

    def declare(view: V) -> V:
        view.access = declared  # type: ignore[attr-defined]
        return view

    return declare


def access_of(view: Callable[..., Any]) -> Access | None:
    """Return what a view declared, or None: then nobody may use it."""
    found: Access | None = getattr(view, "access", None)
    return found
