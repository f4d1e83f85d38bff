"""Reputation over the API."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.analytics.reputation import facade, given, queries, words
from portal.analytics.reputation.services import benefits
from portal.analytics.reputation.services.benefits import Gift
from portal.api.endpoints import Id, Input, Listing, Output, Paged, endpoint
from portal.kernel.errors import Forbidden, NotFound
from portal.kernel.paging import Page
from portal.members import facade as members
from portal.members.rules import Role
from portal.members.session import current_viewer

TAG = "reputation"
RULE_MOST = 300


class BadgeOut(Output):
    """A badge that a member holds, and what it rests on."""

    key: str
    title: str
    ground: dict[str, Any]
    since: datetime


class ReputationLineOut(Output):
    """One line of the ledger."""

    id: Id
    kind: str
    object_kind: str
    object_id: int
    at: datetime
    points: Annotated[int, Field(description="What the policy gives for it")]
    weight: Annotated[float, Field(description="Trust of whoever gave it, 0 to 1")]
    counted: Annotated[float, Field(description="What it came to, under the caps")]
    cap: Annotated[str, Field(description="What held it back: reversed, unknown, object, pair, day; or empty")]
    policy: int
    reversed_at: datetime | None
    reversed_why: str | None


class NeedOut(Output):
    """What stands between a member and the next level."""

    need: str
    has: float
    wants: float


class ReputationOut(Listing[ReputationLineOut]):
    """A member's reputation with its lines, the newest first."""

    member: Id
    points: float
    people: Annotated[int, Field(description="Distinct trusted people who gave points")]
    days: int
    place: Annotated[int | None, Field(description="Public place; null while it is too early")]
    ranked: int
    trust_level: Annotated[int, Field(ge=0, le=4)]
    trust_level_name: str
    missing: list[NeedOut]
    badges: list[BadgeOut]


class BenefitIn(Input):
    """What is given, to whom, until when."""

    kind: Literal["offer", "early_access", "credit"]
    title: Annotated[str, Field(min_length=1, max_length=benefits.TITLE_MAX)]
    body: Annotated[str, Field(max_length=benefits.BODY_MAX)] = ""
    rule: Annotated[
        str,
        Field(min_length=1, max_length=RULE_MOST,
              description="`member:…` (address or number), `badge:…`, `level:…` or `idea:…`, which names its author"),
    ]  # fmt: skip
    claim_until: date | None = None


class NoteIn(Input):
    """Why something is taken back."""

    note: Annotated[str, Field(min_length=1, max_length=benefits.NOTE_MAX)]


class BenefitOut(Output):
    """Something that a member was given. ``state`` is given, claimed, withdrawn or expired."""

    id: Id
    member_id: Id
    kind: str
    title: str
    body: str
    object_kind: str
    object_id: int | None
    claim_until: date | None
    given_at: datetime
    state: str
    note: str
    changed_at: datetime


class GivenOut(Output):
    """What was given by one rule."""

    items: list[BenefitOut]


@endpoint("GET", "/members/<int:member_id>/reputation", query=Paged, response=ReputationOut,
          summary="A member's reputation", tag=TAG, signed_in=True, errors=(403, 404))  # fmt: skip
def reputation(member_id: int, query: Paged) -> dict[str, Any]:
    """Return a member's lines and what they add up to: to herself and to the company."""
    members.profile(member_id)
    viewer = current_viewer()
    if not facade.may_see_all(viewer, member_id):
        raise Forbidden(_l("Reputation is for the member herself and for the company."))
    page = queries.ledger_of(member_id, query.cursor, query.limit)
    standing, climb = facade.standing_of(member_id, viewer), facade.climb_of(member_id)
    total = standing.sum or queries.Sum()
    return {
        "member": member_id,
        "points": total.points,
        "people": total.people,
        "days": total.days,
        "place": total.place,
        "ranked": total.ranked,
        "trust_level": int(standing.level),
        "trust_level_name": str(words.LEVELS[standing.level]),
        "missing": [{"need": str(one.need), "has": one.has, "wants": one.wants} for one in climb.missing],
        "badges": [
            {"key": badge.key, "title": str(words.BADGES[badge.key]), "ground": badge.ground, "since": badge.since}
            for badge in standing.badges
        ],
        "items": page.items,
        "next": page.next,
    }


@endpoint("GET", "/benefits", query=Paged, response=Listing[BenefitOut], summary="What members were given", tag=TAG,
          roles=(Role.BRAND_MANAGER,))  # fmt: skip
def list_benefits(query: Paged) -> Page[given.BenefitLine]:
    """Return what was given to anybody, the newest first."""
    return given.newest_benefits(query.cursor, query.limit)


@endpoint("POST", "/benefits", body=BenefitIn, response=GivenOut, summary="Give something", tag=TAG,
          roles=(Role.BRAND_MANAGER,), errors=(409,))  # fmt: skip
def give_benefit(body: BenefitIn) -> dict[str, Any]:
    """Give something to all whom a rule names. Whoever has it already is not given it twice."""
    gift = Gift(kind=body.kind, title=body.title, body=body.body, rule=body.rule, claim_until=body.claim_until)
    made = benefits.give(gift, by=current_viewer())
    return {"items": given.benefits_with(made)}


@endpoint("GET", "/benefits/mine", response=GivenOut, summary="What you were given", tag=TAG, signed_in=True)
def my_benefits() -> dict[str, Any]:
    """Return what you were given, the newest first."""
    return {"items": given.benefits_of(current_viewer().id)}


@endpoint("POST", "/benefits/<int:benefit_id>/claim", response=BenefitOut, status=200, summary="Take what was given",
          tag=TAG, errors=(404, 409))  # fmt: skip
def claim_benefit(benefit_id: int) -> given.BenefitLine:
    """Take it. A second time changes nothing."""
    benefits.claim(benefit_id, current_viewer())
    return _benefit(benefit_id)


@endpoint("POST", "/benefits/<int:benefit_id>/withdraw", body=NoteIn, response=BenefitOut, status=200, tag=TAG,
          summary="Take a benefit back", roles=(Role.BRAND_MANAGER,), errors=(404,))  # fmt: skip
def withdraw_benefit(benefit_id: int, body: NoteIn) -> given.BenefitLine:
    """Take a benefit back, with a reason that the member reads."""
    benefits.withdraw(benefit_id, by=current_viewer(), note=body.note)
    return _benefit(benefit_id)


@endpoint("POST", "/benefits/<int:benefit_id>/restore", response=BenefitOut, status=200, summary="Give again", tag=TAG,
          roles=(Role.BRAND_MANAGER,), errors=(404,))  # fmt: skip
def restore_benefit(benefit_id: int) -> given.BenefitLine:
    """Give again what was withdrawn: whoever had claimed it has it again."""
    benefits.restore(benefit_id, by=current_viewer())
    return _benefit(benefit_id)


def _benefit(benefit_id: int) -> given.BenefitLine:
    found = given.benefits_with([benefit_id])
    if not found:
        raise NotFound(_l("There is no such benefit."))
    return found[0]
