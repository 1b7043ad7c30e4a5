"""The targets `github` and `gitlab` beside curl, at the stand-ins that the tests have."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.outgoing import OutgoingRelease
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.stages.publish.targets.github.settings import GithubTarget
from slipway.scripts.stages.publish.targets.github.target import GithubRelease
from slipway.scripts.stages.publish.targets.gitlab.settings import GitlabTarget
from slipway.scripts.stages.publish.targets.gitlab.target import GitlabRelease

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.support.forges.github import TOKEN, GitHub
from tests.support.forges.gitlab import TOKENS, GitLab

__all__ = ["github_ways", "gitlab_ways"]

_CURL = ("curl", "--silent", "--show-error", "--fail", "--location", "-H", "Expect:")
_TWICE = 2


@contextlib.contextmanager
def github_ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield curl, which sends each file and fetches it twice, and the target."""
    with GitHub(scratch / "github").running() as server:
        settings = GithubTarget(kind="github", repository=server.name, url=server.url)
        job = job_of(scratch, GITHUB_TOKEN=TOKEN)
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/octet-stream",
        }

        def begin() -> None:
            server.forget_numbers()
            server.releases.clear()
            server.tags.clear()
            _forget(one["file"] for one in server.assets.values())
            server.assets.clear()
            draft = {"tag_name": "x", "draft": True, "body": "", "prerelease": False}
            server.releases[0] = {"id": 0, "target_commitish": "x", "immutable": False, **draft}

        def curl() -> None:
            base = f"{server.here}/api/uploads/repos/{server.name}/releases/0/assets"
            for number, file in enumerate(release.files, 1):
                _send("POST", f"{base}?name={file.name}", file.path, headers)
                for _ in range(_TWICE):
                    _fetch(f"{server.here}/storage/{number}", {})

        yield _ways("github", curl, begin, lambda: GithubRelease(settings, job, Quiet()), release)


@contextlib.contextmanager
def gitlab_ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield curl, which sends each file and fetches it twice, and the target."""
    token = TOKENS["PRIVATE-TOKEN"]
    with GitLab(scratch / "gitlab").running() as server:
        settings = GitlabTarget(kind="gitlab", project=server.name, url=server.url)
        job = job_of(scratch, GITLAB_TOKEN=token)

        def begin() -> None:
            server.releases.clear()
            _forget(one["file"] for one in server.files)
            server.files.clear()

        def curl() -> None:
            base = f"{server.here}/api/v4/projects/24/packages/generic/bench/{release.version}"
            for file in release.files:
                _send("PUT", f"{base}/{file.name}", file.path, {"PRIVATE-TOKEN": token})
                for _ in range(_TWICE):
                    _fetch(f"{base}/{file.name}", {})

        yield _ways("gitlab", curl, begin, lambda: GitlabRelease(settings, job, Quiet()), release)


def _ways(
    name: str,
    curl: Callable[[], None],
    begin: Callable[[], None],
    connect: Callable[[], ReleaseTarget],
    release: OutgoingRelease,
) -> list[Way]:
    connect().close()  # loads everything, before anything is measured
    rival = f"curl to {name}, and back twice"
    return [
        Way(rival, curl, begin),
        Way(name, lambda: bring(connect(), release), begin, rival=rival, only_told=True),
    ]


def _send(method: str, url: str, path: Path, headers: dict[str, str]) -> None:
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    words = [*_CURL, "-X", method, "-T", str(path), *given, "-o", "/dev/null", url]
    subprocess.run(words, check=True)


def _fetch(url: str, headers: dict[str, str]) -> None:
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    with subprocess.Popen([*_CURL, *given, url], stdout=subprocess.PIPE) as sending:
        subprocess.run(["sha256sum"], stdin=sending.stdout, check=True, stdout=subprocess.DEVNULL)


def _forget(files: Iterator[Path]) -> None:
    for one in files:
        one.unlink(missing_ok=True)
