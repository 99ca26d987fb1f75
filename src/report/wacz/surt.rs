//! SURT keys, by which web archives sort and look up addresses: `https://www.a.example/B/?y&x=1` is
//! `example,a)/b?x=1&y`. The rules are those of the Internet Archive's `surt`, which indexers use; a reader that made other
//! keys would not find what is there.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// What is left escaped; everything beyond ASCII is too.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%');

/// The key of an address. What is none is its own key.
pub(super) fn surt(url: &str) -> String {
    let key = key(url).unwrap_or_else(|| url.as_bytes().to_vec());
    match key.is_ascii() && !key.contains(&b' ') {
        true => String::from_utf8_lossy(&key).into_owned(),
        false => escaped(&key),
    }
}

fn key(url: &str) -> Option<Vec<u8>> {
    let url = url.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let url = url.replace(['\t', '\r', '\n'], "");
    let mut url = url.as_str();
    while let Some((_, inner)) = url.split_once("://")
        && (url.starts_with("http://") || url.starts_with("https://"))
        && (inner.starts_with("http://") || inner.starts_with("https://"))
    {
        url = inner;
    }
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = host_and_port(authority)?;
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => 0,
    };
    let mut key = reversed(&host)?;
    if port != 0 && port != default {
        key.extend_from_slice(format!(":{port}").as_bytes());
    }
    key.push(b')');
    key.extend(canonical_path(path));
    let query = canonical_query(query);
    if !query.is_empty() {
        key.push(b'?');
        key.extend(query);
    }
    Some(key)
}

/// Nothing where the port is none; 0 where there is none.
fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let authority = authority.trim_end_matches(':');
    let authority = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let (host, port) = match authority.split_once('[') {
        Some((_, rest)) => {
            let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
            (host, rest.split_once(':').map_or("", |(_, port)| port))
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port {
        "" => 0,
        port => port.parse().ok().filter(|_| digits)?,
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// `www2.a.example` as `example,a`.
fn reversed(host: &str) -> Option<Vec<u8>> {
    let host = String::from_utf8(unescaped(host.as_bytes())).ok()?;
    let host = match host.is_ascii() {
        true => host.to_ascii_lowercase(),
        false => url::Host::parse(&host).ok()?.to_string(),
    };
    let host = host.replace("..", ".");
    let host = escaped(host.trim_matches('.').as_bytes());
    let bare = host
        .strip_prefix("www")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        .and_then(|rest| rest.strip_prefix('.'));
    let mut labels: Vec<&str> = bare.unwrap_or(&host).split('.').collect();
    labels.reverse();
    Some(labels.join(",").into_bytes())
}

fn canonical_path(path: &str) -> Vec<u8> {
    let path = unescaped(path.as_bytes());
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/').skip(1) {
        match part {
            b"." => {}
            b".." if !kept.is_empty() => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let last = kept.pop().unwrap_or_default();
    kept.retain(|part| !part.is_empty());
    kept.push(last);
    let path = [b"/", kept.join(&b'/').as_slice()].concat();
    let path = escaped(&path).to_ascii_lowercase();
    let path = without_path_session(path, nested_session);
    let path = without_path_session(path, plain_session);
    match path.strip_suffix('/') {
        Some(bare) if !bare.is_empty() => bare.as_bytes().to_vec(),
        _ => path.into_bytes(),
    }
}

/// Without ASP.NET's session in the path: `/(s(24 characters))/x.aspx`, or `/(24 characters)/x.aspx` as older ones had it.
fn without_path_session(path: String, session: impl Fn(&str) -> bool) -> String {
    let Some(page) = path.rfind(".aspx") else {
        return path;
    };
    let mut end = page;
    while let Some(slash) = path[..end].rfind('/') {
        let rest = &path[end..];
        let page = || {
            let name = rest.get(2..).and_then(|name| name.find(".aspx"));
            name.is_some_and(|at| !rest[..at + 2].contains('?'))
        };
        if session(&path[slash + 1..end]) && page() {
            return [&path[..slash], rest].concat();
        }
        end = slash;
    }
    path
}

/// `(s(24 characters))`, of which there may be more in the outer brackets.
fn nested_session(part: &str) -> bool {
    let groups = part.strip_prefix('(').and_then(|p| p.strip_suffix(')'));
    let groups = groups.unwrap_or_default().as_bytes();
    let mut each = groups.chunks(27);
    !groups.is_empty()
        && each.all(|group| match group {
            [b'a'..=b'z', b'(', id @ .., b')'] => is_session_id(id),
            _ => false,
        })
}

/// `(24 characters)`
fn plain_session(part: &str) -> bool {
    match part.as_bytes() {
        [b'(', id @ .., b')'] => is_session_id(id),
        _ => false,
    }
}

fn is_session_id(id: &[u8]) -> bool {
    id.len() == 24 && id.iter().all(u8::is_ascii_alphanumeric)
}

/// Without sessions, its parameters sorted, in lower case.
fn canonical_query(query: &str) -> Vec<u8> {
    let mut query = escaped(&unescaped(query.as_bytes())).to_ascii_lowercase();
    for name in ["jsessionid=", "phpsessid=", "sid="] {
        query = without_session(query, |query| {
            let rest = without_end(query, 32, u8::is_ascii_alphanumeric)?;
            rest.strip_suffix(name)
        });
    }
    query = without_session(query, |query| {
        let rest = without_end(query, 24, u8::is_ascii_alphabetic)?;
        let rest = without_end(rest.strip_suffix('=')?, 8, u8::is_ascii_alphabetic)?;
        rest.strip_suffix("aspsessionid")
    });
    query = without_session(query, |query| {
        let (rest, token) = query.rsplit_once('&')?;
        let id = rest.rfind('&').map_or(0, |at| at + 1);
        let last = rest.len().checked_sub(1).filter(|last| *last > id)?;
        let at = id + rest[id..last].rfind("cfid=")?;
        let token = token.strip_prefix("cftoken=")?;
        (!token.is_empty()).then(|| &query[..at])
    });
    if query.len() <= 1 {
        return query.into_bytes();
    }
    let mut parameters: Vec<(&str, Option<&str>)> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        })
        .collect();
    parameters.sort_unstable();
    let parameters = parameters.iter().map(|(name, value)| match value {
        Some(value) => Cow::Owned(format!("{name}={value}")),
        None => Cow::Borrowed(*name),
    });
    parameters.collect::<Vec<_>>().join("&").into_bytes()
}

/// Without the last session that ends a parameter. `before` gives what stands before one that a text ends with.
fn without_session(query: String, before: impl Fn(&str) -> Option<&str>) -> String {
    let mut end = query.len();
    loop {
        if let Some(before) = before(&query[..end]) {
            let rest = query.get(end + 1..).unwrap_or_default();
            return [before, rest].concat();
        }
        match query[..end].rfind('&') {
            Some(at) => end = at,
            None => return query,
        }
    }
}

/// What stands before so many bytes of a kind.
fn without_end(text: &str, length: usize, kind: impl Fn(&u8) -> bool) -> Option<&str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(length)?)?;
    end.as_bytes().iter().all(kind).then_some(rest)
}

