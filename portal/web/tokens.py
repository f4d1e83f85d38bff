"""Tokens of forms, made when a form is drawn and not when it is built.

A page whose form nobody may see yet (a reader who has not signed in) then holds nothing personal, and can be kept.
"""

from typing import Any

from flask import Flask
from flask_wtf import FlaskForm
from flask_wtf.csrf import _FlaskFormCSRF
from werkzeug.local import LocalProxy


class LateToken(_FlaskFormCSRF):  # type: ignore[misc]
    """Flask-WTF's token, made as late as possible."""

    def generate_csrf_token(self, csrf_token_field: Any) -> Any:
        """Return what becomes the token once it is written into the page."""
        make = super().generate_csrf_token
        return LocalProxy(lambda: make(csrf_token_field))


def init_app(_app: Flask) -> None:
    """Let all forms make their tokens late."""
    FlaskForm.Meta.csrf_class = LateToken
