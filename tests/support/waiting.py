"""Bounded waits: how long a test may hang, and waiting for a condition that nobody can announce."""

import os
import time

SANITIZED = bool(os.environ.get("RPX_SANITIZE"))
# How long anything may take that should take milliseconds; sanitizers slow a loaded machine down a lot.
PATIENCE = 60.0 if SANITIZED else 20.0


def until(condition, what, seconds=PATIENCE):
    """Returns the first true value of `condition()`; fails, naming `what`, when there is none within `seconds`."""
    end = time.monotonic() + seconds
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for: {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
