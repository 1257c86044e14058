#!/usr/bin/python3
"""The tree keeps its own rules: each check is one sentence of what a reader may rely on. Prints every breach; exits 1 if there is one."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = {"CMakeLists.txt", "CMakePresets.json", "broker", "clients", "proto", "sql", "tests", "docker", "README.md", "LICENSE", "NEWS.md",
       ".ci", ".clang-format", ".clang-tidy", ".gitignore", ".editorconfig"}
LINES_MAX, FUNCTION_MAX = 700, 90
breaches = []


def breach(path, line, text):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def tracked(*suffixes):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in out.splitlines() if name.endswith(suffixes) and (ROOT / name).is_file()]


def only_in(pattern, allowed, what):
    """A thing that one room alone may know."""
    for path in tracked(".c", ".h"):
        name = str(path.relative_to(ROOT))
        if name.startswith("tests/") or any(name.startswith(a) for a in allowed):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line) and not line.lstrip().startswith(("*", "/*")):
                breach(path, number, what)


def check_rooms():
    only_in(r"#include [<\"](postgresql/)?libpq-fe", ["broker/store/"], "only store speaks to PostgreSQL")
    only_in(r"#include <zmq", ["broker/front/", "clients/lib/socket", "clients/lib/broadcast"], "only front and the library's sockets know ZeroMQ")
    only_in(r"#include <pcap", ["clients/edge/capture"], "only edge's capture knows libpcap")
    only_in(r"#include <microhttpd", ["clients/gateway/server"], "only the gateway's server knows libmicrohttpd")
    only_in(r"#include <gnutls", ["clients/gateway/c"], "only the gateway's connections and certificate know TLS")
    only_in(r"\bpthread_(mutex|cond|rwlock|create)", ["broker/base/"], "mutexes and threads are base's business")
    only_in(r"#include <jansson", ["clients/", "broker/isacd_found", "broker/hold/lists"], "JSON is the clients' business, the doctor's and warninglists'")
    only_in(r"\bPQexec\b|\bPQexecParams\b|\bPQexecPrepared\b|\bPQescape", [], "blocking or escaping libpq calls are banned")
    only_in(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|system|popen)\(", [], "banned function")


def check_purity():
    """filter/ and proto/wire do no I/O and read no clock."""
    for path in tracked(".c"):
        name = str(path.relative_to(ROOT))
        if not name.startswith(("broker/filter/", "proto/wire/")):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\b(fopen|open|read|write|socket|time|gettimeofday|clock_gettime|base_clock_\w+)\s*\((?!\))", line) and not line.lstrip().startswith(("*", "/*")):
                breach(path, number, "this room does no I/O and reads no clock")


def check_statements():
    """A prepared statement's name is its own: a connection that came by both of two of one name would refuse the second."""
    where = {}
    for path in tracked(".c"):
        text = path.read_text() if str(path.relative_to(ROOT)).startswith("broker/") else ""
        for found in re.finditer(r'\{\s*"([a-z0-9_]+)",\s*(?:STORE_\w+\s*)?"(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b', text):
            line = text.count("\n", 0, found.start(1)) + 1
            if found[1] in where:
                breach(path, line, f"statement {found[1]} has the name of {where[found[1]]}")
            where[found[1]] = f"{path.name}:{line}"


def check_names():
    """Path = symbol: what broker/ROOM/*.c exports begins with ROOM_."""
    for path in tracked(".c"):
        parts = path.relative_to(ROOT).parts
        if parts[0] != "broker" or len(parts) != 3:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r"(?!static|typedef|struct \w+ \{|enum \w+ \{|else|return|extern)[a-z][\w \*]*?[ \*](\w+)\(", line)
            if found and not found.group(1).startswith(parts[1] + "_"):
                breach(path, number, f"{found.group(1)} is exported from room {parts[1]}")


def check_sizes():
    for path in tracked(".c", ".h", ".py"):
        lines = path.read_text().splitlines()
        if len(lines) > LINES_MAX:
            breach(path, len(lines), f"over {LINES_MAX} lines: is it still one noun?")
        start = None
        for number, line in enumerate(lines, 1):
            if path.suffix == ".c" and line.startswith("{"):
                start = number
            if path.suffix == ".c" and line.startswith("}") and start:
                if number - start > FUNCTION_MAX:
                    breach(path, start, f"a function of {number - start} lines")
                start = None


def check_words():
    for path in tracked(".c", ".h", ".py", ".sh", ".sql", ".def", ".md"):
        if path.name == "check.py":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) and not re.search(r"#\d+", line):
                breach(path, number, "a TODO names an issue")
            if "tests" in path.parts and path.suffix in (".py", ".c") and re.search(r"\b(time\.sleep|usleep|nanosleep|sleep)\(", line):
                breach(path, number, "tests wait for events, never for time")


def check_sql_comments():
    """Every table says what it is."""
    text = "\n".join(path.read_text() for path in tracked(".sql"))
    for table in re.findall(r"create table (?:if not exists )?(?!.*partition of)([a-z_.]+)", text, re.I):
        if not re.search(rf"comment on table (\w+\.)?{re.escape(table.split('.')[-1])}\b", text, re.I):
            breaches.append(f"sql: table {table} has no COMMENT")


def check_top():
    for name in {path.relative_to(ROOT).parts[0] for path in tracked("")} - TOP:
        breaches.append(f"{name}: nothing else stands at the top")


for check in (check_rooms, check_purity, check_statements, check_names, check_sizes, check_words, check_sql_comments, check_top):
    check()
print("\n".join(breaches))
sys.exit(1 if breaches else 0)
