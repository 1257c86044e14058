#!/bin/sh
# Shows isac at work: sh clients/demo.sh [--keep]
# Installs what is missing, builds, starts a hub with its own PostgreSQL, enrols five members, publishes real indicators and
# shows who receives what. Cleans up at the end; --keep leaves the hub running and says how to talk to it.
set -eu
cd "$(dirname "$0")/.."
keep=no
case "${1-}" in
    --keep) keep=yes ;;
    "") ;;
    -h|--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "demo: unknown option $1 (try --help)" >&2; exit 2 ;;
esac

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
why() { printf '  %s\n' "$*"; }

# ---- what it needs, and the build -------------------------------------------
sh docker/deps.sh run build
root=${ISAC_BUILD:-$PWD/build}
mkdir -p "$root"
(
    flock 9
    cmake --preset release -B "$root/release" >"$root/demo.log" 2>&1 &&
        cmake --build "$root/release" -j "$(nproc)" --target isacd --target isac >>"$root/demo.log" 2>&1 || { tail -n 40 "$root/demo.log" >&2; exit 1; }
) 9>"$root/.lock"
bin=$root/release/bin
PATH=$bin:$PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/isac-demo.XXXXXX")
chmod 755 "$work"
hub_pid=""; feed_pids=""
clean() {
    for pid in $feed_pids; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
    [ -z "$hub_pid" ] || { kill "$hub_pid" 2>/dev/null || true; wait "$hub_pid" 2>/dev/null || true; }
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

# ---- real data: abuse.ch's URLhaus list (CC0) out of a Debian package, unpacked and not installed ----
fetch_urlhaus() {
    cache=$root/urlhaus.txt
    if [ ! -s "$cache" ]; then
        (cd "$work" && apt-get -qq download webext-ublock-origin-chromium >/dev/null 2>&1) || { sudo -n apt-get -qq update >/dev/null 2>&1 || apt-get -qq update >/dev/null 2>&1 || true
            (cd "$work" && apt-get -qq download webext-ublock-origin-chromium >/dev/null); }
        dpkg-deb -x "$work"/webext-ublock-origin-chromium_*.deb "$work/deb"
        cat "$work"/deb/usr/share/chromium/extensions/ublock-origin/assets/thirdparties/urlhaus-filter/*online*.txt >"$cache.$$"
        mv "$cache.$$" "$cache"
        rm -rf "$work/deb" "$work"/*.deb
    fi
    # "||host^$all" is a host, "||host/path^$all" a URL, a bare line an address.
    awk '/^[!#]/ || /^$/ { next } { v = $0; sub(/^\|\|/, "", v); sub(/\^?\$.*$/, "", v); sub(/\^$/, "", v); if (v ~ /\//) v = "http://" v; print v }' "$cache" >"$work/urlhaus"
    grep -E '^[0-9.]+$' "$work/urlhaus" >"$work/addresses"
    grep -vE '^[0-9.]+$' "$work/urlhaus" >"$work/names"
    half=$(($(wc -l <"$work/addresses") / 2))
    head -n "$half" "$work/addresses" >"$work/east"
    tail -n +"$((half + 1))" "$work/addresses" >"$work/west"
}
fetch_urlhaus

started=$(date +%s)
say "1. A hub: keys, a PostgreSQL of its own, three processes"
isacd init --data "$work/hub" --listen tcp://127.0.0.1:0 >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; exit 1; }
mkfifo "$work/ready"
isacd run --data "$work/hub" >"$work/ready" 2>"$work/hub.log" &
hub_pid=$!
exec 8<"$work/ready"
read -r line <&8 || { tail -n 20 "$work/hub.log" >&2; exit 1; }
why "$line"
hub=${line#isacd: ready }

member() { # name role type
    isac --home "$work/$1" keygen --hub-key "$work/hub/hub.pub" --hub "$hub" --name "$1" >/dev/null 2>>"$work/notes"
    isac --home "$work/hub/admin" --hub "$hub" admin member add "$work/$1/member.pub" --role "$2" --type "$3" >/dev/null 2>>"$work/notes"
    why "$1 ($3): $2"
}
say "2. Five members, enrolled by the admin's signature"
member isp-east publisher,subscriber isp
member isp-west publisher,subscriber isp
member vendor publisher vendor
member soc-red subscriber soc
member soc-blue subscriber soc

say "3. Two SOCs listen, each to what it asked for"
feed() { # name filter
    isac --home "$work/$1" --json subscribe --name live --from start --filter "$2" >"$work/$1.feed" 2>"$work/$1.err" &
    feed_pids="$feed_pids $!"
    why "$1: $2"
}
feed soc-red 'type = ipv4 and confidence >= 80'
feed soc-blue 'type in (domain, url) and tag = "malware"'

say "4. Three members publish abuse.ch's URLhaus list: $(wc -l <"$work/urlhaus") real indicators, signed, stored, receipted"
publish() { # name file confidence
    isac --home "$work/$1" --json publish --format plain --tlp green --confidence "$3" --tag malware "$work/$2" >"$work/$1.receipts" 2>"$work/$1.refused" || [ $? -eq 4 ]
    why "$1: $(wc -l <"$work/$1.receipts") receipts, last $(tail -n 1 "$work/$1.receipts")"
    ! grep -q "/$2:" "$work/$1.refused" || why "   left out: $(grep -c "/$2:" "$work/$1.refused") lines, such as $(grep -m 1 -o "$2:.*" "$work/$1.refused")"
}
publish isp-east east 90
publish isp-west west 60
publish vendor names 75

say "5. What arrived: verified signatures and proofs, only what each filter asked for"
wait_quiet() { isac --home "$work/$1" subscribe --from start --filter "$2" --idle-exit 1 --format plain 2>/dev/null | wc -l; }
for soc in soc-red soc-blue; do
    case $soc in soc-red) f='type = ipv4 and confidence >= 80' ;; *) f='type in (domain, url) and tag = "malware"' ;; esac
    want=$(wait_quiet "$soc" "$f")
    while [ "$(wc -l <"$work/$soc.feed")" -lt "$want" ] && kill -0 "$hub_pid"; do :; done
    why "$soc has $(wc -l <"$work/$soc.feed") items, the newest:"
    tail -n 2 "$work/$soc.feed" | cut -c1-220 | sed 's/^/     /'
done

say "6. History: who said what about a network"
net=$(sed -n 1p "$work/west" | cut -d. -f1-2).0.0/16
why "isac query 'value in $net' --limit 3"
isac --home "$work/soc-red" query "value in $net" --limit 3 --format csv | cut -c1-200 | sed 's/^/     /'

say "7. A forgery: a report altered after the vendor signed it"
echo "198.51.100.66" | isac --home "$work/vendor" --hub tcp://127.0.0.1:1 publish --format plain --tlp green --timeout 1 >/dev/null 2>&1 || true
for spooled in "$work"/vendor/spool/*; do [ ! -f "$spooled" ] || LC_ALL=C sed -i 's/198\.51\.100\.66/198.51.100.67/' "$spooled"; done
why "the vendor was offline, its report waited in the spool, and somebody changed 198.51.100.66 to .67 there"
status=0
isac --home "$work/vendor" --hub "$hub" --json publish --flush >"$work/forged" 2>/dev/null || status=$?
why "the hub's answer (exit $status): $(head -n 1 "$work/forged" | cut -c1-200)"

say "8. A SOC that was away resumes where it was"
for pid in $feed_pids; do kill "$pid"; wait "$pid" 2>/dev/null || true; done
feed_pids=""
before=$(wc -l <"$work/soc-red.feed")
printf '203.0.113.%d\n' 7 8 9 | isac --home "$work/isp-east" publish --format plain --tlp green --confidence 95 >/dev/null 2>&1
isac --home "$work/soc-red" --json subscribe --name live --idle-exit 1 >"$work/soc-red.more" 2>/dev/null
why "had $before, missed and now got exactly: $(sed 's/.*"value": *"\([^"]*\)".*/\1/' "$work/soc-red.more" | tr '\n' ' ')"

say "Done in $(($(date +%s) - started)) s after the build."
if [ "$keep" = yes ]; then
    trap - EXIT
    why "The hub goes on as process $hub_pid; its log is $work/hub.log"
    why "PATH=$bin:\$PATH"
    why "isac --home $work/soc-red subscribe --from start --count 5"
    why "isac --home $work/hub/admin admin stats"
    why "Stop it with: kill $hub_pid; then rm -rf $work"
fi
