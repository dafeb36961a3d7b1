"""The pages: what they show, who may ask for them, and what cannot hold them up."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from rowlog.replaying import replay_file
from rowlog.summary import load_sessions
from rowlog.web import connections, listening, pages, wire
from rowlog.web.drawing import Axis, Line, chart, round_marks
from rowlog.web.guard import Access
from rowlog.web.hub import Hub, Viewer
from rowlog.web.starting import Call
from rowlog_drivers.errors import CallError
from tests.support import PATIENCE_S, ROOT
from tests.web_support import Served, at, recorded, served

FIXTURES = (
    "ftms/undefined_rests_4x300m.frames",
    "ftms/link_lost_1000m.frames",
    "heart_rate/circuit_off_the_machine.frames",
)
PAGES = ("/sessions", "/bests", "/trends", "/zones", "/live", "/sessions/1", "/sessions/3")
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path, athlete="Ann")
    replay_file(ROOT / "fixtures" / FIXTURES[0], path, athlete=HOSTILE)
    return path


@pytest.fixture(scope="module")
def site(database: Path) -> Iterator[Served]:
    with served(database) as here:
        yield here


@pytest.fixture(scope="module")
def guarded(database: Path) -> Iterator[Served]:
    with served(database, address="0.0.0.0", token="a-secret-of-the-run") as here:
        yield here


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return recorded(
        tmp_path_factory.mktemp("said") / "rowlog.db", "2x250m@r20/1:00r", speed="100", seed="1"
    )


# ------------------------------------------------------------------------------------- pages


class _Page(HTMLParser):
    """Tags that were opened and closed, and what scripts and styles a page holds itself."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inline: list[str] = []
        self.words: list[str] = []
        self.elsewhere: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        named = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        for name, value in named.items():
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
            if name in ("src", "href", "action") and re.match(r"(\w+:)?//", value or ""):
                self.elsewhere.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_runs_nothing_of_its_own(site: Served, path: str) -> None:
    answer, body = site.ask(path)
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
    page = _Page(body.decode())
    assert (page.open, page.inline, page.elsewhere) == ([], [], [])
    assert "alert(1)</script>" not in body.decode()


def test_the_list_names_each_session_and_leads_to_it(site: Served, database: Path) -> None:
    text = site.ask("/sessions")[1].decode()
    for session in load_sessions(database):
        assert f'href="/sessions/{session.id}"' in text
        if session.distance_m is not None:
            assert f"{int(session.distance_m)} m<" in text


def test_a_session_has_its_table_and_charts(site: Served) -> None:
    text = site.ask("/sessions/1")[1].decode()
    assert text.count('class="plot"') >= 3
    # Four pieces of 300 m, and what they add up to.
    cells = re.findall(r"<td>(\d+)</td>", text)
    assert cells.count("300") == 4 and "1200" in cells


def test_a_filter_leaves_out_and_a_name_that_is_none_is_told(site: Served) -> None:
    text = site.ask("/sessions?activity=circuit")[1].decode()
    assert 'href="/sessions/3"' in text and 'href="/sessions/1"' not in text
    answer, body = site.ask("/sessions?athlete=Nobody")
    assert answer.status == 400
    assert "No session is of athlete" in body.decode()
    assert site.ask("/sessions?since=yesterday")[0].status == 400


def test_what_is_not_there_is_told_in_a_page(site: Served) -> None:
    assert site.ask("/sessions/99")[0].status == 404
    assert site.ask(f"/sessions/{2**63}")[0].status == 404
    assert b"no session 99" in site.ask("/sessions/99")[1].lower()
    assert site.ask("/nothing")[0].status == 404
    assert site.ask("/static/../site.py")[0].status == 404


def test_a_database_that_does_not_exist_has_pages_too(tmp_path: Path) -> None:
    with served(tmp_path / "none.db") as here:
        for path in ("/sessions", "/bests", "/trends", "/zones", "/live"):
            answer, body = here.ask(path)
            assert answer.status == 200, path
            assert b"yet" in body or b"Nothing" in body
    assert list(tmp_path.iterdir()) == []


