//! Who may ask for what.
//!
//! Problem: whoever has an account on this machine reaches what listens on its loopback device; and
//! a page on the internet can have a browser on it ask, by the address, or by a name of the page's
//! own that points to it (DNS rebinding). Rules:
//! - A request names a host that nobody else can be: an address, `localhost`, or one of the
//!   names that the settings have.
//! - What another page has a browser ask is refused, whatever is asked, unless a person
//!   follows a link to look.
//! - Where there are tokens, one must be shown. Where there are none, only connections from this
//!   machine by this user, or by root, are served.
//!
//! Pure: the facts come in, a decision goes out.

use std::net::IpAddr;

use super::tokens::{Role, Tokens};

/// What is known of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// It may change something.
    pub(crate) changes: bool,
    /// The host that it names, with its port.
    pub(crate) host: Option<&'a str>,
    /// The page that asks, as a browser says it.
    pub(crate) origin: Option<&'a str>,
    /// How far that page is from this host, as a browser says it.
    pub(crate) site: Option<&'a str>,
    /// What the browser wants it for.
    pub(crate) mode: Option<&'a str>,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) content_type: Option<&'a str>,
    /// Who has the other end of the connection.
    pub(crate) peer: Peer,
}

/// Who has the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// This user, or root, on this machine.
    Own,
    /// Somebody else, or it is not known.
    Other,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It names no host, or one that anybody could have chosen.
    Host,
    /// Another page has a browser ask.
    Origin,
    /// It is of a kind that a form of another page could send.
    Form,
    /// Another user of this machine asks.
    Peer,
    /// It shows no token, or one that is not known.
    Token,
    /// Its token permits less.
    Role,
}

/// Decides what somebody may who asks. `names`: hosts besides those that nobody else can be.
pub(crate) fn decide(asked: &Asked<'_>, tokens: &Tokens, names: &[String]) -> Result<Role, Denied> {
    origin(asked, names)?;
    let role = match (tokens.is_empty(), asked.peer) {
        (true, Peer::Own) => Role::Operate,
        (true, Peer::Other) => return Err(Denied::Peer),
        (false, _) => {
            let shown = asked.authorization.and_then(bearer).ok_or(Denied::Token)?;
            tokens.role_of(shown).ok_or(Denied::Token)?
        }
    };
    if asked.changes && role < Role::Operate { Err(Denied::Role) } else { Ok(role) }
}

/// Decides about what is no secret and changes nothing: only whom it is said to.
pub(crate) fn origin(asked: &Asked<'_>, names: &[String]) -> Result<(), Denied> {
    let host = asked.host.filter(|host| is_ours(host, names)).ok_or(Denied::Host)?;
    let is_same = |origin: &str| {
        origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
    };
    let follows_link = !asked.changes && asked.mode == Some("navigate");
    let is_far = matches!(asked.site, Some("cross-site" | "same-site")) && !follows_link;
    if is_far || !asked.origin.is_none_or(is_same) {
        return Err(Denied::Origin);
    }
    // What a form can send, and what old browsers send without saying for whom.
    let kind = asked.content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    let forms = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    let is_form = kind.is_some_and(|kind| forms.iter().any(|of| kind.eq_ignore_ascii_case(of)));
    if asked.changes && is_form { Err(Denied::Form) } else { Ok(()) }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (kind, token) = authorization.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_ours(host: &str, names: &[String]) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || address(name).is_some()
        || names.iter().any(|of| of.eq_ignore_ascii_case(name))
}

