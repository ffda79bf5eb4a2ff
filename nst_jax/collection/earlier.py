"""Manifests of earlier versions: what told their pictures apart."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from nst_jax.options import Options
from nst_jax.transfer.jobs import Job

_SINCE = ("style_loss",)
"""Options that 0.1.0 did not have: at their defaults there."""


def key(job: Job, contents: Mapping[str, str], weights: str) -> str | None:
    """The key that version 0.1.0 gave to a picture, None if it couldn't make it.

    Args:
      job: with one painting.
      contents: digests of the sources, by key.
      weights: digest of the network's weights.
    """
    options = dataclasses.asdict(job.options)
    defaults = dataclasses.asdict(Options())
    if len(job.styles) != 1 or any(options[n] != defaults[n] for n in _SINCE):
        return None
    fields = {name: value for name, value in options.items() if name not in _SINCE}
    made_of = [
        contents[source.key] or source.key for source in (job.content, *job.styles)
    ]
    made_of.append(contents.get(job.options.init, ""))
    text = json.dumps(fields, sort_keys=True)
    return hashlib.sha256("\n".join([*made_of, weights, text]).encode()).hexdigest()
