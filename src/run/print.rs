//! A report on paper: the page, printed by a Chromium (CDP's `Page.printToPDF`).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use askama::Template;
use chromiumoxide::cdp::browser_protocol::emulation::SetScriptExecutionDisabledParams;
use chromiumoxide::cdp::browser_protocol::page::{NavigateParams, PrintToPdfParams};
use data_encoding::BASE64;
use tokio::sync::mpsc;

use crate::browser::{BrowserError, Launch};
use crate::capture::{Capture, CaptureError};
use crate::journey::{StepError, Tab};

/// How long a page may take to load, and to be printed.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("the browser did not print it: {0}")]
    Refused(#[from] StepError),
    #[error("the browser did not load the page: {0}")]
    NotLoaded(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("what the browser printed cannot be read: {0}")]
    Unreadable(String),
}

/// Stands at the foot of each page, in points of paper.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div style="font: 7px sans-serif; width: 100%; padding: 0 10mm; display: flex; justify-content: space-between; gap: 4mm"><span>{{ text }}</span><span style="white-space: nowrap"><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>"#
)]
struct Foot<'a> {
    text: &'a str,
}

/// Prints a page that lies on disk, and gives the PDF. `foot` stands on each page, with its number. The page's scripts do not
/// run.
///
/// # Errors
/// [`PrintError`], if there is no browser, or it does not print.
pub async fn print(page: &Path, browser: PathBuf, foot: &str) -> Result<Vec<u8>, PrintError> {
    let folder = tempfile::tempdir()?;
    let launch = Launch::plain(browser, folder.path().join("netlog.json"));
    let mut launched = launch.start().await?;
    let printed = print_in(&launched.web_socket, page, foot).await;
    launched.kill().await;
    printed
}

async fn print_in(web_socket: &str, page: &Path, foot: &str) -> Result<Vec<u8>, PrintError> {
    let (outputs, _nobody) = mpsc::unbounded_channel();
    let journal = Box::new(std::io::sink());
    let capture = Capture::start(web_socket, "", journal, outputs, None, None).await?;
    let mut tab = Tab::open(&capture, LIMIT).await?;
    let deadline = Instant::now() + LIMIT;
    tab.page
        .execute(SetScriptExecutionDisabledParams::new(true))
        .await
        .map_err(StepError::from)?;
    let address = url::Url::from_file_path(std::path::absolute(page)?)
        .map_err(|()| std::io::Error::other("it has no address"))?;
    let before = tab.state.borrow().clone();
    let navigated = tab
        .page
        .execute(NavigateParams::new(address.as_str()))
        .await
        .map_err(StepError::from)?;
    // The browser has a page of its own for what it cannot load.
    if let Some(why) = navigated.error_text {
        return Err(PrintError::NotLoaded(why));
    }
    let loaded = |state: &crate::capture::PageState| {
        state.committed > before.committed && state.loaded == state.document
    };
    if !tab.wait_until(deadline, loaded).await? {
        let why = format!("not within {} s", LIMIT.as_secs());
        return Err(PrintError::NotLoaded(why));
    }
    let foot = Foot { text: foot };
    let foot = foot.render().map_err(std::io::Error::other)?;
    let params = PrintToPdfParams {
        display_header_footer: Some(true),
        header_template: Some("<span></span>".to_owned()),
        footer_template: Some(foot),
        print_background: Some(true),
        // A4, in inches.
        paper_width: Some(8.27),
        paper_height: Some(11.69),
        margin_top: Some(0.55),
        margin_bottom: Some(0.7),
        margin_left: Some(0.6),
        margin_right: Some(0.6),
        generate_tagged_pdf: Some(true),
        generate_document_outline: Some(true),
        ..PrintToPdfParams::default()
    };
    let printed = tab.page.execute(params).await.map_err(StepError::from)?;
    let data: &[u8] = printed.data.as_ref();
    BASE64
        .decode(data)
        .map_err(|error| PrintError::Unreadable(error.to_string()))
}
