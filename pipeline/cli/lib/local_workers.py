"""The workers that `slipway up` starts itself, isolated from the master."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from functools import partial
from pathlib import Path

from slipway.cli.lib.child_processes import Child, Children
from slipway.model.errors import MissingTool
from slipway.model.site import Site, connectable
from slipway.secrets.reading import variables_of
from slipway.state_folder import VARIABLE, Home, made_secret
from slipway.workers.isolation import methods as isolation
from slipway.workers.isolation.account import end_leftovers
from slipway.workers.isolation.methods import Isolation
from slipway.workers.worker_tac import WorkerPlace

__all__ = ["LocalWorkers"]


class LocalWorkers:
    """All workers of a site on this machine."""

    def __init__(self, site: Site, config: Path, home: Home) -> None:
        """Prepare the workers; nothing is started yet.

        Args:
            site: The site's model.
            config: Its pipeline.toml.
            home: The state folder.
        """
        self._site, self._home = site, home
        self.fingerprint = ""
        """The fingerprint of the certificate of the workers' port; empty: it has none."""
        if site.site.speaks_tls:
            # Imported late: few sites need it, and it loads slowly.
            from slipway.secrets.worker_certificate import have_certificate

            _, self.fingerprint = have_certificate(site, home, config.resolve().parent)
        self.isolations: list[Isolation] = []
        names = isolation.workers_here(site)
        if names and importlib.util.find_spec("buildbot_worker") is None:
            msg = "workers cannot run here: install Slipway with [worker] beside [master]"
            raise MissingTool(msg)
        # Remains of a killed `slipway up` must not block the start.
        for name in names:
            end_leftovers(home.worker(name), name)
        for name in names:
            made_secret(home.worker_password(name))
            found = isolation.isolate(site, home, config, name)
            self.isolations.append(found)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that describe the workers' isolation to the master."""
        return {isolation.VARIABLE: isolation.as_text(self.isolations)}

    @property
    def exposed(self) -> list[Isolation]:
        """The workers that are not isolated."""
        return [one for one in self.isolations if one.way == "none"]

    def start(self, children: Children) -> None:
        """Start all workers."""
        for one in self.isolations:
            children.start(self._child(one))

    def end(self) -> None:
        """End leftover processes of the workers' own users; deployed programs stay."""
        for one in self.isolations:
            _end_leftovers(one)

    def _child(self, one: Isolation) -> Child:
        site, name = self._site.site, one.worker
        folder = self._home.worker(name)
        folder.mkdir(parents=True, exist_ok=True)
        host = connectable(site.worker_listen)
        place = WorkerPlace(folder, name, host, site.worker_port, None, self.fingerprint)
        settings = dataclasses.asdict(place) | {"folder": str(folder)}
        del settings["password_file"]
        secrets = variables_of(self._site)
        mine = {key: value for key, value in os.environ.items() if key not in secrets}
        env = {**isolation.surroundings(mine, one), VARIABLE: str(self._home.root)}
        return Child(
            name=f"worker {name}",
            argv=one.command({"place": settings}, env),
            folder=folder,
            env=env,
            # Beside the worker's folder, whose content belongs to the worker's user.
            output=folder.with_name(f"{name}.output.log"),
            # The root folder: Python looks for modules in its working directory.
            cwd=Path(folder.anchor),
            umask=0o022,
            given=made_secret(self._home.worker_password(name)),
            # The worker's stages run as its user, and can end it.
            tidy=partial(_end_leftovers, one),
            ready="worker is ready",
        )


def _end_leftovers(one: Isolation) -> None:
    """End leftover processes of a worker's own user; deployed programs stay."""
    if one.account is not None:
        end_leftovers(one.needs.folder, one.worker)
