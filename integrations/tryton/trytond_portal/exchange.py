# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""The bulk door: rows in, one verdict a row out.

Rows and answers are plain JSON. Times are ISO 8601 in UTC, identifiers of contacts and accounts are the
codes of parties. Nothing here raises for one bad row: it is refused with its reason, and the others go on.
"""

import datetime as dt
import json
from decimal import Decimal

from sql.conditionals import Coalesce, Greatest
from trytond.exceptions import TrytonException
from trytond.i18n import gettext
from trytond.model import Model
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
from trytond.rpc import RPC
from trytond.transaction import Transaction, inactive_records

from . import figures

MOST_ROWS = 1000
UNCONFIRMED = "not confirmed"
LONGEST = 500
TYPES = {'integer': 'whole number', 'float': 'number', 'char': 'text', 'datetime': 'time', 'boolean': 'yes or no'}


class Exchange(Model):
    "Exchange with the Community Portal"
    __name__ = 'portal.exchange'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__rpc__.update({
                'describe': RPC(),
                'upsert': RPC(readonly=False, size_limits={1: MOST_ROWS}),
                'add_events': RPC(readonly=False, size_limits={0: MOST_ROWS}),
                'forget': RPC(readonly=False, size_limits={1: MOST_ROWS}),
                'read_back': RPC(size_limits={1: MOST_ROWS}),
                'changes': RPC(),
                })

    @classmethod
    def describe(cls):
        """Return the fields with their types, the limits, and whether this user may write."""
        Party = Pool().get('party.party')
        fields = {
            kind: {name: TYPES[getattr(Party, name)._type] for name in names}
            for kind, names in figures.FIGURES.items()}
        return {
            'fields': fields, 'most_rows': MOST_ROWS, 'keys': figures.KEYS, 'may_write': Party.is_portal()}

    @classmethod
    def upsert(cls, kind, rows):
        """Create or update the parties of these rows.

        A row is ``{key, crm_id, name, email, email_confirmed, account, values}``; only ``key`` and ``values`` are
        needed. The answer has ``{key, status, crm_id, reason, field}`` in the same order; status is created, updated,
        unchanged or refused.
        """
        _require_portal()
        with Transaction().set_context(_check_access=False), inactive_records():
            return _Upsert(kind, rows).run()

    @classmethod
    def add_events(cls, rows):
        """Append events; one that is here already is unchanged, or goes to the party that it is of now."""
        _require_portal()
        with Transaction().set_context(_check_access=False), inactive_records():
            return _append(rows)

    @classmethod
    def read_back(cls, kind, keys):
        """Return what is stored on the parties with these keys."""
        _require_portal()
        with Transaction().set_context(_check_access=False), inactive_records():
            names = list(figures.FIGURES[kind])
            return [{
                    'key': getattr(party, figures.KEYS[kind]),
                    'crm_id': party.code,
                    'changed_at': _text(party.write_date or party.create_date),
                    'values': {name: _plain(kind, name, getattr(party, name)) for name in names},
                    } for party in _by_key(kind, keys).values()]

    @classmethod
    def forget(cls, kind, keys):
        """Remove every figure, event and key of these from the CRM; the parties stay. Return how many."""
        _require_portal()
        pool = Pool()
        Party, Event = pool.get('party.party'), pool.get('portal.event')
        with Transaction().set_context(_check_access=False), inactive_records():
            parties = list(_by_key(kind, keys).values())
            if parties:
                Party.write(parties, _nothing(kind))
            if keys:
                Event.drop([_subject(kind, key) for key in keys], [p.id for p in parties])
        return len(parties)

    @classmethod
    def changes(cls, kind, cursor=None, limit=200):
        """List parties in the order of their last change, from a cursor ``time|id`` on.

        Begin a little before the last time that was seen: a transaction that commits late has an earlier
        time. The reader compares, and so takes nothing twice.
        """
        _require_portal()
        Party = Pool().get('party.party')
        with Transaction().set_context(_check_access=False), inactive_records():
            found = _changed_since(kind, cursor, limit + 1)
            parties = {p.id: p for p in Party.browse([i for i, _ in found])}
            rows = [_news(kind, parties[i], moment) for i, moment in found[:limit]]
        last = f"{rows[-1]['changed_at']}|{found[len(rows) - 1][0]}" if rows else cursor
        return {'rows': rows, 'cursor': last, 'more': len(found) > limit}


def _require_portal():
    if not Pool().get('party.party').is_portal():
        raise AccessError(gettext('portal.msg_not_the_portal'))


def _by_key(kind, keys):
    """Return the parties with these keys, by key."""
    Party = Pool().get('party.party')
    name = figures.KEYS[kind]
    keys = [key for key in keys if isinstance(key, int)]
    return {getattr(party, name): party for party in Party.search([(name, 'in', keys)], order=[])}


def _subject(kind, key):
    return f"{kind}/{key}"


def _nothing(kind):
    """Return the values of a party on which nothing of ours stands."""
    return dict.fromkeys([*figures.FIGURES[kind], figures.KEYS[kind]])


class _Upsert:
    """One batch: what is there is read in two queries, then written in two statements' worth of calls."""

    def __init__(self, kind, rows):
        if kind not in figures.KEYS:
            raise AccessError(gettext('portal.msg_no_such_kind', kind=str(kind)))
        self.kind, self.rows = kind, rows
        self.key_name = figures.KEYS[kind]
        self.Party = Pool().get('party.party')
        self.by_key = _by_key(kind, [row.get('key') for row in rows])
        codes = {row[n] for row in rows for n in ('crm_id', 'account') if row.get(n)}
        self.by_code = {p.code: p for p in self.Party.search([('code', 'in', list(codes))], order=[])}
        self.results = [None] * len(rows)
        self.taken = set()

    def run(self):
        """Answer each row."""
        new, changed = [], []
        for place, row in enumerate(self.rows):
            try:
                values = self.values_of(row)
                party = self.party_of(row)
                self.take(row, party)
                if party is None:
                    new.append((place, {**self.first_values(row), **values}))
                elif difference := self.difference(party, row, values):
                    changed.append((place, party, difference))
                else:
                    self.answer(place, 'unchanged', party)
            except _Refused as refused:
                self.refuse(place, refused.reason, refused.field)
        self.create(new)
        self.update(changed)
        self.confirm()
        return self.results

    def confirm(self):
        """Take the mark off addresses that have been confirmed since."""
        confirmed = [row['email'] for row in self.rows if row.get('email') and row.get('email_confirmed')]
        if confirmed:
            Mechanism = Pool().get('party.contact_mechanism')
            marked = Mechanism.search([
                    ('type', '=', 'email'), ('value', 'in', confirmed), ('name', '=', UNCONFIRMED),
                    (f'party.{self.key_name}', 'in', [row['key'] for row in self.rows]),
                    ], order=[])
            Mechanism.write(marked, {'name': None})

    def values_of(self, row):
        """Return the row's values as Tryton wants them."""
        if not isinstance(row.get('key'), int) or isinstance(row.get('key'), bool):
            raise _Refused("the key must be a whole number", 'key')
        known = figures.FIGURES[self.kind]
        values = {}
        for name, value in (row.get('values') or {}).items():
            if name not in known:
                raise _Refused(f"there is no field {name}", name)
            values[name] = _checked(name, getattr(self.Party, name)._type, value)
        return values

    def party_of(self, row):
        """Find the party: by its key, else by the code that the portal has proof of. Follow merges."""
        key = row['key']
        if (party := self.by_key.get(key)) is not None:
            return self.follow(party, key) if party.replaced_by else party
        party = self.by_code.get(row.get('crm_id'))
        if party is None:
            return None
        while party.replaced_by:
            party = party.replaced_by
        if getattr(party, self.key_name) not in {None, key}:
            raise _Refused(f"{party.code} belongs to {getattr(party, self.key_name)}", 'crm_id')
        return party

    def take(self, row, party):
        """Refuse a second row of this batch that wants the same key or the same party."""
        wants = {('key', row['key']), ('code', party.code if party else row.get('crm_id'))} - {('code', None)}
        if twice := wants & self.taken:
            name, value = min(twice)
            raise _Refused(f"another row of this batch has the {name} {value}", 'key')
        self.taken |= wants

    def follow(self, party, key):
        """Go where a merge has led, and take everything along."""
        target = party
        while target.replaced_by:
            target = target.replaced_by
        theirs = getattr(target, self.key_name)
        if theirs not in {None, key}:
            raise _Refused(f"{party.code} was merged into {target.code}, which belongs to {theirs}", 'key')
        self.Party.write([party], _nothing(self.kind))
        return target

    def first_values(self, row):
        """Return what a new party begins with."""
        values = {
            self.key_name: row['key'],
            'portal_kind': figures.FOR_PEOPLE[self.kind],
            'name': (row.get('name') or '').strip()[:LONGEST],
            }
        if row.get('crm_id'):
            values['code'] = row['crm_id']
        if row.get('email'):
            name = None if row.get('email_confirmed') else UNCONFIRMED
            values['contact_mechanisms'] = [
                ('create', [{'type': 'email', 'value': row['email'], 'name': name}])]
        if account := self.by_code.get(row.get('account')):
            values['crm_account'] = account.id
        return values

    def difference(self, party, row, values):
        """Return only what is not so already."""
        wanted = {self.key_name: row['key'], **values}
        return {name: value for name, value in wanted.items() if getattr(party, name) != value}

    def create(self, new):
        def act(items):
            parties = self.Party.create([values for _, values in items])
            for (place, _), party in zip(items, parties, strict=True):
                self.answer(place, 'created', party)
        _all_or_each(new, act, self.refuse_item)

    def update(self, changed):
        def act(items):
            self.Party.write(*[part for _, party, values in items for part in ([party], values)])
            for place, party, _ in items:
                self.answer(place, 'updated', party)
        _all_or_each(changed, act, self.refuse_item)

    def answer(self, place, status, party):
        self.results[place] = {
            'key': self.rows[place]['key'], 'status': status, 'crm_id': party.code, 'reason': None,
            'field': None}

    def refuse_item(self, item, reason):
        self.refuse(item[0], reason)

    def refuse(self, place, reason, field=None):
        self.results[place] = {
            'key': self.rows[place].get('key'), 'status': 'refused', 'crm_id': None,
            'reason': str(reason), 'field': field}


