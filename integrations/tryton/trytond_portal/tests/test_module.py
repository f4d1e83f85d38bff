# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""Tryton's own checks of a module: views, access, names of fields, menus, wizards.

Run with ``DB_NAME=:memory: python -m unittest trytond_portal.tests.test_module`` where trytond is installed.
"""

from trytond.modules.party.tests import PartyCheckEraseMixin, PartyCheckReplaceMixin
from trytond.tests.test_tryton import ModuleTestCase, with_transaction
from trytond.pool import Pool
from trytond.transaction import Transaction


class PortalTestCase(PartyCheckEraseMixin, PartyCheckReplaceMixin, ModuleTestCase):
    """What every Tryton module must keep, and the bulk door from inside."""

    module = 'portal'

    @with_transaction()
    def test_a_row_becomes_a_party(self):
        pool = Pool()
        Exchange, Party = pool.get('portal.exchange'), pool.get('party.party')
        row = {'key': 42, 'name': "Wanda", 'email': 'wanda@example.com', 'values': {'portal_votes': 3}}
        with Transaction().set_user(0):
            statuses = [Exchange.upsert('contact', [row])[0]['status'] for _ in range(2)]
        self.assertEqual(statuses, ['created', 'unchanged'])
        party, = Party.search([('portal_member', '=', 42)])
        self.assertEqual((party.name, party.portal_votes), ("Wanda", 3))


del ModuleTestCase
