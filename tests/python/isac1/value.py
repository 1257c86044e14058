"""Section 8: canonical forms of indicator values, refusals and held values.

Names beyond ASCII (and `xn--` labels) need IDNA2008 tables that a bare Python has not: they raise Unjudged."""
import hashlib
import ipaddress
import pathlib
import re

from .scan import Refused, text_ok
from .tables import HELD, LIMIT, VALUE, VALUE_NUMBER as N

PSL = pathlib.Path("/usr/share/publicsuffix/public_suffix_list.dat")
REFUSED_4 = [ipaddress.ip_network(n) for n in (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4").split()]
REFUSED_6 = [ipaddress.ip_network(n) for n in "::/128 ::1/128 fe80::/10 fc00::/7 ff00::/8 2001:db8::/32".split()]
MAPPED = ipaddress.ip_network("::ffff:0:0/96")
HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS", "HKCC": "HKEY_CURRENT_CONFIG"}
HIVES.update({full: full for full in HIVES.values()})
DIGITS = {N["md5"]: (32,), N["sha1"]: (40,), N["sha256"]: (64,), N["sha512"]: (128,), N["ja3"]: (32,), N["certificate-fingerprint"]: (40, 64)}
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Unjudged(Exception):
    """A value that this implementation has no tables for."""


def no(text):
    raise Refused(422, text)


def address4(text, special=False):
    if not re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}", text, re.A):
        no("not dotted decimal")
    try:
        got = ipaddress.IPv4Address(text)
    except ValueError:
        no("not an address")
    if not special and any(got in net for net in REFUSED_4):
        no("special use")
    return got


def address6(text, special=False):
    if not re.fullmatch(r"[0-9A-Fa-f:.]+", text):
        no("not an address")
    try:
        got = ipaddress.IPv6Address(text)
    except ValueError:
        no("not an address")
    if not special and any(got in net for net in REFUSED_6):
        no("special use")
    return got


def ipv4(text):
    return N["ipv4"], str(address4(text))


def ipv6(text):
    got = address6(text)
    return ipv4(str(got.ipv4_mapped)) if got.ipv4_mapped else (N["ipv6"], str(got))


def cidr(text):
    address, slash, length = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9][0-9]{0,2}", length, re.A):
        no("no length")
    got, size = (address6(address, True) if ":" in address else address4(address, True)), int(length)
    if size > got.max_prefixlen:
        no("length")
    if got.version == 6 and got.ipv4_mapped and size >= 96:
        got, size = got.ipv4_mapped, size - 96
    try:
        net = ipaddress.ip_network((got, size))
    except ValueError:
        no("host bits")
    if size == 0 or any(net.overlaps(bad) for bad in (REFUSED_4 if net.version == 4 else REFUSED_6 + [MAPPED])):
        no("special use")
    return N["cidr"], str(net)


_psl = None


def public_suffix(name):
    """Is the name itself a suffix, by the list's rules (exceptions before the longest match)?"""
    global _psl
    if _psl is None:
        lines = PSL.read_text(encoding="utf-8").splitlines()
        _psl = {line.split()[0] for line in lines if line.strip() and not line.startswith("//")}
    if "!" + name in _psl:
        return False
    return name in _psl or "*." + name.partition(".")[2] in _psl


def host_name(text):
    """A domain name, of two labels or more; a suffix is allowed."""
    name = text.lower() if text.isascii() else text
    if not name.isascii() or re.search(r"(^|\.)xn--", name):
        raise Unjudged(text)
    name = name[:-1] if name.endswith(".") else name
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2:
        no("one label, or too long")
    for label in labels:
        if not re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label, re.A):
            no("bad label")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1], re.A):
        no("a number for a top level")
    return name


def domain(text):
    name = host_name(text)
    if public_suffix(name):
        no("a public suffix")
    return N["domain"], name


def host(text):
    if text.startswith("[") and text.endswith("]"):
        kind, got = ipv6(text[1:-1])
        return got if kind == N["ipv4"] else f"[{got}]"
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text, re.A):
        return ipv4(text)[1]
    return host_name(text)


def url(text):
    got = re.fullmatch(r"([A-Za-z]+)://([^/?#]*)(.*)", text, re.S)
    if not got or got[1].lower() not in ("http", "https", "ftp") or " " in text:
        no("no scheme, or a blank")
    scheme, authority, rest = got[1].lower(), got[2], got[3]
    if "@" in authority:
        no("user information")
    parts = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?", authority, re.A)
    if not parts:
        no("host or port")
    port = parts[2] or ""
    if port and not 1 <= int(port) <= 65535:
        no("port")
    if port and int(port) == {"http": 80, "https": 443, "ftp": 21}[scheme]:
        port = ""
    out = f"{scheme}://{host(parts[1])}{':' + str(int(port)) if port else ''}{rest if rest.startswith('/') else '/' + rest}"
    if len(out.encode()) > LIMIT["URL_BYTES"]:
        no("too long")
    return N["url"], out


def email(text):
    local, at, name = text.partition("@")
    if not at or "@" in name or not 1 <= len(local.encode()) <= 64 or " " in local:
        no("local part")
    return N["email"], f"{local}@{host_name(name)}"


def digest(kind, text):
    if kind == N["certificate-fingerprint"] and re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+", text):
        text = text.replace(":", "")
    if len(text) not in DIGITS[kind] or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        no("length or digits")
    return kind, text.lower()


