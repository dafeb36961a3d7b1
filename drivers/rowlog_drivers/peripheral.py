"""The simulator as a Bluetooth peripheral: a rower and a strap that any app can connect to.

What the peripheral offers and how it behaves is here, without a radio; `peripheral_air` puts it
on the air, through the system's Bluetooth (`peripheral_bluez`). Services and dialogue follow the
Bluetooth SIG's Fitness Machine Service 1.0 (3.1 advertising, 4.16 control point, 4.17 status),
Heart Rate Service, Battery Service and Device Information Service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol

from rowlog_drivers import peripheral_pm5
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import CallError, RowlogError
from rowlog_drivers.frames import Frame
from rowlog_drivers.peripheral_offer import Characteristic, Flag, Notice, Service
from rowlog_drivers.peripheral_pm5 import Pm5Side
from rowlog_drivers.protocols import ftms, heart_rate
from rowlog_drivers.protocols.device_information import BATTERY
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.records import HeartRate, Link

KEEP_S: Final = 60.0
"""How long the session goes on when nobody listens: a link that is lost and made again within
this time finds the machine where it is by then; later the next one finds it fresh."""

NAME_BYTES: Final = 29
"""What a scan response holds: 31 bytes less the two that say what follows."""

_ROWER: Final = "1826"
_STRAP: Final = "180d"
_LISTENED: Final = frozenset(
    {ftms.ROWER_DATA_CHANNEL, heart_rate.MEASUREMENT_CHANNEL, *peripheral_pm5.DATA}
)
_GREETING_NS: Final = 500_000_000
"""By then every device on paper has told what is read from it."""
_LOOK_S: Final = 1.0
"""How often it is looked whether somebody still listens, in seconds of session time."""

EventName = Literal["on_air", "begun", "alone", "over", "control", "lost", "regained"]


class Hindrance(Enum):
    """Why nothing can be put on the air; the value is a short text."""

    NOT_LINUX = "not Linux"
    NO_BUS = "no system bus"
    NO_SERVICE = "Bluetooth service not running"
    SERVICE_LOST = "Bluetooth service stopped"
    NO_PERMISSION = "no permission"
    NO_ADAPTER = "no such adapter"
    OFF = "adapter off"
    BLOCKED = "adapter blocked"
    NO_PERIPHERAL = "adapter cannot be a peripheral"
    FULL = "adapter advertises all it can"
    NO_ANSWER = "no answer in time"
    RELEASED = "advertisement ended by the system"
    REFUSED = "refused"


class PeripheralError(RowlogError):
    """The peripheral cannot be put, or kept, on the air.

    Attributes:
        hindrance: why.
    """

    def __init__(self, what: str, next_step: str | None = None, *, hindrance: Hindrance) -> None:
        super().__init__(what, next_step)
        self.hindrance = hindrance


class RefusedWriteError(RowlogError):
    """A write that the standard answers with an error of the attribute protocol.

    Attributes:
        reason: "not_configured" when the writer has not asked for indications (error 0xFD),
            "length" when nothing was written (error 0x0D).
    """

    def __init__(self, reason: Literal["not_configured", "length"]) -> None:
        super().__init__(f"A write to the control point was refused: {reason}.")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, for people."""

    name: EventName
    """on_air: advertised; begun: somebody listens and the athlete begins; alone: nobody listens;
    over: nobody has for so long that the session is; control: the control point was written;
    lost, regained: the link of the fault `drop`."""
    text: str
    """A sentence."""


class Air(Protocol):
    """The radio, as the peripheral needs it."""

    @property
    def adapter(self) -> str:
        """Its name, for people."""
        ...

    def send(self, notice: Notice) -> None:
        """Send to all who subscribed; never waits."""
        ...

    async def lose(self) -> None:
        """Disconnect who is connected, and advertise no more."""
        ...

    async def regain(self) -> None:
        """Advertise again."""
        ...


