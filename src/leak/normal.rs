//! The forms that a value takes before it is hashed or sent: as typed, and as recipients normalise it.
//!
//! Sources: Meta's "Customer information parameters" (e-mail trimmed and in lower case; phone as digits with the
//! country's code and no leading zeros; names in lower case without punctuation, UTF-8 kept; dates YYYYMMDD; postcodes
//! in lower case without spaces, before `-`), Google's and TikTok's (phones as E.164 with `+`; Google drops the dots of
//! gmail.com addresses, and its texts disagree on the rest, so every variant is searched).

use super::Sought;
use super::step::Step;

/// Shortest text that is looked for inside others, in bytes.
pub const SHORTEST: usize = super::anchors::LENGTH;

/// A value in one of its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Place of the canary in the search.
    pub canary: usize,
    /// From the canary to this form.
    pub steps: Vec<Step>,
    pub text: String,
    /// Too common to count wherever it stands: it counts as the whole of a field that is named for it, or as a digest.
    pub weak: bool,
    /// So many characters from its beginning count as a part of it; none where its beginning is too common.
    pub least: Option<usize>,
    /// It is a word or a number that others hold, too: it counts where nothing of the like stands right beside it.
    pub alone: bool,
    /// A form in which recipients are known to hash it: looked for through chains of digests and encodings too.
    pub main: bool,
}

const LOWER: Step = Step::normal("lower", "tr A-Z a-z");
const UPPER: Step = Step::normal("upper", "tr a-z A-Z");
const LOWER_WIDE: Step = Step::normal("lower", r"sed 's/.*/\L&/'");
const UPPER_WIDE: Step = Step::normal("upper", r"sed 's/.*/\U&/'");
const TRIMMED: Step = Step::normal("trimmed", "sed 's/^[[:space:]]*//; s/[[:space:]]*$//'");
const NO_TAG: Step = Step::normal("no +tag", "sed 's/+[^@]*//'");
const NO_DOTS: Step = Step::normal("no dots before @", r"sed ':a; s/\.\([^@]*@\)/\1/; ta'");
const BEFORE_AT: Step = Step::normal("before @", "sed 's/@.*//'");
const DIGITS: Step = Step::normal("digits", "tr -cd 0-9");
const NO_ZEROS: Step = Step::normal("no leading zeros", "sed 's/^0*//'");
const PLUS: Step = Step::normal("+ before it", "sed 's/^/+/'");
const LETTERS: Step = Step::normal("no punctuation", "tr -d '[:punct:]'");
const CLOSE: Step = Step::normal("no spaces", "tr -d '[:space:]'");
const DIGITS_OF_DATE: Step = Step::normal("YYYYMMDD", "tr -cd 0-9");
const DAY_FIRST: Step = Step::normal("DD/MM/YYYY", r"sed 's/\(.*\)-\(.*\)-\(.*\)/\3\/\2\/\1/'");
const MONTH_FIRST: Step = Step::normal("MM/DD/YYYY", r"sed 's/\(.*\)-\(.*\)-\(.*\)/\2\/\3\/\1/'");
const DAY_DASH: Step = Step::normal("DD-MM-YYYY", r"sed 's/\(.*\)-\(.*\)-\(.*\)/\3-\2-\1/'");
const DAY_DIGITS: Step = Step::normal("DDMMYYYY", r"sed 's/\(.*\)-\(.*\)-\(.*\)/\3\2\1/'");
const MONTH_DIGITS: Step = Step::normal("MMDDYYYY", r"sed 's/\(.*\)-\(.*\)-\(.*\)/\2\3\1/'");
const BEFORE_DASH: Step = Step::normal("before -", "sed 's/-.*//'");

