//! What lies between a canary and what was sent, step by step: as a chain that people read, and as a shell line that
//! anyone can run.

use std::borrow::Cow;

use super::search::Hit;

/// One step on the way from a canary to what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As the chain prints it (`sha256`, `lower`).
    pub name: Cow<'static, str>,
    /// A shell filter that does it; nothing where no standard tool does, or none does it the same way twice.
    pub make: Option<Cow<'static, str>>,
    /// A shell filter that undoes it; nothing where it cannot be undone.
    pub undo: Option<Cow<'static, str>>,
    pub kind: StepKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// Makes another text of the value (`lower`).
    Normal,
    /// Cannot be undone. Its filter gives hex.
    Digest,
    /// Can be undone.
    Encoding,
    /// What was sent holds it among other things (`json[em]`).
    Around,
}

impl Step {
    pub const fn normal(name: &'static str, make: &'static str) -> Step {
        Step {
            name: Cow::Borrowed(name),
            make: Some(Cow::Borrowed(make)),
            undo: None,
            kind: StepKind::Normal,
        }
    }

    /// That no standard tool does.
    pub fn without_tool(name: &'static str) -> Step {
        Step {
            make: None,
            ..Step::normal(name, "")
        }
    }

    /// What was sent holds it so.
    pub fn around(name: impl Into<Cow<'static, str>>) -> Step {
        Step {
            name: name.into(),
            make: None,
            undo: None,
            kind: StepKind::Around,
        }
    }

    pub fn named(name: String, make: String) -> Step {
        Step {
            name: Cow::Owned(name),
            make: Some(Cow::Owned(make)),
            undo: None,
            kind: StepKind::Normal,
        }
    }
}

/// `form:udff[em] ← sha256 ← lower ← email`: the place first, the last step before the first.
pub fn chain(place: &str, steps: &[Step], kind: &str) -> String {
    let mut text = place.to_owned();
    for (at, step) in steps.iter().enumerate().rev() {
        // A digest is told in hex, if nothing else is said.
        let told = step.name == HEX && at > 0 && steps[at - 1].kind == StepKind::Digest;
        if told {
            continue;
        }
        text.push_str(" ← ");
        text.push_str(&step.name);
    }
    text.push_str(" ← ");
    text.push_str(kind);
    text
}

/// Names of steps that a digest may be told in.
pub const HEX: &str = "hex";
pub const HEX_UPPER: &str = "hex (upper case)";

const TO_BYTES: &str = "tr a-f A-F | basenc --base16 -d";

/// A shell line that goes the chain with standard tools. Where every step can be done forwards, it prints what stood in
/// the request; else it undoes what can be undone of what was sent, and prints what it then holds of the canary.
pub fn shell(canary: &str, hit: &Hit) -> Option<String> {
    // Nothing that a terminal would obey, and nothing that is no text, is put on a line.
    if canary.chars().any(char::is_control) {
        return None;
    }
    if hit.whole
        && let Some(line) = forwards(canary, &hit.steps)
    {
        return Some(line);
    }
    let text = std::str::from_utf8(&hit.value).ok();
    let text = text.filter(|text| !hit.cut && !text.chars().any(char::is_control))?;
    backwards(canary, text, &hit.steps)
}

fn forwards(canary: &str, steps: &[Step]) -> Option<String> {
    let mut line = format!("printf %s {}", quoted(canary));
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        line.push_str(" | ");
        line.push_str(step.make.as_deref()?);
        if step.kind != StepKind::Digest {
            continue;
        }
        line.push_str(" | cut -d' ' -f1");
        // What comes next takes the digest as it is told in the request.
        let told_in_hex = steps.next_if(|next| next.name == HEX || next.name == HEX_UPPER);
        if told_in_hex.is_some_and(|told| told.name == HEX_UPPER) {
            line.push_str(" | tr a-f A-F");
        }
        if let Some(next) = steps.peek() {
            line.push_str(" | tr -d '\\n'");
            if told_in_hex.is_none() && next.kind == StepKind::Encoding {
                line.push_str(" | ");
                line.push_str(TO_BYTES);
            }
        }
    }
    Some(line)
}

fn backwards(canary: &str, sent: &str, steps: &[Step]) -> Option<String> {
    // The steps that can be undone are the last ones; what remains is made of the canary, and looked for in it.
    let first = steps
        .iter()
        .rposition(|step| step.undo.is_none() && step.kind != StepKind::Around)
        .map_or(0, |at| at + 1);
    let (made, undone) = steps.split_at(first);
    let mut line = format!("printf %s {}", quoted(sent));
    for step in undone.iter().rev() {
        if let Some(undo) = &step.undo {
            line.push_str(" | ");
            line.push_str(undo);
        }
    }
    if made
        .last()
        .is_some_and(|step| step.kind == StepKind::Digest)
    {
        line.push_str(" | od -An -v -tx1 | tr -d ' \\n'");
    }
    let wanted = match made {
        [] => quoted(canary),
        _ => format!("\"$({})\"", forwards(canary, made)?),
    };
    Some(format!("{line} | grep -a -F -o -i -m1 -e {wanted}"))
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_from_what_was_sent_to_what_was_typed() {
        let steps = [Step::normal("lower", "tr A-Z a-z")];
        assert_eq!(
            chain("query:em", &steps, "email"),
            "query:em ← lower ← email"
        );
    }

    #[test]
    fn a_quote_in_a_value_does_not_end_it() {
        assert_eq!(quoted("O'Hara $(x)"), r"'O'\''Hara $(x)'");
    }
}
