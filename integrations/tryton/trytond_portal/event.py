# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""What happened in the community: a list that only grows."""

from sql import Literal
from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.model.exceptions import AccessError
from trytond.transaction import Transaction


class Event(ModelSQL, ModelView):
    "Community Event"
    __name__ = 'portal.event'
    _rec_name = 'summary'

    event_id = fields.Char("Identifier", required=True, readonly=True)
    party = fields.Many2One(
        'party.party', "Party", required=True, readonly=True, ondelete='CASCADE')
    type = fields.Char("Type", required=True, readonly=True)
    occurred_at = fields.DateTime("Happened", required=True, readonly=True)
    sequence = fields.Integer("Order", required=True, readonly=True)
    sequence._sql_type = 'BIGINT'
    summary = fields.Char("What Happened", readonly=True)
    url = fields.Char("Page", readonly=True)
    data = fields.Text("Data", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints = [
            ('event_id_unique', Unique(table, table.event_id), 'portal.msg_event_unique'),
            ]
        cls._sql_indexes.add(
            Index(table, (table.party, Index.Equality()), (table.sequence, Index.Range())))
        cls._order = [('sequence', 'DESC'), ('id', 'DESC')]

    @classmethod
    def check_modification(cls, mode, events, values=None, external=False):
        """Refuse to change the past."""
        super().check_modification(mode, events, values=values, external=external)
        if mode in {'write', 'delete'}:
            raise AccessError(gettext('portal.msg_event_append_only'))

    @classmethod
    def known(cls, ids):
        """Return those of these identifiers that are here already."""
        table = cls.__table__()
        cursor = Transaction().connection.cursor()
        cursor.execute(*table.select(
                table.event_id, where=table.event_id.in_(ids) if ids else Literal(False)))
        return {row[0] for row in cursor}
