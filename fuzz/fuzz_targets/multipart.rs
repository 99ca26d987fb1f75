//! Any multipart body, with a boundary that is in it or not: nothing that stands between two boundaries is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pixelwitness::decode::decode;
use pixelwitness::model::{BodyState, Exchange};

fuzz_target!(|data: &[u8]| {
    let (kind, body) = match data.split_first() {
        Some((first, body)) => (*first % 4, body),
        None => return,
    };
    // Made of parts, so that the fuzzer need not find the boundary by itself.
    let mut whole = Vec::new();
    let mut parts = 0;
    for value in body.split(|byte| *byte == 0xff) {
        whole.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"cd[a]\"\r\n\r\n");
        whole.extend_from_slice(value);
        whole.extend_from_slice(b"\r\n");
        parts += 1;
    }
    whole.extend_from_slice(b"--b--\r\n");
    let made = kind < 2;
    let body = if made { &whole[..] } else { body };
    let mut exchange =
        Exchange::begun("x0001".into(), "https://www.facebook.com/tr/", "POST", "police.example");
    exchange.body_state = BodyState::Complete;
    let content_type = match kind {
        0 | 2 => "multipart/form-data; boundary=b",
        _ => "multipart/form-data",
    };
    exchange.request_headers = vec![("content-type".into(), content_type.into())].into();
    let events = decode(&exchange, Some(body));
    assert_eq!(events.len(), 1);
    if made && !body.windows(4).any(|window| window == b"\n--b" || window == b"\r--b") {
        assert_eq!(events[0].parameters.len(), parts);
    }
});
