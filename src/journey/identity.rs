//! Plays a visitor who is logged in somewhere, without a login: canary cookies, planted before the first page.

use chromiumoxide::cdp::browser_protocol::network::{CookieParam, CookieSameSite, TimeSinceEpoch};
use chromiumoxide::cdp::browser_protocol::storage::SetCookiesParams;

use super::Page;
use crate::capture::RemoteError;
use crate::model::Moment;
use crate::scenario::{Identity, Seed};

/// A cookie that was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    pub name: String,
    pub value: String,
    pub domain: String,
}

/// Plants the cookies of an identity, with the attributes that let the real ones travel to third-party requests.
///
/// `xs`, the session's secret, is left out: nothing needs it to show whose browser it is.
///
/// # Errors
/// If the browser refuses a cookie.
pub async fn plant(
    browser: &Page,
    identities: &[Identity],
    seed: &Seed,
) -> Result<Vec<Planted>, RemoteError> {
    let mut planted = Vec::new();
    for identity in identities {
        match identity {
            Identity::Facebook => planted.extend(facebook(seed)),
        }
    }
    if planted.is_empty() {
        return Ok(planted);
    }
    let expires = (Moment::now().millis() / 1000 + 90 * 24 * 3600) as f64;
    let cookies: Vec<CookieParam> = planted
        .iter()
        .map(|cookie| CookieParam {
            domain: Some(cookie.domain.clone()),
            path: Some("/".into()),
            secure: Some(true),
            // c_user alone can be read by script on facebook.com.
            http_only: Some(cookie.name != "c_user"),
            same_site: Some(CookieSameSite::None),
            expires: Some(TimeSinceEpoch::new(expires)),
            ..CookieParam::new(cookie.name.clone(), cookie.value.clone())
        })
        .collect();
    browser.execute(SetCookiesParams::new(cookies)).await?;
    Ok(planted)
}

fn facebook(seed: &Seed) -> Vec<Planted> {
    let cookie = |name: &str, value: String| Planted {
        name: name.to_owned(),
        value,
        domain: ".facebook.com".to_owned(),
    };
    vec![
        // Fifteen digits beginning with 10, as account ids are since 2009.
        cookie("c_user", seed.digits("cookie:c_user", "10", 15)),
        cookie("fr", seed.letters("cookie:fr", 24)),
        cookie("datr", seed.letters("cookie:datr", 24)),
        cookie("sb", seed.letters("cookie:sb", 24)),
    ]
}
