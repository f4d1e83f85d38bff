"""What the API's frame promises for every endpoint."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.members.factories import a_member, a_token, bearer


def test_the_description_is_valid_openapi(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert "/members/{member_id}" in document["paths"]


def test_a_member_is_readable_by_anybody(client: FlaskClient) -> None:
    who = a_member(name="Ruth")
    answer = client.get(f"/api/v1/members/{who}")
    assert answer.status_code == 200
    assert answer.get_json()["name"] == "Ruth"