class _Refused(Exception):
    """One row cannot be taken as it is."""

    def __init__(self, reason, field=None):
        super().__init__(reason)
        self.reason, self.field = reason, field


def _all_or_each(items, act, refuse):
    """Write all at once; where the whole is refused, write one by one and refuse only the bad ones."""
    if not items:
        return
    cursor = Transaction().connection.cursor()
    cursor.execute('SAVEPOINT portal')
    try:
        act(items)
    except TrytonException as error:
        cursor.execute('ROLLBACK TO SAVEPOINT portal')
        Transaction().cache.clear()
        if len(items) == 1:
            refuse(items[0], error.args[0])
        else:
            for item in items:
                _all_or_each([item], act, refuse)
    cursor.execute('RELEASE SAVEPOINT portal')


def _checked(name, kind, value):
    """Return a JSON value as the field's own type."""
    if value is None:
        return None
    fits = {
        'integer': isinstance(value, int) and not isinstance(value, bool),
        'float': isinstance(value, (int, float)) and not isinstance(value, bool),
        'char': isinstance(value, str) and len(value) <= LONGEST,
        'datetime': isinstance(value, str),
        'boolean': isinstance(value, bool),
        }[kind]
    if not fits:
        raise _Refused(f"{name} must be a {TYPES[kind]}", name)
    if kind == 'datetime':
        return _moment(name, value)
    return float(value) if kind == 'float' else value


