"""One session per request or job; one commit, at the edge.

Only this package commits. A request commits after its view and before its answer leaves, so that a commit
that fails becomes the error page and never an answer that claims too much.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, MetaData, Text, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, Session
from sqlalchemy.types import UserDefinedType

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
ERROR = 400

db = SQLAlchemy(
    metadata=MetaData(naming_convention=NAMES),
    session_options={"expire_on_commit": False},
    disable_autonaming=True,
)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id; kept as text on our side and compared in the database only."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name."""
        return "xid8"


class Model(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Base of every table: typed columns, typed constructor, ``bigint`` ids, times with zones."""

    metadata = db.metadata
    type_annotation_map = {  # noqa: RUF012
        int: BigInteger(),
        str: Text(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


def after_commit(act: Callable[[], object], *, key: str | None = None) -> None:
    """Do something once the current transaction has committed; forgotten when it rolls back.

    :param key: of those that come with the same key only the first is kept.
    """
    acts: dict[object, Callable[[], object]] = db.session().info.setdefault("after_commit", {})
    acts.setdefault(key or object(), act)


def before_commit(act: Callable[[], object], *, key: str) -> None:
    """Do something as the last thing of the current transaction, still inside it; forgotten when it rolls back.

    For locks that many want and none may keep for long. Of those that come with the same key only the first is kept.
    """
    acts: dict[str, Callable[[], object]] = db.session().info.setdefault("before_commit", {})
    acts.setdefault(key, act)


def collected(key: str, act: Callable[[list[Any]], object]) -> list[Any]:
    """Return the list that ``act`` will be given once the current transaction has committed."""
    lists: dict[str, list[Any]] = db.session().info.setdefault("collected", {})
    items = lists.setdefault(key, [])
    after_commit(lambda: act(items), key=key)
    return items


@event.listens_for(Session, "before_commit")
def _finish(session: Session) -> None:
    if session.in_nested_transaction():
        return
    # What is done last may ask for something to be done after it.
    while acts := session.info.pop("before_commit", None):
        session.flush()
        for act in acts.values():
            act()


@event.listens_for(Session, "after_commit")
def _tell(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop("collected", None)
    for act in session.info.pop("after_commit", {}).values():
        act()


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: Any) -> None:
    if previous.parent is None:
        for key in ("before_commit", "after_commit", "collected"):
            session.info.pop(key, None)


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what is done inside, or roll all of it back: for jobs, commands and batches, not for services."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def rollback() -> None:
    """Give up what the current transaction holds."""
    db.session.rollback()


class TransactionalFlask(Flask):
    """A Flask whose every request is one transaction."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view, then commit; an answer of 400 or above, or an exception, rolls back."""
        try:
            response: Response = self.make_response(super().dispatch_request())
        except BaseException:
            db.session.rollback()
            raise
        if response.status_code < ERROR:
            db.session.commit()
        else:
            db.session.rollback()
        return response


def is_reachable() -> bool:
    """Ask the database for a sign of life.

    :raise sqlalchemy.exc.OperationalError: when it is away.
    """
    return bool(db.session.execute(text("SELECT 1")).scalar_one())


def init_app(app: Flask) -> None:
    """Connect the session to the application."""
    db.init_app(app)
