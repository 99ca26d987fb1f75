//! Most requests of a file are nobody's that a decoder knows: a glance at an entry's text tells, before it is parsed.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use memchr::memmem::Finder;

use crate::decode::DECODERS;

/// A body in it is not plain to see.
const BASE64: &str = "base64";

/// Nothing where the processor has no instructions for it: then everything is parsed.
static MARKERS: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let markers = DECODERS
        .iter()
        .flat_map(|decoder| decoder.markers())
        .chain([&BASE64]);
    Searcher::new(markers)
});

/// Escapes of JSON that may hide a marker.
static ESCAPES: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("\\u"), Finder::new("\\/")]);

static REQUEST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"request\""));
static URL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"url\""));

/// Whether an entry of a HAR is surely one of which no decoder has anything to say. It must at least have a URL, so that
/// one that cannot be read is not passed over.
pub(super) fn is_nobodys(text: &[u8]) -> bool {
    let Some(markers) = MARKERS.as_ref() else {
        return false;
    };
    markers.find(text).is_none()
        && ESCAPES.iter().all(|escape| escape.find(text).is_none())
        && REQUEST.find(text).is_some_and(|at| {
            let request = &text[at..];
            URL.find(request)
                .is_some_and(|at| is_address(&request[at + "\"url\"".len()..]))
        })
}

/// Whether the address of something on the web is what follows a key.
fn is_address(after_key: &[u8]) -> bool {
    let value = after_key.trim_ascii_start();
    value
        .strip_prefix(b":")
        .is_some_and(|value| value.trim_ascii_start().starts_with(b"\"http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_url_and_no_marker_is_passed_over() {
        let nobodys = [r#"{"request":{"url":"https://www.police.example/a.js?x=1"}}"#];
        for text in nobodys {
            assert!(is_nobodys(text.as_bytes()), "{text}");
        }
        for text in [
            r#"{"request":{"method":"GET"}}"#,
            r#"{"request":{"url":17}}"#,
            r#"{"request":{"url":"/relative"}}"#,
            r#"{"request":"url"}"#,
            r#"{"_initiator":{"url":"https://a.example"},"request":{"url":"/relative"}}"#,
            r#"{"request":{"url":"https://www.facebook.com/plugins/x"}}"#,
            r#"{"request":{"url":"https:\/\/www.\u0066acebook.com"}}"#,
            r#"{"request":{"url":"https://x.example/tr"}}"#,
            r#"{"request":{"url":"https://x.example/","postData":{"text":"--b\r\n name=\"ev\"\r\n"}}}"#,
            r#"{"request":{"url":"https://x.example/","postData":{"params":[{"name":"ev"}]}}}"#,
            r#"{"request":{"url":"https://x.example/","postData":{"encoding":"base64","text":"ZXY9"}}}"#,
        ] {
            assert!(!is_nobodys(text.as_bytes()), "{text}");
        }
    }

    /// A decoder's promise: what concerns it has one of its markers.
    #[test]
    fn every_request_that_concerns_a_decoder_has_a_marker() {
        let fixtures = include_str!("../../tests/fixtures/requests/meta_pixel.jsonl");
        for line in fixtures.lines() {
            assert!(!is_nobodys(line.as_bytes()), "{line}");
        }
    }
}
