//! Writes a scenario as the YAML that people read and edit.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::step::{AssertedEvent, Options, StepKind};
use super::{Scenario, Selectors, ThirdPartyCookies};

/// A whole scenario; `head` stands before it as comments, a line each.
pub fn write(scenario: &Scenario, head: &[String]) -> String {
    let mut text = String::new();
    for line in head {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# {line}");
    }
    let _ = writeln!(text, "title: {}", scalar(&scenario.title));
    if let Some(about) = &scenario.about {
        let _ = writeln!(text, "about: {}", scalar(about));
    }
    let origin = scenario.origin.origin().ascii_serialization();
    let _ = writeln!(text, "origin: {}", scalar(&origin));
    if scenario.third_party_cookies != ThirdPartyCookies::default() {
        let _ = writeln!(
            text,
            "third_party_cookies: {}",
            scenario.third_party_cookies.as_str()
        );
    }
    match scenario.guard {
        Some(super::GuardFrom::Typing) => text.push_str(
            "guard: typing        # from the first thing that is typed on, what may file a report is kept\n",
        ),
        Some(super::GuardFrom::Submit) => text.push_str("guard: submit\n"),
        None => {}
    }
    if !scenario.canaries.is_empty() {
        text.push_str("canaries:\n");
        for (name, kind) in &scenario.canaries {
            let _ = writeln!(text, "  {}: {}", scalar(name), kind.as_str());
        }
    }
    if let Some(seed) = &scenario.seed {
        let _ = writeln!(text, "seed: {}", scalar(seed));
    }
    text.push_str("steps:\n");
    for step in &scenario.steps {
        let _ = writeln!(text, "  - {}", write_step(&step.kind, &origin));
    }
    text
}

/// One step, on one line.
pub fn write_step(step: &StepKind, origin: &str) -> String {
    let mut fields = Map::new();
    // The key that may stand alone, without a mapping.
    let mut alone = None;
    match step {
        StepKind::Navigate(navigate) => {
            let path = navigate
                .url
                .strip_prefix(origin)
                .filter(|path| path.starts_with('/'));
            fields.insert("url".into(), path.unwrap_or(&navigate.url).into());
            alone = Some("url");
        }
        StepKind::Click(click) | StepKind::DoubleClick(click) => {
            fields.insert("selector".into(), selectors(&click.selector));
            let default = super::Button::default();
            if click.button != default {
                let button = format!("{:?}", click.button).to_lowercase();
                fields.insert("button".into(), button.into());
            }
            if click.device_type != super::Device::default() {
                let device = format!("{:?}", click.device_type).to_lowercase();
                fields.insert("deviceType".into(), device.into());
            }
            for (key, value) in [("offsetX", click.offset_x), ("offsetY", click.offset_y)] {
                if let Some(value) = value {
                    fields.insert(key.into(), number(value));
                }
            }
            if let Some(duration) = click.duration {
                fields.insert("duration".into(), duration.into());
            }
            alone = Some("selector");
        }
        StepKind::Hover(hover) => {
            fields.insert("selector".into(), selectors(&hover.selector));
            alone = Some("selector");
        }
        StepKind::Submit(submit) => {
            fields.insert("selector".into(), selectors(&submit.selector));
            alone = Some("selector");
        }
        StepKind::Change(change) => {
            fields.insert("selector".into(), selectors(&change.selector));
            fields.insert("value".into(), change.value.as_str().into());
        }
        StepKind::KeyDown(key) | StepKind::KeyUp(key) => {
            fields.insert("key".into(), key.key.as_str().into());
            alone = Some("key");
        }
        StepKind::Scroll(scroll) => {
            if let Some(selector) = &scroll.selector {
                fields.insert("selector".into(), selectors(selector));
            }
            fields.insert("x".into(), number(scroll.x));
            fields.insert("y".into(), number(scroll.y));
        }
        StepKind::SetViewport(view) => {
            fields.insert("width".into(), view.width.into());
            fields.insert("height".into(), view.height.into());
            if view.device_scale_factor != 1.0 {
                fields.insert("deviceScaleFactor".into(), number(view.device_scale_factor));
            }
            for (key, value) in [
                ("isMobile", view.is_mobile),
                ("hasTouch", view.has_touch),
                ("isLandscape", view.is_landscape),
            ] {
                if value {
                    fields.insert(key.into(), true.into());
                }
            }
        }
        StepKind::WaitForElement(wait) => {
            fields.insert("selector".into(), selectors(&wait.selector));
            if let Some(count) = wait.count {
                fields.insert("count".into(), count.into());
                fields.insert("operator".into(), wait.operator.as_str().into());
            }
            if wait.visible != Some(true) {
                fields.insert("visible".into(), wait.visible.into());
            }
            if !wait.properties.is_empty() {
                fields.insert("properties".into(), json!(wait.properties));
            }
            if !wait.attributes.is_empty() {
                fields.insert("attributes".into(), json!(wait.attributes));
            }
            alone = Some("selector");
        }
        StepKind::WaitForExpression(wait) => {
            fields.insert("expression".into(), wait.expression.as_str().into());
            alone = Some("expression");
        }
        StepKind::Wait(wait) => match wait.ms {
            Some(ms) => {
                fields.insert("ms".into(), ms.into());
            }
            None => {
                fields.insert("network".into(), "network".into());
                alone = Some("network");
            }
        },
        StepKind::Consent(consent) => {
            fields.insert("answer".into(), consent.answer.as_str().into());
            alone = Some("answer");
        }
        StepKind::Identity(identity) => {
            let who: Vec<&str> = identity.who.iter().map(super::Identity::as_str).collect();
            fields.insert("who".into(), json!(who));
        }
        StepKind::Screenshot(screenshot) => {
            if let Some(name) = &screenshot.name {
                fields.insert("name".into(), name.as_str().into());
            }
            alone = Some("name");
        }
        StepKind::Close(_) => {}
    }
    options(&step.options(), &mut fields);
    let body = match alone {
        Some(key) if fields.len() == 1 && fields.contains_key(key) => flow(&fields[key]),
        _ if fields.is_empty() => "{}".to_owned(),
        _ => flow(&Value::Object(fields)),
    };
    format!("{}: {body}", step.name())
}

