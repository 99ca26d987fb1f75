//! Any file: records or an error, and every request counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pixelwitness::decode::Sequence;
use pixelwitness::intake;

/// As it is, as entries of a HAR, and as the members of one entry's body.
fn shapes(data: &[u8]) -> [Vec<u8>; 3] {
    [
        data.to_vec(),
        [b"{\"log\":{\"entries\":[", data].concat(),
        [
            b"{\"log\":{\"entries\":[{\"request\":{\"method\":\"POST\",\"url\":\"https://www.facebook.com/tr/\",\"postData\":{",
            data,
            b"}}}]}}",
        ]
        .concat(),
    ]
}

fuzz_target!(|data: &[u8]| {
    for text in shapes(data) {
        let mut sequence = Sequence::default();
        let mut handed_on = 0;
        let result = intake::decode(&text[..], true, &mut |mut decoded| {
            handed_on += 1;
            for event in &mut decoded.events {
                sequence.place(event);
                serde_json::to_string(event).unwrap();
            }
            Ok(())
        });
        if let Ok(requests) = result {
            // In JSON Lines, empty lines are counted and give nothing.
            assert!(handed_on <= requests);
        }
    }
});
