#!/bin/bash
# Log sinks against the real receivers: rsyslog, by UDP, TCP, a socket and TLS; the journal of systemd; OpenTelemetry's own
# decoder of OTLP; and Rotel, a collector of OpenTelemetry (PyPI), which passes on what it got as protobuf.
#   sinks.sh OSTLER CACHE [ROOT]   OSTLER: the program, with its companion beside it; CACHE: a folder for what is from PyPI;
#                                  ROOT: a debootstrap'd Debian with systemd, for its journal (needs root)
# Needs rsyslogd with its driver for GnuTLS, openssl and python3. Prints PASS at the end.
set -euo pipefail
OSTLER=$(realpath "$1"); CACHE=$(mkdir -p "$2" && realpath "$2"); ROOT=${3:+$(realpath "$3")}; BOX=$(dirname "$(realpath "$0")")/sdbox.sh
W=$(mktemp -d /tmp/ostler-sinks.XXXXXX); cd "$W"
export OSTLER_HOME=$W/home; receivers=()
finish() {
  "$OSTLER" kill >/dev/null 2>&1 || true
  for pid in "${receivers[@]}"; do kill "$pid" 2>/dev/null || true; done
  cd /; rm -rf "$W"
}
trap finish EXIT; trap 'die "line $LINENO"' ERR
die() { trap - ERR; echo "FAILED: $*" >&2; "$OSTLER" describe all | grep "log sink" >&2 || true; grep -o '"way":"[a-z]*"' received | sort | uniq -c >&2 || true; tail -n 20 "$W"/rsyslog.err "$W"/otlp.err "$W"/rotel.err >&2 || true; exit 1; }
# until WHAT COMMAND…: asks again until the command succeeds, 60 s at most
until_() {
  local what=$1 end=$(( $(date +%s) + ${PATIENCE:-60} )); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || die "waited in vain for $what"; sleep 0.1; done
}
[ -e "$CACHE/made2" ] || { python3 -m venv "$CACHE"; "$CACHE/bin/pip" install --quiet opentelemetry-proto rotel==0.0.1a15; touch "$CACHE/made2"; }

# ---- certificates
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=lab -days 2 2>openssl.err
issue() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>>openssl.err
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") 2>>openssl.err
}
issue server; issue client

