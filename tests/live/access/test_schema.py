"""Whatever is sent to the endpoints of a real master: an answer as the document says, never 500."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from slipway.www.api.openapi import describe
from slipway.www.api.routes import ROUTES
from tests.live.conftest import LiveSite
from tests.support.http import get
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

API = "plugins/slipway/api"
STAGES = command("tests", "print(1)") + command("gate", "print(2)", "tests", manual="true")
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = 8


def test_no_input_is_a_defect(site: LiveSite):
    site.write(STAGES)
    site.up()
    site.wait_for_run(1, "waiting")
    base = site.url + API
    auth = ("admin", site.password())
    document = get(f"{base}/openapi.json", auth=auth).json()
    assert document == describe(ROUTES)
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=base)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == len(ROUTES)
    wrong = [
        told
        for operation in operations
        for mode in GenerationMode
        if (told := _ask(operation, mode, base, auth))
    ]
    assert not wrong, "\n\n".join(wrong)
    assert get(f"{base}/me", auth=auth).json()["name"] == "admin"
    assert "Traceback" not in site.said()


def _ask(operation, mode, base, auth):
    """Send what fits the document, or what does not, and look at each answer."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def ask(case):
        answer = case.call(base_url=base, auth=auth)
        case.validate_response(answer, checks=list(CHECKS))

    try:
        ask()
    except Unsatisfiable:
        # Nothing can be wrong with an endpoint that takes nothing.
        assert mode is GenerationMode.NEGATIVE
    except FailureGroup as group:
        return f"{operation.label}: " + "; ".join(str(one) for one in group.exceptions)
    return ""
