"""Reading what was typed."""

from __future__ import annotations

import unittest
from datetime import date, time
from decimal import Decimal

from almanac import forms


class Reading(unittest.TestCase):
    """The smallest readers."""

    def test_days(self) -> None:
        """Only ISO dates that exist."""
        self.assertEqual(forms.read_day("2024-02-29"), date(2024, 2, 29))
        for text in ("2023-02-29", "2024-2-9", "29.02.2024", "2024-W09-4", ""):
            with self.subTest(text=text), self.assertRaises(ValueError):
                forms.read_day(text)

    def test_times(self) -> None:
        """The hour may have one digit."""
        self.assertEqual(forms.read_time("7:05"), time(7, 5))
        for text in ("24:00", "7", "07:5", "noon"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                forms.read_time(text)

    def test_fees(self) -> None:
        """A comma is a point."""
        self.assertEqual(forms.read_fee("7,5"), Decimal("7.50"))
        for text in ("-1", "1.005", "1000000", "Infinity"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                forms.read_fee(text)
