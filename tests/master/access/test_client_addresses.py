"""Addresses: one way to write each."""

import pytest

from slipway.master.access.client_addresses import house, parse


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (" 10.0.0.1 ", "10.0.0.1"),
        ("10.0.0.1:5678", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("[::ffff:10.0.0.1]:5678", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", "None"),
        ("_hidden", "None"),
        ("", "None"),
        ("10.0.0.256", "None"),
        ("1.2.3.4, 5.6.7.8", "None"),
    ],
)
def test_an_address_is_read_however_it_is_written(text, told):
    assert str(parse(text)) == told


def test_a_house_of_ipv6_counts_as_one():
    assert house("2001:db8:1:2::1") == house("2001:db8:1:2:ffff::9")
    assert house("2001:db8:1:3::1") != house("2001:db8:1:2::1")
    assert house("::ffff:9.9.9.9") == house("9.9.9.9") == "9.9.9.9"
    assert len(house("x" * 1000)) == 100
