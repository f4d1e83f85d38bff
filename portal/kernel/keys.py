"""The keys that sign: the present one, and older ones of which what they signed still holds."""

from flask import Flask, current_app


def signing_keys(app: Flask | None = None) -> list[str]:
    """Return the keys as itsdangerous wants them: the oldest first; the last one signs, each of them is believed."""
    config = (app or current_app).config
    return [*reversed(config.get("SECRET_KEY_FALLBACKS") or ()), config["SECRET_KEY"]]
