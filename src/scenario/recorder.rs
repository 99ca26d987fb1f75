//! Recordings of the Chrome DevTools Recorder, as it exports them (JSON): each step of theirs is one of ours.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::step::{
    AssertedEvent, Button, Change, Click, Close, Device, Hover, Key, Navigate, Operator, Options,
    Scroll, SetViewport, Step, StepKind, WaitForElement, WaitForExpression,
};
use super::{Consent, ConsentSelectors, Diagnostic, Scenario, Selectors, ThirdPartyCookies};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Recording {
    title: String,
    /// Milliseconds, for each step that does not say its own.
    #[serde(default)]
    timeout: Option<u64>,
    /// Which attribute the Recorder preferred; the selectors are written already.
    #[serde(default, rename = "selectorAttribute")]
    _selector_attribute: Option<String>,
    steps: Vec<Spanned<Recorded>>,
}

/// A step with the fields of all kinds: which of them it must have depends on `type`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Recorded {
    #[serde(rename = "type")]
    kind: String,
    timeout: Option<u64>,
    target: Option<String>,
    frame: Option<Vec<usize>>,
    #[serde(default)]
    asserted_events: Vec<AssertedEvent>,
    url: Option<String>,
    selectors: Option<Selectors>,
    value: Option<String>,
    key: Option<String>,
    x: Option<f64>,
    y: Option<f64>,
    offset_x: Option<f64>,
    offset_y: Option<f64>,
    button: Option<Button>,
    device_type: Option<Device>,
    duration: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    device_scale_factor: Option<f64>,
    is_mobile: Option<bool>,
    has_touch: Option<bool>,
    is_landscape: Option<bool>,
    expression: Option<String>,
    count: Option<u64>,
    operator: Option<Operator>,
    visible: Option<bool>,
    properties: Option<BTreeMap<String, Value>>,
    attributes: Option<BTreeMap<String, String>>,
    /// Of kinds that cannot be replayed, so that the error can name the kind.
    #[serde(rename = "name")]
    _name: Option<Value>,
    #[serde(rename = "parameters")]
    _parameters: Option<Value>,
    #[serde(rename = "download")]
    _download: Option<Value>,
    #[serde(rename = "upload")]
    _upload: Option<Value>,
    #[serde(rename = "latency")]
    _latency: Option<Value>,
}

/// Parses a recording. The origin is that of the first page it opens.
///
/// # Errors
/// A [`Diagnostic`] with the line of the step that cannot be replayed.
pub(super) fn parse(path: &Path, text: String) -> Result<Scenario, Box<Diagnostic>> {
    let recording: Recording = serde_saphyr::from_str(&text)
        .map_err(|error| Diagnostic::of_yaml(path, &text, &error, &super::diagnostic::SCENARIO))?;
    let mut steps = Vec::with_capacity(recording.steps.len());
    let mut origin = None;
    for step in recording.steps {
        let place = step.referenced;
        let at = |message: String, help: &str| Diagnostic::at(path, &text, place, message, help);
        let kind = step.value.into_kind(recording.timeout).map_err(|why| {
            let help = match why {
                Why::Kind(_) => {
                    "record the journey without it, or write the step as one of docs/scenarios.md"
                }
                Why::Lacks(..) => "export the recording again, as JSON",
            };
            at(why.to_string(), help)
        })?;
        kind.check(&BTreeMap::new())
            .map_err(|(message, help)| at(message, &help))?;
        if origin.is_none()
            && let StepKind::Navigate(navigate) = &kind
            && let Ok(url) = url::Url::parse(&navigate.url)
            && matches!(url.scheme(), "http" | "https")
        {
            origin = url.join("/").ok();
        }
        steps.push(Step {
            kind,
            line: place.line(),
            column: place.column(),
            place,
        });
    }
    let Some(origin) = origin else {
        return Err(Diagnostic::of_file(
            path,
            "the recording opens no page of the web",
            "begin the recording on the page where the journey begins",
        ));
    };
    Ok(Scenario {
        path: path.to_owned(),
        title: recording.title,
        about: None,
        origin,
        third_party_cookies: ThirdPartyCookies::default(),
        consent: Consent::default(),
        consent_selectors: ConsentSelectors::default(),
        identity: Vec::new(),
        policy: None,
        guard: None,
        canaries: BTreeMap::new(),
        seed: None,
        topics: Vec::new(),
        steps,
        text,
    })
}

/// Why a step cannot be taken over.
#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("a recorded step of kind `{0}` cannot be replayed")]
    Kind(String),
    #[error("the recorded step `{0}` lacks `{1}`")]
    Lacks(String, &'static str),
}

