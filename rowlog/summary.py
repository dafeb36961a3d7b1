"""Rows to Summary: what is shown and printed as JSON of one session.

The types are named tuples, not dataclasses: they are made in a tenth of the time, and this
module is loaded whenever somebody looks at a session.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rowlog.store_errors import NoSessionError as NoSessionError
from rowlog.store_show import Shown, open_shown
from rowlog.wanted import ANY, Wanted, check_names
from rowlog_drivers.errors import CallError

if TYPE_CHECKING:
    from rowlog.plan import Plan
    from rowlog.starts import Start
    from rowlog.summary_rounds import ExerciseSummary, RoundSummary


class SourceSummary(NamedTuple):
    """One device of a session."""

    name: str
    driver: str
    address: str | None = None
    model: str | None = None
    """What the device calls itself: its advertised name or model."""


class SessionSummary(NamedTuple):
    """One session's figures; None is unknown. Means run over work, heart rate over all."""

    id: int
    started_at: str
    """ISO 8601 with offset."""
    start_from: Start
    """Who says that: the recording or file ("said"), the file but for the zone ("local"), it says
    the "day" alone, nothing, so that its own date stands there ("file"); or the "user"."""
    ended_at: str | None
    athlete: str | None
    activity: str
    plan: str | None
    """Canonical interval text."""
    status: str
    """"recording", "complete", "interrupted" or "recovered"."""
    sources: tuple[SourceSummary, ...] = ()
    duration_s: float | None = None
    elapsed_s: float | None = None
    work_s: float | None = None
    rest_s: float | None = None
    distance_m: float | None = None
    work_distance_m: float | None = None
    rest_distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    min_heart_rate_bpm: float | None = None
    heart_rate_coverage: float | None = None
    heart_rate_source: str | None = None
    drag_factor: int | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    origins: dict[str, str] = {}  # noqa: RUF012 - never changed
    """(field: where it comes from) for every figure that is known."""


class TargetSummary(NamedTuple):
    """What a segment was to reach."""

    type: str
    value: float | None = None


class SegmentSummary(NamedTuple):
    """One segment's figures; None is unknown."""

    index: int  # type: ignore[assignment]  # the contract's word, and tuple's method
    piece: int | None
    round: int | None
    tag: str | None
    """"warm_up", "cool_down" or "test"."""
    kind: str
    activity: str
    target: TargetSummary | None
    duration_s: float
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    mean_pace_s_per_500m: float | None
    mean_power_w: float | None
    mean_stroke_rate_spm: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    min_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None
    heart_rate_drop_30s_bpm: float | None
    heart_rate_drop_60s_bpm: float | None
    heart_rate_drop_120s_bpm: float | None
    heart_rate_coverage: float | None
    heart_rate_source: str | None
    drag_factor: int | None
    ended_by: str
    started_at_s: float
    """Since session start."""
    clock: str
    uncertainty_s: float
    """Half-width within which the segment's true end lies."""
    origins: dict[str, str]


class SplitSummary(NamedTuple):
    """One part of a piece."""

    segment: int
    """Index of the segment that it began in."""
    index: int  # type: ignore[assignment]
    started_at_s: float
    duration_s: float
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    mean_pace_s_per_500m: float | None
    mean_power_w: float | None
    mean_stroke_rate_spm: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None
    origins: dict[str, str] = {}  # noqa: RUF012 - never changed


class ZoneSummary(NamedTuple):
    """Time in one heart-rate zone, judged by what was true of the athlete on that day.

    The first is "below", what lies below all zones; the last "unknown", time without a valid heart
    rate: together they are the whole session.
    """

    name: str
    low_bpm: float | None
    """Where it begins; None for "below" and "unknown"."""
    high_bpm: float | None
    """Where the next begins, or the maximum; None for "unknown", or when that is not known."""
    seconds: float


class VariabilitySummary(NamedTuple):
    """Heart-rate variability of a stretch, artefacts left out; None: too few are left."""

    intervals: int
    """RR intervals that the strap sent."""
    corrected: int
    """How many of them were left out as artefacts."""
    mean_rr_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    pnn50_pct: float | None


