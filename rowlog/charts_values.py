"""A session's pace, rate, power and heart rate as lines: means, scales, and what is left out.

Whatever draws them, in pictures or in a terminal, draws these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rowlog.contents import STROKE_HOLD_S, Contents, Grid
from rowlog.metrics import as_of
from rowlog.render import duration, whole
from rowlog.summary import GapSummary

Array = NDArray[np.float64]
Kind = Literal["pace", "rate", "power", "heart"]

_START_S: Final = 15.0
"""The first strokes of a piece, which the scales are not made for, take so long at most."""
_SLOWEST: Final = 1.35
"""A scale ends at a pace so many times the median one at the latest: a stop in mid-piece would
flatten all the rest. What is slower runs out of the drawing."""
_METRES_S: Final = 10.0
"""Over so long metres make a speed."""
_WINDOWS: Final = 150
"""A line's values are means over the session's length divided by this, in seconds, ..."""
_LEAST_S, _MOST_S = 5.0, 60.0
"""... but over so long at least and at most."""


class Track(NamedTuple):
    """One quantity over time."""

    name: str
    unit: str
    kind: Kind
    values: Array
    """At the grid's instants; NaN is unknown. Of a pace: metres a second, as paces have no mean."""
    least: float
    """What its scale spans at least, so that the last digit's wavering looks like what it is."""
    pace_m: float = 500.0
    """What metres a pace is told for."""

    @property
    def is_pace(self) -> bool:
        """Whether it is told in seconds for some metres."""
        return self.kind == "pace"

    def told(self, values: Array) -> Array:
        """Values as they are shown."""
        if not self.is_pace:
            return values
        with np.errstate(divide="ignore"):
            return np.where(values > 0, self.pace_m / values, np.nan)


def tracks(contents: Contents, grid: Grid) -> list[Track]:
    """What is known over time. Off the machine, in an exercise, a rower says nothing."""
    exercise = np.array(
        [s.kind == "work" and s.activity not in ("row", "other") for s in contents.segments]
        + [False]
    )[grid.segment]
    pace_m = contents.summary.pace_m
    rowing = [
        Track("Pace", f"/{pace_m:g} m", "pace", _speed(contents, grid), pace_m / 50, pace_m),
        Track("Stroke rate", "strokes a minute", "rate", grid.stroke_rate_spm, 6.0),
        Track("Power", "watts", "power", _power(contents, grid), 40.0),
    ]
    every = [
        track._replace(
            values=np.where(exercise, np.nan, _heard(contents, grid, track.values, heart=False))
        )
        for track in rowing
    ]
    beats = _heard(contents, grid, grid.heart_rate_bpm, heart=True)
    every.append(Track("Heart rate", "beats a minute", "heart", beats, 30.0))
    return [track for track in every if np.count_nonzero(track.values > 0) > 1]


def _speed(contents: Contents, grid: Grid) -> Array:
    """What the machine says; from its metres, over ten seconds, where it tells no pace at all.

    Those seconds lie in the piece, rest or pause of the instant itself.
    """
    if not np.isnan(grid.speed_mps).all() or np.isnan(grid.distance_m).all():
        return grid.speed_mps
    starts = np.array([s.started_at_s for s in contents.segments] + [0.0])[grid.segment]
    ends = np.array([s.started_at_s + s.duration_s for s in contents.segments] + [grid.t_s[-1]])
    since = np.maximum(grid.t_s - _METRES_S / 2, starts)
    until = np.minimum(grid.t_s + _METRES_S / 2, ends[grid.segment])
    metres = np.interp(until, grid.t_s, grid.distance_m)
    metres -= np.interp(since, grid.t_s, grid.distance_m)
    seconds = until - since
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((metres > 0) & (seconds >= _METRES_S / 3), metres / seconds, np.nan)


def _power(contents: Contents, grid: Grid) -> Array:
    """What the machine says from moment to moment; that of its strokes where it says only that."""
    strokes = [s for s in contents.main_strokes if s.power_w is not None]
    if not np.isnan(grid.power_w).all() or not strokes:
        return grid.power_w
    times, watts = np.array([(s.t_s, s.power_w) for s in strokes], dtype=np.float64).T
    return as_of(times, watts, grid.t_s, hold_s=STROKE_HOLD_S)


def tracks_told(contents: Contents, grid: Grid, known: Sequence[Track]) -> str:
    """From where to where each quantity goes, in words: while there is work, but for the heart."""
    said = []
    for track in known:
        low, high, values = scaled(contents, grid, track)
        settled = values
        if track.kind != "heart" and _settled(contents, grid).any():
            settled = np.where(_settled(contents, grid), values, np.nan)
        shown = track.told(settled)
        inside = shown[(shown >= low) & (shown <= high)]
        if len(inside):
            show = duration if track.is_pace else whole
            ends = f"{show(float(inside.min()))} to {show(float(inside.max()))}"
            said.append(f"{track.name.lower()} from {ends} {track.unit}")
    return "; ".join(said)


