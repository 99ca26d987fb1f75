//! Errors in what people wrote, shown on the line they stand on.

use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

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

    /// From the YAML parser's own error.
    pub fn of_yaml(path: &Path, text: &str, error: &serde_saphyr::Error) -> Box<Diagnostic> {
        let error = error.without_snippet();
        let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
        let message = error.to_string();
        let message = match message.find(" at line ") {
            Some(end) => message[..end].to_owned(),
            None => message,
        };
        let help = help_for(&message);
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

fn help_for(message: &str) -> &'static str {
    if message.contains("unknown variant") && message.contains("navigate") {
        "a step is one of the kinds above, as in `- click: text/Report a crime`"
    } else if message.contains("unknown field") {
        "remove the key, or correct its spelling"
    } else if message.contains("missing field") {
        "a scenario needs at least `title`, `origin` and `steps`; a `change` step needs `selector` and `value`"
    } else if message.contains("null") {
        "give a value after the colon"
    } else {
        "see docs/scenarios.md for what a scenario may hold"
    }
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
