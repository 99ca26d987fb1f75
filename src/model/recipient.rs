//! The company behind a host.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::registrable_domain;

/// Domain, company and product, tab-separated. The source of each row is the product's own documentation.
const TABLE: &str = include_str!("recipients.tsv");

static RECIPIENTS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    rows()
        .map(|(domain, company, _product)| (domain, company))
        .collect()
});

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.next()?, fields.next()?))
        })
}

/// The company that gets what is sent to a host; nothing where it is not known. By registrable domain, never by
/// what a name contains: `facebook.com.example` is not Meta's.
pub fn recipient(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    RECIPIENTS.get(registrable_domain(&host)).copied()
}

/// Every company whose hosts are known, each once, in order.
pub fn recipients() -> Vec<&'static str> {
    let mut companies: Vec<&str> = rows().map(|(_, company, _)| company).collect();
    companies.sort_unstable();
    companies.dedup();
    companies
}

/// Companies of which a product has such a name: people say Facebook, and records Meta.
pub fn companies_of_product(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let of_product = rows().filter(|(_, _, product)| product.to_lowercase().contains(&text));
    let mut companies: Vec<&str> = of_product.map(|(_, company, _)| company).collect();
    companies.sort_unstable();
    companies.dedup();
    companies
}

/// Whether a URL is that of Meta's own script, which decides what is sent: its library, a pixel's configuration, a
/// plugin.
pub fn is_library(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    let of_meta = url.host_str().and_then(recipient) == Some("Meta");
    let path = url.path();
    of_meta && (path.ends_with(".js") || path.starts_with("/signals/"))
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
    fn the_table_is_well_formed() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count(), 150);
        assert_eq!(rows().count(), 150);
        assert_eq!(RECIPIENTS.len(), 150, "no domain stands there twice");
        for (domain, company, product) in rows() {
            assert_eq!(
                psl::domain_str(domain),
                Some(domain),
                "a registrable domain"
            );
            assert!(!company.is_empty() && !product.is_empty());
        }
        assert_eq!(recipient("region1.google-analytics.com"), Some("Google"));
        assert_eq!(recipient("analytics.tiktok.com"), Some("TikTok"));
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
