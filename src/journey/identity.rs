//! Plays a visitor who is logged in somewhere, without a login: cookies, planted before the first page.

use std::path::{Path, PathBuf};

use chromiumoxide::cdp::browser_protocol::network::{CookieParam, CookieSameSite, TimeSinceEpoch};
use chromiumoxide::cdp::browser_protocol::storage::SetCookiesParams;
use serde::Deserialize;

use super::Page;
use crate::capture::RemoteError;
use crate::model::Moment;
use crate::scenario::{Identity, Seed};

/// A cookie that is planted.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    pub name: String,
    pub value: String,
    pub domain: String,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
    /// Seconds since 1970; nothing for a cookie of the session.
    expires: Option<f64>,
    /// It is somebody's real one: its value must not be written down.
    pub secret: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SameSite {
    None,
    Lax,
    Strict,
    /// The browser's default.
    Unset,
}

/// Why cookies cannot be planted.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("the cookies in `{}` cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
}

/// The cookies of identities; files are named from `folder`.
///
/// # Errors
/// If a file of cookies cannot be read.
pub fn cookies_of(
    identities: &[Identity],
    folder: &Path,
    seed: &Seed,
) -> Result<Vec<Planted>, IdentityError> {
    let mut planted = Vec::new();
    for identity in identities {
        match identity {
            Identity::Facebook => planted.extend(facebook(seed)),
            Identity::Cookies(file) => {
                let path = folder.join(file);
                let unreadable = |why: String| IdentityError::Unreadable {
                    path: path.clone(),
                    why,
                };
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| unreadable(error.to_string()))?;
                planted.extend(exported(&text).map_err(unreadable)?);
            }
        }
    }
    Ok(planted)
}

/// Plants cookies in the browser.
///
/// # Errors
/// If the browser refuses a cookie.
pub async fn plant(browser: &Page, planted: &[Planted]) -> Result<(), RemoteError> {
    if planted.is_empty() {
        return Ok(());
    }
    let cookies: Vec<CookieParam> = planted
        .iter()
        .map(|cookie| CookieParam {
            domain: Some(cookie.domain.clone()),
            path: Some(cookie.path.clone()),
            secure: Some(cookie.secure),
            http_only: Some(cookie.http_only),
            same_site: match cookie.same_site {
                SameSite::None => Some(CookieSameSite::None),
                SameSite::Lax => Some(CookieSameSite::Lax),
                SameSite::Strict => Some(CookieSameSite::Strict),
                SameSite::Unset => None,
            },
            expires: cookie.expires.map(TimeSinceEpoch::new),
            ..CookieParam::new(cookie.name.clone(), cookie.value.clone())
        })
        .collect();
    browser.execute(SetCookiesParams::new(cookies)).await?;
    Ok(())
}

/// With the attributes that let the real ones travel to third-party requests.
fn facebook(seed: &Seed) -> Vec<Planted> {
    let expires = (Moment::now().millis() / 1000 + 90 * 24 * 3600) as f64;
    let cookie = |name: &str, value: String| Planted {
        name: name.to_owned(),
        value,
        domain: ".facebook.com".to_owned(),
        path: "/".to_owned(),
        secure: true,
        // c_user alone can be read by script on facebook.com.
        http_only: name != "c_user",
        same_site: SameSite::None,
        expires: Some(expires),
        secret: false,
    };
    vec![
        // Fifteen digits beginning with 10, as account ids are since 2009.
        cookie("c_user", seed.digits("cookie:c_user", "10", 15)),
        // The session's secret; this one opens nothing.
        cookie("xs", seed.letters("cookie:xs", 40)),
        cookie("fr", seed.letters("cookie:fr", 24)),
        cookie("datr", seed.letters("cookie:datr", 24)),
        cookie("sb", seed.letters("cookie:sb", 24)),
    ]
}

/// A cookie as browser extensions export it in JSON; Playwright's storage state has the same names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    name: String,
    value: String,
    domain: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    secure: bool,
    #[serde(default)]
    http_only: bool,
    #[serde(default)]
    same_site: Option<String>,
    #[serde(default, alias = "expires")]
    expiration_date: Option<f64>,
    #[serde(default)]
    host_only: bool,
}

#[derive(Deserialize)]
struct State {
    cookies: Vec<Exported>,
}

