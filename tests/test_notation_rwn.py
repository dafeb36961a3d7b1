"""Rowers Workout Notation 0.1.0: every example of its specification and of its requirements.

https://github.com/gamalamadingdong/logbook-companion, rwn/RWN_spec.md and RWN_requirements.md.
"""

from __future__ import annotations

import pytest

from rowlog.notation import NotationError, parse
from rowlog.plan import Band, Plan

EXAMPLES = [
    # text, canonical form; the section of the specification it stands in
    # 2
    ("4x500m/1:00r", "4x500m/1:00r"),
    ("3x20:00/2:00r", "3x20:00/2:00r"),
    ("10x1:00/1:00r", "10x1:00/1:00r"),
    ("500m@2k/1:00r", "500m@2k/1:00r"),
    ("1x500m@2k/1:00r", "500m@2k/1:00r"),
    ("15:00@UT1/2:00r", "15:00@UT1/2:00r"),
    ("1x15:00@UT1/2:00r", "15:00@UT1/2:00r"),
    ("10000m", "10000m"),
    ("30:00", "30:00"),
    ("5000m@UT2", "5000m@UT2"),
    # 3
    ("2000m", "2000m"),
    ("5k", "5000m"),
    ("5km", "5000m"),
    ("300cal", "300cal"),
    ("500m/90sr", "500m/1:30r"),
    ("4x2000m/...r", "4x2000m/...r"),
    ("4x2000m/ur", "4x2000m/...r"),
    ("10x500m/...r", "10x500m/...r"),
    # Its latest text has the rest after each piece; a group's rest is one here, as in section 5.
    ("(2000m + 1000m + 500m) / 3:00r", "2000m + 1000m + 500m/3:00r"),
    # 4
    ("30:00@r20", "30:00@r20"),
    ("30:00@20spm", "30:00@r20"),
    ("8x500m/1:00r@r32", "8x500m@r32/1:00r"),
    ("60:00@18..22spm", "1:00:00@r18..22"),
    ("4x2000m/5:00r@r24..28", "4x2000m@r24..28/5:00r"),
    ("20:00@22-24spm", "20:00@r22..24"),
    ("2000m@1:45", "2000m@1:45"),
    ("10x500m@2k/3:00r", "10x500m@2k/3:00r"),
    ("5000m@2k+10", "5000m@2k+10"),
    ("4x1000m/3:30r@1:50", "4x1000m@1:50/3:30r"),
    ("60:00@2:05..2:10", "1:00:00@2:05..2:10"),
    ("8x500m@1:48..1:52/3:00r", "8x500m@1:48..1:52/3:00r"),
    ("8x500m@2k-1..2k-5/3:00r", "8x500m@2k-5..2k-1/3:00r"),
    ("60:00@2:05-2:10", "1:00:00@2:05..2:10"),
    ("60:00@2k+5..2k+10", "1:00:00@2k+5..2k+10"),
    ("60:00@2k-1-2k-5", "1:00:00@2k-5..2k-1"),
    ("500m@5k", "500m@5k"),
    ("500m@6k", "500m@6k"),
    ("500m@30m", "500m@30min"),
    ("500m@60m", "500m@60min"),
    ("3x20:00/2:00r@UT2", "3x20:00@UT2/2:00r"),
    ("10x1:00/1:00r@AN", "10x1:00@AN/1:00r"),
    ("10x1:00/1:00r@AT", "10x1:00@AT/1:00r"),
    ("10x1:00/1:00r@TR", "10x1:00@TR/1:00r"),
    ("0:30@open", "0:30@open"),
    ("500m@open", "500m@open"),
    ("10x(2:30@r24..26 + 0:30@open)/30sr", "10x(2:30@r24..26 + 0:30@open)/0:30r"),
    ("30:00@UT2@r20", "30:00@r20@UT2"),
    ("30:00@r20@UT2", "30:00@r20@UT2"),
    ("5000m@2k+5@r28", "5000m@r28@2k+5"),
    ("8x500m/1:00r@1:50@r32", "8x500m@r32@1:50/1:00r"),
    ("60:00@r18..22@UT2", "1:00:00@r18..22@UT2"),
    ("4x2000m/5:00r@2k@r24..28", "4x2000m@r24..28@2k/5:00r"),
    # 5
    ("2000m + 1000m", "2000m + 1000m"),
    ("10:00@r22 + 5:00@r26", "10:00@r22 + 5:00@r26"),
    ("15:00 (5:00@r20 + 5:00@r24 + 5:00@r28)", "5:00@r20 + 5:00@r24 + 5:00@r28"),
    ("250m@r30 + 500m@r25 + 250m@r35", "250m@r30 + 500m@r25 + 250m@r35"),
    ("3x(4:00@UT2 + 1:00@open)/2:00r", "3x(4:00@UT2 + 1:00@open)/2:00r"),
    ("3 x (10:00@UT2 + 5:00@UT1) / 2:00r", "3x(10:00@UT2 + 5:00@UT1)/2:00r"),
    ("2 x (2000m + 1000m) / 5:00r", "2x(2000m + 1000m)/5:00r"),
    ("3 x (10:00@UT2 + 5:00@UT1)", "3x(10:00@UT2 + 5:00@UT1)"),
    ("3 x (10:00@UT2 + 5:00@UT1) / ...r", "3x(10:00@UT2 + 5:00@UT1)/...r"),
    # 6 and 7
    ("10000m [2000m]", "10000m [2000m]"),
    ("30:00 [5:00]", "30:00 [5:00]"),
    ("v500m/1000m/500m", "500m + 1000m + 500m"),
    ("(500m/1:00r) + (1000m/2:00r)", "500m/1:00r + 1000m/2:00r"),
    # 9
    ("Bike: 15000m", "Bike: 15000m"),
    ("Ski: 8x500m/3:30r", "Ski: 8x500m/3:30r"),
    ("Run: 5k @20:00", "Run: 5000m@2:00"),
    ("Run: 400m", "Run: 400m"),
    ("Run: 15:00 Tempo", "Run: 15:00 tempo"),
    ("Run: 400m easy", "Run: 400m easy"),
    ("Other: 10 Burpees", "open 10 burpees"),
    ("Row: 2000m + Other: 2:00 Plank + Row: 2000m", "2000m + 2:00 plank + 2000m"),
    ("Row: 2000m + Other: Plank", "2000m + open plank"),
    ("Cross: 60:00", "Cross: 1:00:00"),
    # 10
    ("[w]10:00", "[w]10:00"),
    ("[c]5:00", "[c]5:00"),
    ("[t]2000m", "[t]2000m"),
    ("[w]10:00 + 5x500m/1:00r + [c]5:00", "[w]10:00 + 5x500m/1:00r + [c]5:00"),
    ("[w]10:00 + 5x500m + [c]5:00", "[w]10:00 + 5x500m + [c]5:00"),
    ("[w]2000m + [t]2000m", "[w]2000m + [t]2000m"),
    ("[w]10:00 + 4x2000m/5:00r", "[w]10:00 + 4x2000m/5:00r"),
    ("2000m #warmup", "[w]2000m"),
    ("10:00 #cooldown", "[c]10:00"),
    ("2000m #benchmark", "[t]2000m"),
    (
        "2000m #warmup + 4x500m/2:00r + 1000m #cooldown",
        "[w]2000m + 4x500m/2:00r + [c]1000m",
    ),
    (
        "2000m #warmup + 5x500m/1:00r + 1000m #cooldown",
        "[w]2000m + 5x500m/1:00r + [c]1000m",
    ),
    ("500m #warmup + 2000m #test", "[w]500m + [t]2000m"),
    # 11
    ("30r20", "30:00@r20"),
    ("30:00r20", "30:00@r20"),
    ("8x500r28/1:00r", "8x500m@r28/1:00r"),
    ("3'", "3:00"),
    ('30"', "0:30"),
    ("3'30\"", "3:30"),
    ("1'5\"", "1:05"),
    ("10x3'/30\"r", "10x3:00/0:30r"),
    ("2'30\"@r24..26", "2:30@r24..26"),
    ("4x500m/1:00 r", "4x500m/1:00r"),
    ("4 x 500m", "4x500m"),
    ("20:00@18-22spm", "20:00@r18..22"),
    # the requirements, where they have others
    ("500m/1:00r", "500m/1:00r"),
    ("3x(10:00 + 5:00)/2:00r", "3x(10:00 + 5:00)/2:00r"),
    ("3x(10:00+5:00)/2:00r", "3x(10:00 + 5:00)/2:00r"),
    ("4 x 500m / 1:00 r", "4x500m/1:00r"),
    ("4X500M/1:00R", "4x500m/1:00r"),
    ("8x500m@r32@1:50/90sr", "8x500m@r32@1:50/1:30r"),
    ("20x500m/...r", "20x500m/...r"),
    (
        "Circuit: 3x(10 burpees + 20 squats + 30s plank)",
        "3x(open 10 burpees + open 20 squats + 0:30 plank)",
    ),
    # its read-me
    ("30:00 @2k+18", "30:00@2k+18"),
    ("2000m+1000m+500m", "2000m + 1000m + 500m"),
]
REFUSED = [
    # text, position, the spelling that the message gives; why
    # Section 8 asks for no two digits in a time; `1:1` is a ratio here.
    ("4x500m/1:0r", 7, "1:00"),
    ("10:5", 3, "10:05"),
    ("0:90", 2, "1:30"),
    # The requirements have one unit for a whole list.
    ("v250/500/1000/500/250m", 1, "250m"),
    # Section 8 asks for no least distance; minutes are meant.
    ("5m", 0, "5:00"),
]


