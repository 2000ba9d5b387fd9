#!/usr/bin/env python3
"""Figures of what ostler does in PM2's place: bus, run, serve, rpc, idle.

    python3 figures.py OSTLER PM2 [bus|run|serve|rpc|idle ...]

OSTLER is a release binary, PM2 the `pm2` of npm's package (7). Each line is a figure, in turn for
both where both have it. Every home is new, everything that was started is ended. Needs wrk.
"""
import http.client, json, os, selectors, shutil, socket, statistics, subprocess, sys, tempfile
import threading, time

OSTLER, PM2 = (os.path.realpath(path) for path in sys.argv[1:3])
WRITER = """import sys, time
line = (b'x' * 99 + b'\\n') * 640
mb, begin, n = float(sys.argv[1]), time.monotonic(), 0
while True:
    sys.stdout.buffer.write(line); sys.stdout.buffer.flush(); n += len(line)
    ahead = n / (mb * 1e6) - (time.monotonic() - begin)
    if 0 < ahead: time.sleep(ahead)
"""
SPIN = "while True: pass"
WEB = """require('http').createServer((q, r) => r.end('ok'))
    .listen(process.env.PORT, '127.0.0.1');"""
# What the real client waits for the list, ms each.
CLIENT = """const pm2 = require(process.argv[1]);
pm2.connect(async (error) => {
  if (error) throw error;
  const ask = () => new Promise((yes, no) => pm2.Client.executeRemote('getMonitorData', {},
    (error, list) => error ? no(error) : yes(list)));
  for (let i = 0; i < 30; i++) await ask();
  const all = [];
  for (let i = 0; i < 200; i++) {
    const begin = process.hrtime.bigint(); await ask();
    all.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  console.log(JSON.stringify(all)); process.exit(0);
});"""


class Manager:
    """A manager in a home of its own. `sh`: the shell's words for its command."""

    def __init__(self, command):
        self.command, self.dir = command, tempfile.mkdtemp(prefix="fig")
        self.home = os.path.join(self.dir, "home")
        os.makedirs(self.home, 0o700)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("PM2", "OSTLER"))}
        self.env |= {"PM2_HOME": self.home, "PM2_DISCRETE_MODE": "true", "NO_COLOR": "1"}
        if command == OSTLER:
            self.command = os.path.join(self.dir, "pm2")
            os.symlink(OSTLER, self.command)
        self.run("ping")

    def run(self, *words, check=True):
        done = subprocess.run([self.command, *words], env=self.env, cwd=self.dir,
                              capture_output=True, text=True)
        if check and done.returncode:
            sys.exit(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def list(self):
        return json.loads(self.run("jlist"))

    def pids(self):
        """The manager's own processes: who has the home in the environment, and is no app."""
        apps, own = {app["pid"] for app in self.list()}, []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                environment = open(f"/proc/{pid}/environ", "rb").read()
            except OSError:
                continue
            if self.home.encode() in environment and pid not in apps and pid != os.getpid():
                own.append(pid)
        return own

    def pss(self):
        return sum(map(pss, self.pids()))

    def end(self):
        self.run("kill", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def pss(pid):
    """Of a process, MB; 0 when it is gone."""
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def say(what, values, unit="ms"):
    print(f"{what}: p50 {at(values, .5):.2f} p99 {at(values, .99):.2f} {unit}", flush=True)


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Readers:
    """Subscribers of the bus that read, or do not."""

    def __init__(self, manager, count, reads):
        self.open, self.bytes = True, 0
        self.all = [socket.socket(socket.AF_UNIX) for _ in range(count)]
        for one in self.all:
            one.connect(os.path.join(manager.home, "pub.sock"))
        if reads:
            self.thread = threading.Thread(target=self.read, daemon=True)
            self.thread.start()

    def read(self):
        wait, room = selectors.DefaultSelector(), bytearray(1 << 20)
        for one in self.all:
            wait.register(one, selectors.EVENT_READ)
        while self.open:
            for key, _ in wait.select(0.1):
                self.bytes += key.fileobj.recv_into(room)

    def close(self):
        self.open = False
        if hasattr(self, "thread"):
            self.thread.join()
        for one in self.all:
            one.close()


def restarts(manager, count=150):
    times = []
    for _ in range(count):
        begin = time.monotonic()
        manager.run("restart", "other")
        times.append((time.monotonic() - begin) * 1000)
    return times


def bus():
    """Restarts of another app beside 50 MB/s of lines, and what else that costs."""
    for mb in (50,):
        manager = Manager(OSTLER)
        manager.run("start", "/bin/sleep", "--name", "other", "--interpreter", "none", "--", "1000")
        writer = manager.write("writer.py", WRITER)
        def load(on):
            if on:
                manager.run("start", writer, "--name", "writer", "-o", "/dev/null",
                            "--interpreter", sys.executable, "--", str(mb))
                time.sleep(1)
            else:
                manager.run("delete", "writer")
        def measured(what):
            most, over = [manager.pss()], threading.Event()
            def watch():
                while not over.wait(0.3):
                    most.append(sum(map(pss, own)))
            own = manager.pids()
            thread = threading.Thread(target=watch)
            thread.start()
            times = restarts(manager)
            over.set(); thread.join()
            say(f"bus {mb} MB/s: {what}", times)
            print(f"  manager's PSS at most {max(most):.1f} MB")
        measured("quiet")
        load(True)
        measured("lines, nobody subscribed")
        for reads in (False, True):
            readers = Readers(manager, 20, reads)
            begin, before = time.monotonic(), readers.bytes
            measured(f"lines, 20 that {'read' if reads else 'do not read'}")
            rate = (readers.bytes - before) / 1e6 / (time.monotonic() - begin)
            print(f"  read {rate:.0f} MB/s in all")
            readers.close()
        load(False)
        spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2)]
        measured("no lines, both cores taken by others")
        for one in spinning:
            one.kill(); one.wait()
        measured("quiet again")
        manager.end()