/// All forms of a value, each once, the plainest first.
pub fn forms(canary: usize, sought: &Sought) -> Vec<Form> {
    let mut forms = Forms {
        canary,
        list: Vec::new(),
        weak: matches!(sought.kind.as_str(), "date" | "postcode" | "gender"),
        alone: !sought.rare && matches!(sought.kind.as_str(), "name" | "text" | "number"),
        least: least(sought),
        number: matches!(sought.kind.as_str(), "phone" | "number"),
    };
    let typed = sought.value.as_str();
    forms.add(typed, &[], true);
    let trimmed = typed.trim();
    let start: &[Step] = if trimmed == typed { &[] } else { &[TRIMMED] };
    forms.add(trimmed, start, true);
    match sought.kind.as_str() {
        // An opaque value that was planted: nobody normalises it.
        "cookie" => return forms.list,
        "email" => email(&mut forms, trimmed, start, sought.rare),
        "phone" => phone(&mut forms, trimmed, start),
        "date" => date(&mut forms, trimmed, start),
        "postcode" => postcode(&mut forms, trimmed, start),
        "number" => {
            let digits: String = trimmed.chars().filter(char::is_ascii_digit).collect();
            forms.add(&digits, &after(start, &[DIGITS]), true);
        }
        _ => words(&mut forms, trimmed, start, sought),
    }
    forms.list
}

struct Forms {
    canary: usize,
    list: Vec<Form>,
    weak: bool,
    alone: bool,
    least: Option<usize>,
    number: bool,
}

impl Forms {
    fn add(&mut self, text: &str, steps: &[Step], main: bool) {
        // Of a number all but two digits, however it is written.
        let least = self.least.map(|least| match self.number {
            true => text.chars().count().saturating_sub(2).max(9),
            false => least,
        });
        self.add_with(text, steps, main, least);
    }

    fn add_with(&mut self, text: &str, steps: &[Step], main: bool, least: Option<usize>) {
        if text.is_empty() || self.list.iter().any(|form| form.text == text) {
            return;
        }
        self.list.push(Form {
            canary: self.canary,
            steps: steps.to_vec(),
            text: text.to_owned(),
            weak: self.weak
                || text.len() < SHORTEST
                || (self.alone && self.number && text.len() < 9),
            alone: self.alone,
            least,
            main,
        });
    }
}

/// How many characters from a value's beginning are as good as the value: of one that exists nowhere else a few, of one
/// that a person named most of it.
fn least(sought: &Sought) -> Option<usize> {
    let length = sought.value.trim().chars().count();
    let most = (length * 3).div_ceil(4).max(8);
    let least = match (sought.kind.as_str(), sought.rare) {
        ("phone" | "number", _) => length.saturating_sub(2).max(9),
        ("email" | "name", true) => SHORTEST,
        ("text", true) => 8,
        ("email" | "name" | "text", false) => most,
        _ => return None,
    };
    (least < length).then_some(least)
}

fn lower(text: &str) -> (String, Step) {
    let step = if text.is_ascii() { LOWER } else { LOWER_WIDE };
    (text.to_lowercase(), step)
}

fn upper(text: &str) -> (String, Step) {
    let step = if text.is_ascii() { UPPER } else { UPPER_WIDE };
    (text.to_uppercase(), step)
}

fn after(before: &[Step], steps: &[Step]) -> Vec<Step> {
    before.iter().chain(steps).cloned().collect()
}

fn email(forms: &mut Forms, typed: &str, start: &[Step], rare: bool) {
    let (lowered, lower) = lower(typed);
    forms.add(&lowered, &after(start, std::slice::from_ref(&lower)), true);
    let (raised, upper) = upper(typed);
    forms.add(&raised, &after(start, &[upper]), false);
    // Each both as typed and in lower case, since a recipient may do one without the other.
    for (text, steps) in [
        (lowered.as_str(), after(start, &[lower])),
        (typed, start.to_vec()),
    ] {
        let Some((local, domain)) = text.split_once('@') else {
            return;
        };
        let no_tag = local.split('+').next().unwrap_or(local);
        let no_dots = local.replace('.', "");
        let neither = no_tag.replace('.', "");
        for (local, more) in [
            (no_tag, &[NO_TAG][..]),
            (&no_dots, &[NO_DOTS]),
            (&neither, &[NO_TAG, NO_DOTS]),
        ] {
            forms.add(&format!("{local}@{domain}"), &after(&steps, more), false);
        }
        // Alone it says who it is only if nobody else's begins so.
        if rare || local.len() >= 12 {
            forms.add_with(local, &after(&steps, &[BEFORE_AT]), false, None);
            if no_tag.len() >= 10 && no_tag != local {
                let steps = after(&steps, &[NO_TAG, BEFORE_AT]);
                forms.add_with(no_tag, &steps, false, None);
            }
        }
    }
}

