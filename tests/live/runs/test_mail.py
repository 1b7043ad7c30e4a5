"""A failed run of a real site comes by mail, also if the server was down meanwhile."""

from __future__ import annotations

import pytest
from aiosmtpd.controller import Controller

from tests.notifiers.email.conftest import Post
from tests.support.machine import lease_ports, wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

PEOPLE = """[people.ann]
name = "Ann Example"
email = "ann@example.com"
roles = ["developer"]
"""


def test_a_failed_run_comes_by_mail_when_the_server_is_back(site):
    post, [port] = Post(), lease_ports(1)
    mail = f'[notify.mail]\nkind = "email"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    mail += 'sender = "Slipway <ci@example.org>"\npeople = ["ann"]\n'
    site.write(command("look", "print('all broken'); raise SystemExit(1)") + PEOPLE + mail)
    site.up()
    site.wait_for_run(1)
    # Nobody listens there yet: it waits, and no run waits for it.
    listed = lambda: site.run_slipway("outbox", "list").stdout  # noqa: E731
    wait_for(lambda: "Connection refused" in listed(), site.said)
    server = Controller(post, "127.0.0.1", port)
    server.start()
    try:
        wait_for(lambda: post.mails, site.said)
    finally:
        server.stop()
    [mail] = post.mails
    assert post.to == [["ann@example.com"]]
    assert mail["to"] == "Ann Example <ann@example.com>"
    assert "failed in look" in mail["subject"]
    text = mail.get_body(("plain",)).get_content()
    assert "all broken" in text
    assert f"{site.url}#/pipelines/demo/1" in text
    assert mail["list-unsubscribe"].startswith(f"<{site.url}")
