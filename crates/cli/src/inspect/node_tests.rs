//! The notation against a real Node, over many values.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::inspect;

/// Prints, for each line of JSON, what `util.inspect` says, as a JSON string.
const SCRIPT: &str = r"
const util = require('util');
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
const show = (l) => util.inspect(JSON.parse(l), { depth: null, colors: false });
console.log(lines.map((l) => JSON.stringify(show(l))).join('\n'));
";

/// A generator good enough for test values (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 18] = [
            "a",
            "path/to/file",
            "'",
            "\"",
            "`",
            "${",
            "\n",
            "\t",
            "\\",
            "é",
            "日本",
            "😀",
            "\u{7f}",
            "\u{1b}[31m",
            "0",
            " ",
            "LONG_NAME_",
            "-",
        ];
        let parts = [0, 1, 2, 3, 5, 30][self.below(6)];
        (0..parts).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn number(&mut self) -> Value {
        match self.below(6) {
            0 => json!(self.below(10)),
            1 => json!(self.below(10_000_000)),
            2 => json!(-(i64::try_from(self.below(5000)).unwrap())),
            3 => json!(f64::from(u32::try_from(self.below(100_000)).unwrap()) / 8.0),
            4 => json!(1.5e-9 * f64::from(u32::try_from(self.below(1000)).unwrap())),
            _ => json!(1e19 * f64::from(u32::try_from(self.below(1000)).unwrap())),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 9 }) {
            0 => json!([Value::Null, json!(true), json!(false)][self.below(3)]),
            1 => self.number(),
            2 | 3 => json!(self.text()),
            4 => {
                let length = [0, 1, 3, 6, 7, 8, 20, 99, 101, 130][self.below(10)];
                (0..length).map(|_| self.number()).collect()
            }
            5 | 6 => {
                let length = [0, 1, 2, 6, 7, 12][self.below(6)];
                (0..length).map(|_| self.value(depth - 1)).collect()
            }
            _ => {
                let length = [0, 1, 2, 3, 8][self.below(5)];
                Value::Object(
                    (0..length)
                        .map(|n| (format!("{}{n}", self.text()), self.value(depth - 1)))
                        .collect::<Map<_, _>>(),
                )
            }
        }
    }
}

#[track_caller]
fn check(values: &[Value]) {
    let node = Command::new("node")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut node = node.expect("this test compares with node; install it");
    let mut stdin = node.stdin.take().unwrap();
    let input: String = values.iter().map(|value| format!("{value}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.lines().count(), values.len());
    for (value, line) in values.iter().zip(output.lines()) {
        let theirs: String = serde_json::from_str(line).unwrap();
        assert_eq!(inspect(value), theirs, "for {value}");
    }
}

#[test]
fn ten_thousand_random_values_read_as_in_node() {
    let mut random = Random(0x5eed_1234_5678_9abc);
    let values: Vec<Value> = (0..10_000).map(|_| random.value(4)).collect();
    check(&values);
}

#[test]
fn edges_read_as_in_node() {
    let mut values = vec![
        json!({"1": 1, "b": 2, "0": 3, "4294967294": 1, "4294967295": 2, "01": 5}),
        json!({"__proto__": {"a": 1}, "$a": 1, "a-b": 1, "": 1}),
        json!("x".repeat(10_001)),
        json!("x".repeat(10_005)),
        json!({"long": format!("{}\n{}", "y".repeat(60), "z".repeat(60))}),
        json!([9_007_199_254_740_993_u64, u64::MAX, i64::MIN, 0.1, 1e21, 1e-7, 123_456_789.125]),
        serde_json::from_str("[-0.0, -0, 1e400]").unwrap_or(json!([-0.0])),
        json!({"a": {"b": {"c": {}}}}),
        json!({"a": {"b": {"c": {"d": 1}}}}),
        json!({"a": {"b": {"c": {"d": [1, 2]}}}, "e": 1}),
    ];
    // Every length around the limits of one line, of columns and of what is shown.
    values.extend((0..140).map(|length| (0..length).map(|n| json!(n)).collect()));
    values.extend((0..90).map(|length| json!(["a".repeat(length), 1])));
    values.extend((0..60).map(
        |length| json!({"k": (0..8).map(|n| "w".repeat(length * n % 23)).collect::<Vec<_>>()}),
    ));
    check(&values);
}
