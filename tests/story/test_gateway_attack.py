"""Requests that libmicrohttpd would take and nobody should send, and callers who only want to hold a connection."""
import json
import socket
import ssl

import pytest

import gateway as gateways
from hub import until

HOST = b"Host: localhost\r\n"
END = b"\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def gateway(hub):
    one = gateways.Gateway(hub)
    yield one
    one.stop()


def code(answer):
    """The one status of all that came back."""
    assert answer.startswith(b"HTTP/1.1 ") and answer.count(b"HTTP/1.1 ") == 1, answer[:300]
    head, body = answer.split(b"\r\n\r\n", 1)
    told = json.loads(body)
    assert f"X-Request-Id: {told['error_id']}".encode() in head and told["http_status"] == answer[9:12].decode()
    return int(answer[9:12])


BAD = {
    "length and chunked": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT),
    "chunked": (411, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT),
    "two lengths": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + NEXT),
    "the same length twice": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\ncontent-length: 0\r\n\r\n"),
    "a list of lengths": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 0, 0\r\n\r\n"),
    "a length with a sign": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: +0\r\n\r\n"),
    "a length in hexadecimal": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 0x0\r\n\r\n"),
    "a length that wraps": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 18446744073709551616\r\n\r\n"),
    "an empty length": (400, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: \r\n\r\n"),
    "a body too long": (413, b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 1048577\r\n\r\n"),
    "bare LF": (400, b"GET / HTTP/1.1\nHost: localhost\n\n"),
    "one bare LF": (400, b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
    "bare CR": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n"),
    "NUL in the path": (400, b"GET /a\0b HTTP/1.1\r\n" + HOST + END),
    "an escaped NUL in the path": (400, b"GET /a%00b HTTP/1.1\r\n" + HOST + END),
    "a broken escape": (400, b"GET /a%zz HTTP/1.1\r\n" + HOST + END),
    "NUL in a header": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n"),
    "a byte above 127 in the path": (400, b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + END),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\n" + HOST + HOST + END),
    "an empty host": (400, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    "a host with a path": (400, b"GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    "a folded header": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n"),
    "a blank before the colon": (400, b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n\r\n"),
    "no colon": (400, b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n"),
    "a head of 64 KiB": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 65536 + b"\r\n\r\n"),
    "100 header lines": (431, b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: y\r\n" % i for i in range(100)) + END),
    "a path of 5000": (414, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + END),
    "two logins": (400, b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
    "a whole address as path": (400, b"GET http://localhost/ HTTP/1.1\r\n" + HOST + END),
    "a star as path": (400, b"OPTIONS * HTTP/1.1\r\n" + HOST + END),
    "HTTP/0.9": (400, b"GET /\r\n\r\n"),
    "HTTP/2": (505, b"GET / HTTP/2.0\r\n" + HOST + END),
    "two blanks": (400, b"GET  / HTTP/1.1\r\n" + HOST + END),
    "a method in lower case": (400, b"get / HTTP/1.1\r\n" + HOST + END),
    "the gate's own method": (400, b"REFUSED /1 HTTP/1.1\r\n" + HOST + END),
    "an empty line first": (400, b"\r\nGET / HTTP/1.1\r\n" + HOST + END),
    "noise": (400, bytes(range(1, 256))),
    "a path of nobody": (404, b"GET /nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"),
    "a method of nobody": (405, b"TRACE /lookup HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"),
}


def test_each_bad_request_has_its_code_and_nothing_follows_it(gateway):
    wrong = {}
    for name, (expected, data) in BAD.items():
        got = code(gateway.raw(data))
        if got != expected:
            wrong[name] = (expected, got)
    assert not wrong
    assert gateway.ask("/openapi.json").code == 200
    assert "smuggled" not in gateway.log_text()


def test_requests_one_after_the_other_on_a_connection(hub, bob, gateway):
    """Also when they come in one piece: a body is as long as its head says, the next head begins there."""
    holder = bob.isac("token", "add").stdout.strip()
    login = b"Authorization: Bearer " + holder.encode() + END
    body = b'{"values": ["198.51.100.7"]}'
    post = b"POST /lookup HTTP/1.1\r\n" + HOST + login + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    get = b"GET /collections HTTP/1.1\r\n" + HOST + login + END
    last = b"GET /nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    answers = gateway.raw(post + get + post + last)
    assert [answers[i + 9:i + 12] for i in range(len(answers)) if answers.startswith(b"HTTP/1.1 ", i)] == [b"200", b"200", b"200", b"404"]
    with gateway.socket() as s:                 # and a byte at a time
        for byte in get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"):
            s.sendall(bytes([byte]))
        assert gateways.read_all(s).startswith(b"HTTP/1.1 200 ")


def test_who_drips_is_cut(gateway):
    """A byte a second beats a time limit that begins anew with each byte; these begin with the first one."""
    with gateway.socket() as head, gateway.socket() as body, socket.create_connection(("127.0.0.1", gateway.port)) as tls:
        head.sendall(b"GET / HTTP/1.1\r\nX: ")
        body.sendall(b"POST /lookup HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n")
        head.settimeout(0.5)
        answer = b""

        def drip():
            nonlocal answer
            try:
                head.sendall(b"x")
                answer += head.recv(65536)
            except TimeoutError:
                return False
            except (ConnectionError, ssl.SSLError):
                return True
            return answer != b""

        until("the head's time is over", drip, 10)
        head.settimeout(10)
        assert code(answer + gateways.read_all(head)) == 408
        assert tls.recv(1) == b""               # who does not even begin TLS
    assert gateway.metric("isac_gateway_connections_cut") >= 1


def test_one_address_has_so_many_connections(gateway):
    """The seventeenth of one address is refused; with one gone there is room again."""
    held = [gateway.socket() for _ in range(16)]
    with pytest.raises((ConnectionError, ssl.SSLError)):
        gateway.socket()
    assert gateway.metric("isac_gateway_connections") == 16
    held.pop().close()
    until("room again", lambda: gateway.metric("isac_gateway_connections") == 15)
    gateway.socket().close()
    for s in held:
        s.close()
    until("all gone", lambda: gateway.metric("isac_gateway_connections") == 0)


def test_it_stops_with_callers_under_way(hub, bob, gateway):
    holder = bob.isac("token", "add").stdout.strip()
    hub.stop()                                  # the answer takes until the time for the hub is over
    with gateway.socket() as s:
        s.sendall(b"GET /collections HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + holder.encode() + b"\r\n\r\n")
        gateway.stop()
