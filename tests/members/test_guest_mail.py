"""The mail to a guest, from the act to the vote that counts, by the real workers."""

from flask import Flask

from portal.members.mail import kept
from tests.conftest import Workers
from tests.factories import an_idea
from tests.members.test_guests import link_in, post, votes


def test_the_mail_arrives_and_its_link_works(committed: Flask, workers: Workers) -> None:
    idea_id = an_idea()
    client = committed.test_client()
    post(client, f"/ideas/{idea_id}/support", guest_name="Noor", guest_email="noor@example.org")
    workers.run()
    newest = kept()[0]
    assert newest.to == "noor@example.org"
    assert post(client, link_in(newest.body)).status_code == 302
    assert votes(idea_id)[0] == 1
