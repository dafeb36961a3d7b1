"""What is kept of every closed session so that questions over years are answered at once.

Computed from the session's stored rows alone, when it is closed and whenever it is asked for anew;
nothing of it is the truth. `compute` only reads, `write` puts the rows in their place.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rowlog.heart import Beats, Relayed
from rowlog.schema import KEPT_VERSION
from rowlog.shape import shape_of
from rowlog.store_athletes import changes_of
from rowlog.store_judged import ZONE_COLUMNS, judged_row
from rowlog.store_read import default_segmentation, stored_frames

if TYPE_CHECKING:
    import numpy as np

    from rowlog.efforts import Array, Curve, Spans, Window
    from rowlog.pulse import Readings

Row = tuple[Any, ...]

BATCH: Final = 2_000
LEAST_STROKES: Final = 3
"""A stretch with fewer is known by its ends alone, and no effort within it is."""
UNSEEN_S: Final = 3.0
"""In a stretch without a sample that is longer, no effort begins or ends."""
LATE_S: Final = 1.5
"""So much later than the machine's clock says: that may count whole seconds, and links jitter."""
LATE_AFTER_S: Final = 10.0
"""Within this time after a late stroke one comes in time: the link has caught up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The rows of one session, without its number."""

    keys: Row
    efforts: list[Row]
    heart: Row | None
    zones: Row | None
    at_power: list[Row]


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment, as far as it matters here."""

    kind: str
    piece: int | None
    target_type: str | None
    target_value: float | None
    ended_by: str
    clock: str
    start_ns: int
    end_ns: int
    start_elapsed_s: float | None
    end_elapsed_s: float | None
    start_m: float | None
    end_m: float | None
    duration_s: float
    estimated: bool
    """Whether its metres or its pace are made from an edge that nobody saw."""


_PART: Final = (
    "kind, piece, target_type, target_value, ended_by, clock, start_t_ns, end_t_ns, "
    "start_elapsed_s, end_elapsed_s, start_distance_m, end_distance_m, duration_s, "
    "'estimated' IN (coalesce(origins ->> 'distance_m', ''), "
    "coalesce(origins ->> 'mean_pace_s_per_500m', ''))"
)
HEART_COLUMNS: Final = (
    "low_bpm", "seconds", "known_s", "unknown_s", "spikes", "stuck_s", "metres_per_beat",
    "watts_per_beat", "decoupling", "correction", "rr_count", "rr_corrected", "mean_rr_ms",
    "sdnn_ms", "rmssd_ms", "pnn50_pct", "rest_rr_count", "rest_rr_corrected", "rest_mean_rr_ms",
    "rest_sdnn_ms", "rest_rmssd_ms", "rest_pnn50_pct", "drop_30s_bpm", "drop_60s_bpm",
    "drop_120s_bpm",
)  # fmt: skip
_TABLES: Final = ("session_keys", "best_efforts", "session_hearts", "session_zones",
                  "heart_rates_at_power")  # fmt: skip


def compute(
    db: sqlite3.Connection, path: Path, session_id: int, relayed: Beats | None = None
) -> Kept | None:
    """All that is kept of a session; None for one that is not closed.

    `relayed` are the heart rates that rowers relayed; what is not given is decoded from the frames
    where it is needed.
    """
    row = db.execute(
        "SELECT started_at, athlete_id, plan, end_ns, heart_rate_source FROM sessions "
        "JOIN session_totals ON session_id = id WHERE id = ? AND state <> 'open'",
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    started_at, athlete_id, plan, end_ns, beats_from = row
    rower, strokes = _strokes(db, session_id)
    holes = _holes(db, session_id, rower)
    seen = _seen(strokes, holes)
    stretches = _stretches(db, session_id)
    heart = zones = None
    at_power: list[Row] = []
    if beats_from is not None:
        heard = _readings(db, path, session_id, beats_from, end_ns, relayed)
        found = _heart(db, session_id, heard, stretches, strokes, end_ns / 1e9)
        if found is not None:
            heart, at_power = found
            changes = changes_of(db, athlete_id)
            zones = judged_row(changes, started_at[:10], heart[0], heart[1], heart[3])
    return Kept(
        keys=(
            KEPT_VERSION,
            _machine(db, session_id, rower),
            shape_of(_cut_by(db, session_id) or plan),
        ),
        efforts=_efforts(stretches, seen, holes),
        heart=heart,
        zones=zones,
        at_power=at_power,
    )


def write(db: sqlite3.Connection, session_id: int, kept: Kept) -> None:
    """Put the rows in the place of those that the session had; within a transaction."""
    for table in _TABLES:
        db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
    db.execute("INSERT INTO session_keys VALUES (?, ?, ?, ?)", (session_id, *kept.keys))
    db.executemany(
        "INSERT INTO best_efforts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(session_id, *row) for row in kept.efforts],
    )
    for table, columns, row in (
        ("session_hearts", HEART_COLUMNS, kept.heart),
        ("session_zones", ZONE_COLUMNS, kept.zones),
    ):
        if row is not None:
            db.execute(
                f"INSERT INTO {table} (session_id, {', '.join(columns)}) "
                f"VALUES (?{', ?' * len(columns)})",
                (session_id, *row),
            )
    db.executemany(
        "INSERT INTO heart_rates_at_power (session_id, power_w, seconds, heart_rate_bpm) "
        "VALUES (?, ?, ?, ?)",
        [(session_id, *row) for row in kept.at_power],
    )


# Reading


def _strokes(db: sqlite3.Connection, session_id: int) -> tuple[str | None, np.ndarray]:
    """The rower that strokes are from, the first if several, and them: one a row."""
    import numpy as np

    first = db.execute(
        "SELECT source FROM strokes WHERE session_id = ? ORDER BY source LIMIT 1", (session_id,)
    ).fetchone()
    if first is None:
        return None, np.zeros((0, 4))
    rows = db.execute(
        "SELECT t_ns / 1e9, total_distance_m, power_w, elapsed_s FROM strokes "
        "WHERE session_id = ? AND source = ? ORDER BY number",
        (session_id, first[0]),
    )
    parts = [np.array(batch, dtype=np.float64) for batch in _batches(rows)]
    return first[0], np.concatenate(parts)


def _holes(db: sqlite3.Connection, session_id: int, rower: str | None) -> list[Row]:
    """When the rower was not heard: from its last frame to its next, in seconds."""
    return db.execute(
        "SELECT t_ns / 1e9, end_ns / 1e9 FROM gaps WHERE session_id = ? AND source = ? "
        "ORDER BY t_ns",
        (session_id, rower),
    ).fetchall()


def _seen(strokes: np.ndarray, holes: list[Row]) -> np.ndarray:
    """The strokes whose time is known: not those of a hole, nor those that came late.

    Strokes that were only counted are spread evenly over their hole, and all have the metres of its
    end, as if they had been rowed at once. Without them the hole is a straight line, at its mean
    speed. The first stroke after it has no power here, which would stand for time unseen.
    """
    import numpy as np

    t_s = strokes[:, 0]
    out = _late(strokes)
    for start_s, end_s in holes:
        out[np.searchsorted(t_s, start_s, "right") : np.searchsorted(t_s, end_s, "left")] = True
    if not out.any():
        return strokes
    strokes = strokes.copy()
    strokes[1:, 2][out[:-1]] = np.nan
    kept: np.ndarray = strokes[~out]
    return kept


def _late(strokes: np.ndarray) -> np.ndarray:
    """Which strokes a link held back, to deliver many at once.

    Frames come late, never early: by the machine's clock, that of others soon after it, such a
    stroke was over sooner than it was heard of.
    """
    import numpy as np

    count, t_s = len(strokes), strokes[:, 0]
    behind = t_s - strokes[:, 3]
    known = ~np.isnan(behind)
    behind = np.append(np.where(known, behind, np.inf), np.inf)
    first, last = np.arange(1, count + 1), np.searchsorted(t_s, t_s + LATE_AFTER_S, "right")
    least = np.minimum.reduceat(behind, np.column_stack((first, last)).ravel())[::2]
    late: np.ndarray = known & (last > first) & (behind[:-1] > least + LATE_S)
    return late


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows some at a time: a session of many hours is not held as Python's objects at once."""
    while batch := list(islice(rows, BATCH)):
        yield batch


