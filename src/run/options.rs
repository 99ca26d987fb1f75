//! How a scenario is to be run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::browser::{ConnectTo, Endpoint};
use crate::capture::Deliver;
use crate::consent::Rules;
use crate::policy::Policy;
use crate::scenario::{Canary, CanaryKind, Consent, Scenario, Seed};

/// How a scenario is to be run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where the bundle goes; it must not exist, or be empty.
    pub out: PathBuf,
    pub browser: PathBuf,
    /// A browser elsewhere takes the place of one that is launched.
    pub connect: Option<Endpoint>,
    pub browser_args: Vec<String>,
    pub connect_to: Vec<ConnectTo>,
    pub insecure: bool,
    /// Base64 SHA-256 digests of public keys to trust besides the authorities.
    pub trusted_keys: Vec<String>,
    pub headed: bool,
    pub no_sandbox: bool,
    pub declare_automation: bool,
    /// For the whole journey.
    pub timeout: Duration,
    pub step_timeout: Duration,
    /// After the last step, wait for quiet at most this long.
    pub settle: Duration,
    pub seed: Seed,
    pub typing: Typing,
    /// What may really leave.
    pub deliver: Deliver,
    /// What is done about consent banners, if it is not what the scenario says.
    pub consent: Option<Consent>,
    /// Rules for banners that we do not recognise ourselves.
    pub consent_rules: Option<Arc<Rules>>,
    /// The origin that the scenario's was replaced by, for the record.
    pub base_url: Option<Url>,
    /// What the run is held against, for its bundle.
    pub policy: Option<Arc<Policy>>,
    /// Whether a picture is taken of what the visitor sees after each step.
    pub screenshots: bool,
}

impl RunOptions {
    /// By their names on the command line, as `run.json` has them.
    pub fn record(&self, scenario: &Scenario) -> Value {
        json!({
            "connect_to": self.connect_to.iter().map(ConnectTo::to_string).collect::<Vec<_>>(),
            "insecure": self.insecure,
            "connect": self.connect.as_ref().map(Endpoint::to_string),
            "browser_arg": self.browser_args,
            "headed": self.headed,
            "no_sandbox": self.no_sandbox,
            "declare_automation": self.declare_automation,
            "timeout": self.timeout.as_secs_f64(),
            "step_timeout": self.step_timeout.as_secs_f64(),
            "settle": self.settle.as_secs_f64(),
            "deliver": self.deliver.as_str(),
            "consent": self.consent.unwrap_or(scenario.consent).as_str(),
            "consent_rules": self.consent_rules.as_ref().map(|rules| format!("autoconsent {}", rules.version)),
            "base_url": self.base_url.as_ref().map(|url| url.as_str()),
            "seed": self.seed.hex(),
            "typing": self.typing.as_str(),
            "screenshots": if self.screenshots { "both" } else { "none" },
        })
    }
}

/// What is typed where the scenario has a canary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Typing {
    #[default]
    AsWritten,
    /// Canaries of other values: a control.
    OtherCanaries,
    /// The field is left as it is: a control.
    Nothing,
}

impl Typing {
    pub fn as_str(self) -> &'static str {
        match self {
            Typing::AsWritten => "as_written",
            Typing::OtherCanaries => "other_canaries",
            Typing::Nothing => "nothing",
        }
    }

    /// The canaries that follow from a seed; planted cookies stay what they are.
    pub(super) fn canaries(
        self,
        seed: &Seed,
        wanted: &BTreeMap<String, CanaryKind>,
    ) -> Vec<Canary> {
        let own = seed.canaries(wanted.iter());
        if self != Typing::OtherCanaries {
            return own;
        }
        // All of them others: of a thousand phone numbers one may come again.
        let is_other = |canaries: &[Canary]| {
            canaries
                .iter()
                .all(|canary| own.iter().all(|own| own.value != canary.value))
        };
        let mut seed = seed.other();
        let mut others = seed.canaries(wanted.iter());
        for _ in 0..1000 {
            if is_other(&others) {
                break;
            }
            seed = seed.other();
            others = seed.canaries(wanted.iter());
        }
        others
    }
}
