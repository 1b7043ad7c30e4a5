"""A site: schedules, ports, secrets, names."""

import pytest
from pydantic import TypeAdapter, ValidationError

from slipway.model.secrets.location import SecretPlace
from slipway.model.site import Project, Schedule, Site, SiteSettings, Worker

SCHEDULE = TypeAdapter(Schedule)
STAGES = {"tests": {"uses": "tests"}}


@pytest.mark.parametrize("text", ["12h", "90s", "1h30m", "0 */12 * * *", "*/5 8-18 * * mon-fri"])
def test_a_schedule_is_a_duration_or_a_cron_line(text):
    assert SCHEDULE.validate_python(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("99 * * * *", "is no cron line; an example"),
        ("a b c d e", "is no cron line; an example"),
        ("daily", "is no duration"),
        ("* * * *", "is no duration"),
        ("", "is no duration"),
        ("0s", "longer than zero"),
    ],
)
def test_a_bad_schedule_is_told(text, told):
    with pytest.raises(ValidationError, match=told):
        SCHEDULE.validate_python(text)


@pytest.mark.parametrize(
    ("settings", "port"),
    [
        ({}, 8010),
        ({"url": "http://localhost/"}, 80),
        ({"url": "https://releases.example.org/"}, 443),
        ({"url": "https://releases.example.org:8443/"}, 8443),
        ({"url": "http://[::1]:8010/"}, 8010),
        ({"url": "http://[::1]/"}, 80),
        ({"url": "http://[2001:db8::8010]/"}, 80),
        ({"url": "https://releases.example.org/", "port": 8010}, 8010),
    ],
)
def test_the_web_port(settings, port):
    assert SiteSettings.model_validate(settings).web_port == port


@pytest.mark.parametrize(
    "url", ["", "localhost:8010", "ftp://x/", "http://x", "http://x/y/", "http:///", "http://a b/"]
)
def test_a_bad_url_is_refused(url):
    with pytest.raises(ValidationError):
        SiteSettings(url=url)


@pytest.mark.parametrize("url", ["http://localhost:0/", "http://localhost:99999/", "http://a:b/"])
def test_a_url_with_an_impossible_port_is_refused(url):
    with pytest.raises(ValidationError):
        SiteSettings(url=url)


@pytest.mark.parametrize("port", [0, -1, 65_536, "8010x"])
def test_a_bad_port_is_refused(port):
    with pytest.raises(ValidationError):
        SiteSettings(port=port)


@pytest.mark.parametrize(
    ("listen", "told", "tls"),
    [
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
        ("localhost", {}, False),
        ("127.0.0.1", {"worker-tls": True}, True),
        ("0.0.0.0", {}, True),  # noqa: S104  compared, not bound
        ("10.0.0.5", {}, True),
        ("::", {}, True),
        ("releases.example.org", {}, True),
        ("127.0.0.1.example.org", {}, True),
    ],
)
def test_workers_of_other_machines_connect_by_tls(listen, told, tls):
    assert SiteSettings.model_validate({"worker-listen": listen, **told}).speaks_tls is tls


@pytest.mark.parametrize("listen", ["0.0.0.0", "10.0.0.5", "releases.example.org"])  # noqa: S104
def test_no_plain_port_is_open_to_other_machines(listen):
    with pytest.raises(ValidationError, match="worker-tls = false is allowed on this machine"):
        SiteSettings.model_validate({"worker-listen": listen, "worker-tls": False})


@pytest.mark.parametrize("database", ["state.sqlite", "mysql://x/y", "sqlite:///", "postgresql:/x"])
def test_a_database_is_sqlite_or_postgresql(database):
    with pytest.raises(ValidationError):
        SiteSettings(database=database)


@pytest.mark.parametrize(
    "keys", [{}, {"env": "A", "file": "b"}, {"env": "A", "command": ["b"]}, {"command": [""]}]
)
def test_a_secret_is_in_one_place(keys):
    with pytest.raises(ValidationError, match=r"write one place|name is empty"):
        SecretPlace(**keys)
    assert SecretPlace(env="A").file is None


@pytest.mark.parametrize("name", ["Almanac", "1st", "a b", "a.b", "", "-a", "a" * 41, "ä"])
def test_names_become_folders_so_they_are_narrow(name):
    with pytest.raises(ValidationError):
        Site.model_validate(
            {"project": {name: {"repository": "r", "stages": STAGES}}, "workers": {"w": {}}}
        )


def test_defaults():
    project = Project.model_validate({"repository": "r", "stages": STAGES})
    assert (project.branches, project.poll) == (("main",), "12h")
    worker = Worker()
    assert worker.lanes == ("interactive", "default", "bulk")
    assert (worker.labels, worker.max_builds, worker.password) == ((), 4, None)
    assert SiteSettings().database == "sqlite:///state.sqlite"


def test_labels_are_a_set():
    assert Worker(labels=("b", "a", "b")).labels == ("a", "b")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"project": {}, "workers": {"w": {}}},
        {"project": {"a": {"repository": "r", "stages": {}}}, "workers": {"w": {}}},
        {"project": {"a": {"repository": "", "stages": STAGES}}, "workers": {"w": {}}},
        {
            "project": {"a": {"repository": "r", "stages": STAGES, "branches": []}},
            "workers": {"w": {}},
        },
        {"project": {"a": {"repository": "r", "stages": STAGES}}, "workers": {}},
        {
            "project": {"a": {"repository": "r", "stages": STAGES}},
            "workers": {"w": {"max-builds": 0}},
        },
    ],
)
def test_nothing_may_be_empty(data):
    with pytest.raises(ValidationError):
        Site.model_validate(data)


def test_a_site_is_frozen_and_survives_json():
    site = Site.model_validate(
        {
            "$schema": "pipeline.schema.json",
            "project": {"a": {"repository": "r", "stages": STAGES}},
            "workers": {"w": {"max-builds": 2, "password": {"env": "SECRET"}}},
        }
    )
    with pytest.raises(ValidationError, match="frozen"):
        site.workers = {}
    assert Site.model_validate_json(site.model_dump_json(by_alias=True)) == site