def _stretches(db: sqlite3.Connection, session_id: int) -> list[list[_Part]]:
    """Work that is one: segments of work with the pauses between them, rests left out."""
    rows = db.execute(
        f"SELECT {_PART} FROM segments WHERE session_id = ? AND segmentation_id = ? "
        'ORDER BY "index"',
        (session_id, default_segmentation(db, session_id)),
    ).fetchall()
    found: list[list[_Part]] = []
    parts = [_Part(*row) for row in rows]
    for rest, group in groupby(parts, key=lambda part: part.kind == "rest"):
        if rest:
            continue
        for _, same in groupby(group, key=lambda part: part.piece):
            stretch = list(same)
            while stretch and stretch[0].kind == "pause":
                del stretch[0]
            while stretch and stretch[-1].kind == "pause":
                del stretch[-1]
            if stretch:
                found.append(stretch)
    return found


def _cut_by(db: sqlite3.Connection, session_id: int) -> str | None:
    """The text of the way in which the session is shown: a plan, or the pattern it looks like."""
    row = db.execute(
        "SELECT text FROM segmentations WHERE id = ?", (default_segmentation(db, session_id),)
    ).fetchone()
    return row[0] if row is not None else None


def _machine(db: sqlite3.Connection, session_id: int, rower: str | None) -> str | None:
    """What the rowing machine calls itself: its advertised name, else its model or driver."""
    if rower is None:
        return None
    row = db.execute(
        "SELECT options, driver, (SELECT model FROM machine_infos WHERE session_id = :id AND "
        "source = :rower AND model IS NOT NULL LIMIT 1) FROM sources "
        "WHERE session_id = :id AND name = :rower",
        {"id": session_id, "rower": rower},
    ).fetchone()
    if row is None:
        return None
    options, driver, model = row
    name: str | None = dict(json.loads(options)).get("name", model)
    return name or driver


