"""A live session from start to end: devices, database, signals, and what happens when it fails."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Final

from rowlog.athlete import known_on
from rowlog.board import Board
from rowlog.config import db_option
from rowlog.devices import Opened, check_bluetooth_options, open_devices
from rowlog.keys import HELP, QUIT, TYPED, YES
from rowlog.live import Moment
from rowlog.movement import Movement
from rowlog.plan import ROW, Plan
from rowlog.rebuild import recover
from rowlog.recorder import Progress, Recorder, SpilledError
from rowlog.recovering import make_way
from rowlog.resolving import Values, referred_to, unresolved
from rowlog.resuming import REASON, Interrupted, to_go_on, told
from rowlog.spilling import Reserve, is_spilled, take_in
from rowlog.standing import Standing, guidance, standing
from rowlog.store import Store
from rowlog.store_athletes import only_athlete, read_athletes
from rowlog.store_devices import known_devices
from rowlog.store_disk import warning
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog.summary import pace_m
from rowlog.viewing import END, Controls, Stage, View
from rowlog.zones import Zones, zones_of
from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock, life_ns, wall_now
from rowlog_drivers.device import Decoding, Device
from rowlog_drivers.errors import CallError, RowlogError
from rowlog_drivers.records import KEY_SOURCE, MachineInfo

if TYPE_CHECKING:
    from rowlog.bluetooth import OnAir
    from rowlog.finding import Ask, Tell
    from rowlog.ports import FoundPort
    from rowlog.store_devices import KnownDevice
    from rowlog_drivers.catalog import Role

ON_AIR: Final = ("ble", "auto")
"""The kinds of addresses that are looked for by Bluetooth."""

IDLE_END_S: Final = 120.0
"""A session whose plan is done ends by itself when nobody has moved for so long."""
ROOM_BYTES: Final = 8_000_000
"""What must be free on the disk for a session to begin: many hours, and SQLite's own files."""
SURE_NS: Final = 5_000_000_000
"""For so long after the key that ends a session it is waited for a second one: a stray key ends
none."""
HOLD_S: Final = 60.0
"""How long a recording goes on in memory when the database cannot be written."""
TELL_EVERY_NS: Final = 1_000_000_000
"""Of life, not of session time."""


class Begun:
    """Told once, when the session has begun: `session_id`, and what was recovered before it."""

    def __init__(self, session_id: int, recovered: list[int]) -> None:
        self.session_id = session_id
        self.recovered = recovered


