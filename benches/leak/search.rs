//! How long the leak search takes: on the traffic of a bundle, request by request, beside decoding the same requests; on
//! a body of a megabyte of Base64; and to set up for ten canaries. Figures are medians of one run.
//!
//! Usage: `search BUNDLE [ROUNDS]`; `benches/leak/run.sh` makes the bundle and does the rest.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use pixelwitness::decode::decode;
use pixelwitness::leak::{Reader, Search, Sent, Sought};
use pixelwitness::model::{Exchange, Headers, RunRecord};

fn main() {
    let mut args = std::env::args().skip(1);
    let bundle = PathBuf::from(args.next().expect("the path of a bundle"));
    let rounds: usize = args
        .next()
        .map_or(200, |rounds| rounds.parse().expect("a number"));
    let run = std::fs::read(bundle.join("data/run.json")).expect("a bundle");
    let run: RunRecord = serde_json::from_slice(&run).expect("a run");
    let canaries: Vec<Sought> = run.canaries.iter().map(Sought::from).collect();
    println!("set-up     ten canaries            {:8.2} ms", set_up());
    traffic(&bundle, canaries.clone(), rounds);
    base64(&canaries);
    nested(&canaries);
}

/// Milliseconds.
fn set_up() -> f64 {
    let kinds = [
        "email", "phone", "name", "text", "date", "postcode", "number",
    ];
    let values = [
        "Qzkvwxj.Mtrplhd+bqxzk@example.com",
        "07700900417",
        "Vexqjorth",
        "Wqzjxkvp and Tzxvbnqw wrote this as a test, nothing happened to Kjqzxwvbhg.",
        "1985-03-07",
        "ZZ12 3AB",
        "123456789123",
    ];
    let ten: Vec<Sought> = (0..10)
        .map(|at| Sought {
            name: format!("canary{at}"),
            kind: kinds[at % 7].to_owned(),
            value: format!("{}{}", values[at % 7], if at > 6 { "x" } else { "" }),
            rare: true,
        })
        .collect();
    median((0..30).map(|_| {
        let began = Instant::now();
        black_box(Search::new(ten.clone()));
        began.elapsed().as_secs_f64() * 1e3
    }))
}

fn traffic(bundle: &Path, canaries: Vec<Sought>, rounds: usize) {
    let text = std::fs::read_to_string(bundle.join("data/exchanges.jsonl")).expect("exchanges");
    let exchanges: Vec<(Exchange, Option<Vec<u8>>)> = text
        .lines()
        .map(|line| {
            let exchange: Exchange = serde_json::from_str(line).expect("an exchange");
            let body = exchange
                .body_path
                .as_ref()
                .map(|path| std::fs::read(bundle.join(path)).expect("a body"));
            (exchange, body)
        })
        .collect();
    let search = Search::new(canaries);
    let (mut known, mut anew, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        // As a run does it: values that come again are known.
        let mut reader = Reader::new(&search);
        for (exchange, body) in &exchanges {
            let body = body.as_deref();
            let began = Instant::now();
            black_box(reader.read(Sent { exchange, body }));
            known.push(began.elapsed().as_secs_f64() * 1e6);
            let mut fresh = Reader::new(&search);
            let began = Instant::now();
            black_box(fresh.read(Sent { exchange, body }));
            anew.push(began.elapsed().as_secs_f64() * 1e6);
            let began = Instant::now();
            black_box(decode(exchange, body));
            decoded.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    let decoded = median(decoded.into_iter());
    for (what, times) in [("as a run does it", known), ("each for itself", anew)] {
        let mut times = times;
        times.sort_by(f64::total_cmp);
        println!(
            "requests   {what:<24}{:8.2} µs median, {:.1} µs at 99 %; decoding takes {decoded:.2} µs ({} requests)",
            times[times.len() / 2],
            times[times.len() * 99 / 100],
            exchanges.len(),
        );
    }
}

fn body(text: String, content_type: &str) -> (Exchange, Vec<u8>) {
    let mut exchange = Exchange::begun("x0001".into(), "https://a.example/", "POST", "b.example");
    exchange.request_headers =
        Headers::from(vec![("content-type".to_owned(), content_type.to_owned())]);
    (exchange, text.into_bytes())
}

fn base64(canaries: &[Sought]) {
    let search = Search::new(canaries.to_vec());
    let bytes: Vec<u8> = (0..786_432u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let prose = "Nothing in this text was typed by anybody. ".repeat(18_300);
    for (what, bytes) in [
        ("of any bytes", bytes.as_slice()),
        ("of prose", prose.as_bytes()),
    ] {
        let (exchange, body) = body(data_encoding::BASE64.encode(bytes), "text/plain");
        println!(
            "body       1 MB of Base64 {what:<9}{:8.2} ms",
            time(&search, &exchange, &body)
        );
    }
}

/// What no page would send.
fn nested(canaries: &[Sought]) {
    use std::io::Write;
    let search = Search::new(canaries.to_vec());
    let mut bomb = vec![b'a'; 64 << 20];
    for _ in 0..3 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&bomb).expect("memory");
        bomb = encoder.finish().expect("memory");
    }
    let mut again = "nobody@example.com ".repeat(2000);
    for _ in 0..8 {
        again = data_encoding::BASE64.encode(again.as_bytes());
    }
    let tokens = "QWxhZGRpbjpvcGVuIHNlc2FtZQ ".repeat(40_000);
    let deep = format!("{}1{}", "[".repeat(500_000), "]".repeat(500_000));
    let escapes = "%25".repeat(350_000);
    for (what, text) in [
        ("gzip in gzip in gzip", data_encoding::BASE64.encode(&bomb)),
        ("Base64 of Base64 …", again),
        ("a million bytes of tokens", tokens),
        ("deep JSON", deep),
        ("escapes of escapes", escapes),
    ] {
        let (exchange, body) = body(text, "text/plain");
        println!(
            "hostile    {what:<24}{:8.2} ms ({} bytes)",
            time(&search, &exchange, &body),
            body.len()
        );
    }
}

/// Milliseconds.
fn time(search: &Search, exchange: &Exchange, body: &[u8]) -> f64 {
    median((0..15).map(|_| {
        let mut reader = Reader::new(search);
        let began = Instant::now();
        black_box(reader.read(Sent {
            exchange,
            body: Some(body),
        }));
        began.elapsed().as_secs_f64() * 1e3
    }))
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