class HeartSummary(NamedTuple):
    """What the heart tells of a closed session; None is unknown. See docs/heart-rate.md."""

    known_s: float
    """Time with a valid heart rate."""
    unknown_s: float
    spikes: int
    """Stretches that were taken for a slip of the sensor: marked, and believed nowhere."""
    stuck_s: float
    """Work during which one and the same value was shown for two minutes or more."""
    metres_per_beat: float | None
    """Of the work."""
    watts_per_beat: float | None
    """Mean watts of the work over its mean beats a minute."""
    decoupling: float | None
    """Share by which watts per beat fell within the longest stretch of work, 20 min at least."""
    banister: float | None
    """Training impulse; None until maximum, resting heart rate and sex are known."""
    edwards: float | None
    """Training impulse; None until the maximum is known."""
    correction: str
    """How artefacts were found among the RR intervals."""
    variability: VariabilitySummary
    """Over the whole session."""
    resting: VariabilitySummary
    """Before the first stroke."""


class QualitySummary(NamedTuple):
    """What can be said of the recording itself."""

    frames: int = 0
    undecoded: int = 0
    gaps: int = 0
    link_losses: int = 0
    machine_resets: int = 0
    late_frames: int = 0
    left_out_frames: int = 0
    """Frames that a source sent beyond what is kept of one, 100 a second."""


class GapSummary(NamedTuple):
    """A stretch in which a device was not heard."""

    source: str
    started_at_s: float
    """Since session start: the last frame before it."""
    duration_s: float
    cause: str
    """"silence", or "link: " and the reason why it went down."""
    distance_m: float | None
    """What the machine counted meanwhile, by its counters before and after; None when unknown."""
    stroke_count: int | None
    restarted: bool = False
    """Whether its counters began again in that time, so that more may have been rowed."""


class SegmentationSummary(NamedTuple):
    """One way in which a session was cut."""

    id: int
    origin: str
    """Who says where the pieces are: "plan" (the session's own), "user" (another plan), "auto"
    (what it looks like) or "device" (the machine)."""
    text: str | None
    """The plan, or the pattern that was recognised."""
    confidence: float | None
    """In that pattern, 0 to 1; None when nothing was recognised."""
    is_default: bool


class BestSummary(NamedTuple):
    """An effort in this session that was better than all of its athlete before it."""

    kind: str
    """"distance" or "time"."""
    target: float
    """Metres or seconds."""
    amount: float
    """Seconds over the distance, or metres in the time."""
    before: float | None
    """The best until then; None when there was none over this event."""
    before_started_at: str | None
    before_start_from: Start | None = None


class Summary(NamedTuple):
    """Everything that `show` tells of one session."""

    session: SessionSummary
    segments: tuple[SegmentSummary, ...]
    zones: tuple[ZoneSummary, ...]
    splits: tuple[SplitSummary, ...]
    quality: QualitySummary
    gaps: tuple[GapSummary, ...] = ()
    """Those of a closed session, in order."""
    heart: HeartSummary | None = None
    """None without a heart rate, and until the session is closed."""
    segmentation: SegmentationSummary | None = None
    """The way in which it is cut here."""
    segmentations: tuple[SegmentationSummary, ...] = ()
    """All ways in which it was cut, the default first."""
    exercises: tuple[ExerciseSummary, ...] = ()
    """By exercise, where there are any."""
    rounds: tuple[RoundSummary, ...] = ()
    """By round of a circuit."""
    bests: tuple[BestSummary, ...] = ()
    """The athlete's new bests when it was rowed; shortest event first."""
    erg: str | None = None
    """"RowErg", "SkiErg" or "BikeErg", as a Concept2 monitor says; None: it did not, or several."""

    @property
    def pace_m(self) -> float:
        """The metres that people tell the pace for: 1000 on a BikeErg, as its display does."""
        return pace_m(self.erg)


class CheckSummary(NamedTuple):
    """What a check of the database found."""

    path: str
    ok: bool
    problems: tuple[str, ...]
    """What is wrong, a sentence each."""
    sessions: int
    open_sessions: tuple[int, ...]
    """Sessions that are not closed: being recorded, or interrupted."""
    frames: int
    bytes: int


def pace_m(erg: str | None) -> float:
    """The metres that people tell the pace for on such a machine; None: any other."""
    return 1000.0 if erg == "BikeErg" else 500.0


def check(path: Path) -> CheckSummary:
    """Check the database. Raises StoreError when it cannot be opened at all."""
    from rowlog import store_check

    report = store_check.check(path)
    return CheckSummary(
        path=str(report.path),
        ok=report.ok,
        problems=report.problems,
        sessions=report.sessions,
        open_sessions=report.open_sessions,
        frames=report.frames,
        bytes=report.bytes,
    )


