"""A stage that promotes names a channel that there is, and comes after what publishes."""

import pytest

from slipway.model.graph import check
from slipway.model.site import Site
from slipway.scripts.stages.publish.stage import PublishStage


def breaches(channel="stable", needs=("publish",), **publish):
    stages = {
        "publish": {"uses": "publish", **publish},
        "stable": {"uses": "promote", "channel": channel, "needs": needs},
    }
    site = Site.model_validate(
        {"project": {"x": {"repository": "x", "stages": stages}}, "workers": {"local": {}}}
    )
    return [
        one.message for one in check(site) if "promotes" in one.message or "channel" in one.message
    ]


def test_what_is_right_is_no_breach():
    assert breaches(channels=["beta", "stable"]) == []


def test_a_channel_is_one_of_the_publish_stage():
    (told,) = breaches("stabel", channels=["beta", "stable"])
    assert told == 'unknown channel "stabel"; there are: beta, stable. Did you mean "stable"?'
    (told,) = breaches()
    assert told.endswith("there are: none; write channels = [...] into the publish stage.")


def test_a_release_is_made_before_it():
    (told,) = breaches(needs=(), channels=["stable"])
    assert told.startswith('"stable" promotes a release, but none is made before it')


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"channels": ("a", "a")}, "one of them comes twice"),
        ({"channels": ("a",), "channel": "b"}, 'channel: "b" is none of its channels'),
        ({"channel": "b"}, "they are: none"),
        ({"channels": ("A b",)}, "pattern"),
        ({"channels": tuple(f"c{n}" for n in range(11))}, "at most 10"),
    ],
)
def test_channels_that_cannot_be(keys, told):
    with pytest.raises(ValueError, match=told):
        PublishStage(uses="publish", **keys)


def test_the_first_channel():
    assert PublishStage(uses="publish").first_channel is None
    assert PublishStage(uses="publish", channels=("a", "b")).first_channel == "a"
    assert PublishStage(uses="publish", channels=("a", "b"), channel="b").first_channel == "b"
