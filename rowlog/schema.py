"""Tables and views, as named migrations; making, checking and bringing up to date a database."""

from __future__ import annotations

import os
import sqlite3
import sys
import warnings
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowlog.config import db_option
from rowlog.store_disk import is_careful
from rowlog.store_errors import (
    ForeignDatabaseError,
    SchemaError,
    StoreError,
    left_beside,
    no_database,
    not_writable,
    translated,
)
from rowlog.store_lock import holder_of
from rowlog_drivers.clock import wall_now

if TYPE_CHECKING:
    from sqlite_utils.db import Database

APPLICATION_ID: Final = 0x524F574C
"""PRAGMA application_id of every rowlog database: the letters ROWL."""

PRIVATE: Final = 0o600
"""The mode of new files that tell what somebody did: read and written by their owner alone."""
SCHEMA_VERSION: Final = 11
"""PRAGMA user_version: how many of the migrations below a database has."""

FIGURES_VERSION: Final = 1
"""Kept with every derived figure; raised when one is computed differently, to be rebuilt."""

SQLITE_VERSION: Final = sqlite3.sqlite_version
"""Of the library that this Python has."""

KEPT_VERSION: Final = 5
"""Kept with what `store_kept` computes; raised when that is computed differently."""

BUSY_TIMEOUT_MS: Final = 5000

_MARK: Final = """
    {0}_t_ns INTEGER NOT NULL,
    {0}_elapsed_s REAL,
    {0}_distance_m REAL,
    {0}_stroke_count INTEGER,
    {0}_energy_kcal REAL,
    {0}_interpolated INTEGER NOT NULL,
    {0}_uncertainty_s REAL NOT NULL,"""

_FIGURES: Final = """
    duration_s REAL NOT NULL,
    distance_m REAL,
    stroke_count INTEGER,
    energy_kcal REAL,
    mean_pace_s_per_500m REAL,
    mean_power_w REAL,
    mean_stroke_rate_spm REAL,
    mean_heart_rate_bpm REAL,
    max_heart_rate_bpm REAL,
    min_heart_rate_bpm REAL,
    end_heart_rate_bpm REAL,
    heart_rate_drop_30s_bpm REAL,
    heart_rate_drop_60s_bpm REAL,
    heart_rate_drop_120s_bpm REAL,
    heart_rate_coverage REAL,
    heart_rate_source TEXT,
    origins TEXT NOT NULL,"""

_OF_SESSION: Final = "session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE"

_RECORD: Final = f"""
    {_OF_SESSION},
    seq INTEGER NOT NULL,
    t_ns INTEGER NOT NULL,
    source TEXT NOT NULL,"""

_RECORD_KEY: Final = """
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID"""

