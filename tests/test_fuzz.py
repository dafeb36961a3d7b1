"""Every reader of bytes from outside reads or refuses what fuzzing has found so far.

`python -m benchmarks.fuzz` looks for more; an input that broke a reader once stays in corpus/.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz
from rowlog_drivers.catalog import DRIVERS, make_decoder
from rowlog_drivers.frames import Frame

TARGETS = fuzz.targets()


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_read_or_refused(name: str) -> None:
    """The corpus, bytes of the target's kind, and those with some of them changed."""
    target, random = TARGETS[name], Random(name)
    seeds = [seed[: fuzz.MOST_BYTES] for seed in target.seeds() if seed]
    for content in (b"", *fuzz.kept(name), *seeds):
        target.check(content)
    for seed in random.sample(seeds, min(len(seeds), 4)):
        for _ in range(4):
            changed = bytearray(seed)
            for _ in range(random.randint(1, 8)):
                changed[random.randrange(len(changed))] = random.randrange(256)
            target.check(bytes(changed[: random.randint(1, len(changed))]))


def test_the_corpus_belongs_to_targets_and_is_small() -> None:
    files = sorted(fuzz.CORPUS.iterdir())
    assert {path.stem for path in files} <= set(TARGETS)
    assert all(path.stat().st_size < 60_000 for path in files)
    assert sum(path.stat().st_size for path in files) < 400_000
    assert sum(len(fuzz.kept(path.stem)) for path in files) > 50


def test_every_decoder_is_a_target() -> None:
    assert set(DRIVERS) <= set(TARGETS)


def test_a_reader_that_breaks_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks are no formality: a decoder that raises is told."""

    class Broken:
        def decode(self, frame: Frame) -> tuple[()]:
            raise ZeroDivisionError

    monkeypatch.setattr("rowlog_drivers.catalog.make_decoder", lambda *_: Broken())
    with pytest.raises(ZeroDivisionError):
        fuzz.check_decoder("ftms", b"\0\1x")


@pytest.mark.parametrize("driver", [*fuzz.SERIAL, "smartrow"])
@pytest.mark.parametrize("octet", [b"0", b"\xf1", b"\0", b"A"])
def test_a_line_without_end_takes_no_memory(driver: str, octet: bytes) -> None:
    """Bytes in which nothing ever ends: what is held does not grow with it."""
    decoder = make_decoder(driver)
    channel = "1236" if driver == "smartrow" else "rx"

    def feed(pieces: int) -> None:
        for number in range(pieces):
            decoder.decode(
                Frame(t_ns=number * 10**6, source="rower", channel=channel, payload=octet * 512)
            )

    feed(64)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        feed(128)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < 8_192  # of 65,536
