"""The live view in a terminal: what it draws, and that it leaves the terminal as it was."""

from __future__ import annotations

import itertools
import os
import re
import select
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.board import strip_of
from rowlog.cues import Cue, Cues
from rowlog.live import Live, Source, Trace
from rowlog.notation import parse
from rowlog.recording import record
from rowlog.render import pace, whole
from rowlog.render_live import Shown, draw, phase_words
from rowlog.render_live_canvas import Canvas, big_rows, big_width, plot
from rowlog.render_live_parts import places
from rowlog.screen import until_change_s
from rowlog.screen_terminal import Terminal
from rowlog.sounds import TONES, Sounder, words, write_tone
from rowlog.standing import Held
from rowlog.summary import load
from rowlog.viewing import Controls, Feed
from rowlog.zones import Zones
from rowlog_drivers.addresses import parse_address
from tests.support import ROOT, Locked, Process, environment, run
from tests.terminal import ENTER, LEAVE, InTerminal

SIZES: Final = [(1, 1), (20, 5), (40, 12), (60, 20), (80, 24), (120, 40), (200, 60)]
SIM: Final = ("--rower", "sim:rower?speed=20", "--strap", "sim:strap?speed=20")
SGR: Final = re.compile(rb"\x1b\[([0-9;]*)m")


class Watching:
    """A view that keeps every picture."""

    name = "The watcher"

    def __init__(self) -> None:
        self.seen: list[Live] = []

    def run(self, feed: Feed, controls: Controls) -> None:
        after = 0
        while (live := feed.wait(after)) is not None:
            self.seen.append(live)
            after = live.number


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Live]:
    """All pictures of two rowed pieces with a rest between them."""
    watching = Watching()
    record(
        tmp_path_factory.mktemp("view") / "rowlog.db",
        parse_address("sim:rower?speed=30"),
        parse_address("sim:strap?speed=30"),
        plan=parse("2x200m@r28/0:20r"),
        for_s=150,
        views=(watching,),
    )
    return watching.seen


