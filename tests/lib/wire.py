"""HTTP/1.1 over a socket, byte by byte: what a test sends is what goes out, right or wrong."""

import gzip
import json
import socket
import ssl
import time
import zlib


class Closed(Exception):
    """The peer closed the connection before a whole reply had come."""


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def unique_pairs(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError(f"duplicate member among {names}")
    return dict(pairs)


def strict_json(text):
    """json.loads, without Python's NaN and Infinity and with duplicates refused."""
    return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_pairs)


class Reply:
    """A reply as it came; `body` has its transfer coding removed, not its content coding."""

    def __init__(self, status, reason, headers, body, raw_head):
        self.status, self.reason = status, reason
        self.headers, self.body, self.raw_head = headers, body, raw_head

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value of a field that occurs at most once; None without it."""
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name} occurs {len(values)} times: {values}")
        return values[0] if values else None

    @property
    def media_type(self):
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    def plain(self):
        """The body with its content coding removed."""
        coding = (self.header("Content-Encoding") or "").lower()
        return {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(coding, bytes)(self.body)

    def text(self):
        return self.plain().decode()

    def json(self):
        return strict_json(self.text())

    def __repr__(self):
        return f"<{self.status} {self.media_type} {self.body[:300]!r}>"


class Wire:
    """One connection. `address` is (host, port) or the path of a unix socket."""

    def __init__(self, address, timeout=60.0, tls=None, server_name="localhost",
                 receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        self.buffer = bytearray()  # what has come and is not read yet

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def try_send(self, data):
        """Sends what the peer takes; a peer that has already closed is no error."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError, socket.timeout, ssl.SSLError):
            pass
        return self

    def _fill(self):
        try:
            piece = self.socket.recv(1 << 20)
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as gone:
            raise Closed(str(gone)) from gone
        if not piece:
            raise Closed(f"closed after {bytes(self.buffer[:200])!r}")
        self.buffer += piece

    def _take(self, count):
        while len(self.buffer) < count:
            self._fill()
        piece = bytes(self.buffer[:count])
        del self.buffer[:count]
        return piece

    def _until(self, mark):
        while mark not in self.buffer:
            self._fill()
        piece = self._take(self.buffer.index(mark))
        del self.buffer[:len(mark)]
        return piece

    def _chunks(self):
        body = []
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            body.append(self._take(size))
            if self._take(2) != b"\r\n":
                raise AssertionError("a chunk without its end")
        while self._until(b"\r\n"):
            pass
        return b"".join(body)

    def read_reply(self, method="GET"):
        """The next final reply; 1xx ones before it are dropped."""
        while True:
            head = self._until(b"\r\n\r\n").decode("latin-1")
            first, *lines = head.split("\r\n")
            version, status, *reason = first.split(" ", 2)
            if not version.startswith("HTTP/1."):
                raise AssertionError(f"not a status line: {first!r}")
            if not 100 <= int(status) < 200:
                break
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        reply = Reply(int(status), " ".join(reason), headers, b"", head)
        if method == "HEAD" or reply.status in (204, 304):
            return reply
        if (reply.header("Transfer-Encoding") or "").lower() == "chunked":
            reply.body = self._chunks()
        elif reply.header("Content-Length") is not None:
            reply.body = self._take(int(reply.header("Content-Length")))
        else:
            reply.body = self._rest()
        return reply

    def _rest(self):
        while True:
            try:
                self._fill()
            except Closed:
                return self._take(len(self.buffer))

    def request(self, method, path, headers=(), body=None):
        """A well-formed request; `headers` (pairs or a dict) override the usual ones."""
        fields = dict(headers) if isinstance(headers, dict) else dict(headers or ())
        given = {name.lower() for name in fields}
        lines = [f"{method} {path} HTTP/1.1"]
        if "host" not in given:
            lines.append("Host: localhost")
        if body is not None and not {"content-length", "transfer-encoding"} & given:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def exchange(self, method, path, headers=(), body=None):
        return self.request(method, path, headers, body).read_reply(method)

    def is_closed(self, within=60.0):
        """Whether the peer closes the connection, sending nothing more, in this time."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.socket.settimeout(max(end - time.monotonic(), 0.01))
            try:
                if not self.socket.recv(1 << 16):
                    return True
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                return True
            except (socket.timeout, TimeoutError):
                return False
        return False
