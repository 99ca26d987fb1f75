//! Crime reports that really arrived: the site's own record of what was filed.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::access_log::now;

/// One report form that was delivered to the site with its last button.
///
/// A contained journey leaves none of these: that is how "nothing was filed" can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FiledReport {
    /// Which form: `sexual-offence` or `domestic-abuse`.
    pub form: String,
    /// Names and values as submitted, in order; a name may stand more than once.
    pub fields: Vec<(String, String)>,
    /// When it arrived: RFC 3339, UTC, milliseconds.
    pub time: String,
}

/// All reports filed with one server.
#[derive(Debug, Default)]
pub(super) struct ReportBook {
    reports: Mutex<Vec<FiledReport>>,
}

impl ReportBook {
    /// Files a report from a form body (`application/x-www-form-urlencoded`).
    pub(super) fn file(&self, form: &str, body: &[u8]) {
        let fields = form_urlencoded::parse(body).into_owned().collect();
        let report = FiledReport {
            form: form.to_owned(),
            fields,
            time: now(),
        };
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report);
    }

    pub(super) fn snapshot(&self) -> Vec<FiledReport> {
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::ReportBook;

    #[test]
    fn fields_are_decoded_in_order_and_may_repeat() {
        let book = ReportBook::default();
        book.file(
            "domestic-abuse",
            b"abuse_type=physical&abuse_type=financial&email=a%2Bb%40c.example&what=two+words",
        );
        let reports = book.snapshot();
        assert_eq!(reports[0].form, "domestic-abuse");
        let fields: Vec<_> = reports[0]
            .fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let expected = [
            ("abuse_type", "physical"),
            ("abuse_type", "financial"),
            ("email", "a+b@c.example"),
            ("what", "two words"),
        ];
        assert_eq!(fields, expected);
    }
}
