"""Runs `nst-jax`, and tells how many programs it compiled.

    python3 -m bench.smoke.counted stylize photo.jpg painting.jpg --output=painted.png

The last line of standard error is JSON: what was asked of JAX's compilation cache
("asked") and what was found there ("found"). The others were compiled.
"""

import collections
import json
import runpy
import sys

import jax.monitoring

_EVENTS = {
    "asked": "/jax/compilation_cache/compile_requests_use_cache",
    "found": "/jax/compilation_cache/cache_hits",
}


def main() -> None:
    """Runs the command; ends with its exit status."""
    events: collections.Counter[str] = collections.Counter()

    def heard(event: str, **about: str | int) -> None:
        events[event] += 1

    jax.monitoring.register_event_listener(heard)
    try:
        runpy.run_module("nst_jax.commands.main", run_name="__main__", alter_sys=True)
    finally:
        counts = {name: events[event] for name, event in _EVENTS.items()}
        print(json.dumps(counts), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
