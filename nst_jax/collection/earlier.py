"""Manifests from before `Job.digest`: what told their pictures apart."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from nst_jax.collection.kinds import AnyJob
from nst_jax.options import changed
from nst_jax.transfer.jobs import Job, decays

_OPTIONS = {
    *("adam_epsilon", "bounds", "color", "color_after", "content_loss"),
    *("content_tap_weights", "content_taps", "content_weight", "crop"),
    *("gram", "history", "init", "input_gain", "learning_rate"),
    *("learning_rate_decay", "network", "pooling", "precision"),
    *("preconditioner", "pyramid", "seed", "size", "solver", "steps"),
    *("style_blend", "style_scale", "style_tap_weights", "style_taps"),
    *("style_weight", "tv", "tv_range", "tv_weight"),
}
"""All there were."""

_THEN = {"style_loss": "gram", "style_tap_decay": 1.0, "content_weight_at": 0}
"""What others meant, where that isn't their default."""


def key(job: AnyJob, contents: Mapping[str, str], weights: str) -> str | None:
    """The key that a picture had, None if it couldn't be made.

    Args:
      job: with one painting.
      contents: digests of the sources, by key.
      weights: digest of the network's weights.
    """
    if not isinstance(job, Job) or job.regions is not None:
        return None
    then = {name: getattr(job.options, name) for name in _THEN}
    new = changed(job.options).keys() - _OPTIONS - _THEN.keys()
    if len(job.styles) != 1 or then != _THEN or new:
        return None
    if job.options.pyramid != 1 and decays(job.options):
        return None  # Its step size fell otherwise.
    options = dataclasses.asdict(job.options)
    fields = {name: value for name, value in options.items() if name in _OPTIONS}
    made_of = [
        contents[source.key] or source.key for source in (job.content, *job.styles)
    ]
    made_of.append(contents.get(job.options.init, ""))
    text = "\n".join([*made_of, weights, json.dumps(fields, sort_keys=True)])
    # Names of files needn't be UTF-8.
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