def at(seen: list[Live], phase: str, number: int = 1) -> Live:
    """A picture in the middle of a phase, where a busy computer heard the devices just before."""
    found = [
        live
        for live in seen
        if (live.moment.standing.phase, live.moment.standing.number) == (phase, number)
    ]
    middle = found[len(found) // 4 : len(found) * 3 // 4 + 1]
    return min(middle, key=lambda live: max(0.0, live.moment.t_s - (live.heard_s or 0.0) - 1.0))


# ------------------------------------------------------------------------------------ drawing


@pytest.mark.parametrize("size", SIZES)
def test_every_picture_fits_every_screen(seen: list[Live], size: tuple[int, int]) -> None:
    for live in seen[:: max(1, len(seen) // 25)]:
        for shown in (Shown(), Shown(help=True, asking=True, news="n" * 300)):
            canvas = draw(live, shown, *size)
            assert (len(canvas.cells), len(canvas.cells[0])) == (size[1], size[0])


@pytest.mark.parametrize(("size", "scale"), [((80, 24), 2), ((120, 40), 4)])
def test_the_large_numbers_are_those_of_the_moment(
    seen: list[Live], size: tuple[int, int], scale: int
) -> None:
    live = at(seen, "work")
    now = live.moment
    canvas = draw(live, Shown(), *size)
    # Banner, strip (with labels on the tall one), and the line of what comes: then the panels.
    top = 3 if size[1] == 24 else 6
    assert canvas.lines()[top].startswith("PACE /500 m")
    assert large(canvas, 0, top + 1, pace(now.pace_s_per_500m).partition(".")[0], scale)
    to_go = now.standing.to_go
    assert to_go is not None
    x = canvas.lines()[top].index("TO GO m")
    assert large(canvas, x, top + 1, str(-int(-to_go // 1)), scale)
    middle = next(y for y, line in enumerate(canvas.lines()) if line.startswith("RATE spm"))
    assert large(canvas, 0, middle + 1, whole(now.stroke_rate_spm), scale)
    x = canvas.lines()[middle].index("HEART")
    assert large(canvas, x, middle + 1, whole(now.heart_rate_bpm), scale)


def large(canvas: Canvas, x: int, y: int, text: str, scale: int) -> bool:
    """Whether a text stands there in letters of that scale."""
    wanted = Canvas(big_width(text, scale), big_rows(scale))
    wanted.big(0, 0, text, scale)
    found = [row[x : x + wanted.width] for row in canvas.cells[y : y + wanted.height]]
    return found == wanted.cells


def test_without_unicode_all_is_ascii(seen: list[Live]) -> None:
    for live in (at(seen, "work"), at(seen, "rest"), seen[0], seen[-1]):
        text = "\n".join(draw(live, Shown(unicode=False, help=True), 80, 24).lines())
        assert text.isascii()
        assert "#" in text


def test_a_rest_shows_what_comes_and_when(seen: list[Live]) -> None:
    live = at(seen, "rest")
    lines = draw(live, Shown(), 80, 24).lines()
    assert lines[0].startswith(" REST 1/2")
    assert "NEXT @ 28 spm" in lines[3]
    assert "ROW IN" in lines[3]
    assert any(line.startswith("LAST /500 m") for line in lines)
    table = next(y for y, line in enumerate(lines) if line.startswith("  # piece"))
    assert lines[table + 1].startswith("  1 200m")


def test_a_piece_says_what_it_comes_to(seen: list[Live]) -> None:
    """100 m in 24 s is 2:00.0 /500 m; the 200 m make 48 s of it."""
    live = at(seen, "work")
    where = replace(live.moment.standing, seconds=24.0, metres=100.0, to_go=100.0)
    line = draw(replace(live, moment=replace(live.moment, standing=where)), Shown(), 80, 24)
    assert line.lines()[2] == " now 200 m · then rest 0:20 · mean 2:00.0 · makes 0:48.0"


def test_a_rest_says_how_far_the_heart_has_fallen(seen: list[Live]) -> None:
    live = at(seen, "rest")
    (rep,) = live.reps
    fallen = replace(
        live,
        reps=(replace(rep, end_heart_rate_bpm=171.0),),
        moment=replace(live.moment, heart_rate_bpm=140.0),
    )
    assert "HEART -31 since" in "\n".join(draw(fallen, Shown(), 80, 24).lines())


@pytest.mark.parametrize(
    ("phase", "left_s", "words", "style"),
    [
        ("rest", 3.0, "ROW IN 3", "hurry"),
        ("rest", 2.01, "ROW IN 3", "hurry"),
        ("rest", 0.0, "ROW IN 1", "hurry"),
        ("rest", 3.2, "REST 1/2", "rest"),
        ("work", 1.5, "STOP IN 2", "hurry"),
    ],
)
def test_the_last_seconds_are_counted_down(
    seen: list[Live], phase: str, left_s: float, words: str, style: str
) -> None:
    assert phase_words(replace(at(seen, phase), countdown_s=left_s)) == (words, style)


@pytest.mark.parametrize(
    ("held", "said", "sign"),
    [
        (("stroke_rate_spm", 24.0, 26.0, "below"), "24–26 UP", "▲"),
        (("stroke_rate_spm", 24.0, 26.0, "above"), "24–26 DOWN", "▼"),
        (("stroke_rate_spm", 24.0, 26.0, "in"), "24–26 ✓ in", ""),
        (("pace_s_per_500m", 115.0, 120.0, "below"), "1:55.0–2:00.0 SLOWER", "▼"),
        (("pace_s_per_500m", None, 120.0, "above"), "≤2:00.0 FASTER", "▲"),
        (("power_w", 180.0, None, "below"), "from 180 MORE", "▲"),
    ],
)
def test_guidance_is_told_in_words_and_signs(
    seen: list[Live], held: tuple[str, float | None, float | None, str], said: str, sign: str
) -> None:
    quantity, low, high, state = held
    one = Held(quantity=quantity, low=low, high=high, value=1.0, state=state)  # type: ignore[arg-type]
    live = at(seen, "work")
    live = replace(live, moment=replace(live.moment, guidance=(one,)))
    text = "\n".join(draw(live, Shown(), 120, 30).lines())
    assert said in text
    # Beside the number a large arrow stands: its shaft is five dots wide at the head.
    arrow = Canvas(10, 5)
    arrow.big(0, 0, sign or "▲", 2)
    rows = draw(live, Shown(), 120, 30).cells
    shown = any(
        [row[x : x + 10] for row in rows[y : y + 5]] == arrow.cells
        for y in range(26)
        for x in range(110)
    )
    assert shown == bool(sign)


def test_a_heart_above_its_ceiling_is_an_alarm(seen: list[Live]) -> None:
    live = at(seen, "work")
    live = replace(live, ceiling_bpm=120.0, above_ceiling=True)
    canvas = draw(live, Shown(), 80, 24)
    bpm = whole(live.moment.heart_rate_bpm)
    (y,) = [y for y, line in enumerate(canvas.lines()) if "EASE OFF" in line]
    assert canvas.lines()[y] == f" HEART RATE {bpm}, ABOVE 120: EASE OFF"
    assert set(canvas.styles[y]) == {"alarm"}


def test_a_zone_has_its_name_and_its_colour(seen: list[Live]) -> None:
    zones = Zones("max", ("UT2", "UT1", "AT", "TR", "AN"), (10, 20, 30, 40, 50), 250.0)
    canvas = draw(replace(at(seen, "work"), zones=zones, zone=4), Shown(), 80, 24)
    assert "HEART AN" in "\n".join(canvas.lines())
    assert any("zone4" in row for row in canvas.styles)


def test_a_device_that_is_lost_is_told_of(seen: list[Live]) -> None:
    live = at(seen, "work")
    lost = Source(
        source="strap", state="lost", heard_s=live.moment.t_s - 12, gaps=1, losses=1,
        trouble="link lost", advice="Wet the strap.",
    )  # fmt: skip
    live = replace(live, sources=(live.sources[0], lost), gaps=1)
    lines = draw(live, Shown(), 80, 24).lines()
    assert "✗ strap: link lost 12 s" in lines[-1]
    assert "1 gap" in lines[-1]
    assert " strap: link lost. Wet the strap." in lines


def test_a_rower_that_falls_silent_in_a_piece_is_an_alarm(seen: list[Live]) -> None:
    for phase, told in (("work", True), ("rest", False)):
        live = at(seen, phase)
        silent = replace(live.sources[0], state="silent", heard_s=live.moment.t_s - 7, trouble=None)
        live = replace(live, sources=(silent, *live.sources[1:]))
        lines = draw(live, Shown(), 80, 24).lines()
        assert (" The rower has not been heard for 7 s" in lines) == told
        assert "✗ rower: silent 7 s" in lines[-1]


def test_what_is_not_stored_yet_is_an_alarm(seen: list[Live]) -> None:
    live = at(seen, "work")
    moment = replace(live.moment, trouble="The disk is full.", memory_left_s=42.4)
    lines = draw(replace(live, moment=moment), Shown(), 80, 24).lines()
    assert " NOT STORED YET, 42 s OF MEMORY LEFT: The disk is full." in lines


def test_old_numbers_are_called_old(seen: list[Live]) -> None:
    live = at(seen, "work")
    stale = replace(live, moment=replace(live.moment, t_s=(live.heard_s or 0.0) + 9.0))
    assert (
        " Nothing was heard for 9 s: the numbers are old." in draw(stale, Shown(), 80, 24).lines()
    )


names = st.text(max_size=30) | st.sampled_from(["跳绳", "Ru\u0308ckenzug", "\x1b[2J\x07", "🚣‍♀️"])


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 130), height=st.integers(1, 50), name=names, place=st.integers(0, 10**6)
)
def test_nothing_from_outside_moves_the_cursor(
    seen: list[Live], width: int, height: int, name: str, place: int
) -> None:
    """Names of devices and exercises are the air's and the user's: they must not draw."""
    live = seen[place % len(seen)]
    where = live.moment.standing
    piece = None if where.piece is None else replace(where.piece, activity=name)
    following = None if where.next is None else replace(where.next, activity=name)
    live = replace(
        live,
        machine=name,
        moment=replace(live.moment, standing=replace(where, piece=piece, next=following)),
        reps=tuple(replace(rep, activity=name) for rep in live.reps),
    )
    canvas = draw(live, Shown(help=place % 2 == 0), width, height)
    for row in canvas.cells:
        assert len(row) == width
        assert "".join(row).isprintable()


def test_the_strip_shows_where_one_is_in_the_longest_plan() -> None:
    pieces = parse("500x30s/10s").pieces
    for place in (0, 1, 499, 998, 999):
        found = places(strip_of(pieces, place), 60)
        assert [piece.state for piece, _, _ in found].count("now") == 1
        spans = [(start, end) for _, start, end in found]
        assert spans == sorted(spans)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        assert spans[-1][1] <= 60


def test_a_curve_is_drawn_from_its_values() -> None:
    # Two columns of blocks, eight levels: the lowest and the highest.
    assert plot([0.0, 7.0], 2, 1, low=0.0, high=7.0, braille=False) == ["▁█"]
    assert plot([None, 7.0], 2, 1, low=0.0, high=7.0, braille=False) == [" █"]
    assert plot([0.0, 15.0], 2, 2, low=0.0, high=15.0, braille=False) == [" █", "▁█"]
    # One braille cell: the dot below on the left, and the line up to the one on top at the right.
    assert plot([0.0, 3.0], 1, 1, low=0.0, high=3.0, braille=True) == ["⡸"]
    assert plot([], 3, 1, low=0.0, high=1.0, braille=True) == ["   "]


def test_clocks_are_drawn_when_they_change(seen: list[Live]) -> None:
    live = replace(at(seen, "rest"), speed=1.0, countdown_s=7.25)
    live = replace(live, moment=replace(live.moment, t_s=31.6))
    assert until_change_s(live) == pytest.approx(0.25 + 0.002)
    assert until_change_s(replace(live, countdown_s=None)) == pytest.approx(0.4 + 0.002)


# ------------------------------------------------------------------------------------- sounds


def test_cues_of_a_session(seen: list[Live]) -> None:
    """Pictures are taken every few seconds of this fast session: of a count some may be missed."""
    cues, heard = Cues(), list[Cue]()
    for live in seen:
        heard += cues.take(live)
    counts = {"three", "two", "one"}
    assert [cue for cue in heard if cue not in counts] == ["start", "rest", "start", "rest", "over"]


def test_a_count_is_heard_once_a_second(seen: list[Live]) -> None:
    cues, live = Cues(), at(seen, "rest")
    heard = [cues.take(replace(live, countdown_s=tenths / 10)) for tenths in range(40, -1, -1)]
    assert [cue for some in heard for cue in some] == ["three", "two", "one"]
    assert heard[10] == ("three",)  # at 3.0 s
    assert heard[20] == ("two",)


def test_a_ceiling_is_told_of_again(seen: list[Live]) -> None:
    cues, live = Cues(), replace(at(seen, "work"), above_ceiling=True)
    times = [
        t_s
        for t_s in range(40)
        if cues.take(replace(live, moment=replace(live.moment, t_s=float(t_s))))[:1] == ("ceiling",)
    ]
    assert times == [0, 15, 30]


def test_a_voice_says_what_comes(seen: list[Live]) -> None:
    assert words("rest", at(seen, "rest")) == "Rest. Next 200 metres"
    assert words("start", at(seen, "work")) == "Row"
    assert words("two", at(seen, "rest")) == "two"


def test_a_tone_is_a_wave_file(tmp_path: Path) -> None:
    import wave

    for cue, parts in TONES.items():
        write_tone(tmp_path / f"{cue}.wav", parts)
        with wave.open(str(tmp_path / f"{cue}.wav")) as file:
            seconds = file.getnframes() / file.getframerate()
            assert seconds == pytest.approx(sum(length for _, length in parts), abs=0.001)
            assert max(file.readframes(2000)) > 0


# ------------------------------------------------------------------------- in a real terminal


def test_a_session_in_a_terminal(tmp_path: Path) -> None:
    """Drawn, in another size, with its keys shown, asked whether to end, and ended."""
    database = tmp_path / "rowlog.db"
    with InTerminal("record", "3x500m/1:00r", *SIM, "--db", database) as terminal:
        terminal.wait_for("WORK 1/3", on=0)
        lines = terminal.wait_for("? keys", on=23)  # what is drawn last
        assert lines[3].startswith("PACE /500 m")
        terminal.type("?")
        terminal.wait_for("KEYS")
        terminal.type("m")
        terminal.wait_for("key: mark")
        terminal.resize(60, 20)
        terminal.send(signal.SIGWINCH)
        lines = terminal.wait(lambda lines: "? keys" in lines[19])
        assert len(lines) == 20
        terminal.type("q")
        terminal.wait_for("End the session?")
        terminal.type("m")  # no: it goes on
        terminal.wait(lambda lines: "End the session?" not in "\n".join(lines))
        terminal.type("qy")
        assert terminal.end() == 0
        assert terminal.raw.count(ENTER) == terminal.raw.count(LEAVE) == 1
        said = terminal.after_leaving()
        now = terminal.now()
    assert "Session 1 · 3x500m/1:00r" in said
    assert "\x1b[?" not in said
    assert now == terminal.settings
    assert b"\x1b[?25h" in terminal.raw.partition(ENTER)[2]  # the cursor is back
    assert b"\a" in terminal.raw  # a plan is followed: the bell rings
    assert load(database, 1).session.status == "complete"


def test_a_stray_line_is_drawn_over(seen: list[Live]) -> None:
    """Another program's line scrolls the screen: what is written whole again mends that."""
    person, program = os.openpty()
    try:
        terminal, screen = Terminal(program, colours=None), pyte.Screen(60, 20)
        stream = pyte.ByteStream(screen)
        canvas = draw(at(seen, "work"), Shown(), 60, 20)
        for disturb in (b"", b"\x1b[20;1HWarning: something\r\n\r\n", b""):
            stream.feed(disturb)
            if not disturb:
                terminal.heal()
            terminal.draw(canvas)
            while select.select([person], [], [], 0.05)[0]:
                stream.feed(os.read(person, 65536))
            shown = [line.rstrip() for line in screen.display]
            assert (shown == canvas.lines()) == (not disturb)
        terminal.close()
    finally:
        os.close(person)
        os.close(program)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(tmp_path: Path, number: signal.Signals) -> None:
    arguments = ("record", *SIM, "--db", tmp_path / "rowlog.db", "--sound", "off")
    with InTerminal(*arguments, NO_COLOR="1") as terminal:
        terminal.wait_for("WORK", on=0)
        terminal.send(number)
        assert terminal.end() == 0
        assert terminal.raw.count(ENTER) == terminal.raw.count(LEAVE) == 1
        assert terminal.now() == terminal.settings
        picture = terminal.raw.partition(ENTER)[2].partition(LEAVE)[0]
    codes = {code for found in SGR.findall(picture) for code in found.split(b";")}
    assert codes <= {b"0", b"1", b"2", b"7"}  # bold, dim and reversed, but no colours
    assert b"\a" not in terminal.raw


def test_a_terminal_that_takes_nothing_stops_only_the_picture(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with InTerminal("record", "10:00", *SIM, "--db", database) as terminal:
        terminal.wait_for("WORK", on=0)
        terminal.stop_reading()
        before = frames_in(database)
        wait_until(lambda: frames_in(database) > before + 90)  # 30 s of the session
        terminal.read_on()
        terminal.type("\x13")  # Ctrl-S, as a rower may press it
        before = frames_in(database)
        wait_until(lambda: frames_in(database) > before + 60)
        terminal.send(signal.SIGTERM)
        assert terminal.end() == 0
        assert "Session 1 · 10:00" in terminal.after_leaving()
    session = load(database, 1)
    assert session.session.status == "complete"
    assert session.quality.gaps == 0


def test_a_database_that_does_not_answer_does_not_stop_the_picture(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with InTerminal("record", "10:00", *SIM, "--db", database) as terminal:
        terminal.wait(lambda lines: rowed_m(lines) > 10)
        with Locked(database):
            terminal.wait_for("NOT STORED YET")
            before_s = clock_s(terminal.lines())
            terminal.wait(lambda lines: clock_s(lines) > before_s + 10)
        terminal.wait(lambda lines: "NOT STORED YET" not in "\n".join(lines))
        terminal.type("qy")
        assert terminal.end() == 0
    assert load(database, 1).quality.gaps == 0


def rowed_m(lines: list[str]) -> int:
    """The metres that the screen shows."""
    found = next(filter(None, (re.search(r"(\d+) m · ", line) for line in lines[3:])), None)
    return int(found[1]) if found is not None else 0


def clock_s(lines: list[str]) -> int:
    """The session's time in the top line."""
    minutes, _, seconds = lines[0].rpartition(" ")[2].partition(":")
    return int(minutes) * 60 + int(seconds)


def test_a_session_that_another_records_is_watched(tmp_path: Path) -> None:
    """The watcher sees it large, leaves by Ctrl-C, and the recording does not notice."""
    database = tmp_path / "rowlog.db"
    with Process("record", "30:00", *SIM, "--json", "--db", database) as recording:
        recording.object(lambda now: now["phase"] == "work")
        with InTerminal("watch", "--db", database) as terminal:
            terminal.wait_for("WORK 1/1", on=0)
            terminal.wait_for("Ctrl-C ends the watching", on=23)  # what is drawn last
            terminal.wait(lambda lines: rowed_m(lines) > 0)
            terminal.type("nq")  # keys that it does not have, and does not echo
            before_m = rowed_m(terminal.lines())
            terminal.wait(lambda lines: rowed_m(lines) > before_m)
            terminal.type("\x03")
            assert terminal.end() == 0
            assert terminal.raw.count(ENTER) == terminal.raw.count(LEAVE) == 1
            assert terminal.now() == terminal.settings
            assert terminal.after_leaving() == ""
        recording.send(signal.SIGTERM)
        assert recording.end()[0] == 0
    (piece,) = load(database, 1).segments
    assert piece.ended_by == "end"


def test_a_picture_that_fails_leaves_plain_lines(tmp_path: Path) -> None:
    breaking = (
        "import rowlog.screen as screen\n"
        "draw = screen.draw\n"
        "def broken(live, *rest):\n"
        "    return draw(live, *rest) if live.moment.t_s < 12 else 1 / 0\n"
        "screen.draw = broken"
    )
    database = tmp_path / "rowlog.db"
    arguments = ("record", "10:00", *SIM, "--db", database)
    with InTerminal(*arguments, before=breaking, columns=100) as terminal:
        terminal.wait_raw(b"The screen has failed: ZeroDivisionError")
        terminal.wait_raw(b"to go")
        terminal.type("qy")
        assert terminal.end() == 0
        assert terminal.raw.count(LEAVE) == 1
        assert "The recording goes on without it." in terminal.after_leaving()
    assert load(database, 1).session.status == "complete"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash, which stops and continues jobs")
def test_ctrl_z_and_back(tmp_path: Path) -> None:
    script = (
        f'"{environment_python()}" -c "from rowlog.cli import main; main()" record 10:00 '
        f'--rower sim:rower?speed=20 --db "{tmp_path}/rowlog.db"; '
        "echo stopped with $?; fg; echo ended with $?"
    )
    control = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    run_it = "os.execvp('bash', ['bash', '--norc', '-mc', sys.argv[1]])"
    command = [environment_python(), "-c", control + run_it, script]
    with InTerminal(command=command) as terminal:
        terminal.wait_for("WORK", on=0)
        terminal.type("\x1a")
        terminal.wait_raw(b"stopped with 148")
        assert terminal.raw.index(LEAVE) < terminal.raw.index(b"stopped with")
        terminal.wait_raw(ENTER, times=2)
        terminal.wait_for("WORK", on=0)
        terminal.type("qy")
        terminal.wait_raw(b"ended with 0")
        assert terminal.raw.count(LEAVE) == 2


def test_what_is_no_terminal_for_pictures_gets_plain_lines(tmp_path: Path) -> None:
    arguments = ("record", *SIM, "--for", "20s", "--db", tmp_path / "rowlog.db")
    with InTerminal(*arguments, TERM="dumb") as terminal:
        assert terminal.end() == 0
    assert ENTER not in terminal.raw
    assert b"\x1b" not in terminal.raw
    assert b"spm" in terminal.raw
    assert all(len(line.rstrip()) <= 80 for line in terminal.raw.decode().splitlines())


def test_tones_are_played(tmp_path: Path) -> None:
    """With a player that notes what it is given, on a path where there is no other program."""
    player = tmp_path / "bin" / "paplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\necho "$1" >> "{tmp_path}/played"\n')
    player.chmod(0o755)
    database = tmp_path / "rowlog.db"
    arguments = ("record", "2x0:20/0:10r", *SIM, "--db", database, "--for", "0:50", "--sound")
    with InTerminal(*arguments, "tones", PATH=str(player.parent)) as terminal:
        assert terminal.end() == 0
        assert b"\a" not in terminal.raw
    played = (tmp_path / "played").read_text().splitlines()
    named = [Path(name).stem for name in played]
    assert [name for name in named if name in ("start", "rest")][:3] == ["start", "rest", "start"]


def test_a_voice_that_is_missing_or_fails_gives_way_to_the_bell(
    seen: list[Live], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    rung, told = list[int](), list[str]()
    missing = Sounder("speech", bell=rung.append, tell=told.append)
    missing.play("start", at(seen, "work"))
    assert (missing.kind, rung) == ("bell", [2])
    assert told[0].endswith("none is installed. The bell rings instead.")
    voice = tmp_path / "spd-say"
    voice.write_text("#!/bin/sh\nexit 3\n")
    voice.chmod(0o755)
    failing = Sounder("speech", bell=rung.append, tell=told.append)
    failing.play("start", at(seen, "work"))
    wait_until(lambda: failing.playing is None)
    failing.play("one", at(seen, "work"))
    failing.close()
    assert rung == [2, 1]
    assert told[1] == "The sound could not be played: spd-say ended with 3. The bell rings instead."


def test_a_sound_that_is_none_is_refused() -> None:
    told = run("record", "--rower", "sim:rower", "--sound", "drums")
    assert told.returncode == 2
    assert "There are: bell, tones, speech, off." in told.stderr


def frames_in(database: Path) -> int:
    """How many frames of the session that goes on are in the database."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        found: int = db.execute("SELECT count(*) FROM frames").fetchone()[0]
        return found
    finally:
        db.close()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what must come."""
    import threading
    import time

    until_s, waiting = time.monotonic() + 30, threading.Event()
    while not true():
        if time.monotonic() > until_s:
            raise AssertionError("it never came")
        waiting.wait(0.05)


def environment_python() -> str:
    """The interpreter that runs this checkout."""
    import sys

    assert environment()["PYTHONPATH"].startswith(str(ROOT))
    return sys.executable


def test_a_trace_that_is_empty_draws_nothing(seen: list[Live]) -> None:
    empty = Trace(end_s=0, values=())
    live = replace(at(seen, "work"), heart_rate=empty, power=empty)
    assert "HEART 1" not in "\n".join(draw(live, Shown(), 80, 24).lines())