def _moment(name, value):
    """Return a time as Tryton keeps it: UTC, without a zone, whole seconds."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise _Refused(f"{name} must be a time in ISO 8601", name) from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.timezone.utc).replace(tzinfo=None)
    return moment.replace(microsecond=0)


def _plain(kind, name, value):
    """Return a field's value as JSON; SQLite keeps yes and no as numbers."""
    if isinstance(value, dt.datetime):
        return _text(value)
    return bool(value) if figures.FIGURES[kind][name]._type == 'boolean' else value


def _text(moment):
    return moment.isoformat() + '+00:00' if moment is not None else None


def _append(rows):
    Event = Pool().get('portal.event')
    known = Event.known([row.get('id') for row in rows])
    by_key = {kind: _by_key(kind, [r.get('key') for r in rows if r.get('kind') == kind]) for kind in figures.KEYS}
    results, new = [None] * len(rows), []

    def answer(place, status, reason=None, field=None):
        results[place] = {
            'key': rows[place].get('id'), 'status': status, 'crm_id': None, 'reason': reason, 'field': field}

    for place, row in enumerate(rows):
        try:
            values = _event_values(row, by_key) if known.get(row.get('id')) != _subject_of(row) else None
            if values is None:
                answer(place, 'unchanged')
            elif row['id'] in known:
                Event.hand_over(row['id'], values['subject'], values['party'])
                answer(place, 'updated')
            else:
                new.append((place, values))
            known[row.get('id')] = _subject_of(row)
        except _Refused as refused:
            answer(place, 'refused', refused.reason, refused.field)

    def act(items):
        Event.create([values for _, values in items])
        for place, _ in items:
            answer(place, 'created')

    _all_or_each(new, act, lambda item, reason: answer(item[0], 'refused', str(reason)))
    return results


