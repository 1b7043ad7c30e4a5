"""What proves who somebody is: passwords, sessions, headers, addresses; and how often they try."""

import time

import pytest
from argon2 import PasswordHasher
from twisted.internet import defer, task
from twisted.python import failure
from twisted.web.test.requesthelper import DummyRequest

from slipway.master.access.identify import (
    address_of,
    admin_password,
    basic,
    by_password,
    by_request,
    credentials,
)
from slipway.master.access.login_throttle import Throttle
from slipway.master.access.passwords import hash_password
from slipway.master.access.users import Users
from slipway.model.access import Unknown, held
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.site import Site

WORD = "a long word of mine"
HASH = hash_password(WORD)


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
def users(tmp_path):
    """Return a maker of crowds, whose admin's password is "right"."""
    file = tmp_path / "admin-password"
    file.write_text("right\n", "utf-8")
    (tmp_path / "session-key").write_text("a key of the site\n", "utf-8")

    def make(people=None, **access):
        return Users.of(site(people, **access), tmp_path, file)

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
def test_the_admin_is_known_by_the_password(users, word):
    assert users().admin("right").roles == held(["admin"])
    assert users().admin(word) is None


def test_without_a_password_nobody_is_the_admin(users):
    made = users()
    made.admin_password.write_text("\n")
    assert made.admin("") is None
    made.admin_password.unlink()
    assert made.admin("") is None
    assert made.of_session(session(made, "admin")).anonymous


# ---- sessions


def session(made, name="ann"):
    return made.session_info(name)


def test_a_session_is_its_persons(users):
    made = users()
    person = made.of_session(session(made))
    assert (person.name, person.roles, person.via) == ("ann", held(["developer"]), "session")
    assert made.of_session(session(made, "admin")).roles == held(["admin"])


@pytest.mark.slow
def test_a_session_ends_with_the_password_the_person_or_the_provider(users):
    before = session(users())
    other = {"ann": {"password": PasswordHasher().hash("another word"), "roles": ["admin"]}}
    github = {"provider": "github", "client-id": "x", "client-secret": {"env": "PATH"}}
    proxied = {"provider": "proxy-header", "trusted-addresses": ["127.0.0.1"]}
    for now in (
        users(other),
        users({"bob": {"password": HASH}}),
        users({"ann": {"roles": ["admin"]}}),
        users(**github),
        users(**proxied),
    ):
        assert now.of_session(before).anonymous
    admins = session(users(), "admin")
    made = users()
    made.admin_password.write_text("new")
    assert made.of_session(admins).anonymous


@pytest.mark.parametrize("roles", [["qa"], ["developer", "qa"], []])
def test_a_session_ends_with_its_persons_roles(users, roles):
    before = session(users())
    assert users().of_session(before).name == "ann"
    now = users({"ann": {"password": HASH, "roles": roles}})
    assert now.of_session(before).anonymous
    assert now.of_session(session(now)).roles == held(roles) | {"viewer"}


@pytest.mark.parametrize("people", [{"bob": {"roles": ["qa"]}}, {"ann": {"roles": ["qa"]}}])
def test_a_session_from_a_provider_ends_with_the_person_and_the_roles(users, people):
    github = {"provider": "github", "client-id": "x", "client-secret": {"env": "PATH"}}
    before = session(users({"ann": {"roles": ["developer"]}}, **github))
    assert users({"ann": {"roles": ["developer"]}}, **github).of_session(before).name == "ann"
    assert users(people, **github).of_session(before).anonymous


def test_a_session_is_over_when_its_person_signs_out_and_only_that_one(users, tmp_path):
    made = users()
    mine, other = session(made), session(made)
    made.end_session(mine)
    assert made.of_session(mine).anonymous
    # A restart remembers it.
    assert users().of_session(mine).anonymous
    assert users().of_session(other).name == "ann"
    assert (tmp_path / "ended-sessions").stat().st_mode & 0o777 == 0o600


def test_nobody_fills_the_list_of_ended_sessions_from_outside(users, tmp_path):
    users().end_session({"username": "ann", "session": "1-x", "mark": "x"})
    assert not (tmp_path / "ended-sessions").exists()


def test_a_session_does_not_outlive_its_hours_whatever_its_cookie_says(users, monkeypatch):
    before = session(users())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    assert users().of_session(before).anonymous


def test_a_session_is_good_by_the_key_in_its_file_alone(users, tmp_path):
    """Whoever has read the database and pipeline.toml still cannot mark a session."""
    before = session(users())
    (tmp_path / "session-key").write_text("another key\n")
    assert users().of_session(before).anonymous
    for stolen in ({"username": "admin"}, {"session": "1-x"}, {"mark": "0" * 64}):
        assert users().of_session(session(users()) | stolen).anonymous


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
def test_what_is_no_session_of_ours_is_nobodys(users, info):
    assert users().of_session(info).anonymous


def test_a_stranger_at_a_provider_called_admin_is_not_the_admin(users):
    made = users(**{"provider": "github", "client-id": "x", "client-secret": {"env": "PATH"}})
    assert made.of_session(made.session_info("ann", vouched=True)).name == "ann"
    for name in ("admin", "Admin"):
        person = made.of_session(made.session_info(name, vouched=True))
        assert "admin" not in person.roles


# ---- secrets from elsewhere


def test_a_hash_from_elsewhere_must_be_one(users, tmp_path, monkeypatch):
    monkeypatch.setenv("ANNS", HASH)
    assert users({"ann": {"password-from": {"env": "ANNS"}}}).hashes == {"ann": HASH}
    monkeypatch.setenv("ANNS", "the word itself")
    with pytest.raises(WrongInput, match="what is there is no hash") as told:
        users({"ann": {"password-from": {"env": "ANNS"}}})
    assert "itself" not in str(told.value)
    monkeypatch.delenv("ANNS")
    with pytest.raises(MissingTool, match="ANNS is not set"):
        users({"ann": {"password-from": {"env": "ANNS"}}})


