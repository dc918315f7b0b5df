"""A client of one keep-alive connection. A library's parsing of headers would be a large part of a short answer."""

import socket
import time
from dataclasses import dataclass

CHUNK_BYTES = 1 << 18


@dataclass
class Answer:
    """An answer, and the time from the first byte sent to the last byte received."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Client:
    """One connection to a server."""

    def __init__(self, address: tuple[str, int], timeout: float = 120.0):
        self.host = f"{address[0]}:{address[1]}"
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> Answer:
        return self._ask(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: application/json\r\n\r\n".encode())

    def post(self, path: str, body: bytes) -> Answer:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return self._ask(head.encode() + body)

    def _ask(self, request: bytes) -> Answer:
        began = time.perf_counter()
        self.socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            self._receive(received)
        status_line, *lines = received[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        begin = end + 4
        length = headers.get("content-length")
        if length is not None:
            complete = begin + int(length)
            while len(received) < complete:
                self._receive(received)
            seconds = time.perf_counter() - began
            body = bytes(received[begin:complete])
        else:
            while not received.endswith(b"\r\n0\r\n\r\n", begin - 2):
                self._receive(received)
            seconds = time.perf_counter() - began
            body = _join_chunks(bytes(received[begin:]))
        return Answer(int(status_line.split(" ", 2)[1]), headers, body, seconds)

    def _receive(self, received: bytearray) -> None:
        part = self.socket.recv(CHUNK_BYTES)
        if not part:
            raise ConnectionError("the server closed the connection")
        received += part

    def close(self) -> None:
        self.socket.close()


def _join_chunks(text: bytes) -> bytes:
    parts, at = [], 0
    while True:
        end = text.index(b"\r\n", at)
        length = int(text[at:end].split(b";")[0], 16)
        if length == 0:
            return b"".join(parts)
        parts.append(text[end + 2 : end + 2 + length])
        at = end + 2 + length + 2
