//! Patterns: of pages, with `*`, `**` and `{a,b}`; of names, with `*` alone, since names are full of brackets.

use globset::{GlobBuilder, GlobMatcher};
use url::Url;

/// A glob of pages.
#[derive(Debug, Clone)]
pub struct PageGlob {
    text: String,
    matcher: GlobMatcher,
    /// It is held against whole addresses.
    whole: bool,
}

impl PageGlob {
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn new(text: &str) -> Result<PageGlob, (String, String)> {
        let whole = text.contains("://");
        if !whole && !text.starts_with('/') {
            let message = format!("`{text}` is no page");
            let help = "a page begins with `/`, as in `/report/**`; on one host of the site alone it is written whole, as in `https://forms.police.example/**`";
            return Err((message, help.to_owned()));
        }
        if text.contains(['?', '#']) {
            let message = format!("`{text}` has a query or a fragment, which are not looked at");
            return Err((message, "end the page at its path".to_owned()));
        }
        let whole_segments = text
            .split('/')
            .all(|part| part == "**" || !part.contains("**"));
        if !whole_segments {
            let message = format!("`**` stands alone between slashes, and in `{text}` it does not");
            let help =
                "write `/report/**` for /report/ and all below it, `/report*` for what begins so";
            return Err((message, help.to_owned()));
        }
        let matcher = GlobBuilder::new(text)
            .literal_separator(true)
            .case_insensitive(true)
            .build()
            .map_err(|error| {
                let what = error.kind().to_string();
                let help = "`*` is anything but a slash, `**` (between slashes) anything, `{a,b}` either, `[` a set of characters";
                (format!("`{text}` is no glob: {what}"), help.to_owned())
            })?;
        Ok(PageGlob {
            text: text.to_owned(),
            matcher: matcher.compile_matcher(),
            whole,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it covers a page, given by its address. `origin` is the site's registrable domain.
    pub fn matches(&self, page: &str, is_own: bool) -> bool {
        let Ok(url) = Url::parse(page) else {
            return false;
        };
        if !self.whole && !is_own {
            return false;
        }
        let text = if self.whole {
            format!("{}{}", url.origin().ascii_serialization(), url.path())
        } else {
            url.path().to_owned()
        };
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
        [text.as_str(), &decoded].iter().any(|text| {
            let bare = text.strip_suffix('/').unwrap_or(text);
            self.matcher.is_match(text)
                || self.matcher.is_match(bare)
                || self.matcher.is_match(format!("{bare}/"))
        })
    }
}

/// A pattern of names: `*` is anything.
#[derive(Debug, Clone)]
pub struct NameGlob {
    text: String,
    matcher: GlobMatcher,
}

impl NameGlob {
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn new(text: &str, case_insensitive: bool) -> Result<NameGlob, (String, String)> {
        if text.is_empty() {
            return Err((
                "a name is missing".to_owned(),
                "give one, or `*` for any".to_owned(),
            ));
        }
        let parts: Vec<String> = text.split('*').map(globset::escape).collect();
        let matcher = GlobBuilder::new(&parts.join("*"))
            .literal_separator(false)
            .case_insensitive(case_insensitive)
            .build()
            .map_err(|error| (format!("`{text}` cannot be read: {error}"), String::new()))?;
        Ok(NameGlob {
            text: text.to_owned(),
            matcher: matcher.compile_matcher(),
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// As a host: a domain is all its hosts.
    pub fn covers_host(&self, host: &str) -> bool {
        let mut rest = Some(host);
        while let Some(host) = rest {
            if self.matches(host) {
                return true;
            }
            rest = host.split_once('.').map(|(_, rest)| rest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_paths_whatever_their_case_and_last_slash() {
        let matches = |glob: &str, page: &str| {
            let page = format!("https://www.police.example{page}");
            PageGlob::new(glob).unwrap().matches(&page, true)
        };
        for page in [
            "/report",
            "/report/",
            "/report/x",
            "/Report/x/y/",
            "/report/?a=1",
            "/report#b",
        ] {
            assert!(matches("/report/**", page), "{page}");
        }
        for page in ["/", "/reports", "/reports/x", "/x/report/", "/report.html"] {
            assert!(!matches("/report/**", page), "{page}");
        }
        assert!(matches("/", "/") && matches("/", ""));
        assert!(!matches("/", "/a") && !matches("/", "/a/"));
        assert!(matches("/report", "/report/") && matches("/report/", "/report"));
        assert!(!matches("/report/", "/report/x"));
        assert!(matches("/**", "/") && matches("/**", "/a/b"));
        assert!(matches("/*/help", "/a/help") && !matches("/*/help", "/a/b/help"));
        assert!(matches("/**/help", "/help") && matches("/**/help", "/a/b/help/"));
        assert!(matches("/{ro,report}/*", "/ro/x") && !matches("/{ro,report}/*", "/no/x"));
        assert!(matches("/sexual offence", "/sexual%20offence/"));
        assert!(matches("/sexual%20offence", "/sexual%20offence/"));
    }

    #[test]
    fn a_path_is_of_the_site_and_a_whole_address_of_any() {
        let own = PageGlob::new("/report/**").unwrap();
        assert!(!own.matches("https://elsewhere.example/report/x", false));
        let whole = PageGlob::new("https://shop.example/**").unwrap();
        assert!(whole.matches("https://shop.example/a?b", false));
        assert!(!whole.matches("https://shop.example.org/a", false));
        assert!(!whole.matches("http://shop.example/a", false));
        assert!(!own.matches("about:blank", true) && !own.matches("", true));
    }

    #[test]
    fn names_are_full_of_brackets() {
        let matches = |glob: &str, name: &str| NameGlob::new(glob, false).unwrap().matches(name);
        assert!(matches("cd[buttonText]", "cd[buttonText]"));
        assert!(matches("cd[*]", "cd[x/y]") && !matches("cd[*]", "ud[x]"));
        assert!(matches("*", "") && matches("a{b,c}", "a{b,c}") && !matches("a{b,c}", "ab"));
        assert!(!matches("PageView", "Pageview"));
        assert!(NameGlob::new("", false).is_err());
    }
}
