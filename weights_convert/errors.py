"""What this package raises: one base, whose line says what is wrong and what to do."""


class WeightsError(ValueError):
    """Something a user can act on: one line that says what is wrong and what to do.

    Attributes:
      exit_status: of a program that ends by it.
    """

    exit_status = 1


class SourceUnavailableError(WeightsError):
    """A source could not be downloaded: no such host, no answer, or a cut for good."""


class WriteError(WeightsError):
    """A file could not be written: no room, or no right to."""


class DamagedError(WeightsError):
    """Stored weights are not what was stored."""


class NetworkError(WeightsError):
    """A network or tap that is not known, or weights that don't fit."""


class LaterVersionError(WeightsError):
    """A file of a later version of this project."""