def as_json(value: Any) -> Any:
    """A summary as plain lists, dicts, numbers and texts, in its public shape."""
    if isinstance(value, tuple):
        if hasattr(value, "_fields"):
            return {name: as_json(field) for name, field in zip(value._fields, value, strict=True)}
        return [as_json(item) for item in value]
    return value


def load(path: Path, session_id: int, which: str | None = None) -> Summary:
    """Everything to show of one session; `which` of its segmentations, None: its default one.

    Raises StoreError for what cannot be read, CallError where it was not cut in that way.
    """
    with open_shown(path) as shown:
        (row,) = shown.sessions(_SESSION_COLUMNS, session_id=session_id)
        ways = tuple(
            SegmentationSummary(*way)._replace(is_default=bool(way[-1]))
            for way in shown.segmentations(SegmentationSummary._fields, session_id)
        )
        way = _way(ways, which, session_id)
        number = way.id if way is not None else None
        segments = tuple(
            _segment(row)
            for row in shown.structure("segments", _SEGMENT_COLUMNS, session_id, number)
        )
        splits = tuple(
            SplitSummary(*row)._replace(origins=dict(json.loads(row[-1])))
            for row in shown.structure("splits", _SPLIT_COLUMNS, session_id, number)
        )
        session = _session(row, shown)
        if session.duration_s is None:
            session = _so_far(session, shown, segments)
            quality = QualitySummary(frames=shown.frame_count(session_id))
        else:
            if way is not None and way is not ways[0]:
                session = _recut(session, segments)
            quality = QualitySummary(*shown.totals(QualitySummary._fields[:-1], session_id))
        quality = quality._replace(left_out_frames=shown.left_out(session_id))
        gaps = _gaps(shown, session_id) if quality.gaps else ()
        judged = shown.kept("session_zones", _ZONE_COLUMNS, session_id)
        heart = shown.kept("session_hearts", _HEART_COLUMNS, session_id)
        bests = tuple(BestSummary(*row) for row in shown.new_bests(session_id))
        ergs = shown.ergs(session_id)
    return Summary(
        session=session,
        segments=segments,
        zones=_zones(judged) if judged is not None else (),
        splits=splits,
        quality=quality,
        gaps=gaps,
        bests=bests,
        erg=ergs[0] if len(ergs) == 1 else None,
        heart=_heart(heart, judged) if heart is not None else None,
        segmentation=way,
        segmentations=ways,
        **_circuit(segments),
    )


def _circuit(segments: tuple[SegmentSummary, ...]) -> dict[str, Any]:
    if all(segment.activity in _NO_EXERCISE for segment in segments):
        return {}
    from rowlog.summary_rounds import exercises_of, is_circuit, rounds_of

    if not is_circuit(segments):
        return {}
    return {"exercises": exercises_of(segments), "rounds": rounds_of(segments)}


_NO_EXERCISE: Final = ("row", "other", "rest", "pause")


def _way(
    ways: tuple[SegmentationSummary, ...], which: str | None, session_id: int
) -> SegmentationSummary | None:
    """The segmentation of this number, origin or text; the default one when nothing is said."""
    if which is None:
        return ways[0] if ways else None
    for way in ways:
        if which in (str(way.id), way.origin, way.text):
            return way
    from shlex import quote

    known = ", ".join(f"{way.id} ({way.origin})" for way in ways) or "none"
    raise CallError(
        f"Session {session_id} was not cut by {which!r}; there are {known}.",
        f"Cut it so with: rowlog resegment {session_id} {quote(which)}"
        if _can_cut(which)
        else f"Name one of these, or cut it anew: rowlog resegment {session_id} PLAN",
    )


def _can_cut(which: str) -> bool:
    """Whether `rowlog resegment` takes it: a way of cutting, or a plan."""
    from rowlog.notation import parse

    if which in ("auto", "device", "plan"):
        return True
    try:
        parse(which)
    except CallError:
        return False
    return True


