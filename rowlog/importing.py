"""Imports: a file's workouts through the recording path, each once, with the file's bytes kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rowlog import imports
from rowlog.editing import delete_sessions, purge_session
from rowlog.imports.archives import is_archive, members
from rowlog.imports.workout import ImportFault, Point, Workout, plan_of
from rowlog.notation import NotationError, parse
from rowlog.plan import Plan
from rowlog.replaying import record_frames, replay_file
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog_drivers.errors import FramesError, UnknownDriverError
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader
from rowlog_drivers.protocols.workout_file import encode

SOURCE: Final = "file"
_FRAMES: Final = b"# rowlog-frames "


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file."""

    file: Path
    sessions: tuple[int, ...] = ()
    """New ones; () when it was imported before, or cannot be read."""
    known: bool = False
    """Whether the same content was imported before."""
    overlaps: tuple[int, ...] = ()
    """Sessions that were there and of the same time: recordings of the same workout."""
    fault: str | None = None


def import_files(
    database: Path,
    files: Sequence[Path],
    *,
    athlete: str | None = None,
    on_file: Callable[[Imported], None] | None = None,
) -> list[Imported]:
    """Take in files, one after the other; a folder's files in order of their names.

    A file that cannot be read is told and leaves nothing behind; the others are taken in.
    """
    done = []
    for file in _files(files):
        for imported in _import_file(database, file, athlete):
            done.append(imported)
            if on_file is not None:
                on_file(imported)
    return done


def count_files(files: Sequence[Path]) -> int:
    """How many there are, folders looked into, archives counted as one."""
    return sum(1 for _ in _files(files))


def _import_file(database: Path, file: Path, athlete: str | None) -> Iterator[Imported]:
    """What became of a file, or of each in an archive."""
    try:
        if not is_archive(file):
            yield _tried(file, lambda: _import(database, file, athlete))
            return
        for name, content in members(file):
            inner = file / name
            if isinstance(content, ImportFault):
                yield Imported(file=inner, fault=str(content))
                continue
            yield _tried(inner, partial(_import, database, inner, athlete, content, file))
    except (ImportFault, OSError) as error:
        yield _failed(file, error)


def _tried(file: Path, work: Callable[[], Imported]) -> Imported:
    try:
        return work()
    except (ImportFault, OSError, FramesError, NotationError, UnknownDriverError) as error:
        return _failed(file, error)


def _failed(file: Path, error: Exception) -> Imported:
    if isinstance(error, OSError):
        fault = f"{file} cannot be read: {error.strerror or error}."
        return Imported(file=file, fault=fault)
    return Imported(file=file, fault=str(error))


def _files(named: Sequence[Path]) -> Iterator[Path]:
    for path in named:
        if path.is_dir():
            yield from sorted(
                inner
                for inner in path.rglob("*")
                if inner.is_file() and not inner.name.startswith(".")
            )
        else:
            yield path


def _import(
    database: Path,
    file: Path,
    athlete: str | None,
    content: bytes | None = None,
    dated_by: Path | None = None,
) -> Imported:
    if content is None:
        if file.stat().st_size > imports.MOST_BYTES:
            raise ImportFault(
                f"{file.name} is too large for a workout.", "Name that of one workout."
            )
        content = file.read_bytes()
    content = imports.unpacked(file.name, content)
    if _known(database, content):
        return Imported(file=file, known=True)
    if content.startswith(_FRAMES):
        return _import_frames(database, file, athlete, content)
    workouts = imports.read(file.name, content)
    changed_at = datetime.fromtimestamp((dated_by or file).stat().st_mtime, UTC)
    numbers: list[int] = []
    unkept: list[int] = []
    overlaps: list[int] = []
    try:
        for workout in workouts:
            part = workout.content
            if part is not None and _known(database, part):
                continue
            started_at = workout.started_at or changed_at - timedelta(seconds=workout.end_s)
            if workout.started_at is not None:
                overlaps += [
                    known
                    for known in _overlapping(database, started_at, workout.end_s)
                    if known not in numbers
                ]
            number = _record(database, file, workout, started_at, athlete)
            numbers.append(number)
            unkept.append(number)
            if part is not None:
                _keep(database, unkept, file.name, part, workout.format)
                unkept.clear()
        if unkept:
            _keep(database, unkept, file.name, content, workouts[0].format)
            unkept.clear()
    finally:
        if unkept:  # broken off between a session and the bytes that it is known by
            _forget(database, unkept)
    return Imported(file=file, sessions=tuple(numbers), overlaps=tuple(overlaps), known=not numbers)


