"""Watch the site itself: its workers, its disks, its queue, and tests that become flaky."""
