"""A stored session judged by its plan: rows to what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rowlog.estimating import FROM_2K_S, pace_over_2k
from rowlog.judging import (
    HOLD_S,
    MEASURED,
    InBand,
    Reading,
    done_share,
    evenness,
    in_band,
    piece_score,
    recovered_s,
)
from rowlog.notation import NotationError, parse
from rowlog.plan import Band, Piece, Plan, Quantity, Reference
from rowlog.resolving import Guide, Values, guides, referred_to, unresolved
from rowlog.store_errors import StoreError
from rowlog.store_judging import Evidence, open_evidence
from rowlog.summary import SegmentSummary, Summary, load

if TYPE_CHECKING:
    from rowlog.zones import Zones

StrokeRow = tuple[float, float | None, float | None, float | None]
"""Seconds, rate, watts, metres so far."""
PACE_S = 10.0
"""A pace is judged over so long on either side of a stroke."""
LONGEST_STROKE_S = 6.0
"""A stroke that the next one follows later than so stands for its own time alone."""


class BandSummary(NamedTuple):
    """How a piece was kept within one band of its guidance."""

    quantity: str
    said: str
    """As the plan says it."""
    low: float | None
    high: float | None
    """In values of the quantity, references resolved; both None where that cannot be done."""
    inside_s: float | None
    below_s: float | None
    above_s: float | None
    unknown_s: float | None
    share: float | None
    """Of the time with a value, how much was inside, 0 to 1."""


class PieceSummary(NamedTuple):
    """One piece of work, judged."""

    number: int
    activity: str
    target_type: str | None
    target_value: float | None
    done: float
    """How much of it was done, 0 to 1."""
    bands: tuple[BandSummary, ...]
    score: float
    """0 to 1."""
    recovery_s: float | None
    """How long after it the heart rate had fallen to the rate that was asked about."""


class RepsSummary(NamedTuple):
    """How even the reps of one kind were."""

    count: int  # type: ignore[assignment]
    target_type: str
    target_value: float
    fastest_s_per_500m: float
    slowest_s_per_500m: float
    spread: float
    """Standard deviation over mean."""
    trend_s_per_500m: float
    """Each rep against the one before: above 0 they became slower."""


class JudgedSummary(NamedTuple):
    """A session judged."""

    session_id: int
    plan: str | None
    score: float | None
    """Compliance, 0 to 100; None without a plan."""
    pieces: tuple[PieceSummary, ...]
    reps: tuple[RepsSummary, ...]
    recovery_to_bpm: float | None
    """The rate to recover to that was asked about."""
    unresolved: tuple[str, ...] = ()
    """Guidance that cannot be judged, for want of a best, a maximum or zones."""


def load_judged(
    path: Path, session_id: int, which: str | None = None, recover_bpm: float | None = None
) -> JudgedSummary:
    """Judge one way in which a session is cut. Raises StoreError and CallError."""
    return judge(path, load(path, session_id, which), recover_bpm)


def judge(path: Path, shown: Summary, recover_bpm: float | None = None) -> JudgedSummary:
    """Judge a session that is loaded. Raises StoreError."""
    plan = _plan(shown)
    with open_evidence(path) as evidence:
        strokes = _strokes(evidence, shown.session.id)
        beats = evidence.heart_rates(shown.session.id, shown.session.heart_rate_source)
        readings = {**strokes, "heart_rate_bpm": _held(beats)}
        held = _pieces(shown.segments)
        values = _values_then(plan, evidence, shown) if plan else Values()
        pieces: list[PieceSummary] = []
        works = [piece for piece in plan.pieces if piece.kind == "work"] if plan else []
        indexes = [i for i, piece in enumerate(plan.pieces) if piece.kind == "work"] if plan else []
        by_piece = {parts[0].piece: parts for parts in held}
        wanted: Sequence[tuple[Piece | None, list[SegmentSummary]]] = (
            [(piece, by_piece.get(i, [])) for piece, i in zip(works, indexes, strict=True)]
            if plan
            else [(None, parts) for parts in held]
        )
        for number, (piece, parts) in enumerate(wanted, 1):
            bands = _bands(guides(piece, values) if piece else (), parts, readings)
            done = _done(piece, parts)
            pieces.append(
                PieceSummary(
                    number=number,
                    activity=piece.activity if piece else parts[0].activity,
                    target_type=piece.target.type if piece else None,
                    target_value=piece.target.value if piece else None,
                    done=done,
                    bands=bands,
                    score=piece_score(done, [band.share for band in bands]),
                    recovery_s=_recovery(parts, shown, beats, recover_bpm) if done else None,
                )
            )
    score = 100 * sum(piece.score for piece in pieces) / len(pieces) if plan and pieces else None
    return JudgedSummary(
        session_id=shown.session.id,
        plan=plan.text if plan else None,
        score=score,
        pieces=tuple(pieces),
        reps=_reps(held),
        recovery_to_bpm=recover_bpm,
        unresolved=tuple(map(said, unresolved(plan, values))) if plan else (),
    )


def _plan(shown: Summary) -> Plan | None:
    way = shown.segmentation
    text = way.text if way is not None and way.origin in ("plan", "user") else None
    try:
        return parse(text) if text is not None else None
    except NotationError:
        return None


def _pieces(segments: Sequence[SegmentSummary]) -> list[list[SegmentSummary]]:
    """The stretches of each piece of work, its pauses left out."""
    pieces: list[list[SegmentSummary]] = []
    for segment in segments:
        if segment.kind != "work":
            continue
        if pieces and pieces[-1][0].piece == segment.piece:
            pieces[-1].append(segment)
        else:
            pieces.append([segment])
    return pieces


def _spans(parts: Sequence[SegmentSummary]) -> list[tuple[float, float]]:
    return [(part.started_at_s, part.started_at_s + part.duration_s) for part in parts]


def _strokes(evidence: Evidence, session_id: int) -> dict[Quantity, list[Reading]]:
    """Rate, pace and power of each stroke, standing until the next one."""
    rows = evidence.strokes(session_id)
    rates: list[Reading] = []
    paces: list[Reading] = []
    powers: list[Reading] = []
    for place, (t_s, rate, power, _) in enumerate(rows):
        usual_s = 60.0 / rate if rate else 2.0
        until_s = rows[place + 1][0] if place + 1 < len(rows) else t_s + usual_s
        if until_s - t_s > LONGEST_STROKE_S:
            until_s = t_s + usual_s
        seconds = until_s - t_s
        rates.append(Reading(t_s, until_s, rate or (60.0 / seconds if seconds > 0 else None)))
        paces.append(Reading(t_s, until_s, _pace(rows, place)))
        powers.append(Reading(t_s, until_s, power))
    return {"stroke_rate_spm": rates, "pace_s_per_500m": paces, "power_w": powers}


def _pace(rows: Sequence[StrokeRow], at: int) -> float | None:
    """The pace round a stroke, over up to 20 s without a stop: whole metres make others jump."""
    first = last = at
    while (
        first > 0 and _near(rows, first - 1, first) and rows[at][0] - rows[first - 1][0] <= PACE_S
    ):
        first -= 1
    while (
        last + 1 < len(rows)
        and _near(rows, last, last + 1)
        and rows[last + 1][0] - rows[at][0] <= PACE_S
    ):
        last += 1
    metres_before, metres_after = rows[first][3], rows[last][3]
    if metres_before is None or metres_after is None or metres_after <= metres_before:
        return None
    return 500.0 * (rows[last][0] - rows[first][0]) / (metres_after - metres_before)


def _near(rows: Sequence[StrokeRow], one: int, other: int) -> bool:
    return rows[other][0] - rows[one][0] <= LONGEST_STROKE_S


def _held(beats: Sequence[tuple[float, float | None]]) -> list[Reading]:
    """Heart rates, each standing until the next, five seconds at most."""
    following = [*(t_s for t_s, _ in beats[1:]), *([float("inf")] if beats else ())]
    return [
        Reading(t_s, min(after_s, t_s + HOLD_S), value)
        for (t_s, value), after_s in zip(beats, following, strict=True)
    ]


def _bands(
    wanted: Sequence[Guide],
    parts: Sequence[SegmentSummary],
    readings: dict[Quantity, list[Reading]],
) -> tuple[BandSummary, ...]:
    found: list[BandSummary] = []
    for one in wanted:
        text, band = said(one.said), one.band
        if band is None:
            found.append(BandSummary("", text, None, None, None, None, None, None, None))
            continue
        held: InBand | None = None
        if parts:
            held = in_band(band, readings[band.quantity], _spans(parts))
        found.append(
            BandSummary(
                quantity=band.quantity,
                said=text,
                low=band.low,
                high=band.high,
                inside_s=held.inside_s if held else None,
                below_s=held.below_s if held else None,
                above_s=held.above_s if held else None,
                unknown_s=held.unknown_s if held else None,
                share=held.share if held else None,
            )
        )
    return tuple(found)


def _values_then(plan: Plan, evidence: Evidence, shown: Summary) -> Values:
    """What was known of the athlete when the session began."""
    session, zones = shown.session, shown.zones
    highs = [zone.high_bpm for zone in zones if zone.high_bpm is not None]
    references, _ = referred_to(plan)
    return Values(
        paces_s_per_500m=_bests(evidence, references, session.athlete, session.started_at),
        max_heart_rate_bpm=max(highs, default=None),  # where the highest zone ends
        zones={zone.name: _heart_band(zone.low_bpm, zone.high_bpm) for zone in zones},
    )


def _bests(
    evidence: Evidence, references: frozenset[Reference], athlete: str | None, before: str | None
) -> dict[Reference, float]:
    found: dict[Reference, float] = {}
    for reference in references - {"max_heart_rate"}:
        pace = evidence.best_pace(reference, athlete, before)
        if pace is not None:
            found[reference] = pace
    return found


def _heart_band(low_bpm: float | None, high_bpm: float | None) -> Band:
    return Band(quantity="heart_rate_bpm", low=low_bpm, high=high_bpm)


def said(guidance: Band | str) -> str:
    """Guidance as a plan says it: a band, or the name of a zone."""
    if isinstance(guidance, str):
        return guidance
    from rowlog.notation.structure import Guidance, guidance_text

    return guidance_text(Guidance(bands=(guidance,))).removeprefix("@")


def _done(piece: Piece | None, parts: Sequence[SegmentSummary]) -> float:
    if piece is None:
        return 1.0
    if not parts:
        return 0.0
    target = piece.target
    reached: float | None = None
    if target.type == "time":
        reached = sum(part.duration_s for part in parts)
        # The clock of a timed piece runs on in its pauses.
        reached = max(reached, _spans(parts)[-1][1] - parts[0].started_at_s)
    elif target.type == "distance":
        reached = sum(part.distance_m or 0.0 for part in parts)
    elif target.type == "energy":
        reached = sum(part.energy_kcal or 0.0 for part in parts)
    return done_share(target.type, target.value, reached)


def _recovery(
    parts: Sequence[SegmentSummary],
    shown: Summary,
    beats: Sequence[tuple[float, float | None]],
    recover_bpm: float | None,
) -> float | None:
    if recover_bpm is None or not parts or not beats:
        return None
    end_s = _spans(parts)[-1][1]
    later = [s.started_at_s for s in shown.segments if s.kind == "work" and s.started_at_s >= end_s]
    until_s = min(later, default=shown.session.duration_s or end_s)
    return recovered_s(beats, end_s, until_s, recover_bpm)


def _reps(pieces: Sequence[list[SegmentSummary]]) -> tuple[RepsSummary, ...]:
    """Pieces on the machine with one target, those without any by how long they were.

    Those whose pace is only estimated are compared with none.
    """
    kinds: dict[tuple[str, float], list[float]] = {}
    for parts in pieces:
        target = parts[0].target
        metres = sum(part.distance_m or 0.0 for part in parts)
        seconds = sum(part.duration_s for part in parts)
        if parts[0].activity != "row" or parts[0].tag in ("warm_up", "cool_down") or metres <= 0:
            continue
        if any(part.origins.get("mean_pace_s_per_500m") == "estimated" for part in parts):
            continue  # when it began or ended was not seen
        pace = 500.0 * seconds / metres
        if target is not None and target.value is not None and target.type in MEASURED:
            kinds.setdefault((target.type, target.value), []).append(pace)
        else:
            kinds.setdefault(("distance", 50.0 * round(metres / 50)), []).append(pace)
    found: list[RepsSummary] = []
    for (kind, value), paces in kinds.items():
        even = evenness(paces)
        if even is not None:
            found.append(
                RepsSummary(
                    even.count, kind, value, even.fastest, even.slowest, even.spread, even.trend
                )
            )
    return tuple(found)


def pace_2k(path: Path, athlete: str | None) -> float | None:
    """The pace over 2000 m that an athlete's sessions tell, seconds per 500 m; None: nothing does.

    The best over 2000 m; else what other bests stand for, else the fastest piece of work. No
    database, or one that cannot be read now, tells nothing.
    """
    try:
        with open_evidence(path) as evidence:
            best = evidence.best_pace("2k", athlete, None)
            if best is not None:
                return best
            for reference, away_s in FROM_2K_S.items():
                other = evidence.best_pace(reference, athlete, None)
                if other is not None:
                    return other - away_s
            rowed = [pace_over_2k(metres, pace) for metres, pace in evidence.rowed_paces(athlete)]
            return min(rowed, default=None)
    except StoreError:
        return None


def values_today(path: Path, plan: Plan, athlete: str | None, today: date) -> Values:
    """What is known today of what a plan's guidance refers to: bests, the maximum, zones.

    No database, or one that cannot be read now, tells nothing.
    """
    references, by_zone = referred_to(plan)
    if not references and not by_zone:
        return Values()
    from rowlog.athlete import Athlete, known_on
    from rowlog.store_athletes import read_athletes
    from rowlog.zones import zones_of

    try:
        with open_evidence(path) as evidence:
            paces = _bests(evidence, references, athlete, None)
        stored = [one for one in read_athletes(path) if one.name == athlete]
    except StoreError:
        return Values()
    known = known_on(today.isoformat(), stored[0].changes) if stored else Athlete()
    zones = zones_of(known)
    return Values(
        paces_s_per_500m=paces,
        max_heart_rate_bpm=known.max_heart_rate_bpm,
        zones={} if zones is None else _zone_bands(zones),
    )


def _zone_bands(zones: Zones) -> dict[str, Band]:
    lows = zones.limits_bpm
    top = zones.top_bpm if zones.top_bpm is not None and zones.top_bpm > lows[-1] else None
    return {
        name: _heart_band(low, high)
        for name, low, high in zip(zones.names, lows, (*lows[1:], top), strict=True)
    }
