"""The settings of the target `confluence`: what is wrong is told before anything is sent."""

import re
import subprocess
import sys
import tomllib

import pytest
from pydantic import ValidationError

from slipway.scripts.stages.publish.targets.confluence.pages import Pages, example
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget
from tests.support.docs_pages import ROOT

CLOUD = {
    "kind": "confluence",
    "url": "https://example.atlassian.net",
    "space": "REL",
    "account": "ann@example.org",
}


def test_cloud_is_known_by_its_address_and_its_paths_lie_below_wiki():
    made = ConfluenceTarget(**CLOUD)
    assert made.is_cloud
    assert made.base == "https://example.atlassian.net/wiki"
    assert ConfluenceTarget(**CLOUD | {"url": f"{CLOUD['url']}/wiki/"}).base == made.base
    assert made.needed_secrets == ("CONFLUENCE_TOKEN",)


def test_all_others_are_data_center_unless_they_say_otherwise():
    url = "https://wiki.example.org:8443/confluence/"
    made = ConfluenceTarget(kind="confluence", url=url, space="~ann")
    assert not made.is_cloud
    assert made.base == "https://wiki.example.org:8443/confluence"
    gateway = {"url": "https://api.atlassian.com/ex/confluence/1-2", "edition": "cloud"}
    assert ConfluenceTarget(**CLOUD | gateway).base == f"{gateway['url']}/wiki"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"url": "http://example.atlassian.net"}, "would send the token in the clear; write https"),
        ({"url": "https://ann:secret@example.org"}, "url"),
        ({"url": "https://example.org/?x=y"}, "url"),
        ({"url": "https://example.org:port"}, "is no address"),
        ({"url": "https://[::1"}, "is no address"),
        ({"url": "ftp://example.org"}, "url"),
        ({"space": "A&B"}, "space"),
        ({"space": "../REL"}, "space"),
        ({"account": None}, "Confluence Cloud wants the e-mail address"),
        ({"account": "ann:secret"}, "account"),
        ({"token": "not a name"}, "token"),
        ({"page_title": "Release"}, r"must hold \{version\}"),
        ({"page_title": "{version} {branch}"}, r"may hold \{project\} and \{version\}, and no"),
        ({"page_title": "{version.__class__}"}, r"may hold \{project\} and \{version\}, and no"),
        ({"page_title": "{version!r}"}, r"may hold \{project\} and \{version\}, and no"),
        ({"page_title": "{version:>9999999}"}, r"may hold \{project\} and \{version\}, and no"),
        ({"page_title": "{version"}, "is no title"),
        ({"latest_title": "Newest {version}"}, "stays the same for all releases"),
        ({"parent": "a\nb"}, "parent"),
        ({"authorities": "ca.pem"}, "is not absolute"),
        ({"template": "<p>{% if %}</p>"}, "line 1 of the template: Expected an expression"),
        ({"nothing": 1}, "nothing"),
    ],
)
def test_what_is_wrong_is_told(changes, match):
    with pytest.raises(ValidationError, match=match):
        ConfluenceTarget(**CLOUD | changes)


def test_plain_http_is_for_this_machine_alone():
    made = ConfluenceTarget(kind="confluence", url="http://127.0.0.1:8090", space="REL")
    assert made.base == "http://127.0.0.1:8090"


def test_a_machine_without_httpx_is_told_what_to_install():
    program = """
import sys
sys.modules["httpx"] = None
from slipway.model.errors import MissingTool
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget
try:
    ConfluenceTarget(kind="confluence", url="https://x.org", space="A").load_runner()
except MissingTool as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert b"pip install 'slipway[confluence]'" in said.stdout


def test_what_the_how_to_guide_shows_is_right():
    text = (ROOT / "docs/how-to/publish-targets.md").read_text(encoding="utf-8")
    text = text.partition("## Confluence")[2]
    given, template = (
        tomllib.loads(one) for one in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[:2]
    )
    (table,) = given["project"]["almanac"]["stages"]["publish"]["targets"]
    made = ConfluenceTarget.model_validate(table | template)
    assert made.needed_secrets == tuple(given["project"]["almanac"]["stages"]["publish"]["secrets"])
    own = Pages("almanac", made.page_title, made.latest_title, made.template)
    assert "almanac-1.0.0.zip" in own.release(example("almanac", "1.0.0"))
