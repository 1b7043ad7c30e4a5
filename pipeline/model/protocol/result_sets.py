"""What test results are kept as: Buildbot's sets, by their categories, and the unit of each."""

from __future__ import annotations

#: Each test, "0" or "1".
ALL = "pass_fail"
#: How a test did not pass, and what it said: what "0" and "1" cannot say.
TOLD = "fail_only"
#: The seconds of tests that Buildbot's own column cannot hold.
LONG = "duration"
UNITS = {ALL: "boolean", TOLD: "message", LONG: "seconds"}

#: What Buildbot's column for a test's time holds on PostgreSQL: 2.1 seconds of nanoseconds.
MOST_NS = 2**31 - 1
