#!/usr/bin/env python3
"""Random filters and items with the answers, from an evaluator of its own written from proto/README.md sections 8 and 9.

    oracle.py FILTERS ITEMS SEED

prints a line `I <item>` for each item (the notation of tests/data/filter.eval) and then for each filter a line
`F <filter> TAB <normal form> TAB <one 0 or 1 for each item>`. tests/unit/filter/oracle.c compares; so does tests/story/test_filter_sql.py.
Nothing here is taken from the C code; a disagreement means that one of the two, or the page, is wrong.
"""
import ipaddress
import random
import re
import sys
from datetime import datetime, timedelta, timezone

NOW = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TYPES = ["", "ipv4", "ipv6", "cidr", "domain", "url", "email", "md5", "sha1", "sha256", "sha512", "asn", "ja3", "user-agent",
         "filename", "mutex", "registry-key", "bitcoin", "cve", "certificate-fingerprint"]
KINDS = ["", "indicator", "sighting", "withdrawal", "behaviour-report", "sample-sighting", "detection-event", "hypothesis",
         "action-taken", "advisory"]
TLPS = ["", "clear", "green", "amber", "amber+strict", "red"]
STATES = ["", "active", "held", "expired"]
NAMES = {"type": TYPES, "kind": KINDS, "tlp": TLPS, "state": STATES}
MY_NETS = [ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2a00:1450:4000::/40")]
MY_DOMAINS = ["mine.example", "xn--bcher-kva.example"]
MY_ASNS = [3320, 64500]
U_LABELS = {"bücher": "xn--bcher-kva", "münchen": "xn--mnchen-3ya"}

DOMAINS = ["evil.example", "www.evil.example", "a.b.evil.example", "notevil.example", "evil.co.jp", "mine.example", "x.mine.example",
           "xn--bcher-kva.example", "xn--mnchen-3ya.example", "c2.evil.example.org", "foo_bar.evil.example"]
ADDRS4 = ["203.0.113.9", "203.0.113.128", "198.51.100.7", "198.51.100.8", "45.83.64.1", "185.220.101.33"]
ADDRS6 = ["2a00:1450:4001::1", "2a00:1450:4101::1", "2001:4860:1::2", "2a02:6b8::feed"]
CIDRS = ["203.0.113.0/24", "203.0.112.0/22", "198.51.100.0/25", "45.83.64.0/30", "2a00:1450:4000::/36", "2001:4860::/32"]
MD5 = ["d41d8cd98f00b204e9800998ecf84270", "0123456789abcdef0123456789abcdef"]
HASHES = {"md5": MD5, "ja3": MD5, "sha1": ["da39a3ee5e6b4b0d3255bfef95601890afd80708"], "sha256": ["ab" * 32], "sha512": ["0f" * 64],
          "certificate-fingerprint": ["da39a3ee5e6b4b0d3255bfef95601890afd80708", "ab" * 32]}
FREE = ["Evil.EXAMPLE.", "evil.example", "a b", "Mozilla/5.0 (X11)", 'say "hi"', "back\\slash", "100%_sure", "日本", "203.0.113.9"]
TAGS = ["c2", "scanner", "Scanner", "tlp:green", 'q"uo', "a\\b", "日本語", "or", "x{y}", "null", "it's", "100%", "_"]
GROUPS = ["finance", "energy", "health", "fin-2"]
PUBLISHERS = ["alice", "bob", "acme", "al.ice"]
COUNTRIES = ["JP", "US", "DE"]
RAWS = ["hxxp://evil[.]example", "Evil.EXAMPLE", "%", "a'b", "\\"]
TIMES = [datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2026, 1, 24, 8, tzinfo=timezone.utc), NOW, NOW - timedelta(hours=12),
         datetime(1999, 12, 31, 23, 59, 59, 250000, timezone.utc), datetime(2030, 6, 15, 12, 30, tzinfo=timezone.utc)]
ASNS = [1, 3320, 64500, 4294967295]


def us(t):
    return (t - EPOCH) // timedelta(microseconds=1)


# ---- section 8, as far as the pools above go: type, text -> (type, canonical) or None ------------------
def canon_domain(text):
    name = text[:-1] if text.endswith(".") else text
    labels = [U_LABELS.get(label.lower(), label.lower()) for label in name.split(".")]
    if len(labels) < 2 or not all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels):
        return None
    return ".".join(labels)


