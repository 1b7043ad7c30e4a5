"""The service with the master's code: a packing that failed is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet import defer

from slipway.master import carried_code
from slipway.model.errors import MissingTool
from slipway.workers.stage_code.carried import CarriedCode


@pytest.fixture
def packings(monkeypatch):
    """Keep the packings that were begun."""
    begun = []

    def later(*_):
        begun.append(defer.Deferred())
        return begun[-1]

    monkeypatch.setattr(carried_code.threads, "deferToThread", later)
    monkeypatch.setattr(carried_code.log, "err", lambda *_: None)
    return begun


def test_after_a_failure_the_next_stage_has_it_tried_again(packings, tmp_path):
    service = carried_code.CodeService(name="code", folder=str(tmp_path), elsewhere=["far"])
    service.folder, service.elsewhere = str(tmp_path), ["far"]
    two = [defer.ensureDeferred(service.code_for("far")) for _ in range(2)]
    [packing] = packings
    packing.errback(OSError(28, "No space left on device"))
    for one in two:
        assert one.result.check(MissingTool)
        one.addErrback(lambda _: None)
    again = defer.ensureDeferred(service.code_for("far"))
    code = CarriedCode(Path("x.zip"), 1, "1", ())
    packings[1].callback(code)
    assert again.result is code
    assert len(packings) == 2
