"""Two links of one guest opened at the same moment, on a database that keeps what is committed."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import func, select

from portal.kernel.database import db
from portal.members.models import Member
from tests.factories import an_idea
from tests.members.test_guests import token_in, vote_as, votes


def test_two_links_to_a_new_address_make_one_member(committed: Flask) -> None:
    first, second = an_idea(), an_idea()
    links = [vote_as(committed.test_client(), idea_id) for idea_id in (first, second)]
    db.session.commit()
    ready = threading.Barrier(2)

    def confirm(link: str) -> int:
        with committed.app_context():
            client = committed.test_client()
            token = token_in(client, link)
            ready.wait(10)
            return client.post(link, data={"csrf_token": token}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(confirm, links)) == [302, 302]
    assert db.session.scalar(select(func.count()).select_from(Member).filter_by(email="noor@example.org")) == 1
    assert (votes(first)[0], votes(second)[0]) == (1, 1)
