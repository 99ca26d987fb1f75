//! Errors in what people wrote, shown on the line they stand on.

use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// What is said of a kind of file that people write.
#[derive(Debug)]
pub struct FileKind {
    /// Where it is described.
    pub see: &'static str,
    /// Keys that the whole cannot be without.
    pub keys: &'static [&'static str],
    /// The same, in words.
    pub needs: &'static str,
    /// What the parts need.
    pub parts_need: &'static str,
    pub empty: &'static str,
    /// How keys and values are written.
    pub mapping: &'static str,
}

pub const SCENARIO: FileKind = FileKind {
    see: "see docs/scenarios.md for what a scenario may hold",
    keys: &["`title`", "`origin`", "`steps`"],
    needs: "a scenario needs `title`, `origin` and `steps`",
    parts_need: "docs/scenarios.md says what each step needs; a `change` needs `selector` and `value`",
    empty: "the scenario is empty",
    mapping: "write them in braces, as in `{ x: 0, y: 800 }`; a step that needs none takes `{}`",
};

pub const POLICY: FileKind = FileKind {
    see: "see docs/rules.md for what a policy may hold",
    keys: &["`rules`"],
    needs: "a policy has `rules`, `claims`, or both",
    parts_need: "a rule needs `id` and one of `deny`, `allow`, `require`; a claim `id`, `says` and `source`",
    empty: "the policy is empty",
    mapping: "write them as in `deny: { recipient: Meta, page: \"/report/**\" }`",
};

/// What is wrong with a file, where, and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct Diagnostic {
    pub path: PathBuf,
    text: String,
    /// Line and column, counted from 1.
    pub at: Option<(u64, u64)>,
    span: Range<usize>,
    pub message: String,
    pub help: String,
}

impl Diagnostic {
    /// About the file as a whole.
    pub fn of_file(
        path: &Path,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic {
            path: path.to_owned(),
            text: String::new(),
            at: None,
            span: 0..0,
            message: message.into(),
            help: help.into(),
        })
    }

    /// At a place that the YAML parser gave.
    pub fn at(
        path: &Path,
        text: &str,
        location: serde_saphyr::Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<Diagnostic> {
        let (line, column) = (location.line(), location.column());
        Box::new(Diagnostic {
            path: path.to_owned(),
            text: text.to_owned(),
            at: (line > 0).then_some((line, column)),
            span: word_at(text, line, column),
            message: message.into(),
            help: help.into(),
        })
    }

    /// On a line, counted from 1, of a text that is no YAML.
    pub fn on_line(
        path: &Path,
        text: &str,
        line: u64,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic {
            path: path.to_owned(),
            text: text.to_owned(),
            at: Some((line, 1)),
            span: word_at(text, line, 1),
            message: message.into(),
            help: help.into(),
        })
    }

    /// From the YAML parser's own error.
    pub fn of_yaml(
        path: &Path,
        text: &str,
        error: &serde_saphyr::Error,
        file: &FileKind,
    ) -> Box<Diagnostic> {
        let error = error.without_snippet();
        let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let (message, help) = in_plain_words(message, file);
        Diagnostic::at(path, text, location, message, help)
    }

    fn place(&self) -> String {
        match self.at {
            Some((line, column)) => format!("{}:{line}:{column}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// The message with its line and a caret under the place; with colours only where asked.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let path = self.path.display().to_string();
        let title = Level::ERROR.primary_title(self.message.as_str());
        let group = match self.at {
            Some(_) => title.element(
                Snippet::source(self.text.as_str())
                    .path(path.as_str())
                    .annotation(AnnotationKind::Primary.span(self.span.clone())),
            ),
            None => title.element(annotate_snippets::Origin::path(path.as_str())),
        };
        let group = group.element(Level::HELP.message(self.help.as_str()));
        renderer.render(&[group]).to_string()
    }
}

/// The bytes of the word that begins at a line and a column (in characters), both from 1.
fn word_at(text: &str, line: u64, column: u64) -> Range<usize> {
    let mut start = 0;
    for (number, row) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            let skip = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
            let from = row
                .char_indices()
                .nth(skip)
                .map_or(row.trim_end().len(), |(byte, _)| byte);
            let rest = row[from..].trim_end();
            let word = rest
                .find(|c: char| c.is_whitespace() || c == ':')
                .unwrap_or(rest.len());
            return start + from..start + from + word.max(usize::from(!rest.is_empty()));
        }
        start += row.len();
    }
    text.len()..text.len()
}

