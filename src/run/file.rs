//! A file by another tool as if it were a run: whatever a HAR does not say is unknown, and is not made up.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::Run;
use crate::decode::decode_all;
use crate::intake::{self, IntakeError, Recorded};
use crate::leak::{Case, Sought, findings};
use crate::model::{
    AuditRecord, AuditVerdict, BodyState, CanaryRecord, ClocksRecord, ContainmentRecord, Counts,
    Exchange, FORMAT, HostRecord, JourneyRecord, JourneyState, Moment, Party, Problem, RunRecord,
    ScenarioRecord, ToolRecord, UrlParts, count, registrable_domain,
};

/// What is known of a file besides what stands in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct AboutFile<'a> {
    /// Registrable domain of the site that it was; else that of the first page in it.
    pub site: Option<&'a str>,
    /// What was typed.
    pub canaries: &'a [Sought],
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("it is not known whose site this was")]
    NoSite,
}

impl FileError {
    pub fn help(&self) -> &'static str {
        match self {
            FileError::Intake(error) => error.help(),
            FileError::NoSite => {
                "name the site's domain with `--site`, as in `--site police.example`"
            }
        }
    }
}

/// Reads a file to its end, decodes and searches it. What cannot be read is a problem of the record; a file that is cut off
/// is looked at as far as it goes. `path` is only used to name it.
///
/// # Errors
/// [`FileError`], if nothing can be read, or it is not known whose site it was.
pub fn of_file(
    path: &Path,
    input: impl Read + Send,
    about: AboutFile<'_>,
) -> Result<Run, FileError> {
    let mut read: Vec<Recorded> = Vec::new();
    let mut problems: Vec<String> = Vec::new();
    let taken = intake::exchanges(input, &mut |request| match request {
        Ok(request) => read.push(request),
        Err(problem) => problems.push(problem),
    });
    match taken {
        Err(error @ IntakeError::CutOff { .. }) if !read.is_empty() => {
            problems.insert(0, error.to_string());
        }
        taken => drop(taken?),
    }
    let origin = match about.site {
        Some(site) => first_page(&read, Some(site)).unwrap_or_else(|| format!("https://{site}")),
        None => first_page(&read, None).ok_or(FileError::NoSite)?,
    };
    let site = UrlParts::of(&origin).map_or("", |parts| parts.host);
    let site = registrable_domain(site).to_owned();
    let mut exchanges: Vec<Exchange> = Vec::with_capacity(read.len());
    let mut bodies: HashMap<String, Vec<u8>> = HashMap::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for request in read {
        let Recorded {
            mut exchange, body, ..
        } = request;
        // Two HARs put into one may have an id twice.
        let times = known.entry(exchange.id.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            exchange.id += &format!("-{times}");
        }
        let host = UrlParts::of(&exchange.url).map_or("", |parts| parts.host);
        exchange.party = Party::of(&host.to_lowercase(), &site);
        if exchange.body_state == BodyState::Unavailable && exchange.party == Party::Third {
            problems.push(format!(
                "the file does not have the body of {}",
                exchange.id
            ));
        }
        if let Some(body) = body {
            bodies.insert(exchange.id.clone(), body);
        }
        exchanges.push(exchange);
    }
    let body = |exchange: &Exchange| bodies.get(&exchange.id).cloned();
    let events = decode_all(&exchanges, body);
    let told = events.iter().filter(|event| event.tells()).count();
    let record = record(
        path,
        &origin,
        about.canaries,
        &exchanges,
        told as u64,
        problems,
    );
    let case = Case {
        record: &record,
        exchanges: &exchanges,
        events: &events,
    };
    let findings = findings(case, body);
    Ok(Run {
        bundle: path.to_owned(),
        record,
        exchanges,
        events,
        findings,
    })
}

/// The origin of the first page that was opened; of a site's, by its registrable domain, if that is given.
fn first_page(read: &[Recorded], site: Option<&str>) -> Option<String> {
    let page = read.iter().find(|request| {
        let exchange = &request.exchange;
        let host = UrlParts::of(&exchange.url).map_or("", |parts| parts.host);
        let of_site = |site| registrable_domain(&host.to_lowercase()) == site;
        exchange.resource_type == "document" && exchange.method == "GET" && site.is_none_or(of_site)
    })?;
    let url = url::Url::parse(&page.exchange.url).ok()?;
    Some(url.origin().ascii_serialization())
}

fn record(
    path: &Path,
    origin: &str,
    canaries: &[Sought],
    exchanges: &[Exchange],
    events: u64,
    mut problems: Vec<String>,
) -> RunRecord {
    let times = exchanges.iter().filter_map(|exchange| exchange.time);
    let started = times.clone().min().unwrap_or(Moment::from_millis(0));
    if problems.len() > 3 {
        let more = problems.len() - 3;
        problems.truncate(3);
        problems.push(format!("and {} more", count(more, "problem")));
    }
    RunRecord {
        format: FORMAT,
        tool: ToolRecord::this(),
        // Where, with what and by which clock it was made, the file does not say.
        host: HostRecord::default(),
        clocks: ClocksRecord::default(),
        browser: None,
        scenario: ScenarioRecord {
            title: path.file_name().map_or_else(
                || "-".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ),
            path: String::new(),
            sha256: String::new(),
            origin: origin.trim_end_matches('/').to_owned(),
            topics: Vec::new(),
        },
        policy: None,
        started,
        finished: times.max(),
        options: Value::Null,
        canaries: canaries
            .iter()
            .map(|canary| CanaryRecord {
                name: canary.name.clone(),
                kind: canary.kind.clone(),
                value: canary.value.clone(),
                typed_in: Vec::new(),
                typed_into: Vec::new(),
            })
            .collect(),
        journey: JourneyRecord {
            state: JourneyState::Completed,
            steps: Vec::new(),
        },
        consent: Vec::new(),
        identity: Vec::new(),
        secrets: Vec::new(),
        sources_left_out: Some("it is a file by another tool".to_owned()),
        redaction: None,
        containment: ContainmentRecord::default(),
        audit: AuditRecord {
            verdict: AuditVerdict::OfFile,
            reasons: vec![
                "a file has what its tool recorded; what that missed is unknown".to_owned(),
            ],
            ..AuditRecord::default()
        },
        counts: Counts {
            exchanges: exchanges.len() as u64,
            third_party: exchanges.iter().filter(|x| x.party == Party::Third).count() as u64,
            contained: 0,
            events,
        },
        problems: problems
            .into_iter()
            .map(|message| Problem {
                area: "capture".to_owned(),
                message,
                help: None,
            })
            .collect(),
    }
}
