//! What the web API tells of what was: figures of a day, and errors in the logs.

use serde_json::{Value, json};

use crate::start_e2e::{SOON, sandbox, start_sh};
use crate::web_api::{ask, json_of, web};

#[test]
fn what_processes_used_is_written_down_and_told_also_after_the_web_api_was_away() {
    let s = sandbox();
    start_sh(&s, "api", "exec sleep 1000000", &[]);
    let port = web(&s, &[]);
    let figures = |port: u16, least: usize| {
        s.wait_for("figures", SOON, || {
            let told = json_of(port, "GET /api/v1/processes/api/history", &[], "", 200);
            assert_eq!(told["step_seconds"], 10);
            let samples = told["processes"][0]["samples"].as_array().unwrap().clone();
            (least <= samples.len()).then_some(samples)
        })
    };
    let first = figures(port, 1);
    assert!(100_000 < first[0]["memory_bytes"].as_u64().unwrap(), "{first:?}");
    s.ostler(["restart", "ostler-web", "--wait"]).run();
    let again = figures(port, 2);
    assert_eq!(again[0]["at_ms"], first[0]["at_ms"]);
    let described = s.ostler(["describe", "api"]).run().out;
    assert!(described.contains("memory, last hour: "), "{described}");
}

#[test]
fn what_apps_measure_is_in_the_metrics_and_how_they_answer_in_the_history() {
    let s = sandbox();
    let script = s.write(
        "shop.js",
        "const http = require('http');
        const { PORT } = process.env;
        http.createServer((_, answer) => answer.end('hello')).listen(PORT, '127.0.0.1');
        setInterval(() => http.get(`http://127.0.0.1:${PORT}`, (of) => of.resume()), 100);
        const Sold = { value: '42 \"pcs\"', unit: '\"pcs\"' };
        process.send({ type: 'axm:monitor', data: { Sold, state: { value: 'open' } } });",
    );
    s.ostler(["start", "-n", "shop"]).arg(script).env("PORT", s.port().to_string()).run();
    let port = web(&s, &[]);
    let of = "app=\"shop\",namespace=\"default\",instance=\"0\",id=\"0\"";
    let text = s.wait_for("a rate", SOON, || {
        let text = ask(port, "GET /metrics", &[], "").1;
        text.contains("ostler_process_http_requests_per_second").then_some(text)
    });
    let sold = format!("ostler_process_metric{{{of},name=\"Sold\",unit=\"\\\"pcs\\\"\"}} 42.0\n");
    let latency = format!("ostler_process_http_latency_seconds{{{of},percentile=\"95\"}} ");
    let heap = format!("ostler_process_heap_used_bytes{{{of}}} ");
    for wanted in [&sold, &latency, &heap] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("name=\"state\""), "no number: {text}");
    let figure = s.wait_for("figures of it", SOON, || {
        let told = json_of(port, "GET /api/v1/processes/shop/history", &[], "", 200);
        let samples = told["processes"][0]["samples"].as_array().unwrap().clone();
        let own = json_of(port, "GET /api/v1/processes/ostler-web/history", &[], "", 200);
        for of in own["processes"][0]["samples"].as_array().unwrap() {
            assert_eq!(of["http_p95_ms"], Value::Null, "it measures none");
        }
        samples.into_iter().find(|of| !of["http_p95_ms"].is_null())
    });
    assert!(0.0 < figure["http_requests_per_minute"].as_f64().unwrap(), "{figure}");
    let described = s.ostler(["describe", "shop"]).run().out;
    assert!(described.contains("requests, last hour: "), "{described}");
}

#[test]
fn errors_that_are_alike_are_counted_with_the_first_and_the_last_time() {
    let s = sandbox();
    let script = s.write(
        "fails.js",
        "for (const user of [7, 8, 9]) console.error(new TypeError(`user ${user} is gone`));
        setInterval(() => {}, 1000); console.log('all is told');",
    );
    s.ostler(["start", "-n", "fails"]).arg(script).run();
    start_sh(&s, "fine", "echo well; exec sleep 1000000", &[]);
    s.ostler(["wait", "fails", "--for", "log=all is told"]).run();
    let port = web(&s, &[]);
    let of = |word: &str, query: &str, status: u16| {
        let path = format!("GET /api/v1/processes/{word}/errors{query}");
        json_of(port, &path, &[], "", status)
    };
    for (word, query) in [("fails", ""), ("all", "?since=1h"), ("default%2Ffails", "?since=7d")] {
        let told = s.wait_for("three", SOON, || {
            let told = of(word, query, 200);
            (told["errors"][0]["count"] == 3).then_some(told)
        });
        let first = &told["errors"][0];
        assert_eq!((&first["app"], told["errors"][1].is_null()), (&json!("fails"), true));
        let text = first["message"].as_str().unwrap();
        assert!(text.starts_with("TypeError: user 7 is gone\n    at "), "{text}");
        assert!(first["first"].is_string() && first["last"].is_string(), "{first}");
    }
    assert_eq!(of("fine", "", 200), json!({ "errors": [] }));
    let wrong = of("fails", "?since=soon", 400);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("`soon`"), "{wrong}");
    of("nobody", "", 404);
    of("fails", "?sinse=1d", 400);
}
