//! The run's own record: how it begins, and how a problem gets into it.

use serde_json::json;

use super::{RunOptions, host};
use crate::browser::ConnectTo;
use crate::model::{
    AuditRecord, CanaryRecord, ClocksRecord, ContainmentRecord, Counts, FORMAT, JourneyRecord,
    JourneyState, Moment, PolicyRecord, Problem, RunRecord, ScenarioRecord, StepRecord, StepState,
    ToolRecord,
};
use crate::scenario::Scenario;

pub(super) fn problem(record: &mut RunRecord, area: &str, message: String, help: Option<String>) {
    record.problems.push(Problem {
        area: area.to_owned(),
        message,
        help,
    });
}

pub(super) fn begin_record(scenario: &Scenario, options: &RunOptions) -> RunRecord {
    let steps = (1u32..)
        .zip(&scenario.steps)
        .map(|(number, step)| StepRecord {
            number,
            kind: step.kind.name().to_owned(),
            what: step.kind.to_string(),
            line: step.line,
            state: StepState::NotReached,
            started: None,
            ended: None,
            page: None,
            screenshot: None,
            pointed: None,
            problem: None,
            notes: Vec::new(),
        })
        .collect();
    RunRecord {
        format: FORMAT,
        host: host::this(),
        clocks: ClocksRecord::default(),
        tool: ToolRecord::this(),
        browser: None,
        scenario: ScenarioRecord {
            title: scenario.title.clone(),
            path: scenario.path.display().to_string(),
            sha256: scenario.sha256(),
            origin: scenario.origin.origin().ascii_serialization(),
            topics: scenario.topics.clone(),
        },
        policy: options.policy.as_ref().map(|policy| PolicyRecord {
            path: policy.path.display().to_string(),
            sha256: policy.sha256(),
        }),
        started: Moment::now(),
        finished: None,
        options: json!({
            "connect_to": options.connect_to.iter().map(ConnectTo::to_string).collect::<Vec<_>>(),
            "insecure": options.insecure,
            "browser_arg": options.browser_args,
            "headed": options.headed,
            "no_sandbox": options.no_sandbox,
            "declare_automation": options.declare_automation,
            "timeout": options.timeout.as_secs_f64(),
            "step_timeout": options.step_timeout.as_secs_f64(),
            "settle": options.settle.as_secs_f64(),
            "deliver": options.deliver.as_str(),
            "consent": options.consent.unwrap_or(scenario.consent).as_str(),
            "consent_rules": options.consent_rules.as_ref().map(|rules| format!("autoconsent {}", rules.version)),
            "base_url": options.base_url.as_ref().map(|url| url.as_str()),
            "seed": options.seed.hex(),
            "typing": options.typing.as_str(),
            "screenshots": if options.screenshots { "both" } else { "none" },
        }),
        canaries: options
            .typing
            .canaries(&options.seed, &scenario.canaries)
            .into_iter()
            .map(|canary| CanaryRecord {
                name: canary.name,
                kind: canary.kind.as_str().to_owned(),
                value: canary.value,
                typed_in: Vec::new(),
                typed_into: Vec::new(),
            })
            .collect(),
        consent: Vec::new(),
        identity: Vec::new(),
        secrets: Vec::new(),
        sources_left_out: None,
        redaction: None,
        containment: ContainmentRecord {
            deliver: options.deliver.as_str().to_owned(),
            ..ContainmentRecord::default()
        },
        journey: JourneyRecord {
            state: JourneyState::Running,
            steps,
        },
        audit: AuditRecord {
            reasons: vec!["the run has not come to its end".to_owned()],
            ..AuditRecord::default()
        },
        counts: Counts::default(),
        problems: Vec::new(),
    }
}
