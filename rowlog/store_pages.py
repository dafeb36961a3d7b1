"""A damaged database read page by page: the rows that SQLite itself cannot reach any more.

The layout is SQLite's own, "Database File Format" (https://sqlite.org/fileformat2.html): b-tree
pages (section 1.6) and records (2.1). Nothing here trusts what it reads: a number that cannot be is
the end of a row, a page or a tree, never an error.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rowlog.store_log import read_log

Value = int | float | str | bytes | None

PAGE_BYTES: Final = 4096
"""The page size of every database that rowlog makes, for where the file does not tell its own."""
HEADER_BYTES: Final = 100
TABLE_LEAF: Final = 0x0D
TABLE_INTERIOR: Final = 0x05
INDEX_LEAF: Final = 0x0A
INDEX_INTERIOR: Final = 0x02
DEEPEST: Final = 40
"""No b-tree has so many levels: what seems to is a circle."""
LARGEST: Final = 1 << 30
"""Bytes of a row; a length beyond it is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it lies in a page."""

    key: int | None
    """Its rowid; None in a tree without rowids."""
    values: tuple[Value, ...]


class DamagedFile:
    """The pages of a database file, with those of its write-ahead log laid over them."""

    def __init__(self, path: Path, log: Mapping[int, bytes] | None = None) -> None:
        """`log`: pages to be laid over the file's; None: those of the log beside it.

        Raises OSError for a file that cannot be read.
        """
        self._file = path.open("rb")
        size = path.stat().st_size
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        self._log: dict[int, bytes] = {}
        header = self._map[:HEADER_BYTES]
        told = struct.unpack(">H", header[16:18])[0] if len(header) == HEADER_BYTES else 0
        told = 65536 if told == 1 else told
        sound = header[:15] == b"SQLite format 3" and told >= 512 and not told & (told - 1)
        self.page_bytes = told if sound else PAGE_BYTES
        self._usable = self.page_bytes - (header[20] if sound else 0)
        self.user_version = struct.unpack(">I", header[60:64])[0] if sound else None
        """The version of its schema; None where the file does not tell."""
        if log is None:
            self._read_log(path.with_name(path.name + "-wal"))
        else:
            self._log.update(log)
        self.page_count = max(-(-len(self._map) // self.page_bytes), *self._log, 0)
        self.visited: set[int] = set()
        """The pages that belong to what was read so far, or are free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()

    def page(self, number: int) -> bytes:
        """A page by its number, from 1; b"" where there is none, short where the file was cut."""
        if number in self._log:
            return self._log[number]
        if number < 1:
            return b""
        return bytes(self._map[(number - 1) * self.page_bytes : number * self.page_bytes])

    def tree(self, root: int) -> Iterator[Row]:
        """The rows of a tree, in order, as far as its pages can be read."""
        yield from self._tree(root, 0, rows=True)

    def pass_over(self, root: int) -> None:
        """Know the pages of a tree as visited without reading its rows."""
        for _ in self._tree(root, 0, rows=False):
            pass

    def pass_over_free(self) -> None:
        """Know the free pages as visited: what they hold was taken out of the database."""
        first, count = struct.unpack(">II", self.page(1)[32:40].rjust(8, b"\0"))
        seen = 0
        while first and seen <= count and first not in self.visited and first <= self.page_count:
            page = self.page(first)
            if len(page) < 8:
                return
            self.visited.add(first)
            following, leaves = struct.unpack(">II", page[:8])
            leaves = min(leaves, (len(page) - 8) // 4)
            self.visited.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
            seen += 1 + leaves
            first = following

    def lost(self) -> Iterator[tuple[bool, Row]]:
        """The rows of pages that nothing led to; whether they are of a tree with rowids."""
        unvisited = range(1, self.page_count + 1)
        yield from self.rows_of(number for number in unvisited if number not in self.visited)

    def rows_of(self, numbers: Iterable[int]) -> Iterator[tuple[bool, Row]]:
        """The rows of these pages; whether they are of a tree with rowids."""
        for number in numbers:
            kind = self._kind(number)
            if kind in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
                for row in self._rows(number, kind):
                    yield kind == TABLE_LEAF, row

    # Trees

    def _kind(self, number: int) -> int | None:
        page = self.page(number)
        start = HEADER_BYTES if number == 1 else 0
        return page[start] if len(page) > start + 8 else None

    def _tree(self, number: int, depth: int, *, rows: bool) -> Iterator[Row]:
        if depth > DEEPEST or number in self.visited or not 1 <= number <= self.page_count:
            return
        kind = self._kind(number)
        if kind not in (TABLE_LEAF, TABLE_INTERIOR, INDEX_LEAF, INDEX_INTERIOR):
            return
        self.visited.add(number)
        if kind in (TABLE_INTERIOR, INDEX_INTERIOR):
            page = self.page(number)
            start = HEADER_BYTES if number == 1 else 0
            for place in self._cells(page, start, 12):
                (child,) = struct.unpack(">I", page[place : place + 4])
                yield from self._tree(child, depth + 1, rows=rows)
                if rows and kind == INDEX_INTERIOR:
                    row = self._row(page, place, kind)
                    if row is not None:
                        yield row
            (last,) = struct.unpack(">I", page[start + 8 : start + 12])
            yield from self._tree(last, depth + 1, rows=rows)
        elif rows:
            yield from self._rows(number, kind)

    def _rows(self, number: int, kind: int) -> Iterator[Row]:
        page = self.page(number)
        start = HEADER_BYTES if number == 1 else 0
        for place in self._cells(page, start, 12 if kind == INDEX_INTERIOR else 8):
            row = self._row(page, place, kind)
            if row is not None:
                yield row

    def _cells(self, page: bytes, start: int, header: int) -> list[int]:
        """Where the cells of a page begin; only places that lie within it."""
        if len(page) < start + header:
            return []
        (count,) = struct.unpack(">H", page[start + 3 : start + 5])
        first = start + header
        count = min(count, (len(page) - first) // 2)
        places = struct.unpack(f">{count}H", page[first : first + 2 * count])
        return [place for place in places if first + 2 * count <= place < len(page) - 4]

    def _row(self, page: bytes, place: int, kind: int) -> Row | None:
        """The row of one cell; None for what is none."""
        if kind == INDEX_INTERIOR:
            place += 4
        size, place = _varint(page, place)
        key = None
        if kind == TABLE_LEAF:
            key, place = _varint(page, place)
        if not 0 < size < LARGEST:
            return None
        content = self._content(page, place, size, table=kind == TABLE_LEAF)
        values = None if content is None else _record(content)
        if values is None:
            return None
        if key is not None and key >= 1 << 63:
            key -= 1 << 64
        return Row(key, values)

    def _content(self, page: bytes, place: int, size: int, *, table: bool) -> bytes | None:
        """A cell's whole content, that of its overflow pages too (section 1.6)."""
        usable = self._usable
        most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
        if size <= most:
            content = page[place : place + size]
            return content if len(content) == size else None
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        if local > most:
            local = least
        parts = [page[place : place + local]]
        left = size - local
        pointer = page[place + local : place + local + 4]
        chain: list[int] = []
        while left > 0:
            if len(pointer) < 4:
                return None
            (number,) = struct.unpack(">I", pointer)
            following = self.page(number)
            if len(following) < 5 or number in chain[-64:] or len(chain) > size:
                return None
            chain.append(number)
            pointer = following[:4]
            parts.append(following[4 : 4 + min(left, usable - 4)])
            left -= usable - 4
        content = b"".join(parts)
        if len(content) != size:
            return None
        self.visited.update(chain)
        return content

    def _read_log(self, path: Path) -> None:
        """Lay over the pages what was committed to the log and can be trusted."""
        try:
            content = path.read_bytes()
        except OSError:
            return
        for frame in read_log(content, self.page).frames:
            if len(frame.content) == self.page_bytes:
                self._log[frame.number] = frame.content


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next thing begins; -1 beyond the end."""
    number = 0
    for count in range(9):
        if place >= len(content):
            return -1, place
        byte = content[place]
        place += 1
        if count == 8:
            return (number << 8) | byte, place
        number = (number << 7) | (byte & 0x7F)
        if byte < 0x80:
            break
    return number, place


def _record(content: bytes) -> tuple[Value, ...] | None:
    """The values of a record (section 2.1); None for what is none."""
    head, place = _varint(content, 0)
    if not 0 < head <= len(content):
        return None
    types = []
    while place < head:
        kind, place = _varint(content, place)
        if kind < 0:
            return None
        types.append(kind)
    if place != head:
        return None
    values: list[Value] = []
    for kind in types:
        width = _WIDTHS.get(kind, (kind - 12) // 2 if kind >= 12 else -1)
        raw = content[place : place + width] if width >= 0 else b""
        if width < 0 or len(raw) != width:
            return None
        place += width
        if kind == 0:
            values.append(None)
        elif kind <= 6:
            values.append(int.from_bytes(raw, "big", signed=True))
        elif kind == 7:
            values.append(struct.unpack(">d", raw)[0])
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind % 2 == 0:
            values.append(raw)
        else:
            try:
                values.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                return None
    return tuple(values) if place == len(content) else None


_WIDTHS: Final = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
"""Bytes of a value by its serial type, for those that are no text or blob."""