def canon_net(text, version):
    try:
        return ipaddress.ip_network(text) if "/" in text and ipaddress.ip_network(text).version == version else None
    except ValueError:
        return None


def canon_addr(text, version):
    try:
        addr = ipaddress.ip_address(text)
    except ValueError:
        return None
    if addr.version == 6 and addr.ipv4_mapped and version == 6:
        return addr.ipv4_mapped
    return addr if addr.version == version else None


def split_url(text):
    m = re.fullmatch(r"(https?|ftp)://(\[[0-9A-Fa-f:.]+\]|[^/:?#\[\]@]+)(:[0-9]+)?([/?#].*)?", text, re.I | re.S)
    if not m or re.search(r"[\s\"\\<>^`{}|]|[^\x21-\x7e]", m[4] or ""):
        return None
    scheme, port = m[1].lower(), m[3]
    if port == {"http": ":80", "https": ":443", "ftp": ":21"}[scheme]:
        port = None
    host = m[2]
    if host.startswith("["):
        addr = canon_addr(host[1:-1], 6)
        return addr and (scheme, f"[{addr}]", addr, port or "", m[4] or "/")
    addr = canon_addr(host, 4)
    if addr:
        return scheme, str(addr), addr, port or "", m[4] or "/"
    name = canon_domain(host)
    return name and (scheme, name, None, port or "", m[4] or "/")


def canon(kind, text):
    if kind in ("ipv4", "ipv6"):
        addr = canon_addr(text, int(kind[3]))
        return addr and (f"ipv{addr.version}", str(addr))
    if kind == "cidr":
        net = canon_net(text, 4) or canon_net(text, 6)
        return net and ("cidr", str(net))
    if kind == "domain":
        name = canon_domain(text)
        return name and ("domain", name)
    if kind == "url":
        parts = split_url(text)
        return parts and ("url", f"{parts[0]}://{parts[1]}{parts[3]}{parts[4]}")
    if kind == "email":
        local, at, domain = text.partition("@")
        name = canon_domain(domain)
        return ("email", f"{local}@{name}") if local and at and name else None
    if kind in HASHES:
        digits = text.lower().replace(":", "") if kind == "certificate-fingerprint" else text.lower()
        return (kind, digits) if re.fullmatch("[0-9a-f]+", digits) and len(digits) in {len(h) for h in HASHES[kind]} else None
    if kind == "asn":
        m = re.fullmatch(r"(?:AS)?([0-9]+)", text, re.I)
        return ("asn", str(int(m[1]))) if m else None
    if kind == "cve":
        return ("cve", text.upper()) if re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,7}", text, re.I) else None
    return (kind, text.strip())


