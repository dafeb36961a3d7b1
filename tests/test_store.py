"""The store: what is written is read back equal, nothing is lost or doubled, one writes at a time.

All on real SQLite files; what must survive a kill is killed.
"""

from __future__ import annotations

import random
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from rowlog import archive, store_disk
from rowlog.crossings import Mark
from rowlog.figures import Figures
from rowlog.intervals import Segment, Split
from rowlog.plan import Target
from rowlog.store import Source, Store, compact
from rowlog.store_check import check
from rowlog.store_errors import (
    DamagedError,
    DiskFullError,
    LockedError,
    NoSessionError,
    SecondWriterError,
    StoreError,
)
from rowlog.store_read import Reader, open_reader
from rowlog.store_rows import SHAPES, STRUCTURE, Fact
from rowlog.timeline import Anomaly, Gap
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols.heart_rate import encode_measurement
from rowlog_drivers.protocols.rower_data import encode_split
from rowlog_drivers.records import (
    ControlReply,
    HeartRate,
    Link,
    MachineInfo,
    MachineSplit,
    MachineState,
    MachineSummary,
    Marker,
    Record,
    RowerSample,
    Stroke,
    Tick,
    Undecoded,
)

ROOT = Path(__file__).resolve().parent.parent
STARTED = datetime(2026, 11, 24, 6, 30, tzinfo=timezone(timedelta(hours=1)))
SOURCES = (
    Source(
        name="rower",
        driver="ftms",
        address="ble:AA:BB:CC:DD:EE:FF",
        options=(("name", "Rower 1"), ("stroke_rate_scale", "1")),
    ),
    Source(name="strap", driver="heart_rate"),
)
TOTALS = SessionTotals(
    activity="row",
    duration_s=60.5,
    elapsed_s=60.0,
    work_s=40.25,
    rest_s=20.25,
    distance_m=201.5,
    stroke_count=20,
    mean_pace_s_per_500m=99.875,
    max_heart_rate_bpm=171.0,
    heart_rate_coverage=0.5,
    heart_rate_source="strap",
    drag_factor=112,
    frames=7,
    late_frames=1,
    origins=(("distance_m", "measured"), ("mean_pace_s_per_500m", "derived")),
)
START = Mark(t_ns=1, elapsed_s=0.25, distance_m=0.0, stroke_count=0, energy_kcal=None)
END = Mark(
    t_ns=60_000_000_001, elapsed_s=60.25, distance_m=250.5, interpolated=True, uncertainty_s=0.25
)
FIGURES = Figures(
    duration_s=60.0,
    distance_m=250.5,
    mean_heart_rate_bpm=151.25,
    heart_rate_drop_60s_bpm=21.0,
    origins=(("distance_m", "measured"), ("mean_heart_rate_bpm", "measured")),
)
WORK = Segment(
    index=0,
    piece=0,
    kind="work",
    activity="row",
    target=Target(type="distance", value=250.0, at_most_s=90.0),
    start=START,
    end=END,
    ended_by="target",
    clock="machine",
    figures=FIGURES,
    round=2,
)
PAUSE = Segment(
    index=1,
    piece=None,
    kind="pause",
    activity="kettlebell swings",
    target=None,
    start=END,
    end=END,
    ended_by="resume",
    clock="host",
    figures=Figures(duration_s=0.0),
)
OPEN_REST = replace(PAUSE, index=2, kind="rest", target=Target(type="open"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rowlog.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open_writer(path) as store:
        yield store


def begin(store: Store, **given: Any) -> int:
    """A session with two sources and no plan, but for what is given."""
    usual: dict[str, Any] = {
        "started_at": STARTED,
        "plan": None,
        "athlete": None,
        "activity": "row",
        "sources": SOURCES,
    }
    return store.begin_session(**{**usual, **given})


def finish(store: Store, session_id: int, end_ns: int = 60_500_000_000) -> None:
    ended_at = STARTED + timedelta(seconds=60.5)
    store.close_session(session_id, end_ns=end_ns, ended_at=ended_at, totals=TOTALS)


def some_frames(count: int, first: int = 0) -> list[Frame]:
    """Frames of every sort: equal and unequal lengths, empty, sent, late, links and keys."""
    frames = []
    for number in range(first, first + count):
        source, channel, payload = (
            ("rower", "2ad1", bytes([0x2C, 0x0B, number & 0xFF, number >> 8]) * 5),
            ("strap", "2a37", bytes(range(number % 7))),
            ("rower", "2ad9", b"\x00"),
            ("rower", "link", b"down it went away"),
            ("user", "key", b"lap"),
        )[number % 5]
        frames.append(
            Frame(
                t_ns=number * 250_000_001 + number % 3,
                source=source,
                channel=channel,
                payload=payload,
                sent=number % 10 == 2,
                late_ns=123_456_789 if number % 50 == 7 else 0,
            )
        )
    return frames


def delivered(frames: list[Frame]) -> list[Delivery]:
    return [Delivery(frame, ()) for frame in frames]


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


# ------------------------------------------------------------------------- records as rows

T: dict[str, Any] = {
    "t_ns": 9_007_199_254_740_993,
    "source": "rower",
}  # 2**53 + 1: no float holds it

RECORDS: list[Record] = [
    Stroke(t_ns=1, source="rower", number=1),
    Stroke(
        **T,
        number=2,
        stroke_rate_spm=24.5,
        drive_s=0.75,
        recovery_s=1.7,
        drive_length_m=1.31,
        distance_m=9.7,
        power_w=181.0,
        work_j=440.4,
        peak_force_n=700.1,
        mean_force_n=400.2,
        force_curve_n=(0.0, 120.5, 700.25, 3.0),
        total_distance_m=123.4,
        elapsed_s=33.0,
        inferred=True,
    ),
    Stroke(t_ns=3, source="rower", number=3, force_curve_n=(), power_w=0.0),
    HeartRate(**T, heart_rate_bpm=0),
    HeartRate(**T, heart_rate_bpm=150, rr_ms=(), contact=False, energy_kj=0),
    HeartRate(
        **T, heart_rate_bpm=151, rr_ms=(399.4140625, 400.390625), contact=True, truncated=True
    ),
    MachineState(**T, state="started"),
    MachineState(**T, state="speed", parameter=5.0, code=4, text="Fünf"),
    MachineState(**T, state="level", parameter=5, interval_number=0),
    MachineState(**T, state="zones", parameter=(1.5, 2.0, 3.25)),
    MachineInfo(**T),
    MachineInfo(
        **T,
        manufacturer="Maker\0",
        model="",
        serial_number="1",
        firmware="2",
        hardware="3",
        software="4",
        battery_pct=0,
        features=(1, 17),
        target_features=(),
        ranges=(("resistance", 1.0, 10.0, 0.1), ("power_w", 0.0, 400.0, 5.0)),
        body_location="chest",
        tank_volume_l=17.5,
    ),
    MachineSplit(**T, number=0),
    MachineSplit(
        **T,
        number=3,
        kind="rest",
        time_s=120.1,
        distance_m=500.0,
        stroke_count=48,
        stroke_rate_spm=24.0,
        pace_s_per_500m=120.1,
        power_w=202.0,
        energy_kcal=33.0,
        energy_kcal_per_hour=995.2,
        heart_rate_bpm=160,
        end_heart_rate_bpm=170,
        rest_heart_rate_bpm=120,
        drag_factor=110,
        rest_s=60.0,
        rest_distance_m=12.0,
    ),
    MachineSummary(**T),
    MachineSummary(
        **T,
        workout="fixed distance",
        time_s=480.4,
        distance_m=2000.0,
        stroke_count=200,
        stroke_rate_spm=25.0,
        pace_s_per_500m=120.1,
        power_w=202.0,
        energy_kcal=133.0,
        energy_kcal_per_hour=995.2,
        heart_rate_bpm=160,
        min_heart_rate_bpm=99,
        max_heart_rate_bpm=181,
        end_heart_rate_bpm=180,
        recovery_heart_rate_bpm=0,
        drag_factor=110,
        interval_count=4,
        rest_s=60.0,
        rest_distance_m=12.0,
    ),
    ControlReply(**T, request=0, result=1, result_name="success"),
    Link(**T, up=True),
    Link(**T, up=False, reason="out of reach"),
    Marker(t_ns=5, source="user", label="lap"),
    Undecoded(**T, reason="2ad1: 2 bytes expected, got 0"),
    Gap(**T, end_ns=9_100_000_000_000_000, cause="silence"),
    Gap(
        **T,
        end_ns=9_100_000_000_000_000,
        cause="link: out of reach",
        distance_before_m=1.5,
        distance_after_m=3.25,
        stroke_count_before=0,
        stroke_count_after=4,
    ),
    Anomaly(**T, kind="jump", field="distance_m", value=66000.5, detail="kept"),
    Anomaly(**T, kind="machine_reset", field="elapsed_s"),
]


def test_the_table_below_has_every_type_that_is_stored() -> None:
    assert {type(record) for record in RECORDS} == SHAPES.keys() - STRUCTURE


@pytest.mark.parametrize(
    "kind",
    sorted(SHAPES.keys() - STRUCTURE, key=repr),
    ids=lambda kind: kind.__name__,
)
def test_records_come_back_equal(kind: type[Record], store: Store, path: Path) -> None:
    session_id = begin(store)
    wanted = [record for record in RECORDS if type(record) is kind]
    store.append(session_id, [], RECORDS)
    with open_reader(path) as reader:
        found = reader.records(session_id, kind)
    assert found == wanted
    assert list(map(repr, found)) == list(map(repr, wanted))  # 5 and 5.0, True and 1 differ


def test_two_records_at_one_instant_are_both_kept(store: Store, path: Path) -> None:
    """What came late gets the time of the last Tick, and so may several at once."""
    session_id = begin(store)
    twins = [HeartRate(t_ns=1, source="strap", heart_rate_bpm=bpm) for bpm in (150, 150, 151)]
    store.append(session_id, [], twins[:1])
    store.append(session_id, [], twins[1:])
    with open_reader(path) as reader:
        assert reader.records(session_id, HeartRate) == twins


def test_ticks_and_samples_are_not_stored(store: Store, path: Path) -> None:
    session_id = begin(store)
    store.append(session_id, [], [Tick(t_ns=1, source=""), RowerSample(t_ns=1, source="rower")])
    with open_reader(path) as reader, pytest.raises(KeyError):
        reader.records(session_id, RowerSample)


def test_segments_and_splits_come_back_equal_and_the_later_telling_counts(
    store: Store, path: Path
) -> None:
    session_id = begin(store, plan="250m/1:00r")
    splits = [
        Split(segment_index=0, index=index, start=START, end=END, figures=FIGURES)
        for index in range(2)
    ]
    early = replace(WORK, figures=replace(FIGURES, heart_rate_drop_60s_bpm=None))
    store.append(session_id, [], [splits[1], early, PAUSE])
    store.append(session_id, [], [OPEN_REST, splits[0], WORK])
    with open_reader(path) as reader:
        assert reader.segments(session_id) == [WORK, PAUSE, OPEN_REST]
        assert reader.splits(session_id) == splits
        (segmentation,) = reader.segmentations(session_id)
    assert (segmentation.origin, segmentation.text) == ("plan", "250m/1:00r")


def test_a_value_that_does_not_fit_changes_nothing(store: Store, path: Path) -> None:
    session_id = begin(store)
    store.append(session_id, delivered(some_frames(3)), [])
    huge = replace(RECORDS[3], t_ns=1 << 63)
    with pytest.raises(StoreError, match="does not fit"):
        store.append(session_id, delivered(some_frames(3, 3)), [huge])
    store.append(session_id, delivered(some_frames(3, 3)), [])
    with open_reader(path) as reader:
        assert list(reader.read_frames(session_id)) == some_frames(6)
        assert reader.records(session_id, HeartRate) == []


# ------------------------------------------------------------------------------- sessions


def test_a_session_comes_back_as_it_was_given(store: Store, path: Path) -> None:
    session_id = begin(
        store,
        plan="250m",
        athlete="Ann",
        origin="stranger.frames",
        note="cold\nmorning",
        licence="CC0-1.0",
    )
    with open_reader(path) as reader:
        session = reader.session()
        assert session == reader.session(session_id) == reader.sessions()[0]
        assert (session.id, session.started_at, session.sources) == (1, STARTED, SOURCES)
        assert session.started_at.utcoffset() == timedelta(hours=1)
        assert (session.athlete, session.plan, session.origin) == ("Ann", "250m", "stranger.frames")
        assert (session.note, session.licence) == ("cold\nmorning", "CC0-1.0")
        assert (session.status, session.totals, session.ended_at) == ("recording", None, None)
        finish(store, session_id)
        session = reader.session(session_id)
        assert (session.status, session.totals) == ("complete", TOTALS)
        assert (session.ended_at, session.end_ns) == (
            STARTED + timedelta(seconds=60.5),
            60_500_000_000,
        )


def test_what_is_learnt_later_is_added(store: Store, path: Path) -> None:
    session_id = begin(store, athlete="Ann")
    band = Source(name="band", driver="heart_rate", address="ble:BAND")
    found = replace(SOURCES[1], address="ble:STRAP")
    store.add_sources(session_id, [band, found])
    store.set_activity(session_id, "circuit")
    store.set_note(session_id, "late")
    store.set_athlete(session_id, "Bo")
    with open_reader(path) as reader:
        session = reader.session(session_id)
    assert session.sources == (SOURCES[0], found, band)
    assert (session.activity, session.note, session.athlete) == ("circuit", "late", "Bo")


def test_numbers_are_never_given_twice(store: Store) -> None:
    assert [begin(store), begin(store), begin(store)] == [1, 2, 3]
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("DELETE FROM sessions WHERE id = 3")
        db.commit()
    assert begin(store) == 4


def test_a_start_without_an_offset_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="offset"):
        begin(store, started_at=STARTED.replace(tzinfo=None))


def test_a_session_that_is_not_there(store: Store, path: Path) -> None:
    with open_reader(path) as reader:
        with pytest.raises(NoSessionError, match="No session is stored"):
            reader.session()
        with pytest.raises(NoSessionError, match=r"There is no session 7 in .* rowlog sessions"):
            reader.session(7)
    with pytest.raises(NoSessionError):
        finish(store, 7)
    with pytest.raises(StoreError):
        store.append(7, delivered(some_frames(1)), [])


def test_the_latest_sessions_come_first(store: Store, path: Path) -> None:
    for _ in range(3):
        finish(store, begin(store))
    with open_reader(path) as reader:
        assert [session.id for session in reader.sessions()] == [3, 2, 1]
        assert [session.id for session in reader.sessions(2)] == [3, 2]
        assert all(session.sources == SOURCES for session in reader.sessions())


def test_events_are_kept(store: Store, path: Path) -> None:
    store.add_event("started", "rowlog 0.1.0", happened_at=STARTED)
    assert rows(path, "SELECT session_id, happened_at, kind, text FROM events") == [
        (None, "2026-11-24T06:30:00+01:00", "started", "rowlog 0.1.0")
    ]


# --------------------------------------------------------------------------------- frames


def test_frames_come_back_equal_before_and_after_packing(store: Store, path: Path) -> None:
    first, second = begin(store), begin(store)
    store.append(first, delivered(some_frames(300)), [])
    store.append(second, delivered(some_frames(5)), [])
    store.append(first, [*delivered(some_frames(200, 300)), Delivery(None, ())], [])
    with open_reader(path) as reader:
        assert list(reader.read_frames(first)) == some_frames(500)
        assert reader.last_ns(first) == some_frames(500)[-1].t_ns
        finish(store, first)
        assert list(reader.read_frames(first)) == some_frames(500)
        assert reader.last_ns(first) == some_frames(500)[-1].t_ns
        assert reader.frame_count(first) == 500
        assert list(reader.read_frames(second)) == some_frames(5)
    assert list(store.read_frames(first)) == some_frames(500)
    assert rows(path, "SELECT session_id, count(*) FROM frames GROUP BY session_id") == [(2, 5)]
    assert rows(path, "SELECT session_id, first_seq, last_seq FROM frame_blocks") == [(1, 0, 499)]
    assert check(path).problems == ()


def test_blocks_and_rows_are_read_as_one(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that come after packing, and a reader in the middle while they are packed."""
    monkeypatch.setattr("rowlog.store_pack.BLOCK_BYTES", 1000)
    monkeypatch.setattr("rowlog.store_read.READ_FRAMES", 40)
    session_id = begin(store)
    store.append(session_id, delivered(some_frames(250)), [])
    with open_reader(path) as reader:
        frames = reader.read_frames(session_id)
        begun = [next(frames) for _ in range(100)]
        finish(store, session_id)
        store.append(session_id, delivered(some_frames(30, 250)), [])
        assert begun + list(frames) == some_frames(280)
        assert list(reader.read_frames(session_id)) == some_frames(280)
        finish(store, session_id)
        assert list(reader.read_frames(session_id)) == some_frames(280)
    blocks = rows(path, "SELECT first_seq, last_seq FROM frame_blocks ORDER BY first_seq")
    assert len(blocks) > 3
    assert [first for first, _ in blocks[1:]] == [last + 1 for _, last in blocks[:-1]]


def test_a_block_that_does_not_come_back_is_not_taken(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = begin(store)
    store.append(session_id, delivered(some_frames(20)), [])

    def wrong(frames: list[Frame]) -> bytes:
        return archive.encode_block([replace(frame, t_ns=frame.t_ns + 1) for frame in frames])

    monkeypatch.setattr("rowlog.store_pack.encode_block", wrong)
    with pytest.raises(DamagedError, match="so they stay rows"):
        finish(store, session_id)
    with open_reader(path) as reader:
        assert list(reader.read_frames(session_id)) == some_frames(20)
        assert reader.session().status == "complete"


def test_a_damaged_block_is_found_and_named(store: Store, path: Path) -> None:
    session_id = begin(store)
    store.append(session_id, delivered(some_frames(50)), [])
    finish(store, session_id)
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE frame_blocks SET payload = CAST(payload || x'00' AS BLOB)")
        db.commit()
    report = check(path)
    assert report.problems == ("the block of session 1 from frame 0 on: its checksum is wrong",)
    with open_reader(path) as reader, pytest.raises(DamagedError, match="session 1"):
        list(reader.read_frames(session_id))


def test_the_report_of_a_whole_database(store: Store, path: Path) -> None:
    for count in (10, 20):
        store.append(begin(store), delivered(some_frames(count)), RECORDS)
    finish(store, 1)
    report = check(path)
    assert report.ok
    assert (report.sessions, report.open_sessions) == (2, (2,))
    assert (report.frames, report.blocks) == (30, 1)


# --------------------------------------------------------------------------- crash and power

KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
import rowlog.store_pack
from datetime import UTC, datetime
from rowlog.store import Store
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery

def die():
    os.kill(os.getpid(), signal.SIGKILL)

store = Store.open_writer(sys.argv[1])
session_id = store.begin_session(
    started_at=datetime.now(UTC), plan=None, athlete=None, activity="row", sources=())
rowlog.store_pack.BLOCK_FRAMES = 100
for start in range(0, 1000, 10):
    store.append(session_id, [
        Delivery(Frame(t_ns=n * 1000, source="rower", channel="rx", payload=b"%d" % n), ())
        for n in range(start, start + 10)], [])
where, step = sys.argv[2], int(sys.argv[3])
if where == "open":
    die()
count = 0

def watch(statement):
    global count
    if where in statement:
        count += 1
        if count == step:
            die()

store._db.set_trace_callback(watch)
store.close_session(
    session_id, end_ns=10**6, ended_at=datetime.now(UTC),
    totals=SessionTotals(activity="row", duration_s=1.0, work_s=1.0, rest_s=0.0))
die()
"""

KILLED_FRAMES = [
    Frame(t_ns=n * 1000, source="rower", channel="rx", payload=b"%d" % n) for n in range(1000)
]


def killed(path: Path, where: str, step: int) -> None:
    """Run a writer that kills itself when it begins its `step`-th statement with `where`."""
    script = KILLED.format(paths=[str(ROOT), str(ROOT / "drivers")])
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), where, str(step)], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="nothing there kills so")
@pytest.mark.parametrize(
    ("where", "step", "status"),
    [
        ("open", 0, "interrupted"),
        ("INSERT OR REPLACE INTO session_totals", 1, "interrupted"),
        ("COMMIT", 1, "interrupted"),
        ("INSERT INTO frame_blocks", 1, "complete"),
        ("DELETE FROM frames", 1, "complete"),
        ("COMMIT", 2, "complete"),
        ("DELETE FROM frames", 6, "complete"),
        ("BEGIN IMMEDIATE", 8, "complete"),
        ("incremental_vacuum", 1, "complete"),
    ],
)
def test_a_kill_loses_and_doubles_nothing(where: str, step: int, status: str, path: Path) -> None:
    killed(path, where, step)
    with open_reader(path) as reader:
        assert reader.session().status == status
        assert list(reader.read_frames(1)) == KILLED_FRAMES
    with Store.open_writer(path) as store:  # the next writer tidies up
        assert store.open_sessions() == ([1] if status == "interrupted" else [])
        if status == "interrupted":
            store.resume_session(1)
            with open_reader(path) as reader:
                assert reader.session().status == "recording"
            store.replace_derived(1, [], TOTALS)
            store.close_session(1, end_ns=10**6, ended_at=STARTED, totals=TOTALS, state="recovered")
    with open_reader(path) as reader:
        assert list(reader.read_frames(1)) == KILLED_FRAMES
        assert reader.session().status == ("recovered" if status == "interrupted" else status)
    assert rows(path, "SELECT count(*) FROM frames") == [(0,)]
    assert check(path).problems == ()


