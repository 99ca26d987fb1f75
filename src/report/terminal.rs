//! What a person reads in a terminal after a run: who was told what, where, and whom it names.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use url::Url;

use super::count;
use crate::leak::{mentions, typed};
use crate::model::{
    AuditVerdict, EventKind, Exchange, JourneyState, Outcome, Party, Strength, TrackerEvent,
    ValueForm,
};
use crate::run::Run;

/// Columns that a description may take before it is cut.
const WIDTH: usize = 92;

/// Writes the summary of a run.
///
/// # Errors
/// If it cannot be written.
pub fn render(run: &Run, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    let record = &run.record;
    writeln!(out, "\n{}", style.bold(&record.scenario.title))?;
    writeln!(out, "{}", style.dim(&record.scenario.origin))?;
    journey(run, &style, out)?;

    let (told, others): (Vec<&TrackerEvent>, Vec<&TrackerEvent>) = run
        .events
        .iter()
        .filter(|event| event.tells())
        .partition(|event| event.recipient == "Meta");
    let unsent = told
        .iter()
        .filter(|event| doubt(run, event).is_some())
        .count();
    if told.is_empty() {
        let code = run.exchanges.iter().filter(|x| is_meta(x)).count();
        writeln!(out, "\n{}", style.good("No event was told to Meta."))?;
        if code > 0 {
            writeln!(
                out,
                "Meta's servers were contacted {code} times all the same."
            )?;
        }
    } else {
        pages(run, &told, &style, out)?;
        if unsent > 0 {
            writeln!(
                out,
                "Of these, {} did not leave, or it is unknown: each is marked.",
                count(unsent, "event")
            )?;
        }
        named(run, &told, &style, out)?;
        typed_values(run, &told, &style, out)?;
        topics(run, &told, &style, out)?;
    }
    others_told(&others, &style, out)?;
    untold(run, &style, out)?;
    recorded(run, &style, out)
}

struct Style {
    colour: bool,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn bad(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }
}

fn journey(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let journey = &run.record.journey;
    let done = journey
        .steps
        .iter()
        .filter(|step| step.problem.is_none() && step.ended.is_some());
    let (done, all) = (done.count(), journey.steps.len());
    match journey.state {
        JourneyState::Completed => writeln!(out, "The journey was completed: {done} steps.")?,
        JourneyState::Interrupted => {
            let text = format!("Stopped after {done} of {all} steps: what follows is partial.");
            writeln!(out, "{}", style.bad(&text))?;
        }
        JourneyState::TimedOut => {
            let text = format!("Out of time after {done} of {all} steps: what follows is partial.");
            writeln!(out, "{}", style.bad(&text))?;
        }
        JourneyState::Failed | JourneyState::Running => {
            let text = format!("Failed after {done} of {all} steps: what follows is partial.");
            writeln!(out, "{}", style.bad(&text))?;
        }
    }
    for step in &journey.steps {
        for note in &step.notes {
            writeln!(
                out,
                "{}",
                style.dim(&format!("  step {}: {note}", step.number))
            )?;
        }
    }
    Ok(())
}

/// Page by page, what Meta was told, in the order in which the pages first told something.
fn pages(run: &Run, told: &[&TrackerEvent], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut order: Vec<&str> = Vec::new();
    for event in told {
        let page = event.page_url.as_deref().unwrap_or_default();
        if !order.contains(&page) {
            order.push(page);
        }
    }
    let heading = format!(
        "Meta was told of {}, in {}:",
        count(order.len(), "page"),
        count(told.len(), "event")
    );
    writeln!(out, "\n{}", style.bad(&heading))?;
    for page in order {
        let shown = if page.is_empty() {
            "(no page named)"
        } else {
            page
        };
        writeln!(
            out,
            "  {}",
            style.bold(&short(shown, &run.record.scenario.origin))
        )?;
        let mut lines: Vec<(String, usize)> = Vec::new();
        for event in told {
            if event.page_url.as_deref().unwrap_or_default() != page {
                continue;
            }
            let mut line = describe(event);
            if let Some(doubt) = doubt(run, event) {
                line.push_str(doubt);
            }
            tally(&mut lines, line);
        }
        for (line, times) in lines {
            let times = if times > 1 {
                format!("  ×{times}")
            } else {
                String::new()
            };
            writeln!(out, "    {line}{times}")?;
        }
    }
    Ok(())
}

/// Who else was told events that a decoder knows, with their names.
fn others_told(others: &[&TrackerEvent], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut recipients: BTreeMap<&str, Vec<(String, usize)>> = BTreeMap::new();
    for event in others {
        let name = event.event_name.as_deref().unwrap_or("(no name)");
        tally(recipients.entry(&event.recipient).or_default(), cut(name));
    }
    for (recipient, names) in recipients {
        let events: usize = names.iter().map(|(_, times)| times).sum();
        let names: Vec<String> = names
            .iter()
            .map(|(name, times)| format!("{name} ×{times}"))
            .collect();
        let heading = format!("{recipient} was told {}:", count(events, "event"));
        writeln!(out, "\n{} {}", style.bad(&heading), names.join(", "))?;
    }
    Ok(())
}

