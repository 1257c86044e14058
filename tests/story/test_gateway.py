"""isac-gateway: the hub for machines that speak HTTPS. It knows nothing but what the hub tells the holder of a token."""
import base64
import csv
import gzip
import io
import json
import re
import subprocess

import pytest

import gateway as gateways
from hub import BIN, ROOT, run, until


@pytest.fixture
def gateway(hub):
    one = gateways.Gateway(hub)
    yield one
    one.stop()


def token(member, *args):
    return member.isac("token", "add", *args).stdout.strip()


def seen(hub, n):
    until("indexed", lambda: hub.admin.json("status")[0]["indexed_seq"] >= n)


def test_curl_alone_is_enough(hub, alice, bob, gateway):
    alice.publish("198.51.100.7", "evil.example", "hxxp://bad[.]example/x")
    seen(hub, 1)
    curl = ["curl", "-sS", "--fail-with-body", "--cacert", gateway.cert]
    holder = token(bob)
    assert run(*curl, "-H", f"Authorization: Bearer {holder}", f"{gateway.url}/feeds/all.txt").stdout.splitlines()[1:] == \
        ["198.51.100.7", "evil.example", "http://bad.example/x"]
    assert run(*curl, "-u", f"bob:{holder}", f"{gateway.url}/feeds/all.txt").stdout.count("evil.example") == 1
    assert run(*curl, "-u", f"alice:{holder}", f"{gateway.url}/feeds/all.txt", ok=(22,)).stdout.count("evil.example") == 0
    assert json.loads(run(*curl, "-u", f"bob:{holder}", f"{gateway.url}/lookup?value=evil%5B.%5Dexample").stdout)["known"] is True
    many = json.dumps({"values": ["198.51.100.8", "EVIL.example.", "not a value \u0001", "http://bad.example/x"]})
    told = json.loads(run(*curl, "-u", f"bob:{holder}", "-H", "Content-Type: application/json", "-d", "@-", f"{gateway.url}/lookup", stdin=many).stdout)
    assert [v["known"] for v in told["values"]] == [False, True, False, True] and "error" in told["values"][2]
    # no token, no content; the certificate is its own, and nothing else is taken for it
    assert run("curl", "-s", f"{gateway.url}/openapi.json", ok=(60,)).stdout == ""
    for path in ("/feeds/all.txt", "/lookup?value=evil.example", "/collections"):
        answer = gateway.ask(path)
        assert answer.code == 401 and answer.headers.get_all("WWW-Authenticate") and "evil" not in answer.text
    assert not pathless(gateway, holder)


def pathless(gateway, *secrets):
    """Is one of these in the log of gateway or hub?"""
    return [s for s in secrets if s in gateway.log_text() or s in gateway.hub.log_text()]


def test_each_sees_what_it_may_see(hub, alice, bob, gateway):
    carol = hub.enrol("carol")
    alice.publish("198.51.100.1", tlp="green")
    alice.publish("198.51.100.2", tlp="amber+strict")
    alice.publish("198.51.100.3", tlp="red", args=("--to", "bob"))
    hub.admin.isac("admin", "group", "add", "socs")
    for name in ("alice", "bob"):
        hub.admin.isac("admin", "group", "join", "socs", name)
    alice.publish("198.51.100.9", tlp="amber+strict", args=("--group", "socs"))
    seen(hub, 4)
    # what is red is sealed to its reader's key, which no gateway has: it does not pass here
    want = {"bob": ["198.51.100.1", "198.51.100.2", "198.51.100.9"], "carol": ["198.51.100.1", "198.51.100.2"]}
    for _ in range(2):                          # what is kept for one is not shown to another
        for member in (bob, carol):
            assert gateway.ask("/feeds/all.txt", token(member)).values == want[member.name]
            assert gateway.ask("/feeds/all.txt", token(member, "--scope", "client")).values == want[member.name][:1]
            assert gateway.ask("/feeds/all.txt?max_tlp=green", token(member)).values == want[member.name][:1]
    holder = token(carol)
    assert [c["name"] for c in gateway.ask("/collections", holder).json["collections"]] == ["all", "mine"]
    assert not gateway.ask("/lookup?value=198.51.100.9", holder).json["known"]
    # rights that change take hold with the next request, whatever is kept
    hub.admin.isac("admin", "group", "add", "banks")
    hub.admin.isac("admin", "group", "join", "banks", "alice")
    alice.publish("198.51.100.4", tlp="green", args=("--group", "banks"))
    seen(hub, 5)
    assert gateway.ask("/feeds/all.txt", holder).values == want["carol"]
    hub.admin.isac("admin", "group", "join", "banks", "carol")
    assert gateway.ask("/feeds/all.txt", holder).values == want["carol"] + ["198.51.100.4"]
    hub.admin.isac("admin", "group", "leave", "banks", "carol")
    assert gateway.ask("/feeds/all.txt", holder).values == want["carol"]
    carol.isac("token", "revoke", hub.admin.json("admin", "token", "list", "carol")[0]["id"])
    assert gateway.ask("/feeds/all.txt", holder).code == 401