# Best efforts


def _efforts(stretches: list[list[_Part]], strokes: np.ndarray, holes: list[Row]) -> list[Row]:
    from rowlog.efforts import POWER_S, RANKED_M, RANKED_S, can_be, energy_curve

    best: dict[tuple[str, float, int], Row] = {}

    def take(kind: str, target: float, whole: int, row: Row) -> None:
        key = (kind, target, whole)
        if can_be(kind, target, row[1]) and (key not in best or row[0] < best[key][0]):
            best[key] = row

    unseen = [(start_s, end_s) for start_s, end_s in holes if end_s - start_s > UNSEEN_S]
    for stretch in stretches:
        whole = _whole(stretch, unseen)
        if whole is not None:
            take(whole[0], whole[1], 1, whole[2])
        found = _curve(stretch, strokes, unseen)
        if found is None:
            continue
        curve, host, inside = found
        for target in RANKED_M:
            window = curve.fastest(target)
            if window is not None:
                seconds = window.end_s - window.start_s
                take("distance", target, 0, (seconds, seconds, *_at(window, host)))
        for target in RANKED_S:
            window = curve.furthest(target)
            if window is not None and window.amount > 0:
                take("time", target, 0, (-window.amount, window.amount, *_at(window, host)))
        power = energy_curve(inside[:, 0], inside[:, 2], _between(inside[:, 0], unseen))
        for target in POWER_S:
            window = power.furthest(target)
            if window is not None and window.amount > 0:
                watts = window.amount / target
                span = (round(window.start_s * 1e9), round(window.end_s * 1e9))
                take("power", target, 0, (-watts, watts, *span))
    return [(*key, *row) for key, row in best.items()]


def _at(window: Window, host: tuple[Array, Array] | None) -> tuple[int, int]:
    """When a window was, in nanoseconds of the session."""
    import numpy as np

    ends = np.array([window.start_s, window.end_s])
    if host is not None:
        ends = np.interp(ends, *host)
    start, end = (int(value) for value in np.rint(ends * 1e9))
    return start, end


