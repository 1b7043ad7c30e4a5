"""Gates on a running master: requests, approvals, timers and given secrets."""
