#!/usr/bin/python3
"""A MessagePack-RPC client in one file, to copy: synchronous and asyncio.

Needs Python 3.9 and msgpack 1.0 or later (Debian: python3-msgpack).

    with Client("tcp://127.0.0.1:6789", timeout=5) as client:
        client.call("double", 21)                              # 42
        client.notify("log", "no answer wanted")
        client.call_many([("double", 1), ("double", 2)])       # [2, 4], in one go
        slow = client.submit("report")                         # go on; ask later:
        slow.result()

    async with AsyncClient("unix:/run/duet.sock") as client:
        await client.call("double", 21, timeout=0.5)
        await asyncio.gather(client.call("a"), client.call("b"))

Every call ends: with its result, with RPCError (what the server answered), with CallTimeout, or
with ConnectionLost. An RPCError whose code is BUSY means that the server had no room or no turn
for the call just then: wait a little and make it again. One whose code is LIMIT would come again. A lost connection fails all calls in progress at once and is not opened again;
make a new client for that. Instants travel as datetimes with a time zone.
"""
from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import contextlib
import functools
import itertools
import json
import socket
import sys
import threading
import time
from typing import Any, Iterable, Optional, Sequence, Union

import msgpack

DEFAULT_URL = "tcp://127.0.0.1:6789"
DEFAULT_TIMEOUT = 10.0  # seconds
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
READ_SIZE = 1 << 16

# Codes of errors that tell whether a call may be made again.
LIMIT = -32000  # it is beyond a limit of the server, and always will be
BUSY = -32005  # the server was busy

Future = Union["concurrent.futures.Future[Any]", "asyncio.Future[Any]"]

# A str need not be UTF-8 on the wire: surrogateescape lets any bytes pass, there and back.
_pack = functools.partial(msgpack.packb, datetime=True, unicode_errors="surrogateescape")
_Unpacker = functools.partial(
    msgpack.Unpacker, timestamp=3, strict_map_key=False, unicode_errors="surrogateescape"
)


class RPCError(Exception):
    """The server's answer was an error. `code` is None if it sent nothing but text."""

    def __init__(self, code: Optional[int], message: str, data: Any = None):
        super().__init__(code, message)
        self.code, self.message, self.data = code, message, data

    def __str__(self) -> str:
        return self.message if self.code is None else f"{self.message} ({self.code})"

    @classmethod
    def from_wire(cls, error: Any) -> RPCError:
        """Reads [code, message], [code, message, data], a bare code, or anything else as text."""
        if isinstance(error, list) and len(error) >= 2 and isinstance(error[0], int):
            return cls(error[0], str(error[1]), error[2] if len(error) > 2 else None)
        return cls(error if type(error) is int else None, str(error))


class CallTimeout(TimeoutError):
    """No answer in time. The server may still be at work on the call."""


class ConnectionLost(ConnectionError):
    """The connection ended before the answer came, or before the call was made."""


def parse_url(url: str) -> Union[str, tuple[str, int]]:
    """tcp://HOST:PORT -> (host, port); unix:PATH -> path. Each also with its protocol's name:
    msgpack://HOST:PORT, msgpack+unix:PATH."""
    scheme, _, rest = url.partition(":")
    if scheme in ("unix", "msgpack+unix") and rest:
        return rest
    host, colon, port = rest[2:].rpartition(":")
    if scheme not in ("tcp", "msgpack") or rest[:2] != "//" or not (colon and port.isdigit()):
        raise ValueError(f"{url!r} is neither tcp://HOST:PORT nor unix:PATH")
    return host.strip("[]"), int(port)


