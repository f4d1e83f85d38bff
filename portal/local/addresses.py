"""Addresses of databases, in the form that PostgreSQL's own tools read."""

from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url


def conninfo(url: str, *, with_password: bool = True) -> str:
    """Return an address as ``host=… dbname=…``: unlike a URL, it keeps a space in the path of a socket."""
    address = make_url(url)
    parts: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "user": address.username,
        "password": address.password if with_password else None,
        "dbname": address.database,
        **address.query,
    }
    return make_conninfo("", **{name: value for name, value in parts.items() if value})
