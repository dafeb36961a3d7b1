"""A session's samples over time, decoded from its frames when a plot or an analysis asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rowlog.derivation import Derivation
from rowlog.heart import valid_heart_rate
from rowlog.store_read import open_reader
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.records import HeartRate, RowerSample

Track = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Times in seconds since session start, and values; both of shape (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What was sent and is believed, over time.

    Each quantity has its own times, NaN where it was not known.
    """

    distance_m: Track
    """Session distance: unwrapped, and carried over restarts of the machine."""
    pace_s_per_500m: Track
    stroke_rate_spm: Track
    power_w: Track
    energy_kcal: Track
    """Session energy, unwrapped and carried over restarts of the machine."""
    heart_rate_bpm: Track
    heart_rate_source: str | None
    """The one source that the heart rate is from; None when there is none."""


def load_series(database: Path, session_id: int) -> Series:
    """The series of a stored session. Raises StoreError."""
    tracks: dict[str, list[tuple[float, float]]] = {
        name: []
        for name in ("distance_m", "pace_s_per_500m", "stroke_rate_spm", "power_w", "energy_kcal")
    }
    beats: dict[str, list[tuple[float, float]]] = {}
    with open_reader(database) as reader:
        session = reader.session(session_id)
        decoding = make_decoding(source.header for source in session.sources)
        derivation = Derivation(treatments=decoding.treatments, live=False)
        for frame in reader.read_frames(session_id):
            derived = derivation.take((decoding.deliver(frame),))
            t_s = frame.t_ns / 1e9
            for record in (record for one in derived.deliveries for record in one.records):
                if isinstance(record, RowerSample) and record.source == derivation.pipeline.rower:
                    position = derivation.pipeline.position
                    if record.distance_m is not None and position is not None:
                        tracks["distance_m"].append((t_s, position.distance_m or 0.0))
                    if record.energy_kcal is not None and position is not None:
                        tracks["energy_kcal"].append((t_s, position.energy_kcal or 0.0))
                    for name in ("pace_s_per_500m", "stroke_rate_spm", "power_w"):
                        value = getattr(record, name)
                        # A pace of 0 is no pace; 0 W and 0 strokes a minute are what they are.
                        if value or (value is not None and name != "pace_s_per_500m"):
                            tracks[name].append((t_s, value))
                if isinstance(record, (RowerSample, HeartRate)):
                    if record.heart_rate_bpm is None:
                        continue
                    bpm = valid_heart_rate(record)
                    beats.setdefault(record.source, []).append(
                        (t_s, np.nan if bpm is None else bpm)
                    )
    source = session.totals.heart_rate_source if session.totals is not None else None
    if source is None:
        source = next(iter(beats), None)
    return Series(
        **{name: _arrays(readings) for name, readings in tracks.items()},
        heart_rate_bpm=_arrays(beats.get(source, [])) if source is not None else _arrays([]),
        heart_rate_source=source,
    )


def samples(database: Path, session_id: int) -> Iterator[RowerSample]:
    """Every record that the session's rowers sent, in order of processing. Raises StoreError."""
    with open_reader(database) as reader:
        session = reader.session(session_id)
        decoding = make_decoding(source.header for source in session.sources)
        for frame in reader.read_frames(session_id):
            for record in decoding.deliver(frame).records:
                if isinstance(record, RowerSample):
                    yield record


def _arrays(readings: list[tuple[float, float]]) -> Track:
    pairs = np.array(readings, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
