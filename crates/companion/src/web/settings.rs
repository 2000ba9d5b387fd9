//! What the environment says of the web API.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ostler_env::{
    HOME, OSTLER_HOME, OSTLER_WEB_HOSTS, OSTLER_WEB_OTHERS, OSTLER_WEB_OTLP,
    OSTLER_WEB_OTLP_HEADERS, OSTLER_WEB_OTLP_INTERVAL, OSTLER_WEB_TLS_CERT, OSTLER_WEB_TLS_KEY,
    OSTLER_WEB_TOKEN_FILE, PM2_API_IPADDR, PM2_API_PORT, PM2_HOME, PM2_WEB_STRIP_ENV_VARS,
};

use super::others::{self, Other};
use super::tls::Files;
use super::tokens::Tokens;
use crate::failed::Failed;

/// The port that PM2 has for it.
const PORT: u16 = 9615;
/// The time from one sending of figures to the next, as OpenTelemetry has it.
const EVERY: Duration = Duration::from_secs(60);

/// What is served, and where.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The home whose daemon is asked.
    pub(crate) home: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// By which words somebody may ask; none: whoever is this user on this machine.
    pub(crate) tokens: Tokens,
    /// By which files connections are encrypted, if they are.
    pub(crate) tls: Option<Files>,
    /// Names of this machine that a request may use.
    pub(crate) hosts: Vec<String>,
    /// Other machines whose processes are shown, too.
    pub(crate) others: Vec<Other>,
    /// Who is sent figures.
    pub(crate) otlp: Option<Otlp>,
    /// PM2's page leaves out what apps were given as their environment.
    pub(crate) strip: bool,
}

/// A receiver of figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Otlp {
    /// Where it takes them.
    pub(crate) url: String,
    /// What it is told besides, such as who this is.
    pub(crate) headers: Vec<(String, String)>,
    /// The time from one to the next.
    pub(crate) every: Duration,
}

impl Settings {
    /// Reads them from variables.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failed> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let of_user = || Some(PathBuf::from(set(HOME)?).join(".ostler"));
        let home = set(OSTLER_HOME).or_else(|| set(PM2_HOME)).map(PathBuf::from).or_else(of_user);
        let Some(home) = home else {
            return Err(Failed::new("neither OSTLER_HOME, PM2_HOME nor HOME is set")
                .hint("start it by `ostler web`"));
        };
        let tokens = set(OSTLER_WEB_TOKEN_FILE).map(|path| Tokens::load(path.as_ref()));
        let tokens = tokens.transpose()?.unwrap_or_default();
        let ip = ip(set(PM2_API_IPADDR), tokens.is_empty())?;
        let address = SocketAddr::new(ip, port(set(PM2_API_PORT))?);
        let tls = tls(set(OSTLER_WEB_TLS_CERT), set(OSTLER_WEB_TLS_KEY))?;
        let hosts = set(OSTLER_WEB_HOSTS).unwrap_or_default();
        let hosts = hosts.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned);
        let hosts = hosts.collect();
        let strip = set(PM2_WEB_STRIP_ENV_VARS).is_some_and(|value| value != "false");
        let more = (set(OSTLER_WEB_OTLP_HEADERS), set(OSTLER_WEB_OTLP_INTERVAL));
        let otlp = set(OSTLER_WEB_OTLP).map(|url| otlp(url, more)).transpose()?;
        let others = set(OSTLER_WEB_OTHERS).map(|path| others::load(path.as_ref()));
        let others = others.transpose()?.unwrap_or_default();
        Ok(Self { home, address, tokens, tls, hosts, others, otlp, strip })
    }

    /// Returns where a browser finds it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

fn ip(given: Option<String>, for_everybody: bool) -> Result<IpAddr, Failed> {
    let text = given.unwrap_or_else(|| "127.0.0.1".to_owned());
    let shown = ostler_text::shown(&text);
    let ip = match text.as_str() {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        text => text.parse::<IpAddr>(),
    };
    let ip = ip.map_err(|_| {
        Failed::new(format!("the address `{shown}` is none")).hint("it is one such as 127.0.0.1")
    })?;
    if !ip.is_loopback() && for_everybody {
        return Err(Failed::new(format!(
            "`{shown}` can be reached from other machines, and nobody is asked for a token"
        ))
        .hint(
            "name a file of tokens by `--token-file`, or leave the address out and go there \
             through ssh: `ssh -L 9615:127.0.0.1:9615 HOST`",
        ));
    }
    Ok(ip)
}

/// Where certificate and key are; what cannot be used is refused at once.
fn tls(certificate: Option<String>, key: Option<String>) -> Result<Option<Files>, Failed> {
    let files = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => {
            Files { certificate: certificate.into(), key: key.into() }
        }
        (Some(_), None) => {
            return Err(Failed::new("there is a certificate, but not its key")
                .hint("name the file of the key, too: `--tls-key FILE`"));
        }
        (None, Some(_)) => {
            return Err(Failed::new("there is a key, but no certificate for it")
                .hint("name the file of the certificate, too: `--tls-cert FILE`"));
        }
    };
    files.load()?;
    Ok(Some(files))
}