FULL = """
import resource, sys
sys.path[:0] = {paths!r}
from datetime import UTC, datetime
from rowlog.store import Store
from rowlog.store_errors import DiskFullError
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery

store = Store.open_writer(sys.argv[1])
session_id = store.begin_session(
    started_at=datetime.now(UTC), plan=None, athlete=None, activity="row", sources=())
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, unlimited[1]))
stored = 0

def one():
    store.append(session_id, [Delivery(Frame(
        t_ns=stored, source="rower", channel="rx", payload=bytes(20_000)), ())], [])

try:
    while True:
        one()
        stored += 1
except DiskFullError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
one()
times = [frame.t_ns for frame in store.read_frames(session_id)]
print(stored + 1, times == list(range(stored + 1)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_full_disk_keeps_what_was_stored_and_writes_on_when_there_is_room(path: Path) -> None:
    script = FULL.format(paths=[str(ROOT), str(ROOT / "drivers")])
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    message, result = done.stdout.splitlines()
    assert "the disk is full or failing" in message and "--db" in message
    count, in_order = result.split()
    assert int(count) > 5 and in_order == "True"


def test_a_database_that_may_not_grow_is_a_full_disk(store: Store) -> None:
    session_id = begin(store)
    store._db.execute("PRAGMA max_page_count=1")
    big = Frame(t_ns=1, source="rower", channel="rx", payload=bytes(300_000))
    with pytest.raises(DiskFullError):
        store.append(session_id, delivered([big]), [])
    assert list(store.read_frames(session_id)) == []


def test_a_durable_append_syncs_and_the_next_does_not(store: Store) -> None:
    session_id = begin(store)
    levels = []
    for durable in (False, True, False):
        store.append(session_id, delivered(some_frames(1)), [], durable=durable)
        levels.append(store._db.execute("PRAGMA synchronous").fetchone()[0])
    assert levels == [1, 2, 1]  # NORMAL, FULL, NORMAL


# ------------------------------------------------------------------------ one writer, readers

HOLDER = """
import sys
sys.path[:0] = {paths!r}
from datetime import UTC, datetime
from rowlog.store import Store

