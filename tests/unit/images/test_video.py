"""Clips go through reader and writer with times, sound and colours as they were."""

import fractions
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import clips
from support.clips import FRAMES, Kind

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import video
from nst_jax.images.video import Reader
from nst_jax.images.video_output import Writer


def through(source: Path, output: Path, *, most: int = FRAMES) -> Reader:
    """Copies a clip, frame by frame; stops after `most`."""
    with Reader(source) as reader, Writer(output, reader, reader.shape) as writer:
        for number, frame in enumerate(reader.frames()):
            if number == most:
                writer.stop()
                break
            writer.write(frame, frame.image)
    return reader


KINDS = {
    "plain": Kind(),
    "29.97": Kind(rate=fractions.Fraction(30000, 1001)),
    "no sound": Kind(sound=""),
    "ten bits": Kind(pixels="yuv420p10le"),
    "full colours": Kind(pixels="yuv444p"),
    "mpeg4": Kind(codec="mpeg4"),
    "full range": Kind(pixels="yuvj420p"),
    "one frame": Kind(frames=1),
    "variable": Kind(times=[0, 40, 80, 90, 200, 210, 330, 331, 500, 640, 700, 900]),
}


@pytest.mark.parametrize("name", KINDS)
def test_times_sound_and_colours_are_kept(tmp_path, name):
    source = clips.make(tmp_path / "a.mp4", KINDS[name])
    reader = through(source, tmp_path / "b.mp4")
    assert reader.damage == ""
    before, after = clips.look(source), clips.look(tmp_path / "b.mp4")
    assert len(after.images) == KINDS[name].frames
    np.testing.assert_allclose(after.times, before.times, atol=1e-3)
    assert after.seconds == pytest.approx(before.seconds, abs=2e-3)
    assert after.rate == before.rate
    assert after.sound == before.sound
    assert bool(after.sound) == bool(KINDS[name].sound)
    assert after.pixels == {"ten bits": "yuv420p10le"}.get(name, "yuv420p")
    for one, other in zip(before.images, after.images, strict=True):
        assert np.abs(one - other).mean() < 0.015
        assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() < 0.004


@pytest.mark.parametrize("ending", [".mkv", ".mov", ".webm"])
def test_other_containers(tmp_path, ending):
    sound = "libopus" if ending == ".webm" else "aac"
    source = clips.make(tmp_path / "a.mkv", Kind(sound=sound))
    through(source, tmp_path / f"b{ending}")
    before, after = clips.look(source), clips.look(tmp_path / f"b{ending}")
    assert after.sound == before.sound
    np.testing.assert_allclose(after.times, before.times, atol=2e-3)
    assert np.abs(after.images[3] - before.images[3]).mean() < 0.03


def test_old_containers(tmp_path):
    kind = Kind(codec="mpeg4", sound="libmp3lame")
    source = clips.make(tmp_path / "a.avi", kind)
    assert through(source, tmp_path / "b.mp4").damage == ""
    before, after = clips.look(source), clips.look(tmp_path / "b.mp4")
    assert (after.sound, len(after.images)) == (before.sound, FRAMES)
    source = clips.make(tmp_path / "a.ts")
    assert through(source, tmp_path / "b.mp4").damage == ""
    before, after = clips.look(source), clips.look(tmp_path / "b.mp4")
    # Each packet without the head that this container alone has.
    assert [one[7:] for one in before.sound] == after.sound
    with clips.av.open(str(source)) as one, clips.av.open(str(tmp_path / "b.mp4")) as b:
        assert one.duration == pytest.approx(b.duration, abs=40_000)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_what_is_turned_is_written_upright(tmp_path, degrees):
    source = clips.make(tmp_path / "a.mp4", Kind(turned=degrees))
    with Reader(source) as reader:
        frame = next(reader.frames())
        upright = np.rot90(clips.picture(0), degrees // 90)
        assert reader.shape == upright.shape[:2]
        assert np.abs(frame.image - upright).mean() < 0.03
    through(source, tmp_path / "b.mp4")
    found = clips.look(tmp_path / "b.mp4")
    assert np.abs(found.images[0] - upright).mean() < 0.03


def test_odd_sides_are_made_even(tmp_path):
    source = clips.make(tmp_path / "a.mp4", Kind((47, 63), pixels="yuv444p"))
    with Reader(source) as reader:
        assert reader.shape == (47, 63)
        with Writer(tmp_path / "b.mp4", reader, reader.shape) as writer:
            assert writer.padded
            for frame in reader.frames():
                writer.write(frame, frame.image)
    image = clips.look(tmp_path / "b.mp4").images[0]
    assert image.shape == (48, 64, 3)
    assert np.abs(image[:47, :63] - clips.picture(0, (47, 63))).mean() < 0.03


def test_the_larger_of_two_videos_is_taken(tmp_path):
    source = clips.make(tmp_path / "a.mkv", Kind(small_first=True))
    with Reader(source) as reader:
        assert reader.shape == clips.SHAPE
        assert len(list(reader.frames())) == FRAMES


def test_a_broken_tail_is_told(tmp_path):
    source = clips.make(tmp_path / "a.mkv")
    content = source.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) // 2])
    with Reader(cut) as reader:
        frames = list(reader.frames())
    assert 0 < len(frames) < FRAMES
    assert "cut.mkv: damaged or cut short" in reader.damage
    whole = clips.make(tmp_path / "a.mp4", Kind(codec="mpeg4"))
    at_front = tmp_path / "front.mp4"
    _faststart(whole, at_front)
    content = at_front.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: len(content) * 2 // 3])
    reader = through(cut, tmp_path / "b.mp4")
    assert 0 < reader.read < FRAMES
    assert f"{reader.read} frames of {FRAMES} could be read" in reader.damage
    assert len(clips.look(tmp_path / "b.mp4").images) == reader.read


