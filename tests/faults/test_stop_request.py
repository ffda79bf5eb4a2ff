"""Signals, as the work that they should stop sees them."""

import signal

import pytest

from nst_jax.errors import Stopped, answered
from nst_jax.transfer.stop import StopRequest

_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def request_to_stop(lines):
    with StopRequest(lines.append) as request:
        yield request


@pytest.mark.parametrize("number", _ALL)
def test_before_the_work_it_is_at_once(request_to_stop, lines, number):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    # A library that swallows it doesn't swallow the request.
    assert request_to_stop.signal == number
    assert lines == []


@pytest.mark.parametrize("number", _ALL)
def test_its_status_is_the_signals(lines, capsys, number):
    """As shells have it, though nothing was there to be saved."""

    def work():
        with StopRequest(lines.append):
            signal.raise_signal(number)
        return 0

    assert answered(work) == 128 + number
    assert capsys.readouterr().err == "\nnst-jax: stopped\n"


def test_giving_up_on_saving_keeps_the_first_signals_status(request_to_stop):
    request_to_stop.defer()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped) as caught:
        signal.raise_signal(signal.SIGINT)
    assert caught.value.exit_status == 143


@pytest.mark.parametrize("number", _ALL)
def test_in_the_work_it_is_a_request(request_to_stop, lines, number):
    request_to_stop.defer()
    assert request_to_stop.signal is None
    signal.raise_signal(number)
    assert request_to_stop.signal == number
    (line,) = lines
    assert line.startswith("nst-jax: stopping")


@pytest.mark.parametrize("number", _ALL)
def test_ctrl_c_after_that_is_at_once(request_to_stop, lines, number):
    request_to_stop.defer()
    signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert request_to_stop.signal == number
    assert len(lines) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_after_that_change_nothing(request_to_stop, lines, number):
    request_to_stop.defer()
    for each in (signal.SIGINT, number, number):
        signal.raise_signal(each)
    assert request_to_stop.signal == signal.SIGINT
    assert len(lines) == 1


def test_handlers_are_as_before_afterwards(lines):
    before = [signal.getsignal(number) for number in _ALL]

    def fail():
        with StopRequest(lines.append):
            assert [signal.getsignal(number) for number in _ALL] != before
            raise ValueError("the work failed")

    with pytest.raises(ValueError, match="work"):
        fail()
    assert [signal.getsignal(number) for number in _ALL] == before
