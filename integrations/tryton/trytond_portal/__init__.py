# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""The Tryton side of the community portal: its figures on parties, its events, and one bulk door to write them."""
