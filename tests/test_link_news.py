"""What is told, while recording, of devices that are not heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from rowlog import render, render_moment
from rowlog.live import Moment
from rowlog.plan import Piece, Target
from rowlog.render_devices import BACK_MOMENTS, LinkNews
from rowlog.standing import Held, Standing
from rowlog_drivers.interface import Complaint

MOMENT = Moment(
    guidance=(),
    session_id=1,
    t_s=71.0,
    frames_committed=100,
    standing=Standing(phase="work", index=0, piece=None, next=None, number=1, count=3),
    distance_m=275.0,
    stroke_count=20,
    energy_kcal=None,
    pace_s_per_500m=112.0,
    stroke_rate_spm=32.0,
    power_w=249.0,
    heart_rate_bpm=155.0,
    trouble=None,
    memory_left_s=None,
    complaints=(),
)


def now(*complaints: Complaint) -> Moment:
    """The same moment, with these devices not heard."""
    return replace(MOMENT, complaints=complaints)


def complaint(
    trouble: str, seconds: float, advice: str | None = None, device: str = "Rower 1"
) -> Complaint:
    """Of a rower."""
    return Complaint(source="rower", device=device, trouble=trouble, seconds=seconds, advice=advice)


def test_each_trouble_is_told_once_and_that_it_is_over() -> None:
    news = LinkNews()
    told = [
        *news.of(now(complaint("silent", 3))),
        *news.of(now(complaint("silent", 4))),
        *news.of(now(complaint("link lost", 5))),
        *news.of(now(complaint("silent", 30, "Row a few strokes."))),
    ]
    assert told == [
        "Rower 1: silent for 3 s; reconnecting.",
        "Rower 1: link lost for 5 s; reconnecting.",
        "Rower 1: silent for 30 s; reconnecting. Row a few strokes.",
    ]
    assert [news.of(now()) for _ in range(BACK_MOMENTS + 1)] == [
        *[[]] * (BACK_MOMENTS - 1),
        ["Rower 1: heard again."],
        [],
    ]


def test_a_link_that_comes_and_goes_gives_one_line_not_ten() -> None:
    news = LinkNews()
    told: list[str] = []
    for _ in range(10):
        told += news.of(now(complaint("link lost", 1)))
        told += news.of(now())
    assert told == ["Rower 1: link lost for 1 s; reconnecting."]


def test_devices_are_told_of_apart_and_hostile_names_are_escaped() -> None:
    news = LinkNews()
    told = news.of(now(complaint("silent", 3), complaint("silent", 3, device="\x1b[2J")))
    assert told == [
        "Rower 1: silent for 3 s; reconnecting.",
        "\\x1b[2J: silent for 3 s; reconnecting.",
    ]


def test_what_is_not_heard_leaves_its_place_in_the_line_to_why() -> None:
    style = render.Style(colour=False)
    assert render_moment.moment(MOMENT, style).endswith("275 m  1:52.0   32 spm   249 W  155 bpm")
    rower_away = now(complaint("link lost", 12.4))
    assert render_moment.moment(rower_away, style).endswith("275 m  rower: link lost 12 s  155 bpm")
    strap = replace(complaint("silent", 4), source="strap", device="Strap")
    both_away = now(complaint("link lost", 12.4), strap)
    line = render_moment.moment(both_away, style)
    assert line.endswith("275 m  rower: link lost 12 s  strap: silent 4 s")


@pytest.mark.parametrize(
    ("phase", "off"), [("rest", ""), ("work", ""), ("work", "below"), ("work", "in")]
)
def test_a_line_fits_into_80_columns(
    phase: Literal["work", "rest"], off: Literal["", "below", "in"]
) -> None:
    piece = Piece(kind="work", target=Target(type="energy", value=125.0))
    where = replace(MOMENT.standing, phase=phase, piece=piece, next=piece, to_go=125.0, count=30)
    kept = (
        (Held(quantity="stroke_rate_spm", value=20.0, low=22.0, high=24.0, state=off),)
        if off
        else ()
    )
    far = replace(MOMENT, standing=where, guidance=kept, distance_m=12_345.0)
    line = render_moment.moment(far, render.Style(colour=False))
    assert len(line) <= 80
    assert ("next 125 kcal" in line) == (phase == "rest")
    assert ("rate up" in line) == (off == "below")
    # Two bands of one quantity, as a limit and a zone, say it once.
    twice = render_moment.moment(replace(far, guidance=kept * 2), render.Style(colour=False))
    assert twice == line