def record(
    database: Path,
    rower: Address | None,
    strap: Address | None,
    *,
    plan: Plan | None = None,
    athlete: str | None = None,
    for_s: float | None = None,
    optional: frozenset[Role] = frozenset(),
    program: bool = False,
    ask: Ask | None = None,
    tell: Tell | None = None,
    on_begin: Callable[[Begun], None] | None = None,
    on_moment: Callable[[Moment], None] | None = None,
    on_key: Callable[[str], None] | None = None,
    views: Sequence[View] = (),
    suspended: Callable[[bool], None] = lambda _: None,
    new: bool = False,
) -> int:
    """Record a session until the devices end, `for_s` is over, or a signal comes.

    A session that was interrupted goes on, see `resuming.to_go_on`, unless a `new` one is to begin.
    `program` sends the plan to the monitor first. SIGINT, SIGTERM and SIGHUP end the session
    properly. Roles in `optional` may stay without a device; `ask` chooses among several, `tell`
    hears what happens before the session begins, and of views that fail. `on_key` has the keys of
    the terminal read, and hears what each is called, "help" for one that asks which there are,
    "end?" for one that ends the session if it comes again. `views` show the session while it goes
    on, each on a thread of its own (see `viewing`); `suspended` hears True before the terminal's
    own key (Ctrl-Z) stops the program, and False when it goes on. Returns the session's number.
    Raises RowlogError, saying what is kept, when it could not go on; nothing is begun where
    nothing can be stored.
    """
    _room_for(database)
    aside = make_way(database)
    if aside is not None and tell is not None:
        tell(
            f"The database {database} is damaged ({aside.fault}). It is kept as {aside.path}, and "
            f"a new one is begun. What can be read of it comes back with: "
            f"rowlog db recover{db_option(database)}"
        )
    if is_spilled(database):
        with Store.open_writer(database) as store:
            for number, file in take_in(store):
                if tell is not None:
                    tell(f"What session {number} had put into {file} is in the database now.")
    careful = warning(database)
    if careful is not None and tell is not None:
        tell(careful)
    before = None if new else to_go_on(database, plan, athlete, ask)
    if before is not None:
        plan, athlete, program = before.plan, before.athlete, False
        if optional:  # nothing was named: the devices that it had
            rower = before.address("rower") or rower
            strap = before.address("strap") or strap
    wanted: dict[Role, Address] = {}
    if rower is not None and rower.scheme in ON_AIR:
        wanted["rower"], rower = rower, None
    if strap is not None and strap.scheme in ON_AIR:
        wanted["strap"], strap = strap, None
    for role, address in wanted.items():
        check_bluetooth_options(address, role)
    port = rower if rower is not None and rower.scheme in ("serial", "usb") else None
    if rower is None and strap is None and not wanted:
        raise CallError(
            "No device was named.", "Add --rower and --strap, for example --rower sim:rower."
        )
    if program:
        _check_workout(plan, rower)
    workout = plan if program else None
    opened = open_devices(rower, strap, plan=plan)
    if before is not None:
        opened.clock.go_on(before.now_ns(opened.clock.rate))
        if tell is not None:
            tell(told(before))
    if tell is not None and plan is not None and "strap" not in wanted and strap is None:
        ends = {piece.target.type for piece in plan.pieces}
        if ends & {"heart_rate_above", "heart_rate_below"}:
            tell(
                "The plan has a piece that ends by heart rate, and no strap is named: it ends by "
                "its time limit, by a key, or by what the rower relays."
            )
    if tell is not None and plan is not None and rower is None and "rower" not in wanted:
        rowed = any(piece.kind == "work" and piece.activity == ROW for piece in plan.pieces)
        if rowed:
            tell(
                "The plan has pieces on the rowing machine, and none is named: they wait for a "
                'stroke that nobody tells. For time alone put Other: in front: "Other: 4:00".'
            )
    athlete = athlete or only_athlete(database)
    values = Values() if plan is None else _values(database, plan, athlete, tell)
    known = known_devices(database, athlete) if wanted or port is not None else []
    by_radio = [one for one in known if one.address.startswith("ble:")]
    on_cable: list[FoundPort] = []
    with Store.open_writer(database) as store:
        recovered = recover(store, None if before is None else before.id)

        def begin(opened: Opened, started_at: datetime) -> int:
            names = {source.name for source in opened.sources}
            sources = tuple(
                Source(
                    name=source.name,
                    driver=source.driver,
                    address=opened.addresses.get(source.name),
                    options=source.options,
                )
                for source in opened.sources
            )
            if before is not None:
                before.same_devices(sources)
                store.resume_session(before.id)
                store.add_sources(before.id, sources)
                session_id = before.id
            else:
                session_id = store.begin_session(
                    started_at=started_at,
                    plan=str(plan) if plan is not None else None,
                    athlete=athlete,
                    activity="row" if names - {"strap"} else "other",
                    sources=sources,
                )
            if on_cable:
                from rowlog.ports import to_remember

                store.remember_devices(athlete, [to_remember(on_cable[0], started_at)])
            return session_id

        def begun(session_id: int) -> None:
            if on_begin is not None:
                on_begin(Begun(session_id, recovered))

        async def ready() -> tuple[Opened, OnAir | None]:
            found = None
            if workout is None or port is not None or _fits_usb(workout):
                found = await _on_port(
                    port, wanted, known, ask, tell, programmable=workout is not None
                )
            air = None
            if wanted:
                air = await _on_air(
                    opened, wanted, by_radio, athlete, optional, ask, tell, alone=found is None
                )
            if workout is not None and found is None:
                await _programmed(air, workout, tell)
            now = opened if air is None else air.opened
            if found is None:
                return now, air
            from rowlog.ports import join

            on_cable.append(found)
            now = join(now, found)
            if air is None and workout is None:
                return now, None
            try:
                if air is None:
                    now.clock.restart()
                    for device in now.devices[:-1]:
                        await device.transport.open()
                await now.devices[-1].transport.open()
                if workout is not None:
                    await _programmed_over_usb(now.devices[-1], found, workout, tell)
            except BaseException:
                await _close(now)
                raise
            return replace(now, running=True), air

        def keep(air: OnAir, session_id: int) -> None:
            from rowlog.bluetooth import to_remember

            with open_reader(database) as reader:
                infos = reader.records(session_id, MachineInfo)
            serials = {info.source: info.serial_number for info in infos if info.serial_number}
            store.remember_devices(athlete, to_remember(air, serials, wall_now()))

        def staged(opened: Opened, started_at: datetime) -> tuple[Sequence[View], Board, Tell]:
            names = {source.name: source.option("name") for source in opened.sources}
            board = Board(
                started_at=started_at,
                plan=plan,
                zones=zones_on(database, athlete, started_at) if views else None,
                sources=list(names),
                machine=next((name for source, name in names.items() if source != "strap"), None),
                speed=opened.clock.rate,
            )
            return views, board, tell or (lambda _: None)

        return asyncio.run(
            _record(
                ready,
                store,
                begin,
                begun,
                keep,
                before,
                plan,
                values,
                for_s,
                on_moment,
                on_key,
                suspended,
                staged,
            )
        )


