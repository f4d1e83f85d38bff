"""The way of hints from workers to the live process: one channel of the broker, JSON, nothing kept."""

import time
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import structlog
from flask import Flask
from redis import RedisError
from socketio import RedisManager

log = structlog.get_logger(__name__)
PAUSE = 1.0
PATIENCE = 2.0


class Post(RedisManager):  # type: ignore[misc]
    """Socket.IO's manager over Redis; when the broker has been away it listens again within a second."""

    def _redis_listen_with_retries(self) -> Iterator[Any]:
        while True:
            try:
                self._redis_connect()
                self.pubsub.subscribe(self.channel)
                yield from self.pubsub.listen()
            except (RedisError, OSError) as error:
                log.warning("broker away; listening again soon", error=str(error))
                time.sleep(PAUSE)


def listening(app: Flask) -> Post:
    """Return the live process's end."""
    return Post(app.config["REDIS_URL"], channel=channel(app))


def sending(app: Flask) -> Post:
    """Return a worker's end; one a process."""
    return _sending(app.config["REDIS_URL"], channel(app))


def channel(app: Flask) -> str:
    """Return the name of this portal's channel: a broker may serve several, and channels know no numbers."""
    return "portal-live:" + blake2b(app.config["SQLALCHEMY_DATABASE_URI"].encode(), digest_size=6).hexdigest()


@lru_cache(maxsize=4)
def _sending(url: str, name: str) -> Post:
    patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return Post(url, channel=name, write_only=True, redis_options=patience)
