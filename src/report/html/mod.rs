//! As a page that people look at: one file, without network, that works from disk, printed, and without its script.
//!
//! Everything that others chose is [`Text`]: escaped by the templates, and with what cannot be seen by its name. The page's
//! Content-Security-Policy lets it run nothing but its own script and show nothing but its own pictures.

mod chart;
mod comparison;
mod detail;
mod entry;
mod index;
mod made;
mod picture;
mod summary;
mod text;
mod timeline;
mod told;

use std::io::{self, Write};

use askama::Template;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use self::chart::Chart;
pub use self::comparison::render as render_comparison;
use self::entry::Entry;
pub use self::index::render as render_index;
use self::made::{Canary, Facts, Lone};
use self::picture::Picture;
use self::summary::{Judgement, Sentence, VerdictView};
use self::text::Text;
use self::timeline::Timeline;
use self::told::{Named, Recipient, Topic, Way};
use super::{course, in_parallel};
use crate::model::{AuditVerdict, ClaimVerdict, Exchange};
use crate::run::Run;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Where what the records only name is had from.
pub struct Sources<'a> {
    /// A request's body.
    pub body: &'a (dyn Fn(&Exchange) -> Option<Vec<u8>> + Sync),
    /// A picture (PNG) by its path in the bundle.
    pub picture: &'a (dyn Fn(&str) -> Option<Vec<u8>> + Sync),
    /// Pixels of width that pictures are reduced to.
    pub width: u32,
    /// The bundle's `data/` is where the report is: files are linked to.
    pub beside: bool,
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("width", &self.width)
            .field("beside", &self.beside)
            .finish_non_exhaustive()
    }
}

/// Writes the report of a run.
///
/// # Errors
/// If it cannot be written.
pub fn render(run: &Run, sources: &Sources<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paths = picture_paths(run);
    let reduced = in_parallel(&paths, |path| {
        let png = (sources.picture)(path)?;
        picture::reduce(path, &png, sources.width)
    });
    let pictures: Vec<Picture> = reduced.into_iter().flatten().collect();
    let timeline = Timeline::new(run, &pictures, sources).map_err(failed)?;
    let record = &run.record;
    let page = Page {
        shell: Shell::new(),
        title: Text::new(&*record.scenario.title),
        origin: Text::new(&*record.scenario.origin),
        started: record.started.to_string(),
        headline: summary::headline(run),
        journey: course::journey(run).into(),
        problems: record
            .problems
            .iter()
            .map(|problem| {
                (
                    Text::new(&*problem.message),
                    Text::new(problem.help.as_deref().unwrap_or("")),
                )
            })
            .collect(),
        redacted: record.redaction.is_some(),
        verdicts: summary::verdicts(run),
        limits: run
            .findings
            .searched
            .limits
            .iter()
            .map(|limit| Text::new(&**limit))
            .collect(),
        claims: summary::claims(run),
        rules: summary::rules(run),
        not_contradicted: run
            .findings
            .claims
            .iter()
            .any(|claim| claim.verdict == ClaimVerdict::NotContradicted),
        ways: told::ways(run),
        topics: told::topics(run),
        named: told::named_by(run),
        untold: told::pages_untold(run),
        recipients: told::recipients(run),
        answered: super::compare::answered(run).is_some(),
        nothing_typed: told::nothing_typed(run),
        chart: Chart::new(run),
        banners: sentences(course::banners(run)),
        contained: sentences(course::contained(run)),
        cookies: sentences(course::cookies(run)),
        clocks: sentences(course::clocks(run)),
        recorded: course::recorded(run).into(),
        audit: Audit::new(run),
        made: made::made(run),
        canaries: made::canaries(record),
        searched: made::searched(run),
        digest: run.evidence_digest(),
        pictures: &pictures,
        timeline: &timeline,
    };
    let mut out = io::BufWriter::new(out);
    page.write_into(&mut out)?;
    out.flush()
}

fn failed(error: askama::Error) -> io::Error {
    io::Error::other(error)
}

fn sentences(lines: Vec<course::Line>) -> Vec<Sentence> {
    lines.into_iter().map(Sentence::from).collect()
}

/// Pictures that steps name, each once, in order.
fn picture_paths(run: &Run) -> Vec<&str> {
    let mut paths: Vec<&str> = Vec::new();
    for step in &run.record.journey.steps {
        let pointed = step.pointed.as_ref();
        let pointed = pointed.and_then(|pointed| pointed.screenshot.as_deref());
        for path in pointed.into_iter().chain(step.screenshot.as_deref()) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// What every page of ours has: its style, its script, and the policy that lets no other in.
struct Shell {
    style: &'static str,
    script: &'static str,
    policy: String,
}

impl Shell {
    fn new() -> Shell {
        let digest = |text: &str| BASE64.encode(&Sha256::digest(text.as_bytes()));
        Shell {
            style: STYLE,
            script: SCRIPT,
            policy: format!(
                "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
                digest(STYLE),
                digest(SCRIPT)
            ),
        }
    }
}

#[derive(Template)]
#[template(path = "html_report.html")]
struct Page<'a> {
    shell: Shell,
    title: Text<'a>,
    origin: Text<'a>,
    started: String,
    headline: Vec<Sentence>,
    journey: Sentence,
    problems: Vec<(Text<'a>, Text<'a>)>,
    redacted: bool,
    verdicts: Vec<VerdictView<'a>>,
    limits: Vec<Text<'a>>,
    claims: Vec<Judgement<'a>>,
    rules: Vec<Judgement<'a>>,
    not_contradicted: bool,
    ways: Vec<Way<'a>>,
    topics: Vec<Topic<'a>>,
    named: Vec<Named<'a>>,
    untold: Option<Vec<Text<'a>>>,
    recipients: Vec<Recipient<'a>>,
    answered: bool,
    nothing_typed: &'static str,
    chart: Option<Chart<'a>>,
    banners: Vec<Sentence>,
    contained: Vec<Sentence>,
    cookies: Vec<Sentence>,
    clocks: Vec<Sentence>,
    recorded: Sentence,
    audit: Audit<'a>,
    made: Facts<'a>,
    canaries: Vec<Canary<'a>>,
    searched: Facts<'a>,
    digest: String,
    pictures: &'a [Picture],
    timeline: &'a Timeline<'a>,
}

impl Page<'_> {
    /// What an entry opens to, where it stands in the page; empty if it is packed.
    fn detail(&self, entry: &Entry<'_>) -> &str {
        self.timeline
            .details
            .get(entry.number)
            .map_or("", String::as_str)
    }

    fn is_packed(&self) -> bool {
        !self.timeline.packed.is_empty()
    }
}

/// The audit in words.
struct Audit<'a> {
    verdict: &'static str,
    tone: &'static str,
    sentence: String,
    reasons: Vec<Text<'a>>,
    lone: Vec<Lone<'a>>,
}

impl<'a> Audit<'a> {
    fn new(run: &'a Run) -> Audit<'a> {
        let audit = &run.record.audit;
        Audit {
            verdict: audit.verdict.as_str(),
            tone: match audit.verdict {
                AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals => "good",
                AuditVerdict::Incomplete | AuditVerdict::AuditUnavailable => "bad",
                AuditVerdict::OfFile => "unsure",
            },
            sentence: match audit.verdict {
                AuditVerdict::AuditUnavailable => String::new(),
                _ => super::audit::sentence(audit),
            },
            reasons: audit
                .reasons
                .iter()
                .map(|reason| Text::new(&**reason))
                .collect(),
            lone: made::lone(&run.record),
        }
    }
}
