"""Scripts in every text that somebody else writes: shown as they are, and never run."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import Chrome

from tests.attack.web_site import API, client, write
from tests.live.conftest import LiveSite
from tests.support.browser import available, browser, settle, sign_in
from tests.support.machine import wait_for
from tests.support.site import STAGING, command

pytestmark = [
    pytest.mark.attack,
    pytest.mark.live,
    pytest.mark.skipif(not available(), reason="no Chromium and chromedriver here"),
]

SCRIPT = "<script>window.__xss=1</script>"
IMAGE = '"><img src=x onerror=window.__xss=1>'
LINK = "javascript:window.__xss=1"
DIALOG = "'><svg/onload=alert(1)>{{7*7}}${window.__xss=1}"
MARKED = "[a](javascript:window.__xss=1) </script></title></textarea>"
MARKED += "<iframe srcdoc='<script>parent.__xss=1</script>'>"
ALL = f"{SCRIPT} {IMAGE} {LINK} {DIALOG} {MARKED}"
REASON = f"{SCRIPT} {IMAGE} {LINK}"
#: What git lets a branch be called, and a file system a file.
BRANCH = "feature/<script>window.__xss=1</script>'\"><img/src=x/onerror=alert(1)>"
FILE = "'-alert(1)-' & {{7+7}} javascript;window.__xss=1;.txt"
AUTHOR = "Eve '\"&{{7*7}} javascript:window.__xss=1"

SAYS = f"""
import pathlib, sys
print({ALL!r})
print({ALL!r}, file=sys.stderr)
print("\\x1b]8;;javascript:window.__xss=1\\x07a link\\x1b]8;;\\x07 \\x1b[31m" + {SCRIPT!r})
pathlib.Path({FILE!r}).write_text({ALL!r})
"""
TESTS = f'''
import unittest

class Hostile(unittest.TestCase):
    def test_shown(self):
        """A test that is shown."""
        print({ALL!r})
        self.fail({ALL!r})

def fails(self):
    raise RuntimeError({ALL!r})

setattr(Hostile, "test_" + {SCRIPT!r}, fails)
setattr(Hostile, "test_" + {IMAGE!r}, fails)
'''
STAGES = (
    command("make", SAYS, artefacts='["*.txt"]')
    + '[project.demo.stages.tests]\nuses = "tests"\n'
    + f"""{STAGING}[[project.demo.stages.staging.parameters]]
