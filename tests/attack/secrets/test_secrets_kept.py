"""Where a secret must not stay or come from: artefacts, an older attempt, processes, a commit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.machine import read_files, wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

TOKEN = "tok/en+hunter2&<hunter3>"
#: Ways to write it into a file, by the stage that does it.
WAYS = {
    "plain": "data = token",
    "coded": "import base64; data = base64.b64encode(b'user:' + token)",
    "quoted": "import urllib.parse; data = urllib.parse.quote(token, safe='').encode()",
    "split": r"data = b'\n'.join(token[n:n + 4] for n in range(0, len(token), 4))",
    "packed": "import gzip; data = gzip.compress(token)",
    "wide": "data = token.decode().encode('utf-16-le')",
    "numbered": "data = ''.join(f'&#{one};' for one in token).encode()",
    "escaped": "data = ''.join(f'{chr(92)}x{one:02x}' for one in token).encode()",
    "coloured": "data = (chr(27) + '[1m').join(token.decode()).encode()",
}
LEAVE = """
import os
token = os.environ["TOKEN"].encode()
{}
open("left.dat", "wb").write(b"before " + data + b" after" if data[:1] != b"\\x1f" else data)
"""


def secret(place: str) -> str:
    return f"{{ TOKEN = {{ {place} }} }}"


def look_into_files(folder: Path, *values: str) -> None:
    for file, data in read_files(folder):
        if not file.is_symlink():
            assert [one for one in values if one.encode() in data] == [], file


def test_an_artefact_that_holds_one_fails_its_stage(site: Any) -> None:
    site.env["SITE_TOKEN"] = TOKEN
    given = {"secrets": secret('env = "SITE_TOKEN"'), "artefacts": '["left.dat"]'}
    stages = "".join(command(name, LEAVE.format(way), **given) for name, way in WAYS.items())
    stages += command("needs-it", "print('never')", "plain")
    site.write(stages)
    site.up()
    run = site.wait_for_run(1)
    told = (
        'the artefact "left.dat" holds a secret of this stage and is not kept; '
        "have the stage leave the secret out of it"
    )
    for name in WAYS:
        stage = run["stages"][name]
        assert (stage["state"], stage["summary"]) == ("failed", told), name
    assert run["stages"].get("needs-it", {}).get("state") != "passed"
    site.down()
    store = [one for one in (site.state / "store").rglob("*") if one.is_file()]
    assert store == []
    look_into_files(site.state, TOKEN, TOKEN[::-1])


SEEN = """
import hashlib, os, time
told = hashlib.sha256(os.environ["TOKEN"].encode()).hexdigest()
with open({seen!r}, "a") as stream:
    stream.write(told + "\\n")
while not os.path.exists({go!r}):
    time.sleep(0.05)
