//! What people write: a journey in YAML, parsed into types at the edge, with a place for every error.

mod canary;
mod diagnostic;
mod keys;
mod recorder;
mod recording;
mod selector;
mod step;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use url::Url;

pub use canary::{Canary, CanaryKind, ENVIRONMENT, Seed, placeholders, substitute};
pub use diagnostic::{Diagnostic, POLICY};
pub use keys::{KeyCode, is_key, key};
pub use recording::Recording;
pub use selector::{Path as SelectorPath, Selector, Selectors};
pub use step::*;
pub use write::{write, write_step};

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
    pub consent: Consent,
    pub consent_selectors: ConsentSelectors,
    pub identity: Vec<Spanned<Identity>>,
    /// The policy to hold the run against, beside the scenario.
    pub policy: Option<Spanned<PathBuf>>,
    /// As the scenario says; see [`Scenario::guards_from`].
    pub guard: Option<GuardFrom>,
    /// Name → kind, in the order of the names.
    pub canaries: BTreeMap<String, CanaryKind>,
    /// What the canaries' values follow from; fresh in every run without it.
    pub seed: Option<String>,
    pub topics: Vec<String>,
    pub steps: Vec<Step>,
}

/// Whether the browser sends cookies to third parties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Canary values in the cookies that Facebook knows its visitors by.
    Facebook,
    /// Cookies that a browser exported, as `cookies.txt` or JSON; the path is from the scenario's folder. Their values
    /// are secrets, and never written down.
    Cookies(PathBuf),
}

impl Identity {
    pub fn as_str(&self) -> &'static str {
        match self {
            Identity::Facebook => "facebook",
            Identity::Cookies(_) => "cookies",
        }
    }
}

/// What is done about consent banners.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// They are left alone, unless a step answers them.
    #[default]
    Ignore,
    Reject,
    Accept,
}

impl Consent {
    pub fn as_str(self) -> &'static str {
        match self {
            Consent::Ignore => "ignore",
            Consent::Reject => "reject",
            Consent::Accept => "accept",
        }
    }

    pub fn answer(self) -> Option<ConsentAnswer> {
        match self {
            Consent::Ignore => None,
            Consent::Reject => Some(ConsentAnswer::Reject),
            Consent::Accept => Some(ConsentAnswer::Accept),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    /// What the visitor does, in a few words.
    #[schemars(with = "String")]
    title: Spanned<String>,
    /// The question that the journey answers.
    #[serde(default)]
    about: Option<String>,
    /// Scheme and host: `https://www.police.example`.
    #[schemars(with = "String")]
    origin: Spanned<String>,
    #[serde(default)]
    third_party_cookies: ThirdPartyCookies,
    #[serde(default)]
    consent: Consent,
    #[serde(default)]
    consent_selectors: ConsentSelectors,
    #[serde(default)]
    #[schemars(with = "Vec<Identity>")]
    identity: Vec<Spanned<Identity>>,
    /// Name → kind: values that exist nowhere else, typed where a step says `{{name}}`.
    #[serde(default)]
    canaries: BTreeMap<String, CanaryKind>,
    /// What the canaries' values follow from.
    #[serde(default)]
    seed: Option<String>,
    /// What the pages are about that nobody else should be told.
    #[serde(default)]
    topics: Vec<String>,
    #[schemars(with = "Vec<StepKind>")]
    steps: Spanned<Vec<Spanned<StepKind>>>,
    /// What the run is held against; the path is from the scenario's folder.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    policy: Option<Spanned<PathBuf>>,
    #[serde(default)]
    guard: Option<GuardFrom>,
}

/// From when on requests that may file a report are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardFrom {
    /// From the first thing that is typed on.
    Typing,
    /// While and after `submit` steps.
    Submit,
}

/// How this site's own banner is answered, where it is none of the known ones: what is clicked, in this order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentSelectors {
    #[serde(default)]
    pub accept: Vec<Selectors>,
    #[serde(default)]
    pub reject: Vec<Selectors>,
}

