//! From a request to its answer: the folder, its rules, and the files in it.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::answer::{self, Answer, Choice, Content, Status};
use crate::date;
use crate::files::{Facts, Folder, Found};
use crate::log::Log;
use crate::packed::Packed;
use crate::request::{Method, Request};
use crate::settings::Settings;
use crate::target::{self, NotServed};
use crate::types;

/// The file of a folder.
const INDEX: &str = "index.html";

/// The page for what is not there.
const MISSING: &str = "404.html";

/// What is served.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) settings: Settings,
    packed: Packed,
}

impl Site {
    /// Makes it by its settings.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, packed: Packed::default() }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Request<'_>, log: &mut Log) -> Answer {
        let answer = self.try_answer(request).unwrap_or_else(|error| {
            let path = self.settings.root.display();
            log.error(&format!("cannot answer from `{path}`: {error}"));
            let spent = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
            Answer::words(match error.raw_os_error() {
                Some(code) if spent.contains(&code) => Status::Unavailable,
                Some(_) | None => Status::Internal,
            })
        });
        match self.settings.cors {
            true => answer
                .with("Access-Control-Allow-Origin", "*")
                .with("Access-Control-Allow-Methods", "GET"),
            false => answer,
        }
    }

    fn try_answer(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        let secret = self.settings.secret.as_ref();
        if secret.is_some_and(|secret| !secret.is_said(request.authorization)) {
            let asked = "Basic realm=\"Authentication service\", charset=\"UTF-8\"";
            return Ok(Answer::words(Status::Unauthorized).with("WWW-Authenticate", asked));
        }
        if request.method == Method::Other {
            return Ok(Answer::words(Status::NotAllowed).with("Allow", "GET, HEAD"));
        }
        let target = match target::of(request.target) {
            Ok(target) => target,
            Err(NotServed::Malformed) => return Ok(Answer::words(Status::Malformed)),
            Err(NotServed::Outside) => return Ok(Answer::words(Status::Forbidden)),
            Err(NotServed::Hidden) => {
                return self.missing(&Folder::open(&self.settings.root)?, None, request);
            }
        };
        let folder = Folder::open(&self.settings.root)?;
        let home = self.settings.homepage.clone();
        let path = if target.path.as_os_str().is_empty() { home } else { target.path };
        match folder.find(&path)? {
            Found::File(file, facts) if !target.is_folder || path == self.settings.homepage => {
                self.file(request, &path, file, facts)
            }
            Found::Folder => {
                let index = path.join(INDEX);
                match folder.find(&index)? {
                    Found::File(file, facts) if target.is_folder => {
                        self.file(request, &index, file, facts)
                    }
                    // Relative links of the page would lead elsewhere.
                    Found::File(..) => Ok(moved(&path, request.target)),
                    Found::Refused => Ok(Answer::words(Status::Forbidden)),
                    Found::Folder | Found::Missing => self.missing(&folder, Some(&path), request),
                }
            }
            Found::Refused => Ok(Answer::words(Status::Forbidden)),
            Found::File(..) | Found::Missing => self.missing(&folder, Some(&path), request),
        }
    }

    /// There is no such file. `path`: what may be a path of the app in the browser.
    fn missing(
        &mut self,
        folder: &Folder,
        path: Option<&Path>,
        request: &Request<'_>,
    ) -> io::Result<Answer> {
        if self.settings.spa && path.is_some_and(|path| is_page(path, request)) {
            let home = self.settings.homepage.clone();
            if let Found::File(file, facts) = folder.find(&home)? {
                return self.file(request, &home, file, facts);
            }
        }
        match folder.find(Path::new(MISSING))? {
            Found::File(file, facts) => Ok(Answer {
                status: Status::NotFound,
                headers: vec![("Content-Type", types::of(Path::new(MISSING)).name.to_owned())],
                content: Content::File(file, 0, facts.size),
            }),
            Found::Folder | Found::Missing | Found::Refused => Ok(Answer::words(Status::NotFound)),
        }
    }

    fn file(
        &mut self,
        request: &Request<'_>,
        path: &Path,
        file: File,
        facts: Facts,
    ) -> io::Result<Answer> {
        let kind = types::of(path);
        let mut choice = answer::choose(request, facts, kind);
        let mut bytes = None;
        if choice == Choice::Packed {
            bytes = self.packed.of(&file, facts)?;
            if bytes.is_none() {
                choice = Choice::Whole;
            }
        }
        let is_packed = bytes.is_some()
            || choice == Choice::NotModified && request.if_none_match.is_some_and(ends_packed);
        let (status, content) = match (choice, bytes) {
            (Choice::NotModified, _) => (Status::NotModified, Content::None),
            (Choice::Beyond, _) => (Status::BeyondEnd, Content::Text(String::new())),
            (Choice::Part(from, to), _) => (Status::Partial, Content::File(file, from, to)),
            (Choice::Packed, Some(bytes)) => (Status::Ok, Content::Bytes(bytes)),
            (Choice::Whole | Choice::Packed, _) => (Status::Ok, Content::File(file, 0, facts.size)),
        };
        let headers = vec![("Content-Type", kind.name.to_owned())];
        let mut answer = Answer { status, headers, content }
            .with("Accept-Ranges", "bytes")
            .with("Cache-Control", "no-cache")
            .with("ETag", answer::tag(facts, is_packed));
        if let Some(date) = date::write(facts.modified) {
            answer = answer.with("Last-Modified", date);
        }
        if kind.compresses {
            answer = answer.with("Vary", "Accept-Encoding");
        }
        if is_packed && choice == Choice::Packed {
            answer = answer.with("Content-Encoding", "gzip");
        }
        Ok(match choice {
            Choice::Part(from, to) => {
                answer.with("Content-Range", format!("bytes {from}-{}/{}", to - 1, facts.size))
            }
            Choice::Beyond => answer.with("Content-Range", format!("bytes */{}", facts.size)),
            Choice::NotModified | Choice::Whole | Choice::Packed => answer,
        })
    }
}

/// Whether the client has the packed form.
fn ends_packed(header: &[u8]) -> bool {
    header.windows(4).any(|four| four == b"-gz\"")
}

/// The folder under its name with a slash, and with what was asked of it.
fn moved(folder: &Path, asked: &str) -> Answer {
    let mut to = target::location(folder);
    if let Some((_, query)) = asked.split('#').next().unwrap_or_default().split_once('?') {
        to.push('?');
        to.push_str(query);
    }
    Answer::words(Status::Moved).with("Location", to)
}

/// Whether a browser means a page of the app, not a script or an image that is missing: it says
/// so, or the path has no extension.
fn is_page(path: &Path, request: &Request<'_>) -> bool {
    let html = b"text/html";
    let says = request.accept.is_some_and(|of| of.windows(html.len()).any(|part| part == html));
    says || path.extension().is_none()
}