impl Recorded {
    fn into_kind(self, timeout: Option<u64>) -> Result<StepKind, Why> {
        let options = Options {
            timeout: self.timeout.or(timeout),
            target: self.target,
            frame: self.frame.filter(|frame| !frame.is_empty()),
            retries: 0,
            asserted_events: self.asserted_events,
        };
        let kind = self.kind;
        let lacks = |what| Why::Lacks(kind.clone(), what);
        let selectors = |found: Option<Selectors>| found.ok_or_else(|| lacks("selectors"));
        Ok(match kind.as_str() {
            "navigate" => {
                let url = self.url.ok_or_else(|| lacks("url"))?;
                StepKind::Navigate(Navigate::new(url).with(options))
            }
            "click" | "doubleClick" => {
                let click = Click::new(
                    selectors(self.selectors)?,
                    self.button.unwrap_or_default(),
                    self.offset_x,
                    self.offset_y,
                    self.device_type.unwrap_or_default(),
                    self.duration,
                );
                let click = click.with(options);
                if kind == "click" {
                    StepKind::Click(click)
                } else {
                    StepKind::DoubleClick(click)
                }
            }
            "hover" => StepKind::Hover(Hover::new(selectors(self.selectors)?).with(options)),
            "change" => {
                let value = self.value.ok_or_else(|| lacks("value"))?;
                StepKind::Change(Change::new(selectors(self.selectors)?, value).with(options))
            }
            "keyDown" | "keyUp" => {
                let key = Key::new(self.key.ok_or_else(|| lacks("key"))?).with(options);
                if kind == "keyDown" {
                    StepKind::KeyDown(key)
                } else {
                    StepKind::KeyUp(key)
                }
            }
            "scroll" => {
                let (x, y) = (self.x.unwrap_or(0.0), self.y.unwrap_or(0.0));
                StepKind::Scroll(Scroll::new(self.selectors, x, y).with(options))
            }
            "setViewport" => StepKind::SetViewport(
                SetViewport::new(
                    self.width.ok_or_else(|| lacks("width"))?,
                    self.height.ok_or_else(|| lacks("height"))?,
                    self.device_scale_factor.unwrap_or(1.0),
                    self.is_mobile.unwrap_or(false),
                    self.has_touch.unwrap_or(false),
                    self.is_landscape.unwrap_or(false),
                )
                .with(options),
            ),
            "waitForElement" => StepKind::WaitForElement(
                WaitForElement::new(
                    selectors(self.selectors)?,
                    self.count,
                    self.operator.unwrap_or_default(),
                    self.visible,
                    self.properties.unwrap_or_default(),
                    self.attributes.unwrap_or_default(),
                )
                .with(options),
            ),
            "waitForExpression" => {
                let expression = self.expression.ok_or_else(|| lacks("expression"))?;
                StepKind::WaitForExpression(WaitForExpression::new(expression).with(options))
            }
            "close" => StepKind::Close(Close::new().with(options)),
            _ => return Err(Why::Kind(kind)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Scenario, Box<Diagnostic>> {
        Scenario::parse(Path::new("recording.json"), text.to_owned())
    }

    #[test]
    fn a_recording_is_a_scenario() {
        let scenario = parsed(
            r##"{"title": "Rec", "timeout": 4000, "steps": [
                {"type": "setViewport", "width": 800, "height": 600, "deviceScaleFactor": 1, "isMobile": false, "hasTouch": false, "isLandscape": false},
                {"type": "navigate", "url": "https://www.police.example/report/", "assertedEvents": [{"type": "navigation", "url": "https://www.police.example/report/", "title": "Report"}]},
                {"type": "click", "target": "main", "frame": [0], "selectors": [["aria/Send", "#a"], ["#b"]], "offsetX": 3.5, "offsetY": 4, "duration": 120}
            ]}"##,
        )
        .unwrap();
        assert_eq!(scenario.origin.as_str(), "https://www.police.example/");
        let StepKind::Click(click) = &scenario.steps[2].kind else {
            panic!("{:?}", scenario.steps[2].kind);
        };
        assert_eq!(click.selector.to_string(), "aria/Send >>> #a or #b");
        let options = click.options();
        assert_eq!(options.timeout, Some(4000));
        assert_eq!(options.frame, Some(vec![0]));
        assert_eq!(scenario.steps[1].kind.options().asserted_events.len(), 1);
        assert_eq!(scenario.steps[2].line, 4);
    }

    #[test]
    fn what_cannot_be_replayed_is_named() {
        let one = |step: &str| {
            let text = format!(
                r#"{{"title": "Rec", "steps": [{{"type": "navigate", "url": "https://a.example/"}}, {step}]}}"#
            );
            parsed(&text).unwrap_err().message.clone()
        };
        assert_eq!(
            one(r#"{"type": "customStep", "name": "x", "parameters": {}}"#),
            "a recorded step of kind `customStep` cannot be replayed"
        );
        assert_eq!(
            one(
                r#"{"type": "emulateNetworkConditions", "download": 1, "upload": 1, "latency": 1}"#
            ),
            "a recorded step of kind `emulateNetworkConditions` cannot be replayed"
        );
        assert_eq!(
            one(r#"{"type": "click"}"#),
            "the recorded step `click` lacks `selectors`"
        );
    }
}