def _subject_of(row):
    return _subject(row.get('kind'), row.get('key'))


def _event_values(row, by_key):
    party = by_key.get(row.get('kind'), {}).get(row.get('key'))
    if party is None:
        raise _Refused(f"there is no {row.get('kind')} {row.get('key')}", 'key')
    for name in ('id', 'type', 'time', 'sequence'):
        if not row.get(name):
            raise _Refused(f"{name} is missing", name)
    while party.replaced_by:
        party = party.replaced_by
    theirs = getattr(party, figures.KEYS[row['kind']])
    if theirs not in {None, row['key']}:
        raise _Refused(f"{party.code} belongs to {theirs}", 'key')
    return {
        'event_id': row['id'],
        'subject': _subject_of(row),
        'party': party.id,
        'type': row['type'],
        'occurred_at': _moment('time', row['time']),
        'sequence': row['sequence'],
        'summary': (row.get('summary') or '')[:LONGEST],
        'url': (row.get('url') or '')[:LONGEST],
        'data': json.dumps(row.get('data') or {}, ensure_ascii=False, sort_keys=True),
        }


def _changed_since(kind, cursor, limit):
    """Return (id, time) of parties after the cursor."""
    table = Pool().get('party.party').__table__()
    moment = Greatest(Coalesce(table.write_date, table.create_date), table.create_date)
    where = table.portal_kind == figures.FOR_PEOPLE[kind]
    if cursor:
        since, _, last = cursor.partition('|')
        since = dt.datetime.fromisoformat(since.removesuffix('+00:00'))
        where &= (moment > since) | ((moment == since) & (table.id > int(last or 0)))
    query = table.select(table.id, moment, where=where, order_by=[moment, table.id], limit=limit)
    db = Transaction().connection.cursor()
    db.execute(*query)
    return [(i, _time(m)) for i, m in db]


def _time(value):
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def _news(kind, party, moment):
    """Return what the portal may want to know of a party."""
    replacing = party
    while replacing.replaced_by:
        replacing = replacing.replaced_by
    row = {
        'crm_id': party.code,
        'key': getattr(party, figures.KEYS[kind]),
        'name': party.name,
        'email': party.email or None,
        'active': bool(party.active),
        'merged_into': replacing.code if replacing != party else None,
        'changed_at': _text(moment),
        }
    if kind == 'contact':
        products = [p.strip() for p in (party.crm_products or '').split(',')]
        return {**row,
            'account': party.crm_account.code if party.crm_account else None,
            'spent_eur': _amount(party.crm_spent),
            'tier': party.crm_tier or None,
            'products_owned': [p for p in products if p],
            }
    return {**row,
        'revenue_eur': _amount(party.crm_revenue),
        'owner': party.crm_owner.code if party.crm_owner else None,
        'segment': party.crm_segment or None,
        'since': party.crm_since.isoformat() if party.crm_since else None,
        }


def _amount(value):
    """Return money as a number of JSON, exact to the cent."""
    return float(value) if isinstance(value, Decimal) else value