/// Counts a line, keeping the order in which the lines first came.
fn tally(lines: &mut Vec<(String, usize)>, line: String) {
    match lines.iter_mut().find(|(known, _)| *known == line) {
        Some((_, times)) => *times += 1,
        None => lines.push((line, 1)),
    }
}

/// What the network log does not confirm is said of each event.
fn doubt(run: &Run, event: &TrackerEvent) -> Option<&'static str> {
    let exchange = run
        .exchanges
        .iter()
        .find(|exchange| exchange.id == event.exchange)?;
    match (exchange.sent, event.outcome) {
        (Some(true), _) => None,
        (_, Outcome::Contained) => Some("  [contained: not delivered]"),
        (Some(false), _) => Some("  [attempted: it did not leave]"),
        (None, _) => Some("  [whether it left is unknown]"),
    }
}

fn describe(event: &TrackerEvent) -> String {
    let text = |key: &str| event.custom_data.get(key).and_then(|value| value.as_str());
    let title = |key: &str, field: &str| {
        event
            .custom_data
            .get(key)
            .and_then(|value| value.get(field)?.as_str())
            .map(str::to_owned)
    };
    let what = match event.event_name.as_deref() {
        Some("PageView") => "page viewed".to_owned(),
        Some("SubscribedButtonClick") => match text("buttonText") {
            Some(button) => format!("clicked “{}”", button.trim()),
            None => "a button was clicked".to_owned(),
        },
        Some("Microdata") => match title("Meta", "title") {
            Some(title) => format!("page's content read: “{title}”"),
            None => "page's content read".to_owned(),
        },
        Some(name) => {
            let data: Vec<String> = event
                .custom_data
                .iter()
                .map(|(key, value)| format!("{key} {value}"))
                .collect();
            format!("{name} {}", data.join(", ")).trim().to_owned()
        }
        None => "an event without a name".to_owned(),
    };
    let mut line = cut(&what);
    let mut given: Vec<&str> = Vec::new();
    for datum in &event.user_data {
        let word = word(&datum.key);
        if datum.form != ValueForm::Placeholder && !given.contains(&word) {
            given.push(word);
        }
    }
    if !given.is_empty() {
        line.push_str(&format!(", with {}", given.join(", ")));
    }
    line
}

/// What a key of advanced matching holds, in a word.
fn word(key: &str) -> &str {
    match key {
        "em" => "e-mail",
        "ph" => "phone",
        "fn" => "first name",
        "ln" => "last name",
        "db" => "date of birth",
        "zp" => "postcode",
        "ct" => "town",
        "st" => "county",
        "ge" => "gender",
        other => other,
    }
}

/// Whom the events name: the strongest signals first, each with the number of events that carried it.
fn named(run: &Run, told: &[&TrackerEvent], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut signals: BTreeMap<(Strength, &str, &str), usize> = BTreeMap::new();
    for event in told {
        for identity in &event.identity {
            if identity.strength <= Strength::Browser && !identity.signal.contains('[') {
                *signals
                    .entry((identity.strength, &identity.signal, &identity.value))
                    .or_default() += 1;
            }
        }
    }
    if signals.is_empty() {
        return writeln!(
            out,
            "\nNothing that names a person or a browser went with it."
        );
    }
    writeln!(out, "\n{}", style.bold("Whom it names:"))?;
    for ((strength, signal, value), times) in signals {
        let whose = match strength {
            Strength::Account => "the Facebook account",
            Strength::Person => "a person",
            Strength::SitePerson => "a person at this site",
            Strength::Click => "an ad click, and so an account",
            Strength::Browser => "this browser",
            Strength::Weak => "weak",
        };
        let planted = run
            .record
            .canaries
            .iter()
            .any(|canary| canary.value == value);
        let planted = if planted {
            ", planted for this run"
        } else {
            ""
        };
        let line = format!("{signal} = {value}");
        writeln!(
            out,
            "  {whose}: {}  ({} of {}{planted})",
            if strength == Strength::Account {
                style.bad(&line)
            } else {
                line
            },
            times,
            count(told.len(), "event"),
        )?;
    }
    Ok(())
}

