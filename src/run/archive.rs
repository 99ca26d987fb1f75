//! A run with all that was answered, for web archives: from its network log, which keeps every answer's bytes.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::Run;
use super::again::evidence_of;
use super::finish::{establish, read_log, sink_of};
use crate::bundle::{inside, open_net_log, read_body};
use crate::model::Exchange;
use crate::report::wacz;

/// Writes a web archive (WACZ) of a run. Where the network log was not kept, answers have no bodies, and say so.
///
/// # Errors
/// If it cannot be written.
pub fn archive(run: &Run, out: impl Write + Seek) -> io::Result<()> {
    // Answers may be larger than memory: they wait on the disk.
    let mut store = tempfile::tempfile()?;
    let mut stored: HashMap<String, (u64, usize)> = HashMap::new();
    let mut end = 0;
    let mut exchanges = None;
    if let Ok((assembler, first_party)) = evidence_of(&run.bundle, &run.record) {
        let log = read_log(open_net_log(&run.bundle), |_| true, &mut |sha256, bytes| {
            if !stored.contains_key(sha256) {
                store.write_all(bytes)?;
                stored.insert(sha256.to_owned(), (end, bytes.len()));
                end += bytes.len() as u64;
            }
            Ok(())
        });
        if log.is_ok() {
            let sink = sink_of(&run.record);
            exchanges = Some(establish(log, assembler, &first_party, sink).0);
        }
    }
    let exchanges = exchanges.as_deref().unwrap_or(&run.exchanges);
    let body = |exchange: &Exchange| read_body(&run.bundle, exchange);
    let answer = |exchange: &Exchange| {
        let body = exchange.response_body.as_ref()?;
        let Some((at, size)) = stored.get(&body.sha256) else {
            return std::fs::read(inside(&run.bundle, &body.path)?).ok();
        };
        let mut store = &store;
        let mut bytes = vec![0; *size];
        store.seek(SeekFrom::Start(*at)).ok()?;
        store.read_exact(&mut bytes).ok()?;
        Some(bytes)
    };
    wacz::render(&run.record, exchanges, &body, &answer, out)
}
