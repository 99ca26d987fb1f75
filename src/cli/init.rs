//! `pixelwitness init`: a scenario and a policy to begin with, for a given site.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::Value;
use url::Url;

use super::gate::today;
use super::{exit, talk};
use crate::policy::Policy;
use crate::scenario::Scenario;

#[derive(Debug, Args)]
#[command(after_help = "\
Writes <host>.yaml and <host>.policy.yaml: they run as they stand, and their comments say what to change.

  pixelwitness init https://www.police.example/ https://www.police.example/report/
  pixelwitness run www.police.example.yaml

docs/gate.md goes on from there.")]
pub struct InitArgs {
    /// Pages of the site to begin with, all of one origin
    #[arg(required = true, value_name = "URL", value_hint = ValueHint::Url)]
    urls: Vec<Url>,
    /// Where the two files go. Nothing is ever overwritten
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    out: PathBuf,
}

pub fn init(args: &InitArgs) -> u8 {
    let Some(first) = args.urls.first() else {
        return exit::BAD_INPUT;
    };
    for url in &args.urls {
        let help = "write it whole, as in `https://www.police.example/report/`";
        if !matches!(url.scheme(), "http" | "https") {
            talk::error(&format!("`{url}` is no address of a page"), Some(help));
            return exit::BAD_INPUT;
        }
        if url.origin() != first.origin() {
            let message = format!("`{url}` is of another origin than `{first}`");
            talk::error(
                &message,
                Some("make a scenario for each, one after the other"),
            );
            return exit::BAD_INPUT;
        }
    }
    let host = first.host_str().unwrap_or("site");
    let folder = args.out.strip_prefix(".").unwrap_or(&args.out);
    let scenario = folder.join(format!("{host}.yaml"));
    let policy = folder.join(format!("{host}.policy.yaml"));
    let pages: Vec<String> = args.urls.iter().map(path_of).collect();
    let files = [
        (
            &scenario,
            scenario_text(first, &pages, &format!("{host}.policy.yaml")),
        ),
        (&policy, policy_text(host, &pages)),
    ];
    for (path, _) in &files {
        if path.exists() {
            let message = format!(
                "`{}` is there already, and is not overwritten",
                path.display()
            );
            talk::error(&message, Some("choose another folder with `--out`"));
            return exit::BAD_INPUT;
        }
    }
    // What is written must be what can be read.
    let checked = Policy::parse(&policy, files[1].1.clone(), today())
        .map(|_| ())
        .and_then(|()| Scenario::parse(&scenario, files[0].1.clone()).map(|_| ()));
    if let Err(diagnostic) = checked {
        return talk::diagnostic(&diagnostic);
    }
    for (path, text) in &files {
        if let Err(error) = write(path, text) {
            talk::error(
                &format!("failed to write `{}`: {error}", path.display()),
                Some("is its folder there?"),
            );
            return exit::BAD_INPUT;
        }
    }
    talk::note(&format!(
        "{} and {} are written; now",
        scenario.display(),
        policy.display()
    ));
    talk::data(&format!("pixelwitness run {}", shell(&scenario)));
    exit::OK
}

/// The page, without its fragment.
fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// As a shell takes it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A text as YAML reads it, whatever it holds.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn scenario_text(url: &Url, pages: &[String], policy: &str) -> String {
    let mut text = format!(
        "# What a visitor does, step by step. docs/scenarios.md has every key and step.\n\
         # For completion in an editor, `pixelwitness schema scenario > scenario.schema.json`, and begin this file with\n\
         #   # yaml-language-server: $schema=scenario.schema.json\n\
         title: {}\n\
         origin: {}\n\
         consent: ignore                 # what is done about a consent banner: ignore, reject or accept\n\
         identity: [facebook]            # the visitor is logged in to Facebook: canary cookies, no account\n\
         # What these pages are about that nobody else should be told; without topics, every page address counts.\n\
         # topics: [rape, assault, domestic abuse]\n\
         # Values that exist nowhere else, fresh in every run: where they turn up, what was typed has left.\n\
         # canaries: {{ email: email, account: text }}\n\
         steps:\n",
        quoted(&format!("Pages of {}", url.host_str().unwrap_or_default())),
        quoted(&url.origin().ascii_serialization()),
    );
    for page in pages {
        text += &format!("  - navigate: {}\n", quoted(page));
        text += "  - scroll: { x: 0, y: 100000 }   # some tags wait until somebody scrolls\n";
        text += "  - wait: network\n";
    }
    text += &format!(
        "  # - click: text/Report a crime\n\
         \x20 # - change: {{ selector: \"#email\", value: \"{{{{email}}}}\" }}\n\
         \x20 # - submit: aria/Send report        # recorded, and answered in place: no report is filed\n\
         policy: {}\n",
        quoted(policy)
    );
    text
}

