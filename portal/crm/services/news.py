"""What comes back from a CRM: contacts, accounts, owners, revenue. What we wrote ourselves is no news."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from portal.crm import queries
from portal.crm.gateways.base import KINDS, Kind, News, NotOffered
from portal.crm.models import GatewayState, SeenNews
from portal.crm.rules import fingerprint
from portal.crm.services.marking import want
from portal.crm.services.outlet import Outlet, state_of
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import facade as members

MOST_PAGES = 20
TOLD = ("name", "email", "active", "merged_into", "values")


@dataclass(slots=True)
class Taken:
    """What one reading of the news has brought."""

    seen: int = 0
    news: int = 0
    members: int = 0
    organisations: int = 0
    more: bool = False


def take_news(outlet: Outlet) -> Taken:
    """Read what changed in the CRM since the last time, and take over what concerns members and organisations.

    Reading the same again takes nothing: each contact's last word is kept as a digest.

    :raise RetryLater: :raise Paused: :raise BatchRefused: as the gateway says.
    """
    taken = Taken()
    state = state_of(outlet.name)
    for kind in KINDS:
        try:
            _take_kind(outlet, state, kind, taken)
        except NotOffered:
            break
    return taken


def _take_kind(outlet: Outlet, state: GatewayState, kind: Kind, taken: Taken) -> None:
    for _ in range(MOST_PAGES):
        page = outlet.gateway.changes(kind, state.cursors.get(kind))
        fresh = _fresh(outlet.name, kind, page.items)
        taken.seen += len(page.items)
        taken.news += len(fresh)
        for one in fresh:
            _take_account(one, taken) if kind == "account" else _take_contact(outlet, one, taken)
        state.cursors = {**state.cursors, kind: page.cursor}
        db.session.flush()
        if not page.more:
            return
    taken.more = True


def _fresh(gateway: str, kind: Kind, items: Sequence[News]) -> list[News]:
    """Return those that say something new, and remember what they say."""
    known = queries.known_news(gateway, kind, [one.crm_id for one in items])
    fresh = {}
    for one in items:
        told = {name: value for name, value in asdict(one).items() if name in TOLD}
        digest = fingerprint(told)
        if known.get(one.crm_id) != digest:
            fresh[one.crm_id] = (one, digest, told)
    if fresh:
        moment = now()
        rows = [
            {
                "gateway": gateway,
                "kind": kind,
                "crm_id": crm_id,
                "digest": digest,
                # Of a contact the digest is enough: what a member is told to be stands with the member.
                "news": {**told, **told["values"]} if kind == "account" else {},
                "seen_at": moment,
            }
            for crm_id, (_, digest, told) in fresh.items()
        ]
        new = insert(SeenNews).values(rows)
        last = {name: new.excluded[name] for name in ("digest", "news", "seen_at")}
        db.session.execute(new.on_conflict_do_update(index_elements=["gateway", "kind", "crm_id"], set_=last))
    return [one for one, _, _ in fresh.values()]


def _take_contact(outlet: Outlet, one: News, taken: Taken) -> None:
    if one.merged_into is not None:
        if (member_id := members.contacts_merged(one.crm_id, one.merged_into)) is not None:
            want("contact", [member_id], gateways=[outlet.name])
        return
    if not one.active:
        return
    values = dict(one.values)
    account = values.pop("account", None)
    if account is not None:
        _ensure_account(outlet.name, str(account), one)
    member_id = members.apply_crm_contact(
        contact_id=one.crm_id,
        emails=[one.email] if one.email else [],
        account_id=str(account) if account else None,
        attributes=values,
        name=one.name,
    )
    taken.members += member_id is not None


def _ensure_account(gateway: str, account_id: str, contact: News) -> None:
    """Make an organisation that we meet for the first time through one of our members."""
    known = {account.account_id for account in members.crm_accounts()}
    if account_id in known or not queries.members_of_contacts([contact.crm_id]):
        return
    if told := queries.news_of(gateway, "account", account_id):
        _apply_account(account_id, told)


def _take_account(one: News, taken: Taken) -> None:
    """Take over an account that is one of our organisations; the others are not our business."""
    if one.merged_into is not None or not one.active:
        return
    if one.crm_id not in {account.account_id for account in members.crm_accounts()}:
        return
    _apply_account(one.crm_id, {"name": one.name, **one.values})
    taken.organisations += 1


def _apply_account(account_id: str, told: Mapping[str, Any]) -> None:
    owner = told.get("owner")
    owner_id = queries.members_of_contacts([str(owner)]).get(str(owner)) if owner else None
    attributes = {name: told.get(name) for name in ("revenue_eur", "segment", "since")}
    members.apply_crm_account(
        account_id=account_id, name=str(told["name"]), attributes={**attributes, "owner_id": owner_id}
    )
