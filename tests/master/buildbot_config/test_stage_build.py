"""Builds that cannot begin: their requests are not lost, and their builders go on."""

from types import SimpleNamespace

import pytest
from buildbot.process.build import Build
from buildbot.process.results import CANCELLED, RETRY
from buildbot.test.fake import fakemaster
from buildbot.test.reactor import TestReactorMixin
from twisted.internet import defer
from twisted.trial import unittest

from slipway.master.buildbot_config.stage_build import PATIENCE, StageBuild


class _Worker:
    """A worker for a builder whose connection is gone."""

    worker = None

    def __init__(self):
        self.is_free = False

    def buildFinished(self):  # noqa: N802
        self.is_free = True


class _Request:
    id = 1

    def mergeSourceStampsWith(self, _others):  # noqa: N802
        return []

    def mergeReasons(self, _others):  # noqa: N802
        return ""


class _Builder:
    def __init__(self, master):
        self.master, self.config, self.name = master, None, "demo.tests"
        self.config_version = 1
        self.building, self.ended = [], []

    def buildFinished(self, build, worker):  # noqa: N802
        self.building.remove(build)
        self.ended.append(build.results)


class BeginTest(TestReactorMixin, unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _patching(self, monkeypatch):
        self.monkeypatch = monkeypatch

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        self.master = yield fakemaster.make_master(self, wantDb=True, wantData=True)

    def begin(self, how):
        """Have a build begin where Buildbot's own way ends like this."""
        builder, worker = _Builder(self.master), _Worker()
        build = StageBuild([_Request()], builder)
        builder.building.append(build)

        def start(_self, workerforbuilder):
            build.workerforbuilder, build.conn = workerforbuilder, None
            return how(build)

        self.monkeypatch.setattr(Build, "startBuild", start)
        self.successResultOf(defer.maybeDeferred(build.startBuild, worker))
        return builder, worker

    def test_a_worker_that_is_lost(self):
        def lose(_build):
            return defer.fail(AttributeError("'NoneType' object has no attribute 'workername'"))

        builder, worker = self.begin(lose)
        assert (builder.building, builder.ended, worker.is_free) == ([], [RETRY], True)

    def test_a_request_that_is_cancelled(self):
        def cancel(build):
            build.stopped = True
            return defer.succeed(None)

        builder, worker = self.begin(cancel)
        assert (builder.building, builder.ended, worker.is_free) == ([], [CANCELLED], True)

    def test_one_that_begins(self):
        builder, worker = self.begin(lambda _build: defer.succeed(None))
        assert (len(builder.building), builder.ended, worker.is_free) == (1, [], False)

    def test_one_that_was_made_and_never_begins(self):
        """Its worker was lost before Buildbot had called it: the claim is given back, once."""
        builder = _Builder(self.master)
        given, asked = [], []
        self.monkeypatch.setattr(
            self.master.data.updates,
            "unclaimBuildRequests",
            lambda numbers: defer.succeed(given.extend(numbers)),
        )
        self.master.botmaster = SimpleNamespace(
            remove_in_progress_buildrequest=lambda _number: None,
            maybeStartBuildsForBuilder=asked.append,
        )
        build, worker = StageBuild([_Request()], builder), _Worker()
        self.reactor.advance(PATIENCE)
        assert (given, asked) == ([1], ["demo.tests"])
        builder.building.append(build)
        self.successResultOf(defer.maybeDeferred(build.startBuild, worker))
        assert (builder.building, worker.is_free, given) == ([], True, [1])