"""


def test_each_attempt_reads_it_anew(site: Any) -> None:
    """After a rerun, and after the master was killed while the stage ran."""
    seen, go, key = (site.folder / name for name in ("seen", "go", "key"))
    values = [f"hunter-number-{n}" for n in range(3)]

    def change(value: str) -> None:
        key.write_text(f"{value}\n")
        key.chmod(0o600)

    def expect(count: int) -> None:
        told = [hashlib.sha256(one.encode()).hexdigest() for one in values[:count]]
        wait_for(lambda: seen.exists() and seen.read_text().split() == told, site.said)

    change(values[0])
    code = SEEN.format(seen=str(seen), go=str(go))
    site.write(command("look", code, secrets=secret('file = "key"')))
    site.up()
    expect(1)
    site.master().kill()
    change(values[1])
    site.process.wait(60)
    site.up()
    expect(2)
    go.touch()
    site.wait_for_stage(1, "look", "passed")
    change(values[2])
    with site.client(admin=True) as client:
        path = "plugins/slipway/api/runs/demo/1/stages/look/rerun"
        client.post(path, json={}).raise_for_status()
    expect(3)
    wait_for(lambda: site.run(1)["stages"]["look"]["state"] == "passed", site.said)
    site.down()
    look_into_files(site.state, *values)


def test_no_process_but_the_stages_own_holds_it(site: Any) -> None:
    """Nobody has it among its arguments; in their environment the program and its source have."""
    go, begun = site.folder / "go", site.folder / "begun"
    # Other tests beside this one have TOKEN in their processes.
    mine = site.env["SITE_TOKEN"] = f"{uuid.uuid4()}"
    code = f"import os, time\nopen({str(begun)!r}, 'w').write(str(os.getpid()))\n"
    code += f"while not os.path.exists({str(go)!r}):\n    time.sleep(0.05)\n"
    given = {"secrets": secret('env = "SITE_TOKEN"')}
    cells = command("cells", "import os; os.environ['TOKEN']", matrix="{ n = [1, 2] }", **given)
    site.write(command("look", code, **given) + cells)
    site.up()
    wait_for(lambda: begun.exists() and begun.read_text(), site.said)
    # Their programs have it, too, as long as they run.
    for cell in ("cells[1]", "cells[2]"):
        site.wait_for_stage(1, cell, "passed")
    holders = _holders(mine, lambda one: Path(f"/proc/{one.pid}/environ"))
    told = {one.pid: " ".join(one.cmdline()) for one in holders}
    assert int(begun.read_text()) in told
    # The variable is the site's own: whoever was given it there has it, and the worker has not.
    ours = {int(begun.read_text()), site.process.pid, site.master().pid}
    assert set(told) <= ours, told
    assert _holders(mine, lambda one: Path(f"/proc/{one.pid}/cmdline")) == []
    go.touch()
    assert site.wait_for_run(1)["state"] == "passed"


def _holders(value: str, file: Callable[[psutil.Process], Path]) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            if value.encode() in file(one).read_bytes():
                found.append(one)
        except OSError:
            continue
    return found


def test_a_commit_names_no_command_of_the_masters(site: Any) -> None:
    """Of a repository no pipeline.toml is read; the site's alone says where secrets are."""
    marker = site.folder / "was-run"
    touch = json.dumps([sys.executable, "-c", f"open({str(marker)!r}, 'w'); print('hunter2')"])
    text = (
        command("look", "import os; print('TOKEN' in os.environ)", secrets=secret('env = "NONE"'))
        .replace('env = "NONE"', f"command = {touch}")
        .replace("look", "evil")
    )
    site.write(command("look", "import os; print('it has', 'TOKEN' in os.environ)"))
    theirs = (site.folder / "pipeline.toml").read_text() + text
    for name in ("pipeline.toml", ".slipway/pipeline.toml", "slipway.toml"):
        path = site.repository / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(theirs)
    (site.repository / "pyproject.toml").write_text(f"[tool.slipway]\n{theirs}")
    site.commit("Name a command")
    site.up()
    run = site.wait_for_run(1)
    assert set(run["stages"]) == {"look"}
    assert run["stages"]["look"]["state"] == "passed"
    assert site.run_slipway("poll").returncode == 0
    assert site.run_slipway("check").returncode == 0
    assert not marker.exists()


def test_a_master_that_stops_does_not_wait_for_a_command(site: Any) -> None:
    """Its stage is done again by the next one, that reads the secret."""
    begun, go = site.folder / "begun", site.folder / "go"
    code = (
        f"import os, time\nopen({str(begun)!r}, 'w')\nprint('hunter2', flush=True)\n"
        f"time.sleep(0 if os.path.exists({str(go)!r}) else 600)"
    )
    place = f"command = {json.dumps([sys.executable, '-c', code])}"
    site.write(command("look", "import os; print(len(os.environ['TOKEN']))", secrets=secret(place)))
    site.up()
    wait_for(begun.exists, site.said)
    began = time.monotonic()
    site.down()
    assert time.monotonic() - began < 25
    go.touch()
    site.up()
    assert site.wait_for_run(1)["stages"]["look"]["state"] == "passed"


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("useradd") is None,
    reason="only root gives a worker a user of its own",
)
def test_a_worker_of_its_own_user_hands_it_over_and_cannot_read_where_it_is(site: Any) -> None:
    key = site.folder / "key"
    key.write_text(f"{TOKEN}\n")
    key.chmod(0o600)
    site.env["SITE_TOKEN"] = TOKEN
    told = hashlib.sha256(TOKEN.encode()).hexdigest()
    code = f"""
import hashlib, os
for name in ("FILE", "ENV"):
    assert hashlib.sha256(os.environ[name].encode()).hexdigest() == {told!r}
assert os.getuid() != 0 and "SITE_TOKEN" not in os.environ
try:
    open({str(key)!r})
except OSError:
    print("it is", os.environ["FILE"])
else:
    raise SystemExit("the file was read")
"""
    site.isolated = True
    places = '{ FILE = { file = "key" }, ENV = { env = "SITE_TOKEN" } }'
    site.write(command("look", code, secrets=places))
    site.up()
    assert site.wait_for_run(1)["stages"]["look"]["state"] == "passed", site.said()
    site.down()
    look_into_files(site.state, TOKEN)