async def _on_port(
    port: Address | None,
    wanted: dict[Role, Address],
    known: list[KnownDevice],
    ask: Ask | None,
    tell: Tell | None,
    *,
    programmable: bool = False,
) -> FoundPort | None:
    """The rower on the serial port that was named, or that `auto` finds; None for none.

    `programmable`: only a monitor that can be sent a workout will do.

    One that is plugged in and answers is taken before any that is only in reach, of several
    the only one that was recorded before, and is not
    `wanted` by Bluetooth then. Raises RowlogError when the one that was named cannot be had.
    """
    rower = wanted.get("rower")
    if port is None and (rower is None or rower.scheme != "auto"):
        return None
    from rowlog.ports import plugged_in, recognise, remembered

    if port is not None:
        return remembered(await recognise(port), known)
    there = [remembered(one, known) for one in await plugged_in()]
    if programmable:
        there = [one for one in there if one.on_usb]
    ones_own = [one for one in there if one.known is not None]
    if len(ones_own) == 1:
        there = ones_own
    if not there:
        return None
    one = there[0]
    if len(there) > 1:
        lines = [f"{found.address}: {found.identified.what}" for found in there]
        place = ask("Which rower is yours?", lines) if ask is not None else None
        if place is None:
            raise RowlogError(
                f"{len(there)} rowers are plugged in: {', '.join(lines)}.",
                f"Name yours: --rower {one.address}",
            )
        one = there[place]
    del wanted["rower"]
    if tell is not None:
        tell(f"Taking the rower that is plugged in: {one.identified.what}, {one.address}.")
    return one


async def _on_air(
    opened: Opened,
    wanted: dict[Role, Address],
    known: list[KnownDevice],
    athlete: str | None,
    optional: frozenset[Role],
    ask: Ask | None,
    tell: Tell | None,
    *,
    alone: bool,
) -> OnAir | None:
    """The Bluetooth devices that are wanted. None: there is no Bluetooth, and none is needed.

    `alone`: whether the session listens to nothing else.
    """
    from rowlog.bluetooth import connect

    try:
        return await connect(
            opened, wanted, known, athlete=athlete, optional=optional, ask=ask, tell=tell
        )
    except RowlogError as error:
        if alone or not set(wanted) <= optional:
            raise
        if tell is not None:
            tell(f"Recording goes on without the {' and the '.join(wanted)}: {error}")
        return None


def _values(database: Path, plan: Plan, athlete: str | None, tell: Tell | None) -> Values:
    """What the plan's guidance refers to of the athlete; told is what of it is not known."""
    if not any(referred_to(plan)):
        return Values()
    from rowlog.summary_judging import said, values_today

    values = values_today(database, plan, athlete, wall_now().date())
    if tell is not None and (missing := unresolved(plan, values)):
        tell(
            "Not shown while you row, for want of a best, a maximum heart rate or zones: "
            f"{', '.join(map(said, missing))}. See: rowlog athlete set --help"
        )
    return values


