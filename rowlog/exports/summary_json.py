"""JSON: one object, the contract of `rowlog show --json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

from rowlog.contents import Contents
from rowlog.exports.checking import Difference, Expected, compare
from rowlog.harmless import json_text
from rowlog.summary import as_json


def write(contents: Contents, out: BinaryIO) -> None:
    """Write the session's figures."""
    text = json_text(as_json(contents.summary), indent=2)
    out.write(text.encode("utf-8") + b"\n")


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the object back, and compare all that stands in it."""
    read = json.loads(path.read_text(encoding="utf-8"))
    wanted = as_json(contents.summary)
    expected = [Expected("parts", str(sorted(wanted)), str(sorted(read)))]
    for part, value in wanted.items():
        same = read.get(part) == json.loads(json.dumps(value))
        expected.append(Expected(part, "as stored", "as stored" if same else "something else"))
    return compare(expected)