# ---- rsyslog, as nobody in particular
ports=($("$CACHE/bin/python" -c 'import socket
all=[socket.socket() for _ in range(6)]
for s in all: s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'))
cat > rsyslog.conf <<C
global(workDirectory="$W" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
  defaultNetstreamDriverCAFile="$W/ca.pem" defaultNetstreamDriverCertFile="$W/server.pem" defaultNetstreamDriverKeyFile="$W/server.key")
template(name="all" type="list" option.jsonf="on") {
  property(outname="way" name="\$.way" format="jsonf") property(outname="app" name="app-name" format="jsonf")
  property(outname="id" name="procid" format="jsonf") property(outname="stream" name="msgid" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf") property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf") property(outname="text" name="msg" format="jsonf")
}
module(load="imudp") module(load="imtcp") module(load="imuxsock" sysSock.use="off") module(load="imptcp")
ruleset(name="udp")  { set \$.way = "udp";  action(type="omfile" file="$W/received" template="all" asyncWriting="off") }
ruleset(name="tcp")  { set \$.way = "tcp";  action(type="omfile" file="$W/received" template="all") }
ruleset(name="unix") { set \$.way = "unix"; action(type="omfile" file="$W/received" template="all") }
ruleset(name="tls")  { set \$.way = "tls";  action(type="omfile" file="$W/received" template="all") }
ruleset(name="mutual") { set \$.way = "mutual"; action(type="omfile" file="$W/received" template="all") }
input(type="imudp" address="127.0.0.1" port="${ports[0]}" ruleset="udp")
input(type="imptcp" address="127.0.0.1" port="${ports[1]}" ruleset="tcp" maxFrameSize="100000")
input(type="imuxsock" socket="$W/log.sock" useSpecialParser="off" parseHostname="on" rateLimit.interval="0" ruleset="unix")
input(type="imtcp" address="127.0.0.1" port="${ports[2]}" ruleset="tls" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="${ports[3]}" ruleset="mutual" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name"
  permittedPeer=["client"])
C
rsyslog() { rsyslogd -n -f "$W/rsyslog.conf" -i "$W/rsyslog.pid" 2>>rsyslog.err & receivers=($!); until_ rsyslog test -S "$W/log.sock"; }
rsyslog
echo "$(rsyslogd -v | head -n 1 | cut -d' ' -f1,3): five ways to it"

# ---- a receiver of OTLP that decodes what it gets by OpenTelemetry's own messages
cat > otlp.py <<'P'
import gzip, http.server, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
class Logs(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        if self.headers['content-encoding'] == 'gzip': body = gzip.decompress(body)
        # The collector speaks protobuf, to a path of its own.
        is_collected = self.path == '/collected/v1/logs'
        request = ExportLogsServiceRequest()
        if is_collected: request.ParseFromString(body)
        else:
            assert self.path == '/v1/logs' and self.headers['content-type'] == 'application/json'
            json_format.Parse(body, request)  # an unknown or ill-typed field is an error
        with open('collected' if is_collected else 'otlp.received', 'a') as file:
            for resource in request.resource_logs:
                of = {a.key: a.value.string_value for a in resource.resource.attributes}
                for record in (r for scope in resource.scope_logs for r in scope.log_records):
                    assert record.time_unix_nano > 1.7e18 and record.observed_time_unix_nano >= record.time_unix_nano
                    file.write(f"{of['service.name']} {record.severity_number} {record.body.string_value}\n")
        self.send_response(200); self.end_headers(); self.wfile.write(b'{}')
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Logs)
open('otlp.port', 'w').write(str(server.server_address[1])); server.serve_forever()
P
"$CACHE/bin/python" otlp.py 2>otlp.err & otlp=$!; receivers+=($otlp)
until_ "the receiver of OTLP" test -s otlp.port

# ---- a collector between an app and that receiver
rotel=$(echo "$CACHE"/lib/python3*/site-packages/rotel/rotel-agent); chmod +x "$rotel"
"$rotel" start --otlp-http-endpoint "127.0.0.1:${ports[4]}" --otlp-grpc-endpoint "127.0.0.1:${ports[5]}" --exporter otlp --otlp-exporter-protocol http \
  --otlp-exporter-endpoint "http://127.0.0.1:$(cat otlp.port)" --otlp-exporter-logs-endpoint "http://127.0.0.1:$(cat otlp.port)/collected/v1/logs" 2>rotel.err >&2 & receivers+=($!)
answers() { (exec 3<>"/dev/tcp/127.0.0.1/${ports[4]}") 2>/dev/null; }
until_ "the collector" answers
echo "$("$rotel" --version): OTLP over HTTP to it"

# ---- an app for each way, that writes the same
cat > say.py <<'P'
import os, sys, time
say = lambda text: (sys.stdout.write(text + '\n'), sys.stdout.flush())
say('first ä €')
say('WARN low'); say('{"level":50,"msg":"as pino has it"}'); say('x' * 30000); say('tab\tand "quotes" \\ %s <14>1')
for number in range(2000):
    say(f'line {number}')
    # UDP loses what its receiver has no room for.
    if number % 25 == 0: time.sleep(0.02)
while not os.path.exists('more'): time.sleep(0.05)
for number in range(2000, 3000): say(f'line {number}')
time.sleep(1e6)
P
app() { printf '{ name: "%s", script: "say.py", interpreter: "python3", cwd: "%s", log_sinks: { %s } }, ' "$1" "$W" "$2"; }
{
  echo '{ apps: ['
  app udp "syslog: { to: 'udp://127.0.0.1:${ports[0]}', facility: 'local3' }"
  app tcp "syslog: 'tcp://127.0.0.1:${ports[1]}'"
  app unix "syslog: 'unix:$W/log.sock'"
  app tls "syslog: { to: 'tls://localhost:${ports[2]}', ca: '$W/ca.pem' }"
  app mutual "syslog: { to: 'tls://127.0.0.1:${ports[3]}', ca: '$W/ca.pem', cert: '$W/client.pem', key: '$W/client.key' }"
  app otlp "otlp: 'http://127.0.0.1:$(cat otlp.port)/v1/logs'"
  app collector "otlp: 'http://127.0.0.1:${ports[4]}/v1/logs'"
  echo '] }'
} > apps.json5
"$OSTLER" start apps.json5 >/dev/null 2>&1 || die "start"
passed() { [ "$("$OSTLER" describe all | grep -c "log sink: .*: $1 lines passed on$\|log sink .* $1 lines passed on$")" = 7 ]; }
until_ "the first lines" passed 2005
lines() { [ "$(wc -l < received)" = "$1" ]; }
until_ "what rsyslog has written" lines 10025

# ---- rsyslog is away, and comes back
kill "${receivers[0]}"; wait "${receivers[0]}" || true; rm -f log.sock rsyslog.pid
touch more
waits() { [ "$("$OSTLER" describe all | grep -c 'waits since')" -ge 4 ]; }
until_ "sinks that wait" waits
collector=${receivers[2]}; rsyslog; receivers+=($otlp $collector)
until_ "the other lines" passed 3005
collected() { [ "$(cat collected 2>/dev/null | wc -l)" = 3005 ]; }
until_ "what the collector passes on" collected
"$CACHE/bin/python" - <<'P' || die "what was received is not what was written"
import collections, json, socket
got = collections.defaultdict(list)
for line in open('received'):
    message = json.loads('{' + line.strip().lstrip('{').rstrip('}') + '}') if not line.startswith('{') else json.loads(line)
    got[message['way']].append(message)
expected = ['first ä €', 'WARN low', '{"level":50,"msg":"as pino has it"}', 'x' * 30000, 'tab\tand "quotes" \\ %s <14>1']
expected += [f'line {number}' for number in range(3000)]
grave = {1: '4', 2: '3'}
for way in ('udp', 'tcp', 'unix', 'tls', 'mutual'):
    texts = [message['text'].removeprefix(' ') for message in got[way]]
    missing = collections.Counter(expected) - collections.Counter(texts)
    more = collections.Counter(texts) - collections.Counter(expected)
    assert not more, (way, 'more', list(more)[:5])
    # A datagram is lost when its receiver is away or has no room, and nobody is told.
    is_lost = lambda text: way == 'udp' and text in expected[2005:]
    assert all(is_lost(text) for text in missing), (way, 'missing', list(missing)[:5], len(missing))
    assert texts == [text for text in expected if text not in missing], (way, 'order')
    for number, message in enumerate(got[way][:5]):
        assert message['app'] == way and message['stream'] == 'out' and message['id'].isdigit(), message
        assert message['host'] == socket.gethostname() and message['version'] == '1', message
        assert message['severity'] == grave.get(number, '6'), message
        assert message['facility'] == ('local3' if way == 'udp' else 'user'), message
        assert message['at'].startswith('20'), message
    lost = f', {len(missing)} of 1000 lost with the receiver' if missing else ''
    print(f'{way}: {len(texts)} lines, each once, in order, with their fields{lost}')
records = open('otlp.received').read().splitlines()
number = {1: 13, 2: 17}
assert records == [f'otlp {number.get(at, 9)} {text}' for at, text in enumerate(expected)], records[:9]
print(f'otlp: {len(records)} records, each once, in order, as OpenTelemetry decodes them')
passed = [record.replace('collector', 'otlp', 1) for record in open('collected').read().splitlines()]
assert passed == records, [pair for pair in zip(passed, records) if pair[0] != pair[1]][:3]
print(f'collector: {len(passed)} records came out of Rotel as they went in, in order')
P

# ---- the journal, in a machine of its own
if [ -n "$ROOT" ]; then
  x() { "$BOX" exec "$ROOT" "$@"; }
  "$BOX" kill "$ROOT" 2>/dev/null || true; "$BOX" reset "$ROOT"; U="$ROOT.up/u"; mkdir -p "$U/usr/local/bin" "$U/opt"
  trap '"$BOX" kill "$ROOT" 2>/dev/null || true; finish' EXIT
  install -m 755 "$OSTLER" "$U/usr/local/bin/ostler"
  printf '#!/bin/sh\necho "WARN \303\244 low"; head -c 300000 /dev/zero | tr "\\0" x; echo; echo last >&2; exec sleep 1000000\n' > "$U/opt/say.sh"
  echo '{"apps":[{"name":"said","script":"/opt/say.sh","interpreter":"/bin/sh","log_sinks":{"journald":true}}]}' > "$U/opt/apps.json"
  "$BOX" start "$ROOT" >/dev/null || die "systemd does not boot in namespaces here"
  x ostler start /opt/apps.json >/dev/null 2>&1 || die "start in the machine"
  entries() { x journalctl --no-pager --output json --all APP_NAME=said > journal.json && [ "$(wc -l < journal.json)" = 3 ]; }
  until_ "three entries of the journal" entries
  "$CACHE/bin/python" - <<'P' || die "the journal has something else: $(cut -c1-600 journal.json)"
import json
entries = [json.loads(line) for line in open('journal.json')]
assert sorted(e['MESSAGE'] for e in entries) == ['WARN ä low', 'last', 'x' * 300000], 'text'
for e in entries:
    of_err = e['MESSAGE'] == 'last'
    assert e['SYSLOG_IDENTIFIER'] == 'said' and e['APP_ID'] == '0' and e['_TRANSPORT'] == 'journal', e
    assert (e['APP_STREAM'], e['PRIORITY']) == ('err', '3') if of_err else e['APP_STREAM'] == 'out', e
    assert abs(int(e['APP_TIME']) - int(e['__REALTIME_TIMESTAMP'])) < 60e6, e
assert {e['MESSAGE'][:4]: e['PRIORITY'] for e in entries} == {'WARN': '4', 'xxxx': '6', 'last': '3'}
print('journal: 3 entries with their fields, one of 300,000 bytes')
P
else
  echo "!!! SKIPPED: the journal of systemd"
fi
echo PASS
