"""Looks for bytes that break a reader, guided by what code they reach.

    python -m benchmarks.fuzz                         the targets
    python -m benchmarks.fuzz ftms --seconds 300      one of them
    python -m benchmarks.fuzz all --seconds 2         each of them, several at a time
    python -m benchmarks.fuzz ftms --input FILE       once, with these bytes

Guidance needs atheris, for which there are wheels on Linux only:
`pip install -c constraints.txt -e ".[fuzz]"`. A run begins with bytes from `fixtures/`, from the
protocols' tables and from `tests/corpus/`, and tells in base64 what broke a reader. Mend it, and
give that line to `tests/corpus/TARGET.txt`, where `tests/test_fuzz.py` finds it. `--keep N` adds
the N shortest inputs that reached code no other had.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CORPUS: Final = ROOT / "tests" / "corpus"
FIXTURES: Final = ROOT / "fixtures"
MOST_BYTES: Final = 4096
SLOW_S: Final = 5
"""An input that takes longer breaks the reader too."""
MEMORY_MB: Final = 768
STEPS_NS: Final = (0, 10**7, 10**9, 10**11)
"""How much later than the one before a frame may come: its two highest bits choose."""
SERIAL: Final = ("csafe", "fdf", "impulses", "kettler", "waterrower", "waterrower_s3")
DATED: Final = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
FILED: Final = ("sample", "stroke", "heart_rate", "lap", "totals", "summary")
"""Channels of what an imported file is made into."""
PLAN: Final = "2x100m/0:10r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader of bytes from outside, which must read or refuse whatever comes."""

    name: str
    check: Callable[[bytes], None]
    """Raises for bytes that break the reader."""
    seeds: Callable[[], Iterator[bytes]]
    """Bytes of the kind that it is for."""


# ------------------------------------------------------------- frames of a device, as bytes


def channels_of(driver: str) -> list[str]:
    """What frames of a driver come in, and what they must not come in but may."""
    from rowlog_drivers.catalog import DRIVERS

    about = DRIVERS[driver]
    radio = about.bluetooth
    notified = [] if radio is None else [*radio.notify, *radio.reads]
    filed = FILED if driver == "workout_file" else ()
    return [*dict.fromkeys((*notified, *filed, "rx", "tx", "link", "usb", "2ad1"))]


def read_bytes(driver: str, content: bytes) -> Iterator[tuple[int, str, bool, bytes]]:
    """(t_ns, channel, sent, payload): a byte for the channel and the pause, one for the length."""
    channels, at, t_ns = channels_of(driver), 0, 0
    while at + 1 < len(content):
        head, length = content[at], content[at + 1]
        t_ns += STEPS_NS[head >> 6]
        channel = channels[(head & 31) % len(channels)]
        yield t_ns, channel, bool(head & 32), content[at + 2 : at + 2 + length]
        at += 2 + length


def frames_as_bytes(driver: str, frames: Iterator[tuple[str, bool, bytes]]) -> bytes:
    """The inverse, each frame 10 ms after the one before."""
    channels, written = channels_of(driver), bytearray()
    for channel, sent, payload in frames:
        if channel in channels and len(written) < MOST_BYTES - 300:
            head = 64 | (32 if sent else 0) | channels.index(channel)
            written += bytes((head, len(payload[:255]))) + payload[:255]
    return bytes(written)


def check_decoder(driver: str, content: bytes) -> None:
    """A decoder takes each frame, and tells under the time of that frame."""
    from rowlog_drivers.catalog import make_decoder
    from rowlog_drivers.frames import Frame
    from rowlog_drivers.interface import Dialogue

    decoder, t_ns = make_decoder(driver), 0
    for t_ns, channel, sent, payload in read_bytes(driver, content):
        if isinstance(decoder, Dialogue):
            decoder.next_request(t_ns)
        frame = Frame(t_ns=t_ns, source="rower", channel=channel, payload=payload, sent=sent)
        for record in decoder.decode(frame):
            assert record.source == "rower", record
            assert record.t_ns <= t_ns, record
    decoder.finish(t_ns)


def check_session(content: bytes) -> None:
    """A whole session of such frames is derived, whatever its records say."""
    from rowlog.derivation import Derivation
    from rowlog.notation import parse
    from rowlog_drivers.catalog import make_decoding
    from rowlog_drivers.frames import Frame, SourceHeader

    decoding = make_decoding(
        [SourceHeader(name="rower", driver="ftms"), SourceHeader(name="strap", driver="heart_rate")]
    )
    derivation, t_ns = Derivation(parse(PLAN)), 0
    for t_ns, channel, sent, payload in read_bytes("ftms", content):
        source = "strap" if channel in ("rx", "usb") else "rower"
        channel = {"rx": "2a37", "usb": "link"}.get(channel, channel)
        if t_ns < 30 * 3600 * 10**9:
            frame = Frame(t_ns=t_ns, source=source, channel=channel, payload=payload, sent=sent)
            derivation.take((decoding.deliver(frame),))
    derivation.finish(min(t_ns, 30 * 3600 * 10**9), ())


