"""Who may ask for what: Host, Origin, token and key of every request, and the headers of answers.

Pure ASGI: it stands before every page, file and WebSocket.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER: Final = b"x-rowlog-key"
"""A command carries the key of the page that it was given on: no other page can know it."""
BODY_BYTES: Final = 16_384
"""No command is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request must show."""

    port: int
    names: frozenset[str] = frozenset()
    """As in `Listening`."""
    token: str | None = None
    """Asked of everybody; None: whoever reaches this computer's own address may look."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """Asked of commands, new for each run."""

    @property
    def cookie_name(self) -> str:
        """Cookies are shared by all ports of a host."""
        return f"rowlog_{self.port}"

    @property
    def cookie_value(self) -> str:
        """What the token is exchanged for."""
        secret = (self.token or "").encode()
        return hmac.new(secret, b"rowlog cookie", hashlib.sha256).hexdigest()

    def knows(self, host: bytes, arrived: str) -> bool:
        """Whether a Host header means this server; `arrived`: the address it came in by.

        A page elsewhere can give its own name the address of this computer, but not have it called
        by a number or a name that it does not own.
        """
        name, port = _split(host)
        if port != self.port:
            return False
        if name in self.names:
            return True
        try:
            own = ipaddress.ip_address(arrived.split("%")[0])
            return (name == "localhost" and own.is_loopback) or ipaddress.ip_address(name) == own
        except ValueError:
            return False

    def has_cookie(self, header: str) -> bool:
        """Whether a Cookie header carries what the token was exchanged for."""
        try:
            found = SimpleCookie(header).get(self.cookie_name)
        except CookieError:
            return False
        return found is not None and _same(found.value, self.cookie_value)


def _split(host: bytes) -> tuple[str, int]:
    """Name in small letters, and port; 80 where none is said; -1 for what is no port."""
    text = host.decode("latin-1").strip().lower()
    name, port = text, ""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif ":" in text:
        name, _, port = text.rpartition(":")
    if not port:
        return name, 80
    return name, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else -1


def _same(said: str, wanted: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "replace"), wanted.encode())


class Guard:
    """Refuses what must not be, before anything else sees it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or end one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"")
        told = _Headed(send, host)
        refused = self._refused(scope, headers, host)
        if refused is not None:
            await told.refuse(scope, *refused)
        elif scope["type"] == "http" and (cookie := self._exchanged(scope)) is not None:
            await told.page(200, _WELCOME, [(b"set-cookie", cookie.encode())])
        elif self.access.token is not None and not self.access.has_cookie(
            headers.get(b"cookie", b"").decode("latin-1")
        ):
            await told.refuse(scope, 401, _NO_TOKEN)
        else:
            await self.app(scope, receive, told)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes], host: bytes) -> Refusal | None:
        server = scope.get("server") or ("", 0)
        if not self.access.knows(host, str(server[0])):
            return 403, "This address is not the one that rowlog is served at."
        safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if safe:
            return _not_by_a_page_elsewhere(headers)
        if headers.get(b"origin") != b"http://" + host:
            return 403, "This was not asked by a page of rowlog."
        if scope["type"] == "websocket":
            return None
        if scope["method"] != "POST":
            return 405, "Only GET and POST are known here."
        if not _same(headers.get(KEY_HEADER, b"").decode("latin-1"), self.access.key):
            return 403, "This page is of an earlier run. Load it again."
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > BODY_BYTES:
            return 413, f"A command has a length, of {BODY_BYTES} bytes at most."
        return None

    def _exchanged(self, scope: Scope) -> str | None:
        """The cookie for a request that brings the token; None for any other."""
        if self.access.token is None or b"token=" not in scope["query_string"]:
            return None
        said = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not _same(said, self.access.token):
            return None
        name, value = self.access.cookie_name, self.access.cookie_value
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict"


Refusal = tuple[int, str]


def _not_by_a_page_elsewhere(headers: dict[bytes, bytes]) -> Refusal | None:
    """A page elsewhere may lead here, but not have parts of it loaded into itself.

    It could not read them, but keep the server busy. Browsers say who asks (Fetch Metadata).
    """
    elsewhere = headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")
    if elsewhere and headers.get(b"sec-fetch-mode") != b"navigate":
        return 403, "This was not asked by a page of rowlog."
    return None


class _Headed:
    """Sends with the headers that every answer has."""

    def __init__(self, send: Send, host: bytes) -> None:
        self._send = send
        # Older browsers do not count a WebSocket of the same host as 'self'.
        sockets = b" ws://" + host if host.isascii() and b";" not in host else b""
        self._headers = [*_HEADERS, (b"content-security-policy", _POLICY % sockets)]

    async def __call__(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)

    async def refuse(self, scope: Scope, status: int, text: str) -> None:
        """Answer with a status and a sentence."""
        if scope["type"] == "http":
            await self.page(status, _PAGE % (text, text))
        elif "websocket.http.response" in scope.get("extensions", {}):
            await self._answer("websocket.http", status, text, b"text/plain; charset=utf-8", [])
        else:
            await self._send({"type": "websocket.close", "code": 1008})

    async def page(
        self, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Answer with a page of its own."""
        await self._answer("http", status, text, b"text/html; charset=utf-8", headers or [])

    async def _answer(
        self, kind: str, status: int, text: str, media: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        body = text.encode()
        about = [(b"content-type", media), (b"content-length", str(len(body)).encode())]
        await self(
            {
                "type": f"{kind}.response.start",
                "status": status,
                "headers": [*about, *headers, (b"connection", b"close")],
            }
        )
        await self._send({"type": f"{kind}.response.body", "body": body})


_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
]
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'%s; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE: Final = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="dark light"><title>rowlog: %s</title>'
    "<h1>rowlog</h1><p>%s</p></html>"
)
_NO_TOKEN: Final = (
    "This page needs its key: open the address that rowlog printed when it started, "
    "or scan the code below it."
)
_WELCOME: Final = (
    # A page, not a redirect: a strict cookie is not sent along a redirect that began elsewhere,
    # as in the app that read the code. It takes the token out of the address, too.
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="dark light"><title>rowlog</title>'
    '<meta http-equiv="refresh" content="0;url=/"><p><a href="/">On to rowlog</a></p></html>'
)