def asn(text):
    got = re.fullmatch(r"(?:[Aa][Ss])?([1-9][0-9]{0,9})", text, re.A)
    number = int(got[1]) if got else 0
    if not 0 < number < 4294967295 or number in (23456, 65535) or 64496 <= number <= 64511 or 65536 <= number <= 65551:
        no("no AS number of use")
    return N["asn"], str(number)


def cve(text):
    got = re.fullmatch(r"CVE-([0-9]{4})-([0-9]{4,7})", text, re.A | re.I)
    if not got or int(got[1]) < 1999 or (len(got[2]) > 4 and got[2][0] == "0"):
        no("no CVE")
    return N["cve"], text.upper()


def _base58check(text):
    number = 0
    for char in text:
        number = number * 58 + BASE58.index(char)
    raw = b"\0" * (len(text) - len(text.lstrip("1"))) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    check = hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4]
    return len(raw) == 25 and raw[-4:] == check and raw[0] in (0x00, 0x05, 0x6f, 0xc4)


def _polymod(values):
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1ffffff) << 5 ^ value
        for bit, generator in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            check ^= generator if top >> bit & 1 else 0
    return check


def _bech32(text):
    prefix, _, data = text.rpartition("1")
    if prefix not in ("bc", "tb") or not 8 <= len(text) <= 90 or any(c not in BECH32 for c in data) or len(data) < 7:
        return False
    words = [BECH32.index(c) for c in data]
    version, bits = words[0], "".join(f"{w:05b}" for w in words[1:-6])
    size, left = divmod(len(bits), 8)
    want = 1 if version == 0 else 0x2bc830a3
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    return (_polymod(expanded + words) == want and version <= 16 and left < 5 and set(bits[len(bits) - left:]) <= {"0"}
            and 2 <= size <= 40 and (version or size in (20, 32)))


def bitcoin(text):
    if text and all(c in BASE58 for c in text) and _base58check(text):
        return N["bitcoin"], text
    if text in (text.lower(), text.upper()) and _bech32(text.lower()):
        return N["bitcoin"], text.lower()
    no("no address")


def words(kind, text):
    text = text.strip(" ")
    if kind == N["registry-key"]:
        hive, slash, rest = text.partition("\\")
        text = HIVES.get(hive.upper(), hive) + slash + rest
    return kind, text or no("empty")


def canonical(kind, text):
    """(type, canonical value), or Refused 422."""
    if kind not in VALUE:
        no("no such type")
    if not text or not text_ok(text) or len(text.encode()) > limit_of(kind):
        no("empty, too long, or characters that people cannot see")
    if kind in DIGITS:
        return digest(kind, text)
    one = {"ipv4": ipv4, "ipv6": ipv6, "cidr": cidr, "domain": domain, "url": url, "email": email, "asn": asn, "cve": cve, "bitcoin": bitcoin}
    judge = one.get(VALUE[kind])
    return judge(text) if judge else words(kind, text)


def limit_of(kind):
    return LIMIT["URL_BYTES" if kind == N["url"] else "VALUE_BYTES"]


def held(kind, value):
    """Is a canonical value stored without being in any feed?"""
    if kind == N["cidr"]:
        net = ipaddress.ip_network(value)
        if net.prefixlen < (16 if net.version == 4 else 32):
            return True
        return any(ipaddress.ip_address(v) in net for t, v in HELD if t in (N["ipv4"], N["ipv6"]))
    return (kind, value) in HELD


def key(kind, value):
    return hashlib.blake2b(bytes([kind]) + value.encode(), digest_size=32).digest()[:16]


def check_indicator(it):
    """Section 8, `Beside the value`; returns (type, canonical value)."""
    times = (it.first_seen_us, it.last_seen_us, it.valid_from_us, it.valid_until_us)
    if it.confidence_plus1 > 101 or it.severity_plus1 > 11 or any(not 0 <= t <= 253402300799999999 for t in times):
        no("a number out of range")
    if (it.first_seen_us and it.last_seen_us and it.last_seen_us < it.first_seen_us) or (
            it.valid_from_us and it.valid_until_us and it.valid_until_us <= it.valid_from_us):
        no("times in a wrong order")
    if it.country and not re.fullmatch("[A-Z]{2}", it.country):
        no("country")
    for text, least, most in [(it.raw, 0, limit_of(it.type)), (it.description, 0, LIMIT["TEXT_BYTES"]),
                              *((t, 1, LIMIT["TAG_BYTES"]) for t in it.tags), *((r, 1, LIMIT["VALUE_BYTES"]) for r in it.references)]:
        if not least <= len(text.encode()) <= most or not text_ok(text):
            no("a text too long, or with characters that people cannot see")
    return canonical(it.type, it.value)


def is_name(text):
    return re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text) is not None


def _known(it):
    """The value is the original's, also if section 8 would refuse it by now: then it stands as it is written."""
    if it.type not in VALUE or not it.value or not text_ok(it.value) or len(it.value.encode()) > limit_of(it.type):
        no("no type, empty, too long, or characters that people cannot see")
    if len(it.description.encode()) > LIMIT["TEXT_BYTES"] or not text_ok(it.description):
        no("description")
    try:
        return canonical(it.type, it.value)
    except Refused:
        return it.type, it.value


def check_sighting(it):
    found = _known(it)
    if not 1 <= it.verdict <= 3 or any(not 0 <= t <= 253402300799999999 for t in (it.first_seen_us, it.last_seen_us)):
        no("a number out of range")
    if it.first_seen_us and it.last_seen_us and it.last_seen_us < it.first_seen_us:
        no("times in a wrong order")
    return found


def check_withdrawal(it):
    return _known(it)
