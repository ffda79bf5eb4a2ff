"""`nst-jax serve`: a page to paint on, in a browser, and the same for programs."""

import argparse
import importlib.util
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from nst_jax import streams
from nst_jax.commands import flags
from nst_jax.devices import heap
from nst_jax.errors import OptionsError, Stopped
from nst_jax.web.limits import Limits
from weights_convert import store

if TYPE_CHECKING:
    import socket

PORT = 8321
TOKEN = "NST_JAX_TOKEN"
"""Variable of the environment with the token; else one is made."""
_LEAST = 16  # Characters of a token.
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]+")
_NAME = re.compile(r"\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+")
_HOST = re.compile(r"[0-9a-fA-F:.]+(%\w+)?|[A-Za-z0-9_.-]+")
_NEEDS = ("starlette", "uvicorn")
_CHUNK, _SOON = 60.0, 2.0
"""Seconds for a chunk of iterations to end, and for what has nothing to be kept."""

_DESCRIPTION = """\
Shows a page in the browser: drop a photo and paintings, watch the picture come, stop it
when it pleases. All stays on this machine: the address that is printed, with its token,
lets in whoever has it, and by default only from here. The same server is one for
programs; docs/serve.md tells how. Ctrl-C ends it; jobs and pictures are there again at
the next start.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "serve",
        help="show a page in the browser to paint on",
        description=_DESCRIPTION,
    )
    where = parser.add_argument_group("where")
    where.add_argument(
        "--port",
        type=_port,
        default=PORT,
        metavar="N",
        help=f"Of the page's address; 0: any that is free. Default: {PORT}.",
    )
    where.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="Address that it listens on; 0.0.0.0: all of this machine's, so that "
        "others reach it too. Default: 127.0.0.1, this machine alone.",
    )
    where.add_argument(
        "--allowed_host",
        type=_name,
        action="append",
        default=[],
        metavar="NAME",
        help="A name that browsers may reach it by, besides localhost and addresses; "
        "may be given again.",
    )
    where.add_argument(
        "--open", action="store_true", help="Open the page in the browser."
    )
    where.add_argument(
        "--folder",
        type=flags.path,
        metavar="DIR",
        help="Where jobs, pictures and uploads are kept, of one server at a time. "
        "Default: ~/.cache/nst_jax/serve.",
    )
    where.add_argument(
        "--access_log", action="store_true", help="Print a line for each request."
    )
    _add_limits(parser.add_argument_group("limits"))
    run = parser.add_argument_group("the run")
    flags.add_config(run)
    flags.add_machine(run)
    parser.set_defaults(run=run_command)


def _add_limits(group: Any) -> None:
    default = Limits()
    for name, value, text in (
        ("max_size", default.side, "Longest side of a picture that is asked for"),
        ("max_steps", default.steps, "Iterations of a job"),
        ("max_queue", default.queue, "Jobs that wait"),
        ("max_upload", default.body_bytes >> 20, "Megabytes of a picture's file"),
    ):
        group.add_argument(
            f"--{name}",
            type=flags.positive_count,
            default=value,
            metavar="N",
            help=f"{text}, at most. Default: {value}.",
        )


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status.

    Raises:
      OptionsError: packages are missing, or what is asked for can't be used.
      Stopped: by a signal, as is usual; all is kept.
    """
    heap.keep_little()
    token = _checked(os.environ.get(TOKEN, ""))
    if missing := [one for one in _NEEDS if importlib.util.find_spec(one) is None]:
        raise OptionsError(
            f"serve needs {' and '.join(missing)}: install them with pip install "
            "'nst-jax[web]'"
        )

    from nst_jax.web.server import bound

    # The port first: where it is taken nothing else is touched.
    with bound(arguments.host, arguments.port) as listener, streams.unfailing():
        number = _serve(arguments, listener, token)
    if number is not None:
        raise Stopped(number)
    return 0


def _serve(
    arguments: argparse.Namespace, listener: "socket.socket", token: str
) -> int | None:
    """Serves until a signal, whose number is returned."""
    from nst_jax.collection import lock
    from nst_jax.web import private
    from nst_jax.web.atelier import Atelier
    from nst_jax.web.server import Server, is_loopback

    limits = _limits(arguments)
    folder = private.folder(arguments.folder or store.home() / "serve")
    with lock.held(folder):
        atelier = Atelier(
            folder,
            limits=limits,
            offline=arguments.offline,
            compilation_cache_dir=arguments.compilation_cache_dir,
            report=_say,
        )
        try:
            server = Server(
                atelier,
                listener,
                body_bytes=limits.body_bytes,
                report=_say,
                token=token,
                names=arguments.allowed_host,
                log=_say if arguments.access_log else None,
            )
            if not is_loopback(listener):
                _say(
                    f"nst-jax: host={arguments.host}: whoever reaches this machine and "
                    "has the token can paint here, and what is sent can be read on the "
                    "way; its names are addresses, localhost, this machine's own and "
                    "--allowed_host"
                )
            print(server.address(), flush=True)
            _say("nst-jax: open this address in a browser; Ctrl-C ends the server")
            server.serve_until_stopped(opens=arguments.open)
        finally:
            _say("nst-jax: stopping; jobs and pictures are kept")
            paints = any(job["state"] == "painting" for job in atelier.jobs())
            atelier.close(_CHUNK if paints else _SOON)
    return server.signal


def _limits(arguments: argparse.Namespace) -> Limits:
    side = arguments.max_size
    return Limits(
        side=side,
        painting_side=2 * side,
        steps=arguments.max_steps,
        queue=arguments.max_queue,
        body_bytes=arguments.max_upload << 20,
    )


def _checked(token: str) -> str:
    if token and (len(token) < _LEAST or not _TOKEN.fullmatch(token)):
        raise OptionsError(
            f"{TOKEN}: give {_LEAST} or more letters and digits, or leave it out"
        )
    return token


def _port(text: str) -> int:
    number = flags.count(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{number}: give 1 to 65535, or 0 for any")
    return number


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):  # An empty one would be all addresses.
        raise argparse.ArgumentTypeError(f"{text!r:.80}: give an address or a name")
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80}: give a name alone, such as studio.local"
        )
    return text


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