with Store.open_writer(sys.argv[1]) as store:
    store.begin_session(
        started_at=datetime.now(UTC), plan=None, athlete=None, activity="row", sources=())
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that records session 1."""
    script = HOLDER.format(paths=[str(ROOT), str(ROOT / "drivers")])
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_by_name(holder: subprocess.Popen[str], path: Path) -> None:
    with open_reader(path) as reader:
        assert reader.session(1).status == "recording"
        with pytest.raises(SecondWriterError) as caught:
            Store.open_writer(path)
        assert (caught.value.pid, caught.value.session_id) == (holder.pid, 1)
        assert re.search(
            rf"Process {holder.pid}, which records session 1 since \d\d:\d\d, is writing to ",
            str(caught.value),
        )
        holder.kill()
        holder.wait()
        assert reader.session(1).status == "interrupted"
    with Store.open_writer(path) as store:  # the lock died with its holder
        assert store.open_sessions() == [1]
        second = begin(store)
        with open_reader(path) as reader:
            assert [session.status for session in reader.sessions()] == ["recording", "interrupted"]
        assert second == 2


def test_a_second_writer_of_the_same_process_is_refused_too(store: Store, path: Path) -> None:
    with pytest.raises(SecondWriterError, match="records nothing at the moment"):
        Store.open_writer(path)
    store.close()
    store.close()
    Store.open_writer(path).close()


def test_a_reader_sees_each_commit_and_writes_nothing(store: Store, path: Path) -> None:
    session_id = begin(store)
    with open_reader(path) as reader:
        for count in (1, 2, 3):
            store.append(session_id, delivered(some_frames(1, count - 1)), [])
            assert reader.frame_count(session_id) == count
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM frames")
    assert list(store.read_frames(session_id)) == some_frames(3)


def test_reading_does_not_wait_for_a_writer_in_a_transaction(store: Store, path: Path) -> None:
    session_id = begin(store)
    with open_reader(path) as reader, store._transaction():
        assert reader.session(session_id).status == "recording"


def test_a_lock_by_another_program_is_explained(store: Store, path: Path) -> None:
    session_id = begin(store)
    store._db.execute("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockedError, match="Another program holds"):
            store.append(session_id, delivered(some_frames(1)), [])
        other.execute("ROLLBACK")
    store.append(session_id, delivered(some_frames(1)), [])
    assert list(store.read_frames(session_id)) == some_frames(1)


# -------------------------------------------------------------------------------- rebuilding


def everything(reader: Reader, session_id: int) -> dict[type, list[Any]]:
    found: dict[type, list[Any]] = {
        kind: reader.records(session_id, kind) for kind in SHAPES.keys() - STRUCTURE
    }
    return {
        **found,
        Segment: reader.segments(session_id),
        Split: reader.splits(session_id),
        SessionTotals: [reader.session(session_id).totals],
    }


def test_what_is_derived_is_replaced_in_one_step(store: Store, path: Path) -> None:
    session_id, other = begin(store), begin(store)
    facts: list[Fact] = [*RECORDS, WORK, PAUSE]
    for each in (session_id, other):
        store.append(each, delivered(some_frames(20)), facts)
        finish(store, each)
    with open_reader(path) as reader:
        before = everything(reader, session_id)
        store.replace_derived(session_id, facts, TOTALS)
        assert everything(reader, session_id) == before  # the same derivation gives equal rows
        beat = HeartRate(t_ns=2, source="strap", heart_rate_bpm=99)
        few: list[Fact] = [beat, OPEN_REST]
        better = replace(TOTALS, distance_m=1.0)
        store.replace_derived(session_id, iter(few), better)
        after = everything(reader, session_id)
        assert {kind: found for kind, found in after.items() if found} == {
            HeartRate: [beat],
            Segment: [OPEN_REST],
            Marker: before[Marker],  # the user's own
            SessionTotals: [better],
        }
        assert everything(reader, other) == before
        assert list(reader.read_frames(session_id)) == some_frames(20)


def test_a_derivation_that_fails_leaves_everything_as_it_was(store: Store, path: Path) -> None:
    session_id = begin(store)
    store.append(session_id, delivered(some_frames(20)), [*RECORDS, WORK])
    finish(store, session_id)

    def failing() -> Iterator[Fact]:
        for frame in store.read_frames(session_id):  # derived from the frames while they are read
            yield HeartRate(t_ns=frame.t_ns, source="strap", heart_rate_bpm=1)
        raise StoreError("the decoder gave up", path=path)

    with open_reader(path) as reader:
        before = everything(reader, session_id)
        with pytest.raises(StoreError, match="gave up"):
            store.replace_derived(session_id, failing(), TOTALS)
        assert everything(reader, session_id) == before
    store.append(session_id, [], [HeartRate(t_ns=1, source="strap", heart_rate_bpm=1)])


def test_a_session_may_be_cut_in_several_ways(store: Store, path: Path) -> None:
    session_id = begin(store)
    store.append(session_id, [], [WORK, PAUSE])
    second = store.add_segmentation(session_id, "user", "2x100m", [OPEN_REST, RECORDS[0]])
    with open_reader(path) as reader:
        first = reader.segmentations(session_id)[0].id
        assert reader.segments(session_id) == [WORK, PAUSE]
        assert reader.segments(session_id, second) == [OPEN_REST]
        store.set_default_segmentation(session_id, second)
        assert reader.segments(session_id) == [OPEN_REST]
        store.replace_derived(session_id, [replace(WORK, index=5)], TOTALS)
        assert [segment.index for segment in reader.segments(session_id)] == [5]
        assert reader.segments(session_id, first) == [WORK, PAUSE]
    assert rows(path, "SELECT sum(is_default) FROM segmentations") == [(1,)]


# ---------------------------------------------------------------------------- views and size


def test_compacting_changes_the_size_and_nothing_else(store: Store, path: Path) -> None:
    """A session is taken out, and what it leaves behind goes too."""
    beats = [HeartRate(t_ns=k, source="strap", heart_rate_bpm=140) for k in range(1000)]
    for _ in range(2):
        number = begin(store)
        store.append(number, delivered(some_frames(3000)), beats)
        finish(store, number)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("DELETE FROM sessions WHERE id = 1")
    dump = "SELECT session_id, first_seq, payload, checksum FROM frame_blocks"
    frames = list(store.read_frames(2))
    before = rows(path, "SELECT * FROM v_sessions"), rows(path, dump)
    size, smaller = store.compact()
    assert smaller < size
    store.close()
    assert path.stat().st_size == smaller
    assert (rows(path, "SELECT * FROM v_sessions"), rows(path, dump)) == before
    assert check(path).ok
    assert rows(path, "PRAGMA auto_vacuum") == [(2,)]
    with Store.open_writer(path) as again:
        assert list(again.read_frames(2)) == frames
        assert again.compact() == (smaller, smaller)
        with pytest.raises(SecondWriterError):
            compact(path)
        assert begin(again) == 3


def test_a_closed_sessions_rows_lie_close(store: Store, path: Path) -> None:
    """As they come they leave an eighth of each page empty; not a value changes."""
    beats = [
        HeartRate(t_ns=k * 10**9, source="strap", heart_rate_bpm=140, rr_ms=(428.7109375,))
        for k in range(6000)
    ]
    used = "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count"
    told = "SELECT * FROM heart_rates ORDER BY seq"
    empty = rows(path, used)[0][0]
    number = begin(store)
    for first in range(0, len(beats), 3):
        store.append(number, [], beats[first : first + 3])
    loose, before = rows(path, used)[0][0] - empty, rows(path, told)
    finish(store, number)
    assert rows(path, used)[0][0] - empty < 0.93 * loose
    assert rows(path, told) == before


def test_the_views_tell_times_in_seconds(store: Store, path: Path) -> None:
    session_id = begin(store, athlete="Ann")
    store.append(session_id, [], [*RECORDS, WORK])
    finish(store, session_id)
    assert rows(path, "SELECT id, athlete, activity, state, distance_m FROM v_sessions") == [
        (1, "Ann", "row", "complete", 201.5)
    ]
    assert rows(path, "SELECT is_default, kind, started_at_s, ended_at_s FROM v_segments") == [
        (1, "work", 1e-9, 60.000000001)
    ]
    assert rows(path, "SELECT number, t_s, power_w FROM v_strokes WHERE number = 3") == [
        (3, 3e-9, 0.0)
    ]
    assert rows(path, "SELECT heart_rate_bpm, valid FROM v_heart_rates") == [
        (0, 0),
        (150, 0),  # no contact
        (151, 1),
    ]


LEFT_OUT = ("average_stroke_rate_spm", "average_pace_s_per_500m", "average_power_w", "resistance")


def an_hour(parts: int) -> Iterator[tuple[Frame, list[Fact]]]:
    """Rower Data at 2 Hz and a strap at 1 Hz with RR, in order of time.

    With the jitter of a radio and the noise of a rower. `parts` is how many notifications a
    record of the rower takes: one of 20 bytes, or two where the machine sends all that it can.
    """
    chance = random.Random(1)
    events: list[tuple[int, str, bytes, list[Fact]]] = []
    distance = strokes = phase = 0.0
    rate, power = 26.5, 180.0
    for number in range(7200):
        t_ns = number * 500_000_000 + chance.randint(0, 30_000_000)
        power = max(90.0, power + chance.gauss(0, 6) + (180 - power) * 0.1)
        rate = max(20.0, min(33.0, rate + chance.gauss(0, 0.4) + (26.5 - rate) * 0.05))
        pace = 500 * (2.80 / power) ** (1 / 3)
        distance += 250 / pace
        phase += rate / 120
        facts: list[Fact] = []
        if phase >= 1:
            phase -= 1
            strokes += 1
            facts.append(
                Stroke(
                    t_ns=t_ns,
                    source="rower",
                    number=int(strokes),
                    stroke_rate_spm=round(rate * 2) / 2,
                    power_w=round(power),
                    total_distance_m=float(int(distance)),
                    elapsed_s=float(number // 2),
                    inferred=True,
                )
            )
        sample = RowerSample(
            t_ns=t_ns,
            source="rower",
            elapsed_s=number // 2,
            distance_m=int(distance),
            stroke_count=int(strokes),
            stroke_rate_spm=rate,
            average_stroke_rate_spm=26.5,
            pace_s_per_500m=pace,
            average_pace_s_per_500m=124.0,
            power_w=power,
            average_power_w=180,
            energy_kcal=number // 8,
            energy_kcal_per_hour=int(4 * power * 0.8604 + 300),
            energy_kcal_per_minute=int(power / 15),
            resistance=5,
            heart_rate_bpm=0,
        )
        if parts == 1:
            without: dict[str, Any] = dict.fromkeys(LEFT_OUT)
            sample = replace(sample, **without)
        payloads = encode_split(sample)
        assert len(payloads) == parts
        for place, payload in enumerate(payloads, 1):
            late_ns = (place - 1) * chance.randint(100_000, 2_000_000)
            events.append((t_ns + late_ns, "rower", payload, facts if place == parts else []))
    for second in range(3600):
        t_ns = second * 1_000_000_000 + chance.randint(0, 60_000_000)
        bpm = 150 + 12 * (second % 600) / 600 + chance.gauss(0, 1)
        beats = tuple(
            round((60_000 / bpm + chance.gauss(0, 12)) * 1.024) * 1000 / 1024
            for _ in range(chance.choice((2, 3, 3)))
        )
        beat = HeartRate(
            t_ns=t_ns, source="strap", heart_rate_bpm=round(bpm), rr_ms=beats, contact=True
        )
        events.append((t_ns, "strap", encode_measurement(round(bpm), beats, True), [beat]))
    for t_ns, source, payload, facts in sorted(events, key=lambda event: event[0]):
        channel = "2ad1" if source == "rower" else "2a37"
        yield Frame(t_ns=t_ns, source=source, channel=channel, payload=payload), facts


@pytest.mark.parametrize(("parts", "frame_count"), [(1, 10_800), (2, 18_000)])
def test_an_hour_takes_less_than_half_a_megabyte(
    parts: int, frame_count: int, store: Store, path: Path
) -> None:
    empty = path.stat().st_size
    session_id = begin(store)
    frames: list[Frame] = []
    batch: list[Frame] = []
    facts: list[Fact] = []
    for frame, told in an_hour(parts):
        frames.append(frame)
        batch.append(frame)
        facts += told
        if len(batch) == 500:
            store.append(session_id, delivered(batch), facts)
            batch, facts = [], []
    store.append(session_id, delivered(batch), facts)
    store.append(session_id, [], [replace(WORK, index=index) for index in range(16)])
    finish(store, session_id)
    store.close()
    assert not path.with_name(path.name + "-wal").exists()
    hour_bytes = path.stat().st_size - empty
    packed = rows(path, "SELECT sum(length(payload)) FROM frame_blocks")[0][0]
    counts = {
        table: rows(path, f"SELECT count(*) FROM {table}")[0][0]
        for table in ("strokes", "heart_rates")
    }
    # Shown by `pytest -s`: the number that the budget is about.
    print(f"\nan hour: {hour_bytes} bytes, {packed} of them {len(frames)} frames; {counts}")  # noqa: T201
    assert 1500 <= counts["strokes"] <= 1700
    assert (counts["heart_rates"], len(frames)) == (3600, frame_count)
    assert hour_bytes < 500_000
    with open_reader(path) as reader:
        assert list(reader.read_frames(session_id)) == frames


# Disks of other kinds


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("vfat", "disk without a journal (vfat)"),
        ("exfat", "disk without a journal (exfat)"),
        ("nfs4", "network disk (nfs4)"),
        ("cifs", "network disk (cifs)"),
        ("ext4", None),
        (None, None),
    ],
)
def test_a_disk_that_keeps_no_log_is_written_more_carefully(
    kind: str | None, words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_disk, "file_system", lambda _: kind)
    path = tmp_path / "rowlog.db"
    frames = [
        Frame(t_ns=number * 10**8, source="rower", channel="2ad1", payload=bytes([number]))
        for number in range(5)
    ]
    with Store.open_writer(path) as store:
        modes = [
            store._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
        session_id = begin(store)
        store.append(session_id, [Delivery(frame, ()) for frame in frames], (), durable=True)
        after = store._db.execute("PRAGMA synchronous").fetchone()[0]
        with open_reader(path) as reader:
            assert list(reader.read_frames(session_id)) == frames
    assert (modes, after) == ((["delete", 3], 3) if words else (["wal", 1], 2))
    told = store_disk.warning(path)
    assert told is None if words is None else words in (told or "")


def test_the_kind_of_disk_is_that_of_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    stick = tmp_path / "a stick"
    stick.mkdir()
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"23 22 8:17 / {str(stick).replace(' ', chr(92) + '040')} rw - vfat /dev/sdb1 rw\n"
    )
    monkeypatch.setattr(store_disk, "_MOUNTS", mounts)
    assert store_disk.file_system(tmp_path) == "ext4"
    assert store_disk.file_system(stick) == "vfat"
    monkeypatch.setattr(store_disk, "_MOUNTS", tmp_path / "none")
    assert store_disk.file_system(tmp_path) is None