def _recut(session: SessionSummary, segments: tuple[SegmentSummary, ...]) -> SessionSummary:
    """A session's figures as another segmentation has them; heart rates are of all time."""
    from rowlog.plan import ASIDE

    work = [one for one in segments if one.kind == "work" and one.tag not in ASIDE]
    rests = [segment for segment in segments if segment.kind == "rest"]
    work_s = sum(segment.duration_s for segment in work)
    metres = [segment.distance_m for segment in work if segment.distance_m is not None]
    on_machine_s = sum(segment.duration_s for segment in work if segment.distance_m is not None)
    strokes = [segment.stroke_count for segment in work if segment.stroke_count is not None]
    stroked_s = sum(segment.duration_s for segment in work if segment.stroke_count is not None)
    powers = [
        (segment.mean_power_w, segment.duration_s)
        for segment in work
        if segment.mean_power_w is not None
    ]
    rowed_s = sum(seconds for _, seconds in powers)
    rested = [segment.distance_m for segment in rests if segment.distance_m is not None]
    fields: dict[str, Any] = {
        "work_distance_m": sum(metres) if metres else None,
        "rest_distance_m": sum(rested) if rested else None,
        "mean_pace_s_per_500m": 500.0 * on_machine_s / sum(metres) if sum(metres) > 0 else None,
        "mean_power_w": sum(w * s for w, s in powers) / rowed_s if rowed_s else None,
        "mean_stroke_rate_spm": 60.0 * sum(strokes) / stroked_s
        if strokes and stroked_s and (sum(strokes) != 1 or stroked_s >= 6)  # `figures.mean_rate`
        else None,
    }
    origins = {name: origin for name, origin in session.origins.items() if name not in fields}
    origins |= {name: "derived" for name, value in fields.items() if value is not None}
    return session._replace(
        work_s=work_s,
        rest_s=sum(segment.duration_s for segment in rests),
        origins=origins,
        **fields,
    )


def load_sessions(
    path: Path, limit: int | None = None, wanted: Wanted | None = None
) -> tuple[SessionSummary, ...]:
    """The sessions, latest first; None: any. Raises StoreError for what cannot be read.

    Raises CallError too, for a name that no session has.
    """
    with open_shown(path) as shown:
        if wanted is not None:
            check_names(shown, wanted)
        rows = shown.sessions(_SESSION_COLUMNS, limit=limit, wanted=wanted or ANY)
        return tuple(_session(row, shown) for row in rows)


def load_alike(path: Path, plan: Plan, wanted: Wanted | None = None) -> tuple[SessionSummary, ...]:
    """The sessions that have a plan's shape in some way they were cut, latest first.

    Raises StoreError, and CallError for a name in `wanted` that no session has.
    """
    from itertools import groupby

    from rowlog.likeness import SURE, Rowed, alike, same_shape, work_pieces

    with open_shown(path) as shown:
        if wanted is not None:
            check_names(shown, wanted)
        there = {row[0] for row in shown.sessions(("sessions.id",), wanted=wanted or ANY)}
        rows = shown.shapes(len(work_pieces(plan)))
        found = {
            ids[0]: None
            for ids, cut in groupby(rows, key=lambda row: row[:2])
            if alike(plan, [Rowed(*row[2:]) for row in cut])
        }
        found |= {number: None for number, text in shown.recognised(SURE) if same_shape(plan, text)}
        return tuple(
            _session(row, shown)
            for number in sorted(found, reverse=True)
            if number in there
            for row in shown.sessions(_SESSION_COLUMNS, session_id=number)
        )


def session_number(path: Path, text: str) -> int:
    """The session that a call names: a number, or "last".

    Raises CallError for what is neither, StoreError when there is no such session.
    """
    number: int | None = None
    if text != "last":
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise CallError(
                f"{text!r} is no session.", "Name one by its number, or last; see: rowlog sessions"
            )
        number = int(text)
    with open_shown(path) as shown:
        return shown.session_number(number)


def _columns(shown: type[tuple[Any, ...]], others: dict[str, str]) -> tuple[str, ...]:
    """What is selected for each field: the column of its name, or what `others` says."""
    fields: tuple[str, ...] = shown._fields  # type: ignore[attr-defined]
    return tuple(others.get(name, f'"{name}"') for name in fields)


