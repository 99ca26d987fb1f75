//! What people write: a journey in YAML, parsed into types at the edge, with a place for every error.

mod canary;
mod diagnostic;
mod selector;
mod step;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use url::Url;

pub use canary::{Canary, CanaryKind, Seed, substitute};
pub use diagnostic::Diagnostic;
pub use selector::{Selector, Selectors};
pub use step::{Change, OnElement, Step, StepKind, WaitForElement};

/// A journey, ready to be replayed.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub path: PathBuf,
    /// The exact bytes, for the bundle.
    pub text: String,
    pub title: String,
    pub about: Option<String>,
    /// Scheme, host and port; no path.
    pub origin: Url,
    pub third_party_cookies: ThirdPartyCookies,
    pub identity: Vec<Identity>,
    /// Name → kind, in the order of the names.
    pub canaries: BTreeMap<String, CanaryKind>,
    pub topics: Vec<String>,
    pub steps: Vec<Step>,
}

/// Whether the browser sends cookies to third parties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThirdPartyCookies {
    /// As Google Chrome does out of the box.
    #[default]
    Allow,
    /// As Debian's Chromium does out of the box.
    Block,
}

impl ThirdPartyCookies {
    pub fn as_str(self) -> &'static str {
        match self {
            ThirdPartyCookies::Allow => "allow",
            ThirdPartyCookies::Block => "block",
        }
    }
}

/// Whose logged-in visitor the journey plays: cookies are planted, nobody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    Facebook,
}

/// What is done about a consent banner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Consent {
    #[default]
    Ignore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Spanned<String>,
    #[serde(default)]
    about: Option<String>,
    origin: Spanned<String>,
    #[serde(default)]
    third_party_cookies: ThirdPartyCookies,
    #[serde(default, rename = "consent")]
    _consent: Consent,
    #[serde(default)]
    identity: Vec<Identity>,
    #[serde(default)]
    canaries: BTreeMap<String, CanaryKind>,
    #[serde(default)]
    topics: Vec<String>,
    steps: Spanned<Vec<Spanned<StepKind>>>,
}

impl Scenario {
    /// Reads a scenario from disk.
    ///
    /// # Errors
    /// A [`Diagnostic`] that names the file and, where there is one, line and column.
    pub fn load(path: &Path) -> Result<Scenario, Box<Diagnostic>> {
        let bytes = std::fs::read(path).map_err(|error| {
            Diagnostic::of_file(
                path,
                format!("the scenario cannot be read: {error}"),
                "give the path of a scenario in YAML; `scenarios/demo/` holds examples",
            )
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            Diagnostic::of_file(
                path,
                format!("the scenario is not UTF-8 text: {}", error.utf8_error()),
                "save the file as UTF-8",
            )
        })?;
        Scenario::parse(path, text)
    }

    /// Parses a scenario; `path` is only used to name it.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the line, what was expected, and what to do.
    pub fn parse(path: &Path, text: String) -> Result<Scenario, Box<Diagnostic>> {
        if text.trim().is_empty() {
            return Err(Diagnostic::of_file(
                path,
                "the scenario is empty",
                "it needs at least `title`, `origin` and `steps`",
            ));
        }
        let file: File = serde_saphyr::from_str(&text)
            .map_err(|error| Diagnostic::of_yaml(path, &text, &error))?;
        let at = |location: serde_saphyr::Location, message: String, help: &str| {
            Diagnostic::at(path, &text, location, message, help)
        };
        if file.title.value.trim().is_empty() {
            return Err(at(
                file.title.referenced,
                "the title is empty".into(),
                "say in a few words what the visitor does",
            ));
        }
        let origin = parse_origin(&file.origin.value)
            .map_err(|(message, help)| at(file.origin.referenced, message, help))?;
        if file.steps.value.is_empty() {
            return Err(at(
                file.steps.referenced,
                "there are no steps".into(),
                "begin with `- navigate: /`",
            ));
        }
        let mut steps = Vec::with_capacity(file.steps.value.len());
        for step in file.steps.value {
            step.value
                .check(&file.canaries)
                .map_err(|(message, help)| at(step.referenced, message, &help))?;
            steps.push(Step {
                kind: step.value,
                line: step.referenced.line(),
                column: step.referenced.column(),
            });
        }
        Ok(Scenario {
            path: path.to_owned(),
            title: file.title.value,
            about: file.about,
            origin,
            third_party_cookies: file.third_party_cookies,
            identity: file.identity,
            canaries: file.canaries,
            topics: file.topics,
            steps,
            text,
        })
    }

    /// Hex SHA-256 of the exact bytes.
    pub fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.text.as_bytes()))
    }

    /// The registrable domain of the origin: what "first party" means in this run.
    pub fn first_party(&self) -> String {
        crate::model::registrable_domain(self.origin.host_str().unwrap_or_default()).to_owned()
    }

    /// A short name for files: the scenario file's stem.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy());
        stem.as_deref().unwrap_or("scenario").to_owned()
    }
}

fn parse_origin(text: &str) -> Result<Url, (String, &'static str)> {
    let help = "write scheme and host, as in `origin: https://www.police.example`";
    let url =
        Url::parse(text).map_err(|error| (format!("`{text}` is not an origin: {error}"), help))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err((
            format!("`{}` cannot be replayed, only http and https", url.scheme()),
            help,
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err((
            format!("`{text}` is more than an origin"),
            "leave the path to the first `navigate` step",
        ));
    }
    Ok(url)
}
