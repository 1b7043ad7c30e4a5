"""What proves who somebody is: passwords, sessions, headers, addresses; and how often they try."""

import time

import pytest
from argon2 import PasswordHasher
from twisted.internet import defer, task
from twisted.trial import unittest
from twisted.web.test.requesthelper import DummyRequest

from slipway.master.access import Unknown, address_of, basic, by_request, credentials
from slipway.master.crowd import Crowd
from slipway.master.passwords import NOBODY, Comparing, TooBusy, hash_password, same
from slipway.master.throttle import Throttle
from slipway.model.access import held
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.site import Site

WORD = "a long word of mine"
HASH = hash_password(WORD)
#: Seconds a sign-in may hold the reactor up.
PATIENCE = 0.1


def site(people=None, **access):
    return Site.model_validate(
        {
            "project": {"demo": {"repository": "x", "stages": {"a": {"uses": "tests"}}}},
            "workers": {"local": {}},
            "people": people or {"ann": {"password": HASH, "roles": ["developer"]}},
            "access": access,
        }
    )


@pytest.fixture
def crowd(tmp_path):
    """Return a maker of crowds, whose admin's password is "right"."""
    file = tmp_path / "admin-password"
    file.write_text("right\n", "utf-8")

    def make(people=None, **access):
        return Crowd.of(site(people, **access), tmp_path, file)

    return make


def asked(address="127.0.0.1", **headers):
    request = DummyRequest([b""])
    request.client = type("Address", (), {"host": address})()
    request.getCookie = lambda name: None
    request.isSecure = lambda: False
    request.sitepath = []
    for name, values in headers.items():
        lines = [values] if isinstance(values, str) else values
        request.requestHeaders.setRawHeaders(name.replace("_", "-"), lines)
    return request


# ---- the admin, whose password lies in a file


@pytest.mark.parametrize("word", ["wrong", "", "right\n", "é"])
def test_the_admin_is_known_by_the_password(crowd, word):
    assert crowd().admin("right").roles == held(["admin"])
    assert crowd().admin(word) is None


def test_without_a_password_nobody_is_the_admin(crowd):
    made = crowd()
    made.admin_password.write_text("\n")
    assert made.admin("") is None
    made.admin_password.unlink()
    assert made.admin("") is None
    assert made.password_mark("admin") == ""


# ---- sessions


def session(made, name="ann"):
    return made.session_info(name, made.password_mark(name))


def test_a_session_is_its_persons(crowd):
    made = crowd()
    person = made.of_session(session(made))
    assert (person.name, person.roles, person.via) == ("ann", held(["developer"]), "session")
    assert made.of_session(session(made, "admin")).roles == held(["admin"])


def test_a_session_ends_with_the_password_the_person_or_the_provider(crowd):
    before = session(crowd())
    other = {"ann": {"password": PasswordHasher().hash("another word"), "roles": ["admin"]}}
    github = {"provider": "github", "client-id": "x", "client-secret": {"env": "PATH"}}
    proxied = {"provider": "proxy-header", "trusted-addresses": ["127.0.0.1"]}
    for now in (
        crowd(other),
        crowd({"bob": {"password": HASH}}),
        crowd({"ann": {"roles": ["admin"]}}),
        crowd(**github),
        crowd(**proxied),
    ):
        assert now.of_session(before).anonymous
    admins = session(crowd(), "admin")
    made = crowd()
    made.admin_password.write_text("new")
    assert made.of_session(admins).anonymous


def test_roles_are_those_of_now(crowd):
    before = session(crowd())
    now = crowd({"ann": {"password": HASH, "roles": ["qa"]}}, anonymous="none")
    assert now.of_session(before).roles == {"qa", "viewer"}


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"anonymous": True},
        {"username": "ann"},
        {"username": "ann", "mark": ""},
        {"username": "ann", "mark": None},
        {"username": "admin", "mark": "x"},
        {"username": "bob", "mark": ""},
        {"username": None, "mark": ""},
        {"username": "", "mark": "", "roles": ["admin"], "via": "token:1"},
    ],
)
def test_what_is_no_session_of_ours_is_nobodys(crowd, info):
    assert crowd().of_session(info).anonymous


def test_a_stranger_at_a_provider_called_admin_is_not_the_admin(crowd):
    made = crowd(**{"provider": "github", "client-id": "x", "client-secret": {"env": "PATH"}})
    assert made.of_session(made.session_info("ann", made.provider_mark)).name == "ann"
    for name in ("admin", "Admin"):
        person = made.of_session(made.session_info(name, made.provider_mark))
        assert "admin" not in person.roles


