"""Pages of peer support: lists, one question, and the doors to every act."""

from flask import Flask

from portal.support.views.acts import bp as acts
from portal.support.views.guests import bp as guests
from portal.support.views.pages import bp as pages
from portal.support.views.pages import init_pages
from portal.support.views.writing import bp as writing

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Open the doors."""
    for blueprint in (pages, writing, acts, guests):
        app.register_blueprint(blueprint)
    init_pages()
