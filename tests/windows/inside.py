"""What bites on Windows, done there: `python inside.py -v`, by unittest alone, in one process.

The machine's own clock, disk and processes: nothing is replaced. `test_stage_scripts.py` starts it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
from pathlib import Path

import psutil

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.job import Source
from slipway.scripts import checkout, humanize, process, removal
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.archives.unpack import unpack
from slipway.workers.health import checks, worker_files
from slipway.workers.places.place import Places
from slipway.workers.worker_tac import WorkerPlace, write_tac

#: Neither Western code pages nor ASCII have all of it.
WORD = "żółw ✓"
#: A user's name as people have them.
USER = "Łucja Żółw"
LONG = "/".join(["l" * 90] * 4)
#: Starts a process that nobody waits for, writes its number, and ends or sleeps.
ORPHAN = """
import pathlib, subprocess, sys, time
flags = 0x00000008 | 0x00000200  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
words = [sys.executable, "-c", "import time; time.sleep(300)"]
middle = f"import subprocess; print(subprocess.Popen({words!r}, creationflags={flags}).pid)"
done = subprocess.run([sys.executable, "-c", middle], capture_output=True, text=True)
file = pathlib.Path(sys.argv[1])
file.with_suffix(".new").write_text(done.stdout)
file.with_suffix(".new").rename(file)
time.sleep(float(sys.argv[2]))
"""


def job(folder: Path, *argv: str, **more: object) -> Path:
    """Write the job of a command stage; return its file."""
    facts = {
        "project": "demo",
        "name": "command",
        "stage": {"uses": "command", "argv": [sys.executable, *argv], **more},
        "run": {
            "number": 7,
            "revision": "a" * 40,
            "branch": "main",
            "committed_at": 1_700_000_000,
            "version": "1.0+7",
        },
        **{name: str(folder / name) for name in ("output", "cache", "state")},
    }
    file = folder / "job.json"
    file.write_text(json.dumps(facts), encoding="utf-8")
    return file


def stage(file: Path) -> list[str]:
    """Return the words that run a stage."""
    return [sys.executable, "-m", "slipway.cli", "stage", "command", "--settings", str(file)]


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).is_running()
    except psutil.NoSuchProcess:
        return False


def wait_until(look: object, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.05)
    return False


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.work = self.folder / "work"
        self.work.mkdir()

    def tearDown(self) -> None:
        self.assertEqual(removal.remove(self.folder), [])

    def run_stage(self, *argv: str, **more: object) -> subprocess.CompletedProcess[str]:
        words = stage(job(self.folder, *argv, **more))
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return subprocess.run(
            [*words, "--events", "json"],
            cwd=self.work,
            env={**env, **getattr(self, "env", {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )


class Processes(Case):
    def test_a_timeout_ends_the_whole_tree(self) -> None:
        deep = "import subprocess, sys, time\n"
        deep += "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        deep += "print(one.pid, flush=True); time.sleep(300)"
        heard: list[str] = []
        with self.assertRaises(StageFailed):
            process.run([sys.executable, "-c", deep], log=heard.append, timeout=5)
        [pid] = [int(text) for text in "".join(heard).split()]
        self.assertFalse(is_running(pid))

    def test_an_orphan_ends_with_its_stage(self) -> None:
        file = self.folder / "pid"
        done = self.run_stage("-c", ORPHAN, str(file), "0")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(wait_until(lambda: not is_running(int(file.read_text()))))

    def test_an_orphan_ends_with_a_stage_that_is_killed(self) -> None:
        file = self.folder / "pid"
        words = stage(job(self.folder, "-c", ORPHAN, str(file), "300"))
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(words, cwd=self.work, **quiet) as running:
            found = wait_until(file.exists)
            running.kill()
            self.assertTrue(found, running.communicate())
        self.assertTrue(wait_until(lambda: not is_running(int(file.read_text()))))


class Texts(Case):
    def test_a_stages_python_prints_what_code_pages_lack(self) -> None:
        show = f"import sys; print({WORD!r}, sys.stdout.encoding, sys.flags.utf8_mode)"
        done = self.run_stage("-c", show)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{WORD} utf-8 1", done.stdout)

    def test_what_a_program_prints_in_its_code_page_stops_nothing(self) -> None:
        for page in ("cp1252", "cp437", "cp1250"):
            raw = "żółw ó ç".encode(page, "replace")
            code = f"import sys; sys.stdout.buffer.write({raw!r} + b' end\\n')"
            heard: list[str] = []
            done = process.run([sys.executable, "-c", code], log=heard.append)
            self.assertEqual((done.code, "".join(heard)[-4:]), (0, "end\n"))


class Sources(Case):
    def test_not_a_byte_is_changed_by_gits_own_settings(self) -> None:
        where, revision, wrong = os.environ["SLIPWAY_TEST_SOURCE"].split()
        git = ("git", "config", "--system")
        shown = subprocess.run([*git, "core.autocrlf"], check=False, stdout=subprocess.PIPE)
        before = shown.stdout.decode().strip()
        subprocess.run([*git, "core.autocrlf", "true"], check=True)
        try:
            for cache in (None, self.folder / "cache"):
                checkout.take(Source(repository=where, revision=revision), self.work, cache)
                for name in ("plain.txt", "attributed.text", LONG + "/deep.txt"):
                    self.assertEqual((self.work / name).read_bytes(), b"one\ntwo\n", name)
                self.assertEqual((self.work / "dos.bat").read_bytes(), b"@echo\r\n")
                self.assertTrue((self.work / f"{WORD}.txt").is_file())
                # Read-only, held by nothing, and long: all is removed again.
                (self.work / "plain.txt").chmod(0o444)
                (self.work / "left behind" / LONG).mkdir(parents=True)
                checkout.take(Source(repository=where, revision=revision), self.work, cache)
                self.assertFalse((self.work / "left behind").exists())
            for name in wrong.split(","):
                with self.assertRaises(WrongInput) as refused:
                    checkout.take(Source(repository=where, revision=name), self.work, None)
                self.assertIn("invalid path", str(refused.exception))
        finally:
            subprocess.run([*git, "core.autocrlf", before or "false"], check=True)


class Files(Case):
    def test_a_read_only_tree_is_removed(self) -> None:
        tree = self.folder / "tree"
        (tree / LONG).mkdir(parents=True)
        for file in (tree / "a.txt", tree / LONG / f"{WORD}.txt"):
            file.write_text("kept", encoding="utf-8")
            file.chmod(0o444)
        self.assertEqual(removal.remove(tree), [])
        self.assertFalse(tree.exists())

    def test_an_open_file_is_told_and_goes_later(self) -> None:
        tree = self.folder / "tree"
        (tree / "inner").mkdir(parents=True)
        (tree / "other.txt").write_text("other")
        with (tree / "inner" / "open.txt").open("w"):
            problems = removal.remove(tree)
            self.assertTrue(problems)
            self.assertIn("open.txt", problems[0])
            self.assertFalse((tree / "other.txt").exists())
        self.assertEqual(removal.remove(tree), [])

    def test_an_output_that_is_held_open_is_a_sentence(self) -> None:
        output = self.folder / "output"
        output.mkdir()
        with (output / "old.txt").open("w"):
            done = self.run_stage("-c", "print(1)")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("what an earlier run left cannot be removed", done.stdout)
            self.assertIn("old.txt", done.stdout)
            self.assertNotIn("Traceback", done.stderr)

    def test_a_place_that_is_held_open_is_left_for_later(self) -> None:
        places, builder = Places(), self.folder / "demo_make"
        first = places.begin(builder, "run 1 of demo")
        with (first.work / "held.txt").open("w"):
            # Windows does not rename the folder, which Wine does: there it gets another name.
            second = places.begin(builder, "run 2 of demo")
            self.assertEqual(list(second.work.iterdir()), [])
            left = places.leftovers(builder)
            problems = [one for path in left for one in removal.remove(path)]
            self.assertTrue(any("held.txt" in one for one in problems), (left, problems))
        self.assertEqual([one for path in left for one in removal.remove(path)], [])
        third = places.begin(builder, "run 3 of demo")
        self.assertEqual(third.problem, "")


class Names(Case):
    def test_an_archive_writes_to_no_device_and_no_stream(self) -> None:
        for number, name in enumerate(("con", "a/NUL.txt", "com1.", "a:b", "c:/x", "a./b", "x ")):
            archive = self.folder / f"{number}.zip"
            with zipfile.ZipFile(archive, "w") as files:
                files.writestr(name, "data")
            with self.assertRaises(StageFailed, msg=name) as refused:
                unpack(archive, self.folder / f"unpacked{number}")
            self.assertIn("is not safe", str(refused.exception))

    def test_an_artefact_called_so_is_refused(self) -> None:
        for name in ("con", "aux.txt", "a:b"):
            with self.assertRaises(WrongInput, msg=name):
                humanize.plain_name(name, "the version")
        code = "open('made.txt', 'w').write('x')"
        done = self.run_stage("-c", code, artefacts=["con", "made.txt:x"])
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("Traceback", done.stderr)

    def test_names_that_are_long_or_not_ascii_are_packed_and_unpacked(self) -> None:
        tree = self.folder / "tree"
        (tree / LONG).mkdir(parents=True)
        for name in (f"{WORD}.txt", "a b.txt", f"{LONG}/{WORD}"):
            (tree / name).write_text(WORD, encoding="utf-8")
        archive, target = self.folder / "it.tar.zst", self.folder / "unpacked"
        pack_tree(tree, archive, epoch=1_700_000_000)
        unpack(archive, target)
        found = sorted(str(one.relative_to(target)) for one in target.rglob("*.txt"))
        self.assertEqual(len(found), 2, found)
        [deep] = [one for one in target.rglob(WORD) if one.is_file()]
        self.assertEqual(deep.read_text("utf-8"), WORD)


class Homes(Case):
    def test_a_user_with_a_space_and_letters_beyond_ascii(self) -> None:
        home = self.folder / "Users" / USER
        temp = home / "AppData" / "Local" / "Temp"
        temp.mkdir(parents=True)
        self.work = home / "my work"
        self.work.mkdir()
        self.env = {
            "USERPROFILE": str(home),
            "HOME": str(home),
            "USERNAME": USER,
            "TEMP": str(temp),
            "TMP": str(temp),
            "APPDATA": str(home / "AppData" / "Roaming"),
            "LOCALAPPDATA": str(home / "AppData" / "Local"),
        }
        self.folder, keep = home, self.folder
        try:
            leave = (
                "from pathlib import Path; Path('left ż.txt').write_text(str(Path.home()), 'utf-8')"
            )
            done = self.run_stage("-c", leave, artefacts=["*.txt"])
        finally:
            self.folder = keep
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        left = home / "output" / "left ż.txt"
        self.assertEqual(left.read_text("utf-8"), str(home))

    def test_the_check_of_a_worker_looks_at_windows(self) -> None:
        folder = self.folder / "worker"
        folder.mkdir()
        write_tac(WorkerPlace(folder, "win1", "127.0.0.1", 9, folder / "password"))
        lines = {}
        for line in checks.check_worker(worker_files.read_worker(folder)):
            lines.setdefault(line.check, []).append(line)
        told = {
            name: [(one.state.value, one.found) for one in some] for name, some in lines.items()
        }
        for name in ("python", "buildbot", "git", "uv", "disk", "long paths", "cache", "runtime"):
            self.assertEqual(told[name][0][0], "good", told)
        self.assertEqual(told["service"][0][0], "warning", told)
        self.assertFalse(
            [one for some in told.values() for one in some if "cannot be checked" in one[1]]
        )
        self.assertEqual(told["master"][0][0], "wrong", told)


class Databases(Case):
    def test_a_postgresql_that_cannot_run_is_told(self) -> None:
        from slipway.scripts.postgresql import programs

        broken = self.folder / "bin"
        broken.mkdir()
        for name in ("initdb", "postgres", "pg_ctl", "pg_dump", "pg_restore"):
            (broken / f"{name}.exe").write_bytes(b"MZ no program")
        os.environ[programs.VARIABLE] = str(broken)
        try:
            with self.assertRaises(SlipwayError) as refused:
                programs.find_programs()
        finally:
            del os.environ[programs.VARIABLE]
        self.assertIn(f"PostgreSQL's programs in {broken} do not run", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
