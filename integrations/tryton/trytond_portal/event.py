# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""What happened in the community: a list that only grows."""

from sql import Literal, Null
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
    subject = fields.Char(
        "Subject", readonly=True, help="Whose event it is: parties are merged, members need not be.")
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
        cls._sql_indexes.add(Index(table, (table.subject, Index.Equality())))
        cls._order = [('sequence', 'DESC'), ('id', 'DESC')]

    @classmethod
    def check_modification(cls, mode, events, values=None, external=False):
        """Refuse to change the past."""
        super().check_modification(mode, events, values=values, external=external)
        if mode in {'write', 'delete'}:
            raise AccessError(gettext('portal.msg_event_append_only'))

    @classmethod
    def known(cls, ids):
        """Return the subjects of those of these identifiers that are here already."""
        table = cls.__table__()
        cursor = Transaction().connection.cursor()
        cursor.execute(*table.select(
                table.event_id, table.subject, where=table.event_id.in_(ids) if ids else Literal(False)))
        return dict(cursor)

    @classmethod
    def hand_over(cls, event_id, subject, party_id):
        """Let an event be another one's: two members turned out to be one person, or two."""
        table = cls.__table__()
        Transaction().connection.cursor().execute(*table.update(
                [table.subject, table.party], [subject, party_id], where=table.event_id == event_id))

    @classmethod
    def drop(cls, subjects, party_ids):
        """Delete the events of these subjects; of events from before there were subjects, those of these parties."""
        table = cls.__table__()
        theirs = table.subject.in_(subjects)
        if party_ids:
            theirs |= (table.subject == Null) & table.party.in_(party_ids)
        Transaction().connection.cursor().execute(*table.delete(where=theirs))