# ---- secrets from elsewhere


def test_a_hash_from_elsewhere_must_be_one(crowd, tmp_path, monkeypatch):
    monkeypatch.setenv("ANNS", HASH)
    assert crowd({"ann": {"password-from": {"env": "ANNS"}}}).hashes == {"ann": HASH}
    monkeypatch.setenv("ANNS", "the word itself")
    with pytest.raises(WrongInput, match="what is there is no hash") as told:
        crowd({"ann": {"password-from": {"env": "ANNS"}}})
    assert "itself" not in str(told.value)
    monkeypatch.delenv("ANNS")
    with pytest.raises(MissingTool, match="ANNS is not set"):
        crowd({"ann": {"password-from": {"env": "ANNS"}}})


def test_no_hash_is_shown_by_accident(crowd):
    assert HASH not in repr(crowd({"bob": {"password": HASH}})).split("people=")[0]


# ---- a reverse proxy


PROXY = {"provider": "proxy-header", "trusted-addresses": ["10.0.0.0/8", "::1"]}


def test_a_header_is_good_from_the_proxy_alone(crowd):
    made, throttle = crowd(**PROXY), Throttle()
    headers = {"x_remote_user": "ann"}
    person = by_request(made, throttle, asked("10.1.2.3", **headers))
    assert (person.name, person.via, person.roles) == ("ann", "header", held(["developer"]))
    assert by_request(made, throttle, asked("::1", **headers)).name == "ann"
    for address in ("127.0.0.1", "192.168.0.1", "::2", "", "10.0.0.1.example.org"):
        assert by_request(made, throttle, asked(address, **headers)).anonymous
    # Nor where people sign in by other means.
    assert by_request(crowd(), throttle, asked("10.1.2.3", **headers)).anonymous


@pytest.mark.parametrize("values", ["", "ann bob", ["ann", "admin"], "admin", "ADMIN"])
def test_a_header_that_names_nobody_is_refused(crowd, values):
    with pytest.raises(Unknown) as told:
        by_request(crowd(**PROXY), Throttle(), asked("10.1.2.3", x_remote_user=values))
    assert told.value.status == 403


def test_whom_the_proxy_does_not_name_is_nobody(crowd):
    made = crowd(**PROXY)
    assert by_request(made, Throttle(), asked("10.1.2.3")).anonymous
    # The command line, on the proxy's machine.
    admin = asked("10.1.2.3", authorization="Basic YWRtaW46cmlnaHQ=")
    assert by_request(made, Throttle(), admin).name == "admin"
    both = asked("10.1.2.3", authorization="Basic YWRtaW46cmlnaHQ=", x_remote_user="ann")
    assert by_request(made, Throttle(), both).name == "ann"


def test_a_cookie_is_nothing_where_a_proxy_signs_in(crowd):
    before = session(crowd(), "admin")
    request = asked("127.0.0.1")
    request.getCookie = lambda name: b"a cookie"
    request.getSession = type("Session", (), {"user_info": before, "expire": str})
    assert by_request(crowd(), Throttle(), request).name == "admin"
    assert by_request(crowd(**PROXY), Throttle(), request).anonymous


def test_a_header_may_say_more(crowd):
    made = crowd(**PROXY, **{"header-pattern": r"(?P<username>[^@]+)@example\.org"})
    assert by_request(made, Throttle(), asked("::1", x_remote_user="ann@example.org")).name == "ann"
    with pytest.raises(Unknown):
        by_request(made, Throttle(), asked("::1", x_remote_user="ann@example.org.evil"))


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_a_clients_address_is_believed_from_the_proxy_alone(crowd, peer, told, address):
    request = asked(peer, x_forwarded_for=told) if told else asked(peer)
    assert address_of(crowd(**PROXY), request) == address


# ---- what stands in Authorization


@pytest.mark.parametrize(
    ("sent", "token", "pair"),
    [
        ("Bearer slw_x", "slw_x", None),
        ("bearer  slw_x ", "slw_x", None),
        ("Bearer", "", None),
        ("Basic YW5uOmE6Yg==", None, ("ann", "a:b")),
        ("basic YW5uOg==", None, ("ann", "")),
        ("Basic YW5u", None, None),
        ("Basic not base64", None, None),
        ("Basic /w==", None, None),
        ("Digest x", None, None),
        ("", None, None),
    ],
)
def test_authorization_is_read(sent, token, pair):
    request = asked(authorization=sent)
    assert credentials(request, "bearer") == token
    assert basic(request) == pair


