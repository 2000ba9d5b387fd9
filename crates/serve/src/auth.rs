//! Basic authentication (RFC 7617).

/// What a client has to send, as it sends it.
#[derive(Clone)]
pub(crate) struct Secret {
    encoded: Vec<u8>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Makes it of a name and a password.
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self { encoded: encode(format!("{name}:{password}").as_bytes()) }
    }

    /// Whether the value of `Authorization` says it. The time does not tell how much of it is
    /// right: every byte of what was sent is compared.
    pub(crate) fn is_said(&self, header: Option<&[u8]>) -> bool {
        let Some(header) = header.filter(|header| 6 < header.len()) else { return false };
        let (scheme, sent) = header.split_at(6);
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return false;
        }
        let sent = sent.trim_ascii();
        let mut differ = usize::from(sent.len() != self.encoded.len());
        for (at, byte) in sent.iter().enumerate() {
            let wanted = self.encoded.get(at % self.encoded.len().max(1)).copied();
            differ |= usize::from(byte ^ wanted.unwrap_or_default());
        }
        std::hint::black_box(differ) == 0
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding. One text has one form, so that forms are compared instead of texts.
fn encode(bytes: &[u8]) -> Vec<u8> {
    let letter = |bits: usize| ALPHABET.get(bits & 63).copied().unwrap_or_default();
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |at: usize| usize::from(chunk.get(at).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        out.extend([letter(bits >> 18), letter(bits >> 12)]);
        out.push(if chunk.len() < 2 { b'=' } else { letter(bits >> 6) });
        out.push(if chunk.len() < 3 { b'=' } else { letter(bits) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded.as_bytes());
        }
    }

    #[test]
    fn only_the_whole_secret_will_do() {
        let secret = Secret::new("Aladdin", "open sesame");
        let is_said = |text: &str| secret.is_said(Some(text.as_bytes()));
        assert!(is_said("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert!(is_said("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        for no in [
            "",
            "Basic ",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ] {
            assert!(!is_said(no), "{no}");
        }
        assert!(!secret.is_said(None));
    }
}