/// The receiver of figures; what cannot be used is refused at once.
fn otlp(url: String, (headers, every): (Option<String>, Option<String>)) -> Result<Otlp, Failed> {
    let shown = ostler_text::shown(&url);
    if !ostler_sinks::is_url(&url) {
        return Err(Failed::new(format!("`{shown}` is no URL to which figures can be sent"))
            .hint("write one such as `--otlp http://127.0.0.1:4318/v1/metrics`"));
    }
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let is_sound = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        (is_sound(&name) && is_sound(&value)).then_some((name, value))
    };
    let headers = headers.unwrap_or_default();
    let headers = headers.split(',').filter(|of| !of.trim().is_empty()).map(pair);
    let headers = headers.collect::<Option<Vec<_>>>().ok_or_else(|| {
        Failed::new("the headers for the receiver of figures are not understood")
            .hint("write them as `OSTLER_WEB_OTLP_HEADERS='name=value,other=value'`")
    })?;
    let every = match every {
        None => EVERY,
        Some(text) => {
            let ms = text.parse().ok().filter(|ms| 0 < *ms);
            Duration::from_millis(ms.ok_or_else(|| {
                let shown = ostler_text::shown(&text);
                Failed::new(format!("`{shown}` is no time between figures"))
                    .hint("write milliseconds, as `OSTLER_WEB_OTLP_INTERVAL=60000`")
            })?)
        }
    };
    Ok(Otlp { url, headers, every })
}

fn port(given: Option<String>) -> Result<u16, Failed> {
    let Some(text) = given else { return Ok(PORT) };
    let port = text.parse().ok().filter(|port| 0 < *port);
    port.ok_or_else(|| {
        let shown = ostler_text::shown(&text);
        Failed::new(format!("`{shown}` is no port")).hint("a port is a number from 1 to 65535")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Settings, String> {
        let value =
            |name: &str| given.iter().find(|(of, _)| *of == name).map(|(_, of)| (*of).into());
        Settings::read(value).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn it_is_for_this_machine_alone_on_pm2s_port_unless_told_otherwise() {
        let home = ("OSTLER_HOME", "/h");
        let url = |given: &[(&str, &str)]| read(given).unwrap().url();
        assert_eq!(url(&[home]), "http://127.0.0.1:9615");
        assert_eq!(
            url(&[home, ("PM2_API_PORT", "8"), ("PM2_API_IPADDR", "::1")]),
            "http://[::1]:8"
        );
        assert_eq!(read(&[("HOME", "/u")]).unwrap().home, PathBuf::from("/u/.ostler"));
        assert!(read(&[("PM2_HOME", "/p"), ("PM2_WEB_STRIP_ENV_VARS", "true")]).unwrap().strip);
        assert!(read(&[]).unwrap_err().contains("HOME is set"));
        let to = ("OSTLER_WEB_OTLP", "https://h/v1/metrics");
        let of = |more: &[(&str, &str)]| {
            let settings = read(&[&[home, to], more].concat());
            settings.map(|of| of.otlp.map(|of| (of.headers, of.every)))
        };
        assert_eq!(of(&[]), Ok(Some((Vec::new(), EVERY))));
        let more = [("OSTLER_WEB_OTLP_HEADERS", "a=b=c, d=e"), ("OSTLER_WEB_OTLP_INTERVAL", "9")];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![pair("a", "b=c"), pair("d", "e")];
        assert_eq!(of(&more), Ok(Some((headers, Duration::from_millis(9)))));
        for more in [("OSTLER_WEB_OTLP_HEADERS", "a"), ("OSTLER_WEB_OTLP_INTERVAL", "0")] {
            assert!(of(&[more]).unwrap_err().contains("hint: "), "{more:?}");
        }
        for (name, value, says) in [
            ("PM2_API_IPADDR", "0.0.0.0", "can be reached from other machines"),
            ("PM2_API_IPADDR", "home", "`home` is none"),
            ("PM2_API_PORT", "0", "`0` is no port"),
            ("PM2_API_PORT", "80000", "`80000` is no port"),
            ("OSTLER_WEB_TLS_CERT", "/c", "there is a certificate, but not its key"),
            ("OSTLER_WEB_TLS_KEY", "/k", "there is a key, but no certificate for it"),
            ("OSTLER_WEB_OTLP", "localhost:4318", "`localhost:4318` is no URL"),
            ("OSTLER_WEB_OTLP", "http://u:p@h/", "is no URL to which figures can be sent"),
        ] {
            let error = read(&[home, (name, value)]).unwrap_err();
            assert!(error.contains(says) && error.contains("\nhint: "), "{error}");
        }
    }
}
