"""The server as a program: where it listens, how it begins and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
from support.ateliers import Grey, atelier, until
from support.web_server import TOKEN, site

from nst_jax.commands import serve
from nst_jax.errors import OptionsError
from nst_jax.web.server import Server, bound, is_loopback


def test_it_listens_for_this_machine_unless_told_otherwise():
    for host, alone in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)):
        with bound(host, 0) as listener:
            assert is_loopback(listener) == alone
            # Answers go out at once; asyncio asks for the protocol.
            assert listener.proto == socket.IPPROTO_TCP


def test_a_port_or_address_that_cannot_be_had_is_one_line():
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OptionsError, match=rf"port={port}: it is taken; .* 0 for"):
            bound("127.0.0.1", port)
    bound("127.0.0.1", port).close()  # And free again at once.
    for host in ("192.0.2.1", "nowhere.invalid", "x" * 300, "."):
        with pytest.raises(OptionsError, match="can't be listened on"):
            bound(host, 0)


def test_one_that_others_reach_goes_by_addresses_and_its_own_name(tmp_path):
    made = atelier(tmp_path / "kept", Grey())
    with bound("0.0.0.0", 0) as listener:
        server = Server(made, listener, body_bytes=9, report=pytest.fail, token=TOKEN)
        guard = server.config.app
        for host in ("192.168.0.7:80", "[fe80::1]", "localhost", socket.gethostname()):
            assert guard._is_own(host.encode()), host
            assert f"//{socket.gethostname()}:" in server.address()
        for host in ("evil.example", "192.168.0.7.evil.example", "[evil]", "0x7f.1"):
            assert not guard._is_own(host.encode()), host


def test_the_address_lets_in_and_a_ticket_once(tmp_path):
    with site(tmp_path / "kept") as served:
        assert served.server.address() == f"{served.url}/?token={TOKEN}"
        ticket = served.server.address(once=True)
        assert TOKEN not in ticket
        assert [requests.get(ticket, timeout=20).status_code for _ in range(2)] == [
            200,
            401,
        ]


def test_missing_packages_are_one_line(monkeypatch):
    monkeypatch.setattr(serve, "_NEEDS", ("starlette", "nothing_of_the_kind"))
    with pytest.raises(OptionsError, match=r"serve needs nothing_of.*nst-jax\[web\]'"):
        serve.run_command(None)


@pytest.mark.parametrize("token", ["short", "x" * 15, "with a space in it", "a/b" * 9])
def test_a_token_that_is_none_is_refused(monkeypatch, token):
    monkeypatch.setenv(serve.TOKEN, token)
    with pytest.raises(OptionsError, match="NST_JAX_TOKEN: give 16 or more"):
        serve.run_command(None)


# As in a terminal, whatever the tests were started by.
_PROGRAM = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("nst_jax", run_name="__main__")
"""


def started(tmp_path, *flags):
    """A server in a process of its own, and its address."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    environment = {**os.environ, "BROWSER": f"{browser} %s"}
    command = (sys.executable, "-c", _PROGRAM, "serve", "--port=0", *flags)
    process = subprocess.Popen(
        [*command, f"--folder={tmp_path / 'kept'}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_without_a_traceback(tmp_path, number):
    process, address = started(tmp_path, "--open")
    until(lambda: (tmp_path / "seen").exists() and (tmp_path / "seen").read_text())
    opened = (tmp_path / "seen").read_text().strip()
    base = address.partition("?")[0]
    assert opened.startswith(base)
    assert opened != address
    with requests.Session() as session:
        assert session.get(opened, timeout=20).status_code == 200
        port = base.split(":")[-1].strip("/")
        for flags in ((f"--port={port}",), ()):  # The same port, the same folder.
            other, printed = started(tmp_path, *flags)
            assert (printed, other.wait(20)) == ("", 1)
            line = other.communicate()[1]
            assert line.count("\n") == 1
            assert "it is taken" in line or "is at work in this folder" in line
        with session.get(f"{base}api/events", stream=True, timeout=20):
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(20) == 128 + number
            assert time.monotonic() - began < 3
    errors = process.communicate()[1]
    assert "Traceback" not in errors
    assert "open this address" in errors
    assert errors.splitlines()[-1] == "nst-jax: stopped"
    assert not list((tmp_path / "kept").glob(".nst*"))