def answered(at_port):
    while True:
        try:
            with socket.create_connection(("127.0.0.1", at_port), 1) as one:
                one.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if one.recv(10):
                    return
        except OSError:
            time.sleep(0.0005)


def run():
    """The foreground beside bare node: time to the first answer, memory of what is not the app."""
    folder = tempfile.mkdtemp(prefix="fig")
    app = os.path.join(folder, "web.js")
    open(app, "w").write(WEB)
    runtime = os.path.join(folder, "pm2-runtime")
    os.symlink(OSTLER, runtime)
    real = os.path.join(os.path.dirname(sys.argv[2]), "pm2-runtime")
    node = os.path.realpath(subprocess.check_output(
        ["node", "-p", "process.execPath"], text=True).strip())
    ways = {"node": [node, app], "ostler run": [OSTLER, "run", app],
            "pm2-runtime of ours": [runtime, app], "PM2's pm2-runtime": [real, app]}
    times, memory = {way: [] for way in ways}, {way: [] for way in ways}
    for turn in range(21):
        for way, words in ways.items():
            if way.startswith("PM2") and turn % 3:
                continue
            where = port()
            env = {k: v for k, v in os.environ.items() if not k.startswith(("PM2", "OSTLER"))}
            env |= {"PORT": str(where), "FIGURE": f"f{where}"}
            if way.startswith("PM2"):
                env["PM2_HOME"] = tempfile.mkdtemp(dir=folder)
            begin = time.monotonic()
            one = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            answered(where)
            times[way].append((time.monotonic() - begin) * 1000)
            if turn in (3, 9, 15):
                time.sleep(3)
                memory[way].append(beside_app(one.pid, app))
            one.terminate(); one.wait()
    bare = at(times["node"], .5)
    for way in ways:
        say(f"run: first answer, {way} (median +{at(times[way], .5) - bare:.1f})", times[way])
        (own, theirs) = map(statistics.median, zip(*memory[way]))
        print(f"  PSS of the app {theirs:.1f}, of what is beside it {own:.1f} MB")
    shutil.rmtree(folder, ignore_errors=True)


