"""Sounds for those who do not look at the screen: the terminal's bell, tones, or a voice."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from rowlog.cues import Cue
from rowlog.live import Live
from rowlog.live import target_text as in_few

Kind = Literal["bell", "tones", "speech", "off"]
KINDS: Final[tuple[Kind, ...]] = ("bell", "tones", "speech", "off")
RATE_HZ: Final = 22_050
TONES: Final[dict[Cue, tuple[tuple[float, float], ...]]] = {
    "three": ((660.0, 0.12),),
    "two": ((660.0, 0.12),),
    "one": ((660.0, 0.12),),
    "start": ((990.0, 0.5),),
    "rest": ((440.0, 0.5),),
    "over": ((660.0, 0.2), (550.0, 0.2), (440.0, 0.4)),
    "ceiling": ((880.0, 0.1), (0.0, 0.05), (880.0, 0.1), (0.0, 0.05), (880.0, 0.1)),
}
"""Pitch in Hz, 0 for silence, and length in seconds."""
BELLS: Final[dict[Cue, int]] = {"start": 2, "rest": 2, "over": 3, "ceiling": 2}
"""How often the bell rings; once for what is not named."""
PLAYERS: Final = (("pw-play",), ("paplay",), ("aplay", "-q"))
VOICES: Final = (("spd-say", "-w"), ("espeak-ng",), ("espeak",))
MAC: Final = {"tones": (("afplay",),), "speech": (("say",),)}


class Sounder:
    """Plays cues. A tool that is not there, or fails, makes it the bell, and is told of once."""

    def __init__(
        self, kind: Kind, *, bell: Callable[[int], None], tell: Callable[[str], None]
    ) -> None:
        """`bell` rings the terminal's so many times; `tell` hears a sentence for people."""
        self.kind = kind
        self._bell = bell
        self._tell = tell
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._playing: subprocess.Popen[bytes] | None = None
        self._tool = self._find()

    def play(self, cue: Cue, live: Live) -> None:
        """Begin the sound of a cue; it is not waited for."""
        if self.kind == "off":
            return
        if self.kind == "bell":
            self._bell(BELLS.get(cue, 1))
            return
        try:
            if self.kind == "speech":
                self._start([*self._tool, words(cue, live)])
            elif sys.platform == "win32":
                import winsound

                winsound.PlaySound(str(self._tone(cue)), winsound.SND_ASYNC)
            else:
                self._start([*self._tool, str(self._tone(cue))])
        except (OSError, RuntimeError) as error:
            self._fall_back(f"The sound could not be played: {error}.")
            self._bell(BELLS.get(cue, 1))

    @property
    def playing(self) -> str | None:
        """The tool that plays now; None for none, or when it has ended."""
        one = self._playing
        return self._tool[0] if one is not None and one.poll() is None else None

    def close(self) -> None:
        """Let the last sound end by itself, and leave no file behind."""
        playing, self._playing = self._playing, None
        if playing is not None:
            with suppress(subprocess.TimeoutExpired):
                playing.wait(1.0)
            if playing.poll() is None:
                playing.kill()
                playing.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _find(self) -> list[str]:
        """The tool that plays, by name and options; [] where none is needed."""
        if self.kind not in ("tones", "speech") or (
            sys.platform == "win32" and self.kind == "tones"
        ):
            return []
        tools = PLAYERS if self.kind == "tones" else VOICES
        if sys.platform == "darwin":
            tools = MAC[self.kind]
        for tool in tools:
            found = shutil.which(tool[0])
            if found is not None:
                return [found, *tool[1:]]
        names = ", ".join(tool[0] for tool in tools)
        self._fall_back(f"--sound {self.kind} takes one of {names}, and none is installed.")
        return []

    def _fall_back(self, why: str) -> None:
        self.kind = "bell"
        self._tell(f"{why} The bell rings instead.")

    def _start(self, command: list[str]) -> None:
        playing = self._playing
        if playing is not None:
            code = playing.poll()
            if code is None:
                playing.terminate()  # the newest sound is the one that counts
                with suppress(subprocess.TimeoutExpired):
                    playing.wait(0.2)
            elif code > 0:
                raise RuntimeError(f"{Path(self._tool[0]).name} ended with {code}")
        self._playing = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for it
        )

    def _tone(self, cue: Cue) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="rowlog-")
        path = Path(self._folder.name) / f"{cue}.wav"
        if not path.exists():
            write_tone(path, TONES[cue])
        return path


def write_tone(path: Path, parts: tuple[tuple[float, float], ...]) -> None:
    """Write tones as a WAV file: one channel, 16 bits, faded so that they do not click."""
    samples: list[int] = []
    for pitch_hz, seconds in parts:
        count = round(seconds * RATE_HZ)
        fade = min(count // 4, RATE_HZ // 100)
        for place in range(count):
            loud = min(1.0, place / fade, (count - place) / fade) if fade else 1.0
            turn = 2 * math.pi * pitch_hz * place / RATE_HZ
            samples.append(round(20_000 * loud * math.sin(turn)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def words(cue: Cue, live: Live) -> str:
    """What a voice says."""
    where = live.moment.standing
    coming = where.next
    if cue in ("three", "two", "one"):
        return cue
    if cue == "start":
        activity = where.piece.activity if where.piece is not None else "row"
        return "Row" if activity in ("row", "other") else spoken(activity)
    if cue == "rest":
        if coming is None:
            return "Rest. That was the last one"
        name = "" if coming.activity in ("row", "other") else spoken(coming.activity)
        return f"Rest. Next {name} {_measure(in_few(coming.target))}".replace("  ", " ").strip()
    if cue == "over":
        return "Done. Well rowed"
    return "Heart rate too high. Ease off"


def spoken(name: str) -> str:
    """A name of the user's own, safe as an argument of a program and short enough to be said."""
    return "".join(one if one.isalnum() else " " for one in name).strip()[:40] or "exercise"


def _measure(text: str) -> str:
    if text.endswith("m") and not text.endswith("bpm"):
        return f"{text[:-1]} metres"
    return text.replace("cal", " calories").replace("open", "open end")
