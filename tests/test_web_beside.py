"""A recording and its pages as two processes: what each does when the other ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from rowlog.live import Live
from rowlog.recording import record
from rowlog.store_read import open_reader
from rowlog.summary import load, load_sessions
from rowlog.viewing import Controls, Feed
from rowlog.web import piping
from rowlog.web.hub import Hub
from rowlog.web.piping import lines
from rowlog.web.starting import Call, Starter
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.errors import CallError
from rowlog_drivers.records import Marker
from tests.support import PATIENCE_S, Process, run

SIMULATED = ("--rower", "sim:rower?speed=10", "--strap", "sim:strap?speed=10")


def _address(recording: Process) -> str:
    return recording.error("Watch and steer it at").rpartition(" ")[2]


def _asked(address: str, path: str, said: object = None) -> tuple[int, str]:
    host = address.split("/")[2]
    connection = HTTPConnection(host, timeout=PATIENCE_S)
    try:
        if said is None:
            connection.request("GET", path)
        else:
            page = _asked(address, "/live")[1]
            found = re.search(r'name="rowlog-key" content="([^"]+)"', page)
            assert found is not None
            headers = {"Origin": f"http://{host}", "X-Rowlog-Key": found[1]}
            connection.request("POST", path, json.dumps(said), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_pages_steer_the_recording_that_began_them(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    with Process(
        "record", "20:00", *SIMULATED, "--db", path, "--web", "--port", "0", "--json"
    ) as recording:
        address = _address(recording)
        recording.object(lambda said: said["frames_committed"] > 0)
        assert _asked(address, "/sessions/1")[1].count("recording") > 0
        assert _asked(address, "/press", {"label": "mark"})[0] == 200
        assert _asked(address, "/press", {"label": "end"})[0] == 200
        code, printed, _ = recording.end()
    assert code == 0
    assert json.loads(printed[-1])["session"]["status"] == "complete"
    assert load(path, 1).quality.frames > 0
    with open_reader(path) as reader:
        assert [marker.label for marker in reader.records(1, Marker)] == ["mark"]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to find a child")
def test_a_recording_goes_on_without_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    with Process(
        "record", "20:00", *SIMULATED, "--db", path, "--web", "--port", "0", "--json"
    ) as recording:
        _address(recording)
        first = recording.object(lambda said: said["frames_committed"] > 0)
        number = recording.process.pid
        (child,) = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        recording.error("The browser view has failed")
        many = first["frames_committed"] + 20
        recording.object(lambda said: said["frames_committed"] > many)
        recording.send(signal.SIGINT)
        code, _, errors = recording.end()
    assert code == 0
    assert "goes on without it" in errors
    assert load_sessions(path)[0].status == "complete"


def test_pages_are_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    for words, code in (
        (("--listen", "203.0.113.7", "--web"), 2),
        (("--listen", "0.0.0.0"), 2),
    ):
        done = run("record", "20:00", *SIMULATED, "--db", path, *words)
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("rowlog: ")
    assert not path.exists()


def test_one_recording_is_started_at_a_time_and_says_why_it_cannot_begin(tmp_path: Path) -> None:
    """What a page is told of a port that is not there."""
    call = Call(database=str(tmp_path / "rowlog.db"), rower="serial:/dev/rowlog-nowhere")

    async def started() -> list[dict[str, Any]]:
        hub = Hub()
        starter, viewer = Starter(hub), hub.join()
        assert not starter.press("mark")
        await starter.start(call)
        with pytest.raises(CallError, match="being recorded already"):
            await starter.start(call)
        said: list[dict[str, Any]] = []
        while not said or said[-1].get("stage") != "ended":
            said += [json.loads(text) for text in await viewer.fetch(PATIENCE_S)]
        assert hub.stage == "ended"
        await starter.close()
        return said

    said = asyncio.run(started())
    assert said[0]["stage"] == "connecting"
    assert "/dev/rowlog-nowhere" in said[-1]["error"]


# ------------------------------------------------------------------------------------ alone


class _Kept:
    """A view that keeps a picture in the middle of a piece."""

    name = "The test"

    def __init__(self) -> None:
        self.live: Live | None = None

    def run(self, feed: Feed, controls: Controls) -> None:
        number = 0
        while (live := feed.wait(number)) is not None:
            number = live.number
            if live.moment.standing.phase == "work" and live.moment.distance_m:
                self.live = self.live or live


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Live:
    kept = _Kept()
    path = tmp_path_factory.mktemp("kept") / "rowlog.db"
    record(path, parse_address("sim:rower?speed=150"), None, for_s=60, views=[kept])
    assert kept.live is not None
    return kept.live


class _Shown(Feed):
    """Pictures one after another, none left out."""

    def __init__(self, pictures: list[Live]) -> None:
        super().__init__()
        self._pictures = pictures

    def wait(self, after: int = 0, seconds: float | None = None) -> Live | None:
        return next((live for live in self._pictures if live.number > after), None)


class _Pressed(Controls):
    """What was pressed."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def press(self, label: str) -> None:
        self.labels.append(label)