class Peripheral:
    """A rower, a strap or both, behind one address.

    One athlete drives both, in the time of `clock`. The session begins when somebody subscribes
    to rower data or heart rate and is over when nobody has for `KEEP_S` seconds; the next one
    finds a fresh machine. Nothing is sent that nobody subscribed to.
    """

    def __init__(
        self,
        begin: Callable[[], Iterable[Frame]],
        *,
        name: str,
        clock: Clock,
        serial_number: str = "1",
        keep_s: float = KEEP_S,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        """Look at what the devices on paper are; nothing is on the air yet.

        Args:
            begin: gives a session's frames from its start, in order of time, each time anew: a
                `Simulator` with an FTMS rower or a PM5, a strap, or both.
            name: under which it is advertised, up to `NAME_BYTES` bytes in UTF-8.
            clock: whose rate the session follows; it is restarted with every session.
            serial_number: what the Device Information service says.
            keep_s: as `KEEP_S`, in seconds of session time.
            tell: hears of everything that happens.

        Raises CallError for a name that cannot be advertised, and what `begin` raises.
        """
        if not 0 < len(name.encode()) <= NAME_BYTES:
            raise CallError(
                f"{name!r} cannot be advertised.",
                f"A name has 1 to {NAME_BYTES} bytes, in UTF-8.",
            )
        self.name = name
        self._begin = begin
        self._clock = clock
        self._keep_ns = round(keep_s * 1e9)
        self._tell = tell
        self._readings, notified = _greeting(begin())
        self._readings["2a25"] = serial_number.encode()
        self._readings[ftms.TRAINING_STATUS_CHANNEL] = ftms.encode_training_status("idle")
        self._pm5 = Pm5Side() if notified & peripheral_pm5.DATA else None
        self.services = _services(
            rower=ftms.ROWER_DATA_CHANNEL in notified,
            strap=heart_rate.MEASUREMENT_CHANNEL in notified,
            pm5=self._pm5 is not None,
        )
        """What it offers, as connected apps see it."""
        self._notifying = frozenset(
            one.uuid
            for service in self.services
            for one in service.characteristics
            if "notify" in one.flags
        )
        self._subscribed: set[str] = set()
        self._changed = asyncio.Event()
        self._state: Literal["idle", "started", "paused", "stopped"] = "idle"
        self._holder: str | None = None
        self._anew = False
        self._in_session = False
        self._alone_since_ns = 0
        self._stood_ns = 0
        self._stands_since_ns = 0
        self._last_heart_rate: bytes | None = None
        self._lost = False

    @property
    def advertised(self) -> tuple[str, ...]:
        """The services in the advertisement."""
        standard = tuple(one.uuid for one in self.services if one.uuid in (_ROWER, _STRAP))
        return standard if self._pm5 is None else (peripheral_pm5.ADVERTISED, *standard)

    @property
    def service_data(self) -> dict[str, bytes]:
        """Service data in the advertisement, by service; a rower says that it is one."""
        return {_ROWER: ftms.encode_service_data()} if _ROWER in self.advertised else {}

    # ------------------------------------------------------------------ what the radio asks

    def read(self, uuid: str) -> bytes | None:
        """The value of a characteristic; None when it cannot be read."""
        own = None if self._pm5 is None else self._pm5.read(uuid)
        return self._readings.get(uuid) if own is None else own

    def subscribe(self, uuid: str) -> None:
        """Somebody wants to hear of this characteristic."""
        self._subscribed.add(uuid)
        self._changed.set()

    def unsubscribe(self, uuid: str) -> None:
        """Nobody does any more: unsubscribed, or gone."""
        listened = self._listened
        self._subscribed.discard(uuid)
        if uuid == ftms.CONTROL_CHANNEL:
            self._holder = None
        if listened and not self._listened:
            self._alone_since_ns = self._clock.now_ns()
            self._say("alone", "Nobody listens any more.")
        self._changed.set()

    def write(
        self, payload: bytes, central: str, uuid: str = ftms.CONTROL_CHANNEL
    ) -> tuple[Notice, ...]:
        """Answer a request, to the control point for instance; what is to be sent, in order.

        `central` says who wrote, so that one holds control at a time. Raises RefusedWriteError.
        """
        if uuid != ftms.CONTROL_CHANNEL:
            told = () if self._pm5 is None else self._pm5.write(uuid, payload)
            return tuple(notice for notice in told if notice.uuid in self._subscribed)
        if ftms.CONTROL_CHANNEL not in self._subscribed:
            raise RefusedWriteError("not_configured")
        request = ftms.parse_control(payload)
        if request is None:
            raise RefusedWriteError("length")
        result, status, training = self._control(request, central)
        self._changed.set()
        self._say("control", f"Control point: {request.name}: {result}.")
        notices = [
            Notice(uuid=ftms.CONTROL_CHANNEL, payload=ftms.encode_control_reply(request.op, result))
        ]
        if status is not None:
            notices.append(Notice(uuid=ftms.STATUS_CHANNEL, payload=status))
        if training is not None:
            notices.append(self._training(training))
        return tuple(notice for notice in notices if notice.uuid in self._subscribed)

    def central_left(self, central: str) -> None:
        """A central's link is gone, and with it its control."""
        if central == self._holder:
            self._holder = None

    # ------------------------------------------------------------------------- the session

    async def run(self, air: Air) -> None:
        """Live session after session, until cancelled."""
        while True:
            while not self._listened:
                self._changed.clear()
                await self._changed.wait()
            self._anew = False
            self._clock.restart()
            self._stood_ns = self._stands_since_ns = self._alone_since_ns = 0
            self._in_session = True
            if self._pm5 is not None:
                self._pm5.begin()
            self._say("begun", "Somebody listens: the session begins.")
            try:
                await self._session(air)
            finally:
                self._in_session = False
            if self._lost:
                self._lost = False
                await air.regain()
            if not self._anew:
                self._state = "idle"
                self._training("idle")
                self._say("over", "The session is over; the next begins from the start.")

    async def _session(self, air: Air) -> None:
        for frame in self._begin():
            if not await self._due(frame.t_ns, air):
                return
            await self._pass_on(frame, air)
        while await self._due(self._now_ns() + round(_LOOK_S * 1e9), air):
            pass

    async def _due(self, t_ns: int, air: Air) -> bool:
        """Wait for an instant of the session; False when the session is over before it."""
        while not self._over:
            left_s = (t_ns - self._now_ns()) / 1e9
            if not self._stands and left_s <= 0:
                return True
            self._changed.clear()
            seconds = _LOOK_S if self._stands else min(left_s, _LOOK_S)
            try:
                async with asyncio.timeout(self._clock.life_s(seconds)):
                    await self._changed.wait()
            except TimeoutError:
                if self._stands:
                    self._send_held_heart_rate(air)
        return False

    async def _pass_on(self, frame: Frame, air: Air) -> None:
        if frame.channel == "link":
            await self._follow_link(frame, air)
            return
        if self._pm5 is not None and frame.channel in peripheral_pm5.DATA:
            for notice in self._pm5.notices(frame, frozenset(self._subscribed)):
                air.send(notice)
        elif frame.channel in self._subscribed & self._notifying:
            air.send(Notice(uuid=frame.channel, payload=frame.payload))
        if frame.channel == heart_rate.MEASUREMENT_CHANNEL:
            self._last_heart_rate = frame.payload
        elif frame.channel == ftms.STATUS_CHANNEL and self._state == "idle":
            # The only status of a machine on paper: its first stroke.
            self._state = "started"
            notice = self._training("manual_mode")
            if notice.uuid in self._subscribed:
                air.send(notice)

    async def _follow_link(self, frame: Frame, air: Air) -> None:
        link = decode_link(frame)
        if not isinstance(link, Link) or link.up is not self._lost:
            return
        self._lost = not link.up
        if self._lost:
            self._say("lost", "The link is lost, as the fault wants it.")
            await air.lose()
        else:
            await air.regain()
            self._say("regained", "The peripheral is in reach again.")

    def _send_held_heart_rate(self, air: Air) -> None:
        """The athlete waits while the machine stands; the strap goes on telling, without beats."""
        if heart_rate.MEASUREMENT_CHANNEL not in self._subscribed or not self._last_heart_rate:
            return
        held = heart_rate.decode_measurement(self._last_heart_rate, t_ns=0, source="")
        if isinstance(held, HeartRate):
            payload = heart_rate.encode_measurement(held.heart_rate_bpm, contact=held.contact)
            air.send(Notice(uuid=heart_rate.MEASUREMENT_CHANNEL, payload=payload))

    def _control(
        self, request: ftms.ControlRequest, central: str
    ) -> tuple[str, bytes | None, str | None]:
        """Carry a request out: its result, the machine status and the training status after it."""
        op = request.op
        if op not in (ftms.REQUEST_CONTROL, ftms.RESET, ftms.START_OR_RESUME, ftms.STOP_OR_PAUSE):
            return "op_code_not_supported", None, None
        if op == ftms.REQUEST_CONTROL:
            if self._holder not in (None, central):
                return "control_not_permitted", None, None
            self._holder = central
            return "success", None, None
        if self._holder != central:
            return "control_not_permitted", None, None
        if op == ftms.RESET:
            self._holder = None
            self._state = "idle"
            self._anew = self._in_session
            return "success", ftms.encode_status("reset"), "idle"
        if op == ftms.START_OR_RESUME:
            if self._state == "started":
                return "operation_failed", None, None
            if self._state == "paused":
                self._stood_ns += self._clock.now_ns() - self._stands_since_ns
            elif self._state == "stopped":
                self._anew = self._in_session
            self._state = "started"
            return "success", ftms.encode_status("started_or_resumed_by_user"), "manual_mode"
        if request.parameter not in (ftms.STOP, ftms.PAUSE):
            return "invalid_parameter", None, None
        stop = request.parameter == ftms.STOP
        if self._state not in (("started", "paused") if stop else ("started",)):
            return "operation_failed", None, None
        if self._state == "started":
            self._stands_since_ns = self._clock.now_ns()
        self._state = "stopped" if stop else "paused"
        status = ftms.encode_status("stopped_or_paused_by_user", request.parameter)
        return "success", status, "post_workout" if stop else "idle"

    @property
    def _listened(self) -> bool:
        return bool(self._subscribed & _LISTENED)

    @property
    def _stands(self) -> bool:
        return self._state in ("paused", "stopped")

    @property
    def _over(self) -> bool:
        alone_ns = 0 if self._listened else self._clock.now_ns() - self._alone_since_ns
        return self._anew or alone_ns > self._keep_ns

    def _now_ns(self) -> int:
        """Session time, which stands still while the machine is paused or stopped."""
        now_ns = self._stands_since_ns if self._stands else self._clock.now_ns()
        return now_ns - self._stood_ns

    def _training(self, status: str) -> Notice:
        payload = ftms.encode_training_status(status)
        self._readings[ftms.TRAINING_STATUS_CHANNEL] = payload
        return Notice(uuid=ftms.TRAINING_STATUS_CHANNEL, payload=payload)

    def _say(self, name: EventName, text: str) -> None:
        if self._tell is not None:
            self._tell(Event(name=name, text=text))


def _services(*, rower: bool, strap: bool, pm5: bool) -> tuple[Service, ...]:
    services: list[Service] = [*(peripheral_pm5.services() if pm5 else ())]
    if rower:
        fitness = (
            _characteristic(ftms.FEATURE_CHANNEL, "read"),
            _characteristic(ftms.ROWER_DATA_CHANNEL, "notify"),
            _characteristic(ftms.TRAINING_STATUS_CHANNEL, "read", "notify"),
            _characteristic(ftms.STATUS_CHANNEL, "notify"),
            _characteristic(ftms.CONTROL_CHANNEL, "write", "indicate"),
        )
        services.append(Service(uuid=_ROWER, characteristics=fitness))
    if strap:
        heart = (
            _characteristic(heart_rate.MEASUREMENT_CHANNEL, "notify"),
            _characteristic(heart_rate.BODY_LOCATION_CHANNEL, "read"),
        )
        services.append(Service(uuid=_STRAP, characteristics=heart))
        battery = (_characteristic(BATTERY, "read", "notify"),)
        services.append(Service(uuid="180f", characteristics=battery))
    if pm5 and not strap:
        return tuple(services)  # it has no such information service
    about = ("2a29", "2a24", "2a25", "2a26")
    services.append(
        Service(uuid="180a", characteristics=tuple(_characteristic(uuid, "read") for uuid in about))
    )
    return tuple(services)


def _characteristic(uuid: str, *flags: Flag) -> Characteristic:
    return Characteristic(uuid=uuid, flags=flags)


def _greeting(frames: Iterable[Frame]) -> tuple[dict[str, bytes], set[str]]:
    """What is read from the devices on paper, the first that tells it, and what they notify."""
    data = {*_LISTENED, ftms.STATUS_CHANNEL}
    readings: dict[str, bytes] = {"2a24": b"Paper strap", "2a26": b"1.0"}
    told: dict[str, bytes] = {}
    notified: set[str] = set()
    for frame in frames:
        if frame.t_ns > _GREETING_NS:
            break
        if frame.channel in data:
            notified.add(frame.channel)
        elif frame.channel != "link" and not frame.sent:
            told.setdefault(frame.channel, frame.payload)
    return readings | told, notified
