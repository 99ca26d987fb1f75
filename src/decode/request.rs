//! A request as decoders look at it: cheap to make, since most requests are nobody's.

/// The parts of a request, borrowed and untouched.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Without port and user; as it was written, which is lower case unless somebody typed it.
    pub host: &'a str,
    /// From the first slash to the query.
    pub path: &'a str,
    /// Without the question mark; nothing where there is none.
    pub query: Option<&'a str>,
    /// Null where there was none or it could not be had.
    pub body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Nothing if the URL is none with a host.
    pub fn new(url: &'a str, method: &'a str, body: Option<&'a [u8]>) -> Option<Request<'a>> {
        let (scheme, rest) = url.split_once("://")?;
        if !matches!(scheme.len(), 2..=5) {
            return None;
        }
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        (!host.is_empty()).then_some(Request {
            method,
            host,
            path,
            query,
            body: body.filter(|body| !body.is_empty()),
        })
    }

    /// Whether the host is that domain or under it, by label.
    pub fn is_under(&self, domain: &str) -> bool {
        let host = self.host.trim_end_matches('.').as_bytes();
        let Some(at) = host.len().checked_sub(domain.len()) else {
            return false;
        };
        host[at..].eq_ignore_ascii_case(domain.as_bytes()) && (at == 0 || host[at - 1] == b'.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_without_being_changed() {
        let url = "https://user@WWW.facebook.com:443/tr/?id=1&dl=a/b?c#part";
        let request = Request::new(url, "GET", Some(b"")).unwrap();
        assert_eq!(request.host, "WWW.facebook.com");
        assert_eq!(request.path, "/tr/");
        assert_eq!(request.query, Some("id=1&dl=a/b?c"));
        assert_eq!(request.body, None);
        assert!(request.is_under("facebook.com"));
        let bare = Request::new("https://facebook.com?x", "GET", None).unwrap();
        assert_eq!(
            (bare.host, bare.path, bare.query),
            ("facebook.com", "", Some("x"))
        );
        for url in ["", "data:text/plain,x", "https://", "about:blank", "://x/"] {
            assert!(Request::new(url, "GET", None).is_none(), "{url}");
        }
    }

    #[test]
    fn hosts_are_matched_by_label() {
        let under = |host: &str| {
            let url = format!("https://{host}/");
            Request::new(&url, "GET", None)
                .unwrap()
                .is_under("facebook.com")
        };
        assert!(under("facebook.com") && under("web.facebook.com") && under("www.facebook.com."));
        assert!(!under("notfacebook.com") && !under("facebook.com.example") && !under("com"));
    }
}