def _check_workout(plan: Plan | None, rower: Address | None) -> None:
    """Raises CallError where no monitor can be sent the plan, or not so."""
    from rowlog.programming import program_for, program_over_usb

    if plan is None:
        raise CallError(
            "--program needs a plan to send.", 'Name one: rowlog record "8x500m/1:30r" --program'
        )
    if rower is None:
        program_for(plan)
    elif rower.scheme == "usb":
        program_over_usb(plan)
    else:
        raise CallError(
            f"{rower} cannot be sent a workout: only a Concept2 monitor over Bluetooth or USB can.",
            "sim:pm5 holds the plan by itself; leave out --program.",
        )


def _fits_usb(plan: Plan) -> bool:
    """Whether a monitor on a USB cable can be sent the plan."""
    from rowlog.programming import program_over_usb

    try:
        program_over_usb(plan)
    except CallError:
        return False
    return True


async def _programmed_over_usb(
    device: Device, found: FoundPort, plan: Plan, tell: Tell | None
) -> None:
    """Send the plan. Raises RowlogError where it is not taken."""
    from rowlog.program_monitor import send_program
    from rowlog.programming import program_over_usb
    from rowlog.usb import model

    workout = program_over_usb(plan, monitor=model(found.port))
    await send_program(device, workout, label=found.label, link="usb", asks=True)
    if tell is not None:
        tell(f"{found.label} holds the workout.")


async def _programmed(air: OnAir | None, plan: Plan, tell: Tell | None) -> None:
    """Send the plan. Raises RowlogError, with nothing left connected, when it is not taken."""
    from rowlog.program_monitor import send_program
    from rowlog.programming import program_for

    found = air.found.get("rower") if air is not None else None
    try:
        if air is None or found is None or found.identified.driver not in ("pm5", "csafe"):
            what = "There is no rower here" if found is None else f"{found.sighting.label} is none"
            raise RowlogError(
                f"Only a Concept2 monitor can be sent a workout. {what}.",
                "Leave out --program: rowlog counts the pieces itself.",
            )
        device = next(one for one in air.opened.devices if "rower" in one.decoding.decoders)
        asks = found.identified.driver == "csafe"
        await send_program(device, program_for(plan), label=found.sighting.label, asks=asks)
    except BaseException:
        if air is not None:
            await _close(air.opened)
        raise
    if tell is not None:
        tell(f"{found.sighting.label} holds the workout.")


def _room_for(database: Path) -> None:
    """Raises RowlogError where a session would not find room to be stored."""
    folder = database.expanduser().absolute().parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        free = disk_usage(folder).free
    except OSError:
        return  # what stands in the way is told when the database is opened
    if free < ROOM_BYTES:
        raise RowlogError(
            f"The disk of {database} has room for {free / 1e6:.1f} MB only, too little to record.",
            f"Make {ROOM_BYTES / 1e6:.0f} MB free on it, or name a database elsewhere with --db.",
        )


