//! What a person did in a browser, turned into a scenario: robust selectors, canaries for what was typed. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::canary::CanaryKind;
use super::step::{Button, Change, Click, Device, Key, Navigate, Options, Step, StepKind, Submit};
use super::{Consent, ConsentSelectors, GuardFrom, Scenario, Selectors, ThirdPartyCookies, write};

/// A longer text than a canary of kind `text` has.
const ROOM_FOR_TEXT: u64 = 90;

/// What the script in the page says.
#[derive(Debug, Deserialize)]
struct Did {
    did: String,
    url: String,
    #[serde(default)]
    selectors: Option<Selectors>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    field: Option<Field>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    sends: bool,
    #[serde(default)]
    top: bool,
    #[serde(default)]
    #[serde(rename = "button")]
    _button: Option<Value>,
}

/// What is known of a field: its type, and the words around it.
#[derive(Debug, Deserialize)]
struct Field {
    kind: String,
    hints: String,
    name: String,
    longest: Option<u64>,
}

/// A recording in the making.
#[derive(Debug)]
pub struct Recording {
    origin: Url,
    steps: Vec<StepKind>,
    canaries: BTreeMap<String, CanaryKind>,
    /// Selectors of a field → the canary that stands for it.
    by_field: BTreeMap<String, String>,
    /// The tab that the person was in last, and the first one.
    tab: Option<String>,
    first_tab: Option<String>,
    /// Tab → address of its page.
    tabs: BTreeMap<String, String>,
    /// What could not be taken over as it was.
    notes: Vec<String>,
}

