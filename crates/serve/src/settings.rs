//! What is served, where and to whom.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ostler_env::{
    OSTLER_SERVE_CORS, PM2_SERVE_BASIC_AUTH, PM2_SERVE_BASIC_AUTH_PASSWORD,
    PM2_SERVE_BASIC_AUTH_USERNAME, PM2_SERVE_HOMEPAGE, PM2_SERVE_HOST, PM2_SERVE_PATH,
    PM2_SERVE_PORT, PM2_SERVE_SPA,
};

use crate::auth::Secret;
use crate::target::{self, Target};

/// The port when none is given, as PM2 has it.
const PORT: u16 = 8080;

/// What is served, where and to whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder, absolute.
    pub root: PathBuf,
    /// Where connections arrive.
    pub address: SocketAddr,
    /// What has no file is answered with the home page.
    pub(crate) spa: bool,
    /// The file of `/`.
    pub(crate) homepage: PathBuf,
    /// What has to be said.
    pub(crate) secret: Option<Secret>,
    /// Pages of other origins may read everything.
    pub(crate) cors: bool,
}

impl Settings {
    /// Reads the variables `PM2_SERVE_*`; paths are relative to `here`.
    ///
    /// # Errors
    /// The sentence names the variable that is no good.
    pub fn read(variable: impl Fn(&str) -> Option<String>, here: &Path) -> Result<Self, String> {
        // Empty ones are those of templates that were not filled in.
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_set = |name: &str| truth(name, variable(name).as_deref());
        let port = match variable(PM2_SERVE_PORT) {
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("{PM2_SERVE_PORT} is `{text}`, which is no port"))?,
            None => PORT,
        };
        let host = match variable(PM2_SERVE_HOST) {
            Some(text) => address(&text)
                .ok_or_else(|| format!("{PM2_SERVE_HOST} is `{text}`, which is no address"))?,
            None => Ipv4Addr::LOCALHOST.into(),
        };
        let homepage = variable(PM2_SERVE_HOMEPAGE).unwrap_or_else(|| "/index.html".to_owned());
        let asked = target::of(&format!("/{}", homepage.trim_start_matches('/')));
        let Ok(Target { path: homepage, is_folder: false }) = asked else {
            let text = format!("{PM2_SERVE_HOMEPAGE} is `{homepage}`, which is no file below");
            return Err(format!("{text} the folder"));
        };
        Ok(Self {
            root: variable(PM2_SERVE_PATH).map_or_else(|| here.to_owned(), |path| here.join(path)),
            address: SocketAddr::new(host, port),
            spa: is_set(PM2_SERVE_SPA)?.unwrap_or(false),
            homepage,
            secret: secret(
                is_set(PM2_SERVE_BASIC_AUTH)?,
                variable(PM2_SERVE_BASIC_AUTH_USERNAME),
                variable(PM2_SERVE_BASIC_AUTH_PASSWORD),
            )?,
            cors: is_set(OSTLER_SERVE_CORS)?.unwrap_or(false),
        })
    }

    /// Fails when there is no such folder.
    ///
    /// # Errors
    /// The sentence names the folder.
    pub fn check(&self) -> Result<(), String> {
        is_folder(&self.root)
    }

    /// Returns where a browser on this machine finds it.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }
}

/// A switch; PM2 knows only `true`.
fn truth(name: &str, text: Option<&str>) -> Result<Option<bool>, String> {
    match text.map(str::trim) {
        None => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off" | "undefined" | "null") => Ok(Some(false)),
        Some(text) => Err(format!("{name} is `{text}`, which is neither `true` nor `false`")),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    match text.trim() {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        text => text.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

/// What has to be said. Half of it is a mistake that would leave a folder open.
fn secret(
    asked: Option<bool>,
    name: Option<String>,
    password: Option<String>,
) -> Result<Option<Secret>, String> {
    match (asked, name, password) {
        (Some(false), _, _) | (None, None, None) => Ok(None),
        (_, Some(name), Some(_)) if name.contains(':') => Err(format!(
            "{PM2_SERVE_BASIC_AUTH_USERNAME} has a `:` in it, which no browser can send"
        )),
        (_, Some(name), Some(password)) => Ok(Some(Secret::new(&name, &password))),
        (_, None, _) => Err(format!("{PM2_SERVE_BASIC_AUTH_USERNAME} is missing")),
        (_, _, None) => Err(format!("{PM2_SERVE_BASIC_AUTH_PASSWORD} is missing")),
    }
}

/// Says why this is no folder that can be served.
fn is_folder(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(format!("`{}` is not a folder", path.display())),
        Err(error) => Err(format!("cannot serve `{}`: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let variable = |name: &str| {
            pairs.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(variable, Path::new("/app"))
    }

    #[test]
    fn without_a_word_the_working_directory_is_served_to_this_machine() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.root, Path::new("/app"));
        assert_eq!(settings.url(), "http://127.0.0.1:8080");
        assert!(!settings.spa && !settings.cors && settings.secret.is_none());
    }

    #[test]
    fn what_is_half_said_is_refused_and_leaves_nothing_open() {
        for (pairs, says) in [
            (&[(PM2_SERVE_BASIC_AUTH, "true")][..], "USERNAME is missing"),
            (&[(PM2_SERVE_BASIC_AUTH_USERNAME, "a")], "PASSWORD is missing"),
            (&[(PM2_SERVE_BASIC_AUTH_PASSWORD, "a")], "USERNAME is missing"),
            (&[(PM2_SERVE_PORT, "80 80")], "which is no port"),
            (&[(PM2_SERVE_PORT, "0")], "which is no port"),
            (&[(PM2_SERVE_HOST, "all")], "which is no address"),
            (&[(PM2_SERVE_SPA, "maybe")], "neither `true` nor `false`"),
            (&[(PM2_SERVE_HOMEPAGE, "../secret")], "no file below"),
        ] {
            assert!(read(pairs).unwrap_err().contains(says), "{pairs:?}");
        }
        let named = [(PM2_SERVE_BASIC_AUTH_USERNAME, "a"), (PM2_SERVE_BASIC_AUTH_PASSWORD, "b")];
        assert!(read(&named).unwrap().secret.is_some());
    }
}