def _at(live: Live, number: int, t_s: float, metres: float | None) -> Live:
    moment = replace(live.moment, t_s=t_s, distance_m=metres, stroke_count=None)
    return replace(live, number=number, moment=moment, heard_s=t_s)


@pytest.mark.parametrize(
    ("metres", "ends"),
    [
        ([10.0, 10.0, 10.0], True),
        ([10.0, 10.0, 11.0], False),
        # Without a machine whoever wears the strap may well be busy.
        ([None, None, None], False),
    ],
)
def test_a_recording_that_nobody_can_end_ends_when_nobody_moves(
    live: Live, metres: list[float | None], ends: bool
) -> None:
    pressed = _Pressed()
    pictures = [
        _at(live, number, t_s, where)
        for number, (t_s, where) in enumerate(zip((0.0, 60.0, 125.0), metres, strict=True), 1)
    ]
    piping._end_when_idle(_Shown(pictures), pressed, 0)
    assert pressed.labels == (["end"] if ends else [])


def test_lines_that_are_no_messages_are_left_out() -> None:
    into, out = os.pipe()
    os.write(out, b'{"press":"mark"}\nnonsense\n[1]\n\xff\xfe\n{"press":"end"}\n{"press"')
    os.close(out)
    with os.fdopen(into, "rb") as source:
        found: list[dict[str, Any]] = list(lines(source))
    assert found == [{"press": "mark"}, {"press": "end"}]


OFTEN = (
    "import rowlog.watching as w, rowlog.web.onlooking as o; w.LOOK_EVERY_S = o.LOOK_EVERY_S = 0.1"
)


def _hears(viewer: Any, kind: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        said: dict[str, Any] = json.loads(str(viewer.recv(PATIENCE_S)))
        if said["kind"] == kind and wanted(said):
            return said


def test_a_server_shows_the_recording_that_another_program_makes(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    with Process("serve", "--db", path, "--port", "0", "--json", before=OFTEN) as server:
        url = server.object()["url"]
        origin = url.rstrip("/").replace("localhost", "127.0.0.1")
        feed = origin.replace("http", "ws") + "/feed"
        with connect(feed, origin=origin, compression=None, max_size=None) as viewer:
            with Process("record", "20:00", *SIMULATED, "--db", path, "--json") as recording:
                stage = _hears(viewer, "stage", lambda said: said["stage"] == "recording")
                assert (stage["session"], stage["elsewhere"]) == (1, True)
                now = _hears(viewer, "now", lambda said: said["phase"] == "work")
                _hears(viewer, "now", lambda said: said["metres"] not in ("–", now["metres"]))
                # It is shown, not steered.
                pressed = _asked(url, "/press", {"label": "end"})
                started = _asked(url, "/start", {"plan": "500m", "rower": "sim:rower"})
                recording.send(signal.SIGINT)
                _hears(viewer, "stage", lambda said: said["stage"] == "ended")
                assert recording.end()[0] == 0
            assert pressed == (400, json.dumps({"error": STEER}, separators=(",", ":")))
            assert (started[0], "End it there first" in started[1]) == (400, True)
            # One that is killed has no end, and the page says so.
            with Process("record", "20:00", *SIMULATED, "--db", path, "--new", "--json") as killed:
                _hears(viewer, "stage", lambda said: said["session"] == 2)
                killed.object(lambda moment: moment["frames_committed"] > 0)
                killed.process.kill()
                ended = _hears(viewer, "stage", lambda said: said["stage"] == "ended")
            assert "session 2 has stopped without ending it" in ended["error"]
            assert not ended["elsewhere"]
        server.send(signal.SIGTERM)
        assert server.end()[0] == 0


STEER = "Another rowlog records this session. Steer it there."
