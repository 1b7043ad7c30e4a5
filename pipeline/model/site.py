"""Site: settings, projects, workers, people and notifiers of a pipeline.toml."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, get_args
from urllib.parse import urlsplit

from croniter import CroniterBadDateError, croniter
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from slipway.model.base import Name, Part
from slipway.model.cell import cell_title
from slipway.model.duration import Duration, parse_duration
from slipway.model.git_names import check_branch, check_repository, is_pattern
from slipway.model.kinds.environment import Environment
from slipway.model.kinds.notice import AnyNotifier
from slipway.model.kinds.scheduling_keys import Lane
from slipway.model.kinds.stage import AnyStage
from slipway.model.people import Access, PersonName, PersonSettings, check_people
from slipway.model.release_signing import OpenPgp, ReleaseKey, Sigstore
from slipway.model.secrets.location import SecretPlace
from slipway.model.watch import Watch

__all__ = [
    "Keep",
    "Project",
    "Schedule",
    "Site",
    "SiteSettings",
    "Worker",
    "builder_name",
    "connectable",
    "is_loopback",
]

#: 2026-01-01; an arbitrary start to test whether a cron line ever fires.
_ANY_TIME = 1767225600.0


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_schedule(text: str) -> str:
    if len(text.split()) == 5:  # noqa: PLR2004  minute, hour, day, month, weekday
        if not croniter.is_valid(text):
            msg = f'"{text}" is no cron line; an example: "0 */12 * * *"'
            raise ValueError(msg)
        try:
            croniter(text, _ANY_TIME).get_next(float)
        except CroniterBadDateError:
            msg = f'"{text}" never comes: no month has such a day'
            raise ValueError(msg) from None
        return text
    parse_duration(text)
    return text


#: Poll schedule: a duration ("12h") or a cron line ("0 */12 * * *").
Schedule = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    AfterValidator(_check_schedule),
]


def connectable(listen: str) -> str:
    """Return the address to connect to for a listen address; 0.0.0.0 becomes loopback."""
    return "127.0.0.1" if listen == "0.0.0.0" else listen  # noqa: S104  compared, not bound


def is_loopback(listen: str) -> bool:
    """Return True if an address is this machine's own, which no other machine can reach."""
    if listen == "localhost":
        return True
    try:
        return ip_address(listen).is_loopback
    except ValueError:
        return False


