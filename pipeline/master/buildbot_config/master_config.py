"""Buildbot configuration of a site; each method makes one part of master.cfg."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from buildbot.config.errors import ConfigErrors
from buildbot.plugins import util
from twisted.internet.endpoints import quoteStringArgument

from slipway.config import read_closely
from slipway.master.access.users import Users
from slipway.master.buildbot_config import web
from slipway.master.buildbot_config.builders import make_builders
from slipway.master.buildbot_config.force import force_schedulers
from slipway.master.buildbot_config.last_good_file import KeptSite
from slipway.master.buildbot_config.priorities import by_urgency
from slipway.master.buildbot_config.site_worker import SiteWorker
from slipway.master.carried_code import CodeService
from slipway.master.ledger_service import LedgerService
from slipway.master.notify.service import NOTICES, Notices
from slipway.master.scheduling.poller import RepositoryPoller
from slipway.master.scheduling.scheduler import PipelineScheduler
from slipway.master.watching.service import WATCH, WatchService
from slipway.master.worker_port import watch_port
from slipway.model.cell import cells
from slipway.model.errors import SlipwayError
from slipway.model.git_names import is_url
from slipway.model.kinds.notice import wanted_events
from slipway.model.site import Project, Site, builder_name
from slipway.secrets.reading import given_secret
from slipway.state_folder import CONFIG, Home
from slipway.steps.ledger_api import CODE_SERVICE, SERVICE
from slipway.workers.isolation import methods as isolation

__all__ = ["Plan", "repository_of"]


class Plan:
    """Buildbot's configuration for a pipeline.toml. Creating it has no side effects."""

    def __init__(self, site: Site, folder: Path, home: Home, text: str = "") -> None:
        """Store the parts.

        Args:
            site: The model.
            folder: The folder of pipeline.toml; the base of relative repositories.
            home: The state folder.
            text: The file's own text.
        """
        self.text = text
        self.site = site
        self.folder = folder
        self.home = home

    @classmethod
    def read(cls, config: Path | str) -> Plan:
        """Read a pipeline.toml for Buildbot.

        Args:
            config: The file; $SLIPWAY_CONFIG (`slipway up --config`) takes precedence.

        Raises:
            ConfigErrors: All errors of the file, in the words of `slipway check`.
        """
        path = Path(os.environ.get(CONFIG) or config).resolve()
        try:
            reading = read_closely(path)
            return cls(reading.site, path.parent, Home.beside(path), reading.text)
        except SlipwayError as error:
            raise ConfigErrors(str(error).splitlines()) from None

    @property
    def title(self) -> str:
        """The site's title in the web UI."""
        return self.site.site.title

    @property
    def url(self) -> str:
        """The URL of the web UI."""
        return self.site.site.url

    @property
    def database(self) -> dict[str, str]:
        """Buildbot's `db`."""
        return {"db_url": self.home.database_url(self.site)}

    @property
    def protocols(self) -> dict[str, Any]:
        """Buildbot's `protocols`: the address that workers connect to.

        Raises:
            ConfigErrors: The certificate cannot be used.
        """
        watch_port()
        site = self.site.site
        place = f"{site.worker_port}:interface={quoteStringArgument(site.worker_listen)}"
        if not site.speaks_tls:
            return {"pb": {"port": f"tcp:{place}"}}
        # Imported late: few sites need it, and it loads slowly.
        from slipway.secrets.worker_certificate import have_certificate

        try:
            file, _ = have_certificate(self.site, self.home, self.folder)
        except SlipwayError as error:
            raise ConfigErrors([str(error)]) from None
        quoted = quoteStringArgument(str(file))
        return {"pb": {"port": f"ssl:{place}:privateKey={quoted}:certKey={quoted}"}}

    def repository(self, project: Project) -> str:
        """Return a project's repository for git; a relative path becomes absolute."""
        return repository_of(project, self.folder)

    def projects(self) -> list[Any]:
        """Return Buildbot's projects."""
        return [util.Project(name=name, slug=name) for name in self.site.project]

    def workers(self) -> list[SiteWorker]:
        """Return the workers; read their passwords.

        Raises:
            ConfigErrors: A password cannot be read.
        """
        return [
            SiteWorker(
                name,
                self._password(name),
                max_builds=worker.max_builds,
                properties={"labels": list(worker.labels)},
            )
            for name, worker in self.site.workers.items()
        ]

    def _password(self, name: str) -> str:
        place = self.site.workers[name].password
        if place is None:
            made = self.home.worker_password(name)
            # Before the first start there is none: use a random one that nobody knows.
            return made.read_text().strip() if made.exists() else secrets.token_urlsafe(24)
        try:
            return given_secret(place, self.folder, f"workers.{name}.password")
        except SlipwayError as error:
            raise ConfigErrors([str(error)]) from None

    def pollers(self) -> list[RepositoryPoller]:
        """Return one poller per project."""
        return [
            RepositoryPoller(
                name=f"{name}-poller",
                project=name,
                mirror_folder=str(self.home.mirror(name)),
                repository=self.repository(project),
                branches=project.branches,
                schedule=project.poll,
            )
            for name, project in self.site.project.items()
        ]

    def schedulers(self) -> list[Any]:
        """Return each project's scheduler and its two force schedulers."""
        found: list[Any] = []
        for name, project in self.site.project.items():
            repository = self.repository(project)
            builders = {
                builder_name(name, stage, cell.name): (stage, cell.name)
                for stage in project.stages
                for cell in cells(project.stages[stage])
            }
            found.append(
                PipelineScheduler(
                    name=name,
                    project=project,
                    repository=repository,
                )
            )
            found += force_schedulers(name, repository, project.default_branch, builders)
        return found

    def builders(self) -> list[Any]:
        """Return one builder per cell of each stage."""
        return [
            builder
            for name, project in self.site.project.items()
            for stage in project.stages
            for builder in make_builders(name, stage, project, self.site.workers)
        ]

    @property
    def order(self) -> Any:
        """Buildbot's `prioritizeBuilders`."""
        return by_urgency

    def services(self) -> list[Any]:
        """Return Buildbot services: the ledger, code, the kept file, notices, watch."""
        local = isolation.workers_here(self.site)
        told = sorted(wanted_events(self.site.notify.values()))
        ledger = LedgerService(
            name=SERVICE,
            settings=self.site.site,
            projects=dict(self.site.project),
            repositories={name: self.repository(one) for name, one in self.site.project.items()},
            state_folder=str(self.home.root),
            folder=str(self.folder),
            mirrors={name: str(self.home.mirror(name)) for name in self.site.project},
            local=local,
            told=told,
        )
        elsewhere = [name for name in self.site.workers if name not in local]
        code = CodeService(name=CODE_SERVICE, folder=str(self.home.code), elsewhere=elsewhere)
        kept = KeptSite(name=f"{SERVICE}-kept", text=self.text, place=str(self.home.kept_site))
        notices = Notices(
            name=NOTICES,
            notifiers=dict(self.site.notify),
            people=dict(self.site.people),
            settings=self.site.site,
            folder=str(self.folder),
            home=str(self.home.root),
        )
        watch = WatchService(
            name=WATCH,
            watch=self.site.site.watch,
            workers=list(self.site.workers),
            told=told,
            folders=[str(self.home.store), str(self.home.root)],
        )
        return [ledger, code, kept, notices, watch]

    def www(self) -> dict[str, Any]:
        """Return Buildbot's `www`, with authentication and authorization.

        Raises:
            ConfigErrors: A password hash or the client's secret cannot be read.
        """
        try:
            users = Users.of(self.site, self.folder, self.home.admin_password)
        except SlipwayError as error:
            raise ConfigErrors([str(error)]) from None
        found = web.configuration(self.site.site, users, self.site.project)
        # Public: pages receive it too, so it must not contain secrets.
        found["plugins"]["slipway"] = {"workers": self._told_of_workers()}
        return found

    def _told_of_workers(self) -> dict[str, Any]:
        # `slipway up` has tested the isolation and reports it in the environment.
        kept_apart = isolation.from_text(os.environ.get(isolation.VARIABLE))
        return {
            name: {
                "labels": list(one.labels),
                "lanes": list(one.lanes),
                "max_builds": one.max_builds,
                "isolation": kept_apart.get(name, {"way": "", "reason": ""}),
            }
            for name, one in self.site.workers.items()
        }


def repository_of(project: Project, folder: Path) -> str:
    """Return a project's repository: a URL unchanged, a path made absolute."""
    written = project.repository
    if is_url(written):
        return written
    return str((folder / Path(written).expanduser()).resolve())