_SESSION_COLUMNS: Final = _columns(
    SessionSummary,
    {
        "max_heart_rate_bpm": "session_totals.max_heart_rate_bpm",
        "id": "sessions.id",
        "athlete": "athletes.name",
        "activity": "sessions.activity",
        "status": "state",
        "sources": "NULL",
        "tags": "(SELECT json_group_array(tag) FROM tags WHERE session_id = sessions.id)",
    },
)
_SEGMENT_COLUMNS: Final = _columns(
    SegmentSummary,
    {
        "target": "json_array(target_type, target_value)",
        "started_at_s": "start_t_ns / 1e9",
        "uncertainty_s": "end_uncertainty_s",
    },
)
_SPLIT_COLUMNS: Final = _columns(
    SplitSummary, {"segment": "segment_index", "started_at_s": "start_t_ns / 1e9"}
)


def _session(row: tuple[Any, ...], shown: Shown) -> SessionSummary:
    session = SessionSummary(*row)
    return session._replace(
        status=shown.status(session.id, session.status),
        sources=tuple(
            SourceSummary(name=name, driver=driver, address=address, model=model)
            for name, driver, address, model in shown.sources(session.id)
        ),
        tags=tuple(json.loads(row[_TAGS])),
        origins=dict(json.loads(row[-1])) if row[-1] is not None else {},
    )


def _segment(row: tuple[Any, ...]) -> SegmentSummary:
    segment = SegmentSummary(*row)
    kind, value = json.loads(row[_TARGET])
    return segment._replace(
        target=TargetSummary(type=kind, value=value) if kind is not None else None,
        origins=dict(json.loads(row[-1])),
    )


_ZONE_COLUMNS: Final = (
    "banister", "edwards", "names", "limits_bpm", "top_bpm", "below_s", "zone1_s", "zone2_s",
    "zone3_s", "zone4_s", "zone5_s", "unknown_s",
)  # fmt: skip
_HEART_COLUMNS: Final = (
    *HeartSummary._fields[:7],
    "correction",
    *(
        f"{prefix}{name}"
        for prefix in ("", "rest_")
        for name in ("rr_count", "rr_corrected", *VariabilitySummary._fields[2:])
    ),
)


def _zones(row: tuple[Any, ...]) -> tuple[ZoneSummary, ...]:
    _, _, names, limits, top_bpm, below_s, *inside, unknown_s = row
    if names is None:
        return ()
    lows = [float(limit) for limit in limits.split(",")]
    highs = [*lows[1:], top_bpm if top_bpm is not None and top_bpm > lows[-1] else None]
    return (
        ZoneSummary("below", None, lows[0], below_s),
        *(ZoneSummary(*zone) for zone in zip(names.split(","), lows, highs, inside, strict=True)),
        ZoneSummary("unknown", None, None, unknown_s),
    )


def _heart(row: tuple[Any, ...], judged: tuple[Any, ...] | None) -> HeartSummary:
    count = len(VariabilitySummary._fields)
    values = (
        *row[:7],
        *(judged[:2] if judged is not None else (None, None)),
        row[7],
        VariabilitySummary(*row[8 : 8 + count]),
        VariabilitySummary(*row[8 + count :]),
    )
    return HeartSummary(*values)


_TAGS: Final = SessionSummary._fields.index("tags")
_TARGET: Final = SegmentSummary._fields.index("target")


def _gaps(shown: Shown, session_id: int) -> tuple[GapSummary, ...]:
    return tuple(
        GapSummary(
            source, start_ns / 1e9, (end_ns - start_ns) / 1e9, cause, metres, strokes, bool(again)
        )
        for source, start_ns, end_ns, cause, metres, strokes, again in shown.gaps(session_id)
    )


def _so_far(
    session: SessionSummary, shown: Shown, segments: tuple[SegmentSummary, ...]
) -> SessionSummary:
    """What the rows tell of a session that is not closed; its figures come when it is."""
    last_ns = shown.last_ns(session.id)
    from rowlog.plan import ASIDE

    work = [one for one in segments if one.kind == "work" and one.tag not in ASIDE]
    work_s = sum(segment.duration_s for segment in work)
    metres = [segment.distance_m for segment in work if segment.distance_m is not None]
    on_machine_s = sum(segment.duration_s for segment in work if segment.distance_m is not None)
    return session._replace(
        duration_s=last_ns / 1e9 if last_ns is not None else 0.0,
        work_s=work_s,
        rest_s=sum(segment.duration_s for segment in segments if segment.kind == "rest"),
        work_distance_m=sum(metres) if metres else None,
        mean_pace_s_per_500m=500.0 * on_machine_s / sum(metres) if sum(metres) > 0 else None,
    )