def _faststart(source: Path, target: Path) -> None:
    """A copy whose index is at its front, so that it can be read when it is cut."""
    with (
        clips.av.open(str(source)) as before,
        clips.av.open(str(target), "w", options={"movflags": "faststart"}) as after,
    ):
        streams = {s: after.add_stream_from_template(s) for s in before.streams}
        for packet in before.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                after.mux(packet)


def test_stopped_clips_end_with_their_sound(tmp_path):
    source = clips.make(tmp_path / "a.mp4", Kind(rate=fractions.Fraction(5)))
    through(source, tmp_path / "b.mp4", most=4)
    before, after = clips.look(source), clips.look(tmp_path / "b.mp4")
    assert len(after.images) == 4
    assert 0 < len(after.sound) < len(before.sound)
    with clips.av.open(str(tmp_path / "b.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(0.8, abs=0.05)


def test_what_fails_leaves_nothing(tmp_path):
    source = clips.make(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"before")

    def fail() -> None:
        with (
            Reader(source) as reader,
            Writer(tmp_path / "b.mp4", reader, reader.shape) as writer,
        ):
            frame = next(reader.frames())
            writer.write(frame, frame.image)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "b.mp4").read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_what_is_no_video_is_said_so(tmp_path):
    (tmp_path / "text.mp4").write_text("no video " * 50)
    (tmp_path / "empty.mp4").touch()
    whole = clips.make(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "no_index.mp4").write_bytes(whole[: len(whole) // 2])
    with clips.av.open(str(tmp_path / "sound.mp4"), "w") as container:
        clips._sound(container, container.add_stream("aac", rate=44100), 0.2)
    for name, line in {
        "text.mp4": "is not a video",
        "empty.mp4": "is empty",
        "no_index.mp4": "is not a video, or cut short",
        "sound.mp4": "has no video",
        "gone.mp4": "no such file",
    }.items():
        with pytest.raises(ImageError, match=f"{name}: {line}"):
            Reader(tmp_path / name)


def test_outputs_are_checked_early(tmp_path):
    for name, line in {
        "a.avi": "'.avi'; give a clip one of .mp4",
        "a": "no ending",
        "nowhere/a.mp4": "there is no folder",
    }.items():
        with pytest.raises(ImageError, match=line):
            video.check_writable(tmp_path / name)
    source = clips.make(tmp_path / "a.mkv")
    with Reader(source) as reader, pytest.raises(ImageError, match=r"\(aac\).*\.mkv"):
        Writer(tmp_path / "b.webm", reader, reader.shape)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_covers_of_albums_are_no_videos(tmp_path):
    source = tmp_path / "a.mp4"
    clips.make(source)
    assert video.is_clip(source)
    assert not video.is_clip("a.jpg")
    shutil.copy(source, tmp_path / "a.MOV")
    assert video.is_clip(tmp_path / "a.MOV")


def test_sizes_of_raw_streams():
    from nst_jax.images import frame_stream

    assert frame_stream.size("640x480") == (480, 640)
    for bad in ("640", "0x5", "axb", "640x480x3"):
        with pytest.raises(OptionsError, match="WIDTHxHEIGHT"):
            frame_stream.size(bad)