@pytest.mark.parametrize(("text", "canonical"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_examples(text: str, canonical: str) -> None:
    plan = parse(text)
    assert str(plan) == canonical
    assert parse(canonical) == plan


@pytest.mark.parametrize(("text", "position", "spelling"), REFUSED)
def test_what_it_allows_and_is_refused_with_the_spelling_to_use(
    text: str, position: int, spelling: str
) -> None:
    with pytest.raises(NotationError) as caught:
        parse(text)
    assert caught.value.position == position
    assert spelling in caught.value.expected


@pytest.mark.parametrize("text", ["4x500m/1:00r", "10:00@r22 + 5:00@r26", "v500m/1000m/500m"])
def test_a_tag_changes_nothing_but_the_tag(text: str) -> None:
    def shape(plan: Plan) -> list[object]:
        return [(piece.kind, piece.target, piece.bands) for piece in plan.pieces]

    assert shape(parse(f"[w]{text}")) == shape(parse(text))


def test_what_a_run_says() -> None:
    (easy,) = parse("Run: 400m easy").pieces
    assert (easy.activity, easy.target.value, easy.note) == ("run", 400.0, "easy")
    (tempo,) = parse("Run: 15:00 Tempo").pieces
    assert (tempo.activity, tempo.target.value, tempo.note) == ("run", 900.0, "tempo")
    # 5000 m in 20:00 are 2:00 for 500 m.
    (timed,) = parse("Run: 5k @20:00").pieces
    assert timed.bands == (Band(quantity="pace_s_per_500m", low=120.0, high=120.0),)
    (paced,) = parse("Run: 5k @2:10").pieces
    assert paced.bands == (Band(quantity="pace_s_per_500m", low=130.0, high=130.0),)
    for text, position in (("Run: 500m @20:00", 11), ("5k @20:00", 4), ("Run: 20:00 @20:00", 12)):
        with pytest.raises(NotationError) as caught:
            parse(text)
        assert caught.value.position == position
