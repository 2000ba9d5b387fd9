#!/bin/sh
# Makes docs/pictures/dashboard.png anew: what the dashboard shows of a few apps that really run.
# It needs Chromium (`apt-get install chromium`) and Node. Run it in the repository.
set -eu
cargo build --quiet --package ostler --package ostler-companion
ostler=$PWD/target/debug/ostler
picture=$PWD/docs/pictures/dashboard.png
place=$(mktemp -d)
export OSTLER_HOME="$place/home" HOME="$place"
trap '"$ostler" kill --silent; rm -rf "$place"' EXIT
cd "$place"
cat > api.js <<'END'
console.log('listening on ' + process.env.PORT);
require('http').createServer((request, response) => response.end('hello')).listen(process.env.PORT, '127.0.0.1');
END
cat > mail.js <<'END'
console.log('12 letters in the queue');
console.error('Error: connect ECONNREFUSED 10.0.0.7:25');
setInterval(() => console.log('a letter was sent'), 500);
END
cat > worker.js <<'END'
throw new Error('DATABASE_URL is not set');
END
PORT=${PORT:-34000} "$ostler" start api.js -i 4 --wait
"$ostler" start mail.js
"$ostler" start worker.js --restart-delay 60000 || true
"$ostler" start api.js --name report --no-autostart
port=${WEB_PORT:-34001}
"$ostler" web "$port"
# The daemon measures CPU use twice before it tells it.
timeout 60 "$ostler" wait mail --for 'log=letter was sent' --silent
chromium --headless=new --no-sandbox --disable-gpu --disable-background-networking \
    --disable-component-update --disable-sync --no-first-run --hide-scrollbars \
    --user-data-dir="$place/profile" --window-size=1000,640 --virtual-time-budget=3000 \
    --screenshot="$picture" "http://127.0.0.1:$port/dashboard" > /dev/null 2>&1
size=$(wc -c < "$picture")
echo "$picture: $size bytes"
