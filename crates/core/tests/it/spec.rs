//! Settings as users write them, and what they concern.

use std::net::Ipv6Addr;

use ostler_core::spec::{Address, Limits, SinkTarget, SyslogAddress};

#[test]
fn an_address_is_shown_as_it_is_written() {
    let tcp = |host| Address::Tcp { host, port: 80 };
    assert_eq!(tcp(None).to_string(), "80");
    assert_eq!(tcp(Some([127, 0, 0, 1].into())).to_string(), "127.0.0.1:80");
    assert_eq!(tcp(Some(Ipv6Addr::LOCALHOST.into())).to_string(), "[::1]:80");
    assert_eq!(Address::Unix("/run/x.sock".into()).to_string(), "/run/x.sock");
}

#[test]
fn where_lines_go_is_shown_as_it_is_written() {
    let syslog = |address| SinkTarget::Syslog { address, facility: 1 };
    let tls = |to: &str| SyslogAddress::Tls { address: to.to_owned(), ca: None, identity: None };
    for (target, expected) in [
        (syslog(SyslogAddress::Unix("/dev/log".into())), "syslog unix:/dev/log"),
        (syslog(SyslogAddress::Udp("[::1]:514".to_owned())), "syslog udp://[::1]:514"),
        (syslog(SyslogAddress::Tcp("logs:601".to_owned())), "syslog tcp://logs:601"),
        (syslog(tls("logs:6514")), "syslog tls://logs:6514"),
        (SinkTarget::Journald { socket: "/run/x".into() }, "journald"),
        (SinkTarget::Command { command: "cat > x".to_owned() }, "command cat > x"),
        (SinkTarget::File { path: "/var/x.log".into() }, "file /var/x.log"),
        (
            SinkTarget::Otlp { url: "http://o:4318/v1/logs".to_owned(), headers: Vec::new() },
            "otlp http://o:4318/v1/logs",
        ),
    ] {
        assert_eq!(target.to_string(), expected);
    }
}

#[test]
fn a_limit_of_files_of_niceness_or_of_the_killer_concerns_the_process() {
    let none = Limits::default();
    for (limits, expected) in [
        (none, false),
        (Limits { max_cpu: Some(50), ..none }, false),
        (Limits { nofile: Some(64), ..none }, true),
        (Limits { nice: Some(5), ..none }, true),
        (Limits { oom_score: Some(100), ..none }, true),
    ] {
        assert_eq!(limits.concern_process(), expected, "{limits:?}");
    }
}