def beside_app(root, app):
    """PSS of the tree below (and of) a process, without and with the one that runs the app, MB."""
    own, theirs = 0, 0
    parents = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            stat = open(f"/proc/{pid}/stat").read()
            parents[pid] = int(stat.rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    figure = [line for line in open(f"/proc/{root}/environ", "rb").read().split(b"\0")
              if line.startswith(b"FIGURE=")][0]
    for pid in parents:
        try:
            words = open(f"/proc/{pid}/cmdline", "rb").read()
            if figure not in open(f"/proc/{pid}/environ", "rb").read().split(b"\0") and \
                    not (parents[pid] == root or pid == root):
                continue
        except OSError:
            continue
        is_app = pid == root and words.startswith(b"/") and b"node" in words.split(b"\0")[0] \
            and words.split(b"\0")[1:2] == [app.encode()] or \
            (pid != root and app.encode() in words and b"ostler" not in words
             and b"pm2" not in words)
        if is_app:
            theirs += pss(pid)
        else:
            own += pss(pid)
    return own, theirs


def serve():
    """Requests/s of the server of files: 1 KB, 1 MB."""
    for turn in range(2):
        for name, command in (("PM2", PM2), ("ostler", OSTLER)):
            manager = Manager(command)
            os.makedirs(manager.dir + "/site")
            for file, size in (("small.html", 1 << 10), ("large.bin", 1 << 20)):
                open(f"{manager.dir}/site/{file}", "wb").write(b"a" * size)
            where = port()
            manager.run("serve", manager.dir + "/site", str(where))
            answered(where)
            time.sleep(1)
            pid = manager.list()[0]["pid"]
            idle, figures = pss(pid), []
            for file in ("small.html", "large.bin"):
                out = subprocess.check_output(
                    ["wrk", "-t1", "-c32", "-d5", f"http://127.0.0.1:{where}/{file}"], text=True)
                rate = next(line.split()[1] for line in out.splitlines()
                            if line.startswith("Requests/sec"))
                bad = [line.strip() for line in out.splitlines() if "Non-2xx" in line
                       or "Socket errors" in line]
                figures.append(f"{file} {float(rate):.0f}/s {bad or ''}")
            print(f"serve, {name}: {', '.join(figures)}; PSS idle {idle:.1f}, "
                  f"after {pss(pid):.1f} MB", flush=True)
            manager.end()


def rpc():
    """getMonitorData with 100 apps by PM2's own client."""
    package = os.path.dirname(os.path.dirname(PM2))
    managers = {name: Manager(command) for name, command in (("PM2", PM2), ("ostler", OSTLER))}
    for manager in managers.values():
        apps = [{"name": f"a{n}", "script": "/bin/sleep", "args": "100000", "interpreter": "none"}
                for n in range(100)]
        manager.run("start", manager.write("all.json", json.dumps({"apps": apps})))
    medians = {name: [] for name in managers}
    for turn in range(5):
        for name, manager in managers.items():
            all = json.loads(subprocess.check_output(
                ["node", "-e", CLIENT, package], env=manager.env, text=True))
            medians[name].append(at(all, .5))
            say(f"rpc: {name}", all)
    ratio = [a / b for a, b in zip(*medians.values())]
    print(f"rpc: {' '.join(f'{one:.2f}' for one in ratio)} times as fast", flush=True)
    for manager in managers.values():
        manager.end()


def idle():
    """Memory: 0 and 100 apps, and 1,000 connections to each of PM2's sockets."""
    manager = Manager(OSTLER)
    own = manager.pids()
    time.sleep(3)
    print(f"idle: PSS with no app {sum(map(pss, own)):.2f} MB", flush=True)
    apps = [{"name": f"a{n}", "script": "/bin/sleep", "args": "100000", "interpreter": "none"}
            for n in range(100)]
    manager.run("start", manager.write("all.json", json.dumps({"apps": apps})))
    own = manager.pids()
    time.sleep(3)
    print(f"idle: PSS with 100 apps {sum(map(pss, own)):.2f} MB", flush=True)
    for name in ("rpc.sock", "pub.sock"):
        before = sum(map(pss, own))
        all = []
        for _ in range(1000):
            one = socket.socket(socket.AF_UNIX)
            one.connect(os.path.join(manager.home, name))
            all.append(one)
        manager.run("ping")
        time.sleep(3)
        print(f"idle: 1,000 at {name}: {sum(map(pss, own)) - before:+.2f} MB", flush=True)
        for one in all:
            one.close()
        time.sleep(2)
    manager.end()


if __name__ == "__main__":
    print("load", *os.getloadavg(), flush=True)
    for name in sys.argv[3:] or ("rpc", "idle", "run", "serve", "bus"):
        {"bus": bus, "run": run, "serve": serve, "rpc": rpc, "idle": idle}[name]()
    print("load", *os.getloadavg())