/// With the code of the country that the number is of: its own, else the United Kingdom's where it begins with a zero,
/// else North America's where it has ten digits.
fn phone(forms: &mut Forms, typed: &str, start: &[Step]) {
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let steps = after(start, &[DIGITS]);
    forms.add(&digits, &steps, true);
    let national = digits.trim_start_matches('0');
    let international = if typed.starts_with('+') || typed.starts_with("00") {
        Some((national.to_owned(), after(&steps, &[NO_ZEROS])))
    } else if digits.starts_with('0') {
        let code = Step::normal("country code 44", "sed 's/^0*/44/'");
        Some((format!("44{national}"), after(&steps, &[code])))
    } else if digits.len() == 10 {
        let code = Step::normal("country code 1", "sed 's/^/1/'");
        Some((format!("1{digits}"), after(&steps, &[code])))
    } else {
        None
    };
    if let Some((number, steps)) = international {
        forms.add(&number, &steps, true);
        forms.add(&format!("+{number}"), &after(&steps, &[PLUS]), true);
        let zeros = Step::normal("00 before it", "sed 's/^/00/'");
        forms.add(&format!("00{number}"), &after(&steps, &[zeros]), false);
    }
    forms.add(national, &after(&steps, &[NO_ZEROS]), false);
}

fn date(forms: &mut Forms, typed: &str, start: &[Step]) {
    let parts: Vec<&str> = typed.split('-').collect();
    let [year, month, day] = parts[..] else {
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        forms.add(&digits, &after(start, &[DIGITS]), true);
        return;
    };
    for (text, step, main) in [
        (format!("{year}{month}{day}"), DIGITS_OF_DATE, true),
        (format!("{day}/{month}/{year}"), DAY_FIRST, false),
        (format!("{month}/{day}/{year}"), MONTH_FIRST, false),
        (format!("{day}-{month}-{year}"), DAY_DASH, false),
        (format!("{day}{month}{year}"), DAY_DIGITS, false),
        (format!("{month}{day}{year}"), MONTH_DIGITS, false),
    ] {
        forms.add(&text, &after(start, &[step]), main);
    }
}

fn postcode(forms: &mut Forms, typed: &str, start: &[Step]) {
    let (lowered, lower) = lower(typed);
    forms.add(&lowered, &after(start, std::slice::from_ref(&lower)), true);
    let close = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let steps = after(start, &[lower, CLOSE]);
    forms.add(&close(&lowered), &steps, true);
    forms.add(&close(typed), &after(start, &[CLOSE]), false);
    if let Some((before, _)) = lowered.split_once('-') {
        forms.add(before, &after(&steps, &[BEFORE_DASH]), true);
    }
}