/// The parser speaks to programmers; whoever writes a scenario need not be one. Gives message and help.
fn in_plain_words(message: &str, file: &FileKind) -> (String, &'static str) {
    const STEP: &str = "a step is one of these kinds, as in `- click: text/Report a crime`";
    if let Some((value, known)) = message
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.split_once("`, expected one of "))
    {
        return if known.starts_with("navigate") {
            (
                format!("`{value}` is not a kind of step; there are: {known}"),
                STEP,
            )
        } else {
            (
                format!("`{value}` is not possible here; expected one of: {known}"),
                file.see,
            )
        };
    }
    if let Some((key, known)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected one of "))
    {
        let message = format!("there is no key `{key}` here; expected one of: {known}");
        return (message, "remove the key, or correct its spelling");
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let of_the_whole = file.keys.iter().any(|key| rest.starts_with(key));
        let help = if of_the_whole {
            file.needs
        } else {
            file.parts_need
        };
        return (format!("the key {rest} is missing"), help);
    }
    if let Some(rest) = message.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or(rest);
        return (
            format!("the key `{key}` stands here twice"),
            "remove one of them",
        );
    }
    for (known, plain, help) in [
        (
            "invalid type: unit value",
            "a value is missing",
            "give a value after the colon",
        ),
        (
            "cannot deserialize null",
            "a value is missing",
            "give a value after the colon",
        ),
        (
            "expected string scalar",
            "expected a text",
            "lists and keys cannot stand here; a text that looks like one stands in quotes",
        ),
        (
            "invalid type: map, expected a text",
            "expected a text, or a list of them",
            "keys cannot stand here; a text that looks like one stands in quotes",
        ),
        (
            "expected sequence start",
            "expected a list",
            "write each item on a line of its own after `- `, or all of them in brackets: `[a, b]`",
        ),
        (
            "invalid u64",
            "expected a whole number",
            "times are in milliseconds",
        ),
        (
            "invalid u32",
            "expected a whole number",
            "write it without a sign and without a point",
        ),
        (
            "invalid floating point",
            "expected a number",
            "places on a page are in CSS pixels, from its left upper corner",
        ),
        (
            "expected mapping start",
            "expected keys and values",
            file.mapping,
        ),
        (
            "unclosed bracket",
            "the bracket is not closed",
            "the file may be cut off: export it, or copy it, again",
        ),
        (
            "multiple YAML documents",
            "the file holds more than one document",
            "keep each in a file of its own",
        ),
        (
            "expected end of mapping after enum variant",
            "a step has one kind, and this is a second",
            "begin the next step on a line of its own with `- `",
        ),
        ("unexpected end of input", file.empty, file.needs),
        (
            "mapping values are not allowed",
            "a key cannot stand here",
            "keys of one level begin in the same column; a value that holds a colon stands in quotes",
        ),
        (
            "expected string key for externally tagged enum",
            "expected a step",
            STEP,
        ),
        (
            "unclosed quote",
            "the quote is not closed",
            "end the value with the quote it begins with",
        ),
    ] {
        if message.starts_with(known) {
            return (plain.to_owned(), help);
        }
    }
    (message.to_owned(), file.see)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_characters_not_bytes() {
        let text = "title: é\nclick: ü foo: bar\n";
        let range = word_at(text, 2, 10);
        assert_eq!(&text[range], "foo");
        assert_eq!(word_at(text, 9, 1), text.len()..text.len());
        assert_eq!(word_at("", 1, 1), 0..0);
    }
}
