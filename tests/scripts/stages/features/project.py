"""A project with features, run with this Python, and a report that keeps what it gets."""

import sys
import textwrap
from pathlib import Path

from slipway.model.kinds.features import FeatureKeys
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.features.coordinator import run_features
from slipway.scripts.stages.features.request import Order

STEPS = """
    import contextlib, os, sys, time, urllib.request
    from behave import given

    @given("all is well")
    def well(context):
        pass

    @given("much is printed")
    def much(context):
        for number in range(300):
            print(f"line {number} of {context.scenario.name} ".ljust(100, "."), file=sys.__stdout__)
            if number == 150:
                sys.__stdout__.flush()
                time.sleep(0.3)
        print(f"the end of {context.scenario.name}", file=sys.__stderr__)

    @given("a moment passes")
    def moment(context):
        time.sleep(0.8)

    @given("{a:d} is {b:d}")
    def equal(context, a, b):
        assert a == b, f"{a} is not {b}"

    @given("it works the second time")
    def second(context):
        assert int(context.config.userdata["slipway.attempt"]) > 1, "not yet"

    @given("the process dies")
    def dies(context):
        print("the last words of", context.scenario.name, file=sys.__stdout__, flush=True)
        os._exit(9)

    @given("the application dies")
    def application_dies(context):
        urllib.request.urlopen(os.environ["SLIPWAY_BASE_URL"] + "/die", timeout=5)
        time.sleep(30)

    @given("the application dies and nobody looks")
    def application_dies_unseen(context):
        with contextlib.suppress(OSError):
            application_dies(context)
        time.sleep(30)

    @given("the application answers")
    def answers(context):
        url = context.config.userdata["base_url"]
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.read() == b"hello"

    @given("a picture is kept")
    def picture(context):
        context.attach("image/png", b"not really a picture")
        raise AssertionError("look at it")
"""
APPLICATION = """
    import http.server, os, sys, threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            print("asked for", self.path, flush=True)
            if self.path == "/die":
                print("dying of it", flush=True)
                os._exit(4)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *args):
            pass

    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Recorder(Report):
    def __init__(self):
        self.events = []
        self.logged = []

    def emit(self, event):
        self.events.append(event)

    def log(self, text):
        self.logged += text.rstrip("\n").split("\n")

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


class Project:
    """A project with features, walked with this Python."""

    def __init__(self, folder):
        self.folder = folder / "project"
        (self.folder / "features" / "steps").mkdir(parents=True)
        (self.folder / "features" / "steps" / "all.py").write_text(textwrap.dedent(STEPS))
        (self.folder / "application.py").write_text(textwrap.dedent(APPLICATION))
        self.report = Recorder()
        self.output = folder / "output"

    def feature(self, name, *scenarios):
        """Write a feature; a scenario is "title: step" or "@tag title: step"."""
        lines = [f"Feature: {name}"]
        for one in scenarios:
            title, _, step = one.partition(": ")
            while title.startswith("@"):
                tag, _, title = title.partition(" ")
                lines.append(f"  {tag}")
            lines += [f"  Scenario: {title}", f"    Given {step}" * bool(step)]
        path = self.folder / "features" / f"{name}.feature"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return self

    def walk(self, *arguments, jobs=1, shard=(1, 1), **keys):
        environment = Environment(
            Path(sys.prefix),
            Path(sys.executable),
            self.folder,
            installed=True,
            versions={"slipway": "here"},
        )
        told = FeatureKeys(jobs=jobs, **keys)
        cache = self.folder.parent / "cache"
        order = Order(
            self.folder, told, environment, cache, self.output, tuple(arguments), shard=shard
        )
        self.order = order
        self.walked = run_features(order, self.report)
        return {one.name: one.status for one in self.walked.run.scenarios}
