"""How many frames of a source are kept, and that nothing of a real device is left out."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import render, render_moment, summary
from rowlog.rebuild import rebuild
from rowlog.recorder import Progress, Recorder
from rowlog.render_devices import LinkNews
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.allowance import FRAMES_PER_S, SAVED_FRAMES, Allowance
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.device import Device
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.protocols.link import FLOOD_CHANNEL
from rowlog_drivers.transports.replay import ReplayTransport
from tests.support import rows
from tests.test_link_news import MOMENT

S: Final = 1_000_000_000


def frame(t_s: float, payload: bytes = b"\x00", channel: str = "2ad1", **more: bool) -> Frame:
    return Frame(t_ns=round(t_s * S), source="rower", channel=channel, payload=payload, **more)


def admitted(frames: list[Frame]) -> list[Frame]:
    """All that goes on, up to the end of the session."""
    allowance = Allowance()
    passed = [one for given in frames for one in allowance.admit(given)]
    return passed + (allowance.finish(frames[-1]) if frames else [])


def left_out(frames: list[Frame]) -> int:
    """How many were left out, as it is told."""
    return sum(int(one.payload) for one in frames if one.channel == FLOOD_CHANNEL)


def test_a_flood_is_kept_to_100_frames_a_second() -> None:
    """30 s of 2,000 a second: 1,000 that were saved up and 100 a second from then on."""
    flood = [frame(number / 2000) for number in range(60_000)]
    passed = admitted(flood)
    kept = [one for one in passed if one.channel == "2ad1"]
    assert len(kept) == pytest.approx(SAVED_FRAMES + 30 * FRAMES_PER_S, abs=2)
    assert left_out(passed) == len(flood) - len(kept)
    assert 29 <= len(passed) - len(kept) <= 31  # told once a second
    per_second = Counter(one.t_ns // S for one in kept)
    assert max(per_second[second] for second in range(2, 30)) <= FRAMES_PER_S + 1
    assert [one.t_ns for one in passed] == sorted(one.t_ns for one in passed)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("a PM5 with all it has, 10 Hz", [n / 40 for n in range(4000)]),
        ("the fastest dialogue, 30 ms", [n / 65 for n in range(6500)]),
        ("60 s that a radio held back, at once", [*(n / 16 for n in range(960)), *[120.0] * 960]),
        ("at the limit for ten minutes", [n / FRAMES_PER_S for n in range(60_000)]),
    ],
)
def test_what_real_devices_send_is_never_left_out(name: str, times: list[float]) -> None:
    frames = [frame(t_s) for t_s in times]
    assert admitted(frames) == frames, name


def test_what_the_host_says_and_sends_is_no_flood() -> None:
    frames = [
        frame(0.0, channel=channel, sent=channel == "2ad9")
        for channel in ("link", "2ad9", "sample")
        for _ in range(2000)
    ]
    assert admitted(frames) == frames


@given(st.lists(st.tuples(st.integers(0, 20), st.binary(max_size=3)), max_size=200), st.data())
def test_serial_chunks_are_joined_and_none_is_lost(
    chunks: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Up to a thousand at an instant, and then whatever comes."""
    repeat = data.draw(st.integers(1, 30))
    frames, t_ms = [], 0
    for step_ms, payload in chunks:
        t_ms += step_ms
        frames += [frame(t_ms / 1000, payload, "rx")] * repeat
    passed = admitted(frames)
    assert b"".join(one.payload for one in passed) == b"".join(one.payload for one in frames)
    assert {one.channel for one in passed} <= {"rx"}
    assert len(passed) <= SAVED_FRAMES + FRAMES_PER_S * t_ms / 1000 + 1


def test_a_flood_is_told_in_the_line_and_in_the_summary(tmp_path: Path) -> None:
    """A machine sends 5,000 frames in a second; live and rebuilt the rows are the same."""
    database = tmp_path / "rowlog.db"
    row = bytes.fromhex("0400300100" + "0a0000")
    header = SourceHeader(name="rower", driver="ftms")
    sent = [frame(1 + number / 5000, row) for number in range(5000)]
    frames = [frame(0.0, b"up", "link"), *sent]
    device = Device(ReplayTransport(frames), make_decoding([header]))
    told: list[str] = []

    def watch(_: Progress) -> None:
        complaint = device.complaint()
        if complaint is not None:
            told.append(complaint.trouble)
            assert complaint.heard
            line = render_moment.moment(replace(MOMENT, complaints=(complaint,)), render.Style())
            assert "  rower: flooding " in line
            assert len(line) <= 80
            assert LinkNews().of(replace(MOMENT, complaints=(complaint,))) == [
                "rower: flooding. Only 100 frames a second are kept of it. Switch it off and on."
            ]

    with Store.open_writer(database) as store:
        session_id = store.begin_session(
            started_at=datetime(2026, 11, 26, 7, tzinfo=UTC), plan=None, athlete=None,
            activity="row", sources=[Source(name="rower", driver="ftms")],
        )  # fmt: skip
        asyncio.run(Recorder([device], store, session_id).run(on_progress=watch))
    assert set(told) == {"flooding"}
    with open_reader(database) as reader:
        kept = list(reader.read_frames(1))
    stored = sum(one.channel == "2ad1" for one in kept)
    assert stored == pytest.approx(SAVED_FRAMES + FRAMES_PER_S, abs=2)
    shown = summary.load(database, 1)
    assert shown.quality.left_out_frames == 5000 - stored == left_out(kept)
    text = render.summary(shown, render.Style(colour=False))
    assert f"{5000 - stored} frames left out beyond 100 a second" in text
    before = rows(database, 1)
    assert rebuild(database).sessions == (1,)
    assert rows(database, 1) == before
