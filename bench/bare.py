"""The least that a page can cost here: bare Flask, and Flask with one row read through the ORM's connection."""

import os

from flask import Flask
from sqlalchemy import create_engine, text

app = Flask("bare")
engine = create_engine(os.environ["DATABASE_URL"], pool_size=5)
POINT = text("SELECT title FROM idea WHERE id = :id")


@app.get("/livez")
@app.get("/")
def hello() -> str:
    """Say hello."""
    return "hello"


@app.get("/point")
def point() -> str:
    """Read one row by its key."""
    with engine.connect() as connection:
        return str(connection.execute(POINT, {"id": 1}).scalar())