def _whole(stretch: list[_Part], unseen: Spans) -> tuple[str, float, Row] | None:
    """A piece that was rowed as it was meant, if its length is a ranked one.

    Not one of which anything is estimated, nor one that began or ended where nobody saw it.
    """
    from rowlog.efforts import RANKED_M, RANKED_S

    first, last = stretch[0], stretch[-1]
    if last.ended_by not in ("target", "device") or first.start_m is None or last.end_m is None:
        return None
    start_s, end_s = first.start_ns / 1e9, last.end_ns / 1e9
    if any(part.estimated for part in stretch):
        return None
    if any(since <= start_s < until or since < end_s <= until for since, until in unseen):
        return None
    seconds = sum(part.duration_s for part in stretch)
    metres, target = last.end_m - first.start_m, first.target_value
    span = (first.start_ns, last.end_ns)
    if first.target_type == "distance" and target in RANKED_M and abs(metres - target) <= 1.0:
        return "distance", target, (seconds, seconds, *span)
    if first.target_type == "time" and target in RANKED_S and abs(seconds - target) <= 1.0:
        return ("time", target, (-metres, metres, *span)) if metres > 0 else None
    return None


def _inside(t_s: float, spans: Spans) -> bool:
    """Whether an instant lies within one of some stretches."""
    return any(since_s < t_s < until_s for since_s, until_s in spans)


def _between(t_s: Array, unseen: Spans) -> Spans:
    """From which to which of some instants nothing was seen; those at the ends stand for all."""
    import numpy as np

    if not len(t_s):
        return ()
    found: list[tuple[float, float]] = []
    for since_s, until_s in unseen:
        before = int(np.searchsorted(t_s, since_s, "right")) - 1
        after = int(np.searchsorted(t_s, until_s, "left"))
        start_s = float(t_s[before]) if before >= 0 else -np.inf
        end_s = float(t_s[after]) if after < len(t_s) else np.inf
        found.append((start_s, end_s))
    return found


def _curve(
    stretch: list[_Part],
    strokes: np.ndarray,
    unseen: Spans,
) -> tuple[Curve, tuple[Array, Array] | None, np.ndarray] | None:
    """Distance over time in a stretch, how its clock becomes the host's, and its strokes.

    The curve goes through the distance at each stroke and the exact ends of every segment, on the
    machine's clock where that has parts of a second (those segments say so). None where too little
    is known.
    """
    import numpy as np

    from rowlog.efforts import Curve

    start_s, end_s = stretch[0].start_ns / 1e9, stretch[-1].end_ns / 1e9
    inside = strokes[(strokes[:, 0] > start_s) & (strokes[:, 0] < end_s)]
    known = inside[~np.isnan(inside[:, 1])]
    if len(known) < LEAST_STROKES:
        return None
    marks = [
        (ns / 1e9, np.nan if metres is None else metres, 0.0, np.nan if on is None else on)
        for part in stretch
        for ns, metres, on in (
            (part.start_ns, part.start_m, part.start_elapsed_s),
            (part.end_ns, part.end_m, part.end_elapsed_s),
        )
        if not _inside(ns / 1e9, unseen)
    ]
    points = np.concatenate((np.array(marks).reshape(-1, 4), known))
    points = points[~np.isnan(points[:, 1])]
    points = points[np.argsort(points[:, 0], kind="stable")]
    exact = all(part.clock == "machine" for part in stretch) and not np.isnan(points[:, 3]).any()
    away = _between(points[:, 0], unseen)
    if not exact:
        return Curve(points[:, 0], points[:, 1], away), None, inside
    clock = np.maximum.accumulate(points[:, 3])
    on_clock = [
        (
            float(np.interp(since_s, points[:, 0], clock)),
            float(np.interp(until_s, points[:, 0], clock)),
        )
        for since_s, until_s in away
    ]
    return Curve(clock, points[:, 1], on_clock), (clock, points[:, 0]), inside


# The heart


def _heart(
    db: sqlite3.Connection,
    session_id: int,
    heard: tuple[Readings, np.ndarray, Array],
    stretches: list[list[_Part]],
    strokes: np.ndarray,
    end_s: float,
) -> tuple[Row, list[Row]] | None:
    """A session's heart, and its heart rate by power; None where nothing is believed."""
    import numpy as np

    from rowlog import pulse
    from rowlog.hrv import CORRECTION

    readings, counts, rr_ms = heard
    times = pulse.histogram(readings, end_s)
    if times is None:
        return None
    works = [
        pulse.Work(
            stretch[0].start_ns / 1e9,
            stretch[-1].end_ns / 1e9,
            None
            if stretch[0].start_m is None or stretch[-1].end_m is None
            else stretch[-1].end_m - stretch[0].start_m,
        )
        for stretch in stretches
    ]
    power = (strokes[:, 0], strokes[:, 2])
    worth = pulse.efficiency(readings, power, works)
    first_s = works[0].start_s if works else 0.0
    row = (
        times.low_bpm,
        times.seconds.astype("<f4").tobytes(),
        times.known_s,
        times.unknown_s,
        readings.spikes,
        pulse.stuck_s(readings, works, lambda: (np.repeat(readings.t_s, counts), rr_ms)),
        worth.metres_per_beat,
        worth.watts_per_beat,
        worth.decoupling,
        CORRECTION,
        *_variability(rr_ms),
        *_variability(rr_ms[: counts[readings.t_s < first_s].sum()] if works else np.zeros(0)),
        *_drops(db, session_id),
    )
    return row, [*pulse.at_power(readings, power, works)]


