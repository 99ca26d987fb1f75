//! A Chromium that looks at a page from disk, as a person does: with pointer and keys. Whatever the page must not do is noted.

use std::path::Path;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide::cdp::browser_protocol::input::InsertTextParams;
use chromiumoxide::cdp::browser_protocol::page::{
    AddScriptToEvaluateOnNewDocumentParams, NavigateParams,
};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use pixelwitness::browser::{Launch, Launched};
use pixelwitness::capture::{Capture, Output};
use pixelwitness::journey::{Press, Tab};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::chromium;

const LIMIT: Duration = Duration::from_secs(60);

/// Notes what pages must not do: it runs before they do.
const WATCH: &str = "
    window.misdeeds = [];
    for (const name of ['alert', 'confirm', 'prompt', 'open']) window[name] = () => { misdeeds.push(name); };
    for (const kind of ['error', 'unhandledrejection', 'securitypolicyviolation'])
        addEventListener(kind, (event) => misdeeds.push(kind + ': ' + (event.message || event.reason || event.blockedURI || '')), true);
    for (const name of ['error', 'warn']) { const said = console[name]; console[name] = (...words) => { misdeeds.push('console.' + name + ': ' + words.join(' ')); said(...words); }; }";

pub struct Viewer {
    launched: Launched,
    capture: Capture,
    pub tab: Tab,
    outputs: mpsc::UnboundedReceiver<Output>,
    _folder: tempfile::TempDir,
}

impl Viewer {
    pub async fn start() -> Viewer {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch::plain(chromium().await, folder.path().join("netlog.json"));
        let launched = launch.start().await.unwrap();
        let (sender, outputs) = mpsc::unbounded_channel();
        let journal = Box::new(std::io::sink());
        let capture = Capture::start(&launched.web_socket, "", journal, sender, None, None)
            .await
            .unwrap();
        let tab = Tab::open(&capture, LIMIT).await.unwrap();
        let watch = AddScriptToEvaluateOnNewDocumentParams::new(WATCH);
        tab.page.execute(watch).await.unwrap();
        Viewer {
            launched,
            capture,
            tab,
            outputs,
            _folder: folder,
        }
    }

    /// As wide as a desktop's window, or a telephone.
    pub async fn width(&mut self, width: i64) {
        let metrics = SetDeviceMetricsOverrideParams::new(width, 900, 1.0, width < 600);
        self.tab.page.execute(metrics).await.unwrap();
    }

    pub async fn open(&mut self, page: &Path) {
        let address = url::Url::from_file_path(page).unwrap();
        self.go(address.as_str()).await;
    }

    pub async fn go(&mut self, address: &str) {
        let before = self.tab.state.borrow().clone();
        self.tab
            .page
            .execute(NavigateParams::new(address))
            .await
            .unwrap();
        let loaded = self
            .tab
            .wait_until(Instant::now() + LIMIT, |state| {
                state.committed > before.committed && state.loaded == state.document
            })
            .await;
        assert!(loaded.unwrap(), "{address} was not loaded in time");
    }

    /// What an expression comes to in the page.
    pub async fn ask(&self, expression: &str) -> Value {
        let evaluate = EvaluateParams {
            return_by_value: Some(true),
            await_promise: Some(true),
            ..EvaluateParams::new(expression)
        };
        let answer = self.tab.page.execute(evaluate).await.unwrap();
        assert!(
            answer.exception_details.is_none(),
            "{expression}: {:?}",
            answer.exception_details
        );
        answer.result.value.unwrap_or_default()
    }

    pub async fn text(&self, selector: &str) -> String {
        // What is far off is not laid out, and has no inner text then.
        let expression = format!(
            "(() => {{ const element = document.querySelector({selector:?}); return element?.innerText || element?.textContent || ''; }})()"
        );
        self.ask(&expression).await.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let began = Instant::now();
        while self.ask(expression).await != true {
            assert!(began.elapsed() < LIMIT, "never: {expression}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks the middle of an element, where a person would have to see it.
    pub async fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const element = document.querySelector({selector:?}); element.scrollIntoView({{ block: 'center' }}); \
             const box = element.getClientRects()[0]; const at = [box.left + Math.min(box.width / 2, 40), box.top + box.height / 2]; \
             const hit = document.elementFromPoint(...at); return [...at, element === hit || element.contains(hit)]; }})()"
        );
        let place = self.ask(&place).await;
        assert_eq!(place[2], true, "{selector} is covered");
        let (x, y) = (place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
        self.tab.click_at(x, y, Press::default()).await.unwrap();
    }

    /// Types into what has the focus.
    pub async fn type_text(&self, text: &str) {
        let text = InsertTextParams::new(text);
        self.tab.page.execute(text).await.unwrap();
    }

    /// What the page did that it must not do: scripts that ran, errors, windows, requests. Empty is good.
    pub async fn misdeeds(&mut self) -> Vec<String> {
        let noted = self.ask("window.misdeeds").await;
        let mut misdeeds: Vec<String> = serde_json::from_value(noted).unwrap();
        while let Ok(output) = self.outputs.try_recv() {
            if let Output::Settled(exchange) = output
                && !exchange.url.starts_with("file:")
                && !exchange.url.starts_with("data:")
            {
                misdeeds.push(format!("{} {}", exchange.method, exchange.url));
            }
        }
        misdeeds
    }

    pub async fn close(mut self) {
        self.capture.finish(Duration::ZERO).await.unwrap();
        self.launched.kill().await;
    }
}
