"""A cursor over packed little-endian bytes, and its writing twin."""

from __future__ import annotations


class Cursor:
    """Reads fixed-width little-endian integers from `payload`, from `offset` on.

    A field that does not fit whole sets `truncated`, reads as None, and so does every field
    after it: what was announced and did not arrive is absent, not zero.
    """

    __slots__ = ("offset", "payload", "truncated")

    def __init__(self, payload: bytes, offset: int = 0) -> None:
        self.payload = payload
        self.offset = offset
        self.truncated = False

    def unsigned(self, width: int) -> int | None:
        """The next `width` bytes as an unsigned integer; None when they are not there."""
        return self._take(width, signed=False)

    def signed(self, width: int) -> int | None:
        """The next `width` bytes as a two's-complement integer; None when they are not there."""
        return self._take(width, signed=True)

    def rest(self) -> bytes:
        """Everything not read yet; the cursor is at the end afterwards."""
        rest = self.payload[self.offset :]
        self.offset = len(self.payload)
        return rest

    @property
    def remaining(self) -> int:
        """How many bytes have not been read."""
        return len(self.payload) - self.offset

    def _take(self, width: int, *, signed: bool) -> int | None:
        end = self.offset + width
        if self.truncated or end > len(self.payload):
            self.truncated = True
            return None
        value = int.from_bytes(self.payload[self.offset : end], "little", signed=signed)
        self.offset = end
        return value


class Packer:
    """Writes fixed-width little-endian integers, clamped to what their width can hold."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = bytearray()

    def unsigned(self, value: int, width: int) -> Packer:
        """Append `value`, clamped to 0 and the largest value of `width` bytes."""
        top = (1 << (8 * width)) - 1
        self._parts += min(max(value, 0), top).to_bytes(width, "little")
        return self

    def signed(self, value: int, width: int) -> Packer:
        """Append `value` in two's complement, clamped to the range of `width` bytes."""
        top = (1 << (8 * width - 1)) - 1
        self._parts += min(max(value, -top - 1), top).to_bytes(width, "little", signed=True)
        return self

    def raw(self, payload: bytes) -> Packer:
        """Append bytes as they are."""
        self._parts += payload
        return self

    def bytes(self) -> bytes:
        """Everything appended so far."""
        return bytes(self._parts)
