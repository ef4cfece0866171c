"""A Docker engine that needs no Docker: an HTTP server on the loopback that gives prepared answers to the SDK."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

VERSION = "1.41"
CUT = "the connection ends here"
"""Stands for a message of a stream that breaks off."""


@dataclass
class Request:
    """What the SDK asked for: its `what` is such as `POST /build`."""

    what: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class DockerApi(ThreadingHTTPServer):
    """Answers each request with the first pattern of `answers` that matches it, such as `GET /images/.*`; notes all in `requests`.

    An answer is an object, a list of messages, which is streamed, or an exit status with an error's message.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self.answers: dict[str, Any] = {
            "GET /version": {"ApiVersion": VERSION, "Components": [{"Name": "Engine"}]},
            "GET /info": {"DefaultRuntime": "runc"},
            "GET /images/.*/json": {"Id": "sha256:1"},
        }

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_port}"

    def asked(self, what: str) -> list[Request]:
        """The requests that match a pattern."""
        return [request for request in self.requests if re.fullmatch(what, request.what)]


class Handler(BaseHTTPRequestHandler):
    server: DockerApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each body waits 40 ms for the acknowledgment of its headers

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        what = f"{self.command} {unquote(url.path).removeprefix(f'/v{VERSION}')}"
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = self._body()
        self.server.requests.append(Request(what, query, dict(self.headers), body))
        found = next((answer for key, answer in self.server.answers.items() if re.fullmatch(key, what)), None)
        status, answer = found if isinstance(found, tuple) else (200, found)
        if answer is None:
            status, answer = 404, f"nothing is prepared for {what}"
        self.send_response(status)
        if isinstance(answer, list) and what.startswith("POST "):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for message in answer:
                if message == CUT:
                    self.close_connection = True
                    return
                data = json.dumps(message).encode() + b"\r\n"
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        data = json.dumps({"message": answer} if status >= 400 else answer).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_DELETE = handle_request

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@contextmanager
def serving() -> Iterator[DockerApi]:
    """An engine during the block."""
    with DockerApi() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
