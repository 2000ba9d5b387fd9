//! What kind of content a file has, by its name.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The kind of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The value of `Content-Type`.
    pub(crate) name: &'static str,
    /// It becomes smaller when it is compressed.
    pub(crate) compresses: bool,
}

const fn text(name: &'static str) -> Kind {
    Kind { name, compresses: true }
}

const fn packed(name: &'static str) -> Kind {
    Kind { name, compresses: false }
}

/// What nothing is known of: a browser saves it.
const UNKNOWN: Kind = packed("application/octet-stream");

/// Returns the kind of a file of this name.
pub(crate) fn of(path: &Path) -> Kind {
    let extension = path.extension().map(|of| of.as_bytes().to_ascii_lowercase());
    match extension.as_deref() {
        Some(b"html" | b"htm") => text("text/html; charset=utf-8"),
        Some(b"js" | b"mjs" | b"cjs") => text("text/javascript; charset=utf-8"),
        Some(b"css") => text("text/css; charset=utf-8"),
        Some(b"json" | b"map") => text("application/json"),
        Some(b"webmanifest") => text("application/manifest+json"),
        Some(b"txt" | b"text" | b"log" | b"conf" | b"ini") => text("text/plain; charset=utf-8"),
        Some(b"md" | b"markdown") => text("text/markdown; charset=utf-8"),
        Some(b"csv") => text("text/csv; charset=utf-8"),
        Some(b"xml" | b"xsl") => text("application/xml"),
        Some(b"xhtml") => text("application/xhtml+xml"),
        Some(b"rss") => text("application/rss+xml"),
        Some(b"atom") => text("application/atom+xml"),
        Some(b"yml" | b"yaml") => text("application/yaml"),
        Some(b"ics") => text("text/calendar; charset=utf-8"),
        Some(b"vtt") => text("text/vtt; charset=utf-8"),
        Some(b"svg") => text("image/svg+xml"),
        Some(b"wasm") => text("application/wasm"),
        Some(b"bmp") => text("image/bmp"),
        Some(b"ico") => text("image/x-icon"),
        Some(b"ttf") => text("font/ttf"),
        Some(b"otf") => text("font/otf"),
        Some(b"eot") => text("application/vnd.ms-fontobject"),
        Some(b"woff") => packed("font/woff"),
        Some(b"woff2") => packed("font/woff2"),
        Some(b"png" | b"apng") => packed("image/png"),
        Some(b"jpg" | b"jpeg") => packed("image/jpeg"),
        Some(b"gif") => packed("image/gif"),
        Some(b"webp") => packed("image/webp"),
        Some(b"avif") => packed("image/avif"),
        Some(b"jxl") => packed("image/jxl"),
        Some(b"mp3") => packed("audio/mpeg"),
        Some(b"m4a") => packed("audio/mp4"),
        Some(b"ogg" | b"oga" | b"opus") => packed("audio/ogg"),
        Some(b"wav") => packed("audio/wav"),
        Some(b"flac") => packed("audio/flac"),
        Some(b"mp4" | b"m4v") => packed("video/mp4"),
        Some(b"webm") => packed("video/webm"),
        Some(b"mov") => packed("video/quicktime"),
        Some(b"pdf") => packed("application/pdf"),
        Some(b"zip") => packed("application/zip"),
        Some(b"gz" | b"tgz") => packed("application/gzip"),
        Some(b"tar") => packed("application/x-tar"),
        Some(_) | None => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_kind_whatever_its_case() {
        assert_eq!(of(Path::new("a/B.HTML")).name, "text/html; charset=utf-8");
        assert_eq!(of(Path::new("a.min.js")).name, "text/javascript; charset=utf-8");
        assert_eq!(of(Path::new("a.js/README")), UNKNOWN);
        assert!(!of(Path::new("a.png")).compresses);
    }
}
