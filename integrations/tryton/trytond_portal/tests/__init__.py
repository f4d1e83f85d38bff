# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