def test_the_admin_may_come_with_the_password_and_nobody_else(crowd):
    made, throttle = crowd(), Throttle()
    assert by_request(made, throttle, asked(authorization="Basic YWRtaW46cmlnaHQ=")).name == "admin"
    with pytest.raises(Unknown, match="the password of admin is another"):
        by_request(made, throttle, asked(authorization="Basic YWRtaW46d3Jvbmc="))
    # Others sign in once, or use a token: their hash is slow.
    assert by_request(made, throttle, asked(authorization="Basic YW5uOmE6Yg==")).anonymous


def test_the_admins_password_cannot_be_tried_for_ever(crowd):
    made, throttle = crowd(), Throttle()
    wrong = asked(authorization="Basic YWRtaW46d3Jvbmc=")
    for _ in range(5):
        with pytest.raises(Unknown, match="is another"):
            by_request(made, throttle, wrong)
    with pytest.raises(Unknown, match="too many failed sign-ins; try again in 15 seconds") as told:
        by_request(made, throttle, asked(authorization="Basic YWRtaW46cmlnaHQ="))
    assert told.value.status == 429


# ---- patience


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def fail(throttle, times, person="ann", address="a"):
    for _ in range(times):
        throttle.begins(person, address)


def test_pauses_grow_and_end(clock):
    throttle = Throttle(clock)
    fail(throttle, 4)
    assert throttle.wait("ann", "a") == 0
    waits = []
    for _ in range(9):
        fail(throttle, 1)
        waits.append(throttle.wait("ann", "a"))
        clock.now += waits[-1]
        assert throttle.wait("ann", "a") == 0
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    clock.now += 3601
    fail(throttle, 1)
    assert throttle.wait("ann", "a") == 0


def test_others_are_not_kept_out(clock):
    throttle = Throttle(clock)
    fail(throttle, 10)
    assert throttle.wait("bob", "a") == 0
    assert throttle.wait("ann", "b") == 0
    assert throttle.wait("ann", "a") > 0


def test_guessing_many_names_or_from_many_places_is_seen(clock):
    throttle = Throttle(clock)
    for number in range(20):
        fail(throttle, 1, person=str(number))
    assert throttle.wait("new", "a") > 0
    for number in range(50):
        fail(throttle, 1, address=str(number))
    assert throttle.wait("ann", "new") > 0


def test_who_signs_in_is_forgiven(clock):
    throttle = Throttle(clock)
    for _ in range(100):
        fail(throttle, 4)
        throttle.begins("ann", "a")
        throttle.passed("ann", "a")
        assert throttle.wait("ann", "b") == 0
        throttle = Throttle(clock)
    for number in range(60):
        throttle.begins(str(number), "a")
        throttle.passed(str(number), "a")
    assert throttle.wait("new", "a") == 0


def test_what_it_remembers_is_bounded(clock):
    throttle = Throttle(clock)
    for number in range(20_000):
        fail(throttle, 1, person=str(number), address=str(number))
    assert len(throttle._failures) <= 10_000


# ---- passwords


class ComparingTest(unittest.TestCase):
    """In Twisted's own reactor, as in the master."""

    def setUp(self):
        self.comparing = Comparing()

    def test_right_and_wrong(self):
        async def check():
            same = self.comparing.same
            assert await same(WORD, HASH)
            assert not await same("another word", HASH)
            assert not await same("", HASH)
            assert not await same(WORD, None)
            assert not await same("x" * 100_000, HASH)

        return defer.ensureDeferred(check())

    def test_the_reactor_goes_on_and_a_crowd_is_told(self):
        gaps, last = [], [time.perf_counter()]

        def tick():
            now = time.perf_counter()
            gaps.append(now - last[0])
            last[0] = now

        async def check():
            looping = task.LoopingCall(tick)
            looping.start(0.005)
            waiting = [defer.ensureDeferred(self.comparing.same(WORD, HASH)) for _ in range(40)]
            found = await defer.DeferredList(waiting, consumeErrors=True)
            looping.stop()
            good = [value for done, value in found if done]
            refused = [failure for done, failure in found if not done]
            assert good == [True] * 21
            assert {failure.type for failure in refused} == {TooBusy}
            assert len(gaps) > 20
            assert sorted(gaps)[len(gaps) // 2] < PATIENCE

        return defer.ensureDeferred(check())


def test_who_is_not_there_takes_as_long():
    def seconds(kept):
        """The best of ten, of this thread's processor: others use the machine, too."""
        found = []
        for _ in range(10):
            began = time.thread_time()
            assert not same("a wrong word", kept)
            found.append(time.thread_time() - began)
        return min(found)

    assert 0.7 < seconds(HASH) / seconds(NOBODY) < 1.4
