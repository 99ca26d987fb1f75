//! A request as decoders look at it: cheap to make, since most requests are nobody's.

use crate::model::UrlParts;

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
        let UrlParts { host, path, query } = UrlParts::of(url)?;
        Some(Request {
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
