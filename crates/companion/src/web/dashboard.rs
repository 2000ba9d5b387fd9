//! The page for people: files that are a part of the program, over `/api/v1` as any client.
//!
//! There is nothing secret in them, so they are behind no token; what they ask for is. A page may
//! run the script of its own and ask this host, and nothing else.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// The page may load what is here, and no more.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Each file: its path, its kind, what is in it.
const FILES: [(&str, &str, &str); 5] = [
    ("/dashboard", "text/html; charset=utf-8", include_str!("dashboard/index.html")),
    ("/dashboard/app.js", SCRIPT, include_str!("dashboard/app.js")),
    ("/dashboard/api.js", SCRIPT, include_str!("dashboard/api.js")),
    ("/dashboard/past.js", SCRIPT, include_str!("dashboard/past.js")),
    ("/dashboard/style.css", "text/css; charset=utf-8", include_str!("dashboard/style.css")),
];

/// Returns the paths of the page.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let head = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)];
        router.route(path, get(async move || (head, text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_no_other_host_and_puts_in_nothing_but_text() {
        let all: String = FILES.map(|(_, _, text)| text).concat();
        assert!(all.len() < 150 << 10, "{} bytes", all.len());
        for other in ["http:", "https:", "src=\"//", "@import", "url("] {
            assert!(!all.contains(other), "{other}");
        }
        let scripts = FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT);
        for (path, _, script) in scripts {
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!script.contains(way), "{path}: {way}");
            }
        }
        let page = FILES[0].2;
        assert!(!page.contains("style=") && !page.contains("onclick") && !page.contains("<style"));
        assert_eq!(page.matches("<script").count(), 1, "the one that is a file");
    }
}
