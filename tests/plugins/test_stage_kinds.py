"""A kind of stage of somebody else's: found, used as Slipway's own, and harmless when broken."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

OWN = {"archive", "command", "databases", "deploy", "features", "freeze", "installer"}
OWN |= {"promote", "publish", "publish-check", "sign", "tests"}


def kinds(installed, group="slipway.stages"):
    done = installed.slipway("plugins", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return {one["kind"]: one for one in json.loads(done.stdout) if one["group"] == group}


def test_slipways_own_are_found_in_the_same_way(installed):
    found = kinds(installed)
    assert set(found) == OWN
    assert {one["package"].split()[0] for one in found.values()} == {"slipway"}
    assert set(kinds(installed, "slipway.deployers")) == {"command", "folder", "ssh"}


def test_a_new_kind_is_checked_described_and_done(installed, site):
    installed.lint()
    assert kinds(installed)["lint"]["package"] == "slipway-lint 1.2"
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 0, done.stderr
    assert "look (lint, at most 1h00m)" in done.stdout
    schema = json.loads(installed.slipway("schema").stdout)
    assert schema["$defs"]["LintStage"]["properties"]["strict"]["description"] == (
        "Whether warnings fail."
    )
    reference = installed.slipway("schema", "--reference").stdout
    assert '### `uses = "lint"`' in reference
    assert "| `strict` | Whether warnings fail. | boolean | `false` |" in reference
    done = installed.slipway("run", cwd=site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to say" in done.stdout


def test_a_new_kind_can_fail_and_its_keys_are_checked(installed, site):
    installed.lint()
    file = site / "pipeline.toml"
    good = file.read_text()
    file.write_text(good.replace('"lint"\n', '"lint"\nstrict = true\n'))
    done = installed.slipway("run", cwd=site)
    assert done.returncode == 1
    assert "2 warnings; mend them" in done.stdout
    file.write_text(good.replace('"lint"\n', '"lint"\nstrit = true\n'))
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 2
    assert 'unknown key "strit". Did you mean "strict"?' in done.stderr


def test_without_the_package_the_kind_is_unknown(installed, site):
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 2
    assert 'unknown kind of stage: "lint" is not allowed; allowed: "archive", ' in done.stderr


BROKEN = {
    "ImportError: no module for you": 'raise ImportError("no module for you")',
    "SystemExit: 3": "raise SystemExit(3)",
    "ZeroDivisionError: division by zero": "1 / 0",
    "AttributeError: ": "",
    "is no subclass of slipway.plugins.Stage": "class LintStage: pass",
    'must say uses: Literal["lint"]': (
        "from typing import Literal\nfrom slipway.plugins import Stage\n"
        'class LintStage(Stage):\n    uses: Literal["flint"]\n'
    ),
    "PydanticSchemaGenerationError": (
        "from typing import Literal\nfrom slipway.plugins import Stage\nclass Odd: pass\n"
        'class LintStage(Stage):\n    uses: Literal["lint"]\n    odd: Odd\n'
    ),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_kind_is_named_and_nothing_else_suffers(installed, site, problem):
    installed.lint(stage=BROKEN[problem])
    found = kinds(installed)
    assert problem in found["lint"]["problem"]
    assert len(found) == len(OWN) + 1
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 2
    assert '"lint" of slipway-lint 1.2 (slipway.stages) cannot be used: ' in done.stderr
    assert "Traceback" not in done.stderr
    file = site / "pipeline.toml"
    file.write_text(file.read_text().replace('"lint"', '"command"\nargv = ["true"]'))
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 0
    assert "warning: " in done.stderr
    assert "slipway-lint 1.2" in done.stderr
    assert installed.slipway("check", "--strict", cwd=site).returncode == 2
    assert installed.slipway("run", cwd=site).returncode == 0


def test_what_does_the_work_may_be_missing_where_it_is_done(installed, site):
    installed.lint(run="import a_module_that_is_not_there\n")
    assert installed.slipway("check", cwd=site).returncode == 0
    done = installed.slipway("run", cwd=site)
    assert done.returncode == 3
    assert "slipway_lint.run:run cannot be imported: ModuleNotFoundError" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_two_packages_with_one_name_are_both_refused(installed, site):
    installed.lint()
    installed.lint("other-lint")
    problem = kinds(installed)["lint"]["problem"]
    assert "has another of that name" in problem
    done = installed.slipway("check", cwd=site)
    assert done.returncode == 2
    assert "of slipway-lint 1.2" in done.stderr or "of other-lint 1.2" in done.stderr


def test_nobody_takes_the_place_of_slipways_own(installed, site):
    hostile = 'raise SystemExit("taken over")\n'
    points = {"slipway.stages": {"tests": "evil.stage:Stage"}}
    installed.package("evil", points, stage=hostile)
    done = installed.slipway("plugins")
    assert done.returncode == 0
    assert "Slipway itself has one of that name" in done.stdout
    assert "taken over" not in done.stdout + done.stderr


def test_a_name_that_cannot_be_part_of_paths_is_refused(installed, site):
    points = {"slipway.stages": {"../x": "odd.stage:X"}}
    text = (
        "from typing import Literal\nfrom slipway.plugins import Stage\n"
        'class X(Stage):\n    uses: Literal["../x"]\n'
    )
    installed.package("odd", points, stage=text)
    assert "its name must be lower-case letters" in kinds(installed)["../x"]["problem"]
