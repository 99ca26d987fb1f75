use super::*;

/// Gives one byte at a time, so that every place is once the end of what is known.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else {
            return Ok(0);
        };
        into[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

/// The requests, with their numbers, and how it ended.
fn split(input: impl Read) -> (Vec<(String, usize)>, Option<String>) {
    let mut splitter = match Splitter::new(input) {
        Ok(splitter) => splitter,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let mut pieces = Vec::new();
    loop {
        match splitter.next_batch() {
            Ok(Some(batch)) => pieces.extend(batch.iter().map(|(text, number)| {
                let text = text.map_or("(too long)".into(), String::from_utf8_lossy);
                (text.into_owned(), number)
            })),
            Ok(None) => return (pieces, None),
            Err(error) => return (pieces, Some(error.to_string())),
        }
    }
}

fn texts(input: &str) -> Vec<String> {
    let (pieces, error) = split(input.as_bytes());
    assert_eq!(error, None);
    pieces.into_iter().map(|(text, _)| text).collect()
}

const HAR: &str = r#"{ "comment": {"entries": [1], "log": 2}, "log": {"version": "1.2", "creator": {"entries": [{"no": 1}]},
  "pages": [{"id": "entries"}], "entries": [ {"a": "]}\"\\", "response": {"x": [1]}},
  {"b": {"entries": [{}]}} , [], "word", 17, null], "comment": "log" } }"#;

#[test]
fn entries_are_found_wherever_chunks_end() {
    let expected = [
        r#"{"a": "]}\"\\", "response": {"x": [1]}}"#,
        r#"{"b": {"entries": [{}]}}"#,
        "[]",
        "\"word\"",
        "17",
        "null",
    ];
    assert_eq!(texts(HAR), expected);
    let (dripped, error) = split(Drip(HAR.as_bytes()));
    assert_eq!(error, None);
    let dripped: Vec<_> = dripped.into_iter().map(|(text, _)| text).collect();
    assert_eq!(dripped, expected);
    assert_eq!(
        texts(&format!("\u{feff}\n{HAR}\n")),
        expected,
        "a mark of byte order"
    );
}

#[test]
fn a_har_that_is_cut_off_anywhere_gives_what_stands_before_and_one_error() {
    let (whole, _) = split(HAR.as_bytes());
    let entries = HAR.find("[ {").unwrap();
    for end in entries..HAR.len() {
        let (pieces, error) = split(&HAR.as_bytes()[..end]);
        assert!(pieces.len() <= whole.len());
        assert_eq!(pieces[..], whole[..pieces.len()], "at {end}");
        let error = error.unwrap_or_else(|| panic!("no error at {end}"));
        assert!(
            error.contains(&format!("after entry {}", pieces.len())),
            "{error}"
        );
    }
}

#[test]
fn an_error_while_reading_is_said_after_what_was_read() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _into: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let begun = &HAR.as_bytes()[..HAR.find(" , []").unwrap()];
    // The kind is seen from what comes at once; then reading fails.
    let mut padded = begun.to_vec();
    padded.resize(CHUNK, b' ');
    let (pieces, error) = split(padded.chain(Fails));
    assert_eq!(pieces.len(), 2);
    assert!(error.unwrap().contains("the disk is gone"));
}

#[test]
fn what_is_no_har_is_said() {
    for (text, message) in [
        ("", "the input is empty"),
        (" \n", "the input is empty"),
        ("GIF89a", "neither a HAR nor JSON Lines"),
        ("[1]", "neither a HAR nor JSON Lines"),
        ("{\n\"a\": 1\n}\n", "neither a HAR nor JSON Lines"),
        ("{\n\"lo", "cut off or broken after entry 0"),
        ("{\"log\": ", "cut off or broken after entry 0"),
        ("{\"log\": {}}", "no list of entries"),
        ("{\"log\": {\"entries\": 3}}", "no list of entries"),
        (
            "{\"log\": {\"entries\": []}}}",
            "cut off or broken after entry 0",
        ),
    ] {
        let (_, error) = split(text.as_bytes());
        let error = error.unwrap_or_else(|| panic!("no error: {text}"));
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn lines_keep_their_numbers_and_a_broken_one_breaks_no_other() {
    let text = "{\"url\": \"a\"}\n\n{\"url\": \"b\n{\"url\": \"c\"}\r\n{\"url\"";
    let expected = [
        ("{\"url\": \"a\"}", 1),
        ("{\"url\": \"b", 3),
        ("{\"url\": \"c\"}\r", 4),
        ("{\"url\"", 5),
    ]
    .map(|(text, number)| (text.to_owned(), number));
    assert_eq!(split(text.as_bytes()), (expected.to_vec(), None));
    assert_eq!(split(Drip(text.as_bytes())), (expected.to_vec(), None));
    let (pieces, _) = split(&b"{\"url\": 1\n{\"url\": \"c\"}\n"[..]);
    assert_eq!(pieces.len(), 2, "the first line is broken");
    let (pieces, _) = split(&b"garbage\n{\"url\": \"c\"}\n"[..]);
    assert_eq!(pieces.len(), 2, "the first line is none");
}

#[test]
fn what_a_site_answered_is_shortened_and_the_request_is_not() {
    let long = "x\\u00e9".repeat(3000);
    let har = format!(
        r#"{{"log":{{"entries":[{{"request":{{"url":"{long}"}},"response":{{"status":200,"content":{{"text":"{long}"}}}},"response2":"{long}"}}]}}}}"#
    );
    let texts = texts(&har);
    let entry: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(
        entry["request"]["url"].as_str().unwrap().chars().count(),
        6000
    );
    assert_eq!(entry["response2"].as_str().unwrap().chars().count(), 6000);
    assert_eq!(entry["response"]["status"], 200);
    let plain = "y".repeat(CHUNK * 3);
    let har = format!(
        r#"{{"log":{{"entries":[{{"response":{{"content":{{"text":"{plain}"}},"status":1}},"request":1}}]}}}}"#
    );
    let texts = self::texts(&har);
    assert!(texts[0].len() < 2 * ANSWER_STRING, "{}", texts[0].len());
    let entry: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(entry["response"]["status"], 1);
}

#[test]
fn two_hars_in_one_stream_are_both_read() {
    assert_eq!(texts(&format!("{HAR}\n{HAR}")).len(), 12);
}

#[test]
fn short_lines_come_in_small_batches() {
    let text = "{}\n".repeat(10_000);
    let mut splitter = Splitter::new(text.as_bytes()).unwrap();
    let mut numbers = Vec::new();
    while let Some(batch) = splitter.next_batch().unwrap() {
        assert!(batch.iter().count() <= MOST_PIECES);
        numbers.extend(batch.iter().map(|(text, number)| {
            assert_eq!(text, Some(&b"{}"[..]));
            number
        }));
    }
    assert!(numbers.into_iter().eq(1..=10_000));
}
