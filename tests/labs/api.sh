#!/bin/bash
# The web API against its own OpenAPI document, by schemathesis, and its figures against OTLP's own schema.
#   api.sh PROGRAM NODE CACHE     CACHE: a folder for what PyPI has. Needs python3. Prints PASS at the end.
set -euo pipefail
PROGRAM=$(realpath "$1"); NODE=$(realpath "$2"); CACHE=$(mkdir -p "$3" && realpath "$3")
W=$(mktemp -d /tmp/ostler-api.XXXXXX); export OSTLER_HOME=$W/home PATH=${NODE%/*}:$PATH
RECEIVER=
end() { "$PROGRAM" kill > "$W/kill.log" 2>&1 || cat "$W/kill.log" >&2; [ -z "$RECEIVER" ] || kill "$RECEIVER" 2> "$W/end.log" || true; rm -rf "$W"; }
trap end EXIT
die() { echo "FAILED: $*" >&2; exit 1; }
if [ ! -e "$CACHE/made" ]; then
  python3 -m venv "$CACHE"
  "$CACHE/bin/pip" install --quiet schemathesis opentelemetry-proto
  touch "$CACHE/made"
fi
cd "$W"
cat > web.js <<'J'
require('http').createServer((q, r) => r.end('x')).listen(process.env.PORT, '127.0.0.1', () => process.send('ready'));
J
printf '#!/bin/sh\nwhile sleep 0.2; do echo line; echo error >&2; done\n' > talker.sh
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
PORT=$(free) "$PROGRAM" start web.js -i 2 --wait > start.log 2>&1
"$PROGRAM" start talker.sh >> start.log 2>&1

# A receiver of OTLP that reads what comes by the schema that OpenTelemetry publishes.
cat > receiver.py <<'P'
import http.server, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        request = json_format.Parse(body, ExportMetricsServiceRequest())  # An unknown field is an error.
        metrics = request.resource_metrics[0].scope_metrics[0].metrics
        points = sum(len(of.sum.data_points) + len(of.gauge.data_points) for of in metrics)
        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'{}')
        print(len(metrics), points, flush=True)
    def log_message(self, *_): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
P
mkfifo told
"$CACHE/bin/python" receiver.py > told 2> receiver.err &
RECEIVER=$!
exec 3< told
read -r -t 60 to <&3 || die "no receiver: $(cat receiver.err)"
WEB=$(free)
OSTLER_WEB_OTLP_INTERVAL=500 "$PROGRAM" web "$WEB" --otlp "http://127.0.0.1:$to/v1/metrics" >> start.log 2>&1
read -r -t 60 metrics points <&3 || die "no figures were taken: $(cat receiver.err)"
[ "$metrics" -ge 5 ] && [ "$points" -ge "$metrics" ] || die "only $metrics figures with $points points"
echo "OTLP: $metrics figures with $points points, valid by OpenTelemetry's own schema"

run() { # WHAT ARGS…
  local what=$1; shift
  "$CACHE/bin/schemathesis" run "http://127.0.0.1:$WEB/api/v1/openapi.json" --checks all --phases examples,coverage,fuzzing \
    --seed "${OSTLER_SEED:-1}" --request-timeout 10 --warnings off --no-color "$@" > "$what.log" 2>&1 || { cat "$what.log" >&2; die "schemathesis: $what"; }
  echo "schemathesis, $what: $(grep -oE '[0-9]+ generated, .*' "$what.log")"
}
# Words that mean nothing mostly; then an app that is there. No number of processes is made up for it: one has six digits.
run anything --max-examples 20 --exclude-path-regex '/(logs|events)$'
run streams --max-examples 3 --include-path-regex '/(logs|events)$'
for word in web talker default 0; do
  cat > schemathesis.toml <<T
[[operations]]
include-path-regex = "\\\\{word\\\\}"
[operations.parameters]
"path.word" = "$word"
T
  run "$word" --max-examples 10 --include-path-regex '\{word\}' --exclude-path-regex '/scale$' --exclude-method DELETE
done
"$PROGRAM" ping > ping.log || die "the manager does not answer: $(cat ping.log)"
echo PASS
