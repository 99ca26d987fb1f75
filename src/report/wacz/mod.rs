//! WACZ 1.1.1 of a run (<https://specs.webrecorder.net/wacz/1.1.1/>): what went over the network, as web archives keep
//! it, to be opened by ReplayWeb.page and others. The same run gives the same bytes.

use std::io::{self, Seek, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::cdx::Index;
use self::package::Package;
use self::pages::Page;
use crate::model::{Exchange, RunRecord};

mod cdx;
mod http;
mod package;
mod pages;
mod post_query;
mod surt;
mod warc;

/// Name of the WARC file, and where it stands.
const DATA: &str = "data.warc.gz";
const ARCHIVE: &str = "archive/data.warc.gz";
/// Plain: readers make keys somewhat differently, and of an index in blocks they may read the wrong one.
const INDEX: &str = "indexes/index.cdx";
const PAGES: &str = "pages/pages.jsonl";

/// Writes it. `body` gives an exchange's request body, `answer` its answer's body as the page got it, content codings
/// undone. What was not sent has no place in it; how many exchanges that were is told.
///
/// # Errors
/// If it cannot be written.
pub fn render(
    record: &RunRecord,
    exchanges: &[Exchange],
    body: &dyn Fn(&Exchange) -> Option<Vec<u8>>,
    answer: &dyn Fn(&Exchange) -> Option<Vec<u8>>,
    out: impl Write + Seek,
) -> io::Result<()> {
    let mut package = Package::new(out, record.started);
    let mut index = Index::default();
    let mut pages = Vec::new();
    package.stored(ARCHIVE, |out| {
        let left_out = exchanges.iter().filter(|e| e.sent != Some(true)).count();
        out.write_all(&warc::info(record, exchanges.len(), left_out).gzip()?)?;
        let mut time = record.started;
        for exchange in exchanges {
            time = exchange.time.unwrap_or(time);
            if exchange.sent != Some(true) {
                continue;
            }
            let body = body(exchange);
            let answer = answer(exchange);
            let response = warc::response(exchange, time, answer.as_deref());
            if let Some(response) = &response {
                let gzip = response.gzip()?;
                index.add(
                    exchange,
                    time,
                    body.as_deref(),
                    response,
                    out.written(),
                    &gzip,
                );
                out.write_all(&gzip)?;
                pages.extend(Page::of(exchange, time, answer.as_deref(), response.id()));
            }
            let request = warc::request(exchange, time, body.as_deref(), response.as_ref());
            out.write_all(&request.gzip()?)?;
        }
        Ok(())
    })?;
    package.deflated(INDEX, |out| index.write(out))?;
    package.deflated(PAGES, |out| pages::write(&pages, out))?;
    let about = datapackage(record, pages.first(), package.resources());
    let about = serde_json::to_vec_pretty(&about)?;
    let digest = json!({ "path": "datapackage.json", "hash": sha256(&about) });
    package.deflated("datapackage.json", |out| out.write_all(&about))?;
    package.deflated("datapackage-digest.json", |out| {
        out.write_all(&serde_json::to_vec_pretty(&digest)?)
    })?;
    package.finish()
}

fn datapackage(record: &RunRecord, main: Option<&Page>, resources: &[Value]) -> Value {
    let mut about = json!({
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "title": record.scenario.title,
        "description": format!("What a browser sent and got on {} in a recorded run", record.scenario.origin),
        "created": record.finished.unwrap_or(record.started),
        "software": software(record),
    });
    if let Some(page) = main {
        about["mainPageUrl"] = page.url.clone().into();
        about["mainPageDate"] = page.time.to_string().into();
    }
    about["resources"] = resources.into();
    about
}

/// `pixelwitness 0.1.0`
fn software(record: &RunRecord) -> String {
    format!("{} {}", record.tool.name, record.tool.version)
}

/// `sha256:` and the digest in hex.
fn sha256(bytes: &[u8]) -> String {
    labelled(Sha256::digest(bytes).as_slice())
}

fn labelled(digest: &[u8]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(digest))
}

#[cfg(test)]
mod tests;
