"""Categories and units of Buildbot's test result sets."""

from __future__ import annotations

__all__ = ["ALL", "LONG", "MOST_NS", "NOT_PASSED", "UNITS"]

#: Every test: "0" or "1".
ALL = "pass_fail"
#: Tests that did not pass: status and message, which "0" and "1" cannot express.
NOT_PASSED = "fail_only"
#: Seconds of tests that are too long for Buildbot's own column.
LONG = "duration"
UNITS = {ALL: "boolean", NOT_PASSED: "message", LONG: "seconds"}

#: Maximum of Buildbot's column on PostgreSQL, a 32-bit number of nanoseconds: 2.1 seconds.
MOST_NS = 2**31 - 1