/// Cookies out of a file that a browser exported: Netscape's `cookies.txt`, or JSON.
fn exported(text: &str) -> Result<Vec<Planted>, String> {
    let cookies = match text.trim_start().chars().next() {
        Some('[') => from_json(serde_json::from_str(text).map_err(|error| error.to_string())?),
        Some('{') => {
            let state: State = serde_json::from_str(text).map_err(|error| error.to_string())?;
            from_json(state.cookies)
        }
        _ => from_lines(text)?,
    };
    if cookies.is_empty() {
        return Err("it holds no cookie".to_owned());
    }
    Ok(cookies)
}

fn from_json(cookies: Vec<Exported>) -> Vec<Planted> {
    cookies
        .into_iter()
        .map(|cookie| Planted {
            same_site: match cookie
                .same_site
                .as_deref()
                .map(str::to_ascii_lowercase)
                .as_deref()
            {
                Some("none" | "no_restriction") => SameSite::None,
                Some("lax") => SameSite::Lax,
                Some("strict") => SameSite::Strict,
                _ => SameSite::Unset,
            },
            domain: if cookie.host_only {
                cookie.domain.trim_start_matches('.').to_owned()
            } else {
                cookie.domain
            },
            name: cookie.name,
            value: cookie.value,
            path: cookie.path.unwrap_or_else(|| "/".to_owned()),
            secure: cookie.secure,
            http_only: cookie.http_only,
            expires: cookie.expiration_date.filter(|seconds| *seconds > 0.0),
            secret: true,
        })
        .collect()
}

/// Domain, whether subdomains too, path, secure, expiry, name, value: tab-separated, `#HttpOnly_` before the domain.
fn from_lines(text: &str) -> Result<Vec<Planted>, String> {
    let mut cookies = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (http_only, line) = match line.strip_prefix("#HttpOnly_") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let [domain, subdomains, path, secure, expires, name, value] = fields[..] else {
            return Err(format!(
                "line {number} has {} tab-separated fields, where `cookies.txt` has seven",
                fields.len()
            ));
        };
        let secure = secure == "TRUE";
        cookies.push(Planted {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: if subdomains == "TRUE" && !domain.starts_with('.') {
                format!(".{domain}")
            } else {
                domain.to_owned()
            },
            path: path.to_owned(),
            secure,
            http_only,
            // The format has no such field. A cookie that travels to third parties must say `None`, and be secure.
            same_site: if secure {
                SameSite::None
            } else {
                SameSite::Unset
            },
            expires: expires.parse().ok().filter(|seconds: &f64| *seconds > 0.0),
            secret: true,
        });
    }
    Ok(cookies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_as_browsers_export_them() {
        let lines = "# Netscape HTTP Cookie File\n\n#HttpOnly_.facebook.com\tTRUE\t/\tTRUE\t1893456000\txs\tsecret\nfacebook.com\tFALSE\t/\tFALSE\t0\ta\tb\n";
        let cookies = exported(lines).unwrap();
        assert_eq!(cookies.len(), 2);
        assert_eq!(
            (
                cookies[0].name.as_str(),
                cookies[0].http_only,
                cookies[0].same_site
            ),
            ("xs", true, SameSite::None)
        );
        assert_eq!((cookies[1].expires, cookies[1].secure), (None, false));
        let json = r#"[{"name":"fr","value":"v","domain":".facebook.com","path":"/","secure":true,"httpOnly":true,"sameSite":"no_restriction","expirationDate":1893456000.5,"hostOnly":false,"session":false,"storeId":"0"}]"#;
        let from_json = exported(json).unwrap();
        assert_eq!(from_json[0].same_site, SameSite::None);
        let state = format!(r#"{{"cookies": {json}, "origins": []}}"#);
        assert_eq!(exported(&state).unwrap(), from_json);
        assert!(from_json[0].secret);
        assert!(exported("a b\n").unwrap_err().contains("line 1"));
        assert_eq!(exported("# only this\n").unwrap_err(), "it holds no cookie");
    }

    #[test]
    fn a_facebook_visitor_has_the_cookies_that_name_him() {
        let planted = facebook(&Seed::from_bytes([7; 32]));
        let names: Vec<&str> = planted.iter().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(names, ["c_user", "xs", "fr", "datr", "sb"]);
        assert!(planted.iter().all(|cookie| cookie.secure && !cookie.secret));
    }
}
