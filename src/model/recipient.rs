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

/// Whether a URL is that of a recipient's own script, which decides what is sent: its library, a pixel's
/// configuration, a plugin.
pub fn is_library(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    let of_recipient = url.host_str().and_then(recipient).is_some();
    let path = url.path();
    of_recipient && (path.ends_with(".js") || path.starts_with("/signals/"))
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

    #[test]
    fn a_library_is_a_recipients_script() {
        for url in [
            "https://connect.facebook.net/en_US/fbevents.js?x",
            "https://connect.facebook.net/signals/config/123?v=2.9.324",
            "https://connect.facebook.net/signals/plugins/iwl.js?v=2.9.324",
        ] {
            assert!(is_library(url), "{url}");
        }
        for url in [
            "https://www.facebook.com/tr/?id=1",
            "https://www.police.example/signals/config/1",
            "data:,x",
        ] {
            assert!(!is_library(url), "{url}");
        }
    }
}
