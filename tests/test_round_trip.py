"""Out and in again: what each format keeps of a session, and what it cannot hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowlog.contents import Contents, load_contents
from rowlog.exporting import export
from rowlog.exports import Exporter, exporter, named
from rowlog.importing import import_files
from rowlog.replaying import replay_file
from tests.support import ROOT

FIXTURES = (
    "ftms/calories_5x10cal_garbage.frames",
    "ftms/undefined_rests_4x300m.frames",
    "ftms/timed_6x1min_paddling.frames.gz",
    "pm5/intervals_3x200m.frames.gz",
    "ftms/piece_2000m.frames",
    "ftms/stop_in_the_middle_750m.frames",
)
CALORIES, RESTS, TIMED, MONITOR, PIECE, STOP = range(1, 7)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path)
    return path


def there_and_back(database: Path, number: int, name: str, folder: Path) -> tuple[Contents, ...]:
    """A session as it was, and as it is after a way through a file."""
    known = named(name)
    assert known is not None
    (out,) = export(database, [number], folder / f"s{known.suffix}", known, folder=False)
    assert out.file is not None
    (done,) = import_files(folder / "again.db", [out.file])
    assert done.fault is None
    return load_contents(database, number), load_contents(folder / "again.db", done.sessions[0])


# ------------------------------------------------------------------------------------ RowingData


@pytest.mark.parametrize(
    ("number", "plan"),
    [
        (CALORIES, "5x10cal/0:45r"), (RESTS, "4x300m/...r"), (TIMED, "6x1:00/1:00r"),
        (MONITOR, "3x200m/0:40r"), (PIECE, "2000m"), (STOP, None),
    ],
)  # fmt: skip
def test_a_rowingdata_csv_keeps_pieces_energy_strokes_and_heart_rates(
    number: int, plan: str | None, recorded: Path, tmp_path: Path
) -> None:
    was, now = there_and_back(recorded, number, "rowingdata", tmp_path)
    assert now.session.plan == (plan or "268m/0:16.2r + 482m")  # it knows no pauses
    assert len(now.segments) == len(was.segments)
    for then, lap in zip(was.segments, now.segments, strict=True):
        assert lap.kind == then.kind.replace("pause", "rest")
        assert lap.duration_s == pytest.approx(then.duration_s, abs=0.01)
        assert lap.distance_m == pytest.approx(then.distance_m, abs=0.05)
        assert lap.energy_kcal == pytest.approx(then.energy_kcal, abs=1e-6)
        assert lap.stroke_count == then.stroke_count
        assert lap.max_heart_rate_bpm == then.max_heart_rate_bpm
        assert lap.mean_heart_rate_bpm == pytest.approx(then.mean_heart_rate_bpm, abs=1.1)
        assert lap.heart_rate_drop_60s_bpm == then.heart_rate_drop_60s_bpm
    assert now.session.work_distance_m == pytest.approx(was.session.work_distance_m, abs=0.05)
    assert now.session.max_heart_rate_bpm == was.session.max_heart_rate_bpm
    for stroke, other in zip(was.main_strokes, now.main_strokes, strict=True):
        assert other.power_w is not None or stroke.power_w is None
        assert other.distance_m == pytest.approx(stroke.distance_m)


def test_a_rowingdata_csv_whose_energy_is_another_is_found_out(
    recorded: Path, tmp_path: Path
) -> None:
    module, path = exporter_of("rowingdata"), tmp_path / "x.csv"
    contents = load_contents(recorded, CALORIES)
    with path.open("wb") as out:
        module.write(contents, out)
    assert module.differences(contents, path) == []
    segments = list(contents.segments)
    segments[2] = segments[2]._replace(energy_kcal=17.0, max_heart_rate_bpm=199.0)
    changed = contents._replace(summary=contents.summary._replace(segments=tuple(segments)))
    assert [str(one) for one in module.differences(changed, path)] == [
        "energy_kcal of lap 3 should be 17.0 and reads 10.0",
        "max_heart_rate_bpm of lap 3 should be 199.0 and reads None",
    ]


def exporter_of(name: str) -> Exporter:
    known = named(name)
    assert known is not None
    return exporter(known)