impl Recording {
    /// That begins on a page.
    pub fn new(url: &Url) -> Recording {
        Recording {
            origin: url.join("/").unwrap_or_else(|_| url.clone()),
            steps: vec![StepKind::Navigate(Navigate::new(url.as_str().to_owned()))],
            canaries: BTreeMap::new(),
            by_field: BTreeMap::new(),
            tab: None,
            first_tab: None,
            tabs: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Takes in something that was done in a tab. What cannot be read is noted, and nothing is lost with it.
    pub fn take(&mut self, tab: &str, payload: &str) {
        let did: Did = match serde_json::from_str(payload) {
            Ok(did) => did,
            Err(error) => {
                self.notes.push(format!(
                    "something that was done could not be read: {error}"
                ));
                return;
            }
        };
        let target = self.target(tab, did.top.then_some(did.url.as_str()));
        let options = Options {
            target,
            ..Options::default()
        };
        match (did.did.as_str(), did.selectors) {
            ("click", Some(selectors)) => {
                let click = Click::new(selectors, Button::Primary, None, None, Device::Mouse, None);
                self.steps.push(StepKind::Click(click.with(options)));
            }
            ("doubleClick", _) => self.double_click(),
            ("change", Some(selectors)) => {
                let (value, field) = (did.value.unwrap_or_default(), did.field);
                self.change(selectors, value, field, options);
            }
            ("key", _) => {
                if let Some(key) = did.key {
                    let down = Key::new(key.clone()).with(options);
                    self.steps.push(StepKind::KeyDown(down));
                    self.steps.push(StepKind::KeyUp(Key::new(key)));
                }
            }
            ("submit", selectors) if did.sends => self.submit(selectors),
            _ => {}
        }
    }

    /// Where the visitor went, unless a replay goes there by itself: into a tab that a page has just opened.
    fn target(&mut self, tab: &str, url: Option<&str>) -> Option<String> {
        let first = self.first_tab.get_or_insert_with(|| tab.to_owned()).clone();
        let before = self.tab.replace(tab.to_owned());
        let seen = self.tabs.contains_key(tab);
        let address = self.tabs.entry(tab.to_owned()).or_default();
        if let Some(url) = url {
            url.clone_into(address);
        }
        if before.is_none_or(|before| before == tab) {
            return None;
        }
        if tab == first {
            return Some("main".to_owned());
        }
        (seen && !address.is_empty()).then(|| address.clone())
    }

    /// Two clicks and then the word that they were one.
    fn double_click(&mut self) {
        if let [.., StepKind::Click(first), StepKind::Click(second)] = self.steps.as_slice()
            && first.selector == second.selector
        {
            let click = first.clone();
            self.steps.truncate(self.steps.len() - 2);
            self.steps.push(StepKind::DoubleClick(click));
        }
    }

    fn change(
        &mut self,
        selectors: Selectors,
        value: String,
        field: Option<Field>,
        options: Options,
    ) {
        let value = match &field {
            Some(field) => self.stand_in(field, &selectors, value),
            None => value,
        };
        // Written over: what stood there before was never sent.
        if let Some(StepKind::Change(before)) = self.steps.last_mut()
            && before.selector == selectors
        {
            before.value = value;
            return;
        }
        let change = Change::new(selectors, value).with(options);
        self.steps.push(StepKind::Change(change));
    }

    /// A canary in the place of what was typed; choices stay as they are.
    fn stand_in(&mut self, field: &Field, selectors: &Selectors, value: String) -> String {
        let Some(kind) = canary_kind(field, &value) else {
            if field.kind == "file" {
                self.notes.push(format!(
                    "a file was chosen: put a path in the place of `{value}`"
                ));
            }
            return value;
        };
        let key = selectors.to_string();
        if let Some(name) = self.by_field.get(&key) {
            return format!("{{{{{name}}}}}");
        }
        let wanted = canary_name(field, kind);
        let mut name = wanted.clone();
        for number in 2.. {
            if !self.canaries.contains_key(&name) {
                break;
            }
            name = format!("{wanted}_{number}");
        }
        self.canaries.insert(name.clone(), kind);
        self.by_field.insert(key, name.clone());
        format!("{{{{{name}}}}}")
    }

    /// The click, or the key, before a form was sent is what sends it.
    fn submit(&mut self, button: Option<Selectors>) {
        match self.steps.last() {
            Some(StepKind::Click(click)) => {
                let submit = Submit::new(click.selector.clone()).with(click.options());
                self.steps.pop();
                self.steps.push(StepKind::Submit(submit));
            }
            Some(StepKind::KeyUp(_)) => {
                if let Some(button) = button {
                    self.steps.truncate(self.steps.len() - 2);
                    self.steps.push(StepKind::Submit(Submit::new(button)));
                }
            }
            _ => {}
        }
    }

    /// What was recorded so far.
    pub fn scenario(&self, path: &Path) -> Scenario {
        let steps = self.steps.iter().map(|kind| Step {
            kind: kind.clone(),
            line: 0,
            column: 0,
            place: serde_saphyr::Location::UNKNOWN,
        });
        let host = self.origin.host_str().unwrap_or_default();
        let mut scenario = Scenario {
            path: path.to_owned(),
            text: String::new(),
            title: format!("A journey on {host}"),
            about: None,
            origin: self.origin.clone(),
            third_party_cookies: ThirdPartyCookies::default(),
            consent: Consent::default(),
            consent_selectors: ConsentSelectors::default(),
            identity: Vec::new(),
            policy: None,
            // As it was recorded: what a form sends without a `submit` event is a click here.
            guard: Some(GuardFrom::Typing),
            canaries: self.canaries.clone(),
            seed: None,
            topics: Vec::new(),
            steps: steps.collect(),
        };
        let mut head = vec![
            "Recorded from what a person did. Canaries stand in the place of what was typed.".to_owned(),
            "Say under `topics` what the pages are about, so that the summary can show where it was told.".to_owned(),
        ];
        head.extend(self.notes.iter().map(|note| format!("Note: {note}.")));
        scenario.text = write(&scenario, &head);
        scenario
    }
}

/// What a field is likely meant for; nothing where a choice is made, or a few digits are typed.
fn canary_kind(field: &Field, value: &str) -> Option<CanaryKind> {
    let hints = field.hints.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| hints.contains(word));
    let kind = match field.kind.as_str() {
        "password" => CanaryKind::Text,
        "select" | "checkbox" | "radio" | "file" | "range" | "color" | "time" | "month"
        | "week" | "datetime-local" => return None,
        "email" => CanaryKind::Email,
        "tel" => CanaryKind::Phone,
        "date" => CanaryKind::Date,
        // Days, years, house numbers: whoever reads the page's script knows what it takes.
        _ if value.len() <= 4 && value.chars().all(|c| c.is_ascii_digit()) => return None,
        "number" => CanaryKind::Number,
        _ if says(&["email", "e-mail"]) => CanaryKind::Email,
        _ if says(&["phone", "mobile", "tel"]) => CanaryKind::Phone,
        _ if says(&["postcode", "postal", "zip"]) => CanaryKind::Postcode,
        "textarea" => CanaryKind::Text,
        _ if says(&["name", "surname"]) => CanaryKind::Name,
        _ => CanaryKind::Text,
    };
    let short = field.longest.is_some_and(|longest| longest < ROOM_FOR_TEXT);
    Some(if kind == CanaryKind::Text && short {
        CanaryKind::Name
    } else {
        kind
    })
}

fn canary_name(field: &Field, kind: CanaryKind) -> String {
    let name: String = field
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let name = name.trim_matches('_');
    if name.is_empty() || name.len() > 30 || name.starts_with(|c: char| c.is_ascii_digit()) {
        kind.as_str().to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(said: &[(&str, &str)]) -> Scenario {
        let url = Url::parse("https://www.police.example/report/").unwrap();
        let mut recording = Recording::new(&url);
        for (tab, payload) in said {
            recording.take(tab, payload);
        }
        let scenario = recording.scenario(Path::new("recorded.yaml"));
        // What is written can be replayed.
        Scenario::parse(Path::new("recorded.yaml"), scenario.text.clone())
            .unwrap_or_else(|error| panic!("{}\n{}", error.render(false), scenario.text))
    }

    fn steps(scenario: &Scenario) -> Vec<String> {
        scenario
            .steps
            .iter()
            .map(|step| super::super::write_step(&step.kind, "https://www.police.example"))
            .collect()
    }

    #[test]
    fn what_was_typed_becomes_canaries_and_the_last_click_a_submit() {
        let scenario = recorded(&[
            (
                "T1",
                r##"{"did":"click","url":"https://www.police.example/report/","top":true,"selectors":["aria/Burglary[role=\"link\"]","text/Burglary","#b"],"button":"primary"}"##,
            ),
            (
                "T1",
                r##"{"did":"change","url":"u","top":true,"selectors":["#email"],"value":"real@person.example","field":{"kind":"email","hints":"email","name":"email","longest":null}}"##,
            ),
            (
                "T1",
                r##"{"did":"change","url":"u","top":true,"selectors":["#email"],"value":"other@person.example","field":{"kind":"email","hints":"email","name":"email","longest":null}}"##,
            ),
            (
                "T1",
                r##"{"did":"change","url":"u","top":true,"selectors":["#town"],"value":"Elsewhere","field":{"kind":"text","hints":"Town","name":"addr.town","longest":40}}"##,
            ),
            (
                "T1",
                r##"{"did":"change","url":"u","top":true,"selectors":["#day"],"value":"31","field":{"kind":"text","hints":"Day","name":"day","longest":2}}"##,
            ),
            (
                "T1",
                r##"{"did":"change","url":"u","top":true,"selectors":["#kind"],"value":"Rape","field":{"kind":"select","hints":"","name":"kind","longest":null}}"##,
            ),
            (
                "T1",
                r##"{"did":"click","url":"u","top":true,"selectors":["text/Send"],"button":"primary"}"##,
            ),
            (
                "T1",
                r##"{"did":"submit","url":"u","top":true,"sends":true,"selectors":["text/Send"]}"##,
            ),
            ("T1", "not JSON"),
        ]);
        assert_eq!(
            steps(&scenario),
            [
                "navigate: /report/",
                r##"click: ["aria/Burglary[role=\"link\"]", text/Burglary, "#b"]"##,
                r##"change: { selector: "#email", value: "{{email}}" }"##,
                r##"change: { selector: "#town", value: "{{addr_town}}" }"##,
                r##"change: { selector: "#day", value: "31" }"##,
                r##"change: { selector: "#kind", value: Rape }"##,
                "submit: text/Send",
            ]
        );
        assert!(!scenario.text.contains("person.example") && !scenario.text.contains("Elsewhere"));
        assert!(
            scenario.text.contains("could not be read"),
            "{}",
            scenario.text
        );
        assert_eq!(scenario.canaries["email"], CanaryKind::Email);
        assert_eq!(scenario.canaries["addr_town"], CanaryKind::Name);
    }

    #[test]
    fn tabs_keys_and_double_clicks_are_taken_over() {
        let click = |text: &str| {
            format!(
                r#"{{"did":"click","url":"https://www.police.example/{text}","top":true,"selectors":["text/{text}"]}}"#
            )
        };
        let (open, inside, back) = (click("Open"), click("Inside"), click("Back"));
        let key = r#"{"did":"key","url":"u","top":true,"key":"Enter"}"#;
        let submit = r##"{"did":"submit","url":"u","top":true,"sends":true,"selectors":["#go"]}"##;
        let double = r#"{"did":"doubleClick","url":"u","top":true}"#;
        let scenario = recorded(&[
            ("T1", &open),
            ("T2", &inside),
            ("T1", &back),
            ("T1", &back),
            ("T1", double),
            ("T1", key),
            ("T1", submit),
            ("T1", r#"{"did":"key","url":"u","top":true,"key":"Escape"}"#),
        ]);
        assert_eq!(
            steps(&scenario)[1..],
            [
                "click: text/Open",
                "click: text/Inside",
                "doubleClick: { selector: text/Back, target: main }",
                "submit: \"#go\"",
                "keyDown: Escape",
                "keyUp: Escape",
            ]
        );
    }
}
