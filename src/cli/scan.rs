//! `pixelwitness scan`: no scenario: opens a page, answers its banner as told, scrolls, waits, lists who was told.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use url::Url;

use super::batch::{Asked, replay_all};
use super::gate::GateArgs;
use super::options::{Journeys, Many, Replay};
use super::outputs::OutputArgs;
use super::run::ConsentArg;
use super::{exit, talk};
use crate::scenario::{Consent, Scenario};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness scan https://www.police.example/
  pixelwitness scan https://www.police.example/ https://www.police.example/contact/ --facebook
  pixelwitness scan https://www.police.example/ --consent ignore --consent reject --consent accept")]
pub struct ScanArgs {
    /// Pages to look at, each in a browser of its own
    #[arg(required = true, value_name = "URL", value_hint = ValueHint::Url)]
    urls: Vec<String>,
    /// As a visitor who is logged in to Facebook in the same browser: with planted cookies
    #[arg(long)]
    facebook: bool,
    /// Where the bundle goes; with several journeys, a folder of bundles. Nothing is ever overwritten
    /// [default: evidence/<page>-<UTC time>]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// What is done about consent banners; repeatable: one journey each [default: ignore]
    #[arg(long, value_enum, value_name = "ANSWER")]
    consent: Vec<ConsentArg>,
    #[command(flatten)]
    many: Many,
    #[command(flatten)]
    journeys: Journeys,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    replay: Replay,
}

pub async fn scan(args: ScanArgs) -> u8 {
    let mut scenarios = Vec::new();
    for text in &args.urls {
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => {
                talk::error(
                    &format!("`{text}` is no address of a page"),
                    Some("write it whole, as in `https://www.police.example/contact/`"),
                );
                return exit::BAD_INPUT;
            }
        };
        match scenario(&url, args.facebook) {
            Ok(scenario) => {
                let scenario = args.journeys.rebase(scenario);
                scenarios.push((PathBuf::from(scenario.name()), Arc::new(scenario)));
            }
            Err(diagnostic) => return talk::diagnostic(&diagnostic),
        }
    }
    let consents: Vec<Consent> = args.consent.iter().copied().map(Consent::from).collect();
    replay_all(Asked {
        scenarios,
        consents: &consents,
        out: args.out,
        journeys: &args.journeys,
        many: &args.many,
        gate: &args.gate,
        outputs: &args.outputs,
        replay: &args.replay,
    })
    .await
}

/// The journey to a page and to its end.
fn scenario(url: &Url, facebook: bool) -> Result<Scenario, Box<crate::scenario::Diagnostic>> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let text = format!(
        "title: {}\norigin: {}\n{}steps:\n  - navigate: {}\n  - scroll: {{ x: 0, y: 1000000 }}\n  - wait: {{ ms: 1000 }}\n",
        quoted(&format!("Scan of {url}")),
        quoted(&url.origin().ascii_serialization()),
        if facebook {
            "identity: [facebook]\n"
        } else {
            ""
        },
        quoted(url.as_str()),
    );
    Scenario::parse(&PathBuf::from(format!("{}.yaml", name(url))), text)
}

/// `www.police.example-contact`
fn name(url: &Url) -> String {
    let text = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let mut plain = plain.trim_matches('-').to_owned();
    plain.truncate(80);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_journey() {
        let url = Url::parse("https://www.police.example/a/b?x=\"1\"").unwrap();
        let scenario = scenario(&url, true).unwrap();
        assert_eq!(scenario.steps.len(), 3);
        assert_eq!(scenario.origin.as_str(), "https://www.police.example/");
        assert_eq!(name(&url), "www.police.example-a-b");
        assert_eq!(scenario.name(), "www.police.example-a-b");
    }
}
