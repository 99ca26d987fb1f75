//! The run's own record: how it begins, and how a problem gets into it.

use super::{RunOptions, host};
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
        options: options.record(scenario),
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
