//! A server in cluster mode under load, for reloads: how good its next release is, a file says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ostler_client::{Answer, Client, Home};
use ostler_testkit::load::Running;
use ostler_testkit::{Load, Output, Sandbox, wait_connect};
use ostler_wire::control::{Reply, Request};

pub(crate) const SOON: Duration = Duration::from_secs(120);

/// A server whose release is as good as the file `mode` beside it says, when it starts.
pub(crate) const APP: &str = r"const fs = require('fs'), http = require('http');
let mode = '';
try { mode = fs.readFileSync(__dirname + '/mode', 'utf8').trim(); } catch {}
if (process.env.MODE) mode = process.env.MODE;
if (mode === 'exits') { console.error('bad release: no database'); process.exit(3); }
if (mode === 'throws') setTimeout(() => { throw new Error('boom after a while'); }, 500);
const server = http.createServer((request, response) => {
  if (mode === 'sick') response.statusCode = 500;
  response.end('hello from ' + process.pid + ' ' + (process.env.VERSION || '') + '\n');
});
server.keepAliveTimeout = 60000;
if (mode === 'deaf') { console.error('waiting for nobody'); setInterval(() => {}, 1 << 30); }
else server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  if (mode === 'mute') console.log('says nothing');
  else if (process.send) process.send('ready');
});
";

/// An app of `web.js` in cluster mode, under load.
pub(crate) struct World {
    pub sandbox: Sandbox,
    pub port: u16,
    /// What a start of everything took.
    took: Duration,
}

impl World {
    /// Starts it with these keys in its process file beside the usual ones.
    pub fn start(instances: u32, keys: &str) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
        let port = sandbox.port();
        let mut world = Self { sandbox, port, took: Duration::ZERO };
        world.sandbox.write("web.js", APP);
        world.file(instances, keys, "");
        let began = Instant::now();
        world.sandbox.ostler(["start", "ecosystem.config.js"]).run();
        // A worker that listens has read how good its release is.
        world.wait_listening();
        world.took = began.elapsed();
        world
    }

    /// Waits until every worker listens.
    fn wait_listening(&self) {
        let mut client = Client::connect(&Home::new(self.sandbox.home())).unwrap();
        let within = u32::try_from(SOON.as_millis()).unwrap();
        for process in self.sandbox.jlist() {
            let id = u32::try_from(process["pm_id"].as_u64().unwrap()).unwrap();
            let answer = client.request(&Request::Listens { id, within }, |_| ()).unwrap();
            let listens = matches!(&answer, Answer::Reply(Reply::Listens { addresses })
                if !addresses.is_empty());
            assert!(listens, "{id}: {answer:?}");
        }
    }

    /// A time in ms in which a worker comes to say something, however busy the machine is: in a
    /// quarter of it, a daemon and all workers were started.
    pub fn enough(&self) -> u128 {
        (self.took * 4).as_millis().max(1500)
    }

    /// Writes the process file.
    pub fn file(&self, instances: u32, keys: &str, env: &str) {
        let text = format!(
            "module.exports = {{ apps: [{{ name: 'web', script: 'web.js', \
             instances: {instances}, exec_mode: 'cluster', {keys} \
             env: {{ PORT: {}, {env} }} }}] }}",
            self.port
        );
        self.sandbox.write("ecosystem.config.js", text);
    }

    pub fn mode(&self, mode: &str) {
        self.sandbox.write("mode", mode);
    }

    pub fn load(&self) -> Running {
        let load = Load::to_port(self.port).connections(8).think(Duration::from_millis(3)).start();
        load.wait_answered(50, SOON);
        load
    }

    pub fn pids(&self) -> Vec<u32> {
        self.sandbox.pids_of("web")
    }

    pub fn reload(&self, args: &[&str], code: i32) -> Output {
        self.sandbox.ostler(["reload"]).args(args).code(code).run()
    }

    /// Waits until a candidate is there that will not say that it is ready.
    pub fn wait_mute(&self) {
        self.sandbox.wait_file("logs/web-out-0.log", SOON, |text| {
            text.contains("says nothing").then_some(())
        });
    }

    /// What a connection of its own is answered.
    pub fn ask(&self) -> String {
        let mut stream = wait_connect(SocketAddr::from(([127, 0, 0, 1], self.port)), SOON);
        let mut text = String::new();
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n")
            .expect("it takes a request");
        std::io::Read::read_to_string(&mut stream, &mut text).expect("it answers");
        text.rsplit_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned()).unwrap_or_default()
    }
}