/// An address, which nobody can let point elsewhere.
fn address(name: &str) -> Option<IpAddr> {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|of| of.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Asked<'static> = Asked {
        changes: false,
        host: Some("127.0.0.1:9615"),
        origin: None,
        site: None,
        mode: None,
        authorization: None,
        content_type: None,
        peer: Peer::Own,
    };
    const POST: Asked<'static> = Asked { changes: true, ..GET };

    fn check(asked: Asked<'_>, expected: Result<Role, Denied>) {
        assert_eq!(decide(&asked, &Tokens::default(), &[]), expected, "{asked:?}");
    }

    #[test]
    fn only_a_host_that_nobody_else_can_be_is_answered() {
        for good in ["localhost:9615", "LOCALHOST", "127.0.0.1", "10.0.0.1:80", "[::1]:9615"] {
            check(Asked { host: Some(good), ..GET }, Ok(Role::Operate));
        }
        for bad in ["", "evil.example:9615", "localhost.evil", "127.0.0.1.evil.example", ":"] {
            check(Asked { host: Some(bad), ..GET }, Err(Denied::Host));
        }
        check(Asked { host: None, ..GET }, Err(Denied::Host));
        let asked = Asked { host: Some("Ops.example:80"), ..GET };
        let names = ["ops.example".to_owned()];
        assert_eq!(decide(&asked, &Tokens::default(), &names), Ok(Role::Operate));
    }

    #[test]
    fn what_another_page_has_a_browser_ask_is_refused() {
        let own = Some("http://127.0.0.1:9615");
        check(Asked { origin: own, site: Some("same-origin"), ..POST }, Ok(Role::Operate));
        check(POST, Ok(Role::Operate));
        for origin in ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost"]
        {
            check(Asked { origin: Some(origin), ..GET }, Err(Denied::Origin));
            check(Asked { origin: Some(origin), ..POST }, Err(Denied::Origin));
        }
        for site in ["cross-site", "same-site"] {
            check(Asked { site: Some(site), ..GET }, Err(Denied::Origin));
            // A person follows a link, or a page sends a form.
            let mode = Some("navigate");
            check(Asked { site: Some(site), mode, ..GET }, Ok(Role::Operate));
            check(Asked { site: Some(site), mode, ..POST }, Err(Denied::Origin));
        }
        for form in ["text/plain", "application/x-www-form-urlencoded; charset=UTF-8"] {
            check(Asked { content_type: Some(form), ..POST }, Err(Denied::Form));
        }
        check(Asked { content_type: Some("application/json"), ..POST }, Ok(Role::Operate));
    }

    #[test]
    fn without_tokens_another_user_of_the_machine_gets_nothing() {
        check(Asked { peer: Peer::Other, ..GET }, Err(Denied::Peer));
        check(Asked { peer: Peer::Other, ..POST }, Err(Denied::Peer));
    }

    #[test]
    fn with_tokens_each_permits_what_it_says_and_this_user_needs_one_too() {
        let text = "read aaaaaaaaaaaaaaaaaaaa\noperate bbbbbbbbbbbbbbbbbbbb\n\
            admin cccccccccccccccccccc\n";
        let tokens = Tokens::parse(text).unwrap();
        let check = |asked: Asked<'_>, expected: Result<Role, Denied>| {
            assert_eq!(decide(&asked, &tokens, &[]), expected, "{asked:?}");
        };
        let [read, operate, admin] =
            ['a', 'b', 'c'].map(|c| format!("Bearer {}", c.to_string().repeat(20)));
        let shows = |asked: Asked<'static>, token: &'static str| Asked {
            authorization: Some(token),
            peer: Peer::Other,
            ..asked
        };
        let leak = |text: String| -> &'static str { text.leak() };
        let [read, operate, admin] = [read, operate, admin].map(leak);
        check(shows(GET, read), Ok(Role::Read));
        check(shows(POST, read), Err(Denied::Role));
        check(shows(POST, operate), Ok(Role::Operate));
        check(shows(POST, admin), Ok(Role::Admin));
        check(GET, Err(Denied::Token));
        for wrong in
            ["", "Bearer", "Bearer x", "Basic aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa"]
        {
            check(shows(GET, wrong), Err(Denied::Token));
        }
        let asked = Asked { origin: Some("https://evil.example"), ..shows(GET, admin) };
        check(asked, Err(Denied::Origin));
    }
}