def test_a_token_in_the_path_is_for_one_collection_and_in_no_log(hub, alice, bob, gateway):
    alice.publish("198.51.100.1", args=("--confidence", "90"))
    alice.publish("198.51.100.2", args=("--confidence", "10"))
    seen(hub, 2)
    hub.admin.isac("admin", "collection", "add", "sure", "confidence >= 60")
    bound, free = token(bob, "--collection", "sure"), token(bob)
    assert gateway.ask(f"/t/{bound}/feeds/sure.txt").values == ["198.51.100.1"]
    assert gateway.ask("/feeds/sure.txt", bound).values == ["198.51.100.1"]
    assert gateway.ask(f"/t/{bound}/feeds/sure/suricata/isac-iprep.list").text.count("198.51.100.1") == 1
    assert gateway.ask(f"/t/{bound}/feeds/all.txt").code == 404       # it is shown that one only
    assert gateway.ask("/lookup?value=198.51.100.1", bound).code == 403
    refused = gateway.ask(f"/t/{free}/feeds/all.txt")                   # a token for everything belongs into no path
    assert refused.code == 403 and "collection" in refused.json["description"]
    other = bound[:20] + ("A" if bound[20] != "A" else "B") + bound[21:]
    assert gateway.ask(f"/t/{other}/feeds/sure.txt").code == 401
    assert gateway.ask("/t/x/feeds/sure.txt").code == 401
    assert not pathless(gateway, bound, free)
    assert "route=/t/{token}/feeds/{collection.form} code=200" in gateway.log_text()


