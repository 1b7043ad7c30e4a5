"""Publishing on the master: releases are made here, and what targets have of them is recorded."""