def test_no_hash_is_shown_by_accident(users):
    assert HASH not in repr(users({"bob": {"password": HASH}})).split("people=")[0]


# ---- a reverse proxy


PROXY = {"provider": "proxy-header", "trusted-addresses": ["10.0.0.0/8", "::1"]}


def test_a_header_is_good_from_the_proxy_alone(users):
    made = users(**PROXY)
    headers = {"x_remote_user": "ann"}
    person = by_request(made, asked("10.1.2.3", **headers))
    assert (person.name, person.via, person.roles) == ("ann", "header", held(["developer"]))
    assert by_request(made, asked("::1", **headers)).name == "ann"
    for address in ("127.0.0.1", "192.168.0.1", "::2", "", "10.0.0.1.example.org"):
        assert by_request(made, asked(address, **headers)).anonymous
    # Nor where people sign in by other means.
    assert by_request(users(), asked("10.1.2.3", **headers)).anonymous


@pytest.mark.parametrize("values", ["", "ann bob", ["ann", "admin"], "admin", "ADMIN"])
def test_a_header_that_names_nobody_is_refused(users, values):
    with pytest.raises(Unknown) as told:
        by_request(users(**PROXY), asked("10.1.2.3", x_remote_user=values))
    assert told.value.status == 403


def test_whom_the_proxy_does_not_name_is_nobody(users):
    made = users(**PROXY)
    assert by_request(made, asked("10.1.2.3")).anonymous
    # The command line, on the proxy's machine.
    admin = asked("10.1.2.3", authorization="Basic YWRtaW46cmlnaHQ=")
    assert admin_password(made, admin) == "right"
    both = asked("10.1.2.3", authorization="Basic YWRtaW46cmlnaHQ=", x_remote_user="ann")
    assert admin_password(made, both) is None
    assert by_request(made, both).name == "ann"


def test_a_cookie_is_nothing_where_a_proxy_signs_in(users):
    before = session(users(), "admin")
    request = asked("127.0.0.1")
    request.getCookie = lambda name: b"a cookie"
    request.getSession = type("Session", (), {"user_info": before, "expire": str})
    assert by_request(users(), request).name == "admin"
    assert by_request(users(**PROXY), request).anonymous


def test_a_header_may_say_more(users):
    made = users(**PROXY, **{"header-pattern": r"(?P<username>[^@]+)@example\.org"})
    assert by_request(made, asked("::1", x_remote_user="ann@example.org")).name == "ann"
    with pytest.raises(Unknown):
        by_request(made, asked("::1", x_remote_user="ann@example.org.evil"))


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        # IPv4 within IPv6, as a socket for both tells it.
        ("::ffff:10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("::ffff:1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", ["::ffff:9.9.9.9"], "9.9.9.9"),
        # A client within the trusted network writes what it likes on the left.
        ("10.0.0.1", ["10.6.6.6, 10.1.1.1"], "10.1.1.1"),
        ("10.0.0.1", ["10.6.6.6", "10.1.1.1"], "10.1.1.1"),
        # What is no address is nobody's, nor what stands before it.
        ("10.0.0.1", ["6.6.6.6, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["9.9.9.9:4711"], "9.9.9.9"),
        ("::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("10.0.0.1", [""], "10.0.0.1"),
    ],
)
def test_a_clients_address_is_believed_from_the_proxy_alone(users, peer, told, address):
    request = asked(peer, x_forwarded_for=told) if told else asked(peer)
    assert address_of(users(**PROXY), request) == address


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


def now(waiting):
    """Return what a coroutine returns or raises that waits for nothing."""
    found = []
    defer.ensureDeferred(waiting).addBoth(found.append)
    assert found, "it waits"
    if isinstance(found[0], failure.Failure):
        found[0].raiseException()
    return found[0]


def test_the_admin_may_come_with_the_password_and_nobody_else(users):
    made, throttle = users(), Throttle(task.Clock())
    sent = admin_password(made, asked(authorization="Basic YWRtaW46cmlnaHQ="))
    assert now(by_password(made, throttle, sent, "a")).name == "admin"
    with pytest.raises(Unknown, match="the password of admin is another"):
        now(by_password(made, throttle, "wrong", "a"))
    # Others sign in once, or use a token: their hash is slow.
    assert admin_password(made, asked(authorization="Basic YW5uOmE6Yg==")) is None


def test_guesses_keep_the_admin_out_of_nowhere(users):
    """A password that Slipway made is found by no number of guesses, and always taken."""
    made, throttle = users(), Throttle(task.Clock())
    made.admin_password.write_text("a" * 32)
    told = []
    for number in range(200):
        with pytest.raises(Unknown) as refused:
            now(by_password(made, throttle, f"guess {number}", "a"))
        told.append(refused.value.status)
    assert told == [401] * 20 + [429] * 180
    assert now(by_password(made, throttle, "a" * 32, "a")).name == "admin"


def test_an_admins_own_short_password_cannot_be_tried_for_ever(users):
    made, clock = users(), task.Clock()
    throttle = Throttle(clock)
    for _ in range(5):
        with pytest.raises(Unknown, match="is another"):
            now(by_password(made, throttle, "wrong", "a"))
    right = defer.ensureDeferred(by_password(made, throttle, "right", "a"))
    assert not right.called
    clock.advance(1)
    assert right.result.name == "admin"
