//! How the run went: the journey, banners, cookies that were planted, what was contained, what was recorded.

use std::io::{self, Write};

use super::{Style, short};
use crate::model::{ConsentOutcome, Exchange, JourneyState, Outcome};
use crate::report::{audit, count, visible};
use crate::run::Run;

/// Clocks that differ by less than this (milliseconds) agree.
const CLOCKS_AGREE: i64 = 2000;

pub(super) fn journey(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
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

pub(super) fn recorded(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let record = &run.record;
    let counts = &record.counts;
    writeln!(
        out,
        "\nRecorded: {}, of which {} to third parties.",
        count(counts.exchanges, "request"),
        counts.third_party
    )?;
    banners(run, style, out)?;
    cookies(run, out)?;
    contained(run, style, out)?;
    audit::render(&record.audit, style.colour, out)?;
    clocks(run, out)?;
    writeln!(
        out,
        "Evidence: {} (digest, to compare by telephone: {})",
        style.bold(&run.bundle.display().to_string()),
        run.evidence_digest(),
    )
}

/// Servers whose clocks say that ours is wrong, or theirs.
fn clocks(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    for clock in &run.record.clocks.servers {
        if clock.at_least > clock.at_most {
            writeln!(
                out,
                "Clocks: those behind {} do not agree among themselves.",
                visible(&clock.host)
            )?;
            continue;
        }
        let (apart, which) = match (clock.at_least, clock.at_most) {
            (at_least, _) if at_least > CLOCKS_AGREE => (at_least, "ahead of"),
            (_, at_most) if at_most < -CLOCKS_AGREE => (-at_most, "behind"),
            _ => continue,
        };
        writeln!(
            out,
            "Clocks: that of {} is at least {:.1} s {which} this machine's.",
            visible(&clock.host),
            apart as f64 / 1000.0
        )?;
    }
    Ok(())
}

/// How consent banners were answered.
fn banners(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for record in &run.record.consent {
        let page = short(&record.page, &run.record.scenario.origin);
        let banner = record.banner.as_deref().unwrap_or("unknown");
        let (answer, clicks) = (&record.answer, record.clicks.join(", then "));
        match record.outcome {
            ConsentOutcome::Answered => writeln!(
                out,
                "Consent on {page}: {answer}, by clicking {clicks} (banner: {banner})."
            )?,
            ConsentOutcome::NoBanner => writeln!(
                out,
                "Consent on {page}: no banner was recognised that could be answered with {answer}."
            )?,
            ConsentOutcome::Failed => {
                let why = record.why.as_deref().unwrap_or("it did not go");
                let line = format!(
                    "Consent on {page}: the banner ({banner}) could not be answered with {answer}: {why}."
                );
                writeln!(out, "{}", style.bad(&line))?;
            }
        }
    }
    Ok(())
}

/// Planted cookies that the browser kept back.
fn cookies(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    for cookie in &run.record.identity {
        if cookie.withheld > 0 {
            writeln!(
                out,
                "Cookie {} of {}: sent with {}, kept back by the browser from {} ({}).",
                cookie.name,
                cookie.domain,
                count(cookie.sent, "request"),
                count(cookie.withheld, "request"),
                cookie.reasons.join(", ")
            )?;
        }
    }
    Ok(())
}

/// What was kept from leaving: reports one by one, what went to third parties by its number.
fn contained(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let record = &run.record;
    let is_report = |exchange: &&Exchange| {
        let why = exchange.error.as_deref().unwrap_or_default();
        !(why.contains("--deliver ") || why.contains("led to a sink"))
    };
    let all = || {
        run.exchanges
            .iter()
            .filter(|x| x.outcome == Outcome::Contained)
    };
    for exchange in all().filter(is_report) {
        let sent = match exchange.sent {
            Some(false) => "it never left the browser",
            _ => "WHETHER IT LEFT IS UNKNOWN",
        };
        let page = short(&exchange.url, &record.scenario.origin);
        writeln!(out, "Contained: {} {page}: {sent}.", exchange.method)?;
    }
    let others = all().filter(|exchange| !is_report(exchange)).count();
    if others > 0 {
        writeln!(
            out,
            "Contained, with --deliver {}: {} ({} of them in a sink on this machine).",
            record.containment.deliver,
            count(others, "request"),
            record.containment.sunk
        )?;
    }
    if record.containment.deliver == "all" {
        let line = "Delivered: everything, reports included (--deliver all).";
        writeln!(out, "{}", style.bad(line))?;
    }
    for slipped in &record.containment.slipped {
        let line = format!("LEFT ALTHOUGH IT WAS NOT TO: {slipped}");
        writeln!(out, "{}", style.bad(&line))?;
    }
    Ok(())
}