_TRUTH: Final = (
    """CREATE TABLE athletes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    max_heart_rate_bpm REAL
) STRICT""",
    """CREATE TABLE plans (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    name TEXT
) STRICT""",
    """CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    importer TEXT NOT NULL,
    importer_version TEXT NOT NULL,
    imported_at TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT""",
    """CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    end_ns INTEGER,
    athlete_id INTEGER REFERENCES athletes(id),
    activity TEXT NOT NULL,
    plan TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'recovered')),
    note TEXT,
    origin TEXT,
    licence TEXT,
    import_id INTEGER REFERENCES imports(id)
) STRICT""",
    f"""CREATE TABLE sources (
    {_OF_SESSION},
    name TEXT NOT NULL,
    place INTEGER NOT NULL,
    driver TEXT NOT NULL,
    address TEXT,
    options TEXT NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE frames (
    {_OF_SESSION},
    seq INTEGER NOT NULL,
    t_ns INTEGER NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    payload BLOB NOT NULL,
    sent INTEGER NOT NULL,
    late_ns INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE frame_blocks (
    id INTEGER PRIMARY KEY,
    {_OF_SESSION},
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    frame_count INTEGER NOT NULL CHECK (frame_count = last_seq - first_seq + 1),
    first_t_ns INTEGER NOT NULL,
    last_t_ns INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    payload BLOB NOT NULL,
    checksum BLOB NOT NULL,
    UNIQUE (session_id, first_seq)
) STRICT""",
    f"""CREATE TABLE segmentations (
    id INTEGER PRIMARY KEY,
    {_OF_SESSION},
    origin TEXT NOT NULL CHECK (origin IN ('device', 'plan', 'auto', 'user')),
    text TEXT,
    is_default INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX segmentations_of_session ON segmentations(session_id)",
    f"""CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    {_OF_SESSION},
    t_ns INTEGER,
    text TEXT NOT NULL,
    noted_at TEXT NOT NULL
) STRICT""",
    f"""CREATE TABLE tags (
    {_OF_SESSION},
    tag TEXT NOT NULL,
    PRIMARY KEY (session_id, tag)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE merges (
    {_OF_SESSION},
    into_session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    offset_ns INTEGER NOT NULL,
    merged_at TEXT NOT NULL,
    PRIMARY KEY (session_id)
) STRICT, WITHOUT ROWID""",
    f"CREATE TABLE markers ({_RECORD} label TEXT NOT NULL, {_RECORD_KEY}",
    """CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    session_id INTEGER REFERENCES sessions(id) ON DELETE CASCADE,
    t_ns INTEGER,
    happened_at TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT""",
)

_ROWS: Final = (
    f"""CREATE TABLE strokes (
    {_OF_SESSION},
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    t_ns INTEGER NOT NULL,
    stroke_rate_spm REAL,
    drive_s REAL,
    recovery_s REAL,
    drive_length_m REAL,
    distance_m REAL,
    power_w REAL,
    work_j REAL,
    peak_force_n REAL,
    mean_force_n REAL,
    force_curve_n BLOB,
    total_distance_m REAL,
    elapsed_s REAL,
    inferred INTEGER NOT NULL,
    PRIMARY KEY (session_id, source, number)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE heart_rates ({_RECORD}
    heart_rate_bpm INTEGER NOT NULL,
    rr_ms TEXT,
    contact INTEGER,
    energy_kj INTEGER,
    truncated INTEGER NOT NULL,{_RECORD_KEY}""",
    f"""CREATE TABLE segments (
    {_OF_SESSION},
    segmentation_id INTEGER NOT NULL REFERENCES segmentations(id) ON DELETE CASCADE,
    "index" INTEGER NOT NULL,
    piece INTEGER,
    kind TEXT NOT NULL,
    activity TEXT NOT NULL,
    target_type TEXT,
    target_value REAL,
    target_at_most_s REAL,{_MARK.format("start")}{_MARK.format("end")}
    ended_by TEXT NOT NULL,
    clock TEXT NOT NULL,
    round INTEGER,{_FIGURES}
    PRIMARY KEY (session_id, segmentation_id, "index")
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE splits (
    {_OF_SESSION},
    segmentation_id INTEGER NOT NULL REFERENCES segmentations(id) ON DELETE CASCADE,
    segment_index INTEGER NOT NULL,
    "index" INTEGER NOT NULL,{_MARK.format("start")}{_MARK.format("end")}{_FIGURES}
    PRIMARY KEY (session_id, segmentation_id, segment_index, "index")
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE machine_states ({_RECORD}
    state TEXT NOT NULL,
    interval_number INTEGER,
    code INTEGER,
    text TEXT,
    parameter TEXT,{_RECORD_KEY}""",
    f"""CREATE TABLE machine_infos ({_RECORD}
    manufacturer TEXT,
    model TEXT,
    serial_number TEXT,
    firmware TEXT,
    hardware TEXT,
    software TEXT,
    battery_pct INTEGER,
    features TEXT,
    target_features TEXT,
    ranges TEXT,
    body_location TEXT,
    tank_volume_l REAL,{_RECORD_KEY}""",
    f"""CREATE TABLE machine_splits ({_RECORD}
    number INTEGER NOT NULL,
    kind TEXT,
    time_s REAL,
    distance_m REAL,
    stroke_count INTEGER,
    stroke_rate_spm REAL,
    pace_s_per_500m REAL,
    power_w REAL,
    energy_kcal REAL,
    energy_kcal_per_hour REAL,
    heart_rate_bpm INTEGER,
    end_heart_rate_bpm INTEGER,
    rest_heart_rate_bpm INTEGER,
    drag_factor INTEGER,
    rest_s REAL,
    rest_distance_m REAL,{_RECORD_KEY}""",
    f"""CREATE TABLE machine_summaries ({_RECORD}
    workout TEXT,
    time_s REAL,
    distance_m REAL,
    stroke_count INTEGER,
    stroke_rate_spm REAL,
    pace_s_per_500m REAL,
    power_w REAL,
    energy_kcal REAL,
    energy_kcal_per_hour REAL,
    heart_rate_bpm INTEGER,
    min_heart_rate_bpm INTEGER,
    max_heart_rate_bpm INTEGER,
    end_heart_rate_bpm INTEGER,
    recovery_heart_rate_bpm INTEGER,
    drag_factor INTEGER,
    interval_count INTEGER,
    rest_s REAL,
    rest_distance_m REAL,{_RECORD_KEY}""",
    f"""CREATE TABLE control_replies ({_RECORD}
    request INTEGER NOT NULL,
    result INTEGER NOT NULL,
    result_name TEXT NOT NULL,{_RECORD_KEY}""",
    f"CREATE TABLE links ({_RECORD} up INTEGER NOT NULL, reason TEXT, {_RECORD_KEY}",
    f"CREATE TABLE undecoded ({_RECORD} reason TEXT NOT NULL, {_RECORD_KEY}",
    f"""CREATE TABLE gaps ({_RECORD}
    end_ns INTEGER NOT NULL,
    cause TEXT NOT NULL,
    distance_before_m REAL,
    distance_after_m REAL,
    stroke_count_before INTEGER,
    stroke_count_after INTEGER,{_RECORD_KEY}""",
    f"""CREATE TABLE anomalies ({_RECORD}
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    value REAL,
    detail TEXT NOT NULL,{_RECORD_KEY}""",
)

_FOR_SPEED: Final = (
    """CREATE TABLE session_totals (
    session_id INTEGER PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    activity TEXT NOT NULL,
    duration_s REAL NOT NULL,
    elapsed_s REAL,
    work_s REAL NOT NULL,
    rest_s REAL NOT NULL,
    distance_m REAL,
    work_distance_m REAL,
    rest_distance_m REAL,
    stroke_count INTEGER,
    energy_kcal REAL,
    mean_pace_s_per_500m REAL,
    mean_power_w REAL,
    mean_stroke_rate_spm REAL,
    mean_heart_rate_bpm REAL,
    max_heart_rate_bpm REAL,
    min_heart_rate_bpm REAL,
    heart_rate_coverage REAL,
    heart_rate_source TEXT,
    drag_factor INTEGER,
    frames INTEGER NOT NULL,
    undecoded INTEGER NOT NULL,
    gaps INTEGER NOT NULL,
    link_losses INTEGER NOT NULL,
    machine_resets INTEGER NOT NULL,
    late_frames INTEGER NOT NULL,
    origins TEXT NOT NULL
) STRICT""",
    f"""CREATE TABLE best_efforts (
    {_OF_SESSION},
    kind TEXT NOT NULL CHECK (kind IN ('distance', 'time')),
    target REAL NOT NULL,
    version INTEGER NOT NULL,
    start_t_ns INTEGER NOT NULL,
    end_t_ns INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    distance_m REAL NOT NULL,
    PRIMARY KEY (session_id, kind, target)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE heart_rate_histograms (
    {_OF_SESSION},
    heart_rate_bpm INTEGER NOT NULL,
    version INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (session_id, heart_rate_bpm)
) STRICT, WITHOUT ROWID""",
)

_V_SESSIONS: Final = """CREATE VIEW v_sessions AS
SELECT sessions.id, sessions.started_at, sessions.ended_at, athletes.name AS athlete,
    sessions.activity, sessions.plan, sessions.state, sessions.origin, sessions.note,
    duration_s, elapsed_s, work_s, rest_s, distance_m, work_distance_m, rest_distance_m,
    stroke_count, energy_kcal, mean_pace_s_per_500m, mean_power_w, mean_stroke_rate_spm,
    mean_heart_rate_bpm, session_totals.max_heart_rate_bpm, min_heart_rate_bpm,
    heart_rate_coverage, heart_rate_source, drag_factor, frames, undecoded, gaps, link_losses,
    machine_resets, late_frames
FROM sessions
LEFT JOIN athletes ON athletes.id = sessions.athlete_id
LEFT JOIN session_totals ON session_totals.session_id = sessions.id"""

_VIEWS: Final = (
    _V_SESSIONS,
    """CREATE VIEW v_segments AS
SELECT segments.session_id, segments.segmentation_id, segmentations.is_default, "index", piece,
    kind, activity, target_type, target_value, start_t_ns / 1e9 AS started_at_s,
    end_t_ns / 1e9 AS ended_at_s, duration_s, distance_m, stroke_count, energy_kcal,
    mean_pace_s_per_500m, mean_power_w, mean_stroke_rate_spm, mean_heart_rate_bpm,
    max_heart_rate_bpm, min_heart_rate_bpm, end_heart_rate_bpm, heart_rate_drop_30s_bpm,
    heart_rate_drop_60s_bpm, heart_rate_drop_120s_bpm, heart_rate_coverage, ended_by, clock
FROM segments JOIN segmentations ON segmentations.id = segments.segmentation_id""",
    """CREATE VIEW v_strokes AS
SELECT session_id, source, number, t_ns / 1e9 AS t_s, stroke_rate_spm, power_w, distance_m,
    total_distance_m, elapsed_s, drive_s, recovery_s, drive_length_m, work_j, peak_force_n,
    mean_force_n, inferred
FROM strokes""",
    """CREATE VIEW v_heart_rates AS
SELECT session_id, source, t_ns / 1e9 AS t_s, heart_rate_bpm, rr_ms, contact,
    heart_rate_bpm BETWEEN 20 AND 250 AND contact IS NOT 0 AS valid
FROM heart_rates""",
)

_KNOWN_DEVICES: Final = (
    """CREATE TABLE known_devices (
    id INTEGER PRIMARY KEY,
    athlete_id INTEGER REFERENCES athletes(id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('rower', 'strap')),
    driver TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT,
    serial_number TEXT,
    used_at TEXT NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX known_devices_of_athlete "
    "ON known_devices (coalesce(athlete_id, 0), role, address)",
)

_OUTRANKED_FIGURES: Final = (
    "ALTER TABLE session_totals ADD COLUMN derived TEXT NOT NULL DEFAULT '{}'",
)
"""What was derived, for each figure of a session that the machine's own outranks: JSON."""

_YEARS: Final = (
    """CREATE TABLE athlete_values (
    athlete_id INTEGER NOT NULL REFERENCES athletes(id) ON DELETE CASCADE,
    quantity TEXT NOT NULL,
    since TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (athlete_id, quantity, since)
) STRICT, WITHOUT ROWID""",
    "ALTER TABLE sessions ADD COLUMN deleted_at TEXT",
    "DROP VIEW v_sessions",
    _V_SESSIONS.replace("sessions.note,", "sessions.note, machine, shape,").replace(
        "\nLEFT JOIN session_totals",
        "\nLEFT JOIN session_keys ON session_keys.session_id = sessions.id"
        "\nLEFT JOIN session_totals",
    )
    + "\nWHERE deleted_at IS NULL",
    "DROP TABLE best_efforts",
    "DROP TABLE heart_rate_histograms",
    f"""CREATE TABLE session_keys (
    {_OF_SESSION},
    version INTEGER NOT NULL,
    machine TEXT,
    shape TEXT,
    PRIMARY KEY (session_id)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE best_efforts (
    {_OF_SESSION},
    kind TEXT NOT NULL CHECK (kind IN ('distance', 'time', 'power')),
    target REAL NOT NULL,
    whole INTEGER NOT NULL,
    value REAL NOT NULL,
    amount REAL NOT NULL,
    start_t_ns INTEGER NOT NULL,
    end_t_ns INTEGER NOT NULL,
    PRIMARY KEY (session_id, kind, target, whole)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX best_efforts_by_value ON best_efforts (kind, target, whole, value)",
    f"""CREATE TABLE session_hearts (
    {_OF_SESSION},
    low_bpm INTEGER NOT NULL,
    seconds BLOB NOT NULL,
    known_s REAL NOT NULL,
    unknown_s REAL NOT NULL,
    spikes INTEGER NOT NULL,
    stuck_s REAL NOT NULL,
    metres_per_beat REAL,
    watts_per_beat REAL,
    decoupling REAL,
    correction TEXT NOT NULL,
    rr_count INTEGER NOT NULL,
    rr_corrected INTEGER NOT NULL,
    mean_rr_ms REAL,
    sdnn_ms REAL,
    rmssd_ms REAL,
    pnn50_pct REAL,
    rest_rr_count INTEGER NOT NULL,
    rest_rr_corrected INTEGER NOT NULL,
    rest_mean_rr_ms REAL,
    rest_sdnn_ms REAL,
    rest_rmssd_ms REAL,
    rest_pnn50_pct REAL,
    PRIMARY KEY (session_id)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE session_zones (
    {_OF_SESSION},
    zones_by TEXT,
    names TEXT,
    limits_bpm TEXT,
    top_bpm REAL,
    below_s REAL NOT NULL,
    zone1_s REAL NOT NULL,
    zone2_s REAL NOT NULL,
    zone3_s REAL NOT NULL,
    zone4_s REAL NOT NULL,
    zone5_s REAL NOT NULL,
    unknown_s REAL NOT NULL,
    banister REAL,
    edwards REAL,
    PRIMARY KEY (session_id)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE heart_rates_at_power (
    {_OF_SESSION},
    power_w REAL NOT NULL,
    seconds REAL NOT NULL,
    heart_rate_bpm REAL NOT NULL,
    PRIMARY KEY (power_w, session_id)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX heart_rates_at_power_of_session ON heart_rates_at_power (session_id)",
)
"""Who rows, and what is kept of each session so that years are answered at once.

In `best_efforts` `value` is compared, lower is better: seconds over a distance, and metres or mean
watts over a time as negative numbers; `amount` is the same as people read it."""

_SEGMENTATIONS: Final = (
    "ALTER TABLE segments ADD COLUMN tag TEXT",
    "ALTER TABLE segmentations ADD COLUMN confidence REAL",
    "DROP VIEW v_segments",
    """CREATE VIEW v_segments AS
SELECT segments.session_id, segments.segmentation_id, segmentations.is_default, "index", piece,
    kind, activity, target_type, target_value, start_t_ns / 1e9 AS started_at_s,
    end_t_ns / 1e9 AS ended_at_s, duration_s, distance_m, stroke_count, energy_kcal,
    mean_pace_s_per_500m, mean_power_w, mean_stroke_rate_spm, mean_heart_rate_bpm,
    max_heart_rate_bpm, min_heart_rate_bpm, end_heart_rate_bpm, heart_rate_drop_30s_bpm,
    heart_rate_drop_60s_bpm, heart_rate_drop_120s_bpm, heart_rate_coverage, ended_by, clock,
    round, tag, segmentations.origin AS segmentation_origin, segmentations.text AS segmentation
FROM segments JOIN segmentations ON segmentations.id = segments.segmentation_id""",
)
"""What tells the ways apart in which a session was cut, and warm-up and cool-down from work."""

_DRAG_FACTORS: Final = (
    "ALTER TABLE segments ADD COLUMN drag_factor INTEGER",
    "ALTER TABLE splits ADD COLUMN drag_factor INTEGER",
    "DROP VIEW v_segments",
    _SEGMENTATIONS[-1].replace(
        "heart_rate_coverage, ended_by", "heart_rate_coverage, drag_factor, ended_by"
    ),
)
"""The drag factor of each segment and split."""

_RECOVERIES: Final = tuple(
    f"ALTER TABLE session_hearts ADD COLUMN drop_{seconds}s_bpm REAL" for seconds in (30, 60, 120)
)
"""How far the heart rate fell after a piece of work, on the mean of a session's pieces."""

_EDITS: Final = (
    """CREATE TABLE edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    edited_at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('note', 'tags', 'athlete', 'delete', 'merge')),
    session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    before TEXT NOT NULL,
    undone_at TEXT
) STRICT""",
    "CREATE INDEX edits_of_session ON edits (session_id)",
    "CREATE INDEX merges_into ON merges (into_session_id)",
)
"""What the user changed of sessions, with what it takes to undo it (JSON)."""

_MONTHS: Final = (
    "CREATE INDEX sessions_by_start ON sessions (started_at)",
    """CREATE TABLE month_sums (
    month TEXT NOT NULL,
    athlete_id INTEGER NOT NULL,
    activity TEXT NOT NULL,
    version INTEGER NOT NULL,
    first_started_at TEXT NOT NULL,
    last_started_at TEXT NOT NULL,
    days INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    unkept INTEGER NOT NULL,
    duration_s REAL,
    work_s REAL,
    distance_m REAL,
    work_distance_m REAL,
    paced_s REAL,
    paced_m REAL,
    banister REAL,
    banister_count INTEGER NOT NULL,
    edwards REAL,
    edwards_count INTEGER NOT NULL,
    min_heart_rate_bpm REAL,
    drop_30s_total REAL,
    drop_30s_count INTEGER NOT NULL,
    drop_60s_total REAL,
    drop_60s_count INTEGER NOT NULL,
    drop_120s_total REAL,
    drop_120s_count INTEGER NOT NULL,
    decoupling_total REAL,
    decoupling_count INTEGER NOT NULL,
    metres_per_beat_total REAL,
    metres_per_beat_count INTEGER NOT NULL,
    watts_per_beat_total REAL,
    watts_per_beat_count INTEGER NOT NULL,
    rest_rmssd_total REAL,
    rest_rmssd_count INTEGER NOT NULL,
    PRIMARY KEY (month, athlete_id, activity)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE month_powers (
    month TEXT NOT NULL,
    athlete_id INTEGER NOT NULL,
    activity TEXT NOT NULL,
    power_w REAL NOT NULL,
    seconds REAL NOT NULL,
    beats REAL NOT NULL,
    PRIMARY KEY (month, athlete_id, activity, power_w)
) STRICT, WITHOUT ROWID""",
    "CREATE TABLE stale_months (month TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    "INSERT INTO stale_months SELECT DISTINCT substr(started_at, 1, 7) FROM sessions",
    *(
        f"CREATE TRIGGER {table}_{event.split()[0].lower()} AFTER {event} ON {table} BEGIN "
        f"INSERT OR IGNORE INTO stale_months {month}; END"
        for table in (
            *("session_totals", "session_keys", "session_hearts", "session_zones"),
            "heart_rates_at_power",
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
        for month in (f"SELECT substr(started_at, 1, 7) FROM sessions WHERE id = {row}.session_id",)
    ),
    *(
        f"CREATE TRIGGER sessions_{event.split()[0].lower()} AFTER {event} ON sessions BEGIN "
        f"INSERT OR IGNORE INTO stale_months VALUES {months}; END"
        for event, months in (
            ("INSERT", "(substr(NEW.started_at, 1, 7))"),
            (
                "UPDATE OF started_at, athlete_id, activity, state, deleted_at",
                "(substr(OLD.started_at, 1, 7)), (substr(NEW.started_at, 1, 7))",
            ),
            ("DELETE", "(substr(OLD.started_at, 1, 7))"),
        )
    ),
)
"""What months add up to, and which of them are to be added up anew; see `store_months`.

`athlete_id` 0 is nobody; bit k of `days` is 1 where a session began on day k of the month."""

_STARTS: Final = (
    "ALTER TABLE sessions ADD COLUMN start_from TEXT NOT NULL DEFAULT 'said' "
    "CHECK (start_from IN ('said', 'local', 'day', 'file', 'user'))",
    "UPDATE sessions SET start_from = 'file' WHERE EXISTS (SELECT 1 FROM json_each(header) "
    "WHERE json_extract(value, '$[0]') = 'start')",
    "UPDATE sessions SET header = nullif((SELECT json_group_array(json(value)) "
    "FROM json_each(header) WHERE json_extract(value, '$[0]') <> 'start'), '[]') "
    "WHERE start_from = 'file'",
    "DROP VIEW v_sessions",
    _V_SESSIONS.replace("sessions.note,", "sessions.note, machine, shape,")
    .replace(
        "\nLEFT JOIN session_totals",
        "\nLEFT JOIN session_keys ON session_keys.session_id = sessions.id"
        "\nLEFT JOIN session_totals",
    )
    .replace("late_frames", "late_frames, start_from")
    + "\nWHERE deleted_at IS NULL",
    """CREATE TABLE edits_with_starts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    edited_at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('note', 'tags', 'athlete', 'start', 'delete', 'merge')),
    session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    before TEXT NOT NULL,
    undone_at TEXT
) STRICT""",
    "CREATE INDEX sessions_dated_by_file ON sessions (started_at) WHERE start_from = 'file'",
    "INSERT INTO edits_with_starts SELECT * FROM edits",
    "DROP TABLE edits",
    "ALTER TABLE edits_with_starts RENAME TO edits",
    "CREATE INDEX edits_of_session ON edits (session_id)",
)
"""Where each session's start is from, see `starts`; and that the user can say it."""

MIGRATIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("first_tables", (*_TRUTH, *_ROWS, *_FOR_SPEED, *_VIEWS)),
    ("known_devices", _KNOWN_DEVICES),
    ("outranked_figures", _OUTRANKED_FIGURES),
    ("session_headers", ("ALTER TABLE sessions ADD COLUMN header TEXT",)),
    ("years", _YEARS),
    ("segmentations_told_apart", _SEGMENTATIONS),
    ("drag_factors", _DRAG_FACTORS),
    ("recoveries", _RECOVERIES),
    ("edits", _EDITS),
    ("months", _MONTHS),
    ("starts", _STARTS),
)
"""(name, statements), oldest first. One that was released is never changed."""


class NewerSchemaWarning(UserWarning):
    """A database of a later rowlog is being read: what is new in it is not seen."""


def check_schema(db: sqlite3.Connection, path: Path, *, reading: bool = False) -> int:
    """The schema version of an open database; 0 for one that is empty.

    One of a later rowlog is warned of where it is only for `reading`. Raises ForeignDatabaseError
    for another program's file and SchemaError for a schema from a later rowlog; sqlite3 errors of a
    file that is no database are left to `translated`.
    """
    application_id = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return 0
        raise ForeignDatabaseError(
            f"{path} is a database of another program.", "Name another file with --db.", path=path
        )
    if version > SCHEMA_VERSION and reading:
        warnings.warn(
            f"{path} was written by a later rowlog (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): it is only read, and what is new in it is not shown. "
            "Update rowlog to record into it.",
            NewerSchemaWarning,
            stacklevel=2,
        )
    elif version > SCHEMA_VERSION:
        raise SchemaError(
            f"{path} has schema version {version}, made by a later rowlog; this one knows "
            f"{SCHEMA_VERSION}.",
            "Update rowlog, or name another file with --db.",
            path=path,
            found=version,
            known=SCHEMA_VERSION,
        )
    return version


def open_for_reading(path: str | Path) -> tuple[sqlite3.Connection, Path]:
    """A connection that only reads an existing database, and the file's absolute path.

    A newer schema is warned of. One in a folder that cannot be written is read as it stands. Raises
    NoDatabaseError, ForeignDatabaseError, SchemaError for an older one, and NotWritableError where
    SQLite would have to write to such a folder before it knows what is stored.
    """
    path = Path(path).expanduser().absolute()
    if not path.is_file():
        raise no_database(path)
    with translated(path):
        try:
            return _reading(path, "mode=ro"), path
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            unwritable = code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            if not unwritable or not os.access(path, os.R_OK):
                raise
            left = _left_beside(path)
            if left is not None:
                raise left_beside(path, left) from error
            if holder_of(path) is not None:  # who writes may change pages under the reader
                raise
        # Immutable: SQLite looks for no file beside it, makes none, and takes no lock.
        return _reading(path, "mode=ro&immutable=1"), path


def _left_beside(path: Path) -> Path | None:
    """The log or journal beside a database that is not in its file yet; None where all is."""
    whole = path.resolve()  # SQLite keeps them beside the file, not beside a link to it
    for ending in ("-wal", "-journal"):
        beside = whole.with_name(whole.name + ending)
        if beside.exists() and beside.stat().st_size:
            return beside
    return None


def _reading(path: Path, how: str) -> sqlite3.Connection:
    """A connection for reading by these parameters of SQLite's, of a schema that is known."""
    db = sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        version = check_schema(db, path, reading=True)
        if version == 0 and not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise no_database(path)
        if version < SCHEMA_VERSION:
            raise SchemaError(
                f"{path} has schema version {version}, made by an earlier rowlog; this one "
                f"reads {SCHEMA_VERSION}.",
                f"Bring it up to date, a copy is kept, with: rowlog db rebuild{db_option(path)}",
                path=path,
                found=version,
                known=SCHEMA_VERSION,
            )
    except BaseException:
        db.close()
        raise
    return db


def prepare(path: Path) -> Path | None:
    """Make the database, or bring it up to the newest schema; only for who holds its lock.

    An existing database is copied beside itself before it is changed; returns that copy, None
    when there was nothing to change or to keep. Raises StoreError.
    """
    _make_private(path)
    with translated(path), closing(connect(path)) as db:
        version = check_schema(db, path)
        if version == SCHEMA_VERSION:
            _keep_log(db, path)
            return None
        kept = None
        if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            kept = _copy(db, path, version)
        else:
            # Created in the rollback journal's most careful mode: switching to WAL first can
            # lose the whole file in a power cut on disks that forget a deleted journal.
            db.execute("PRAGMA synchronous=EXTRA")
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _migrate(db)
        _keep_log(db, path)
        return kept


def _make_private(path: Path) -> None:
    """Have a database that does not exist yet belong to its owner alone: it tells of a health.

    SQLite gives the files beside it the same mode. One that exists keeps the mode it was given.
    """
    with suppress(OSError):  # it exists; or SQLite will say what stands in the way
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))


def _keep_log(db: sqlite3.Connection, path: Path) -> None:
    """Have SQLite write to its log first, as a copy or a new file does not yet.

    Not on a disk that forgets or is shared: there the rollback journal stays, see `store_disk`.
    """
    if is_careful(path):
        db.execute("PRAGMA journal_mode=DELETE").fetchall()
        return
    mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(
            f"The disk that holds {path} cannot keep SQLite's write-ahead log.",
            "Name a database on a local disk with --db.",
            path=path,
        )


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may write, with the settings that every one of ours has.

    It may be used from another thread than the one that made it, by one at a time.
    """
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA cache_size=-1000")  # kB: appending needs little
        if sys.platform == "darwin":  # fsync alone does not reach the medium there
            db.execute("PRAGMA fullfsync=ON")
            db.execute("PRAGMA checkpoint_fullfsync=ON")
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection) -> None:
    # Imported here since it takes longer than everything else that a command does.
    from sqlite_utils import Database, Migrations

    migrations = Migrations("rowlog")
    for name, statements in MIGRATIONS:

        def run(database: Database, statements: tuple[str, ...] = statements) -> None:
            for statement in statements:
                database.execute(statement)

        migrations(name=name)(run)
    database = Database(db)
    with database.atomic():
        migrations.apply(database)
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _copy(db: sqlite3.Connection, path: Path, version: int) -> Path:
    stamp = wall_now().strftime("%Y-%m-%d-%H%M%S")
    name = f"{path.stem}-before-schema-{version + 1}-{stamp}"
    for count in range(1, 100):  # one of the same second is that of a migration that was killed
        kept = path.with_name(f"{name}{'' if count == 1 else f'-{count}'}{path.suffix}")
        try:
            kept.touch(PRIVATE, exist_ok=False)
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise not_writable(error, kept) from error
    with closing(sqlite3.connect(kept)) as copy:
        db.backup(copy)
    return kept