def test_a_plan_is_judged_while_it_is_typed(site: Served) -> None:
    good = json.loads(site.ask("/plan?text=4x500m/1:00r")[1])
    assert good == {"plan": "4x500m/1:00r", "sums": "4 pieces of work, 2000 m, 4:00 of rest."}
    bad = json.loads(site.ask("/plan?text=4x500q")[1])
    assert "500" in bad["error"] and bad["position"] is not None


def test_pages_weigh_little(site: Served) -> None:
    """The live page with all that it loads: under 150 kB."""
    parts = ("/live", "/static/rowlog.css", "/static/rowlog.js", "/static/icon.svg")
    assert sum(len(site.ask(path)[1]) for path in parts) < 60_000


# ------------------------------------------------------------------------------------ security


def test_answers_carry_what_keeps_browsers_out_of_harm(site: Served) -> None:
    for path in ("/live", "/static/rowlog.js", "/nothing"):
        answer, _ = site.ask(path)
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy and "unsafe" not in policy


FOREIGN = ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "10.1.2.3:{port}",
           "localhost.evil.example:{port}", "127.0.0.1:{port}@evil.example", "", "[::1]:{port}",
           "127.0.0.1:{port}0", "127.0.0.1:0x50"]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_refused(site: Served, host: str) -> None:
    named = host.format(port=site.listening.port) or " "
    answer, body = site.ask("/sessions", host=named)
    assert answer.status == 403
    assert b"Ann" not in body


def test_this_host_is_known_by_its_names(site: Served, guarded: Served) -> None:
    port = site.listening.port
    for name in (f"localhost:{port}", f"LOCALHOST:{port}", f"127.0.0.1:{port}"):
        assert site.ask("/sessions", host=name)[0].status == 200
    own = f"{socket.gethostname()}:{guarded.listening.port}"
    assert guarded.ask("/sessions", host=own)[0].status == 401


def test_a_page_elsewhere_may_lead_here_but_load_nothing(site: Served) -> None:
    for where, mode, status in (
        ("cross-site", "no-cors", 403),
        ("same-site", "cors", 403),
        ("cross-site", "navigate", 200),
        ("same-origin", "no-cors", 200),
        ("none", "navigate", 200),
    ):
        asked: dict[str, Any] = {"Sec_Fetch_Site": where, "Sec_Fetch_Mode": mode}
        assert site.ask("/sessions", **asked)[0].status == status, (where, mode)


def test_nothing_is_changed_by_a_get(site: Served) -> None:
    for path in ("/press", "/start", "/giveup"):
        assert site.ask(path)[0].status == 405
    assert site.pressed == []


def test_a_command_needs_origin_key_and_length(site: Served) -> None:
    site.tell(wire.stage("recording", 1))
    port = site.listening.port
    good = {"Origin": f"http://127.0.0.1:{port}", "X_Rowlog_Key": site.access.key}
    body = b'{"label": "next"}'
    bad: list[tuple[dict[str, str], bytes, int]] = [
        ({**good, "Origin": "http://evil.example"}, body, 403),
        ({**good, "Origin": f"http://localhost:{port}"}, body, 403),
        ({**good, "Origin": "null"}, body, 403),
        ({"X_Rowlog_Key": site.access.key}, body, 403),
        ({**good, "X_Rowlog_Key": "guessed"}, body, 403),
        ({"Origin": good["Origin"]}, body, 403),
        (good, b"x" * 20_000, 413),
        (good, b"no JSON", 400),
        (good, b'["next"]', 400),
        (good, b'{"label": "shutdown"}', 400),
    ]
    for headers, said, status in bad:
        assert site.ask("/press", "POST", said, **headers)[0].status == status, (headers, said)
    assert site.pressed == []
    assert site.ask("/press", "DELETE", body, **good)[0].status == 405
    assert site.ask("/press", "POST", body, **good)[0].status == 200
    assert site.pressed == ["next"]
    site.pressed.clear()


