"""Every recording in fixtures/, through the whole path, against what really happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rowlog import summary
from rowlog.rebuild import rebuild
from rowlog.replaying import export_frames, replay_file
from rowlog_drivers.frames import read_frames
from tests.support import rows

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
RECORDINGS = sorted(
    path for path in FIXTURES.rglob("*") if path.name.endswith((".frames", ".frames.gz"))
)


def name(path: Path) -> str:
    return str(path.relative_to(FIXTURES)).split(".frames")[0]


def test_there_are_enough_recordings() -> None:
    assert len(RECORDINGS) >= 5


@pytest.mark.parametrize("path", RECORDINGS, ids=name)
def test_the_header_tells_what_happens(path: Path) -> None:
    header = read_frames(path).header
    assert header.note
    assert header.origin


@pytest.mark.parametrize("path", RECORDINGS, ids=name)
def test_agrees_with_what_really_happened(path: Path, tmp_path: Path) -> None:
    expected = json.loads(Path(str(path).split(".frames")[0] + ".expected.json").read_text())
    tolerance = expected["tolerance"]
    database = tmp_path / "rowlog.db"
    shown = summary.load(database, replay_file(path, database))

    wrong = []
    for field, true in expected["session"].items():
        got = getattr(shown.session, field)
        if not agrees(got, true, tolerance["session"].get(field)):
            wrong.append(f"session: {field} is {got}, in truth {true}")
    assert [piece[0].kind for piece in pieces(shown)] == [
        true["kind"] for true in expected["segments"]
    ]
    for parts, true in zip(pieces(shown), expected["segments"], strict=True):
        wrong += [
            f"{true['kind']} {true['index']}: {problem}"
            for problem in differences(parts, true, tolerance)
        ]
    assert wrong == [], "\n".join(wrong)


def pieces(shown: summary.Summary) -> list[list[summary.SegmentSummary]]:
    """The segments of each piece; more than one where an unplanned stop divides it."""
    return [list(parts) for _, parts in groupby(shown.segments, key=lambda part: part.piece)]


def differences(
    parts: list[summary.SegmentSummary], true: dict[str, Any], tolerance: dict[str, Any]
) -> Iterator[str]:
    """What a piece's figures get wrong; every field of the truth is looked at."""
    kind = true["kind"]
    got = figures(parts)
    stops = [
        (part.started_at_s, part.started_at_s + part.duration_s)
        for part in parts
        if part.kind == "pause"
    ]
    if len(stops) != len(true["pauses"]):
        yield f"it has {len(stops)} pauses, in truth {len(true['pauses'])}"
    for stop, true_stop in zip(stops, true["pauses"], strict=False):
        for edge, when, true_when in zip(("start_s", "end_s"), stop, true_stop, strict=True):
            if not agrees(when, true_when, tolerance["pause"][edge]):
                yield f"{edge} of a pause is {when}, in truth {true_when}"
    for field in true.keys() - {"index", "pauses"}:
        value, true_value = got[field], true[field]
        if field == "duration_s":
            true_value -= sum(end - start for start, end in true["pauses"])
        if kind == "rest" and true_value is None and got["stroke_count"]:
            # With a stroke at its edge that was counted on this side a rest has a pace, slower than
            # any rowing; and for its watts the truth of strokes in a rest is not known.
            if field == "mean_pace_s_per_500m":
                true_value = 500 * got["duration_s"] / got["distance_m"]
            elif field == "mean_power_w":
                if value is None or not 0 < value < 100:
                    yield f"{field} is {value} in a rest with {got['stroke_count']} strokes"
                continue
        if not agrees(value, true_value, tolerance[kind].get(field)):
            yield f"{field} is {value}, in truth {true_value}"


def agrees(got: Any, true: Any, within: float | None) -> bool:
    """Whether a figure is near the truth; a word is the same, and unknown is unknown."""
    if true is None or got is None or isinstance(true, str):
        return bool(got == true)
    return bool(abs(got - true) <= (within if within is not None else 0) + 1e-6)


def figures(parts: list[summary.SegmentSummary]) -> dict[str, Any]:
    """What is shown of a piece, as one: of its parts, when a stop divides it.

    A stop's metres and strokes are none of a rep's, but the heart beats on in it.
    """
    if len(parts) == 1:
        return parts[0]._asdict()
    rowed = [part for part in parts if part.kind != "pause"]
    duration_s = sum(part.duration_s for part in rowed)
    distance_m = sum(part.distance_m or 0.0 for part in rowed)
    strokes = sum(part.stroke_count or 0 for part in rowed)
    watts = [(part.mean_power_w or 0.0) * part.duration_s for part in rowed]
    beats = [(part.mean_heart_rate_bpm or 0.0) * part.duration_s for part in parts]
    return rowed[0]._asdict() | {
        "duration_s": duration_s,
        "distance_m": distance_m,
        "stroke_count": strokes,
        "energy_kcal": sum(part.energy_kcal or 0.0 for part in rowed),
        "mean_pace_s_per_500m": 500 * duration_s / distance_m,
        "mean_power_w": sum(watts) / duration_s,
        "mean_stroke_rate_spm": 60 * strokes / duration_s,
        "mean_heart_rate_bpm": sum(beats) / sum(part.duration_s for part in parts),
        "max_heart_rate_bpm": max(part.max_heart_rate_bpm or 0.0 for part in parts),
        "end_heart_rate_bpm": rowed[-1].end_heart_rate_bpm,
    }


@pytest.mark.parametrize("path", RECORDINGS, ids=name)
def test_rebuilding_gives_equal_rows(path: Path, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    session_id = replay_file(path, database)
    first = rows(database, session_id)
    assert first["session_totals"]
    assert rebuild(database).sessions == (session_id,)
    assert rows(database, session_id) == first


@pytest.mark.parametrize("path", RECORDINGS, ids=name)
def test_exported_frames_give_equal_rows_again(path: Path, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    session_id = replay_file(path, database)
    exported = tmp_path / "exported.frames.gz"
    export_frames(database, session_id, exported)
    assert list(read_frames(exported)) == list(read_frames(path))
    again = replay_file(exported, database)
    assert again != session_id
    assert rows(database, again) == rows(database, session_id)
