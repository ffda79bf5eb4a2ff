"""Signals, as the work that they should stop sees them."""

import os
import signal

import pytest

from nst_jax.commands.stop import StopRequest

_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def request_to_stop(lines):
    with StopRequest(lines.append) as request:
        yield request


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", _ALL)
def test_before_the_work_it_is_at_once(request_to_stop, lines, number):
    with pytest.raises(KeyboardInterrupt):
        send(number)
    assert request_to_stop.signal is None
    assert lines == []


@pytest.mark.parametrize("number", _ALL)
def test_in_the_work_it_is_a_request(request_to_stop, lines, number):
    request_to_stop.defer()
    assert request_to_stop.signal is None
    send(number)
    assert request_to_stop.signal == number
    assert len(lines) == 1
    assert lines[0].startswith("nst-jax: stopping")


def test_a_second_ctrl_c_is_at_once(request_to_stop, lines):
    request_to_stop.defer()
    send(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    assert len(lines) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_after_another_signal_is_at_once(request_to_stop, lines, number):
    request_to_stop.defer()
    send(number)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    assert request_to_stop.signal == number
    assert len(lines) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_again_are_the_same_request(request_to_stop, lines, number):
    request_to_stop.defer()
    for _ in range(3):
        send(number)
    assert request_to_stop.signal == number
    assert len(lines) == 1


def test_the_first_signal_counts(request_to_stop):
    request_to_stop.defer()
    send(signal.SIGINT)
    send(signal.SIGTERM)
    assert request_to_stop.signal == signal.SIGINT


@pytest.mark.parametrize("number", _ALL)
def test_handlers_are_as_before_afterwards(lines, number):
    before = signal.getsignal(number)

    def fail():
        with StopRequest(lines.append):
            assert signal.getsignal(number) != before
            raise ValueError("the work failed")

    with pytest.raises(ValueError, match="work"):
        fail()
    assert signal.getsignal(number) == before
