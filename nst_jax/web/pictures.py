"""The pictures that jobs may be made of: what was sent, and the examples."""

from pathlib import Path

from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.images.frames import Shape
from nst_jax.web import examples, shown
from nst_jax.web.refusals import AbsentError
from nst_jax.web.shown import Shown
from nst_jax.web.uploads import Uploads

_LEAST = 16


class Pictures:
    """Uploads and examples, by their identifiers.

    Attributes:
      uploads: what was sent.
    """

    def __init__(self, uploads: Uploads):
        self.uploads = uploads

    def __contains__(self, identifier: str) -> bool:
        return identifier in self.uploads or identifier in examples.found()

    def path(self, identifier: str) -> Path:
        """The file of a picture.

        Raises:
          AbsentError: there is none of that name.
        """
        example = examples.found().get(identifier)
        return example or self.uploads.path(identifier)

    def name(self, identifier: str) -> str:
        """What people call it; raises as `path`."""
        example = examples.found().get(identifier)
        return example.name if example else self.uploads.get(identifier).name

    def shape(self, identifier: str) -> Shape:
        """Height and width, upright; raises as `path`."""
        if example := examples.found().get(identifier):
            return examples.shape(example)
        upload = self.uploads.get(identifier)
        return upload.height, upload.width

    def shown(self, identifier: str, longest: int | None, most: int) -> Shown:
        """It as a JPEG, upright and in sRGB.

        Args:
          identifier: of it.
          longest: no side is longer; None: as large as is shown.
          most: that no side is longer than in any case.

        Raises:
          AbsentError: there is none of that name.
        """
        example = examples.found().get(identifier)
        path = example or self.uploads.small(identifier)
        side = max(_LEAST, min(longest or most, most))
        try:
            if max(files.shape(path)) <= side:
                return shown.shown(path.read_bytes())
            return shown.shown(shown.jpeg_of(path, side))
        except (OSError, ImageError) as error:
            raise AbsentError(f"{identifier}: its picture is gone") from error