class _Session:
    """What both clients share: message ids, calls in progress, and the format of messages."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._unpacker = _Unpacker()
        self._pending: dict[int, Future] = {}
        self.lost: Optional[ConnectionLost] = None

    def request(self, method: str, params: Sequence[Any], future: Future) -> tuple[int, bytes]:
        """The message id and the bytes of a call whose answer goes to the future."""
        msgid = next(self._ids) & 0xFFFFFFFF
        data = _pack([REQUEST, msgid, method, params])
        self._pending[msgid] = future
        if self.lost and self.take(msgid):  # else lose() has found it
            self.check()
        return msgid, data

    def check(self) -> None:
        """Raises ConnectionLost if that has happened."""
        if self.lost:
            raise ConnectionLost(*self.lost.args)

    def take(self, msgid: int) -> Optional[Future]:
        """Whoever takes the future finishes it: the answer, the timeout or the lost connection."""
        return self._pending.pop(msgid, None)

    def feed(self, data: bytes) -> None:
        """Finishes the calls that these bytes answer. An answer to nothing is ignored."""
        self._unpacker.feed(data)
        for kind, *rest in self._unpacker:
            if kind != RESPONSE:
                continue
            msgid, error, result = rest
            future = self.take(msgid)
            if future is None or future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(RPCError.from_wire(error))

    def lose(self, why: object) -> None:
        """Fails every call in progress, and those to come."""
        self.lost = self.lost or ConnectionLost(str(why) or type(why).__name__)
        for msgid in list(self._pending):
            future = self.take(msgid)
            if future is not None and not future.done():
                future.set_exception(ConnectionLost(*self.lost.args))


def _late(what: str, timeout: float) -> CallTimeout:
    return CallTimeout(f"{what}: no answer within {timeout:g} s")


# What reading from a peer that does not speak MessagePack-RPC, or has gone, may raise.
_STREAM_ERRORS = (OSError, ValueError, TypeError, msgpack.UnpackException)


class PendingCall(concurrent.futures.Future):
    """A call in progress. Works with concurrent.futures.wait() and as_completed()."""

    def __init__(self, session: _Session, method: str, timeout: float):
        super().__init__()
        self.set_running_or_notify_cancel()  # once sent, a call cannot be called back
        self.msgid = 0
        self._session, self._method, self._timeout = session, method, timeout
        self._deadline = time.monotonic() + timeout

    def exception(self, timeout: Optional[float] = None) -> Optional[BaseException]:
        """What the call failed with, or None; waits until the call's own time is up. With a
        timeout: waits for that long and raises CallTimeout, but the call goes on."""
        left = max(0.0, self._deadline - time.monotonic())
        with contextlib.suppress(concurrent.futures.TimeoutError):
            return super().exception(left if timeout is None else min(left, timeout))
        if timeout is not None and timeout < left:
            raise CallTimeout(f"{self._method}: no answer yet")
        if self._session.take(self.msgid):
            self.set_exception(_late(self._method, self._timeout))
        return super().exception()  # at once: who else took it is just finishing it

    def result(self, timeout: Optional[float] = None) -> Any:
        """The call's result, waited for as by exception()."""
        self.exception(timeout)
        return super().result()


