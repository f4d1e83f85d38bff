"""Members over the API."""

from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.members import services
from portal.members.founding import define_segment, found_organisation
from tests.members.factories import a_member, a_token, bearer


def test_a_member_shows_what_anybody_may_see(client: FlaskClient) -> None:
    mill = found_organisation(name="Filanda", kind="supplier")
    who = a_member(name="Ivana Rossi", kind="supplier", organisation_id=mill, email="ivana@example.org")
    member = client.get(f"/api/v1/members/{who}").get_json()
    assert {key: member[key] for key in ("id", "name", "kind", "organisation", "external_id")} == {
        "id": who, "name": "Ivana Rossi", "kind": "supplier", "organisation": "Filanda", "external_id": None,
    }  # fmt: skip
    assert member["url"] == f"/members/{who}/ivana-rossi"
    assert "ivana@example.org" not in str(member)


def test_the_id_in_the_source_is_for_admins_tokens(client: FlaskClient) -> None:
    who = services.placeholders_for("forum", ["u_9"])["u_9"]
    db.session.commit()
    admin = a_member(roles=["admin"])

    def seen(*scopes: str) -> object:
        headers = bearer(a_token(admin, *scopes))
        return client.get(f"/api/v1/members/{who}", headers=headers).get_json()["external_id"]

    assert seen("read", "admin") == "u_9"
    assert seen("read") is None
    assert client.get(f"/api/v1/members/{who}").get_json()["external_id"] is None


def test_an_unknown_member_is_not_found(client: FlaskClient) -> None:
    assert client.get("/api/v1/members/999999").status_code == 404


def test_members_are_listed_page_by_page(client: FlaskClient) -> None:
    ids = [a_member() for _ in range(5)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/members?limit=2&cursor={cursor}").get_json()
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == ids[::-1]
    assert client.get("/api/v1/members?cursor=nonsense").status_code == 422
    assert client.get("/api/v1/members?kind=robot").status_code == 422


def test_a_token_is_told_whose_it_is(client: FlaskClient) -> None:
    who = a_member(name="Sara", roles=["admin"])
    me = client.get("/api/v1/me", headers=bearer(a_token(who, "read"))).get_json()
    assert (me["id"], me["roles"], me["scopes"]) == (who, ["admin"], ["read"])
    assert client.get("/api/v1/me").status_code == 401


def test_segments_are_for_staff_and_small_ones_keep_their_size(client: FlaskClient) -> None:
    define_segment("shops", name={"it": "Negozi", "en": "Shops"}, rule={"all": []})
    define_segment("abroad", name={"it": "Estero", "en": "Abroad"}, rule={"all": []})
    for n in range(12):
        a_member(details={"segments": ["shops", "abroad"] if n < 9 else ["shops"]})
    assert client.get("/api/v1/segments", headers=bearer(a_token(a_member()))).status_code == 403
    anna = bearer(a_token(a_member(kind="staff", roles=["brand_manager"])))
    found = {one["key"]: one for one in client.get("/api/v1/segments", headers=anna).get_json()["items"]}
    assert (found["shops"]["members"], found["abroad"]["members"]) == (12, None)
    assert found["shops"]["name"] == {"it": "Negozi", "en": "Shops"}
