"""Levels, badges, benefits and their pages: what a member sees of herself, what staff sees, what nobody else does."""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.analytics.reputation import facade, given, queries
from portal.analytics.reputation.levels import Level
from portal.analytics.reputation.models import Badge
from portal.analytics.reputation.services import benefits, standing, trust
from portal.analytics.reputation.services.benefits import Gift
from portal.ideas import services as ideas
from portal.kernel.clock import now, today
from portal.kernel.database import db, transaction
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import Fact
from portal.members import services as members
from portal.members.rules import Purpose
from portal.moderation.services import suspending
from portal.support import services as support
from tests.conftest import counted_queries, read_all_facts
from tests.ideas.factories import an_idea
from tests.members.factories import a_token, a_viewer, bearer, sign_in
from tests.support.factories import a_board, a_question, an_answer

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def client(committed):
    return committed.test_client()


def look():
    db.session.commit()
    read_all_facts()
    trust.spread()
    standing.look_at_everybody()
    db.session.commit()


def a_shipped_idea(author, manager):
    idea = an_idea(author)
    ideas.set_stage(idea, manager, stage="shipped")
    return idea


def test_a_customer_whom_we_know_is_known_and_a_stranger_is_not():
    customer, stranger = a_viewer(details={"crm": {"contact_id": "c-9"}}), a_viewer()
    look()
    assert queries.levels([customer.id, stranger.id]) == {customer.id: 1, stranger.id: 0}
    told = db.session.scalars(select(Fact.payload).where(Fact.name == "TrustLevelChanged")).all()
    assert {"member_id": customer.id, "before": 0, "level": 1, "why": ["known"], "actor_id": None} in told


def test_a_member_climbs_by_answers_that_are_received_well_and_falls_when_they_are_hidden():
    board, helper = a_board(), a_viewer(details={"crm": {"contact_id": "c-9"}})
    moderator = a_viewer(kind="staff", roles=["moderator"])
    for n in range(6):
        asker = a_viewer(kind="staff")
        at = now() - timedelta(days=n + 1)
        answer = an_answer(a_question(asker, board, at=at), helper, at=at)
        support.accept_answer(answer, asker, at=at)
    look()
    climb = facade.climb_of(helper.id)
    assert (climb.level, climb.signs.good, climb.signs.judged) == (Level.REGULAR, 6, 6)
    assert climb.next is Level.TRUSTED
    support.hide_answer(answer, actor_id=moderator.id)
    look()
    assert facade.climb_of(helper.id).level is Level.KNOWN
    fell = db.session.scalars(
        select(Fact.payload).where(Fact.name == "TrustLevelChanged", Fact.subject_id == helper.id).order_by(Fact.id)
    ).all()[-1]
    assert (fell["before"], fell["level"], fell["why"]) == (2, 1, ["flags"])


def test_a_badge_is_earned_and_goes_with_its_ground():
    author, manager = a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    idea = a_shipped_idea(author, manager)
    look()
    (badge,) = queries.badges_of([author.id])[author.id]
    assert (badge.key, badge.ground["ids"]) == ("shipped", [idea])
    ideas.set_stage(idea, manager, stage="review")
    look()
    assert queries.badges_of([author.id]) == {}
    assert db.session.scalar(select(Badge.revoked_at).filter_by(member_id=author.id)) is not None
    names = db.session.scalars(select(Fact.name).where(Fact.name.like("Badge%")).order_by(Fact.id)).all()
    assert names == ["BadgeEarned", "BadgeRevoked"]
    standing.look_at_everybody()
    assert len(db.session.scalars(select(Fact.name).where(Fact.name.like("Badge%"))).all()) == 2


def test_who_foresaw_three_shipped_ideas_has_a_good_eye():
    seer, late, manager = a_viewer(), a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    for _ in range(3):
        idea = an_idea()
        ideas.cast_vote(idea, seer)
        ideas.set_stage(idea, manager, stage="planned")
        ideas.cast_vote(idea, late)
        ideas.set_stage(idea, manager, stage="shipped")
    look()
    assert [badge.key for badge in queries.badges_of([seer.id])[seer.id]] == ["foresaw"]
    assert queries.badges_of([late.id]) == {}


