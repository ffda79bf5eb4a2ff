"""What one server takes: all bounds in one place."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of a server, of which each can be changed where it is started.

    Attributes:
      body_bytes: of a request.
      pixels: of an upload.
      side: longest side of a result, in pixels.
      painting_side: longest side of the paintings that `size` and `style_scale` give.
      steps: iterations of a job.
      paintings: of a job.
      queue: jobs that wait.
      history: jobs that are kept when they are done; those done longest ago go.
      uploads: that are kept; of those that no job needs the oldest go, and where all
        are needed the job that ended longest ago.
      upload_seconds: after which an upload that no job needs goes.
      state_bytes: of the states of stopped runs together; the oldest go.
      live_side: longest side of the live picture, in pixels.
      live_seconds: from one live picture to the next, at least.
      points: of the losses of a job.
      events: lines of a job.
    """

    body_bytes: int = 64 * 2**20
    pixels: int = 100_000_000
    side: int = 4096
    painting_side: int = 8192
    steps: int = 10_000
    paintings: int = 8
    queue: int = 50
    history: int = 100
    uploads: int = 200
    upload_seconds: float = 7 * 86400.0
    state_bytes: int = 2 * 2**30
    live_side: int = 1024
    live_seconds: float = 0.25
    points: int = 500
    events: int = 50