def check_cuts(content: bytes) -> None:
    """What comes over a cable is the same wherever its bytes are cut."""
    from rowlog_drivers.catalog import make_decoder
    from rowlog_drivers.frames import Frame

    if len(content) < 2:
        return
    driver = SERIAL[content[0] % len(SERIAL)]
    options = (("link", "serial"),) if driver == "csafe" else ()
    size, stream = content[1] % 16 + 1, content[2:]
    told = []
    for step in (size, len(stream) + 1):
        decoder = make_decoder(driver, options)
        told.append(
            [
                record
                for at in range(0, len(stream), step)
                for record in decoder.decode(
                    Frame(t_ns=0, source="rower", channel="rx", payload=stream[at : at + step])
                )
            ]
        )
    assert told[0] == told[1], (driver, size, *told)


# ----------------------------------------------------------------------------- files and text


def check_frames_file(content: bytes) -> None:
    """A recording is read and written again as it was, or refused."""
    from rowlog_drivers.errors import FramesError
    from rowlog_drivers.frames import read_frames, write_frames

    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "x.frames", Path(folder) / "y.frames"
        path.write_bytes(content)
        try:
            opened = read_frames(path)
            header, frames = opened.header, list(opened)
        except FramesError:
            return
        write_frames(again, header, frames)
        assert list(read_frames(again)) == frames


def check_block(content: bytes) -> None:
    """A compressed block is read, or refused."""
    from rowlog.archive import BlockError, decode_block, encode_block

    try:
        frames = decode_block(content)
    except BlockError:
        return
    if frames:
        assert decode_block(encode_block(frames)) == frames


def check_notation(content: bytes) -> None:
    """A plan is read, and reads the same in its own words, or is refused at a place in it."""
    from rowlog.notation import NotationError, canonical, parse

    text = content.decode("utf-8", "surrogateescape")
    try:
        plan = parse(text)
    except NotationError as error:
        assert 0 <= error.position <= len(text)
        return
    assert parse(canonical(plan)) == plan, canonical(plan)


def check_workouts(content: bytes) -> None:
    """The user's own workouts are read, and each fault has its line."""
    from rowlog.workouts import read_own

    text = content.decode("utf-8", "replace")
    _, faults = read_own(text)
    for fault in faults:
        assert 0 <= fault.line <= text.count("\n") + 1, fault


def check_import(content: bytes) -> None:
    """A stranger's file becomes sessions, or is refused in a sentence."""
    from rowlog.importing_sessions import FAULTS, parts_of
    from rowlog.imports import unpacked

    with suppress(*FAULTS):
        parts_of("x", unpacked("x", content), DATED, None, frozenset())


def check_archive(content: bytes) -> None:
    """An archive is gone through, or refused in a sentence."""
    from rowlog.imports import ImportFault
    from rowlog.imports.archives import is_archive, members

    with tempfile.TemporaryDirectory() as folder, suppress(ImportFault):
        path = Path(folder) / "x"
        path.write_bytes(content)
        if is_archive(path):
            for member in members(path):
                assert member.name.isprintable(), member.name


# -------------------------------------------------------------------------------------- seeds

PROTOCOLS: Final = {
    "csafe": "csafe", "esp_rowing": "esp_rowing", "fdf": "fdf", "impulses": "pulse_text",
    "kettler": "kettler", "pm5": "pm5_ble", "smartrow": "smartrow", "waterrower": "wr_s4",
    "waterrower_s3": "wr_s3",
}  # fmt: skip
"""By driver, what the tables of protocols call it."""


def table(driver: str) -> Iterator[tuple[str, bool, bytes]]:
    """The examples of the protocol's table: (channel, sent, payload)."""
    folder = ROOT / "tests" / "vectors"
    for one in json.loads((folder / "vectors_ble.json").read_text("utf-8"))["vectors"]:
        if driver in ("ftms", "heart_rate", "esp_rowing"):
            yield from ((one["characteristic"], False, bytes.fromhex(f)) for f in one["frames"])
    for one in json.loads((folder / "vectors_machines.json").read_text("utf-8"))["vectors"]:
        if one["protocol"] != PROTOCOLS.get(driver):
            continue
        channel = str(one.get("char") or ("1236" if driver == "smartrow" else "rx"))
        if "hex" in one:
            yield channel, False, bytes.fromhex(one["hex"])
        for key, sent in (("tx", True), ("rx", False), ("items", False)):
            said = one.get(key) or ()
            if key == "items":
                said = [line for _, line in said] if driver == "impulses" else ()
            for line in [said] if isinstance(said, str) else said:
                binary = driver == "csafe"
                payload = bytes.fromhex(line) if binary else f"{line}\r\n".encode()
                yield "tx" if sent else channel, sent, payload


