"""The one exception of this package."""


class WeightsError(ValueError):
    """Something a user can act on: one line that says what is wrong and what to do."""


class SourceUnavailableError(WeightsError):
    """A source could not be downloaded: no such host, no answer, or a cut for good."""
