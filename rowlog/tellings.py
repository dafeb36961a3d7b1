"""What sessions are known again by, those that are stored and those that come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.same_hearts import Pulse, pulse
from rowlog.sameness import Course, course
from rowlog.store_read import Reader, StoredSession
from rowlog.store_whole import Whole
from rowlog.structuring import Recording
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.records import HeartRate, Stroke

BEGINNING: Final = (20, 60, 100, 140)
"""By the times of these strokes is it found whether a session may begin like another."""
Beginning = list[tuple[float, float]]
"""(seconds since the start, metres) at the strokes of BEGINNING that it has."""


def course_of(reader: Reader, session: StoredSession) -> Course | None:
    """What a stored session is known again by; None where there is too little."""
    found = strokes_of(reader, session.id)
    if found is not None:
        beats = _beats(reader, session.id)
        return replace(found, beats=tuple(beat for beat in beats if beat[1] > 0))
    recording = Recording(
        frames=lambda: reader.read_frames(session.id),
        decoding=lambda: make_decoding(source.header for source in session.sources),
        end_ns=session.end_ns,
    )
    return _by_metres(recording, _beats(reader, session.id))


def strokes_of(reader: Reader, number: int) -> Course | None:
    """Likewise by its strokes alone, its heart left out; None where there are too few."""
    strokes = [(t_ns / SECOND_NS, metres) for t_ns, metres in reader.stroke_instants(number)]
    return course(strokes, by_stroke=True)


def _beats(reader: Reader, number: int) -> list[tuple[float, int]]:
    return [(t_ns / SECOND_NS, bpm) for t_ns, bpm in reader.beats(number)]


def pulse_of(reader: Reader, number: int) -> Pulse | None:
    """How a stored session's heart beat; None where too little of it was heard."""
    return pulse((t_ns / SECOND_NS, bpm, rr) for t_ns, bpm, rr in reader.heart(number))


def course_in(one: Whole) -> Course | None:
    """What a session that comes in is known again by; None where there is too little."""
    strokes = [fact for fact in one.facts if isinstance(fact, Stroke)]
    beats = [
        (fact.t_ns / SECOND_NS, fact.heart_rate_bpm)
        for fact in one.facts
        if isinstance(fact, HeartRate) and fact.source == one.totals.heart_rate_source
    ]
    instants = [
        (fact.t_ns / SECOND_NS, fact.total_distance_m)
        for fact in strokes
        if fact.source == strokes[0].source
    ]
    found = course(instants, beats, by_stroke=True)
    if found is not None:
        return found
    recording = Recording(
        frames=lambda: one.frames,
        decoding=lambda: make_decoding(source.header for source in one.sources),
        end_ns=one.end_ns,
    )
    return _by_metres(recording, beats)


def _by_metres(recording: Recording, beats: Sequence[tuple[float, int]]) -> Course | None:
    positions = recording.watched()[1].positions
    instants = [(one.t_ns / SECOND_NS, one.distance_m) for one in positions]
    return course(instants, beats, by_stroke=False)


def pulse_in(one: Whole) -> Pulse | None:
    """How the heart of one that comes in beat; None where too little of it was heard."""
    return pulse(
        (fact.t_ns / SECOND_NS, fact.heart_rate_bpm, fact.rr_ms)
        for fact in one.facts
        if isinstance(fact, HeartRate) and fact.source == one.totals.heart_rate_source
    )


def beginning_in(one: Whole) -> Beginning:
    """How one that comes in began."""
    strokes = [fact for fact in one.facts if isinstance(fact, Stroke)]
    return [
        (fact.t_ns / SECOND_NS, fact.total_distance_m)
        for fact in strokes
        if fact.source == strokes[0].source
        and fact.number in BEGINNING
        and fact.total_distance_m is not None
    ]
