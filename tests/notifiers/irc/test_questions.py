"""Questions in a channel of IRC: answered from what the site knows, and nothing else is done."""

import threading
import time
from dataclasses import replace

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Retry
from slipway.notifiers.irc.lines import LONGEST
from slipway.notifiers.irc.sender import asked
from tests.notifiers.irc.conftest import CONTEXT, needs_ngircd
from tests.support.machine import wait_for

NOTICE = example_of(Event.RUN_FAILED)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("slipway: status", "status"),
        ("Slipway, runs almanac ", "runs almanac"),
        ("slipway:help", "help"),
        ("slipway: ", ""),
        ("slipway status", None),
        ("ask slipway: status", None),
        ("slipways: status", None),
        ("\x01ACTION slipway: status\x01", None),
        ("slipway: a\r\nQUIT \x02\x1b[31m", "a QUIT \\x02\\x1b[31m"),
        ("slipway: " + "x" * 5000, "x" * 100),
    ],
    ids=lambda one: ascii(one)[:30],
)
def test_what_is_asked(text, question):
    assert asked(text, "slipway") == question


class Answers:
    """What the site answers, and what it was asked."""

    def __init__(self, *lines):
        self.asked, self.lines = [], lines

    def __call__(self, question):
        self.asked.append(question)
        return self.lines


@pytest.fixture
def listening(ircd):
    """Return what starts a sender that listens as a channel of the master has it listen."""
    ended, threads, senders = threading.Event(), [], []

    def start(answers, **keys):
        sender = ircd.sender(commands=True, **keys)
        sender.site = replace(sender.site, answer=answers)
        senders.append(sender)

        def run():
            while not ended.wait(0.02):
                try:
                    sender.begin()
                    sender.listen()
                except Retry:
                    sender.close()

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return sender

    yield start
    ended.set()
    for one in threads:
        one.join(20)
    for one in senders:
        one.close()


def answers(listener):
    found = [one for one in listener.lines if " NOTICE #" in one]
    return [one.split(" ", 3)[3].removeprefix(":") for one in found]


def is_in(listener, nick="slipway"):
    """Wait until the sender is in the channel."""
    listener.until(f":{nick}!")


@pytest.mark.slow
@needs_ngircd
class TestAtAServer:
    """With a real ngircd."""

    def test_a_question_is_answered_in_its_channel_and_to_who_asked(self, listening, listen):
        ann, ben = listen(), listen("#other", nick="ben")
        site = Answers("almanac: 1 running", "moon: nothing")
        listening(site, channels=["#almanac", "#other"])
        is_in(ann)
        is_in(ben)
        ann.tell("PRIVMSG #almanac :slipway: status")
        wait_for(lambda: len(answers(ann)) == 2, lambda: ann.lines, 10)
        assert answers(ann) == ["ann: almanac: 1 running", "  moon: nothing"]
        assert site.asked == ["status"]
        assert answers(ben) == []

    def test_nobody_is_answered_outside_of_the_channels(self, listening, listen):
        ann = listen()
        site = Answers("secret")
        listening(site)
        is_in(ann)
        ann.tell("PRIVMSG slipway :slipway: status", "NOTICE #almanac :slipway: status")
        ann.tell("PRIVMSG slipway :\x01VERSION\x01", "PRIVMSG #almanac :no question")
        ann.tell("PRIVMSG #almanac :slipway: last")
        wait_for(lambda: answers(ann), lambda: ann.lines, 10)
        assert site.asked == ["last"]
        assert [one for one in ann.lines if " NOTICE ann" in one and "secret" in one] == []

    def test_texts_of_commits_are_text_in_an_answer_too_and_short(self, listening, listen):
        ann = listen()
        listening(Answers("x\r\nQUIT :bye\x01\x03" + "\u00e9" * 900))
        is_in(ann)
        ann.tell("PRIVMSG #almanac :slipway: last")
        wait_for(lambda: answers(ann), lambda: ann.lines, 10)
        [said] = answers(ann)
        assert len(said.encode()) <= LONGEST
        assert not set(said) & set("\r\n\x01\x03")
        assert not [one for one in ann.lines if one.split()[1:2] == ["QUIT"]]

    def test_of_a_flood_few_are_answered_and_notices_still_go_out(self, ircd, listening, listen):
        ann = listen()
        site = Answers("fine")
        listening(site)
        is_in(ann)
        for number in range(60):
            ann.tell(f"PRIVMSG #almanac :slipway: runs {number}")
        wait_for(lambda: site.asked, lambda: ann.lines, 10)
        time.sleep(1)
        assert 1 <= len(site.asked) <= 10
        other = ircd.sender(nick="other")
        assert other.send(NOTICE, CONTEXT) == "said in #almanac as other"
        other.close()

    def test_a_notice_is_said_by_the_session_that_listens(self, ircd, listen):
        ann = listen()
        sender = ircd.sender(commands=True)
        sender.begin()
        sender.send(NOTICE, CONTEXT)
        sender.listen()
        wait_for(lambda: ann.said, lambda: ann.lines, 10)
        assert len([one for one in ann.lines if " JOIN " in one and "slipway" in one]) == 1
        sender.close()

    def test_after_a_restart_of_the_server_it_is_there_again(self, ircd, listening, listen):
        site = Answers("fine")
        listening(site)
        is_in(listen())
        ircd.stop()
        ircd.start()
        ann = listen()
        # Either is there first: the one sees the other come, or in the list of names.
        wait_for(lambda: any("slipway" in one for one in ann.lines), lambda: ann.lines, 20)
        ann.tell("PRIVMSG #almanac :slipway: gates")
        wait_for(lambda: answers(ann), lambda: ann.lines, 10)
        assert site.asked == ["gates"]

    def test_a_channel_that_lets_nobody_in_is_not_asked_all_the_time(self, ircd, listening, listen):
        ann = listen()
        site = Answers("fine")
        listening(site, channels=["#locked", "#almanac"])
        is_in(ann)
        ann.tell("PRIVMSG #almanac :slipway: help")
        wait_for(lambda: answers(ann), lambda: ann.lines, 10)
        assert site.asked == ["help"]

    def test_a_site_that_cannot_be_read_ends_no_session(self, listening, listen):
        ann = listen()

        def broken(_question):
            raise OSError("the database is locked")

        listening(broken)
        is_in(ann)
        ann.tell("PRIVMSG #almanac :slipway: status")
        wait_for(lambda: answers(ann), lambda: ann.lines, 10)
        assert answers(ann)[0].startswith("ann: that cannot be told just now; see http")