class Client:
    """A connection for any number of threads. `timeout`, in seconds, is that of connecting, of
    sending, and of each call that does not bring its own."""

    def __init__(self, url: str = DEFAULT_URL, timeout: float = DEFAULT_TIMEOUT):
        self._timeout = timeout
        self._session = _Session()
        self._sending = threading.Lock()
        self._socket = self._connect(parse_url(url))
        self._reader = threading.Thread(target=self._read, name=f"reader of {url}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, *params: Any, timeout: Optional[float] = None) -> Any:
        """The method's result."""
        return self.submit(method, *params, timeout=timeout).result()

    def submit(self, method: str, *params: Any, timeout: Optional[float] = None) -> PendingCall:
        """Sends a call and does not wait; the result is in what it returns."""
        call, data = self._request(method, params, timeout)
        self._send(data)
        return call

    def call_many(
        self,
        calls: Iterable[Sequence[Any]],
        timeout: Optional[float] = None,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Sends (method, *params) for each call at once; the results in the same order. The first
        error is raised, or stands in its place with return_exceptions."""
        pending = [self._request(method, params, timeout) for method, *params in calls]
        self._send(b"".join(data for _, data in pending))
        if return_exceptions:
            return [call.exception() or call.result() for call, _ in pending]
        return [call.result() for call, _ in pending]

    def notify(self, method: str, *params: Any) -> None:
        """Sends a call without an answer; nobody tells whether it was run."""
        self._session.check()
        self._send(_pack([NOTIFICATION, method, params]))

    def close(self) -> None:
        """Ends the connection and fails the calls in progress. May be called twice."""
        self._session.lose("the client was closed")
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reader
        if self._reader is not threading.current_thread():
            self._reader.join()
        self._socket.close()

    def _connect(self, address: Union[str, tuple[str, int]]) -> socket.socket:
        if isinstance(address, tuple):
            sock = socket.create_connection(address, self._timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(self._timeout)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock

    def _request(
        self, method: str, params: Sequence[Any], timeout: Optional[float]
    ) -> tuple[PendingCall, bytes]:
        call = PendingCall(self._session, method, self._timeout if timeout is None else timeout)
        call.msgid, data = self._session.request(method, params, call)
        return call, data

    def _send(self, data: bytes) -> None:
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError as error:  # part of a message may be out: nothing can follow it
            self._session.lose(error)
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._session.check()

    def _read(self) -> None:
        why: object = "the server closed the connection"
        try:
            while data := self._receive():
                self._session.feed(data)
        except _STREAM_ERRORS as error:
            why = error
        self._session.lose(why)

    def _receive(self) -> bytes:
        while True:
            with contextlib.suppress(socket.timeout):  # the socket's timeout is for sending
                return self._socket.recv(READ_SIZE)


class AsyncClient:
    """A connection for the tasks of one event loop; calls made side by side share it."""

    def __init__(self, url: str = DEFAULT_URL, timeout: float = DEFAULT_TIMEOUT):
        self._address = parse_url(url)
        self._timeout = timeout
        self._session = _Session()

    async def __aenter__(self) -> AsyncClient:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> AsyncClient:
        """Opens the connection, once, and returns the client."""
        if isinstance(self._address, str):
            opening = asyncio.open_unix_connection(self._address)
        else:
            opening = asyncio.open_connection(*self._address)
        self._reader, self._writer = await self._in_time("connect", opening, None)
        self._sending = asyncio.Lock()
        self._reading = asyncio.create_task(self._read())
        return self

    async def call(self, method: str, *params: Any, timeout: Optional[float] = None) -> Any:
        """The method's result."""
        future = asyncio.get_running_loop().create_future()
        msgid, data = self._session.request(method, params, future)
        try:
            return await self._in_time(method, self._exchange(data, future), timeout)
        finally:
            self._session.take(msgid)

    async def call_many(
        self,
        calls: Iterable[Sequence[Any]],
        timeout: Optional[float] = None,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Makes all calls (method, *params) side by side; the results in the same order. The first
        error is raised, or stands in its place with return_exceptions."""
        made = [self.call(method, *params, timeout=timeout) for method, *params in calls]
        return list(await asyncio.gather(*made, return_exceptions=return_exceptions))

    async def notify(self, method: str, *params: Any) -> None:
        """Sends a call without an answer; nobody tells whether it was run."""
        self._session.check()
        sending = self._send(_pack([NOTIFICATION, method, params]))
        await self._in_time(method, sending, None)

    async def close(self) -> None:
        """Ends the connection and fails the calls in progress. May be called twice."""
        self._session.lose("the client was closed")
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _in_time(self, what: str, step: Any, timeout: Optional[float]) -> Any:
        timeout = self._timeout if timeout is None else timeout
        try:
            return await asyncio.wait_for(step, timeout)
        except asyncio.TimeoutError:
            raise _late(what, timeout) from None

    async def _exchange(self, data: bytes, future: asyncio.Future[Any]) -> Any:
        await self._send(data)
        return await future

    async def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the reader sees it too, and fails the calls
            async with self._sending:
                self._writer.write(data)
                await self._writer.drain()

    async def _read(self) -> None:
        why: object = "the server closed the connection"
        try:
            while data := await self._reader.read(READ_SIZE):
                self._session.feed(data)
        except _STREAM_ERRORS as error:
            why = error
        self._session.lose(why)
        self._writer.close()


def _json_or_text(argument: str) -> Any:
    try:
        return json.loads(argument)
    except ValueError:
        return argument


def _shown(result: Any) -> str:
    try:
        return json.dumps(result, ensure_ascii=False, default=repr)
    except TypeError:  # keys that JSON does not have
        return repr(result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes one MessagePack-RPC call.")
    parser.add_argument("url", help="tcp://HOST:PORT or unix:PATH")
    parser.add_argument("method")
    parser.add_argument("params", nargs="*", help="JSON where it is valid JSON, else text")
    parser.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT, metavar="SECONDS")
    parser.add_argument("--notify", action="store_true", help="do not wait for an answer")
    return parser.parse_args()


def main() -> int:
    """Makes one call; prints its result as JSON. Returns 1 when there is none."""
    given = _arguments()
    params = [_json_or_text(param) for param in given.params]
    try:
        with Client(given.url, given.timeout) as client:
            if given.notify:
                client.notify(given.method, *params)
            else:
                print(_shown(client.call(given.method, *params)))
    except (RPCError, OSError, ValueError) as error:
        print(f"{given.url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