impl Scenario {
    /// What may stand in a scenario, as a JSON Schema.
    pub fn schema(generator: SchemaGenerator) -> Schema {
        generator.into_root_schema_for::<File>()
    }

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
        if text.trim_start().starts_with('{') {
            return recorder::parse(path, text);
        }
        let file: File = serde_saphyr::from_str(&text)
            .map_err(|error| Diagnostic::of_yaml(path, &text, &error, &diagnostic::SCENARIO))?;
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
        let mut reach = Reach::default();
        for step in file.steps.value {
            step.value
                .check(&file.canaries)
                .map_err(|(message, help)| at(step.referenced, message, &help))?;
            reach
                .step(&step.value)
                .map_err(|(message, help)| at(step.referenced, message, help))?;
            steps.push(Step {
                kind: step.value,
                line: step.referenced.line(),
                column: step.referenced.column(),
                place: step.referenced,
            });
        }
        Ok(Scenario {
            path: path.to_owned(),
            title: file.title.value,
            about: file.about,
            origin,
            third_party_cookies: file.third_party_cookies,
            consent: file.consent,
            consent_selectors: file.consent_selectors,
            identity: file.identity,
            policy: file.policy,
            guard: file.guard,
            canaries: file.canaries,
            seed: file.seed,
            topics: file.topics,
            steps,
            text,
        })
    }

    /// From when on requests that may file a report are kept: where no `submit` step says which click sends it, from
    /// the first thing that is typed on.
    pub fn guards_from(&self) -> GuardFrom {
        let submits = |step: &Step| matches!(step.kind, StepKind::Submit(_));
        self.guard.unwrap_or(if self.steps.iter().any(submits) {
            GuardFrom::Submit
        } else {
            GuardFrom::Typing
        })
    }

    /// Whether the files that the scenario names are there.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the line that names one that is not.
    pub fn check_files(&self) -> Result<(), Box<Diagnostic>> {
        let missing = |location, what: &str, file: &Path, help: &str| {
            let message = format!(
                "there is no {what} `{}`",
                self.folder().join(file).display()
            );
            Err(Diagnostic::at(
                &self.path, &self.text, location, message, help,
            ))
        };
        if let Some(policy) = &self.policy
            && !self.folder().join(&policy.value).is_file()
        {
            let help = "its path is from the scenario's folder";
            return missing(policy.referenced, "policy", &policy.value, help);
        }
        let help = "export the cookies of a logged-in browser there; its path is from the scenario's folder";
        let what = "file of cookies";
        for identity in &self.identity {
            if let Identity::Cookies(file) = &identity.value
                && !self.folder().join(file).is_file()
            {
                return missing(identity.referenced, what, file, help);
            }
        }
        for step in &self.steps {
            let StepKind::Identity(planted) = &step.kind else {
                continue;
            };
            for identity in &planted.who {
                if let Identity::Cookies(file) = identity
                    && !self.folder().join(file).is_file()
                {
                    return missing(step.place, what, file, help);
                }
            }
        }
        Ok(())
    }

    /// Whose cookies are planted before the first page.
    pub fn identities(&self) -> Vec<Identity> {
        self.identity
            .iter()
            .map(|identity| identity.value.clone())
            .collect()
    }

    /// Whose cookies are planted at any time.
    pub fn all_identities(&self) -> Vec<Identity> {
        let later = self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Identity(planted) => Some(planted.who.clone()),
            _ => None,
        });
        let mut all = self.identities();
        all.extend(later.flatten());
        all
    }

    /// Hex SHA-256 of the exact bytes.
    pub fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.text.as_bytes()))
    }

    /// The registrable domain of the origin: what "first party" means in this run.
    pub fn first_party(&self) -> String {
        crate::model::registrable_domain(self.origin.host_str().unwrap_or_default()).to_owned()
    }

    /// The folder that it names files from.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Variables of the environment whose values are typed, `env:` before each: secrets, which are written down nowhere.
    pub fn secrets(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for step in &self.steps {
            if let StepKind::Change(change) = &step.kind {
                let named = placeholders(&change.value);
                names.extend(
                    named
                        .into_iter()
                        .filter(|name| name.starts_with(ENVIRONMENT)),
                );
            }
        }
        names.dedup();
        names
    }

    /// The same journey on another origin, as on a staging site: pages of the scenario's own origin are opened there.
    pub fn rebased(&self, origin: &Url) -> Scenario {
        let old = self.origin.origin().ascii_serialization();
        let new = origin.origin().ascii_serialization();
        let moved = |url: &str| match url.strip_prefix(&old) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                Some(format!("{new}{rest}"))
            }
            _ => None,
        };
        let mut scenario = self.clone();
        scenario.origin = origin.clone();
        for step in &mut scenario.steps {
            step.kind.move_addresses(&moved);
        }
        scenario
    }

    /// A short name for files: the scenario file's stem.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy());
        stem.as_deref().unwrap_or("scenario").to_owned()
    }
}

/// Whether a step can be reached at all.
#[derive(Default)]
struct Reach {
    /// A page was opened.
    opened: bool,
    /// Something may have opened another tab.
    more_tabs: bool,
    closed: bool,
}

impl Reach {
    fn step(&mut self, step: &StepKind) -> Result<(), (String, &'static str)> {
        if self.closed && !self.more_tabs {
            let message = "this step cannot be reached: the only tab was closed before it";
            return Err((message.to_owned(), "move `close` to the end"));
        }
        match step {
            StepKind::Navigate(_) => self.opened = true,
            StepKind::SetViewport(_)
            | StepKind::Identity(_)
            | StepKind::Wait(_)
            | StepKind::Close(_) => {}
            _ if !self.opened => {
                let message = format!(
                    "this step cannot be reached: no page was opened before `{}`",
                    step.name()
                );
                return Err((message, "begin with `- navigate: /`"));
            }
            StepKind::Click(_)
            | StepKind::DoubleClick(_)
            | StepKind::KeyDown(_)
            | StepKind::KeyUp(_)
            | StepKind::Submit(_)
            | StepKind::WaitForExpression(_) => self.more_tabs = true,
            _ => {}
        }
        self.closed |= matches!(step, StepKind::Close(_));
        Ok(())
    }
}

pub(crate) fn parse_origin(text: &str) -> Result<Url, (String, &'static str)> {
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