def recorded(driver: str) -> Iterator[bytes]:
    """The beginnings of our own recordings of such a device."""
    from rowlog_drivers.frames import read_frames

    for path in sorted(FIXTURES.rglob("*.frames*")):
        opened = read_frames(path)
        names = {source.name for source in opened.header.sources if source.driver == driver}
        if names:
            taken = ((f.channel, f.sent, f.payload) for f in opened if f.source in names)
            yield frames_as_bytes(driver, taken)


def decoder_seeds(driver: str) -> Iterator[bytes]:
    """Recordings, and the protocol's examples one by one and one after the other."""
    yield from recorded(driver)
    if driver == "workout_file":
        yield from filed_seeds()
    examples = list(table(driver))
    yield from (frames_as_bytes(driver, iter([one])) for one in examples)
    yield frames_as_bytes(driver, iter(examples))


def filed_seeds() -> Iterator[bytes]:
    """What the files of other programs are made into."""
    from rowlog.importing_sessions import frames_of
    from rowlog.imports import ImportFault, read

    for content in import_seeds():
        with suppress(ImportFault):
            for workout in read("x", content):
                taken = ((f.channel, f.sent, f.payload) for f in frames_of(workout))
                yield frames_as_bytes("workout_file", taken)


def cut_seeds() -> Iterator[bytes]:
    """Streams of each cable."""
    for place, driver in enumerate(SERIAL):
        heard = [payload for _, sent, payload in table(driver) if not sent]
        yield bytes((place, 6)) + b"".join(heard)[: MOST_BYTES - 2]


def frames_seeds() -> Iterator[bytes]:
    """The beginnings of our own recordings."""
    for path in sorted(FIXTURES.rglob("*.frames")):
        lines = path.read_bytes().splitlines(keepends=True)
        yield b"".join(lines[:40])[:MOST_BYTES].rpartition(b"\n")[0] + b"\n"


def block_seeds() -> Iterator[bytes]:
    """Blocks of recorded frames."""
    from rowlog.archive import encode_block
    from rowlog_drivers.frames import read_frames

    for path in sorted(FIXTURES.rglob("*.frames")):
        yield encode_block(list(read_frames(path))[:20])


def notation_seeds() -> Iterator[bytes]:
    """The plans of the library."""
    from rowlog.workouts_known import KNOWN

    yield from (workout.plan.encode() for workout in KNOWN)


def workouts_seeds() -> Iterator[bytes]:
    """A file as the documentation has it, and one with a slip."""
    yield b'[tuesday]\nplan = "8x500m/1:30r"\nabout = "Hard."\ngroup = "Club"\n\n[b]\nplan = "2k"\n'
    yield b'[a]\nplan = "8x500m/1:30r\n[b]\nplna = "2k"\n[a]\nplan = 3\n["x y"]\n'


def import_seeds() -> Iterator[bytes]:
    """What rowlog writes of a short session, and the heads of tables that it reads."""
    from rowlog.exporting import ExportError, export, format_for
    from rowlog.replaying import replay_file

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "rowlog.db"
        number = replay_file(FIXTURES / "ftms" / "stop_in_the_middle_750m.frames", database)
        for name in ("fit", "tcx", "rowingdata", "strokes", "rr"):
            path = Path(folder) / name
            with suppress(ExportError):  # there was no strap
                export(database, [number], path, format_for(path, name), folder=False)
                yield path.read_bytes()[:MOST_BYTES]
    yield from frames_seeds()
    yield (
        b"Number,Time (seconds),Distance (meters),Pace (seconds),Watts,Cal/Hr,Stroke Rate,"
        b"Heart Rate\n1,1.6,5.1,130.1,150,800,24,120\n2,4.1,15.5,129.0,151,801,24,121\n"
    )
    yield b"812\n803\n797\n" * 20


def archive_seeds() -> Iterator[bytes]:
    """A zip and a tar of a small table."""
    import io
    import tarfile
    import zipfile

    zipped, taped = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a/x.csv", b"1,2\n" * 9)
    with tarfile.open(fileobj=taped, mode="w") as tape:
        member = tarfile.TarInfo("a/x.csv")
        member.size = 36
        tape.addfile(member, io.BytesIO(b"1,2\n" * 9))
    yield zipped.getvalue()
    yield taped.getvalue()[:1536]


