"""What tests of the model share: a site from a few words."""

import pytest

from slipway.model.site import Site


@pytest.fixture
def make_site():
    """Return a maker of sites: stages by name, workers by name."""

    def make(stages, workers=None, **project):
        return Site.model_validate(
            {
                "project": {"almanac": {"repository": "r", "stages": stages, **project}},
                "workers": workers or {"local": {}},
            }
        )

    return make