def _forget(database: Path, numbers: Sequence[int]) -> None:
    delete_sessions(database, numbers)
    for number in numbers:
        purge_session(database, number)


def _known(database: Path, content: bytes) -> bool:
    with Store.open_writer(database) as store:
        return store.import_known(sha256(content).hexdigest())


def _keep(database: Path, numbers: list[int], name: str, content: bytes, importer: str) -> None:
    with Store.open_writer(database) as store:
        store.keep_import(numbers, name, sha256(content).hexdigest(), importer, content)


def _import_frames(database: Path, file: Path, athlete: str | None, content: bytes) -> Imported:
    """A recording's frames, as `rowlog replay` takes them, but never twice."""
    with TemporaryDirectory(prefix="rowlog-") as folder:
        copy = Path(folder) / "import.frames"
        copy.write_bytes(content)
        number = replay_file(copy, database, athlete=athlete)
    try:
        _keep(database, [number], file.name, content, "frames")
    except BaseException:
        _forget(database, [number])
        raise
    return Imported(file=file, sessions=(number,))


def _record(
    database: Path, file: Path, workout: Workout, started_at: datetime, athlete: str | None
) -> int:
    dated = () if workout.started_at is not None else (("start", "unknown, by the file's date"),)
    header = FramesHeader(
        sources=(SourceHeader(name=SOURCE, driver="workout_file"),),
        started_at=started_at,
        end_ns=round(workout.end_s * 1e9),
        note=workout.note,
        extra=(("format", workout.format), *dated),
    )
    return record_frames(
        list(frames_of(workout)),  # whole before a session begins
        header,
        database,
        plan=_plan(workout),
        athlete=athlete or workout.athlete,
        origin=file.name,
    )


def frames_of(workout: Workout) -> Iterator[Frame]:
    """The workout as frames of the `workout_file` driver, in order of time."""
    first = workout.points[0] if workout.points else None
    if first is not None and first.distance_m and first.t_s > 0:
        yield Frame(
            t_ns=0,
            source=SOURCE,
            channel="sample",
            payload=encode("sample", elapsed_s=0.0, distance_m=0.0),
        )
    for point in workout.points:
        t_ns = round(point.t_s * 1e9)
        for channel, payload in _records(point):
            yield Frame(t_ns=t_ns, source=SOURCE, channel=channel, payload=payload)
    if workout.summary is not None:
        said = asdict(workout.summary)
        t_ns = said.pop("t_ns")
        del said["source"]
        payload = encode("summary", **said)
        yield Frame(t_ns=t_ns, source=SOURCE, channel="summary", payload=payload)


def _records(point: Point) -> Iterator[tuple[str, bytes]]:
    if any(
        value is not None
        for value in (point.distance_m, point.stroke_rate_spm, point.power_w, point.stroke)
    ):
        yield (
            "sample",
            encode(
                "sample",
                elapsed_s=point.t_s,
                distance_m=point.distance_m,
                stroke_rate_spm=point.stroke_rate_spm,
                pace_s_per_500m=point.pace_s_per_500m,
                power_w=point.power_w,
                energy_kcal=point.energy_kcal,
                drag_factor=point.drag_factor,
            ),
        )
    if point.stroke is not None:
        yield (
            "stroke",
            encode(
                "stroke",
                number=point.stroke,
                stroke_rate_spm=point.stroke_rate_spm,
                power_w=point.power_w,
                distance_m=point.stroke_distance_m,
                drive_s=point.drive_s,
                recovery_s=point.recovery_s,
                drive_length_m=point.drive_length_m,
                work_j=point.work_j,
                peak_force_n=point.peak_force_n,
                mean_force_n=point.mean_force_n,
            ),
        )
    if point.heart_rate_bpm is not None or point.rr_ms:
        yield (
            "heart_rate",
            encode("heart_rate", heart_rate_bpm=point.heart_rate_bpm or 0, rr_ms=point.rr_ms),
        )


def _plan(workout: Workout) -> Plan | None:
    text = workout.plan
    if text is None or ("cal" in text and all(p.energy_kcal is None for p in workout.points)):
        text = plan_of(workout.laps)
    if text is None:
        return None
    try:
        return parse(text)
    except NotationError:
        return None


def _overlapping(database: Path, started_at: datetime, seconds: float) -> list[int]:
    """The sessions that cover over half of a stretch of time."""
    ended_at = started_at + timedelta(seconds=seconds)
    found = []
    with open_reader(database) as reader:
        for session in reader.sessions():
            if session.ended_at is None:
                continue
            shared = min(ended_at, session.ended_at) - max(started_at, session.started_at)
            if shared.total_seconds() > 0.5 * seconds:
                found.append(session.id)
    return found
