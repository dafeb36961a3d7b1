"""Flywheel impulses as text: what home-made rowers print, one time between two impulses a line.

A line is a number of seconds, "0.008231"; a negative one, where a counter ran over, is left out.
What it means depends on the wheel, so that the options say: magnets a turn, moment of inertia, and
the drag factor where it is fixed. From the free wheel (Anu Dudhia, "The Physics of Ergometers"):
while nobody pulls, I d(omega)/dt = -k omega^2, so 1/omega grows by k/I a second,
which gives the drag factor k; the boat of that wheel moves (k / 2.8)^(1/3) metres a radian.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.waterrower_lines import LineFramer, printable
from rowlog_drivers.records import Record, RowerSample, Stroke, Undecoded

MAGNETS: Final = 6
INERTIA_KG_M2: Final = 0.1015
DRAG: Final = 120.0
"""A Concept2's wheel; its drag factor, in 1e-6 kg m2, until the wheel has told its own."""
MAGIC: Final = 2.8
"""Watts = 2.8 v^3, by which Concept2 defines the speed of its boat."""

SAMPLE_S: Final = 0.25
PAUSE_S: Final = 3.0
"""A wheel that turns slower than this an impulse stands still."""
LEAST_DRIVE_S: Final = 0.15
LEAST_RECOVERY_S: Final = 0.3
LONGEST_RECOVERY_S: Final = 6.0
"""A wheel that nobody has pulled for so long runs out; nobody rows those metres."""
_FASTER: Final = 0.997
_SLOWER: Final = 0.9995
"""How long a turn takes as a share of the one before, when somebody pulls and when nobody does."""
_LEAST_POINTS: Final = 6
_RECOVERIES: Final = 6
_SECONDS: Final = re.compile(rb"\s*(-?\d{1,6}(?:\.\d{1,18})?(?:[eE]-?\d{1,2})?)\s*[,;]?")


def parse_line(line: bytes) -> float | None:
    """The seconds of one line; None for anything else."""
    match = _SECONDS.fullmatch(line)
    return None if match is None else float(match[1])


def encode_impulse(seconds: float) -> bytes:
    """One line as such a rower prints it, for simulators."""
    return f"{seconds:.6f}\r\n".encode("ascii")


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and 0 < number < 1e6):
        raise ValueError(f"{text} is not above 0")
    return number