def targets() -> dict[str, Target]:
    """All readers of bytes from outside, by name."""
    from rowlog_drivers.catalog import DRIVERS

    found = [
        Target(name=name, check=partial(check_decoder, name), seeds=partial(decoder_seeds, name))
        for name in DRIVERS
    ]
    found += [
        Target(name="cuts", check=check_cuts, seeds=cut_seeds),
        Target(name="session", check=check_session, seeds=partial(decoder_seeds, "ftms")),
        Target(name="frames", check=check_frames_file, seeds=frames_seeds),
        Target(name="block", check=check_block, seeds=block_seeds),
        Target(name="notation", check=check_notation, seeds=notation_seeds),
        Target(name="workouts", check=check_workouts, seeds=workouts_seeds),
        Target(name="import", check=check_import, seeds=import_seeds),
        Target(name="archive", check=check_archive, seeds=archive_seeds),
    ]
    return {target.name: target for target in found}


def kept(name: str) -> list[bytes]:
    """What the corpus holds for a target: a line of base64 an input."""
    path = CORPUS / f"{name}.txt"
    lines = path.read_text("ascii").split() if path.exists() else []
    return [base64.b64decode(line, validate=True) for line in lines]


# ------------------------------------------------------------------------------------ running


def fuzz(name: str, folder: Path, flags: Sequence[str]) -> None:
    """Run the fuzzer in this process, which ends with it."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["rowlog", "rowlog_drivers", "fitdecode", "tomllib"]):
        target = targets()[name]
        for seed in (b"", *target.seeds()):  # imports what the target needs
            target.check(seed)
    atheris.Setup([sys.argv[0], *flags, str(folder)], target.check)
    atheris.Fuzz()


def child(name: str, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """The fuzzer as a process of its own."""
    command = [sys.executable, "-m", "benchmarks.fuzz", name, "--within", str(folder), *flags]
    path = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    )  # fmt: skip


def run(name: str, seconds: int, keep: int) -> tuple[str, bool]:
    """Fuzz a target; what to say of it, and whether it held."""
    target = targets()[name]
    with tempfile.TemporaryDirectory() as made:
        folder, broken = Path(made) / "inputs", Path(made) / "broken"
        for one in (folder, broken):
            one.mkdir()
        for place, content in enumerate([*target.seeds(), *kept(name)]):
            (folder / f"{place:04d}").write_bytes(content[:MOST_BYTES])
        started = time.monotonic()
        done = child(
            name, folder, f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}",
            f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={broken}/",
            "-print_final_stats=1",
        )  # fmt: skip
        stats = dict(
            line.removeprefix("stat::").replace(" ", "").split(":", 1)
            for line in done.stdout.splitlines()
            if line.startswith("stat::")
        )
        said = (
            f"{name:<14}{int(stats.get('number_of_executed_units', 0)):>9,} inputs, "
            f"{int(stats.get('new_units_added', 0)):>5} of them new, "
            f"{time.monotonic() - started:5.1f} s"
        )
        found = sorted(broken.iterdir())
        if done.returncode != 0 or found:
            texts = [base64.b64encode(path.read_bytes()).decode() for path in found]
            return "\n".join([f"{said}  BROKEN", done.stdout[-3000:], *texts]), False
        if keep:
            new = [path for path in folder.iterdir() if len(path.name) == 40]  # named by libFuzzer
            shortest = sorted(new, key=lambda path: path.stat().st_size)
            add(name, [path.read_bytes() for path in shortest[:keep]])
        return f"{said}  ok", True


def add(name: str, contents: Sequence[bytes]) -> None:
    """More inputs for a target's corpus."""
    CORPUS.mkdir(exist_ok=True)
    lines = (base64.b64encode(one).decode() for one in [*kept(name), *contents] if one)
    (CORPUS / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")


def main() -> None:
    """Fuzz what the command names; exit status 1 when a reader broke, 2 for a wrong call."""
    parser = argparse.ArgumentParser(description="Looks for bytes that break a reader.")
    parser.add_argument("target", nargs="?", help="one of the targets, or all")
    parser.add_argument("--seconds", type=int, default=30, help="how long, each")
    parser.add_argument("--keep", type=int, default=0, help="so many inputs join the corpus")
    parser.add_argument("--input", type=Path, help="bytes to try once instead")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    call, flags = parser.parse_known_args()
    if call.within is not None:
        fuzz(call.target, call.within, flags)  # before anything is imported that it looks into
    known = targets()
    if call.target is None:
        print("\n".join(known))
        return
    if call.target not in (*known, "all"):
        parser.error(f"there is no target {call.target}; there are {', '.join(known)}")
    if call.input is not None:
        known[call.target].check(call.input.read_bytes())
        return
    if find_spec("atheris") is None:
        print('atheris is missing: pip install -c constraints.txt -e ".[fuzz]"')
        sys.exit(1)
    names = list(known) if call.target == "all" else [call.target]
    held = True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for said, well in pool.map(lambda name: run(name, call.seconds, call.keep), names):
            print(said, flush=True)
            held = held and well
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