# ---- items -------------------------------------------------------------------------------------------
class Item:
    def __init__(self, rnd):
        maybe = lambda pool, share=0.6: rnd.choice(pool) if rnd.random() < share else None
        some = lambda pool: rnd.sample(pool, rnd.choice([0, 0, 1, 1, 2, 3]))
        self.tlp, self.kind = rnd.randrange(1, 6), 1
        self.publisher, self.groups = rnd.choice(PUBLISHERS), some(GROUPS)
        self.created = us(rnd.choice(TIMES))
        self.received, self.held = us(rnd.choice(TIMES)) + rnd.choice([0, 0, 1]), rnd.random() < 0.1
        self.type = self.value = self.raw = self.country = self.confidence = self.severity = self.asn = None
        self.first_seen = self.last_seen = self.valid_from = self.valid_until = self.net = self.host = None
        self.tags = []
        if rnd.random() < 0.05:
            self.kind = rnd.randrange(2, 10)
            return
        self.type = rnd.choice(["ipv4", "ipv4", "ipv6", "cidr", "domain", "domain", "url", "url", "email", "md5", "ja3", "sha1", "sha256",
                                "sha512", "certificate-fingerprint", "asn", "user-agent", "filename", "mutex", "cve"])
        self.value = canon(self.type, make_value(rnd, self.type))[1]
        if self.type in ("ipv4", "ipv6", "cidr"):
            self.net = ipaddress.ip_network(self.value)
        elif self.type == "domain":
            self.host = self.value
        elif self.type == "email":
            self.host = self.value.partition("@")[2]
        elif self.type == "url":
            parts = split_url(self.value)
            if parts[2]:
                self.net = ipaddress.ip_network(parts[2])
            else:
                self.host = parts[1]
        self.raw, self.country, self.tags = maybe(RAWS, 0.3), maybe(COUNTRIES), some(TAGS)
        self.confidence, self.severity = maybe([0, 1, 30, 59, 60, 61, 100]), maybe([0, 3, 10])
        self.asn = maybe(ASNS)
        for name in ("first_seen", "last_seen", "valid_from", "valid_until"):
            t = maybe(TIMES)
            setattr(self, name, None if t is None else us(t))

    def line(self):
        stamp = lambda t: (EPOCH + timedelta(microseconds=t)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        parts = [f"type={self.type or '-'}", f"publisher={self.publisher}", f"tlp={self.tlp}", f"kind={self.kind}",
                 f"created={stamp(self.created)}", f"received={stamp(self.received)}", f"held={int(self.held)}"]
        for name, key in (("value", "value"), ("raw", "raw"), ("country", "country"), ("confidence", "conf"), ("severity", "sev"),
                          ("asn", "asn")):
            if getattr(self, name) is not None:
                parts.append(f"{key}={getattr(self, name)}")
        for name, key in (("first_seen", "first"), ("last_seen", "last"), ("valid_from", "from"), ("valid_until", "until")):
            if getattr(self, name) is not None:
                parts.append(f"{key}={stamp(getattr(self, name))}")
        for name in ("tags", "groups"):
            if getattr(self, name):
                parts.append(f"{name}={','.join(getattr(self, name))}")
        return "; ".join(parts)


def make_value(rnd, kind):
    if kind == "ipv4":
        return rnd.choice(ADDRS4)
    if kind == "ipv6":
        return rnd.choice(ADDRS6)
    if kind == "cidr":
        return rnd.choice(CIDRS)
    if kind == "domain":
        return rnd.choice(DOMAINS)
    if kind == "url":
        host = rnd.choice(DOMAINS + ADDRS4 + [f"[{a}]" for a in ADDRS6])
        return rnd.choice(["http", "https"]) + "://" + host + rnd.choice(["", ":8080"]) + rnd.choice(["/", "/a", "/a?b=c"])
    if kind == "email":
        return rnd.choice(["bob", "Bob", "evil.example"]) + "@" + rnd.choice(DOMAINS)
    if kind in HASHES:
        return rnd.choice(HASHES[kind])
    if kind == "asn":
        return rnd.choice(["1", "3320", "7018"])
    if kind == "cve":
        return "CVE-2021-44228"
    return rnd.choice(FREE)


# ---- filters: (what, ...) ----------------------------------------------------------------------------
NUMBERS = {"confidence": [0, 1, 30, 59, 60, 61, 100], "severity": [0, 3, 10], "asn": ASNS + [0, 2]}
TEXTS = {"raw": RAWS + ["evil", "e"], "publisher": PUBLISHERS + ["al", "c"], "group": GROUPS + ["fin", "e"],
         "tag": TAGS + ["scan", "{", "'"], "country": COUNTRIES + ["FR", "J"]}
WHENS = ["created", "first_seen", "last_seen", "valid_from", "valid_until"]
NETS = CIDRS + ["0.0.0.0/0", "::/0", "128.0.0.0/1", "10.0.0.0/8", "203.0.113.8/31", "198.51.100.7/32", "203.0.113.9", "2a00:1450:4001::1",
                "2a00::/16", "::ffff:203.0.113.0/120", "45.83.64.1/32"]
UNDERS = ["evil.example", "example", "jp", "co.jp", "o.jp", "mine.example", "a.b.evil.example", "x.a.b.evil.example", "EVIL.Example.",
          "bücher.example", "113.9", "9", "example.org"]


def vary_value(rnd, text):
    """Another spelling that may, or may not, have the same canonical form."""
    return rnd.choice([text, text, text, text.upper(), text.swapcase(), text + ".", " " + text, "AS" + text, "::ffff:" + text,
                       text.replace("xn--bcher-kva", "bücher"), text.replace("/a", ":80/a"), text.replace("http://", "hxxp://"), text[:-1] or "x"])


def make_test(rnd):
    roll = rnd.random()
    if roll < 0.10:
        op = rnd.choice(["=", "!=", "in"])
        return ("test", "type", op, sorted(rnd.sample(range(1, 20), rnd.randrange(1, 5) if op == "in" else 1)))
    if roll < 0.13:
        op = rnd.choice(["=", "!=", "in"])
        return ("test", "kind", op, [rnd.choice([1, 1, 2, 3])] if op != "in" else sorted(rnd.sample(range(1, 10), 2)))
    if roll < 0.20:
        op = rnd.choice(["=", "!=", "<", "<=", ">", ">=", "in"])
        return ("test", "tlp", op, sorted(rnd.sample(range(1, 6), 2 if op == "in" else 1)))
    if roll < 0.35:
        kind = rnd.choice(TYPES[1:16] + ["cve"])
        if kind == "registry-key":
            kind = "mutex"
        n = rnd.choice([1, 1, 2, 3, 6])
        values = [vary_value(rnd, make_value(rnd, rnd.choice([kind, "ipv4", "domain", "url"]))) for _ in range(n)]
        return ("test", "value", "in" if n > 1 else rnd.choice(["=", "!=", "in"]), values)
    if roll < 0.43:
        return ("test", "value", rnd.choice(["starts", "contains"]), [rnd.choice(["evil", "Evil", "http", "203.0.113.", ".", "xn--", "a", "%_"])])
    if roll < 0.52:
        return ("test", "value", "net", [rnd.choice(NETS)])
    if roll < 0.60:
        return ("test", "value", "under", [rnd.choice(UNDERS)])
    if roll < 0.74:
        field = rnd.choice(list(NUMBERS))
        op = rnd.choice(["=", "!=", "<", "<=", ">", ">=", "in"])
        return ("test", field, op, [rnd.choice(NUMBERS[field]) for _ in range(rnd.randrange(1, 5) if op == "in" else 1)])
    if roll < 0.88:
        field = rnd.choice(list(TEXTS))
        op = rnd.choice(["=", "!=", "in", "starts", "contains"])
        return ("test", field, op, [rnd.choice(TEXTS[field]) for _ in range(rnd.randrange(1, 5) if op == "in" else 1)])
    if roll < 0.93:
        return ("test", rnd.choice(WHENS), rnd.choice(["=", "!=", "<", "<=", ">", ">="]), [rnd.choice(TIMES)])
    if roll < 0.95:
        return ("valid", rnd.choice([None] + TIMES))
    if roll < 0.97:
        op = rnd.choice(["=", "!=", "in"])
        return ("test", "state", op, sorted(rnd.sample(range(1, 4), rnd.randrange(1, 4) if op == "in" else 1)))
    return (rnd.choice(["mine", "mine", "true"]),)


def make_tree(rnd, depth):
    roll = rnd.random()
    if depth == 0 or roll < 0.3:
        return make_test(rnd)
    if roll < 0.45:
        return ("not", make_tree(rnd, depth - 1))
    return (rnd.choice(["and", "or"]),) + tuple(make_tree(rnd, depth - 1) for _ in range(rnd.choice([2, 2, 3])))


# ---- spelling: one of many, and the normal one ---------------------------------------------------------
def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def spell_case(rnd, text):
    return "".join(rnd.choice([c.lower(), c.upper()]) for c in text) if rnd.random() < 0.2 else text


def spell_text(rnd, text):
    bare = re.fullmatch(r"[A-Za-z0-9._:/+@*-]+", text)
    return text if bare and rnd.random() < 0.6 else quote(text)


def spell_time(rnd, t):
    roll = rnd.random()
    if roll < 0.2 and t == t.replace(hour=0, minute=0, second=0, microsecond=0):
        return t.strftime("%Y-%m-%d")
    age = NOW - t
    if roll < 0.5 and age >= timedelta(0) and not age.microseconds:
        for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
            if int(age.total_seconds()) % size == 0 and rnd.random() < 0.7:
                return f"{int(age.total_seconds()) // size}{unit}"
    fraction = f".{t.microsecond:06d}".rstrip("0") if t.microsecond else rnd.choice(["", ".0", ".0000009"])
    if roll < 0.7:
        local = t.astimezone(timezone(timedelta(hours=9)))
        return local.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "+09:00"
    return t.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def spell_operand(rnd, field, op, value):
    if field in NAMES:
        word = NAMES[field][value]
        return rnd.choice([spell_case(rnd, word), quote(word)])
    if field in NUMBERS:
        return ("AS" if field == "asn" and rnd.random() < 0.2 else "") + str(value)
    if field in WHENS:
        return spell_time(rnd, value)
    if field in ("publisher", "group", "country"):
        value = spell_case(rnd, value)
    return spell_text(rnd, value)


def spell(rnd, tree, tight=0):
    """tight: 0 anything may stand here, 1 no `or`, 2 only a primary."""
    gap = lambda: rnd.choice([" ", " ", "  ", "   "])
    what = tree[0]
    if what in ("true", "mine"):
        text, level = spell_case(rnd, what), 2
    elif what == "valid":
        at = gap() + spell_case(rnd, "at") + gap() + spell_time(rnd, tree[1]) if tree[1] else ""
        text, level = spell_case(rnd, what) + at, 2
    elif what == "test":
        _, field, op, values = tree
        operands = [spell_operand(rnd, field, op, v) for v in values]
        rnd.shuffle(operands)
        name = spell_case(rnd, field)
        if op == "in":
            text = name + gap() + spell_case(rnd, "in") + rnd.choice(["", " "]) + "(" + rnd.choice([", ", ",", " , "]).join(operands) + ")"
        elif op in ("starts", "contains", "under"):
            text = name + gap() + spell_case(rnd, op) + gap() + operands[0]
        elif op == "net":
            text = name + gap() + spell_case(rnd, "in") + gap() + operands[0]
        else:
            text = name + rnd.choice(["", " "]) + op + rnd.choice(["", " "]) + operands[0]
        level = 2
    elif what == "not":
        text, level = spell_case(rnd, "not") + gap() + spell(rnd, tree[1], 2), 1
    else:
        level = 1 if what == "and" else 0
        text = (gap() + spell_case(rnd, what) + gap()).join(spell(rnd, t, level + (what == "and" and t[0] == "and" and rnd.random() < 0.5))
                                                           for t in tree[1:])
    if level < tight or rnd.random() < 0.05:
        text = "(" + text + ")"
    return text


def simplify(tree):
    if tree[0] == "not":
        inner = simplify(tree[1])
        return inner[1] if inner[0] == "not" else ("not", inner)
    if tree[0] in ("and", "or"):
        parts = []
        for part in map(simplify, tree[1:]):
            parts += part[1:] if part[0] == tree[0] else [part]
        return (tree[0],) + tuple(parts)
    return tree


def normal_net(text):
    net = ipaddress.ip_network(text)
    if net.version == 6 and net.prefixlen >= 96 and net.network_address.ipv4_mapped:
        net = ipaddress.ip_network(f"{net.network_address.ipv4_mapped}/{net.prefixlen - 96}")
    return net


def normal_domain(text):
    return canon_domain(text) or text.rstrip(".").lower()


def normal_time(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S") + (f".{t.microsecond:06d}" if t.microsecond else "") + "Z"


def normal_test(field, op, values):
    if field in NAMES:
        words = [NAMES[field][v] for v in sorted(set(values))]
    elif field in NUMBERS:
        words = [str(v) for v in sorted(set(values))]
    elif field in WHENS:
        words = [normal_time(values[0])]
    elif op == "net":
        return f"value in {normal_net(values[0])}"
    elif op == "under":
        return f"value under {normal_domain(values[0])}"
    else:
        words = [quote(v) for v in sorted(set(values), key=lambda v: v.encode())]
    if op == "in" and len(words) == 1:
        op = "="
    return f"{field} in ({', '.join(words)})" if op == "in" else f"{field} {op} {words[0]}"


def normal(tree, around="or"):
    what = tree[0]
    if what == "test":
        return normal_test(*tree[1:])
    if what == "valid":
        return f"valid at {normal_time(tree[1])}" if tree[1] else "valid"
    if what == "not":
        return "not " + normal(tree[1], "not")
    if what in ("and", "or"):
        text = f" {what} ".join(normal(t, what) for t in tree[1:])
        return f"({text})" if around == "not" or (around == "and" and what == "or") else text
    return what


# ---- evaluation ------------------------------------------------------------------------------------------
COMPARE = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def under(item, domain):
    return item.host is not None and (item.host == domain or item.host.endswith("." + domain))


def overlaps(item, net):
    return item.net is not None and item.net.version == net.version and item.net.overlaps(net)


def test_value(op, values):
    if op == "net":
        net = normal_net(values[0])
        return lambda item: overlaps(item, net)
    if op == "under":
        domain = normal_domain(values[0])
        return lambda item: under(item, domain)
    if op == "starts":
        return lambda item: item.value is not None and item.value.startswith(values[0])
    if op == "contains":
        return lambda item: item.value is not None and values[0] in item.value
    forms = {canon(kind, v) for kind in TYPES[1:] for v in values} - {None}
    if op == "!=":
        return lambda item: item.value is None or (item.type, item.value) not in forms
    return lambda item: item.value is not None and (item.type, item.value) in forms


def now_for(item):
    return max(us(NOW), item.received)


def state(item):
    """The number of its name; 0 without an indicator."""
    if item.type is None:
        return 0
    if item.held:
        return 2
    return 3 if item.valid_until is not None and item.valid_until <= now_for(item) else 1


def valid(item, at):
    return item.type is not None and (item.valid_from is None or item.valid_from <= at) and (item.valid_until is None or at < item.valid_until)


def test_of(tree):
    if tree[0] == "true":
        return lambda item: True
    if tree[0] == "valid":
        return lambda item: valid(item, us(tree[1]) if tree[1] else now_for(item))
    if tree[0] == "mine":
        return lambda item: (any(overlaps(item, net) for net in MY_NETS) or any(under(item, d) for d in MY_DOMAINS) or
                             item.asn in MY_ASNS or (item.type == "asn" and int(item.value) in MY_ASNS))
    _, field, op, values = tree
    if field == "value":
        return test_value(op, values)
    if field in WHENS or field in NUMBERS:
        wanted = [us(v) for v in values] if field in WHENS else values

        def number(item):
            said = getattr(item, field)
            return said is not None and (said in wanted if op == "in" else COMPARE[op](said, wanted[0]))
        return number
    if field in NAMES:
        get = {"type": lambda i: TYPES.index(i.type) if i.type else 0, "kind": lambda i: i.kind, "tlp": lambda i: i.tlp, "state": state}[field]
        return lambda item: get(item) in values if op == "in" else COMPARE[op](get(item), values[0])
    get = {"tag": lambda i: i.tags, "group": lambda i: i.groups, "publisher": lambda i: [i.publisher],
           "raw": lambda i: [i.raw] if i.raw is not None else [], "country": lambda i: [i.country] if i.country is not None else []}[field]
    one = {"=": lambda t: t == values[0], "!=": lambda t: t == values[0], "in": lambda t: t in values,
           "starts": lambda t: t.startswith(values[0]), "contains": lambda t: values[0] in t}[op]
    return lambda item: any(map(one, get(item))) != (op == "!=")


def evaluate(tree, items, full):
    """A number whose bit i says whether item i fulfils the tree."""
    if tree[0] == "not":
        return full & ~evaluate(tree[1], items, full)
    if tree[0] in ("and", "or"):
        parts = [evaluate(t, items, full) for t in tree[1:]]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if tree[0] == "and" else result | part
        return result
    holds = test_of(tree)
    return int("".join("1" if holds(item) else "0" for item in reversed(items)), 2)


def main():
    filters, count, seed = map(int, sys.argv[1:4])
    rnd = random.Random(seed)
    items = [Item(rnd) for _ in range(count)]
    full = (1 << count) - 1
    sys.stdout.reconfigure(encoding="utf-8")
    for item in items:
        print("I " + item.line())
    for _ in range(filters):
        tree = make_tree(rnd, rnd.choice([0, 1, 2, 3, 4]))
        bits = format(evaluate(tree, items, full), f"0{count}b")[::-1]
        text = spell(rnd, tree)
        print(f"F {text}\t{normal(simplify(tree))}\t{bits}")


if __name__ == "__main__":
    main()