def test_a_benefit_is_given_claimed_withdrawn_and_given_again():
    author, manager = a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    idea = a_shipped_idea(author, manager)
    look()
    (gift,) = benefits.give(Gift(kind="credit", title="Dye lot in large figures", rule=f"idea:{idea}"), by=manager)
    (line,) = given.benefits_of(author.id)
    assert (line.state, line.object_id) == ("given", idea)
    with pytest.raises(NotFound):
        benefits.claim(gift, manager)
    benefits.claim(gift, author)
    benefits.claim(gift, author)
    assert given.benefits_of(author.id)[0].state == "claimed"
    assert [one.title for one in facade.standing_of(author.id, a_viewer()).credits] == ["Dye lot in large figures"]
    benefits.withdraw(gift, by=manager, note="Entered twice")
    assert (given.benefits_of(author.id)[0].state, given.benefits_of(author.id)[0].note) == (
        "withdrawn",
        "Entered twice",
    )
    with pytest.raises(Refused):
        benefits.claim(gift, author)
    benefits.restore(gift, by=manager)
    assert given.benefits_of(author.id)[0].state == "claimed"
    actions = db.session.scalars(text("SELECT action FROM benefit_entry ORDER BY id")).all()
    assert actions == ["given", "claimed", "withdrawn", "restored"]


def test_two_clicks_of_a_manager_are_one_gift_and_two_of_a_member_one_claim(committed):
    members_ = [a_viewer(details={"crm": {"contact_id": f"c-{n}"}}) for n in range(3)]
    manager = a_viewer(kind="staff", roles=["brand_manager"])
    look()
    wish = Gift(kind="early_access", title="The new carder", rule="level:1")
    made, refused = _at_once(committed, 4, lambda: benefits.give(wish, by=manager))
    assert (len(made), len(refused)) == (1, 3)
    assert sorted(line.member_id for line in given.newest_benefits(None).items) == [one.id for one in members_]
    gift = given.benefits_of(members_[0].id)[0].id
    _at_once(committed, 4, lambda: benefits.claim(gift, members_[0]))
    claimed = text("SELECT count(*) FROM benefit_entry WHERE action = 'claimed'")
    assert db.session.scalar(claimed) == 1
    assert db.session.query(Fact).filter_by(name="BenefitClaimed").count() == 1
    benefits.withdraw(gift, by=manager, note="Not yet")
    assert len(benefits.give(wish, by=manager)) == 1


def _at_once(app, many, act):
    """Let threads do the same; return what those got who succeeded, and who was refused."""
    start, made, refused = threading.Barrier(many), [], []

    def run():
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    made.append(act())
            except Refused as error:
                refused.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    return made, refused


def test_benefits_go_their_whole_way_through_programs(client):
    member, other = a_viewer(), a_viewer()
    manager = bearer(a_token(a_viewer(kind="staff", roles=["brand_manager"]).id))
    hers = bearer(a_token(member.id))
    body = {"kind": "offer", "title": "Ten per cent", "rule": f"member:{member.id}"}
    assert client.get("/api/v1/benefits/mine", headers=hers).json == {"items": []}
    assert client.post("/api/v1/benefits", json=body, headers=hers).status_code == 403
    made = client.post("/api/v1/benefits", json=body, headers=manager)
    assert (made.status_code, [one["state"] for one in made.json["items"]]) == (201, ["given"])
    assert client.post("/api/v1/benefits", json=body, headers=manager).status_code == 409
    wrong = client.post("/api/v1/benefits", json={**body, "rule": "everybody"}, headers=manager)
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "rule")
    path = f"/api/v1/benefits/{made.json['items'][0]['id']}"
    assert client.post(f"{path}/claim", headers=bearer(a_token(other.id))).status_code == 404
    assert client.post(f"{path}/claim", headers=hers).json["state"] == "claimed"
    taken = client.post(f"{path}/withdraw", json={"note": "Entered twice"}, headers=manager)
    assert (taken.json["state"], taken.json["note"]) == ("withdrawn", "Entered twice")
    assert client.post(f"{path}/claim", headers=hers).status_code == 409
    assert client.post(f"{path}/restore", headers=manager).json["state"] == "claimed"
    assert [one["state"] for one in client.get("/api/v1/benefits/mine", headers=hers).json["items"]] == ["claimed"]
    assert len(client.get("/api/v1/benefits", headers=manager).json["items"]) == 1


