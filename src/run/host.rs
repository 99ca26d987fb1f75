//! The machine that a run is made on, as far as it can be known without asking anybody.

use std::fs;

use crate::model::HostRecord;

pub(super) fn this() -> HostRecord {
    let read = |path: &str| fs::read_to_string(path).ok();
    let time_zone = jiff::tz::TimeZone::system();
    HostRecord {
        system: read("/etc/os-release").and_then(|text| pretty_name(&text)),
        kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        cpus: std::thread::available_parallelism().map_or(0, |cpus| cpus.get() as u32),
        time_zone: time_zone.iana_name().map(str::to_owned),
        resolvers: read("/etc/resolv.conf").map_or_else(Vec::new, |text| resolvers(&text)),
        egress: std::env::var("PIXELWITNESS_EGRESS")
            .ok()
            .filter(|address| !address.is_empty()),
    }
}

/// os-release(5): `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`.
fn pretty_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

/// resolv.conf(5): `nameserver 192.0.2.1`.
fn resolvers(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map(|rest| rest.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_their_manuals_say() {
        let name = pretty_name("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
        assert_eq!(name.as_deref(), Some("Debian GNU/Linux 12"));
        let text =
            "# made by hand\nnameserver 192.0.2.1\nsearch example\nnameserver\t2001:db8::1\n";
        assert_eq!(resolvers(text), ["192.0.2.1", "2001:db8::1"]);
    }
}
