"""Rows to BestsSummary: best efforts, what they predict, and the curves through them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from rowlog.athlete import known_on
from rowlog.periods import period_of
from rowlog.predictions import (
    CriticalPower,
    critical_power,
    distance_in,
    paul_s,
    time_over,
    vo2max,
    watts_of_pace,
)
from rowlog.starts import Start
from rowlog.store_years import EVENTS, Years, open_years
from rowlog.summary_years import Asked, asked
from rowlog.wanted import Wanted
from rowlog_drivers.errors import CallError

Group = Literal["season", "year", "athlete", "machine"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)


class Best(NamedTuple):
    """The best effort over one distance or time."""

    event: str
    """"2000m", "30min"."""
    kind: str
    """"distance" or "time"."""
    target: float
    """Metres or seconds."""
    time_s: float
    distance_m: float
    pace_s_per_500m: float
    power_w: float
    """That of the mean pace, by Concept2's formula."""
    whole: bool
    """Whether it was rowed as a piece of its own; else it lies within a longer one."""
    session: int
    started_at: str
    start_from: Start
    athlete: str | None
    machine: str | None
    plan: str | None
    """The shape of the session's plan."""


class PowerBest(NamedTuple):
    """The highest mean power over a time."""

    time_s: float
    power_w: float
    session: int
    started_at: str
    start_from: Start


class Predicted(NamedTuple):
    """What is to be expected over one event; None where the model does not reach."""

    event: str
    paul_s: float | None
    """Time by Paul's law from the best that it is reckoned from."""
    paul_m: float | None
    """For a timed event: metres."""
    curve_s: float | None
    """Time by critical power."""
    curve_m: float | None


class Vo2max(NamedTuple):
    """Concept2's estimate from the best 2000 m, in ml per kg and minute."""

    untrained: float | None
    trained: float | None
    """For the highly trained, whose formula is another."""
    mass_kg: float


class GroupBests(NamedTuple):
    """The bests of one season, year, athlete or machine."""

    name: str
    bests: tuple[Best, ...]


class BestsSummary(NamedTuple):
    """Best efforts of the wanted sessions."""

    asked: Asked
    several_athletes: bool
    bests: tuple[Best, ...]
    power: tuple[PowerBest, ...]
    critical_power: CriticalPower | None
    predicted_from: str | None
    """The event that Paul's law reckons from: 2000m if there is one."""
    predictions: tuple[Predicted, ...]
    vo2max: Vo2max | None
    by: Group | None
    groups: tuple[GroupBests, ...]
    """With `by`: the same for each of them, the latest or first by name first."""


class EventSummary(NamedTuple):
    """All sessions' bests of one event, the best first."""

    asked: Asked
    event: str
    bests: tuple[Best, ...]


def load_bests(
    path: Path, wanted: Wanted, *, by: str | None = None, whole: bool | None = None
) -> BestsSummary:
    """Best efforts; `whole`: only pieces of their own. Raises CallError and StoreError."""
    group = _group(by)
    with open_years(path) as years:
        head = asked(years, wanted)
        rows = years.bests(wanted)
        bests = best_of_each(_best(row) for row in rows if row[0] != "power" and _fits(row, whole))
        power = tuple(
            PowerBest(row[1], row[3], row[4], *row[5:7]) for row in rows if row[0] == "power"
        )
        several = wanted.athlete is None and years.several_athletes()
        # A model of several people's efforts would be nobody's.
        efforts = [(best.time_s, best.power_w) for best in power] or _of_pace(bests)
        model = None if several else critical_power(efforts)
        reference = None if several else _reference(bests)
        return BestsSummary(
            asked=head,
            several_athletes=several,
            bests=bests,
            power=power,
            critical_power=model,
            predicted_from=reference.event if reference else None,
            predictions=tuple(_predictions(reference, model)),
            vo2max=None if several else _vo2max(years, rows, bests),
            by=group,
            groups=_groups(years, wanted, group, whole) if group is not None else (),
        )


def load_event(
    path: Path, wanted: Wanted, event: str, *, whole: bool | None = None
) -> EventSummary:
    """One event's bests by session. Raises CallError and StoreError."""
    kind, target = event_of(event)
    with open_years(path) as years:
        head = asked(years, wanted)
        rows = years.best_of(wanted, kind, target, whole)
    return EventSummary(head, event_name(kind, target), tuple(_best(row) for row in rows))


def event_name(kind: str, target: float) -> str:
    """How an event is written: 2000m, 1min."""
    return f"{target:g}m" if kind == "distance" else f"{target / 60:g}min"


