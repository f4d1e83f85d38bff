"""What members get for what they did. Each step is a line that stays; what was withdrawn can be given again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.analytics.reputation import given
from portal.analytics.reputation.events import BenefitClaimed, BenefitGiven, BenefitWithdrawn
from portal.analytics.reputation.models import Benefit, BenefitEntry
from portal.kernel.clock import today
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line, clean_text
from portal.members import facade as members
from portal.members.policy import Viewer

KINDS = ("offer", "early_access", "credit")
TITLE_MAX, BODY_MAX, NOTE_MAX = 120, 2000, 300
RULES = ("member", "badge", "level", "idea")
MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What is given, and by which rule."""

    kind: str
    title: str
    rule: str
    body: str = ""
    claim_until: date | None = None


def give(gift: Gift, *, by: Viewer) -> list[int]:
    """Give something to all whom the rule names; return the numbers of the benefits.

    The rule is one of ``member:<address or number>``, ``badge:<key>``, ``level:<0 to 4>`` and ``idea:<number>``, which
    names its author. A credit needs a contribution that the company has verified: an idea that was shipped. Whoever has
    been given the same by the same rule, and it was not withdrawn, is not given it twice: two clicks are one gift.

    :raise Invalid: for a rule that is none, or that names nobody.
    :raise Refused: when all of them have it.
    """
    title = clean_line(gift.title, field="title", most=TITLE_MAX)
    body = clean_text(gift.body, field="body", most=BODY_MAX, least=0)
    if gift.kind not in KINDS:
        raise Invalid(fields={"kind": _l("Choose one of: %(known)s.", known=", ".join(KINDS))})
    if gift.claim_until is not None and gift.claim_until < today():
        raise Invalid(fields={"claim_until": _l("This day has passed.")})
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext("portal.benefit"))))
    who, thing = _named(gift.rule.strip())
    if gift.kind == "credit" and (thing is None or not given.is_shipped(thing)):
        raise Invalid(fields={"rule": _l("Credit is given for an idea that was shipped: idea:17.")})
    have = given.who_has(gift.kind, title, gift.rule.strip(), who)
    if have.issuperset(who):
        raise Refused(_l("Everybody whom this rule names has been given this already."))
    return [_give(gift, one, title, body, thing, by.id) for one in who if one not in have]


def _give(gift: Gift, member_id: int, title: str, body: str, idea_id: int | None, by_id: int) -> int:
    row = Benefit(
        member_id=member_id, kind=gift.kind, title=title, body=body, rule=gift.rule.strip(),
        object_kind="idea" if idea_id else "", object_id=idea_id, claim_until=gift.claim_until, given_by=by_id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    db.session.add(BenefitEntry(benefit_id=row.id, action="given", by_id=by_id))
    db.session.flush()
    publish(BenefitGiven(actor_id=by_id, member_id=member_id, benefit_id=row.id, kind=gift.kind))
    return row.id


def _named(rule: str) -> tuple[Collection[int], int | None]:
    """Return the members whom a rule names, and the idea, if it names one."""
    name, _, value = rule.partition(":")
    value = value.strip()
    thing = None
    found: Collection[int] = ()
    if name == "member":
        found = _by_address_or_number(value)
    elif name == "badge":
        found = given.holders_of(value, MOST)
    elif name == "level" and value.isdecimal():
        found = given.members_at_level(int(value[:2]), MOST)
    elif name == "idea" and value.isdecimal() and len(value) < len(str(2**63)):
        thing = int(value)
        found = given.authors_of_idea(thing)
    if name not in RULES:
        raise Invalid(fields={"rule": _l("Write member:…, badge:…, level:… or idea:….")})
    if not found:
        raise Invalid(fields={"rule": _l("This rule names nobody.")})
    return found, thing


def _by_address_or_number(value: str) -> Collection[int]:
    if value.isdecimal():
        number = int(value) if len(value) < len(str(2**63)) else 0
        return list(members.member_cards([number]))
    found = members.member_id_by_email(value)
    return [found] if found is not None else []


def claim(benefit_id: int, viewer: Viewer) -> None:
    """Take what one was given. A second time changes nothing.

    :raise NotFound: when there is no such benefit of hers.
    :raise Refused: when it was withdrawn, or its time is over.
    """
    row, state = _locked(benefit_id)
    if row.member_id != viewer.id:
        raise NotFound(_l("There is no such benefit."))
    if state == "claimed":
        return
    if state == "withdrawn":
        raise Refused(_l("This was withdrawn."))
    if row.claim_until is not None and row.claim_until < today():
        raise Refused(_l("This could be claimed until a day that has passed."))
    _note(row, "claimed", viewer.id)
    publish(BenefitClaimed(actor_id=viewer.id, member_id=row.member_id, benefit_id=row.id))


def withdraw(benefit_id: int, *, by: Viewer, note: str) -> None:
    """Take a benefit back, with a reason that the member reads. A second time changes nothing.

    :raise NotFound: when there is no such benefit.
    :raise Invalid: without a reason.
    """
    reason = clean_line(note, field="note", most=NOTE_MAX)
    row, state = _locked(benefit_id)
    if state != "withdrawn":
        _note(row, "withdrawn", by.id, reason)
        publish(BenefitWithdrawn(actor_id=by.id, member_id=row.member_id, benefit_id=row.id))


def restore(benefit_id: int, *, by: Viewer) -> None:
    """Give again what was withdrawn. Whoever had claimed it has it again.

    :raise NotFound: when there is no such benefit.
    """
    row, state = _locked(benefit_id)
    if state == "withdrawn":
        _note(row, "restored", by.id)
        publish(BenefitGiven(actor_id=by.id, member_id=row.member_id, benefit_id=row.id, kind=row.kind))


def _locked(benefit_id: int) -> tuple[Benefit, str]:
    row = db.session.scalar(select(Benefit).filter_by(id=benefit_id).with_for_update())
    if row is None:
        raise NotFound(_l("There is no such benefit."))
    return row, given.states_of_benefits([benefit_id])[benefit_id]


def _note(row: Benefit, action: str, by_id: int, note: str = "") -> None:
    db.session.add(BenefitEntry(benefit_id=row.id, action=action, by_id=by_id, note=note))
    db.session.flush()