def test_states_tags_and_compression(hub, alice, bob, gateway):
    alice.publish(*(f"host-{i}.example" for i in range(200)))
    alice.publish("198.51.100.7", "2001:db9::7", "d41d8cd98f00b204e9800998ecf8427f"[::-1])
    seen(hub, 2)
    holder = token(bob)
    first = gateway.ask("/feeds/all.txt", holder)
    again = gateway.ask("/feeds/all.txt", holder)
    assert first.body == again.body and first.headers["ETag"] == again.headers["ETag"] and first.headers["Last-Modified"] == again.headers["Last-Modified"]
    same = gateway.ask("/feeds/all.txt", holder, If_None_Match=first.headers["ETag"])
    assert (same.code, same.body, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    packed = gateway.ask("/feeds/all.txt", holder, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == first.body and len(packed.body) < len(first.body)
    head = gateway.ask("/feeds/all.txt", holder, method="HEAD")
    assert (head.code, head.body, head.headers["Content-Length"]) == (200, b"", str(len(first.body)))
    forms = {form: gateway.ask(f"/feeds/all.{form}", holder) for form in
             ("csv", "json", "rpz", "zone", "nft", "ipset", "hsb", "zeek.intel", "suricata.rules", "iprep", "datasets")}
    assert {a.code for a in forms.values()} == {200} and len({a.headers["ETag"] for a in forms.values()}) == len(forms)
    rows = list(csv.DictReader(io.StringIO(forms["csv"].text)))
    assert {r["value"] for r in rows} == set(first.values) == {v["value"] for v in forms["json"].json["values"]} and rows[0]["publisher"] == "alice"
    assert "host-7.example CNAME .\n" in forms["rpz"].text and "32.7.100.51.198.rpz-ip CNAME ." in forms["zone"].text
    assert "198.51.100.7" in forms["nft"].text and "2001:db9::7" in forms["ipset"].text and "host-1.example\tIntel::DOMAIN" in forms["zeek.intel"].text
    assert base64.b64encode(b"host-3.example").decode() in forms["datasets"].text.splitlines()
    serial = int(re.search(r"SOA \S+ \S+ (\d+)", forms["rpz"].text)[1])
    # a change is another state, and its version is higher; what is taken back is gone
    alice.isac("withdraw", "--value", "host-3.example")
    seen(hub, 3)
    after = gateway.ask("/feeds/all.txt", holder, If_None_Match=first.headers["ETag"])
    assert after.code == 200 and after.headers["ETag"] != first.headers["ETag"] and set(first.values) - set(after.values) == {"host-3.example"}
    assert int(re.search(r"SOA \S+ \S+ (\d+)", gateway.ask("/feeds/all.rpz", holder).text)[1]) > serial
    for path in ("/feeds/all", "/feeds/all.exe", "/feeds/none.txt", "/feeds/.txt", "/feeds/..%2fall.txt", "/feeds/all/suricata/x", "/feeds/all/suricata/../x"):
        assert gateway.ask(path, holder).code == 404, path
    assert gateway.ask("/feeds/all.txt?max_tlp=pink", holder).code == 400
    assert gateway.ask("/feeds/all.txt", holder, method="POST", body=b"").code == 405


def test_what_is_kept_is_used_and_made_anew(hub, alice, bob, gateway):
    alice.publish("198.51.100.7")
    seen(hub, 1)
    holder, other = token(bob), token(bob)
    gateway.ask("/feeds/all.txt", holder)
    made = gateway.metric("isac_gateway_feeds_made")
    assert gateway.ask("/feeds/all.txt", other).values == ["198.51.100.7"]        # the same reader by another token
    assert gateway.metric("isac_gateway_feeds_made") == made and gateway.metric("isac_gateway_feeds_kept") >= 1
    alice.publish("198.51.100.8")
    seen(hub, 2)
    assert gateway.ask("/feeds/all.txt", holder).values == ["198.51.100.7", "198.51.100.8"]
    assert gateway.metric("isac_gateway_feeds_made") == made + 1


def test_lookups_in_bulk_and_bad_json(hub, alice, bob, gateway):
    alice.publish(*(f"198.51.100.{i}" for i in range(1, 201)))
    seen(hub, 1)
    holder = token(bob)

    def post(body, kind="application/json"):
        return gateway.ask("/lookup", holder, "POST", body if isinstance(body, bytes) else json.dumps(body).encode(), Content_Type=kind)

    values = [f"198.51.{i // 250}.{i % 250 + 1}" for i in range(9999)] + ["198.51.100.200"]
    told = post({"values": values}).json["values"]
    assert [v["value"] for v in told] == values and sum(v["known"] for v in told) == sum(v.startswith("198.51.100.") for v in values)
    assert post({"values": values + ["198.51.100.1"]}).code == 413
    assert post({"values": ["198.51.100.1"]}, "text/plain").code == 415
    assert post({"values": ["198.51.100.1"]}, "application/json; charset=utf-8").code == 200
    bad = [b"", b"{", b"[]", b'{"values": 1}', b'{"values": [1]}', b'{"values": ["a.example"], "values": []}', b'{"values": [NaN]}', b'{"values": ["\\ud800"]}',
           b'{"values": [1e400]}', b'\xef\xbb\xbf{"values": []}', b'{"values": []} x', b'{"values": ["\xff"]}', b'{"values": ["a\\u0000b"]}',
           b'{"values": [], "other": 1}', b'{"values": [], "type": "nothing"}', b"[" * 33 + b"]" * 33, b'{"a":' * 40 + b"1" + b"}" * 40]
    for body in bad:
        answer = post(body)
        assert answer.code == 400, body
        assert answer.json["http_status"] == "400" and answer.json["error_id"] == answer.headers["X-Request-Id"]
        assert f"request={answer.json['error_id']}" in gateway.log_text()
    assert post({"values": []}).json == {"values": []}
    assert gateway.ask("/lookup", holder).code == 400 and gateway.ask("/lookup?value=10.0.0.1", holder).code == 422


def test_a_stream_goes_on_where_it_was(hub, alice, bob, gateway):
    alice.publish("198.51.100.1", "198.51.100.2")
    seen(hub, 1)
    holder = token(bob)
    with gateways.Stream(gateway, "all", holder) as now, gateways.Stream(gateway, "all", holder, 0) as start:
        assert now.response.status == 200 and now.response.headers["Content-Type"] == "text/event-stream"
        assert start.values(2) == ["198.51.100.1", "198.51.100.2"] and start.last == 1
        alice.publish("198.51.100.3", tlp="amber+strict")
        alice.publish("203.0.113.4")
        assert now.values(2) == start.values(2) == ["198.51.100.3", "203.0.113.4"] and now.last == start.last == 3
        assert gateway.metric("isac_gateway_streams") == 2
    alice.publish("198.51.100.5", "198.51.100.6")
    seen(hub, 4)
    # behind what it had; half of a report is sent again as a whole
    with gateways.Stream(gateway, "all", holder, 3) as back:
        event, item = back.next()
        assert (event, item["value"], item["verified"], item["publisher"], back.last) == ("item", "198.51.100.5", True, "alice", 3)
    with gateways.Stream(gateway, "all", holder, back.last) as again:
        assert again.values(2) == ["198.51.100.5", "198.51.100.6"] and again.last == 4
        alice.isac("withdraw", "--value", "198.51.100.5")
        event, item = again.next()
        assert (item["kind"], item["value"], again.last) == ("withdrawal", "198.51.100.5", 5)
    # a client does not see what its organisation does; a collection has what its filter matches
    hub.admin.isac("admin", "collection", "add", "net", "value in 203.0.113.0/24")
    with gateways.Stream(gateway, "net", token(bob, "--collection", "net"), 0) as net, \
            gateways.Stream(gateway, "all", token(bob, "--scope", "client"), 1) as client:
        assert net.values(1) == client.values(1) == ["203.0.113.4"]
    for last in (99, "x", -1):
        with gateways.Stream(gateway, "all", holder, last) as bad:
            assert bad.response.status == 400
    for path, given, code in (("/stream/all", None, 401), ("/stream/none", holder, 404), ("/stream/all?after=0x", holder, 400)):
        assert gateway.ask(path, given).code == code
    until("all are gone", lambda: gateway.metric("isac_gateway_streams") == 0, 60)


def test_a_stream_ends_with_its_token_and_outlives_its_hub(hub, alice, bob, gateway):
    alice.publish("198.51.100.1")
    seen(hub, 1)
    made = bob.json("token", "add")[0]
    with gateways.Stream(gateway, "all", made["token"], 0) as stream:
        assert stream.values(1) == ["198.51.100.1"]
        port = hub.port
        hub.stop()
        hub.start(port)
        alice.publish("198.51.100.2")
        assert stream.values(1) == ["198.51.100.2"]
        bob.isac("token", "revoke", made["id"])
        event, told = stream.next()
        assert (event, told["http_status"]) == ("end", 401) and stream.next() is None
    with gateways.Stream(gateway, "all", token(bob)) as held:       # and it stops with one open
        assert held.response.status == 200
        gateway.stop()
        assert held.next() is None


def test_openapi_says_what_is_served(hub, bob, gateway):
    told = gateway.ask("/openapi.json").json
    assert told["openapi"].startswith("3.1.")
    rows = re.findall(r'^ROUTE\((\w+),\s+"(\w+)",\s+"(\S+)",\s+(\w+)', (ROOT / "clients/gateway/routes.def").read_text(), re.M)
    public = {(method.lower(), path) for listener, method, path, _ in rows if listener == "PUBLIC"}
    assert {(method, path) for path, methods in told["paths"].items() for method in methods} == public
    holder = token(bob)
    for method, path in public:
        words = [p["name"] for p in told["paths"][path][method]["parameters"] if p["in"] == "path"]
        assert re.findall(r"{([\w.]+)}", path) == words
        login = next(row[3] for row in rows if (row[1].lower(), row[2]) == (method, path))
        assert bool(told["paths"][path][method]["security"]) == (login == "TOKEN")
        fill = {"token": "x", "collection": "all", "file": "isac.rules", "collection.form": "all.txt"}
        real = re.sub(r"{([\w.]+)}", lambda m: fill[m[1]], path)
        assert gateway.ask(real, None, method.upper(), b"{}" if method == "post" else None).code == (200 if login == "ANYBODY" else 401)
        assert gateway.ask(real, holder, "DELETE").code == 405 and gateway.ask(real + "/x", holder).code == 404


def test_health_and_metrics_are_on_a_listener_of_their_own(hub, alice, bob, gateway):
    assert gateway.local("/healthz").json == {"status": "ok"} and gateway.local("/readyz").json["status"] == "ok"
    for path in ("/healthz", "/readyz", "/metrics"):
        assert gateway.ask(path).code == 404
    assert gateway.local("/feeds/all.txt").code == 404
    alice.publish("198.51.100.7")
    before = gateway.metric("isac_gateway_answers_4xx")
    gateway.ask("/feeds/all.txt")
    text = gateway.local("/metrics").text
    assert gateway.metric("isac_gateway_answers_4xx") == before + 1 and gateway.metric("isac_hub_intake_received") > 0
    assert "# TYPE isac_gateway_requests counter" in text and "isac_gateway_hub_up 1" in text
    hub.stop()
    assert gateway.local("/healthz").code == 200 and gateway.local("/readyz").code == 503
    assert gateway.ask("/feeds/all.txt", "isac_" + "A" * 43).code == 504
    assert "isac_gateway_hub_up 0" in gateway.local("/metrics").text


def test_who_guesses_has_to_wait(hub, bob, gateway):
    codes = [gateway.ask("/collections", "isac_" + "A" * 42 + c).code for c in "AEIMQUYcgkosw048" * 3]
    assert codes[0] == 401 and codes[-1] == 429 and set(codes) == {401, 429} and codes.count(401) <= 32
    answer = gateway.ask("/collections", token(bob))
    assert answer.code == 429 and int(answer.headers["Retry-After"]) > 0


def test_tls_is_new_enough(hub, gateway):
    def shake(version, *args, ok=(0,)):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-CAfile", gateway.cert, "-verify_return_error",
                   f"-{version}", "-cipher", "ALL:@SECLEVEL=0", *args, stdin="", ok=ok).stdout

    assert "TLSv1.3, Cipher is TLS_" in shake("tls1_3")
    assert re.search(r"TLSv1.2, Cipher is ECDHE-ECDSA-(AES256-GCM|CHACHA20)", shake("tls1_2"))
    for version, args in (("tls1", ()), ("tls1_1", ()), ("tls1_2", ("-cipher", "kRSA:@SECLEVEL=0")), ("tls1_2", ("-cipher", "ECDHE+AES+SHA256:@SECLEVEL=0"))):
        assert "Cipher is (NONE)" in shake(version, *args, ok=(1,)), (version, args)
    assert (gateway.home / "tls/key.pem").stat().st_mode & 0o777 == 0o600


def test_manual_and_completion_know_every_option():
    options = set(re.findall(r"^  (--[a-z]+)", run(BIN / "isac-gateway", "--help").stdout, re.M))
    for name in ("man/isac-gateway.8", "completion/isac-gateway.bash", "completion/_isac-gateway"):
        text = (ROOT / "clients" / name).read_text().replace("\\-", "-")
        assert options <= set(re.findall(r"--[a-z]+", text)), name


def test_it_says_what_is_wrong_and_does_not_start(hub, tmp_path):
    program = BIN / "isac-gateway"
    assert "--data DIR is missing" in run(program, ok=(2,)).stderr
    assert "no option" in run(program, "--dta", "x", ok=(2,)).stderr and "--workers" in run(program, "--data", "x", "--workers", "0", ok=(2,)).stderr
    assert "example:" in run(program, "--help").stdout and run(program, "--version").stdout.startswith("isac-gateway ")
    assert "no home" in run(program, "--data", tmp_path, ok=(1,)).stderr
    assert "ADDRESS:PORT" in run(program, "--data", tmp_path, "--metrics", "nonsense", ok=(1,)).stderr
    assert subprocess.run([program, "--data", tmp_path], capture_output=True).stdout == b""