/// A name or free text.
fn words(forms: &mut Forms, typed: &str, start: &[Step], sought: &Sought) {
    let (lowered, lower) = lower(typed);
    let lower_steps = after(start, std::slice::from_ref(&lower));
    forms.add(&lowered, &lower_steps, true);
    let (raised, upper) = upper(typed);
    forms.add(&raised, &after(start, &[upper]), false);
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(|c| !c.is_ascii_punctuation());
        kept.collect()
    };
    let close = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let steps = after(&lower_steps, &[LETTERS]);
    forms.add(&letters(&lowered), &steps, true);
    forms.add(&close(&letters(&lowered)), &after(&steps, &[CLOSE]), false);
    forms.add(&close(&lowered), &after(&lower_steps, &[CLOSE]), false);
    forms.add(&close(typed), &after(start, &[CLOSE]), false);
    let words: Vec<&str> = typed.split_whitespace().collect();
    if words.len() < 2 {
        return;
    }
    for (number, word) in (1..).zip(&words) {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        // Of a name each word is a name; of a text those that exist nowhere else.
        let invented = sought.rare && word.len() >= 8 && word.starts_with(char::is_uppercase);
        if sought.kind != "name" && !invented {
            continue;
        }
        let step = Step::named(
            format!("word {number}"),
            format!("tr -s '[:space:]' '\\n' | sed -n {number}p | tr -d '[:punct:]\\n'"),
        );
        let steps = after(start, &[step]);
        let weak = forms.weak;
        // A person's own name may be a common word, wherever it stands.
        forms.weak = !sought.rare;
        forms.add_with(word, &steps, false, None);
        let steps = after(&steps, std::slice::from_ref(&lower));
        forms.add_with(&word.to_lowercase(), &steps, false, None);
        forms.weak = weak;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, value: &str) -> Vec<(String, String)> {
        let sought = Sought {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
            rare: true,
        };
        let forms = forms(0, &sought);
        let name = |form: &Form| {
            let names: Vec<&str> = form.steps.iter().rev().map(|step| &*step.name).collect();
            names.join(" ← ")
        };
        forms
            .iter()
            .map(|form| (name(form), form.text.clone()))
            .collect()
    }

    fn has(forms: &[(String, String)], name: &str, text: &str) {
        let wanted = (name.to_owned(), text.to_owned());
        assert!(
            forms.contains(&wanted),
            "{wanted:?} is not among {forms:#?}"
        );
    }

    /// Meta's own examples of what is hashed ("Customer information parameters"), and those of its libraries.
    #[test]
    fn meta_normalises_so() {
        let email = of("email", " John_Smith@Gmail.com ");
        has(&email, "lower ← trimmed", "john_smith@gmail.com");
        has(&of("email", "mary@example.com"), "", "mary@example.com");
        has(&of("phone", "+1 (616) 954-78 88"), "digits", "16169547888");
        has(
            &of("phone", "0044 7700 900077"),
            "no leading zeros ← digits",
            "447700900077",
        );
        has(
            &of("phone", "07700 900077"),
            "country code 44 ← digits",
            "447700900077",
        );
        has(&of("name", "Mary"), "lower", "mary");
        has(
            &of("name", "O'Hara-Smith"),
            "no punctuation ← lower",
            "oharasmith",
        );
        has(&of("name", "Valéry"), "lower", "valéry");
        has(&of("name", "정"), "", "정");
        has(&of("date", "1997-02-16"), "YYYYMMDD", "19970216");
        has(&of("postcode", "M1 1AE"), "no spaces ← lower", "m11ae");
        has(
            &of("postcode", "94035-1234"),
            "before - ← no spaces ← lower",
            "94035",
        );
    }

    /// Google's and TikTok's differ.
    #[test]
    fn others_normalise_so() {
        let email = of("email", "Jane.Doe+Shop@GoogleMail.com");
        has(
            &email,
            "no dots before @ ← no +tag ← lower",
            "janedoe@googlemail.com",
        );
        has(&email, "no +tag ← lower", "jane.doe@googlemail.com");
        has(
            &email,
            "no dots before @ ← lower",
            "janedoe+shop@googlemail.com",
        );
        let phone = of("phone", "07700 900077");
        has(
            &phone,
            "+ before it ← country code 44 ← digits",
            "+447700900077",
        );
    }

    #[test]
    fn what_is_common_counts_only_in_its_own_field() {
        let sought = |kind: &str, value: &str| Sought {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
            rare: false,
        };
        assert!(
            forms(0, &sought("date", "1990-01-02"))
                .iter()
                .all(|form| form.weak)
        );
        assert!(
            forms(0, &sought("name", "Ann"))
                .iter()
                .all(|form| form.weak)
        );
        assert!(!forms(0, &sought("name", "Vexqjorth"))[0].weak);
        assert_eq!(forms(0, &sought("name", "Vexqjorth"))[0].least, Some(8));
    }
}
