"""The table of routes, its document and its page."""

import json
import re
from pathlib import Path

import pytest

from slipway import __version__
from slipway.model.access import ACTIONS
from slipway.www.api.document import document
from slipway.www.api.http_errors import Refused
from slipway.www.api.openapi import describe
from slipway.www.api.reference import page
from slipway.www.api.route import Router
from slipway.www.api.routes import CONTROL, ROUTES
from slipway.www.plugin import plugin
from slipway.www.views.download import disposition

ROOT = Path(__file__).parents[3]


def test_every_route_takes_a_right_of_the_table():
    assert {route.action for route in ROUTES} <= set(ACTIONS)


def test_only_what_decides_by_the_gates_own_roles_is_done_by_lookers():
    looked = {route.path for route in CONTROL if route.action == "look"}
    assert looked == {
        "gates/{id}/open",
        "gates/{id}/approve",
        "gates/{id}/reject",
        "gates/{id}/check",
        "runs/{project}/{number}/stages/{stage}/gate",
        "environments/{project}/{name}/rollback",
    }


def test_the_reference_is_made_from_the_routes():
    written = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    assert written == page(), "run `make docs`"


@pytest.mark.slow
def test_the_document_describes_every_route():
    described = describe(ROUTES)
    told = {(method, path) for path, one in described["paths"].items() for method in one}
    assert told == {(route.method.lower(), f"/{route.path}") for route in ROUTES}


def test_the_pages_types_are_made_from_the_routes():
    written = (ROOT / "www" / "src" / "api" / "openapi.json").read_text("utf-8")
    assert written == document(), "run `make docs`"


def test_whatever_the_document_points_at_is_in_it():
    described = describe(ROUTES)
    named = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(described)))
    there = described["components"]
    assert named <= {f"#/components/{kind}/{name}" for kind in there for name in there[kind]}


def test_what_an_answer_always_has_is_required():
    schemas = describe(ROUTES)["components"]["schemas"]
    for name in ("RunRow", "StageOfRun", "Listing_RunRow_", "Problem", "WaitsFor"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name
    # Of what is asked, what has a default may be left out.
    assert schemas["StartRun"]["required"] == ["project"]


def test_the_plugins_version_is_ours():
    assert plugin.version.strip() == __version__


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "gates/0", 404),
        ("GET", "gates/99999999999999999999", 404),
        ("GET", "runs/demo/-1", 404),
        ("PUT", "runs", 405),
        ("DELETE", "gates/1", 405),
        ("GET", "artefacts/../../etc/passwd", 404),
        ("GET", "artefacts/" + "A" * 64, 404),
    ],
)
def test_what_is_no_route_is_refused(method, path, status):
    with pytest.raises(Refused) as refused:
        Router(ROUTES).find(method, path)
    assert refused.value.status == status


def test_a_files_name_cannot_leave_its_header():
    found = disposition('a"b\r\nset-cookie: x\u202e.html', inline=False)
    assert found.startswith("attachment; ")
    assert found.isascii()
    assert found.isprintable()
    assert found.count('"') == 2