async def _record(
    ready: Callable[[], Awaitable[tuple[Opened, OnAir | None]]],
    store: Store,
    begin: Callable[[Opened, datetime], int],
    begun: Callable[[int], None],
    keep: Callable[[OnAir, int], None],
    before: Interrupted | None,
    plan: Plan | None,
    values: Values,
    for_s: float | None,
    on_moment: Callable[[Moment], None] | None,
    on_key: Callable[[str], None] | None,
    suspended: Callable[[bool], None],
    staged: Callable[[Opened, datetime], tuple[Sequence[View], Board, Tell]],
) -> int:
    """Connect, then begin the session: what cannot be reached leaves none behind."""
    stop = asyncio.Event()
    with _signals(stop):
        readying = asyncio.ensure_future(ready())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({readying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not readying.done():
            readying.cancel()
            await asyncio.wait({readying})
            if not readying.cancelled() and readying.exception() is None:
                await _close(readying.result()[0])
            raise RowlogError("Stopped before the session began; nothing was recorded.")
        opened, air = readying.result()
        if not opened.running:
            opened.clock.restart()
        since_s = opened.clock.life_s(opened.clock.now_ns() / 1e9)
        started_at = wall_now() - timedelta(seconds=since_s)
        if before is not None:
            started_at = before.started_at
        try:
            if not opened.running:
                for device in opened.devices:
                    await device.transport.open()
            # On a thread: the devices send already, and a slow disk must not delay their stamps.
            session_id = await asyncio.to_thread(begin, opened, started_at)
            begun(session_id)
            if air is not None:
                await asyncio.to_thread(keep, air, session_id)
        except BaseException:
            await _close(opened)
            raise
        views, board, tell = staged(opened, started_at)
        keyboard = stage = None
        if on_key is not None or views:
            keyboard, controls = _keyboard(opened.clock, stop, on_key, suspended)
            stage = partial(Stage, views, board, opened.clock, controls=controls, tell=tell)
        reserve = await asyncio.to_thread(Reserve, store.path)
        recorder = Recorder(
            opened.devices,
            store,
            session_id,
            plan=plan,
            clock=opened.clock,
            end_ns=opened.end_ns,
            hold_s=HOLD_S,
            started_at=started_at,
            keyboard=keyboard,
            reserve=reserve,
        )
        if before is not None:
            await asyncio.to_thread(_take_up, recorder, store, before)
        if air is not None:
            air.motion.pipeline = recorder.derivation.pipeline
        try:
            if keyboard is not None:
                await keyboard.transport.open()
            await _run(recorder, opened, stop, values, for_s, on_moment, stage if views else None)
        except SpilledError:
            raise
        except RowlogError as error:
            raise RowlogError(
                f"{error} {recorder.frames_committed} frames of session {session_id} are kept, up "
                f"to {recorder.committed_ns / 1e9:.0f} s;",
                "the session is closed as recovered when you record or rebuild the next time.",
            ) from error
        finally:
            reserve.release()
        if air is not None:
            await asyncio.to_thread(keep, air, session_id)
    return session_id


def zones_on(database: Path, athlete: str | None, day: datetime) -> Zones | None:
    """The athlete's heart-rate zones on that day; None where they are not known."""
    changes = [one.changes for one in read_athletes(database) if one.name == athlete]
    return zones_of(known_on(day.date().isoformat(), changes[0])) if changes else None


def _take_up(recorder: Recorder, store: Store, before: Interrupted) -> None:
    """Have the recorder know what the session holds already."""
    others = make_decoding(source.header for source in before.sources)
    facts = recorder.take_up(store.read_frames(before.id), others, REASON)
    store.rederive(before.id, facts)


def _keyboard(
    clock: Clock,
    stop: asyncio.Event,
    on_key: Callable[[str], None] | None,
    suspended: Callable[[bool], None],
) -> tuple[Device, Controls]:
    """Keys as a device of the session: those of the terminal, and those that views press."""
    from rowlog_drivers.transports.keyboard import KeyboardTransport

    tell = on_key or (lambda _: None)
    asked_ns: int | None = None

    def other(key: str) -> None:
        nonlocal asked_ns
        sure = asked_ns is not None and life_ns() - asked_ns < SURE_NS
        asked_ns = None
        if sure and key in QUIT + YES:
            press(END)
        elif key in QUIT:
            asked_ns = life_ns()
            tell("end?")
        elif key in HELP:
            tell("help")

    def pressed(label: str) -> None:
        nonlocal asked_ns
        asked_ns = None
        tell(label)

    def press(label: str) -> None:
        if label == END:
            tell(END)
            stop.set()
        else:
            transport.press(label)

    transport = KeyboardTransport(
        clock,
        TYPED,
        source=KEY_SOURCE,
        channel="key",
        other=other,
        pressed=pressed,
        terminal=None if on_key is None else 0,
        suspended=suspended,
    )
    return Device(transport, Decoding({})), Controls(asyncio.get_running_loop(), press)


async def _close(opened: Opened) -> None:
    """Let go of all devices at a time."""
    await asyncio.gather(*(device.close() for device in opened.devices))


async def _run(
    recorder: Recorder,
    opened: Opened,
    stop: asyncio.Event,
    values: Values,
    for_s: float | None,
    on_moment: Callable[[Moment], None] | None,
    staged: Callable[..., Stage] | None,
) -> None:
    told_ns = life_ns()
    told_trouble: str | None = None
    still_ns = 0
    movement = Movement()
    last: Standing | None = None

    def where_at(progress: Progress, t_ns: int) -> Standing:
        if progress.ended and last is not None:
            return last if last.phase == "done" else replace(last, phase="ended")
        pipeline = progress.derivation.pipeline
        return standing(pipeline.tracker, pipeline.position, t_ns)

    def moment_at(progress: Progress, t_ns: int) -> Moment:
        # Machines keep their last pace and rate when nobody rows any more.
        rate = progress.derivation.buffer.latest("stroke_rate_spm", t_ns, seconds=30.0)
        still = movement.still(t_ns, rate)
        where = where_at(progress, t_ns)
        return moment_of(
            recorder.session_id, recorder.devices, progress, where, values, t_ns, still=still
        )

    def arrived(progress: Progress) -> None:
        nonlocal still_ns
        position = progress.derivation.pipeline.position
        movement.take(position)
        if position is not None and position.moved:
            still_ns = position.t_ns
        if where_at(progress, progress.t_ns).phase != "done":
            still_ns = max(still_ns, progress.t_ns)
        elif progress.t_ns - still_ns > IDLE_END_S * 1e9:
            stop.set()
        if stage is not None:
            stage.arrived(progress)

    def progressed(progress: Progress) -> None:
        nonlocal told_ns, told_trouble, last
        last = where_at(progress, progress.t_ns)
        if stage is not None:
            stage.stored(progress)
        now_ns = life_ns()
        due = now_ns - told_ns >= TELL_EVERY_NS or progress.closed
        if on_moment is not None and (due or progress.trouble != told_trouble):
            # On a grid, so that a late turn of the loop does not put off all that follow.
            told_ns += (now_ns - told_ns) // TELL_EVERY_NS * TELL_EVERY_NS
            told_trouble = progress.trouble
            on_moment(moment_at(progress, progress.t_ns))

    timer = asyncio.create_task(_after(opened.clock.life_s(for_s), stop)) if for_s else None
    stage = None if staged is None else staged(moment_at=moment_at)
    try:
        if stage is not None:
            stage.open()
        await recorder.run(stop=stop, on_progress=progressed, on_arrival=arrived)
    finally:
        if stage is not None:
            stage.close()
        if timer is not None:
            timer.cancel()


async def _after(seconds: float, stop: asyncio.Event) -> None:
    await asyncio.sleep(seconds)
    stop.set()


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """End the session on SIGINT, SIGTERM and, where there is one, SIGHUP."""
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {}
    for number in numbers:
        handler = signal.getsignal(number)
        if number not in (signal.SIGINT, signal.SIGTERM) and handler == signal.SIG_IGN:
            continue  # nohup: the recording is to outlive its terminal
        before[number] = handler
        try:
            loop.add_signal_handler(number, stop.set)
        except (NotImplementedError, RuntimeError):  # Windows; or not in the main thread
            try:
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
            except ValueError:
                continue
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)
            with suppress(ValueError, TypeError):
                signal.signal(number, handler)


def moment_of(
    session_id: int,
    devices: Sequence[Device],
    progress: Progress,
    where: Standing,
    values: Values,
    t_ns: int,
    *,
    still: bool,
) -> Moment:
    """What is told at one moment of a session; `still`: nobody rows."""
    position = progress.derivation.pipeline.position
    moving = where.phase in ("work", "rest", "done") and not still

    def latest(quantity: str) -> float | None:
        return progress.derivation.buffer.latest(quantity, t_ns)

    return Moment(
        session_id=session_id,
        t_s=t_ns / 1e9,
        frames_committed=progress.frames_committed,
        standing=where,
        guidance=guidance(where.piece, latest, values) if where.phase == "work" else (),
        distance_m=position.distance_m if position is not None else None,
        stroke_count=position.stroke_count if position is not None else None,
        energy_kcal=position.energy_kcal if position is not None else None,
        pace_s_per_500m=latest("pace_s_per_500m") if moving else None,
        stroke_rate_spm=latest("stroke_rate_spm") if moving else None,
        power_w=latest("power_w") if moving else None,
        heart_rate_bpm=latest("heart_rate_bpm"),
        pace_m=pace_m(progress.derivation.pipeline.erg),
        trouble=progress.trouble,
        memory_left_s=progress.memory_left_s,
        complaints=tuple(
            complaint for device in devices if (complaint := device.complaint()) is not None
        ),
    )
