"""Whose a stage is."""

from __future__ import annotations

import pytest

from slipway.model.site import Project
from slipway.model.tenant import is_deploying, tenant_of, tenants_of


def project(**stage: object) -> Project:
    told = {"uses": "command", "argv": ["true"], **stage}
    return Project.model_validate({"repository": "x", "stages": {"s": told}})


@pytest.mark.parametrize(
    ("stage", "given", "tenant"),
    [
        ({}, (), "demo"),
        ({"secrets": {"ONE": {"env": "ONE"}}}, ("ONE",), "demo"),
        ({"secrets": {"TWO": {"env": "TWO", "branches": ["main"]}}}, (), "demo"),
        ({"secrets": {"TWO": {"env": "TWO", "branches": ["main"]}}}, ("TWO",), "demo~secrets"),
        ({"manual": True, "parameters": [{"name": "pin", "type": "secret"}]}, (), "demo~secrets"),
        ({"manual": True, "parameters": [{"name": "pin", "type": "string"}]}, (), "demo"),
    ],
)
def test_a_stage_with_what_not_everybody_has_is_a_tenant_of_its_own(
    stage: dict[str, object], given: tuple[str, ...], tenant: str
) -> None:
    made = project(**stage)
    found = tenant_of("demo", made, made.stages["s"], given)
    assert found == tenant
    assert found in tenants_of("demo", made, made.stages["s"])


def test_what_deploys_is_told_by_its_name() -> None:
    assert [is_deploying(one) for one in ("demo", "demo~publish", "demo~deploy", "a~deploy~b")] == [
        False,
        False,
        True,
        True,
    ]
