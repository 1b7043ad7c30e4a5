"""The notifier `command`: a program gets each notice as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient
from slipway.notifiers.command.notifier import CommandNotifier

EVIL = 'it\'s "bad"; rm -rf /'


def run(*words, **keys):
    settings = CommandNotifier(kind="command", argv=words, **keys)
    told = Notice(id="run-1", event=Event.RUN_FAILED, title="t", at=1.0, url="u", text=EVIL)
    return settings.load_runner()(settings, told, Context(Recipient(), key="abc"))


def test_a_program_gets_the_notice_as_json(tmp_path):
    file = tmp_path / "got"
    copy = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read()); print('taken')"
    assert run(sys.executable, "-c", copy) == "taken"
    got = json.loads(file.read_text())
    assert (got["text"], got["event"], got["schema"], got["key"]) == (EVIL, "run-failed", 1, "abc")


@pytest.mark.slow
def test_a_program_that_fails_hangs_or_is_not_there_is_told():
    with pytest.raises(Exception, match="ended with exit code 3: second"):
        run(sys.executable, "-c", "import sys; sys.stderr.write('first\\nsecond\\n'); sys.exit(3)")
    with pytest.raises(Exception, match="did not end within 1"):
        run(sys.executable, "-c", "import time; time.sleep(60)", timeout=1)
    with pytest.raises(OSError, match="No such file"):
        run("/none/such")


def test_a_program_that_is_not_there_is_found_without_running_it():
    settings = CommandNotifier(kind="command", argv=("/none/such",))
    assert list(settings.problems(Path())) == [
        'argv: there is no program "/none/such"; write its path'
    ]
    assert not list(CommandNotifier(kind="command", argv=(sys.executable,)).problems(Path()))
