//! `pixelwitness explain`: what a parameter means, or what one request told.

use std::io::{self, Write};

use clap::Args;
use percent_encoding::percent_decode_str;

use super::{exit, talk};
use crate::decode::{DECODERS, decode};
use crate::model::{BodyState, Exchange, TrackerEvent};

#[derive(Debug, Args)]
#[command(after_help = "\
  pixelwitness explain udff[em]
  pixelwitness explain 'https://www.facebook.com/tr/?id=1234567890123456&ev=PageView&ler=fb'
  pixelwitness explain https://www.facebook.com/tr/ --body 'id=1234567890123456&ev=Lead'

The whole reference is in docs/meta-pixel.md. Exit codes: 0 it is known; 2 it is not.")]
pub struct ExplainArgs {
    /// A parameter's key, or a request's whole URL
    #[arg(value_name = "URL-OR-PARAMETER")]
    what: String,
    /// The request's body, as it was sent
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// The body's content type
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "application/x-www-form-urlencoded"
    )]
    content_type: String,
}

pub fn explain(args: &ExplainArgs) -> u8 {
    let mut text = Vec::new();
    let what = args.what.trim();
    let known = if what.contains("://") {
        request(what, args, &mut text)
    } else if what.contains('/') {
        request(&format!("https://{what}"), args, &mut text)
    } else {
        // As it stands in a request, or decoded.
        parameter(&percent_decode_str(what).decode_utf8_lossy(), &mut text)
    };
    match known {
        Ok(true) => {
            let _ = io::stdout().lock().write_all(&text);
            exit::OK
        }
        Ok(false) => {
            talk::error(
                &format!("nothing is known of {}", args.what),
                Some("give a parameter's key, as `cd[value]`, or a request's whole URL"),
            );
            exit::BAD_INPUT
        }
        Err(error) => {
            talk::error(&format!("failed to write: {error}"), None);
            exit::INCONCLUSIVE
        }
    }
}

fn parameter(key: &str, out: &mut impl Write) -> io::Result<bool> {
    let mut known = false;
    for decoder in DECODERS {
        if let Some(meaning) = decoder.meaning(key) {
            writeln!(out, "{key} ({}): {meaning}", decoder.vendor())?;
            known = true;
        }
    }
    Ok(known)
}

fn request(url: &str, args: &ExplainArgs, out: &mut impl Write) -> io::Result<bool> {
    let method = if args.body.is_some() { "POST" } else { "GET" };
    let mut exchange = Exchange::begun(String::new(), url, method, "");
    if args.body.is_some() {
        exchange.body_state = BodyState::Complete;
        exchange.request_headers =
            vec![("content-type".to_owned(), args.content_type.clone())].into();
    }
    let events = decode(&exchange, args.body.as_deref().map(str::as_bytes));
    for event in &events {
        one(event, out)?;
    }
    Ok(!events.is_empty())
}

fn one(event: &TrackerEvent, out: &mut impl Write) -> io::Result<()> {
    let kind = serde_json::to_value(event.kind)?;
    let confidence = serde_json::to_value(event.confidence)?;
    // What a terminal would obey is not shown.
    let shown = |text: &str| text.replace(char::is_control, "\u{fffd}");
    writeln!(
        out,
        "{} to {}, {} ({}: {})",
        kind.as_str().unwrap_or_default(),
        event.recipient,
        shown(event.event_name.as_deref().unwrap_or("no event name")),
        confidence.as_str().unwrap_or_default(),
        event.confidence_reason,
    )?;
    let width = event
        .parameters
        .iter()
        .map(|parameter| parameter.key.chars().count())
        .max()
        .unwrap_or(0)
        .min(30);
    for parameter in &event.parameters {
        writeln!(
            out,
            "  {:width$}  {}",
            shown(&parameter.key),
            shown(&parameter.value)
        )?;
        let meaning = parameter.meaning.as_deref().unwrap_or("(unknown)");
        writeln!(out, "  {:width$}    {meaning}", "")?;
        if let Some(decoded) = &parameter.decoded {
            let said = decoded
                .as_str()
                .map_or_else(|| decoded.to_string(), str::to_owned);
            writeln!(out, "  {:width$}    = {}", "", shown(&said))?;
        }
    }
    for problem in &event.problems {
        writeln!(out, "  problem: {}", shown(problem))?;
    }
    Ok(())
}