def _magnets(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise ValueError(f"a wheel has 1 to 64 magnets, not {number}")
    return number


OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {
    "magnets": _magnets,
    "inertia": _positive,
    "drag": _positive,
}
"""The options of the decoder, with the parsers of their texts."""


def decoder_of(options: Mapping[str, object]) -> ImpulseDecoder:
    """A decoder with options as `OPTIONS` parsed them."""
    magnets, inertia, drag = (options.get(name) for name in ("magnets", "inertia", "drag"))
    return ImpulseDecoder(
        magnets=magnets if isinstance(magnets, int) else MAGNETS,
        inertia=inertia if isinstance(inertia, float) else INERTIA_KG_M2,
        drag=drag if isinstance(drag, float) else None,
    )


class Wheel:
    """The flywheel: impulses in; metres, strokes and drag factor out."""

    def __init__(self, *, magnets: int, inertia: float, drag: float | None) -> None:
        """`drag` in 1e-6 kg m2 is fixed; None: the recoveries tell it."""
        self.elapsed_s = 0.0
        self.distance_m = 0.0
        self.strokes = 0
        self.drag = DRAG if drag is None else drag
        self.driving = False
        self.speed_mps = 0.0
        self._fixed = drag is not None
        self._inertia = inertia
        self._angle = 2 * math.pi / magnets
        self._turn: deque[float] = deque(maxlen=magnets)
        self._before: deque[float] = deque(maxlen=magnets)
        self._phase_s = 0.0
        """How long the phase has lasted."""
        self._points: list[tuple[float, float]] = []
        self._drags: deque[float] = deque(maxlen=_RECOVERIES)
        self._work_j = 0.0
        self._drive_s = 0.0

    def impulse(self, seconds: float) -> Stroke | None:
        """The wheel turned on by one magnet in so many seconds; the stroke that ends with it.

        The stroke's time, source and number are left to the caller.
        """
        if seconds >= PAUSE_S:
            self.stop(seconds)
            return None
        self.elapsed_s += seconds
        self._phase_s += seconds
        k = self.drag * 1e-6
        metres = (k / MAGIC) ** (1 / 3) * self._angle
        if self.driving or self._phase_s < LONGEST_RECOVERY_S:
            self.distance_m += metres
        omega = self._angle / seconds
        self._work_j += k * omega * omega * self._angle
        if len(self._turn) == self._turn.maxlen:
            self._before.append(self._turn[0])
        self._turn.append(seconds)
        if len(self._before) < (self._before.maxlen or 0):
            return None
        now_s, before_s = sum(self._turn), sum(self._before)
        self.speed_mps = metres * len(self._turn) / now_s
        share = now_s / before_s
        if not self.driving:
            self._points.append((self.elapsed_s, now_s / (2 * math.pi)))
            if share < _FASTER and self._phase_s >= LEAST_RECOVERY_S:
                return self._catch()
        elif share > _SLOWER and self._phase_s >= LEAST_DRIVE_S:
            self.driving, self._drive_s, self._phase_s = False, self._phase_s, 0.0
            self._points.clear()
        return None

    def stop(self, seconds: float) -> None:
        """The wheel stood still for so long."""
        self.elapsed_s += seconds
        self._turn.clear()
        self._before.clear()
        self._points.clear()
        self._work_j = self._drive_s = self._phase_s = 0.0
        self.driving = False
        self.speed_mps = 0.0

    def _catch(self) -> Stroke | None:
        """A drive begins; the stroke before, if there was one."""
        self._tell_drag()
        recovery_s, drive_s, work_j = self._phase_s, self._drive_s, self._work_j
        if recovery_s >= LONGEST_RECOVERY_S:
            drive_s = 0.0  # a pause between strokes, no recovery
        self.strokes += 1
        self.driving, self._phase_s, self._work_j, self._drive_s = True, 0.0, 0.0, 0.0
        if not drive_s:
            return None
        period_s = drive_s + recovery_s
        return Stroke(
            t_ns=0,
            source="",
            number=self.strokes - 1,
            stroke_rate_spm=60 / period_s,
            drive_s=drive_s,
            recovery_s=recovery_s,
            work_j=work_j,
            power_w=work_j / period_s,
        )

    def _tell_drag(self) -> None:
        """The drag factor of the recovery that is over: the slope of 1/omega, times I."""
        # The turn in which the drive ended, and the one in which the next begins, are neither.
        trim = self._turn.maxlen or 1
        points = self._points[trim:-trim]
        if self._fixed or len(points) < _LEAST_POINTS:
            return
        mean_t, mean_y = fmean(t for t, _ in points), fmean(y for _, y in points)
        spread = sum((t - mean_t) ** 2 for t, _ in points)
        if not spread:
            return
        slope = sum((t - mean_t) * (y - mean_y) for t, y in points) / spread
        drag = slope * self._inertia * 1e6
        if drag > 0:
            self._drags.append(drag)
            self.drag = fmean(self._drags)


class ImpulseDecoder:
    """Lines of seconds to records; such a rower only prints, so there is no dialogue."""

    __slots__ = ("_lines", "_told_s", "_wheel")

    def __init__(
        self, *, magnets: int = MAGNETS, inertia: float = INERTIA_KG_M2, drag: float | None = None
    ) -> None:
        self._lines = LineFramer()
        self._wheel = Wheel(magnets=magnets, inertia=inertia, drag=drag)
        self._told_s = -math.inf

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of the lines that this frame completes; Undecoded for any other text."""
        t_ns, source = frame.t_ns, frame.source
        if frame.channel == "link":
            self._lines.clear()
            return (decode_link(frame),)
        if frame.sent:
            return ()
        if frame.channel != "rx":
            reason = f"{frame.channel}: not a channel of a serial line"
            return (Undecoded(t_ns=t_ns, source=source, reason=reason),)
        records: list[Record] = []
        for line in self._lines.feed(frame.payload):
            seconds = parse_line(line)
            if seconds is None:
                reason = f"impulses: {printable(line)}: no number of seconds"
                records.append(Undecoded(t_ns=t_ns, source=source, reason=reason))
            elif seconds > 0:
                self._impulse(seconds, t_ns, source, records)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is told: a stroke is over only when the next one begins."""
        return ()

    def _impulse(self, seconds: float, t_ns: int, source: str, records: list[Record]) -> None:
        wheel = self._wheel
        strokes = wheel.strokes
        done = wheel.impulse(seconds)
        power_w = None
        if done is not None:
            power_w = done.power_w
            records.append(
                Stroke(
                    t_ns=t_ns,
                    source=source,
                    number=done.number,
                    stroke_rate_spm=done.stroke_rate_spm,
                    drive_s=done.drive_s,
                    recovery_s=done.recovery_s,
                    work_j=done.work_j,
                    power_w=done.power_w,
                )
            )
        if wheel.strokes > strokes:
            records.append(Stroke(t_ns=t_ns, source=source, number=wheel.strokes))
        if wheel.strokes > strokes or wheel.elapsed_s - self._told_s >= SAMPLE_S:
            self._told_s = wheel.elapsed_s
            records.append(
                RowerSample(
                    t_ns=t_ns,
                    source=source,
                    elapsed_s=wheel.elapsed_s,
                    distance_m=wheel.distance_m,
                    stroke_count=wheel.strokes,
                    speed_mps=wheel.speed_mps,
                    power_w=power_w,
                    drag_factor=round(wheel.drag),
                )
            )