def test_a_command_says_when_nothing_is_recorded(site: Served) -> None:
    site.tell(wire.stage("ended", 1))
    status, said = site.command("/press", label="mark")
    assert (status, said["error"][:26]) == (400, "Nothing is being recorded.")
    status, said = site.command("/start", plan="2000m")
    assert (status, "rowlog serve" in said["error"]) == (400, True)


def test_beyond_this_computer_a_token_is_asked_for(guarded: Served) -> None:
    for path in ("/sessions", "/static/rowlog.js", "/live", "/?token=", "/?token=wrong"):
        answer, body = guarded.ask(path)
        assert answer.status == 401, path
        assert b"Ann" not in body
    answer, body = guarded.ask("/?token=a-secret-of-the-run")
    assert answer.status == 200
    cookie = answer.getheader("Set-Cookie") or ""
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert b"a-secret" not in body and "a-secret" not in cookie
    named = cookie.partition(";")[0]
    assert guarded.ask("/sessions", Cookie=named)[0].status == 200
    assert guarded.ask("/sessions", Cookie=named + "0")[0].status == 401
    origin = f"http://127.0.0.1:{guarded.listening.port}"
    answer, _ = guarded.ask("/press", "POST", b"{}", Origin=origin, X_Rowlog_Key=guarded.access.key)
    assert answer.status == 401


def _feed(here: Served, **named: Any) -> Any:
    port = here.listening.port
    named = {"origin": f"http://127.0.0.1:{port}", **named}
    return connect(f"ws://127.0.0.1:{port}/feed", compression=None, max_size=None, **named)


def test_a_socket_of_another_page_is_refused(site: Served, guarded: Served) -> None:
    refused: list[tuple[Served, dict[str, Any], int]] = [
        (site, {"origin": "http://evil.example"}, 403),
        (site, {"origin": None}, 403),
        (guarded, {}, 401),
    ]
    for here, named, status in refused:
        with pytest.raises(InvalidStatus) as error:
            _feed(here, **named)
        assert error.value.response.status_code == status


@given(st.binary(max_size=80), st.sampled_from(["127.0.0.1", "::1", "192.168.1.2", "fe80::1%3"]))
def test_only_the_own_host_is_ever_known(host: bytes, arrived: str) -> None:
    access = Access(port=8372, names=frozenset({"erg"}))
    if access.knows(host, arrived):
        text = host.decode("latin-1").strip().lower()
        assert text.endswith(":8372")
        name = text.removesuffix(":8372").strip("[]")
        assert name in ("erg", "localhost", arrived.split("%")[0]) or ":" in name


# ------------------------------------------------------------------------------------- bounds


