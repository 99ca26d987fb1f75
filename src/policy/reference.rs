//! `docs/rules.md`, made from the registry of keys.

use std::fmt::Write;

use super::criteria::CRITERIA;

/// The page.
pub fn reference() -> String {
    let mut text = String::from(
        "# Keys of a policy\n\n\
         Made from the code (`src/policy/criteria.rs`). [policy.md](policy.md) has the words, the precedence and the outcomes.\n\n\
         ## Of a rule\n\n\
         | key | takes | meaning |\n|---|---|---|\n\
         | `id` | letters, digits, `-`, `_`, `.` | reports and baselines name it; no two rules or claims have the same |\n\
         | `deny` | keys as below | no request may match |\n\
         | `allow` | keys as below | what matches needs no line in a baseline; with `except` it is taken out of denies |\n\
         | `require` | keys as below | where page and step are reached, a request must match, or the banner be there |\n\
         | `except` | ids of denies | only of an `allow`: the denies that it is an exception to |\n\
         | `until` | a day, `2027-01-31` | only of an `allow`: its last day, in UTC; after it the policy is refused |\n\
         | `severity` | `error`, `warning`, `note` | of a `deny` or `require`: `error` counts for the exit code, the others are reported |\n\
         | `reason` | a sentence | why; reports say it |\n\n\
         A rule has exactly one of `deny`, `allow` and `require`.\n\n\
         ## Of a claim\n\n\
         | key | takes | meaning |\n|---|---|---|\n\
         | `id` | as of a rule | |\n\
         | `says` | a sentence | what was claimed, quoted or paraphrased |\n\
         | `source` | a sentence | who said it, and when |\n\
         | `deny` | keys as below | what would contradict it |\n\
         | `not_testable` | a sentence | instead of `deny`: why no traffic could |\n\n\
         ## Of `deny`, `allow` and `require`\n\n\
         All that are given must hold. Each takes one text or a list, of which one must hold.\n\n\
         | key | takes | meaning | example |\n|---|---|---|---|\n",
    );
    for criterion in CRITERIA {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | `{}` |",
            criterion.key, criterion.takes, criterion.about, criterion.example
        );
    }
    text += "\n## Values that there are\n";
    for criterion in CRITERIA {
        if let Some(values) = criterion.values {
            let values: Vec<String> = values().iter().map(|value| format!("`{value}`")).collect();
            let _ = write!(text, "\n**`{}`**: {}\n", criterion.key, values.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PIXELWITNESS_BLESS=1 cargo test reference` writes it anew.
    #[test]
    fn the_reference_is_that_of_the_registry() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
        let text = reference();
        if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text);
    }

    #[test]
    fn examples_are_policies() {
        for criterion in CRITERIA {
            let effect = if criterion.key == "banner" {
                "require"
            } else {
                "deny"
            };
            let text = format!(
                "rules:\n  - id: x\n    {effect}: {{ {} }}\n",
                criterion.example
            );
            let today = jiff::civil::date(2026, 1, 1);
            let policy = crate::policy::Policy::parse("x.yaml".as_ref(), text, today);
            assert!(
                policy.is_ok(),
                "{}: {:?}",
                criterion.key,
                policy.map_err(|error| error.render(false))
            );
        }
    }
}