def event_of(text: str) -> tuple[str, float]:
    """The event that a call names: 2000m, 2k, 30min, 30:00. Raises CallError."""
    from rowlog.notation import NotationError, parse

    try:
        pieces = parse(text).pieces
    except NotationError:
        pieces = ()
    if len(pieces) == 1:
        kind, target = pieces[0].target.type, pieces[0].target.value
        if kind in ("distance", "time") and target in EVENTS[kind]:
            return kind, target
    names = ", ".join(
        event_name(kind, target) for kind in ("distance", "time") for target in EVENTS[kind]
    )
    raise CallError(f"{text!r} is no event that bests are kept of.", f"There is: {names}.")


def best_of_each(bests: Iterable[Best]) -> tuple[Best, ...]:
    """The best of each event, in order of kind and length."""
    found: dict[tuple[str, float], Best] = {}
    for best in bests:
        key = (best.kind, best.target)
        before = found.get(key)
        if before is None or best.pace_s_per_500m < before.pace_s_per_500m:
            found[key] = best
    return tuple(found[key] for key in sorted(found))


def _fits(row: Sequence[Any], whole: bool | None) -> bool:
    return whole is None or bool(row[2]) == whole


def _best(row: Sequence[Any]) -> Best:
    kind, target, whole, amount, session, started_at, start_from, athlete, machine, shape = row[:10]
    time_s, metres = (amount, target) if kind == "distance" else (target, amount)
    pace = 500 * time_s / metres
    return Best(
        event_name(kind, target), kind, target, time_s, metres, pace, watts_of_pace(pace),
        bool(whole), session, started_at, start_from, athlete, machine, shape,
    )  # fmt: skip


def _of_pace(bests: Sequence[Best]) -> list[tuple[float, float]]:
    """Efforts by the power of their pace, for machines that do not send power."""
    return [(best.time_s, best.power_w) for best in bests]


def _reference(bests: Sequence[Best]) -> Best | None:
    """The best that predictions are reckoned from: 2000 m, else the longest up to 6000 m."""
    there = [best for best in bests if best.kind == "distance" and 500 <= best.target <= 6000]
    return next((best for best in there if best.target == 2000), there[-1] if there else None)


def _predictions(reference: Best | None, model: CriticalPower | None) -> Iterable[Predicted]:
    if reference is None and model is None:
        return
    for kind in ("distance", "time"):
        for target in EVENTS[kind]:
            by_paul = None
            if reference is not None:
                base = (reference.time_s, reference.distance_m)
                by_paul = paul_s(*base, target) if kind == "distance" else _paul_m(*base, target)
            by_curve = None
            if model is not None:
                by_curve = (time_over if kind == "distance" else distance_in)(model, target)
            if kind == "distance":
                yield Predicted(event_name(kind, target), by_paul, None, by_curve, None)
            else:
                yield Predicted(event_name(kind, target), None, by_paul, None, by_curve)


def _paul_m(seconds: float, metres: float, target_s: float) -> float:
    """The distance in another time by Paul's law: where its time is that time."""
    low, high = 1.0, 100_000.0
    for _ in range(60):
        middle = (low + high) / 2
        if paul_s(seconds, metres, middle) < target_s:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _vo2max(years: Years, rows: Sequence[Any], bests: Sequence[Best]) -> Vo2max | None:
    best = next((best for best in bests if best.event == "2000m"), None)
    if best is None:
        return None
    athlete_id = next(row[10] for row in rows if row[4] == best.session)
    if athlete_id is None and (only := years.only_athlete()) is not None:
        athlete_id = only[0]
    known = known_on(best.started_at[:10], years.changes(athlete_id))
    if known.mass_kg is None or known.sex is None:
        return None
    untrained, trained = (
        vo2max(best.time_s, known.mass_kg, known.sex, trained=trained) for trained in (False, True)
    )
    return Vo2max(untrained, trained, known.mass_kg)


def _group(by: str | None) -> Group | None:
    if by is None:
        return None
    for group in GROUPS:
        if by == group:
            return group
    raise CallError(f"Bests are not kept by {by!r}.", f"Say one of: {', '.join(GROUPS)}.")


def _groups(
    years: Years, wanted: Wanted, group: Group, whole: bool | None
) -> tuple[GroupBests, ...]:
    found: dict[str, list[Best]] = {}
    for kind in ("distance", "time"):
        for target in EVENTS[kind]:
            for row in years.best_of(wanted, kind, target, whole):
                best = _best(row)
                found.setdefault(_name(best, group), []).append(best)
    names = sorted(found, reverse=group in ("season", "year"))
    return tuple(GroupBests(name, best_of_each(found[name])) for name in names)


def _name(best: Best, group: Group) -> str:
    if group in ("season", "year"):
        kind: Literal["season", "year"] = "season" if group == "season" else "year"
        return period_of(kind, date.fromisoformat(best.started_at[:10])).name
    names: Mapping[str, str | None] = {"athlete": best.athlete, "machine": best.machine}
    return names[group] or "nobody named"
