//! `Accept-Encoding`: whether a client takes gzip (RFC 9110, 12.5.3).

/// Whether the client prefers gzip to the plain content.
pub(crate) fn takes_gzip(header: Option<&[u8]>) -> bool {
    let Some(text) = header.and_then(|header| std::str::from_utf8(header).ok()) else {
        return false;
    };
    let weight = |name: &str| {
        text.split(',').find_map(|item| {
            let mut parts = item.split(';');
            if !parts.next()?.trim().eq_ignore_ascii_case(name) {
                return None;
            }
            let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
            Some(quality.map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(0.0)))
        })
    };
    let gzip = weight("gzip").or_else(|| weight("x-gzip")).or_else(|| weight("*"));
    gzip.is_some_and(|gzip| 0.0 < gzip && weight("identity").is_none_or(|plain| plain <= gzip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for yes in ["gzip", "deflate, GZIP;q=0.5", "*", "br, x-gzip", "gzip;q=1, identity;q=0.5"] {
            assert!(takes_gzip(Some(yes.as_bytes())), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0.2, identity", "gzip;q=x", "gzippy"] {
            assert!(!takes_gzip(Some(no.as_bytes())), "{no}");
        }
        assert!(!takes_gzip(None));
    }
}