def _drops(db: sqlite3.Connection, session_id: int) -> Row:
    """Mean fall of the heart rate 30, 60 and 120 s after a piece of work."""
    row: Row = db.execute(
        "SELECT avg(heart_rate_drop_30s_bpm), avg(heart_rate_drop_60s_bpm), "
        "avg(heart_rate_drop_120s_bpm) FROM segments "
        "WHERE session_id = ? AND segmentation_id = ? AND kind = 'work'",
        (session_id, default_segmentation(db, session_id)),
    ).fetchone()
    return row


def _variability(rr_ms: Array) -> Row:
    from rowlog.hrv import variability

    found = variability(rr_ms)
    values = found.measures
    if values is None:
        return (found.intervals, found.corrected, None, None, None, None)
    return (
        found.intervals,
        found.corrected,
        values.mean_rr_ms,
        values.sdnn_ms,
        values.rmssd_ms,
        values.pnn50_pct,
    )


def _readings(
    db: sqlite3.Connection,
    path: Path,
    session_id: int,
    source: str,
    end_ns: int,
    relayed: Beats | None,
) -> tuple[Readings, np.ndarray, Array]:
    """A source's readings, how many RR intervals each of them has, and those."""
    import numpy as np

    from rowlog.pulse import believed

    # In order of seq, which is that of time: what is stored never goes back.
    rows: Iterator[Row] = db.execute(
        "SELECT t_ns, iif(contact IS 0, 0, heart_rate_bpm), rr_ms FROM heart_rates "
        "WHERE session_id = ? AND source = ? ORDER BY seq",
        (session_id, source),
    )
    # Grown in place: a session of many hours is not in memory twice.
    times, beats, counts, intervals = array("q"), array("d"), array("H"), array("d")
    for batch in _batches(rows):
        t_ns, bpm, texts = zip(*batch, strict=True)
        times.extend(t_ns)
        beats.extend(bpm)
        # Many rows' JSON read as one is read in a third of the time.
        lists = json.loads(f"[{','.join([text or '[]' for text in texts])}]")
        counts.extend(map(len, lists))
        intervals.extend(chain.from_iterable(lists))
    if not times:
        if relayed is None or source not in relayed:
            relayed = _relayed(db, path, session_id, end_ns)
        times, beats = relayed.get(source, (times, beats))
        counts.extend(bytes(len(times)))
    found = believed(np.frombuffer(times, dtype=np.int64), np.frombuffer(beats, dtype=np.float64))
    return found, np.frombuffer(counts, np.uint16), np.frombuffer(intervals, np.float64)


def _relayed(db: sqlite3.Connection, path: Path, session_id: int, end_ns: int) -> Beats:
    """The heart rates that rowers relayed, which only their frames tell."""
    from rowlog.store_rows import unpack_options
    from rowlog_drivers.catalog import make_decoding
    from rowlog_drivers.frames import SourceHeader
    from rowlog_drivers.records import RowerSample

    headers = [
        SourceHeader(name=name, driver=driver, options=unpack_options(options))
        for name, driver, options in db.execute(
            "SELECT name, driver, options FROM sources WHERE session_id = ? ORDER BY place",
            (session_id,),
        )
    ]
    decoding = make_decoding(headers)
    told = (decoding.deliver(frame).records for frame in stored_frames(db, path, session_id))
    found = Relayed()
    for record in chain.from_iterable(told):
        if isinstance(record, RowerSample):
            found.add(record)
    for record in decoding.finish(end_ns):
        if isinstance(record, RowerSample):
            found.add(record)
    return found.beats
