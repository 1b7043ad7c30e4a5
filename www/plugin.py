"""The plugin object that Buildbot loads."""

from __future__ import annotations

from typing import Any

from buildbot.www.plugin import Application
from twisted.web.resource import EncodingResourceWrapper
from twisted.web.server import GzipEncoderFactory

from slipway.www.api.resource import Api
from slipway.www.api.route import Router
from slipway.www.api.routes import ROUTES
from slipway.www.release_site import ReleaseSite

__all__ = ["Slipway", "make", "plugin"]


class Slipway(Application):
    """The pages, the endpoints below `api/`, and the sites of releases below `releases/`."""

    def setMaster(self, master: Any) -> None:
        """Attach to a master; Buildbot calls this each time it reads its configuration."""
        super().setMaster(master)
        self._serve({})

    def setConfiguration(self, config: Any) -> None:
        """Take the plugin's part of the site's configuration."""
        super().setConfiguration(config)
        self._serve(config if isinstance(config, dict) else {})

    def _serve(self, config: dict[str, Any]) -> None:
        api = Api(self.master, Router(ROUTES), config)
        self.resource.putChild(b"api", EncodingResourceWrapper(api, [GzipEncoderFactory()]))
        self.resource.putChild(b"releases", ReleaseSite(self.master))


def make() -> Slipway:
    """Return a new plugin instance."""
    return Slipway("slipway.www", "Slipway: pipelines, gates, environments")


#: Buildbot's entry points name an instance.
plugin = make()
