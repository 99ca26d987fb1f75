//! Every journey of a command: planned, and all that can be wrong said before anything runs; `make` makes them.

mod make;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::make::{close, one, without_result};
use super::gate::{GateArgs, Gatekeeper, own_policy, today};
use super::options::{Journeys, Many, Replay};
use super::outputs::{OutputArgs, Outputs};
use super::results::Results;
use super::{exit, talk};
use crate::batch::{Batch, BatchError, Plan, Planned, may_be_begun, may_be_resumed};
use crate::model::Moment;
use crate::policy::Fingerprint;
use crate::report;
use crate::run::RunOptions;
use crate::scenario::{Consent, Scenario};

/// What a command was asked for.
pub struct Asked<'a> {
    /// Each with the name of its bundle.
    pub scenarios: Vec<(PathBuf, Arc<Scenario>)>,
    pub consents: &'a [Consent],
    pub out: Option<PathBuf>,
    pub journeys: &'a Journeys,
    pub many: &'a Many,
    pub gate: &'a GateArgs,
    pub outputs: &'a OutputArgs,
    pub replay: &'a Replay,
}

/// Makes every journey, some at once, and prints what came of them. Gives the exit code.
pub async fn replay_all(asked: Asked<'_>) -> u8 {
    match prepare(asked) {
        Ok(prepared) => prepared.make().await,
        Err(code) => code,
    }
}

/// All that can be known before anything runs.
struct Prepared<'a> {
    asked: Asked<'a>,
    journeys: Vec<(Planned, Arc<RunOptions>)>,
    /// Nothing where there is one journey alone.
    batch: Option<Batch>,
    keeper: Gatekeeper,
    outputs: Outputs,
    results: Results,
}

/// Everything that can be wrong is said before anything runs.
fn prepare(asked: Asked<'_>) -> Result<Prepared<'_>, u8> {
    let replay = asked.replay;
    // Before a report in the making lies there.
    let resumed = match (&asked.many.resume, &asked.out) {
        (Some(root), _) => may_be_resumed(root).map_err(no_batch)?,
        (None, out) => {
            out.as_deref()
                .map_or(Ok(()), may_be_begun)
                .map_err(no_batch)?;
            false
        }
    };
    if asked.many.shard.is_some() && asked.gate.baseline.is_some() {
        talk::error(
            "a baseline is of all journeys, and a share makes only some",
            Some(
                "put the shares together with `pixelwitness merge`, and hold that against it with `pixelwitness check DIR --baseline FILE`",
            ),
        );
        return Err(exit::BAD_INPUT);
    }
    replay.check_controls(false)?;
    asked.many.check(asked.journeys, replay)?;
    let signer = replay.signer()?;
    let own = asked.scenarios.iter();
    let own = own.filter_map(|(_, scenario)| own_policy(scenario));
    let keeper = Gatekeeper::open(asked.gate, own, today())?;
    let plan = plan(&asked)?;
    let outputs = Outputs::open(asked.outputs, plan.journeys.len())?;
    let browser = asked.many.find_browser(replay)?;
    replay.warn_of_delivery();
    let resume = asked.many.resume.as_deref();
    let alone = plan.whole.journeys == 1 && resume.is_none() && plan.shard.is_none();
    let root = resume.or(asked.out.as_deref());
    let root = root.map_or_else(|| default_root(&asked, alone), Path::to_owned);
    let mut journeys = Vec::new();
    for planned in plan.journeys.clone() {
        let scenario = &planned.scenario;
        let out = match alone {
            true => root.clone(),
            false => root.join(&planned.name),
        };
        let own = replay.options(browser.clone(), out, scenario.seed.as_deref())?;
        let options = RunOptions {
            consent: planned.consent,
            connect: asked.many.connect.clone(),
            policy: keeper.policy_of(asked.gate, own_policy(scenario).as_deref()),
            ..asked.journeys.apply(own)
        };
        crate::run::check(&planned.scenario, &options).map_err(|error| {
            talk::error(&error.to_string(), Some(&error.help()));
            exit::BAD_INPUT
        })?;
        journeys.push((planned, Arc::new(options)));
    }
    asked.many.warn(&journeys, replay);
    let fingerprint = Fingerprint::planned(journeys.iter().map(|(planned, options)| {
        let consent = options.consent.unwrap_or(planned.scenario.consent);
        let deliver = options.deliver.as_str();
        (&*planned.scenario, consent.as_str(), deliver)
    }));
    keeper.check_fingerprint(&fingerprint)?;
    let batch = match (alone, resumed) {
        (true, _) => None,
        (false, false) => Some(Batch::create(&root, &plan).map_err(no_batch)?),
        (false, true) => Some(Batch::resume(&root, &plan).map_err(no_batch)?),
    };
    let mut results = Results::new(replay.json, signer);
    results.has_baseline = keeper.has_baseline();
    Ok(Prepared {
        asked,
        journeys,
        batch,
        keeper,
        outputs,
        results,
    })
}

fn plan(asked: &Asked<'_>) -> Result<Plan, u8> {
    let many = asked.many;
    let plan = Plan::new(&asked.scenarios, asked.consents, many.repeat, many.shard);
    let plan = plan.map_err(|clash| {
        talk::error(
            &clash.to_string(),
            Some("give their files different names, or run them apart"),
        );
        exit::BAD_INPUT
    })?;
    if let Some(shard) = plan.shard {
        talk::note(&format!(
            "share {} of {}: {} of {}",
            shard.index,
            shard.of,
            plan.journeys.len(),
            report::count(plan.whole.journeys, "journey"),
        ));
    }
    Ok(plan)
}

/// `evidence/<scenario>-<UTC time>`; of several scenarios `evidence/batch-<UTC time>`.
fn default_root(asked: &Asked<'_>, alone: bool) -> PathBuf {
    let name = match &asked.scenarios[..] {
        [(_, scenario)] => scenario.name(),
        _ if alone => "scenario".to_owned(),
        _ => "batch".to_owned(),
    };
    default_out(&name)
}

/// `evidence/<name>-<UTC time>`
pub fn default_out(name: &str) -> PathBuf {
    PathBuf::from("evidence").join(format!("{name}-{}", Moment::now().compact()))
}

pub fn no_batch(error: BatchError) -> u8 {
    talk::error(&error.to_string(), Some(error.help()));
    exit::BAD_INPUT
}
