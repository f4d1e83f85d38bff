# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""Make the portal's own user in a Tryton database: ``python provision.py CONFIG DATABASE LOGIN``.

The password is read from standard input. Running it again sets the password and adds missing groups.
"""

import sys

from trytond import config


def main(config_file, database, login):
    config.update_etc(config_file)
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    password = sys.stdin.readline().strip()
    Pool.start()
    pool = Pool(database)
    with Transaction().start(database, 0, readonly=True):
        pool.init()
    with Transaction().start(database, 0) as transaction:
        User, Data = pool.get('res.user'), pool.get('ir.model.data')
        groups = [Data.get_id('party', 'group_party_admin'), Data.get_id('portal', 'group_portal')]
        found = User.search([('login', '=', login)], limit=1)
        user = found[0] if found else User(login=login, name="Community portal")
        user.groups = list({*(g.id for g in getattr(user, 'groups', ())), *groups})
        user.password = password
        user.save()
        transaction.commit()


if __name__ == '__main__':
    main(*sys.argv[1:])
