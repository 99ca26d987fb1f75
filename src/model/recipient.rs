//! The company behind a host.

use super::registrable_domain;

/// Registrable domain → company, as the companies' own terms name them.
const RECIPIENTS: [(&str, &str); 6] = [
    ("facebook.com", "Meta"),
    ("facebook.net", "Meta"),
    ("fbcdn.net", "Meta"),
    ("fb.com", "Meta"),
    ("instagram.com", "Meta"),
    ("whatsapp.com", "Meta"),
];

/// The company that gets what is sent to a host; nothing where it is not known. By registrable domain, never by
/// what a name contains: `facebook.com.example` is not Meta's.
pub fn recipient(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = registrable_domain(&host);
    RECIPIENTS
        .iter()
        .find(|(known, _)| *known == domain)
        .map(|(_, company)| *company)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_known_by_its_domain_not_by_a_word_in_it() {
        assert_eq!(recipient("www.facebook.com"), Some("Meta"));
        assert_eq!(recipient("Connect.Facebook.net."), Some("Meta"));
        assert_eq!(recipient("facebook.com.example"), None);
        assert_eq!(recipient("notfacebook.com"), None);
        assert_eq!(recipient("www.police.example"), None);
    }
}