def test_who_leaves_the_company_or_is_suspended_for_good_vouches_for_nobody_any_more():
    author, gone, spammer = a_viewer(), a_viewer(kind="staff"), a_viewer(details={"crm": {"contact_id": "c-9"}})
    idea = an_idea(author)
    for voter in (gone, spammer):
        ideas.cast_vote(idea, voter)
    look()
    assert queries.sum_of(author.id).points == 4
    assert not trust.is_due()
    db.session.execute(text("UPDATE member SET kind = 'customer' WHERE id = :i"), {"i": gone.id})
    db.session.commit()
    assert trust.is_due()
    look()
    assert queries.sum_of(author.id).points == 2
    suspending.suspend(a_viewer(kind="staff", roles=["moderator"]), spammer.id, term="month", reason="abuse")
    look()
    assert queries.sum_of(author.id).points == 2
    suspending.suspend(a_viewer(kind="staff", roles=["moderator"]), spammer.id, term="good", reason="spam")
    look()
    assert queries.sum_of(author.id).points == 0


def test_a_line_of_a_benefit_cannot_be_changed(committed):
    member, manager = a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    benefits.give(Gift(kind="offer", title="Ten per cent", rule=f"member:{member.id}"), by=manager)
    with pytest.raises(Exception, match="never changed"):
        db.session.execute(text("UPDATE benefit_entry SET note = 'x'"))


@pytest.mark.parametrize("rule", ["", "everybody", "member:nobody@example.org", "badge:none", "idea:999999", "level:x"])
def test_a_rule_that_names_nobody_is_refused(rule):
    with pytest.raises(Invalid):
        benefits.give(Gift(kind="offer", title="Ten per cent", rule=rule), by=a_viewer(kind="staff"))


def test_credit_asks_for_an_idea_that_shipped_and_a_day_that_has_not_passed():
    author, manager = a_viewer(), a_viewer(kind="staff")
    idea = an_idea(author)
    db.session.commit()
    read_all_facts()
    with pytest.raises(Invalid):
        benefits.give(Gift(kind="credit", title="Credit", rule=f"idea:{idea}"), by=manager)
    past = today() - timedelta(days=1)
    with pytest.raises(Invalid):
        benefits.give(Gift(kind="offer", title="Late", rule=f"member:{author.id}", claim_until=past), by=manager)


def test_a_member_sees_each_line_and_why(client):
    author, staff = a_viewer(lang="en"), a_viewer(kind="staff", roles=["brand_manager"], lang="en")
    stranger = a_viewer(lang="en")
    idea = an_idea(author, title="Skeins of ten grams")
    for voter in (staff, stranger):
        ideas.cast_vote(idea, voter)
    ideas.withdraw_vote(idea, staff)
    ideas.cast_vote(idea, staff)
    look()
    sign_in(client, author.id)
    with counted_queries() as seen:
        page = client.get("/account/reputation").text
    assert len(seen) < 25
    assert "Skeins of ten grams" in page
    assert "taken back by whoever gave it" in page
    assert "nobody we know vouches for whoever gave it" in page
    assert staff.name not in page
    assert client.get("/account/reputation?cursor=nonsense").status_code == 422
    assert client.get(f"/staff/members/{author.id}/reputation").status_code == 403
    other = client.application.test_client()
    sign_in(other, staff.id)
    assert staff.name in other.get(f"/staff/members/{author.id}/reputation").text
    assert other.get("/staff/members/999999/reputation").status_code == 404


def test_the_api_tells_herself_and_the_company(client):
    author, staff, other = a_viewer(), a_viewer(kind="staff"), a_viewer()
    ideas.cast_vote(an_idea(author), staff)
    look()
    url = f"/api/v1/members/{author.id}/reputation"
    mine = client.get(url, headers=bearer(a_token(author.id))).json
    assert (mine["points"], mine["items"][0]["kind"], mine["items"][0]["weight"]) == (2.0, "vote", 1.0)
    assert client.get(url, headers=bearer(a_token(staff.id))).status_code == 200
    assert client.get(url, headers=bearer(a_token(other.id))).status_code == 403
    assert client.get(url).status_code == 401
    assert client.get("/api/v1/members/999999/reputation", headers=bearer(a_token(author.id))).status_code == 404


