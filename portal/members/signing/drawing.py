"""Pictures of members' pages."""

from markupsafe import Markup

QUIET = 4
"""Modules of paper around a QR code, by its standard."""


def qr_code(text: str, label: str) -> Markup:
    """Return a QR code as SVG: black on white in both themes, because cameras expect it so."""
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.main import QRCode

    code: QRCode = QRCode(border=QUIET, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return Markup(
        '<svg class="qr" role="img" aria-label="{label}" viewBox="0 0 {size} {size}" width="232" height="232" '
        'shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="#fff"/>'
        '<path d="{path}" fill="#000"/></svg>'
    ).format(label=label, size=len(rows), path=path)