class SiteSettings(Part):
    """The installation itself."""

    title: str = Field(default="Slipway", max_length=18)
    """Title in the web UI; Buildbot shows no longer one."""
    url: str = Field(default="http://localhost:8010/", pattern=r"^https?://[^/\s]+/$")
    """URL of the web UI; the master listens on its port unless `port` is set."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port the web UI listens on, where a reverse proxy stands before it. None: the url's."""
    listen: str = "127.0.0.1"
    """The address the web UI listens on. Anything but this machine is a decision of yours."""
    database: str = Field(
        default="sqlite:///state.sqlite",
        pattern=r"^(sqlite:///[^:]|postgresql\+psycopg://.|postgresql://.)",
    )
    """Where runs, releases and Buildbot's own state are kept; a relative SQLite path lies in the
    state folder."""
    worker_port: int = Field(default=9989, ge=0, le=65535)
    """The port workers connect to."""
    worker_listen: str = "127.0.0.1"
    """The address that port listens on."""
    worker_tls: bool | None = None
    """Whether workers connect by TLS. None: where `worker-listen` is another address than this
    machine's own, such as 127.0.0.1; there it must not be false."""
    worker_certificate: str | None = Field(default=None, min_length=1)
    """A file with a certificate and its private key for that port, as PEM, that only its owner may
    read. None: the site makes one at its first start."""
    release_key: ReleaseKey | None = None
    """The Ed25519 key that signs releases. None: the site makes one at its first release."""
    openpgp: OpenPgp | None = None
    """An OpenPGP key that signs the checksums of releases, too."""
    sigstore: Sigstore | None = None
    """A signature of the checksums without a key, by an identity provider and a public log."""
    watch: Watch = Watch()
    """When people are told of missing workers, a full disk and a long queue."""

    @field_validator("url")
    @classmethod
    def _has_a_port_that_exists(cls, url: str) -> str:
        try:
            port = urlsplit(url).port
        except ValueError:
            port = 0
        if port == 0:
            msg = f'"{url}" has no port between 1 and 65535 after its host'
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _two_ports(self) -> SiteSettings:
        if self.worker_port == self.web_port:
            msg = (
                f"worker-port and the web UI cannot share port {self.web_port}; "
                "write another worker-port, such as 9989"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _no_plain_port_for_others(self) -> SiteSettings:
        if self.worker_tls is False and not is_loopback(self.worker_listen):
            msg = (
                f"worker-tls = false is allowed on this machine alone, and worker-listen is "
                f"{self.worker_listen}; leave worker-tls out, or listen on 127.0.0.1"
            )
            raise ValueError(msg)
        return self

    @property
    def secret_places(self) -> list[SecretPlace]:
        """The locations of what signs releases."""
        key = self.release_key
        found = [key] if key is not None and key.program is None else []
        passphrase = self.openpgp.passphrase if self.openpgp else None
        token = self.sigstore.token if self.sigstore else None
        return [*found, *(one for one in (passphrase, token) if one is not None)]

    @property
    def speaks_tls(self) -> bool:
        """True: workers connect by TLS."""
        if self.worker_tls is not None:
            return self.worker_tls
        return not is_loopback(self.worker_listen)

    @property
    def web_port(self) -> int:
        """The port that the web UI listens on."""
        if self.port is not None:
            return self.port
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


class Keep(Part):
    """Retention of artefacts in the store; a pruned run stays in the ledger."""

    runs: int = Field(default=50, ge=1)
    """So many of the newest runs keep their artefacts, however old they are."""
    age: Duration = 30 * 86400
    """Runs younger than this keep them, however many they are."""
    releases: int | None = Field(default=None, ge=1)
    """So many of the newest releases keep their published folder, where that is on the master's
    machine; those younger than `age` keep it, too. None: all of them."""


class Project(Part):
    """One application: where its source is, and its pipeline."""

    repository: Annotated[str, AfterValidator(check_repository)]
    """A git URL (https, http, ssh, git, file, or git@host:path) or a path; a relative path counts
    from the folder of pipeline.toml."""
    branches: tuple[Annotated[str, AfterValidator(check_branch)], ...] = Field(
        default=("main",), min_length=1
    )
    """The branches that are polled: names, and patterns in which a star stands for anything
    ("feature/*"). Of a name the first poll ever starts a run, of a pattern only what is new."""
    poll: Schedule = "12h"
    """Interval of polling for new commits: a duration, or a cron line in UTC ("0 */12 * * *")."""
    fail_fast: bool = False
    """True: the first failed stage cancels the queued and running stages of its run."""
    supersede: bool = False
    """True: a newer run of a branch cancels the stages of older runs that have not started."""
    keep: Keep | None = None
    """Retention of the artefacts of runs. None: for ever. What an environment runs or ran
    before, what waits at a gate and the newest release of each branch always stay."""
    stages: dict[Name, AnyStage] = Field(min_length=1)
    """The stages, by name."""
    environments: dict[Name, Environment] = Field(default_factory=dict)
    """The environments of its releases, by name; stages with `uses = "deploy"` name them."""

    @model_validator(mode="after")
    def _checked_first(self) -> Project:
        first = {}
        for name, stage in self.stages.items():
            check, title = stage.preflight_stage, f"{name}-check"
            if check is not None and title not in self.stages:
                first[title] = check
            elif check is not None and self.stages[title].uses != check.uses:
                msg = (
                    f'stages: the targets of "{name}" are checked at the run\'s start by a stage '
                    f'"{title}", and another has that name; rename it, or write preflight = false'
                )
                raise ValueError(msg)
        # In place: the model is frozen, its mapping is not.
        held = {**first, **self.stages}
        self.stages.clear()
        made = {name: _after(tuple(first), name, stage) for name, stage in held.items()}
        self.stages.update(made)
        return self

    @property
    def default_branch(self) -> str:
        """The branch of a run without a named branch; empty if there are only patterns."""
        return next((branch for branch in self.branches if not is_pattern(branch)), "")

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of its releases, in their order."""
        found = [name for one in self.stages.values() for name in one.release_channels]
        return tuple(dict.fromkeys(found))

    @property
    def release_folders(self) -> tuple[str, ...]:
        """The folders of its releases on the master's machine, relative to the state folder."""
        makers = [one.release_folder for one in self.stages.values() if one.makes_release]
        return tuple(dict.fromkeys(makers))


def _after(first: tuple[str, ...], name: str, stage: AnyStage) -> AnyStage:
    """Return a stage that waits for the checks, unless it waits for something else anyway."""
    waits = stage.needs or stage.on_failure or stage.needs_inputs or stage.manual
    return stage if name in first or waits else stage.model_copy(update={"needs": first})


class Worker(Part):
    """One machine (or process) that runs stages."""

    labels: tuple[Name, ...] = ()
    """Its properties, such as "windows"; stages select workers by labels with runs-on."""
    lanes: tuple[Lane, ...] = get_args(Lane)
    """The lanes it serves."""
    max_builds: int = Field(default=4, ge=1, le=64)
    """Maximum number of stages it runs in parallel."""
    password: SecretPlace | None = None
    """Its password. None: `slipway up` starts this worker on the master's machine and makes one."""
    isolated: bool = True
    """Whether `slipway up` starts it as another user, or in namespaces of its own, where it can
    read nothing of the master's. false: as the master's own user, so that whoever commits can read
    the admin's password. A worker with a password runs as whoever starts it."""

    @field_validator("labels")
    @classmethod
    def _sorted(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(labels)))


class Site(Part):
    """A whole pipeline.toml."""

    schema_: str | None = Field(default=None, alias="$schema")
    """For editors; Slipway does not read it."""
    site: SiteSettings = SiteSettings()
    """The installation itself."""
    project: dict[Name, Project] = Field(min_length=1)
    """The projects, by name."""
    workers: dict[Name, Worker] = Field(min_length=1)
    """The workers, by name."""
    people: Annotated[dict[PersonName, PersonSettings], AfterValidator(check_people)] = Field(
        default_factory=dict
    )
    """The people, by the name they sign in with."""
    access: Access = Access()
    """Access without login, and the login methods."""
    notify: dict[Name, AnyNotifier] = Field(default_factory=dict)
    """Notifiers of runs, gates and deployments, by name."""

    @property
    def secret_places(self) -> list[SecretPlace]:
        """The locations of all secrets of the site, including those of stages."""
        found = [worker.password for worker in self.workers.values()]
        found += [person.password_from for person in self.people.values()]
        found += self.site.secret_places
        found += [place for one in self.notify.values() for place in one.secret_places]
        kept = [one for one in (*found, self.access.client_secret) if one is not None]
        for project in self.project.values():
            for stage in project.stages.values():
                kept += stage.secrets.values()
        return kept

    @property
    def secret_files(self) -> list[str]:
        """The files among the locations of secrets, as written."""
        return [one.file for one in self.secret_places if one.file is not None]


def builder_name(project: str, stage: str, cell: str = "") -> str:
    """Return the name of the builder of a stage, or of one of its cells."""
    return f"{project}.{cell_title(stage, cell)}"
