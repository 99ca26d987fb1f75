//! Text that others chose, as it may be shown: nothing in it is obeyed, and nothing of it is hidden.

use std::borrow::Cow;
use std::fmt::{self, Write};

use askama::Template;
use unicode_width::UnicodeWidthChar;

/// Characters of a value that are shown; the bundle has the rest.
const MOST: usize = 20_000;
/// Longer values (characters) are folded.
const FOLDED: usize = 300;
/// Of a folded one so many are seen.
const HEAD: usize = 120;
/// Marks on one character that are shown: more grow out of their line, and break none.
const MARKS: usize = 4;
/// Characters of a name in a chart.
const LABEL: usize = 26;

/// Text of a page, of a request or of a file. Displayed, characters that cannot be seen, or that turn the direction of what
/// follows, stand there by their names; templates escape it besides.
#[derive(Debug, Clone)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn new(text: impl Into<Cow<'a, str>>) -> Text<'a> {
        Text(text.into())
    }

    /// As it is: for an attribute that leads to another.
    pub(super) fn raw(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_long(&self) -> bool {
        self.0.len() > FOLDED && self.characters() > FOLDED
    }

    pub(super) fn characters(&self) -> usize {
        self.0.chars().count()
    }

    /// The beginning of a long one.
    pub(super) fn head(&self) -> Text<'_> {
        self.first(HEAD)
    }

    /// On one line, and its beginning alone where there is not room for more.
    pub(super) fn brief(&self) -> Brief<'_> {
        Brief(&self.0, FOLDED)
    }

    /// The same, for a chart.
    pub(super) fn label(&self) -> Brief<'_> {
        Brief(&self.0, LABEL)
    }

    /// Whole, folded where it is long: HTML.
    pub(super) fn value(&self) -> Value<'_> {
        Value { text: self }
    }

    fn first(&self, most: usize) -> Text<'_> {
        let end = self.0.char_indices().nth(most).map(|(at, _)| at);
        Text(Cow::Borrowed(&self.0[..end.unwrap_or(self.0.len())]))
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.first(MOST);
        write_visible(&shown.0, f)?;
        if shown.0.len() < self.0.len() {
            write!(f, "… (cut here: {} characters in all)", self.characters())?;
        }
        Ok(())
    }
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% if text.is_long() %}<details class="long"><summary><code>{{ text.head() }}…</code> <small>{{ text.characters() }} characters</small></summary><code>{{ text }}</code></details>{% else %}<code>{{ text }}</code>{% endif %}"#
)]
pub(super) struct Value<'a> {
    text: &'a Text<'a>,
}

/// On one line, and cut where it is longer than so many characters.
#[derive(Debug)]
pub(super) struct Brief<'a>(&'a str, usize);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.1;
        for (number, word) in self.0.split_whitespace().enumerate() {
            if number > 0 {
                f.write_char(' ')?;
            }
            let end = word.char_indices().nth(left).map(|(at, _)| at);
            write_visible(&word[..end.unwrap_or(word.len())], f)?;
            let length = word.chars().count() + 1;
            if end.is_some() || length > left {
                return f.write_char('…');
            }
            left -= length;
        }
        Ok(())
    }
}

fn write_visible(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = text;
    let mut marks = 0;
    let mut written = 0;
    for (at, c) in text.char_indices() {
        // Most text is this.
        if c.is_ascii() && !c.is_ascii_control() {
            marks = 0;
            continue;
        }
        let unseen = is_unseen(c);
        marks = match c.width() {
            Some(0) if !unseen => marks + 1,
            _ => 0,
        };
        if !unseen && marks <= MARKS {
            continue;
        }
        f.write_str(&rest[..at - written])?;
        written = at + c.len_utf8();
        rest = &text[written..];
        match c {
            // As Unicode's pictures of them have it.
            '\0'..='\u{1f}' => {
                let picture = char::from_u32(0x2400 + u32::from(c));
                f.write_char(picture.unwrap_or('\u{fffd}'))?;
            }
            '\u{7f}' => f.write_char('\u{2421}')?,
            unseen => write!(f, "⟦U+{:04X}⟧", u32::from(unseen))?,
        }
    }
    f.write_str(rest)
}

/// Controls, what turns the direction, what has no width, what ends a line unseen, and what is no character.
fn is_unseen(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        // Most text ends its looking here.
        ' '..='\u{ac}' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        c => u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// Where a file of the bundle is, seen from a page in its `data/`. Nothing for a path that leads anywhere else: records may be
/// anybody's.
pub(super) fn link(path: &str) -> Option<String> {
    let rest = path.strip_prefix("data/")?;
    let plain =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains([':', '\\', '?', '#', '%']);
    rest.split('/').all(plain).then(|| format!("./{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        let shown = |text: &str| Text::new(text.to_owned()).to_string();
        assert_eq!(shown("a\0b\u{1b}[31m\tc\n"), "a␀b␛[31m\tc\n");
        assert_eq!(shown("x\u{202e}gpj.exe"), "x⟦U+202E⟧gpj.exe");
        assert_eq!(
            shown("\u{200b}\u{2028}\u{85}\u{feff}"),
            "⟦U+200B⟧⟦U+2028⟧⟦U+0085⟧⟦U+FEFF⟧"
        );
        assert_eq!(shown("e\u{301}x"), "e\u{301}x");
        let piled = format!("Z{}", "\u{300}".repeat(6));
        assert_eq!(
            shown(&piled),
            "Z\u{300}\u{300}\u{300}\u{300}⟦U+0300⟧⟦U+0300⟧"
        );
        assert_eq!(shown("Ünïcode “quoted” 日本"), "Ünïcode “quoted” 日本");
    }

    #[test]
    fn links_stay_in_the_bundle() {
        assert_eq!(link("data/bodies/ab").as_deref(), Some("./bodies/ab"));
        for path in [
            "data/javascript:alert(1)",
            "data/https://evil.example/",
            "data//evil.example/y",
            "data/../x",
            "data/a/../../x",
            "/etc/x",
            "data/a?b",
            "data/",
        ] {
            assert_eq!(link(path), None, "{path}");
        }
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let long = "x".repeat(MOST + 5);
        let text = Text::new(&*long);
        assert!(text.is_long());
        assert_eq!(text.head().to_string().len(), HEAD);
        assert!(
            text.to_string()
                .ends_with("… (cut here: 20005 characters in all)")
        );
        let brief = text.brief().to_string();
        assert_eq!(brief.chars().count(), FOLDED + 1);
        assert_eq!(
            Text::new(" a \n b\u{202e} ").brief().to_string(),
            "a b⟦U+202E⟧"
        );
    }
}