def test_her_page_shows_level_and_badges_and_the_place_only_with_consent(client):
    author, manager = a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    a_shipped_idea(author, manager)
    look()
    db.session.execute(text("UPDATE reputation SET place = 1, ranked = 50 WHERE member_id = :id"), {"id": author.id})
    db.session.commit()
    page = client.get(f"/members/{author.id}", headers={"Accept-Language": "en"}).text
    assert "From idea to thing" in page
    assert "trust level: known" in page
    assert "first 2% by reputation" in page
    members.say_consent(author.id, Purpose.PROFILING, given=False)
    db.session.commit()
    page = client.get(f"/members/{author.id}", headers={"Accept-Language": "en"}).text
    assert "by reputation" not in page
    assert facade.standing_of(author.id, author).place == 1


def post(client, page, address, **data):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
    assert token is not None
    return client.post(address, data={**data, "csrf_token": token[1]})


def test_staff_gives_and_members_claim_on_the_page(client):
    member, manager = a_viewer(lang="en"), a_viewer(kind="staff", roles=["brand_manager"], lang="en")
    here, hers = "/staff/benefits", client.application.test_client()
    sign_in(client, manager.id)
    assert "Nothing was given yet" in client.get(here).text
    wrong = post(client, here, here, kind="offer", title="Ten per cent", rule="badge:none")
    assert wrong.status_code == 422
    assert "This rule names nobody." in wrong.text
    assert "Ten per cent" in wrong.text
    assert post(client, here, here, kind="offer", title="Ten per cent", rule=f"member:{member.id}").status_code == 303
    (line,) = given.benefits_of(member.id)
    sign_in(hers, member.id)
    assert "Ten per cent" in hers.get("/account/benefits").text
    assert hers.get(here).status_code == 403
    assert post(hers, "/account/benefits", f"/account/benefits/{line.id}/claim").status_code == 303
    assert post(client, here, f"/staff/benefits/{line.id}/withdraw", note="Twice").status_code == 303
    assert "Twice" in hers.get("/account/benefits").text
    assert post(client, here, f"/staff/benefits/{line.id}/restore").status_code == 303
    assert given.benefits_of(member.id)[0].state == "claimed"


def test_figures_hold_reputation(client):
    author, staff = a_viewer(lang="en"), a_viewer(kind="staff")
    ideas.cast_vote(an_idea(author), staff)
    look()
    assert facade.figures_of([author.id])[author.id]["reputation"] == 2.0
    sign_in(client, author.id)
    assert "Trust level" in client.get("/account/figures").text


def test_a_small_ring_buys_nothing_in_reputation_or_trust():
    """Ten accounts in a circle with three bridges: no place, and together less trust than three words bring in."""
    board, ring = a_board(), [a_viewer() for _ in range(10)]
    honest = a_viewer()
    known = [a_viewer(details={"crm": {"contact_id": f"c-{n}"}}) for n in range(8)]
    for n, asker in enumerate(known):
        at = now() - timedelta(days=n + 1)
        support.accept_answer(an_answer(a_question(asker, board, at=at), honest, at=at), asker, at=at)
    for n in range(40):
        asker, at = ring[1 + n % 9], now() - timedelta(days=n % 9)
        support.accept_answer(an_answer(a_question(asker, board, at=at), ring[0], at=at), asker, at=at)
    for n, one in enumerate(ring):
        following = ring[(n + 1) % 10]
        support.accept_answer(an_answer(a_question(one, board), following), one)
    for asker in known[:3]:
        support.accept_answer(an_answer(a_question(asker, board), ring[4]), asker)
    db.session.commit()
    read_all_facts()
    heard = trust.spread()
    ranked = db.session.scalars(text("SELECT member_id FROM reputation WHERE place IS NOT NULL")).all()
    assert ranked == [honest.id]
    assert 0 < sum(heard[one.id] for one in ring) < 3 * 0.57 * 1.25
    assert queries.sum_of(ring[0].id).points < queries.sum_of(honest.id).points
