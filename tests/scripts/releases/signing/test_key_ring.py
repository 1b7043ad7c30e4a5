"""Keys after each other: who knows one of them knows which of the others to trust."""

from datetime import timedelta

import pytest

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.signing.key_ring import KeyRing, read_ring
from tests.support.signed_releases import NOW, new_signer

DAY = timedelta(days=1)


def ring_of(count=3, compromised=()):
    """Return a ring of several keys, and those who sign with them."""
    signers = [new_signer(NOW + number * DAY) for number in range(count)]
    ring = KeyRing(keys=(signers[0].key,))
    for number in range(1, count):
        ring = ring.rotated(
            signers[number - 1],
            signers[number],
            NOW + number * DAY,
            compromised=number - 1 in compromised,
        )
    return ring, signers


def names(ring, trusted):
    return [place for place, key in enumerate(ring.keys) if key.id in trusted]


@pytest.mark.parametrize("pin", [0, 1, 2])
def test_who_knows_one_key_trusts_all_of_the_site(pin):
    ring, signers = ring_of()
    again = read_ring(ring.text().encode(), "keys.json")
    trusted = again.trusted([signers[pin].key.id])
    assert names(again, trusted) == [0, 1, 2]
    ends = [trusted[one.key.id].valid_until for one in signers]
    assert ends == [NOW + DAY, NOW + 2 * DAY, signers[2].key.valid_until]
    assert again.current == signers[2].key


def test_who_knows_none_trusts_none():
    ring, _ = ring_of()
    assert ring.trusted([]) == {}
    assert ring.trusted([new_signer().key.id]) == {}


@pytest.mark.parametrize(("pin", "found"), [(0, []), (1, [1, 2]), (2, [1, 2])])
def test_nothing_that_a_stolen_key_signed_counts(pin, found):
    ring, signers = ring_of(compromised={0})
    assert names(ring, ring.trusted([signers[pin].key.id])) == found


def forge(ring, **changes):
    return ring.model_copy(update=changes)


def test_forged_rotations_are_refused():
    ring, signers = ring_of()
    thief = new_signer()
    pins = [signers[0].key.id]
    # Another key in the place of one; a rotation of a thief's own; and that of another ring.
    swapped = forge(ring, keys=(*ring.keys[:2], thief.key))
    own = KeyRing(keys=(thief.key,)).rotated(thief, new_signer(), NOW, compromised=False)
    mixed = forge(ring, rotations=(ring.rotations[0], own.rotations[0]))
    turned = forge(ring, rotations=tuple(reversed(ring.rotations)))
    for forged in (swapped, mixed, turned):
        with pytest.raises(SlipwayError, match="rotation"):
            forged.trusted(pins)
    half = {**ring.rotations[1], "signatures": ring.rotations[1]["signatures"][:1]}
    with pytest.raises(SlipwayError, match="must be signed by"):
        forge(ring, rotations=(ring.rotations[0], half)).trusted(pins)


def test_a_longer_time_of_a_key_is_a_forgery():
    ring, signers = ring_of(2)
    longer = ring.keys[0].model_copy(update={"valid_until": NOW + 9999 * DAY})
    with pytest.raises(SlipwayError, match="is that of other keys"):
        forge(ring, keys=(longer, ring.keys[1])).trusted([signers[1].key.id])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not readable as JSON"),
        ("{}", "keys: Field required"),
        ('{"keys": [], "keys": []}', 'has "keys" twice'),
        ('{"keys": []}', "at least 1 item"),
        ("[" * 9000, "no such file"),
        ('{"keys": NaN}', "no such file"),
    ],
)
def test_what_is_no_ring_is_told(text, told):
    with pytest.raises(SlipwayError) as caught:
        read_ring(text.encode(), "keys.json")
    assert told in str(caught.value)


def test_a_key_without_a_rotation_is_refused():
    ring, _ = ring_of(2)
    text = ring.model_copy(update={"rotations": ()}).text()
    with pytest.raises(SlipwayError, match="needs one rotation"):
        read_ring(text.encode(), "keys.json")
    text = ring.model_copy(update={"keys": (ring.keys[0],) * 2}).text()
    with pytest.raises(SlipwayError, match="a key twice"):
        read_ring(text.encode(), "keys.json")
