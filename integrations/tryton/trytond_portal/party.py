# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""Parties that know what their people do in the community."""

from sql.functions import CurrentTimestamp
from trytond.model import Unique, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

from . import figures

OURS = {*figures.ALL, *figures.KEYS.values()}


class Party(metaclass=PoolMeta):
    __name__ = 'party.party'

    portal_kind = fields.Selection([
            ('person', "Person"),
            ('organisation', "Organisation"),
            ], "Kind of Party", required=True, sort=False)
    portal_member = fields.Integer(
        "Member", readonly=True, help="The member's number in the community.")
    portal_organisation = fields.Integer(
        "Organisation in the Community", readonly=True,
        help="The organisation's number in the community.")
    portal_events = fields.One2Many('portal.event', 'party', "Events", readonly=True)

    # What the company itself knows; the portal reads it.
    crm_account = fields.Many2One(
        'party.party', "Works for", ondelete='SET NULL',
        domain=[('portal_kind', '=', 'organisation')])
    crm_owner = fields.Many2One(
        'party.party', "Followed by", ondelete='SET NULL',
        help="Who of the company follows this account.")
    crm_segment = fields.Char("Segment")
    crm_since = fields.Date("Customer Since")
    crm_revenue = fields.Numeric("Revenue", digits=(15, 2), help="Of the last twelve months, in euro.")
    crm_spent = fields.Numeric("Spent", digits=(15, 2), help="Of the last twelve months, in euro.")
    crm_tier = fields.Char("Tier")
    crm_products = fields.Char("Products Owned", help="Codes of products, separated by commas.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints += [
            ('portal_member_unique', Unique(table, table.portal_member),
                'portal.msg_member_unique'),
            ('portal_organisation_unique', Unique(table, table.portal_organisation),
                'portal.msg_organisation_unique'),
            ]
        person = {'invisible': Eval('portal_kind') != 'person'}
        organisation = {'invisible': Eval('portal_kind') != 'organisation'}
        for name in [*figures.CONTACT, 'portal_member', 'crm_account', 'crm_spent', 'crm_tier',
                'crm_products']:
            getattr(cls, name).states.update(person)
        for name in [*figures.ACCOUNT, 'portal_organisation', 'crm_revenue', 'crm_owner',
                'crm_segment', 'crm_since']:
            getattr(cls, name).states.update(organisation)

    @classmethod
    def default_portal_kind(cls):
        return 'person'

    @classmethod
    def is_portal(cls):
        """Whether the person of this transaction is in the portal's group."""
        pool = Pool()
        if Transaction().user == 0:
            return True
        group = pool.get('ir.model.data').get_id('portal', 'group_portal')
        return group in pool.get('res.user').get_groups()

    @classmethod
    def copy(cls, parties, default=None):
        default = {} if default is None else default.copy()
        for name in OURS:
            default.setdefault(name, False if name == 'portal_consent' else None)
        default.setdefault('portal_events', None)
        return super().copy(parties, default=default)


for _name, _field in figures.ALL.items():
    setattr(Party, _name, _field)


class ContactMechanism(metaclass=PoolMeta):
    __name__ = 'party.contact_mechanism'

    @classmethod
    def on_modification(cls, mode, mechanisms, field_names=None):
        """A new address is news of the party: whoever follows changes sees it."""
        super().on_modification(mode, mechanisms, field_names=field_names)
        if mode in {'create', 'write'}:
            Party = Pool().get('party.party')
            table = Party.__table__()
            ids = list({m.party.id for m in mechanisms if m.party})
            if ids:
                Transaction().connection.cursor().execute(*table.update(
                        [table.write_date, table.write_uid],
                        [CurrentTimestamp(), Transaction().user],
                        where=table.id.in_(ids)))


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    @classmethod
    def fields_to_replace(cls):
        return [
            *super().fields_to_replace(),
            ('portal.event', 'party'),
            ('party.party', 'crm_account'),
            ('party.party', 'crm_owner'),
            ]


class Erase(metaclass=PoolMeta):
    __name__ = 'party.erase'

    def to_erase(self, party_id):
        pool = Pool()
        names = sorted(OURS | {'crm_spent', 'crm_tier', 'crm_products', 'crm_account'})
        return [
            *super().to_erase(party_id),
            (pool.get('party.party'), [('id', '=', party_id)], False, names, [None] * len(names)),
            (pool.get('portal.event'), [('party', '=', party_id)], True,
                ['summary', 'url', 'data'], [None, None, None]),
            ]
