"""Every recording in fixtures/, through the whole path, against what really happened."""

from __future__ import annotations

import json
from pathlib import Path

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

    def close(field: str, got: float | None, true: float | None, *, rest: bool = False) -> None:
        if true is None:
            return
        assert got is not None, field
        key = "rest_distance_m" if rest and field == "distance_m" else field
        assert got == pytest.approx(true, abs=tolerance[key]), field

    session = expected["session"]
    assert shown.session.stroke_count == session["stroke_count"]
    close("distance_m", shown.session.distance_m, session["distance_m"])
    close("mean_heart_rate_bpm", shown.session.mean_heart_rate_bpm, session["mean_heart_rate_bpm"])
    pieces = [segment for segment in shown.segments if segment.kind != "pause"]
    by_piece: dict[int | None, list[summary.SegmentSummary]] = {}
    for segment in pieces:
        by_piece.setdefault(segment.piece, []).append(segment)
    assert len(by_piece) == len(expected["segments"])
    for parts, true in zip(by_piece.values(), expected["segments"], strict=True):
        first = parts[0]
        paused = sum(end - start for start, end in true["pauses"])
        assert first.kind == true["kind"]
        rest = first.kind == "rest"
        close("started_at_s", first.started_at_s, true["started_at_s"])
        slack = 5.0 if true["pauses"] else 0.0  # the wheel runs out before a stop is one
        assert sum(part.duration_s for part in parts) == pytest.approx(
            true["duration_s"] - paused, abs=tolerance["duration_s"] + slack
        )
        if true["distance_m"] is not None:
            metres = sum(part.distance_m or 0.0 for part in parts)
            close("distance_m", metres, true["distance_m"], rest=rest)
            strokes = sum(part.stroke_count or 0 for part in parts)
            # A stroke at either edge of a rest may be counted on its other side.
            within = 2 if rest else tolerance["stroke_count"]
            assert strokes == pytest.approx(true["stroke_count"], abs=within)
        if len(parts) == 1:
            close("mean_heart_rate_bpm", first.mean_heart_rate_bpm, true["mean_heart_rate_bpm"])
            close("max_heart_rate_bpm", first.max_heart_rate_bpm, true["max_heart_rate_bpm"])
            close("end_heart_rate_bpm", first.end_heart_rate_bpm, true["end_heart_rate_bpm"])
            if not rest:
                close("mean_power_w", first.mean_power_w, true["mean_power_w"])


@pytest.mark.parametrize("path", RECORDINGS, ids=name)
def test_rebuilding_gives_equal_rows(path: Path, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    session_id = replay_file(path, database)
    first = rows(database, session_id)
    assert first["session_totals"]
    assert rebuild(database) == [session_id]
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