/// Values of advanced matching that are what the visitor typed.
fn typed_values(
    run: &Run,
    told: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for event in told {
        for datum in &event.user_data {
            let Some(found) = typed(datum, &run.record.canaries) else {
                continue;
            };
            let steps: Vec<String> = found.typed_in.iter().map(u32::to_string).collect();
            let line = format!(
                "{}[{}] = {}\n      {} ← what was typed in step {}",
                datum.source,
                datum.key,
                datum.value,
                found.chain,
                steps.join(", "),
            );
            tally(&mut lines, line);
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.bad("What the visitor typed was told to Meta:")
    )?;
    for (line, times) in lines {
        writeln!(out, "  {line}, told {}", count(times, "time"))?;
    }
    Ok(())
}

/// The scenario's topics, and where Meta was told them.
fn topics(run: &Run, told: &[&TrackerEvent], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut places: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for event in told {
        for mention in mentions(event, &run.record.scenario.topics) {
            let index = places
                .iter()
                .position(|(topic, _)| *topic == mention.topic)
                .unwrap_or_else(|| {
                    places.push((mention.topic.clone(), Vec::new()));
                    places.len() - 1
                });
            let seen = &mut places[index].1;
            if !seen.iter().any(|(place, _)| *place == mention.place) {
                seen.push((mention.place, mention.text));
            }
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.bad("What it was about was told to Meta:")
    )?;
    for (topic, seen) in places {
        writeln!(out, "  “{topic}”")?;
        for (place, text) in seen {
            writeln!(
                out,
                "    in {place}: {}",
                cut(&short(&text, &run.record.scenario.origin))
            )?;
        }
    }
    Ok(())
}

/// Pages of the site that were opened and on which nothing went to Meta.
fn untold(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    // An event names its page itself, and may be sent when the next page has already begun.
    let carriers: HashSet<&str> = run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
        .map(|event| event.exchange.as_str())
        .collect();
    let carries_event = |exchange: &Exchange| carriers.contains(exchange.id.as_str());
    let mut unplaced = false;
    let mut visited: Vec<(&str, bool)> = Vec::new();
    let mut current: BTreeMap<&str, usize> = BTreeMap::new();
    for exchange in &run.exchanges {
        let Some(target) = exchange.target.as_deref() else {
            unplaced |= is_meta(exchange) && !carries_event(exchange);
            continue;
        };
        let page = exchange.resource_type == "document"
            && exchange.frame.as_deref() == Some(target)
            && exchange.party == Party::First
            && exchange.outcome == Outcome::Completed
            && exchange.status.is_some_and(|status| status < 300);
        if page {
            let index = visited
                .iter()
                .position(|(url, _)| *url == exchange.url)
                .unwrap_or_else(|| {
                    visited.push((&exchange.url, false));
                    visited.len() - 1
                });
            current.insert(target, index);
        } else if is_meta(exchange)
            && !carries_event(exchange)
            && let Some(&index) = current.get(target)
        {
            visited[index].1 = true;
        }
    }
    for event in run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
    {
        let page = event.page_url.as_deref().unwrap_or_default();
        let page = page.split('#').next().unwrap_or_default();
        let mut known = false;
        for (url, told) in &mut visited {
            if *url == page {
                (*told, known) = (true, true);
            }
        }
        // An address that no visited page has (cut to the origin, or changed by script) may be any of them.
        unplaced |= !known;
    }
    let established = matches!(
        run.record.audit.verdict,
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals
    );
    if unplaced || !established {
        return writeln!(
            out,
            "\nOf which pages Meta was told nothing could not be established in this run."
        );
    }
    let quiet: Vec<String> = visited
        .iter()
        .filter(|(_, told)| !told)
        .map(|(url, _)| short(url, &run.record.scenario.origin))
        .collect();
    if quiet.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.good(&format!(
            "Nothing was sent to Meta from {}:",
            count(quiet.len(), "other page")
        ))
    )?;
    for page in quiet {
        writeln!(out, "  {page}")?;
    }
    Ok(())
}

fn recorded(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let record = &run.record;
    let counts = &record.counts;
    writeln!(
        out,
        "\nRecorded: {}, of which {} to third parties.",
        count(counts.exchanges, "request"),
        counts.third_party
    )?;
    for exchange in run
        .exchanges
        .iter()
        .filter(|x| x.outcome == Outcome::Contained)
    {
        let sent = match exchange.sent {
            Some(false) => "it never left the browser",
            _ => "WHETHER IT LEFT IS UNKNOWN",
        };
        let page = short(&exchange.url, &record.scenario.origin);
        writeln!(out, "Contained: {} {page}: {sent}.", exchange.method)?;
    }
    super::audit::render(&record.audit, style.colour, out)?;
    writeln!(
        out,
        "Evidence: {}",
        style.bold(&run.bundle.display().to_string())
    )
}

fn is_meta(exchange: &Exchange) -> bool {
    exchange.recipient.as_deref() == Some("Meta")
}

/// A page of the site by its path; any other address whole.
fn short(url: &str, origin: &str) -> String {
    match (Url::parse(url), url.strip_prefix(origin)) {
        (Ok(_), Some(path)) if path.starts_with('/') => path.to_owned(),
        _ => url.to_owned(),
    }
}

fn cut(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut cut: String = line.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}
