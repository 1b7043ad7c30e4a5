"""Another machine: a folder in which nothing is known but a URL and a token."""

import contextlib
import json
import os
import secrets

from .site import command, slipway

BINARY = b"PK\x03\x04\xff\x00\r\n\x1b[2J"
PACK = "open('demo.txt', 'w').write('packed'); "
PACK += f"open('demo.bin', 'wb').write({BINARY!r}); print('\\x1b[31mline one'); print('line two')"
SLOW = "import time; print('begun', flush=True); time.sleep(2); print('done')"
STAGES = (
    command("pack", PACK, artefacts='["demo.txt", "demo.bin"]')
    + command("slow", SLOW, matrix='{ part = ["a", "b"] }')
    + '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["pack"]\n'
    + 'if-unchanged = "release"\n'
    + command("gate", "print(2)", "slow", manual="true")
    + command("away", "print(3)", runs_on='["windows"]', manual="true")
)


class Elsewhere:
    """Another folder, where nothing is known but a URL and a token."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        folder.mkdir()
        name = f"elsewhere {secrets.token_hex(4)}"
        made = site.run_slipway("token", "create", "--person", "admin", "--name", name)
        assert made.returncode == 0, made.stderr
        self.token = made.stdout.strip()
        env = {key: value for key, value in site.env.items() if key != "SLIPWAY_STATE"}
        # So narrow that whatever is folded by the terminal's width is broken.
        self.env = env | {"SLIPWAY_URL": site.url, "SLIPWAY_TOKEN": self.token, "COLUMNS": "20"}

    def run(self, *words, code=0):
        done = slipway(words, self.folder, self.env)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def say(self, *words, code=0):
        return self.run(*words, code=code).stdout

    def refused(self, *words, code=2):
        return self.run(*words, code=code).stderr

    def json(self, *words, code=0):
        return json.loads(self.say(*words, "--json", code=code))


def furnish(site):
    """Have a run of each kind of stage, which waits at its gates, and a worker that is away."""
    site.write(STAGES)
    file = site.folder / "pipeline.toml"
    file.write_text(
        file.read_text() + '\n[workers.win1]\nlabels = ["windows"]\npassword = { env = "W" }\n'
    )
    site.env["W"] = "a word for win1"
    site.up()
    site.wait_for_run(1, "waiting")


def read_all(master):
    """Return what is written to a terminal, to its end."""
    said = b""
    # Linux tells the end of a terminal as an error.
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65536):
            said += piece
    os.close(master)
    return said.decode("utf-8", "replace")
