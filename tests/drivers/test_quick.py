"""Frozen dataclasses that are made by their slots: they are what `dataclass` makes, only sooner."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from rowlog.timeline import Position
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery
from rowlog_drivers.quick import quick
from rowlog_drivers.records import HeartRate, RowerSample, Stroke, Tick

MADE: list[object] = [
    Tick(t_ns=1, source=""),
    Frame(t_ns=1, source="rower", channel="2ad1", payload=b"\x01"),
    HeartRate(t_ns=1, source="strap", heart_rate_bpm=120, rr_ms=(500.0, 501.0)),
    RowerSample(t_ns=1, source="rower", distance_m=2.0, truncated=True),
    Stroke(t_ns=1, source="rower", number=3, force_curve_n=(1.0, 2.0)),
    Delivery(None, (Tick(t_ns=1, source=""),)),
]


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_what_is_made_is_equal_after_pickling_and_copying(made: object) -> None:
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert again == made
        assert hash(again) == hash(made)
        assert repr(again) == repr(made)


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_nothing_of_it_can_be_changed(made: object) -> None:
    name = "frame" if isinstance(made, Delivery) else "t_ns"
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, 2)


def test_fields_and_defaults_are_those_of_the_class() -> None:
    stroke = Stroke(t_ns=1, source="rower", number=3)
    assert (stroke.power_w, stroke.inferred) == (None, False)
    assert replace(stroke, number=4) == Stroke(t_ns=1, source="rower", number=4)
    assert Delivery(frame=None, records=()) == Delivery(None, ())
    assert [Position.__init__.__qualname__, Tick.__init__.__qualname__] == [
        "Position.__init__",
        "Tick.__init__",
    ]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"t_ns": 1, "source": "rower"}, "missing 1 required keyword-only argument: 'number'"),
        ({"t_ns": 1, "source": "rower", "number": 1, "pace": 2}, "unexpected keyword argument"),
    ],
)
def test_a_wrong_call_is_refused_as_python_refuses_it(call: dict[str, object], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        Stroke(**call)  # type: ignore[arg-type]


def test_a_class_that_needs_more_than_its_slots_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Listed:
        held: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class Checked:
        held: int

        def __post_init__(self) -> None:
            raise ValueError

    for kind in (Listed, Checked):
        with pytest.raises(TypeError, match="cannot be made by its slots alone"):
            quick(kind)