def window_s(contents: Contents) -> float:
    """Over how many seconds the values of a line are means: of a long session over more."""
    return min(max(contents.duration_s / _WINDOWS, _LEAST_S), _MOST_S)


def smoothed(
    values: Array, segment: NDArray[np.int64], seconds: float
) -> tuple[Array, Array, Array]:
    """Mean, lowest and highest of some seconds around each instant, of the same segment alone.

    Args:
        values: shape (n,), one a second, NaN where not known.
        segment: shape (n,), what each belongs to.
        seconds: how long a stretch is looked at.

    Returns:
        Three of shape (n,): NaN where the value itself is not known.
    """
    half = max(1, int(seconds / 2))
    found = tuple(np.full(len(values), np.nan) for _ in range(3))
    known = ~np.isnan(values)
    edges = np.flatnonzero((np.diff(segment) != 0) | (np.diff(known.astype(int)) != 0)) + 1
    for run in np.split(np.arange(len(values)), edges):
        if len(run) == 0 or not known[run[0]]:
            continue
        padded = np.pad(values[run], half, constant_values=np.nan)
        around = sliding_window_view(padded, 2 * half + 1)
        for line, made in zip(
            found,
            (np.nanmean(around, 1), np.nanmin(around, 1), np.nanmax(around, 1)),
            strict=True,
        ):
            line[run] = made
    return found[0], found[1], found[2]


def scaled(contents: Contents, grid: Grid, track: Track) -> tuple[float, float, Array]:
    """From where to where its scale goes, as it is shown, and the values without first strokes."""
    heart = track.kind == "heart"
    settled = np.where(_settled(contents, grid), track.values, np.nan)
    chosen = settled if not heart and np.count_nonzero(settled > 0) > 1 else track.values
    shown = track.told(chosen)
    known = shown[~np.isnan(shown)]
    low, high = (float(value) for value in np.percentile(known, (0, 100) if heart else (1, 99)))
    middle = float(np.median(known))
    if track.is_pace:
        high = min(high, middle * _SLOWEST)
    elif not heart:
        low = max(low, middle / _SLOWEST ** (3 if track.kind == "power" else 1))
    room = 0.1 * (high - low)
    low, high = widened(low - room, high + room, track.least)
    if heart:
        return low, high, track.values
    return low, high, _under_way(contents, grid, track, low, high)


def _heard(contents: Contents, grid: Grid, values: Array, *, heart: bool) -> Array:
    """The values, but none within a stretch in which their device was not heard."""
    heard = values.copy()
    for gap in gaps_of(contents, heart=heart):
        end_s = gap.started_at_s + gap.duration_s
        heard[(grid.t_s > gap.started_at_s) & (grid.t_s < end_s)] = np.nan
    return heard


def gaps_of(contents: Contents, *, heart: bool) -> list[GapSummary]:
    """The stretches in which the source of the heart rate was not heard, or a rower."""
    straps = {source.name for source in contents.session.sources if source.driver == "heart_rate"}
    chosen = contents.series.heart_rate_source
    return [
        gap
        for gap in contents.summary.gaps
        if (gap.source == chosen if heart else gap.source not in straps)
    ]


def _settled(contents: Contents, grid: Grid) -> NDArray[np.bool_]:
    """Where there is work, and the first strokes from a standstill are over."""
    found = np.zeros(len(grid.t_s), dtype=np.bool_)
    for index, segment in enumerate(contents.segments):
        if segment.kind == "work":
            start_s = min(_START_S, segment.duration_s / 3)
            found |= (grid.segment == index) & (grid.t_s >= segment.started_at_s + start_s)
    return found


def _under_way(contents: Contents, grid: Grid, track: Track, low: float, high: float) -> Array:
    """The values, but none of a piece's first strokes until they stay within the scale."""
    found = track.values.copy()
    shown = track.told(found)
    for index, segment in enumerate(contents.segments):
        if segment.kind == "work":
            start_s = segment.started_at_s
            first = (grid.segment == index) & (grid.t_s < start_s + _START_S)
            outside = np.flatnonzero(first & ~((shown >= low) & (shown <= high)))
            if len(outside):
                found[first & (grid.t_s <= grid.t_s[outside[-1]])] = np.nan
    return found


def rowed(contents: Contents, grid: Grid) -> NDArray[np.bool_]:
    """Where strokes were taken: a monitor repeats in a rest what it showed last."""
    rowed = [segment.kind == "work" or bool(segment.stroke_count) for segment in contents.segments]
    return np.array([*rowed, False])[grid.segment]


def widened(low: float, high: float, least: float) -> tuple[float, float]:
    """A scale from 0 on that spans `least` at least, with the same middle where that goes."""
    short = max(0.0, least - (high - low)) / 2
    low, high = low - short, high + short
    return (0.0, high - low) if low < 0 <= high else (low, high)
