//! `--connect-to`, as curl's: reach another host than the one in the URL.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// `HOST1:PORT1:HOST2:PORT2`: what is meant for HOST1:PORT1 goes to HOST2:PORT2. An empty HOST1 or
/// PORT1 means any; IPv6 addresses stand in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from_host: String,
    from_port: Option<u16>,
    to_host: String,
    to_port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not HOST1:PORT1:HOST2:PORT2: {why}")]
pub struct ConnectToError {
    text: String,
    why: &'static str,
}

impl ConnectTo {
    /// Everything goes to one address.
    pub fn all_to(address: std::net::SocketAddr) -> ConnectTo {
        ConnectTo {
            from_host: String::new(),
            from_port: None,
            to_host: match address.ip() {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            },
            to_port: Some(address.port()),
        }
    }

    /// As a rule for Chromium's `--host-resolver-rules`. An empty HOST2 keeps the host, an empty PORT2 the port;
    /// a rule that would change nothing gives none.
    pub fn rule(&self) -> Option<String> {
        let pattern = match (self.from_host.as_str(), self.from_port) {
            ("", None) => "*".to_owned(),
            ("", Some(port)) => format!("*:{port}"),
            (host, None) => host.to_owned(),
            (host, Some(port)) => format!("{host}:{port}"),
        };
        let target_host = match (self.to_host.as_str(), self.from_host.as_str()) {
            ("", "") => return None,
            ("", from) => from,
            (to, _) => to,
        };
        Some(match self.to_port {
            Some(port) => format!("MAP {pattern} {target_host}:{port}"),
            None => format!("MAP {pattern} {target_host}"),
        })
    }
}

/// All rules for Chromium's `--host-resolver-rules`. With `only`, the registrable domain of the first party and the
/// address of a sink, every other host is led to the sink.
pub fn rules(connect_to: &[ConnectTo], only: Option<(&str, SocketAddr)>) -> Vec<String> {
    let Some((first_party, sink)) = only else {
        return connect_to.iter().filter_map(ConnectTo::rule).collect();
    };
    let mut rules = Vec::new();
    for connect in connect_to {
        let from = &connect.from_host;
        let within = from == first_party
            || from
                .strip_suffix(first_party)
                .is_some_and(|rest| rest.ends_with('.'));
        if from.is_empty() {
            // Meant for all hosts: of these, the first party's.
            for pattern in [first_party.to_owned(), format!("*.{first_party}")] {
                let mut own = connect.clone();
                own.from_host = pattern;
                rules.extend(own.rule());
            }
        } else if within {
            rules.extend(connect.rule());
        }
    }
    if rules.is_empty() {
        rules.push(format!("EXCLUDE {first_party}"));
        rules.push(format!("EXCLUDE *.{first_party}"));
    }
    rules.push(format!("MAP * {sink}"));
    rules
}

impl FromStr for ConnectTo {
    type Err = ConnectToError;

    fn from_str(text: &str) -> Result<ConnectTo, ConnectToError> {
        let fail = |why| ConnectToError {
            text: text.to_owned(),
            why,
        };
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let end = if rest.starts_with('[') {
                rest.find(']').ok_or(fail("a bracket is not closed"))? + 1
            } else {
                rest.find(':').unwrap_or(rest.len())
            };
            parts.push(&rest[..end]);
            match rest[end..].strip_prefix(':') {
                Some(after) => rest = after,
                None if end == rest.len() => break,
                None => return Err(fail("a colon must follow the bracket")),
            }
        }
        let [from_host, from_port, to_host, to_port] = parts[..] else {
            return Err(fail("it needs four parts, of which some may be empty"));
        };
        for host in [from_host, to_host] {
            if host.contains([' ', ',', '/']) {
                return Err(fail("a host holds no spaces, commas or slashes"));
            }
        }
        let port = |text: &str| match text {
            "" => Ok(None),
            text => text.parse::<u16>().map(Some),
        };
        let bad = |_| fail("a port is a number up to 65535");
        let connect = ConnectTo {
            // Names of hosts are the same in any case, and ours are compared in lower case.
            from_host: from_host.to_ascii_lowercase(),
            from_port: port(from_port).map_err(bad)?,
            to_host: to_host.to_owned(),
            to_port: port(to_port).map_err(bad)?,
        };
        if connect.to_host.is_empty() && connect.from_host.is_empty() && connect.to_port.is_some() {
            return Err(fail(
                "for any host, the host to reach instead must be named",
            ));
        }
        Ok(connect)
    }
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        write!(
            f,
            "{}:{}:{}:{}",
            self.from_host,
            port(self.from_port),
            self.to_host,
            port(self.to_port)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_a_host_rule() {
        let rule = |text: &str| text.parse::<ConnectTo>().unwrap().rule();
        assert_eq!(
            rule("www.police.example:443:127.0.0.1:8443").as_deref(),
            Some("MAP www.police.example:443 127.0.0.1:8443")
        );
        assert_eq!(
            rule("::127.0.0.1:8443").as_deref(),
            Some("MAP * 127.0.0.1:8443")
        );
        assert_eq!(
            rule(":80:[::1]:8080").as_deref(),
            Some("MAP *:80 [::1]:8080")
        );
        assert_eq!(
            rule("a.example:::81").as_deref(),
            Some("MAP a.example a.example:81")
        );
        assert_eq!(rule(":::").as_deref(), None);
    }

    #[test]
    fn third_parties_are_led_to_the_sink() {
        let sink: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let of = |texts: &[&str]| {
            let connect: Vec<ConnectTo> = texts.iter().map(|text| text.parse().unwrap()).collect();
            rules(&connect, Some(("police.example", sink)))
        };
        assert_eq!(
            of(&["::127.0.0.1:8"]),
            [
                "MAP police.example 127.0.0.1:8",
                "MAP *.police.example 127.0.0.1:8",
                "MAP * 127.0.0.1:9"
            ]
        );
        assert_eq!(
            of(&[
                "www.police.example:443:127.0.0.1:8",
                "t.example::127.0.0.1:7"
            ]),
            [
                "MAP www.police.example:443 127.0.0.1:8",
                "MAP * 127.0.0.1:9"
            ]
        );
        assert_eq!(
            of(&["WWW.Police.example:443:127.0.0.1:8"]),
            [
                "MAP www.police.example:443 127.0.0.1:8",
                "MAP * 127.0.0.1:9"
            ]
        );
        assert_eq!(
            of(&["notpolice.example::127.0.0.1:7"]),
            [
                "EXCLUDE police.example",
                "EXCLUDE *.police.example",
                "MAP * 127.0.0.1:9"
            ]
        );
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("a:443", "four parts"),
            ("a:b:c:d", "number"),
            ("[::1:1:b:2", "bracket"),
            (":::80", "must be named"),
            ("a b:1:c:2", "no spaces"),
        ] {
            let error = text.parse::<ConnectTo>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
