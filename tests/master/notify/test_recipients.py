"""Who is told: whom it concerns and nobody else, unless a rule of theirs or the site's says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slipway.master.notify.recipients import Audience, plans
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.details import Blamed, Concerned
from slipway.model.notices.events import Concern, Event
from slipway.model.notices.rules import OwnRules
from slipway.model.people import PersonSettings
from tests.master.notify.conftest import Recorded

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC).timestamp()


class Mail(Recorded):
    to_persons = True


def person(*roles, email="x@example.org"):
    return PersonSettings(roles=roles or ("viewer",), email=email)


PEOPLE = {
    "ann": person("developer"),
    "ben": person("releaser"),
    "cleo": person("admin"),
    "dan": person("developer", email=""),
}


def own(**rules):
    return {name: OwnRules.model_validate(one) for name, one in rules.items()}


def told(notice, mail=None, rules=None):
    found = plans(notice, {"mail": mail or Mail()}, Audience(PEOPLE, rules or {}), NOW)
    return {one.person: one for one in found}


@pytest.fixture
def failed(notice):
    def make(*blamed, **more):
        concerned = [Concerned(person=one, why=Concern.BLAMED) for one in blamed]
        return notice(concerned=concerned, **more)

    return make


def test_by_default_those_it_concerns_and_nobody_else(failed):
    assert list(told(failed("ann"))) == ["ann"]
    assert told(failed()) == {}


def test_a_person_without_an_address_is_told_why_not(failed):
    (plan,) = told(failed("dan")).values()
    assert plan.state == DeliveryState.MUTED
    assert plan.text == "there is no address; write email in [people.dan]"


def test_the_site_may_name_people_and_roles(failed):
    assert list(told(failed(), Mail(people=("ben",)))) == ["ben"]
    assert list(told(failed("ann"), Mail(roles=("releaser",)))) == ["ann", "ben", "cleo"]
    assert told(failed("ann"), Mail(concerned=False)) == {}
    # Somebody who is not among the people has no address here, whatever a commit says.
    assert told(failed("stranger"), Mail(people=("nobody",))) == {}


def test_a_channel_tells_of_what_it_is_for(failed):
    assert told(failed("ann"), Mail(projects=("other",))) == {}
    assert told(failed("ann"), Mail(branches=("release/*",))) == {}
    assert list(told(failed("ann"), Mail(branches=("ma*",)))) == ["ann"]
    assert told(failed("ann"), Mail(events=("deployed",))) == {}
    assert told(failed("ann", environment="test"), Mail(environments=("live",))) == {}
    assert list(told(failed("ann"), Mail(environments=("live",)))) == ["ann"]


def test_own_rules_add_and_mute_and_the_first_that_fits_counts(failed):
    rules = own(
        ann={"rules": [{"projects": ["demo"], "tell": False}, {}]},
        ben={"rules": [{"events": ["run-failed"]}]},
    )
    found = told(failed("ann"), rules=rules)
    assert {name: one.state for name, one in found.items()} == {
        "ann": DeliveryState.MUTED,
        "ben": DeliveryState.WAITING,
    }
    assert told(failed("ann", event="run-passed"), rules=rules)["ann"].state == "muted"
    assert "ben" not in told(failed("ann", event="run-passed"), rules=rules)


def test_own_rules_of_who_is_gone_tell_nobody(failed):
    assert told(failed(), rules=own(zoe={"rules": [{}]})) == {}


def test_quiet_hours_and_digests_are_in_the_persons_own_zone(failed):
    rules = own(ann={"quiet": "22:00-07:00", "time-zone": "Pacific/Auckland"})
    (plan,) = told(failed("ann"), rules=rules).values()
    # It is one in the morning there.
    assert plan.due_at == datetime(2026, 3, 4, 18, 0, tzinfo=UTC).timestamp()
    assert told(failed("ann"))["ann"].due_at == NOW
    (plan,) = told(failed("ann"), Mail(digest="day")).values()
    assert (plan.digest, plan.due_at) == ("day", NOW + 20 * 3600)
    rules = own(ann={"time-zone": "UTC", "rules": [{"digest": "week"}]})
    assert told(failed("ann"), rules=rules)["ann"].digest == "week"
    rules = own(ann={"rules": [{"digest": ""}]})
    assert told(failed("ann"), Mail(digest="day"), rules)["ann"].digest == ""


def test_too_many_recipients_are_refused_as_a_mistake_unless_it_is_raised(failed):
    many = {f"p{number}": person("developer") for number in range(10_000)}
    for bound, count in ((200, 1), (10_000, 10_000)):
        mail = Mail(roles=("developer",), most_recipients=bound)
        found = plans(failed(), {"mail": mail}, Audience(many), NOW)
        assert len(found) == count
    found = plans(failed(), {"mail": Mail(roles=("developer",))}, Audience(many), NOW)
    assert found[0].state == DeliveryState.DEAD
    assert found[0].text.startswith("it would go to 10000 people and may go to 200; raise")


def test_a_channel_that_is_no_persons_is_told_once(failed):
    found = plans(failed("ann", "ben"), {"chat": Recorded()}, Audience(PEOPLE), NOW)
    assert [(one.channel, one.person) for one in found] == [("chat", "")]


# ---- whom it concerns


def test_a_gate_concerns_who_may_approve_but_for_who_asked(notice):
    audience = Audience(PEOPLE)
    asked = notice(event=Event.APPROVAL_WAITS, person="ann")
    found = audience.concerned(asked, "ann", ("ann", "ben"))
    assert [(one.person, one.why) for one in found] == [("ben", "may-approve")]


def test_a_failure_concerns_its_authors_once_and_who_started_it(notice):
    blamed = [Blamed(name="A", person="ann"), Blamed(name="?", email="other@example.org")]
    found = Audience(PEOPLE).concerned(notice(blamed=blamed), "ben", ())
    assert [(one.person, one.why) for one in found] == [("ann", "blamed"), ("ben", "asked")]
    assert Audience(PEOPLE).concerned(notice(blamed=blamed), "stranger", ())[0].person == "ann"


def test_the_site_concerns_its_admins(notice):
    found = Audience(PEOPLE).concerned(notice(event=Event.WORKER_MISSING), "", ())
    assert [one.person for one in found] == ["cleo"]
