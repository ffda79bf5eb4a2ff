"""What a page is refused, besides what is wrong with what it asks for."""

from nst_jax.errors import NstError


class AbsentError(NstError, LookupError):
    """There is no such job or picture, or it is there no more."""


class LimitError(NstError, RuntimeError):
    """More than this server takes at a time; later, or with less, it may."""


class ConflictError(NstError, RuntimeError):
    """The job is not in the state that this needs, such as stopping what is done."""