fn options(options: &Options, fields: &mut Map<String, Value>) {
    if let Some(timeout) = options.timeout {
        fields.insert("timeout".into(), timeout.into());
    }
    // The tab that the visitor looks at is the main one until another opens.
    if let Some(target) = &options.target {
        fields.insert("target".into(), target.as_str().into());
    }
    if let Some(frame) = &options.frame {
        fields.insert("frame".into(), json!(frame));
    }
    if options.retries > 0 {
        fields.insert("retries".into(), options.retries.into());
    }
    if !options.asserted_events.is_empty() {
        let events: Vec<Value> = options
            .asserted_events
            .iter()
            .map(|event| {
                let AssertedEvent::Navigation { url, title } = event;
                let mut fields = Map::new();
                fields.insert("type".into(), "navigation".into());
                fields.extend(url.as_ref().map(|url| ("url".into(), url.as_str().into())));
                let title = title.as_ref();
                fields.extend(title.map(|title| ("title".into(), title.as_str().into())));
                Value::Object(fields)
            })
            .collect();
        fields.insert("assertedEvents".into(), Value::Array(events));
    }
}

fn selectors(selectors: &Selectors) -> Value {
    let mut paths: Vec<Value> = selectors
        .iter()
        .map(|path| {
            let parts: Vec<String> = path.parts().iter().map(ToString::to_string).collect();
            match parts.as_slice() {
                [one] => json!(one),
                _ => json!(parts),
            }
        })
        .collect();
    match paths.len() {
        1 if paths[0].is_string() => paths.remove(0),
        _ => Value::Array(paths),
    }
}

/// Whole numbers without a point.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// YAML's flow style.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// A string, in quotes unless it could be read as nothing else. JSON's quoting is YAML's.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with([' ', ':'])
        && text.chars().all(|c| {
            c.is_alphanumeric()
                || matches!(
                    c,
                    ' ' | '/' | '-' | '_' | '.' | '(' | ')' | '\'' | ';' | '+'
                )
                || c == ':'
        })
        && !text.contains(": ")
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let steps = r##"
  - navigate: /report/
  - click: ["aria/Send: now[role=\"button\"]", ["my-el", "#x"]]
  - click: { selector: text/Go, button: secondary, offsetX: 1.5, retries: 2, timeout: 900, target: main, frame: [0, 1] }
  - doubleClick: "#a"
  - hover: text/Menu
  - change: { selector: "#email", value: "{{email}}" }
  - keyDown: Enter
  - keyUp: Enter
  - scroll: { x: 0, y: 800 }
  - scroll: { selector: "#box", x: 0.5, y: 0 }
  - setViewport: { width: 800, height: 600, isMobile: true }
  - waitForElement: { selector: li, count: 3, operator: "==", visible: null, attributes: { class: on } }
  - waitForExpression: "document.title === \"Yes\""
  - wait: network
  - wait: { ms: 50 }
  - consent: reject
  - identity: facebook
  - screenshot: form
  - screenshot: {}
  - submit: { selector: aria/Send, assertedEvents: [{ type: navigation, url: "https://a.example/x" }] }
  - close: {}
"##;
        let text = format!(
            "title: \"Yes: it's #1\"\norigin: https://a.example\ncanaries: {{ email: email }}\nsteps:{steps}"
        );
        let first = Scenario::parse(Path::new("a.yaml"), text).unwrap();
        let written = write(&first, &["about it".to_owned()]);
        let second = Scenario::parse(Path::new("a.yaml"), written.clone())
            .unwrap_or_else(|error| panic!("{}\n{written}", error.render(false)));
        assert_eq!(first.title, second.title);
        let kinds = |scenario: &Scenario| {
            let steps = scenario.steps.iter();
            steps.map(|step| step.kind.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&first), kinds(&second), "{written}");
        assert_eq!(written, write(&second, &["about it".to_owned()]));
    }
}
