"""The JSON Schema and the reference page are what the model says."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from slipway.config.schema import FILE, json_schema, reference, schema_text
from slipway.model.kinds.stage import STAGES
from slipway.model.site import Project, SiteSettings, Worker

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
AGAIN = "; make it again: make docs"


def example():
    return tomllib.loads((ROOT / "pipeline.toml").read_text("utf-8"))


def test_the_schema_in_the_package_is_the_models():
    kept = files("slipway.config").joinpath(FILE).read_text("utf-8")
    assert kept == schema_text(), FILE + AGAIN
    assert json.loads(kept) == json_schema()


def test_the_reference_page_is_the_models():
    page = ROOT / "docs" / "reference" / "pipeline.md"
    assert page.read_text("utf-8") == reference(), page.name + AGAIN


def test_the_reference_has_every_key_with_a_description():
    page = reference()
    models = [SiteSettings, Project, Worker, *STAGES.members.values()]
    names = {f"`{field.alias}`" for model in models for field in model.model_fields.values()}
    assert {
        name
        for name in names - {"`uses`", "`stages`", "`environments`"}
        if f"| {name} |" not in page
    } == set()
    told = [row.split("|")[2].strip() for row in page.splitlines() if row.startswith("| `")]
    assert len(told) > 40
    assert all(len(sentence) > 5 for sentence in told)


def test_the_schema_knows_kebab_case_names_alone():
    text = schema_text()
    assert '"runs-on"' in text
    assert '"runs_on"' not in text


def validator():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_example_is_good_by_the_schema():
    assert list(validator().iter_errors(example())) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda site: site["site"].update(titel="x"),
        lambda site: site["project"]["almanac"].pop("repository"),
        lambda site: site["project"]["almanac"]["stages"]["tests"].update(uses="test"),
        lambda site: site["project"]["almanac"]["stages"]["tests"].update(lane="fast"),
        lambda site: site["workers"]["local"].update({"max-builds": 0}),
        lambda site: site.pop("workers"),
    ],
)
def test_a_broken_one_is_not(spoil):
    broken = example()
    spoil(broken)
    assert list(validator().iter_errors(broken))
