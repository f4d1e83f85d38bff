"""What would be sent now: figures of members and organisations, and whether they may be told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.analytics import facade as analytics
from portal.crm import rules
from portal.members import facade as members


@dataclass(frozen=True, slots=True)
class Portrait:
    """One contact or account as a CRM should have it; without ``shares`` it should have nothing."""

    subject_id: int
    shares: bool
    values: Mapping[str, rules.Value]
    name: str = ""
    crm_ids: tuple[str, ...] = ()
    """The keys there that are proven to be its own."""
    waits: bool = False
    """Whether it is not clear which of the CRM's records this is, so that nothing may stand anywhere."""
    email: str | None = None
    email_confirmed: bool = False
    account: str | None = None


def portraits(kind: str, subjects: Collection[int], *, site: str) -> dict[int, Portrait]:
    """Return those of these subjects that exist, with their figures of this moment."""
    return _contacts(subjects, site) if kind == "contact" else _accounts(subjects)


def _contacts(member_ids: Collection[int], site: str) -> dict[int, Portrait]:
    contacts = members.crm_contacts(member_ids)
    agreed = members.may_share_with_crm(member_ids)
    unprofiled = members.who_objects(agreed, members.Purpose.PROFILING)
    figures = analytics.contact_figures(sorted(agreed))
    accounts = {a.organisation_id: a.account_id for a in members.crm_accounts(_organisations(contacts))}
    waiting = members.waiting_for_a_person(agreed)
    drawn = (_contact(c, _purposes(c.member_id, agreed, unprofiled), figures, accounts, site) for c in contacts)
    return {one.subject_id: replace(one, waits=one.subject_id in waiting) for one in drawn}


def _purposes(member_id: int, agreed: Collection[int], unprofiled: Collection[int]) -> set[rules.Purpose]:
    """Return what a member may be told to a CRM for; nothing when she does not share at all."""
    if member_id not in agreed:
        return set()
    return {rules.Purpose.SHARE} if member_id in unprofiled else set(rules.Purpose)


def _organisations(contacts: Collection[members.CrmContact]) -> set[int]:
    return {c.organisation_id for c in contacts if c.organisation_id is not None}


def _contact(
    who: members.CrmContact,
    purposes: Collection[rules.Purpose],
    figures: Mapping[int, Mapping[str, Any]],
    accounts: Mapping[int, str | None],
    site: str,
) -> Portrait:
    known = {
        **figures.get(who.member_id, {}),
        "url": f"{site}/members/{who.member_id}",
        "joined": who.joined_at,
        "consent": True,
    }
    return Portrait(
        subject_id=who.member_id,
        shares=bool(purposes),
        values=rules.values_of("contact", known, purposes=purposes) if purposes else {},
        name=who.name,
        crm_ids=who.contact_ids,
        email=who.email,
        email_confirmed=who.email_verified,
        account=accounts.get(who.organisation_id) if who.organisation_id else None,
    )


def _accounts(organisation_ids: Collection[int]) -> dict[int, Portrait]:
    figures = analytics.account_figures(organisation_ids)
    return {
        account.organisation_id: Portrait(
            subject_id=account.organisation_id,
            shares=bool(theirs.get("members")),
            values=rules.values_of("account", rules.withheld(theirs)),
            name=account.name,
            crm_ids=(account.account_id,) if account.account_id else (),
        )
        for account in members.crm_accounts(organisation_ids)
        for theirs in [figures.get(account.organisation_id, {})]
    }