fn policy_text(host: &str, pages: &[String]) -> String {
    // What a glob would take for a sign of its own is left open.
    let glob = |page: &String| {
        let path = page.split('?').next().unwrap_or("/");
        let parts = path.split(['[', ']', '{', '}', '*', '\\']);
        let parts: Vec<&str> = parts
            .enumerate()
            .filter(|(n, part)| *n == 0 || !part.is_empty())
            .map(|(_, part)| part)
            .collect();
        let whole = path.ends_with([']', '}', '*', '\\']);
        quoted(&format!(
            "{}{}",
            parts.join("*"),
            if whole { "*" } else { "" }
        ))
    };
    let mut globs: Vec<String> = pages.iter().map(glob).collect();
    globs.dedup();
    let globs = globs.join(", ");
    format!(
        "# What {host} may tell others. docs/policy.md has the words and the precedence, docs/rules.md every key.\n\
         # For completion in an editor, `pixelwitness schema policy > policy.schema.json`, and begin this file with\n\
         #   # yaml-language-server: $schema=policy.schema.json\n\
         rules:\n\
         \x20 # No request to Meta from these pages: neither its library, nor an event, nor an attempt at one.\n\
         \x20 - id: no-meta\n\
         \x20   deny: {{ recipient: Meta, page: [{globs}] }}   # \"/report/**\" is /report/ and all below it\n\
         \x20   reason: these pages carry no advertising tags\n\
         \x20 # Nobody is told an event before the banner was answered. A warning is reported, and refuses nothing.\n\
         \x20 - id: nobody-before-consent\n\
         \x20   deny: {{ kind: event, consent: unanswered }}\n\
         \x20   severity: warning\n\
         \x20   reason: consent comes first\n\
         \x20 # When the scenario types canaries: what was typed reaches nobody else, in whatever form.\n\
         \x20 # - id: nothing-typed-leaves\n\
         \x20 #   deny: {{ verdict: typed_value }}\n\
         \x20 #   reason: what visitors write is for us alone\n\
         \x20 # An exception to a deny names it, and ends some day.\n\
         \x20 # - id: old-share-button\n\
         \x20 #   allow: {{ host: www.facebook.com, page: \"/news/**\", parameter: href }}\n\
         \x20 #   except: no-meta\n\
         \x20 #   until: 2030-01-31\n\
         # What somebody has claimed, and what would contradict it.\n\
         # claims:\n\
         #   - id: no-personal-data\n\
         #     says: No personal data is ever shared with third parties.\n\
         #     source: the privacy notice, as of today\n\
         #     deny: {{ verdict: [typed_value, identity_link] }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_whatever_the_address() {
        for address in [
            "https://www.police.example/",
            "https://www.police.example/a\"b/[c]/{d}*?x=#y: z",
            "http://127.0.0.1:8080/ü/",
        ] {
            let url = Url::parse(address).unwrap();
            let pages = [path_of(&url)];
            let scenario = scenario_text(&url, &pages, "x.policy.yaml");
            let scenario = Scenario::parse(Path::new("x.yaml"), scenario);
            assert_eq!(scenario.unwrap().steps.len(), 3, "{address}");
            let policy = policy_text("x", &pages);
            let policy = Policy::parse(Path::new("x.policy.yaml"), policy, today());
            assert_eq!(
                policy.map_err(|e| e.render(false)).unwrap().rules.len(),
                2,
                "{address}"
            );
        }
        assert_eq!(shell(Path::new("a b's")), "'a b'\\''s'");
    }

    /// What stands in comments must hold once somebody takes the sign away.
    #[test]
    fn what_is_commented_out_can_be_read_too() {
        let pages = ["/".to_owned()];
        let text = policy_text("x", &pages);
        let open: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("  # ") {
                Some(rest) if rest.starts_with(['-', ' ']) => format!("  {rest}"),
                _ => match line.strip_prefix("# ") {
                    Some(rest)
                        if rest == "claims:"
                            || rest.starts_with("  ") && !rest.contains("yaml-") =>
                    {
                        rest.to_owned()
                    }
                    _ => line.to_owned(),
                },
            })
            .collect();
        let policy = Policy::parse(Path::new("x.policy.yaml"), open.join("\n"), today());
        let policy = policy.map_err(|error| error.render(false)).unwrap();
        assert_eq!((policy.rules.len(), policy.claims.len()), (4, 1));
    }
}