name = "note"
type = "text"
label = {json.dumps(SCRIPT)}
help = {json.dumps(IMAGE)}
[[project.demo.stages.staging.parameters]]
name = "colour"
type = "choice"
choices = [{{ value = "blue", label = {json.dumps(IMAGE)} }}]
default = "blue"
[project.demo.environments.staging]
description = {json.dumps(REASON)}
deployer = {{ kind = "command", argv = {json.dumps([sys.executable, "-c", f"print({ALL!r})"])} }}
"""
    + command("said-no", "print(1)", "make", manual="true")
)


class Scene:
    """A site where everything that somebody may write is hostile, and its numbers."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        with client(site, "ada") as ada:
            self.furnish(ada)
            self.cookies = {one.name: one.value for one in ada.cookies.jar if one.path == "/"}
            self.builders = {
                one["name"]: one["builderid"]
                for one in ada.get("api/v2/builders").json()["builders"]
            }

    def furnish(self, ada: Any) -> None:
        """Say what people say: answers, and reasons of each kind."""
        site = self.site
        site.wait_for_stage(1, "staging", "gate")
        site.wait_for_stage(1, "tests", "failed")
        gates = {one["stage"]: one for one in self.ask(ada, "gates")["items"]}
        gate = self.ask(ada, f"gates/{gates['staging']['id']}")
        self.send(ada, gate["ask"], {"token": gate["token"], "values": {"note": ALL}})
        self.send(ada, f"gates/{gates['said-no']['id']}/reject", {"comment": ALL})
        site.wait_for_stage(1, "staging", "passed")
        self.send(ada, "runs", {"project": "demo", "branch": BRANCH, "reason": REASON})
        self.send(ada, "runs/demo/2/cancel", {"reason": REASON})
        self.send(ada, "freezes/demo", {"reason": REASON})
        site.wait_for_run(2)

    @staticmethod
    def ask(ada: Any, path: str) -> dict[str, Any]:
        answer = ada.get(API + path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @staticmethod
    def send(ada: Any, path: str, body: dict[str, Any]) -> None:
        answer = ada.post(API + path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    site = LiveSite(tmp_path_factory.mktemp("scripts"))
    site.make_repository()
    commits(site)
    write(site, STAGES)
    try:
        site.up()
        yield Scene(site)
    finally:
        left = site.end_processes()
    assert not left, left


def commits(site: LiveSite) -> None:
    site.repository.joinpath("tests").mkdir()
    site.repository.joinpath("tests", "test_hostile.py").write_text(TESTS)
    toml = '[project]\nname = "hostile"\nversion = "1.0"\n'
    site.repository.joinpath("pyproject.toml").write_text(toml)
    site.git("add", "--all")
    author = f"{AUTHOR} <eve@example.org>"
    site.git("commit", "--quiet", "--author", author, "-m", f"{SCRIPT} {IMAGE} {LINK}", "-m", ALL)
    site.git("branch", BRANCH)


@pytest.fixture(scope="module")
def page(scene: Scene) -> Iterator[Chrome]:
    with browser() as driver:
        sign_in(driver, scene.site.url, scene.cookies)
        # Whatever runs is remembered, however soon the page goes on; frames tell it, too.
        source = "Object.defineProperty(window, '__told', {value: []});"
        for name in ("alert", "confirm", "prompt"):
            source += f"window.{name} = () => __told.push('{name}');"
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        yield driver


def shown(driver: Chrome) -> str:
    """Return all that the page shows, with what stands in its fields."""
    return str(
        driver.execute_script(
            "return [document.body.innerText, document.body.textContent,"
            "...[...document.querySelectorAll('input, textarea')].map(one => one.value)].join(' ')"
        )
    )


def nothing_ran(driver: Chrome) -> None:
    with pytest.raises(NoAlertPresentException):
        _ = driver.switch_to.alert.text
    assert driver.execute_script("return [window.__xss, __told.join()]") == [None, ""]
    links = driver.execute_script(
        "return [...document.querySelectorAll('[href], [src], [action], [formaction], [srcdoc]')]"
        ".flatMap(one => ['href', 'src', 'action', 'formaction', 'srcdoc']"
        ".map(name => one.getAttribute(name)))"
        ".filter(one => /^\\s*(javascript|data:text)/i.test(one))"
    )
    assert links == []
    made = (
        "return document.querySelectorAll('img[src=x], [onerror], [onload], iframe[srcdoc]').length"
    )
    assert driver.execute_script(made) == 0


def looks(driver: Chrome, url: str, *texts: str) -> None:
    """Open a page, read each text on it, and see that nothing has run."""
    driver.get("about:blank")
    driver.get(url)
    before: list[str] = []

    def rests() -> bool:
        before.append(driver.execute_script("return document.body.innerHTML"))
        return len(before) > 5 and len(set(before[-5:])) == 1

    with contextlib.suppress(AssertionError):
        wait_for(rests, lambda: url, 5)
    wait_for(
        lambda: all(text in shown(driver) for text in texts),
        lambda: f"{url}: {[text for text in texts if text not in shown(driver)]}\n{shown(driver)}",
        15,
    )
    nothing_ran(driver)


PAGES = {
    "pipelines": (REASON, AUTHOR, BRANCH),
    "pipelines/demo/1": (REASON, AUTHOR),
    "pipelines/demo/2": (BRANCH, REASON),
    "pipelines/demo/1?stage=make": (),
    "pipelines/demo/1?stage=staging": (SCRIPT,),
    "pipelines/demo/1?stage=said-no": (ALL,),
    "pipelines/demo/1?stage=tests": (SCRIPT, IMAGE),
    "environments": (REASON, ALL),
    "releases": (REASON,),
    "tests": (SCRIPT, IMAGE),
    "audit": (SCRIPT, LINK),
    "lanes": (),
    f"pipelines?text={SCRIPT}&branch={IMAGE}": (),
    f"pipelines/{SCRIPT}/1": (),
    f"pipelines/demo/1?stage={IMAGE}": (IMAGE,),
    f"tests?project=demo&stage=tests&name={SCRIPT}": (),
    "pipelines?gate=javascript:window.__xss=1": (),
}


@pytest.mark.parametrize("path", PAGES)
def test_slipways_own_pages_show_it_and_run_nothing(scene, page, path):
    looks(page, f"{scene.site.url}#/{path}", *PAGES[path])


@pytest.mark.parametrize("stage", ["make", "tests", "staging", "said-no"])
def test_each_part_of_a_stages_panel(scene, page, stage):
    looks(page, f"{scene.site.url}#/pipelines/demo/1?stage={stage}")
    seen = shown(page)
    tabs = "[role=tab], .sw-root summary"
    for number in range(len(page.find_elements("css selector", tabs))):
        found = page.find_elements("css selector", tabs)
        if number < len(found) and found[number].is_displayed():
            page.execute_script("arguments[0].click()", found[number])
            settle(page)
            nothing_ran(page)
            seen += shown(page)
    if stage != "said-no":
        assert ALL in seen
    assert FILE in seen or stage != "make"


def test_a_gates_dialog(scene, page):
    with client(scene.site, "ada") as ada:
        gates = scene.ask(ada, "gates?state=all&limit=100")["items"]
    for gate in gates:
        looks(page, f"{scene.site.url}#/pipelines/demo/{gate['run']}?gate={gate['id']}")


def test_buildbots_own_pages_show_it_and_run_nothing(scene, page):
    url = scene.site.url
    for path in ("builders", "changes", "grid", "console", "waterfall", "workers", "pendingbuilds"):
        looks(page, f"{url}#/{path}")
    looks(page, f"{url}#/changes", SCRIPT)
    for stage in ("make", "tests", "staging"):
        builder = scene.builders[f"demo.{stage}"]
        looks(page, f"{url}#/builders/{builder}", f"demo.{stage}")
        looks(page, f"{url}#/builders/{builder}/builds/1", f"demo.{stage}")


def test_buildbots_logs_show_it_and_run_nothing(scene, page):
    """A log of HTML is put into Buildbot's page as it is, and sent as a page of its own."""
    url, kinds = scene.site.url, set()
    with client(scene.site, "ada") as ada:
        builds = ada.get("api/v2/builds").json()["builds"]
        for build in builds:
            place = f"builders/{build['builderid']}/builds/{build['number']}"
            for step in ada.get(f"api/v2/builds/{build['buildid']}/steps").json()["steps"]:
                for log in ada.get(f"api/v2/steps/{step['stepid']}/logs").json()["logs"]:
                    kinds.add(log["type"])
                    looks(page, f"{url}#/{place}/steps/{step['number']}/logs/{log['slug']}")
                    page.get(f"{url}api/v2/logs/{log['logid']}/raw_inline")
                    told = ada.get(f"api/v2/logs/{log['logid']}/raw_inline").text
                    assert SCRIPT in shown(page) or (
                        SCRIPT not in told and "&lt;script" not in told
                    )
                    nothing_ran(page)
    assert "h" in kinds
