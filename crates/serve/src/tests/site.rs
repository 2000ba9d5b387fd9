use std::io::Read as _;
use std::os::unix::fs::symlink;

use ostler_env::{
    OSTLER_SERVE_CORS, PM2_SERVE_BASIC_AUTH_PASSWORD, PM2_SERVE_BASIC_AUTH_USERNAME,
    PM2_SERVE_HOMEPAGE, PM2_SERVE_SPA,
};

use super::*;
use crate::answer::{Answer, Content};
use crate::log::Log;
use crate::request::{Head, read};
use crate::site::Site;

fn ask(site: &mut Site, first: &str, headers: &str) -> (u16, String, Answer) {
    let head = format!("{first} HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    let Head::Whole(request, _) = read(head.as_bytes()) else { panic!("{head}") };
    let answer = site.answer(&request, &mut Log::default());
    let mut content = String::new();
    match &answer.content {
        Content::None => {}
        Content::Text(text) => content.clone_from(text),
        Content::Bytes(bytes) => content = format!("{} bytes", bytes.len()),
        Content::File(file, from, to) => {
            assert_eq!(*from, 0);
            file.take(*to).read_to_string(&mut content).unwrap();
        }
    }
    (answer.status.line()[..3].parse().unwrap(), content, answer)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
}

const FILES: &[(&str, &str)] = &[
    ("index.html", "home"),
    ("a.js", "script"),
    ("sub/index.html", "sub"),
    ("empty/x.txt", "x"),
    (".env", "secret"),
    (".git/config", "secret"),
    (".well-known/acme-challenge/t", "token"),
];

#[test]
fn each_path_has_its_answer() {
    let place = Place::new(FILES);
    symlink("/etc/hostname", place.path().join("out.txt")).unwrap();
    symlink("a.js", place.path().join("link.js")).unwrap();
    let mut site = Site::new(place.settings());
    for (first, status, content) in [
        ("GET /", 200, "home"),
        ("GET /index.html?v=1", 200, "home"),
        ("GET /a.js", 200, "script"),
        ("GET /link.js", 200, "script"),
        ("GET /a.js/", 404, "404 Not Found\n"),
        ("GET /sub/", 200, "sub"),
        ("GET /sub", 301, "301 Moved Permanently\n"),
        // Folders are not listed.
        ("GET /empty/", 404, "404 Not Found\n"),
        ("GET /empty", 404, "404 Not Found\n"),
        ("GET /.env", 404, "404 Not Found\n"),
        ("GET /.git/config", 404, "404 Not Found\n"),
        ("GET /.well-known/acme-challenge/t", 200, "token"),
        ("GET /out.txt", 403, "403 Forbidden\n"),
        ("GET /..%2f..%2fetc/passwd", 403, "403 Forbidden\n"),
        ("GET /a%00.js", 400, "400 Bad Request\n"),
        ("POST /a.js", 405, "405 Method Not Allowed\n"),
        ("DELETE /a.js", 405, "405 Method Not Allowed\n"),
    ] {
        let (got, text, _) = ask(&mut site, first, "");
        assert_eq!((got, text.as_str()), (status, content), "{first}");
    }
    let (_, _, moved) = ask(&mut site, "GET //sub?q=1", "");
    assert_eq!(header(&moved, "Location"), Some("/sub/?q=1"));
    assert_eq!(header(&moved, "Access-Control-Allow-Origin"), None);
}

#[test]
fn a_page_of_the_app_is_the_home_page_and_a_missing_script_is_not() {
    let place = Place::new(FILES).set(PM2_SERVE_SPA, "true");
    let mut site = Site::new(place.settings());
    for (first, headers, status) in [
        ("GET /users/7", "", 200),
        ("GET /users/jo.doe", "Accept: text/html,*/*;q=0.8\r\n", 200),
        ("GET /chunk.12.js", "Accept: */*\r\n", 404),
        ("GET /.env", "Accept: text/html\r\n", 404),
        ("GET /.git/", "", 404),
    ] {
        let (got, text, _) = ask(&mut site, first, headers);
        assert_eq!((got, text == "home"), (status, status == 200), "{first}");
    }
}

#[test]
fn a_page_of_ones_own_is_shown_for_what_is_missing_and_another_for_the_root() {
    let place = Place::new(&[("404.html", "<p>gone"), ("start.htm", "start")])
        .set(PM2_SERVE_HOMEPAGE, "/start.htm");
    let mut site = Site::new(place.settings());
    let (status, text, answer) = ask(&mut site, "GET /x.png", "");
    assert_eq!((status, text.as_str()), (404, "<p>gone"));
    assert_eq!(header(&answer, "Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(ask(&mut site, "GET /", "").1, "start");
}

#[test]
fn who_does_not_say_the_secret_learns_nothing_of_any_path() {
    let place = Place::new(FILES)
        .set(PM2_SERVE_BASIC_AUTH_USERNAME, "jo")
        .set(PM2_SERVE_BASIC_AUTH_PASSWORD, "x:y");
    let mut site = Site::new(place.settings());
    for first in ["GET /", "GET /none", "POST /", "GET /..", "HEAD /a.js"] {
        let (status, _, answer) = ask(&mut site, first, "Authorization: Basic am86eA==\r\n");
        assert_eq!(status, 401, "{first}");
        assert!(header(&answer, "WWW-Authenticate").unwrap().starts_with("Basic realm="));
    }
    let (status, text, _) = ask(&mut site, "GET /", "Authorization: Basic am86eDp5\r\n");
    assert_eq!((status, text.as_str()), (200, "home"));
}

#[test]
fn other_origins_may_read_where_that_is_said() {
    let place = Place::new(FILES).set(OSTLER_SERVE_CORS, "true");
    let mut site = Site::new(place.settings());
    let (_, _, answer) = ask(&mut site, "GET /", "");
    assert_eq!(header(&answer, "Access-Control-Allow-Origin"), Some("*"));
}

#[test]
fn a_folder_that_is_replaced_is_served_from_then_on() {
    let place = Place::new(&[("v1/index.html", "one"), ("v2/index.html", "two")]);
    let link = place.path().join("current");
    symlink("v1", &link).unwrap();
    let mut settings = place.settings();
    settings.root.clone_from(&link);
    let mut site = Site::new(settings);
    assert_eq!(ask(&mut site, "GET /", "").1, "one");
    symlink("v2", place.path().join("next")).unwrap();
    fs::rename(place.path().join("next"), &link).unwrap();
    assert_eq!(ask(&mut site, "GET /", "").1, "two");
    fs::remove_file(link).unwrap();
    assert_eq!(ask(&mut site, "GET /", "").0, 500);
}