def test_too_many_are_told_so(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    port = site.listening.port
    _settled(site)
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    try:
        site.do(lambda: None)
        answer, body = site.ask("/sessions")
        assert (answer.status, body) == (503, b"Too many are looking already.")
    finally:
        for one in held:
            one.close()
    _settled(site)
    assert site.ask("/sessions")[0].status == 200


def _settled(here: Served) -> None:
    """Wait until the server has noticed who has gone."""
    _until(lambda: here.ask("/static/icon.svg")[0].status == 200)


def _until(found: Any) -> None:
    until = time.monotonic() + PATIENCE_S
    waiting = threading.Event()
    while not found():
        assert time.monotonic() < until
        waiting.wait(0.01)


def test_one_who_never_asks_is_cut_off(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HELLO_S", 0.05)
    for said in (b"", b"GET /sessions HTTP/1.1\r\nHost: "):
        with socket.create_connection(("127.0.0.1", site.listening.port), PATIENCE_S) as idle:
            idle.sendall(said)
            with suppress(ConnectionResetError):
                assert idle.recv(1000) == b""


def test_a_viewer_who_never_reads_is_cut_off_and_holds_up_nobody(
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALLED_S", 0.2)
    long = wire.line("now", text="x" * 500_000)
    with _feed(site) as reading:
        stuck = _handshaken(site)
        _until(lambda: len(site.hub.viewers) == 2)
        reading.recv(PATIENCE_S)
        for _ in range(40):
            site.tell(long)
            assert len(_next(reading, "now")) == len(long)
        _until(lambda: len(site.hub.viewers) == 1)
        stuck.close()
        site.tell(wire.line("now", text="on"))
        assert json.loads(_next(reading, "now"))["text"] == "on"


def _handshaken(here: Served) -> socket.socket:
    """A WebSocket of which nobody reads."""
    port = here.listening.port
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.sendall(
        f"GET /feed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return made


def _next(viewer: Any, kind: str) -> str:
    while True:
        text = str(viewer.recv(PATIENCE_S))
        if json.loads(text)["kind"] == kind:
            return text


def test_a_long_message_ends_the_connection_and_nothing_else(site: Served) -> None:
    with _feed(site) as talking:
        talking.recv(PATIENCE_S)
        with pytest.raises(ConnectionClosed) as error:
            talking.send("x" * 3_000_000)
            while True:
                talking.recv(PATIENCE_S)
        if error.value.rcvd is not None:
            assert error.value.rcvd.code == 1009
    assert site.ask("/sessions")[0].status == 200


def test_a_slow_viewer_gets_the_latest_of_each_kind() -> None:
    import asyncio

    async def fetched() -> list[str]:
        hub = Hub()
        viewer = hub.join()
        for number in range(1000):
            for kind in ("now", "past", "stage", "told"):
                hub.tell(kind, f"{kind} {number}")
        found = await viewer.fetch(PATIENCE_S)
        assert await viewer.fetch(0.001) == []
        late = hub.join()
        assert (await late.fetch(PATIENCE_S))[-3:] == found[-3:]
        hub.leave(viewer)
        assert hub.viewers == {late}
        return found

    found = asyncio.run(fetched())
    assert found[-3:] == ["stage 999", "past 999", "now 999"]
    assert found[:-3] == [f"told {number}" for number in range(992, 1000)]
    assert isinstance(Viewer(), Viewer)


# ----------------------------------------------------------------------------------- listening


def test_only_this_computer_is_listened_to_unless_said_otherwise() -> None:
    found = listening.listen(None, 0)
    try:
        assert {one.getsockname()[0] for one in found.sockets} <= {"127.0.0.1", "::1"}
        assert not found.beyond
        assert found.origin == f"http://localhost:{found.port}"
        with pytest.raises(Exception, match="holds port"):
            listening.listen(None, found.port)
    finally:
        found.close()
    found = listening.listen("0.0.0.0", 0)
    try:
        assert found.beyond
        assert socket.gethostname().lower() in found.names
    finally:
        found.close()


@pytest.mark.parametrize(("address", "port"), [("203.0.113.7", 0), (None, -1)])
def test_an_address_of_somebody_else_is_refused(address: str | None, port: int) -> None:
    with pytest.raises(CallError):
        listening.listen(address, port)


# --------------------------------------------------------------------------- what a page is told


def test_a_recording_tells_its_page_all_there_is(messages: list[str]) -> None:
    kinds = [json.loads(text)["kind"] for text in messages]
    assert kinds[:3] == ["stage", "past", "now"]
    assert json.loads(messages[0]) == {
        "kind": "stage", "stage": "recording", "session": 1, "error": None, "elsewhere": False
    }  # fmt: skip
    work = json.loads(
        at(messages, "now", lambda said: said["phase"] == "work" and said["share"] > 0.5)
    )
    assert work["piece"] == "250m"
    assert work["next"] == "1:00 rest"
    assert work["number_of"] == [1, 2]
    assert work["go"][1:] == ["m", "distance"]
    assert 0 < int(work["go"][0]) < 125
    assert work["held"][0]["name"] == "Rate" and work["held"][0]["limits"] == "20"
    rest = json.loads(at(messages, "now", lambda said: said["phase"] == "rest"))
    assert rest["go"][2] == "time"
    assert rest["next_work"] is True
    assert re.fullmatch(r"1:\d\d\.\d|2:\d\d\.\d", rest["last"])
    past = json.loads(at(messages[::-1], "past"))
    assert [piece["text"] for piece in past["strip"]] == ["250m", "1:00", "250m", "1:00"]
    assert [rep[:2] for rep in past["reps"]] == [["1", "250m"], ["2", "250m"]]
    assert len(past["hr"]) == len(past["watts"]) > 100
    assert [one["name"] for one in past["sources"]] == ["rower", "strap"]
    assert json.loads(at(messages[::-1], "now"))["closed"] is True


def test_a_call_is_checked_before_a_recording_is_started(database: Path) -> None:
    good = pages.call_of(database, {"plan": " 4x500m/1:00r ", "rower": "sim:rower", "strap": ""})
    assert good == Call(database=str(database), plan="4x500m/1:00r", rower="sim:rower")
    for said in (
        {"plan": "4x500q", "rower": "auto"},
        {"rower": "", "strap": " "},
        {"rower": ["auto"]},
        {"rower": "nonsense:1"},
        {"rower": "replay:/home/somebody/session.frames"},
        {"rower": "auto", "strap": "replay:session.frames"},
        {"plan": "x" * 2000, "rower": "auto"},
    ):
        with pytest.raises(CallError):
            pages.call_of(database, said)


# ------------------------------------------------------------------------------------ drawing


def test_a_chart_breaks_where_nothing_is_known() -> None:
    nan = float("nan")
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, nan), (3.0, 1.0), (4.0, nan)]
    x, y = Axis(low=0, high=4), Axis(low=0, high=2)
    drawn = chart("A & B", x, y, lines=[Line(points=points, look="pace")])
    assert 'aria-label="A &amp; B"' in drawn
    # 0 to 4 over 1000, upwards: (0, 1) is in the middle of the left edge, (1, 2) at the top.
    assert re.findall(r'class="line pace" d="([^"]*)"', drawn) == [
        "M0.0 500.0L250.0 0.0",
        "M750.0 500.0L750.0 500.0",
    ]


def test_words_below_a_chart_never_run_into_each_other() -> None:
    months = [(float(n), f"2025-{n:02}") for n in range(1, 13)]
    drawn = chart("metres", Axis(low=1.0, high=12.0, marks=months), Axis(low=0.0, high=1.0))
    shown = re.findall(r'<text x="([\d.]+)%" y="\d+" text-anchor="(\w+)">([^<]+)<', drawn)
    # A word takes 53.5 of 330 dots, months lie 30 apart: 0 to 54, 63 to 117, 123 to 177, ...
    assert [text for _, _, text in shown] == [
        "2025-01", "2025-04", "2025-06", "2025-08", "2025-10"
    ]  # fmt: skip
    # All of them have room where there is any.
    drawn = chart("metres", Axis(low=1.0, high=12.0, marks=months[::3]), Axis(low=0.0, high=1.0))
    assert drawn.count('text-anchor="') == 4


@given(
    st.floats(-1e4, 1e4), st.floats(1e-3, 1e5), st.integers(2, 6),
    st.sampled_from([(1, 2, 5, 10, 20, 50, 100, 1000, 10000), (60, 300, 3600)]),
)  # fmt: skip
def test_marks_lie_within_and_are_few(
    low: float, span: float, count: int, steps: tuple[int, ...]
) -> None:
    marks = round_marks(low, low + span, str, steps, count)
    assert all(low <= at <= low + span for at, _ in marks)
    assert len(marks) <= 4 * count


def test_a_tenth_of_a_second_between_months_has_a_scale_too() -> None:
    """A curve that is nearly level: at least one value is marked beside it, and it is no cliff."""
    drawn = pages._by_log("", [(100.0, 115.3), (500.0, 115.4)], str, "pace", True)
    (path,) = re.findall(r'class="line pace" d="M([^"]*)"', drawn)
    first, last = (float(point.split()[1]) for point in path.split("L"))
    assert abs(first - last) < 100  # a tenth of its height
    assert ">1:55<" in drawn and ">1:56<" in drawn


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from rowlog import web

    monkeypatch.setattr(web, "NEEDED", ("starlette", "no_such_library"))
    with pytest.raises(web.WebError) as error:
        web.check_installed()
    assert str(error.value) == (
        "Pages for a browser take no_such_library, which is not installed. "
        'Install it with: pip install "rowlog[web]"'
    )