/// Every escape undone, and those that come of it.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(text.len());
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    for byte in text {
        plain.push(*byte);
        while let [.., b'%', high, low] = plain[..]
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            plain.truncate(plain.len() - 3);
            plain.push(high * 16 + low);
        }
    }
    plain
}

fn escaped(text: &[u8]) -> String {
    percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PyPI's `surt` 0.3.1 makes of them.
    #[test]
    fn keys_are_those_of_other_indexers() {
        let known = [
            ("https://www.a.example/B/?y&x=1", "example,a)/b?x=1&y"),
            ("http://WWW2.A.example:80", "example,a)/"),
            ("https://u:p@a.example:8443/x/", "example,a:8443)/x"),
            ("https://a.example/a/./b/../c//d", "example,a)/a/c/d"),
            (
                "https://a.example/%2541%20b?q=%2525%23%C3%BC#f",
                "example,a)/a%20b?q=%25%23%c3%bc",
            ),
            (
                "https://a.example/?a=2&a=1&a&a=",
                "example,a)/?a&a=&a=1&a=2",
            ),
            ("https://127.0.0.1:41977/", "1,0,0,127:41977)/"),
            ("http://[::1]:8080/x", "::1:8080)/x"),
            ("wss://www.a.example/socket", "example,a)/socket"),
            ("https://a.example/?", "example,a)/"),
            (
                "https://a.example/?a=1&sid=0123456789abcdef0123456789ABCDEF&b=2",
                "example,a)/?a=1&b=2",
            ),
            ("https://a.example/?cfid=1&cftoken=2", "example,a)/"),
            (
                "https://a.example/(s(0123456789abcdef01234567))/p.aspx",
                "example,a)/p.aspx",
            ),
            (
                "https://a.example/?__wb_method=POST&a=b c\r\nd#e",
                "example,a)/?__wb_method=post&a=b%20cd",
            ),
        ];
        for (url, key) in known {
            assert_eq!(surt(url), key, "{url}");
        }
    }
}
