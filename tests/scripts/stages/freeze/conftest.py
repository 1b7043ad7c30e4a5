"""What the tests of the freeze stage share."""

import pytest

from slipway.model.errors import MissingTool
from slipway.scripts.stages.freeze.clean_room.bubblewrap import find_bubblewrap


@pytest.fixture(scope="session")
def bubblewrap():
    """How the room is made here."""
    try:
        return find_bubblewrap()
    except MissingTool as error:
        pytest.skip(str(error))
