"""How many frames a source may send: anyone in radio range can send any number.

Frames beyond the allowance are left out before they are decoded, so that what is stored is what
was understood, and a frame of the host's own says how many they were.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.link import FLOOD_CHANNEL, encode_flood

SECOND_NS: Final = 1_000_000_000
FRAMES_PER_S: Final = 100
"""More than any device sends: a PM5 comes to 40, a WaterRower S4 with its answers to 65."""
SAVED_FRAMES: Final = 1000
"""What a quiet source may send at once: a radio that was held up gives ten seconds in a burst."""

_HOSTS_OWN: Final = (
    *("link", "key", FLOOD_CHANNEL),
    *("sample", "stroke", "heart_rate", "summary", "lap", "totals"),
)
"""Channels that no device sends on."""
_PIECEMEAL: Final = "rx"
"""Serial bytes: a chunk that is left out would tear a line, so chunks are joined instead."""


class Allowance:
    """Lets the frames of one source through, at FRAMES_PER_S and what was saved up before.

    Pure: session time is read from the frames.

    Attributes:
        left_out: how many frames were left out so far.
        since_ns: when the flood that goes on, or the latest one, began; None before any.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self.since_ns: int | None = None
        self._told = 0
        self._told_ns = 0
        self._last_out_ns = 0
        self._saved = float(SAVED_FRAMES)
        self._last_ns: int | None = None
        self._chunk = b""

    def admit(self, frame: Frame) -> list[Frame]:
        """The frames that go on when this one comes, with the host's own word of those left out."""
        if frame.sent or frame.channel in _HOSTS_OWN:
            return [frame]
        self._earn(frame.t_ns)
        if self._saved < 1:
            if frame.channel == _PIECEMEAL:
                self._chunk += frame.payload
                return []
            return self._leave_out(frame)
        self._saved -= 1
        if self._chunk and frame.channel == _PIECEMEAL:
            frame, self._chunk = replace(frame, payload=self._chunk + frame.payload), b""
        return [*self._word(frame), frame]

    def finish(self, last: Frame) -> list[Frame]:
        """What is still to be said once the last frame has come."""
        ended: list[Frame] = []
        if self._chunk:
            ended.append(
                replace(last, channel=_PIECEMEAL, payload=self._chunk, sent=False, late_ns=0)
            )
            self._chunk = b""
        if self.left_out > self._told:
            ended.append(self._said(last))
        return ended

    def _earn(self, t_ns: int) -> None:
        if self._last_ns is not None and t_ns > self._last_ns:
            earned = FRAMES_PER_S * (t_ns - self._last_ns) / SECOND_NS
            self._saved = min(SAVED_FRAMES, self._saved + earned)
        self._last_ns = t_ns if self._last_ns is None else max(self._last_ns, t_ns)

    def _leave_out(self, frame: Frame) -> list[Frame]:
        if self.since_ns is None or frame.t_ns - self._last_out_ns > SECOND_NS:
            self.since_ns = frame.t_ns
        self._last_out_ns = frame.t_ns
        self.left_out += 1
        return self._word(frame)

    def _word(self, frame: Frame) -> list[Frame]:
        """Once a second of a flood it is told."""
        if self.left_out == self._told or frame.t_ns - self._told_ns < SECOND_NS:
            return []
        return [self._said(frame)]

    def _said(self, frame: Frame) -> Frame:
        count, self._told, self._told_ns = self.left_out - self._told, self.left_out, frame.t_ns
        return replace(
            frame, channel=FLOOD_CHANNEL, payload=encode_flood(count), sent=False, late_ns=0
        )
