"""What would be sent now: figures of members and organisations, and whether they may be told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
    crm_id: str | None = None
    email: str | None = None
    email_confirmed: bool = False
    account: str | None = None


def portraits(kind: str, subjects: Collection[int], *, site: str) -> dict[int, Portrait]:
    """Return those of these subjects that exist, with their figures of this moment."""
    return _contacts(subjects, site) if kind == "contact" else _accounts(subjects)


def _contacts(member_ids: Collection[int], site: str) -> dict[int, Portrait]:
    contacts = members.crm_contacts(member_ids)
    agreed = members.may_share_with_crm(member_ids)
    figures = analytics.contact_figures(sorted(agreed))
    accounts = {a.organisation_id: a.account_id for a in members.crm_accounts(_organisations(contacts))}
    return {c.member_id: _contact(c, c.member_id in agreed, figures, accounts, site) for c in contacts}


def _organisations(contacts: Collection[members.CrmContact]) -> set[int]:
    return {c.organisation_id for c in contacts if c.organisation_id is not None}


def _contact(
    who: members.CrmContact,
    shares: bool,  # noqa: FBT001 - read beside its name
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
        shares=shares,
        values=rules.values_of("contact", known) if shares else {},
        name=who.name,
        crm_id=who.contact_id,
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
            crm_id=account.account_id,
        )
        for account in members.crm_accounts(organisation_ids)
        for theirs in [figures.get(account.organisation_id, {})]
    }
