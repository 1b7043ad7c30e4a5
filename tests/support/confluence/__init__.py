"""Stand-ins for Confluence Cloud and Data Center, with the state that a real one has.

Written from what Atlassian publishes of its APIs. Each request is validated: a path, a parameter or
a key of a body that is not in the documents is kept in `problems`, and tests fail for it.
"""

from .server import Standin, standin
from .site import Page, Site

__all__ = ["Page", "Site", "Standin", "standin"]
