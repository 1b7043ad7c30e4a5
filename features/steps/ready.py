"""The ready steps of `slipway features`."""

from slipway.sessions.steps import *  # noqa: F403  this is how they become known
