"""What tests of the model share: a site from a few words."""

import pytest
from hypothesis import settings

from slipway.model.site import Site

# A busy machine is no defect: no deadline. To look for long: `--hypothesis-profile=thorough`.
settings.register_profile("slipway", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile("slipway")


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
