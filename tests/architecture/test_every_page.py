"""Every address with ids and filters that make no sense: an answer, never a mistake of ours."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import a_member, signed_in

IDS = ("99999999999999999999", "0", "1")
QUERIES = (
    "",
    "?q=%00&board=%00",
    "?cursor=nonsense&board=x&sort=x&stage=x&tag=x&kind=x&page=-1&view=x&since=x&limit=x&lang=x",
    "?cursor=WzFd&q=%F0%9F%A7%B6&board=9223372036854775808&page=99999999999999999999",
)


def is_ours(app: Flask, endpoint: str) -> bool:
    """Files aside, and routes that other tests open in the same process."""
    return endpoint != "static" and not app.view_functions[endpoint].__module__.startswith("tests")


def addresses(app: Flask) -> list[str]:
    rules = {r.rule for r in app.url_map.iter_rules() if "GET" in (r.methods or ()) and is_ours(app, r.endpoint)}
    filled = {re.sub(r"<[^>]+>", "x", re.sub(r"<int:[^>]+>", number, rule)) for rule in rules for number in IDS}
    return sorted(filled)


@pytest.mark.parametrize("who", ["nobody", "member", "admin"])
def test_no_address_makes_a_mistake_of_ours(app: Flask, client: FlaskClient, who: str) -> None:
    if who == "admin":
        signed_in(client, a_member(kind="staff", roles=["admin"]))
    elif who == "member":
        signed_in(client, a_member())
    wrong = [
        f"{answer.status_code} {path}{query}"
        for path in addresses(app)
        for query in QUERIES
        if (answer := client.get(path + query)).status_code >= 500 and answer.status_code != 503
    ]
    assert wrong == []
