//! The task behind the capture client: waits for what the browser says and what it is told to do.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};

use super::onlooker::Watch;
use super::remote::{Call, RemoteError};
use super::share::{Share, Sharing};
use super::{CaptureError, Command, Contained, Quiet};
use crate::capture::assembler::{Assembler, Output};
use crate::capture::containment::Containment;
use crate::capture::credentials::Credentials;
use crate::capture::journal::{JournalLine, Mark};
use crate::capture::page::PageState;
use crate::capture::targets::{Targets, auto_attach_browser};
use crate::model::Moment;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long the tabs' last requests are waited for when the journey ends, and how much longer for each tab.
const LAST_REQUESTS_LIMIT: Duration = Duration::from_secs(3);
const LAST_REQUESTS_EACH: Duration = Duration::from_millis(100);
/// A request that takes longer hangs, or is a stream: no page waits for it.
const HANGING: Duration = Duration::from_secs(5);
/// How long the connection may outlive the order to exit.
const EXIT_LIMIT: Duration = Duration::from_secs(10);

/// What an answer of the browser is awaited for.
pub(super) enum Pending {
    Setup(String),
    PostData(String),
    /// A command of whoever drives, to that session.
    Call(Option<String>, oneshot::Sender<Result<String, RemoteError>>),
}

pub(super) struct Closing {
    /// When waiting for what tabs say on leaving ends.
    pub(super) until: Instant,
    pub(super) quiet: Duration,
    /// When the browser was told to exit.
    pub(super) told: Option<Instant>,
    /// When the last tab went.
    pub(super) tab_gone: Instant,
    pub(super) reply: oneshot::Sender<()>,
}

/// What pages are still loading.
#[derive(Default)]
pub(super) struct PageLoad {
    /// Requests that were not answered to their end: network id → when they began.
    open: HashMap<String, Instant>,
    last: Option<Instant>,
}

impl PageLoad {
    /// A request begins. `kind` is CDP's resource type.
    pub(super) fn begin(&mut self, network_id: String, kind: &str) {
        if !matches!(
            kind,
            "Ping" | "EventSource" | "WebSocket" | "CSPViolationReport"
        ) {
            let now = Instant::now();
            self.open.insert(network_id, now);
            self.last = Some(now);
        }
    }

    pub(super) fn end(&mut self, network_id: &str) {
        if self.open.remove(network_id).is_some() {
            self.last = Some(Instant::now());
        }
    }

    /// When a page last loaded something: now, while it does.
    fn active(&self, now: Instant, otherwise: Instant) -> Instant {
        let loading = self.open.values().any(|began| now < *began + HANGING);
        if loading {
            now
        } else {
            self.last.unwrap_or(otherwise)
        }
    }
}

pub(super) struct Worker {
    pub(super) sink: SplitSink<Socket, tungstenite::Message>,
    pub(super) journal: BufWriter<Box<dyn Write + Send>>,
    credentials: Credentials,
    pub(super) outputs: mpsc::UnboundedSender<Output>,
    pub(super) assembler: Assembler,
    pub(super) targets: Targets,
    pub(super) watch: Option<Watch>,
    pub(super) next_id: u64,
    pub(super) pending: HashMap<u64, Pending>,
    /// Targets of the pages that are set up.
    pub(super) ready: HashSet<String>,
    pub(super) ready_waiters: Vec<(String, oneshot::Sender<()>)>,
    pub(super) pages: HashMap<String, watch::Sender<PageState>>,
    /// Targets of the pages that were closed.
    pub(super) closed: HashSet<String>,
    pub(super) containment: Option<Containment>,
    pub(super) contained: watch::Sender<Contained>,
    pub(super) last_request: Instant,
    pub(super) page_load: PageLoad,
    pub(super) quiet_waiters: Vec<(Quiet, Instant, oneshot::Sender<bool>)>,
    /// Paused requests that were let go since the journey began to end, and not answered yet.
    pub(super) unanswered: HashSet<String>,
    /// Places that were kept from being read while a report was sent.
    pub(super) kept: HashSet<String>,
    /// What was asked for in this step: method and address, the latest last.
    pub(super) asked: VecDeque<String>,
    pub(super) closing: Option<Closing>,
    /// Requests whose body is not known yet: network id → session.
    pub(super) bodies: HashMap<String, Option<String>>,
    /// Nothing where the browser is ours alone.
    pub(super) share: Option<Share>,
    /// The order to give up our context, once it was given; and whether it was answered.
    pub(super) giving_up: Option<u64>,
    pub(super) given_up: bool,
}

impl Worker {
    pub(super) fn new(
        sink: SplitSink<Socket, tungstenite::Message>,
        journal: Box<dyn Write + Send>,
        outputs: mpsc::UnboundedSender<Output>,
        assembler: Assembler,
        watch: Option<Watch>,
        credentials: Credentials,
    ) -> Worker {
        Worker {
            sink,
            journal: BufWriter::with_capacity(1 << 16, journal),
            credentials,
            outputs,
            assembler,
            targets: Targets::besides(watch.as_ref().map(Watch::setup).unwrap_or_default()),
            watch,
            next_id: 0,
            pending: HashMap::new(),
            ready: HashSet::new(),
            ready_waiters: Vec::new(),
            pages: HashMap::new(),
            closed: HashSet::new(),
            containment: None,
            contained: watch::channel(Contained::default()).0,
            last_request: Instant::now(),
            page_load: PageLoad::default(),
            quiet_waiters: Vec::new(),
            unanswered: HashSet::new(),
            kept: HashSet::new(),
            asked: VecDeque::new(),
            closing: None,
            bodies: HashMap::new(),
            share: None,
            giving_up: None,
            given_up: false,
        }
    }

    /// In a browser that others use too: makes a context of our own, which ends with this connection.
    pub(super) async fn share(
        &mut self,
        stream: &mut SplitStream<Socket>,
        sharing: Sharing,
    ) -> Result<(), CaptureError> {
        let own = json!({"disposeOnDetach": true});
        let context = self
            .first(stream, "Target.createBrowserContext", own)
            .await?;
        let version = self.first(stream, "Browser.getVersion", json!({})).await?;
        let context = context["browserContextId"].as_str().unwrap_or_default();
        // Nothing that a page offers is left on a machine that is not ours.
        let deny = json!({"behavior": "deny", "browserContextId": context});
        self.send(None, "Browser.setDownloadBehavior", deny).await?;
        self.share = Some(Share::new(context.to_owned()));
        let mut setup = Vec::new();
        if sharing.insecure {
            let ignore = json!({"ignore": true});
            setup.push(("Security.setIgnoreCertificateErrors", ignore));
        }
        if !sharing.declare_automation {
            let agent = version["userAgent"].as_str().unwrap_or_default();
            let agent = agent.replace("HeadlessChrome", "Chrome");
            let agent = json!({"userAgent": agent});
            setup.push(("Emulation.setUserAgentOverride", agent));
            setup.push(("Emulation.setAutomationOverride", json!({"enabled": false})));
        }
        self.targets = Targets::besides(setup);
        Ok(())
    }

    /// Gives a command before anything else is listened to.
    async fn first(
        &mut self,
        stream: &mut SplitStream<Socket>,
        method: &str,
        params: Value,
    ) -> Result<Value, CaptureError> {
        let id = self.send(None, method, params).await?;
        while let Some(Ok(message)) = stream.next().await {
            let tungstenite::Message::Text(text) = message else {
                continue;
            };
            let Ok(mut answer) = serde_json::from_str::<Value>(text.as_str()) else {
                continue;
            };
            if answer["id"] == id {
                return match answer["error"]["message"].as_str() {
                    Some(why) => Err(CaptureError::NoContext(format!("{method}: {why}"))),
                    None => Ok(answer["result"].take()),
                };
            }
        }
        Err(CaptureError::Lost)
    }

    /// Before any page exists: every request is paused, every target attached to.
    pub(super) async fn begin(&mut self) -> Result<(), CaptureError> {
        // To pause some types alone would be no cheaper for the page (measured): all requests then take the same way.
        let all = json!({"patterns": [{"urlPattern": "*"}], "handleAuthRequests": true});
        // Where there are others, they are known of before the first request of theirs is paused.
        if self.share.is_none() {
            self.send(None, "Fetch.enable", all.clone()).await?;
        }
        self.send(None, "Target.setDiscoverTargets", json!({"discover": true}))
            .await?;
        self.send(None, "Target.setAutoAttach", auto_attach_browser())
            .await?;
        if self.share.is_some() {
            self.send(None, "Fetch.enable", all).await?;
        }
        Ok(())
    }

    pub(super) async fn run(
        mut self,
        mut stream: SplitStream<Socket>,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Assembler, CaptureError> {
        while !self.given_up {
            let next_check = self.next_check();
            tokio::select! {
                // What we were told to do comes before what the browser says: a step begins before its requests.
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.command(command).await?,
                    None => break,
                },
                message = stream.next() => match message {
                    Some(Ok(tungstenite::Message::Text(text))) => self.message(text.as_str()).await?,
                    Some(Ok(tungstenite::Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
                () = tokio::time::sleep_until(next_check.unwrap_or_else(Instant::now).into()), if next_check.is_some() => {
                    if !self.check().await? {
                        break;
                    }
                }
                // Nothing else is to be done: what was told is on disk before we wait for more.
                () = std::future::ready(()), if !self.journal.buffer().is_empty() => {
                    self.journal.flush()?;
                        }
            }
        }
        if let Some(closing) = self.closing.take() {
            let _ = closing.reply.send(());
        }
        self.journal.flush()?;
        Ok(self.assembler)
    }

    /// When a wait for quiet may be over.
    fn next_check(&self) -> Option<Instant> {
        let waits = self.quiet_waiters.iter().map(|(quiet, began, _)| {
            (self.active(quiet).max(*began) + quiet.quiet).min(*began + quiet.limit)
        });
        let share = self.share.as_ref().and_then(Share::next);
        waits.chain(self.closing_ends()).chain(share).min()
    }

    /// When a journey that is ending is over, as far as is known now.
    fn closing_ends(&self) -> Option<Instant> {
        self.closing.as_ref().map(|closing| {
            if let Some(told) = closing.told {
                return told + EXIT_LIMIT;
            }
            let limit = closing.until;
            if self.pages.is_empty() && self.unanswered.is_empty() {
                (self.last_request.max(closing.tab_gone) + closing.quiet).min(limit)
            } else {
                limit
            }
        })
    }

    /// When there was last something to wait for.
    fn active(&self, quiet: &Quiet) -> Instant {
        if quiet.page {
            self.page_load.active(Instant::now(), self.last_request)
        } else {
            self.last_request
        }
    }

    /// False: the browser was told to exit, and does not.
    async fn check(&mut self) -> Result<bool, CaptureError> {
        let now = Instant::now();
        for (quiet, began, reply) in std::mem::take(&mut self.quiet_waiters) {
            if now >= self.active(&quiet).max(began) + quiet.quiet {
                let _ = reply.send(true);
            } else if now >= began + quiet.limit {
                let _ = reply.send(false);
            } else {
                self.quiet_waiters.push((quiet, began, reply));
            }
        }
        self.decide().await?;
        let over = self.closing_ends().is_some_and(|at| now >= at);
        if let Some(closing) = self.closing.as_mut().filter(|_| over) {
            if closing.told.is_some() {
                return Ok(false);
            }
            closing.told = Some(now);
            let left = self.pages.len() as u64;
            if left > 0 {
                self.mark(Mark::TabsLeft(left))?;
            }
            let Some(share) = &self.share else {
                self.send(None, "Browser.close", json!({})).await?;
                return Ok(true);
            };
            let context = json!({"browserContextId": share.context});
            let never_known = share.never_known;
            if never_known > 0 {
                self.mark(Mark::NotKnownWhose(never_known))?;
            }
            let id = self.send(None, "Target.disposeBrowserContext", context);
            self.giving_up = Some(id.await?);
        }
        Ok(true)
    }

    async fn command(&mut self, command: Command) -> Result<(), CaptureError> {
        match command {
            // Dropping the reply says that the page is closed: it was there when its tab was listed.
            Command::PageReady(target, _) | Command::Page(target, _)
                if self.closed.contains(&target) => {}
            Command::PageReady(target, reply) => {
                if self.ready.contains(&target) {
                    let _ = reply.send(());
                } else {
                    self.ready_waiters.push((target, reply));
                }
            }
            Command::Page(target, reply) => {
                let page = self.pages.entry(target).or_default();
                let _ = reply.send(page.subscribe());
            }
            Command::Tabs(reply) => {
                let _ = reply.send(self.targets.tabs());
            }
            Command::Frames(page, reply) => {
                let _ = reply.send(self.targets.frames(&page));
            }
            Command::Step(step) => {
                self.asked.clear();
                self.mark(Mark::Step(step))?;
            }
            Command::Asked(reply) => {
                let _ = reply.send(self.asked.iter().cloned().collect());
            }
            Command::Contain(containment, reply) => {
                self.containment = Some(containment);
                let _ = reply.send(());
            }
            Command::ContainedCount(reply) => {
                let _ = reply.send(self.contained.subscribe());
            }
            Command::Quiet(quiet, reply) => {
                self.quiet_waiters.push((quiet, Instant::now(), reply));
            }
            Command::Call(call) => self.call(call).await?,
            Command::Finish(quiet, reply) => self.finish(quiet, reply).await?,
        }
        Ok(())
    }

    async fn call(&mut self, call: Call) -> Result<(), CaptureError> {
        let session = match &call.target {
            Some(target) => match self.targets.session_of(target) {
                Some(session) => Some(session.to_owned()),
                // Dropping the reply says that it is gone.
                None => return Ok(()),
            },
            None => None,
        };
        // A page without a renderer answers nothing; only going elsewhere gives it a new one.
        let crashed = call
            .target
            .as_ref()
            .and_then(|target| self.pages.get(target))
            .is_some_and(|page| page.borrow().crashed);
        if crashed && call.method != "Page.navigate" {
            return Ok(());
        }
        let mut params = call.params;
        let in_context = ["Target.createTarget", "Storage.setCookies"];
        if let Some(share) = &self.share
            && in_context.contains(&&*call.method)
        {
            params["browserContextId"] = share.context.as_str().into();
        }
        let id = self.send(session.as_deref(), &call.method, params).await?;
        self.pending.insert(id, Pending::Call(session, call.reply));
        Ok(())
    }

    async fn finish(
        &mut self,
        quiet: Duration,
        reply: oneshot::Sender<()>,
    ) -> Result<(), CaptureError> {
        self.mark(Mark::Closing)?;
        // From now on answers are paused too: the Network domain no longer tells of requests whose page is gone.
        let both = json!({"patterns": [
            {"urlPattern": "*", "requestStage": "Request"}, {"urlPattern": "*", "requestStage": "Response"}
        ], "handleAuthRequests": true});
        self.send(None, "Fetch.enable", both).await?;
        let pages: Vec<String> = self
            .targets
            .pages()
            .map(|(_, session)| session.target.clone())
            .collect();
        self.pages.retain(|target, _| pages.contains(target));
        let each = LAST_REQUESTS_EACH * u32::try_from(pages.len()).unwrap_or(u32::MAX);
        // With its last tab a browser exits, and takes with it what that tab is still sending; a context does not.
        if self.share.is_none() {
            let tab = json!({"url": "about:blank", "background": true});
            self.send(None, "Target.createTarget", tab).await?;
        }
        for target in pages {
            self.send(None, "Target.closeTarget", json!({"targetId": target}))
                .await?;
        }
        self.closing = Some(Closing {
            until: Instant::now() + LAST_REQUESTS_LIMIT + each,
            quiet,
            told: None,
            tab_gone: Instant::now(),
            reply,
        });
        Ok(())
    }

    pub(super) async fn send(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<u64, CaptureError> {
        self.next_id += 1;
        let mut message = json!({"id": self.next_id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        // A browser that is gone is noticed by the reading side, which keeps what was recorded.
        let text = tungstenite::Message::text(message.to_string());
        if let Err(error) = self.sink.send(text).await {
            tracing::debug!(%error, method, "a command could not be sent");
        }
        Ok(self.next_id)
    }

    pub(super) fn mark(&mut self, mark: Mark) -> Result<(), CaptureError> {
        let at = Moment::now();
        self.assembler.mark(at, &mark);
        self.write(&JournalLine {
            at,
            cdp: None,
            mark: Some(mark),
        })?;
        // What was contained is known from this alone.
        self.journal.flush()?;
        self.forward()
    }

    fn write(&mut self, line: &JournalLine) -> Result<(), CaptureError> {
        serde_json::to_writer(&mut self.journal, line).map_err(std::io::Error::from)?;
        self.journal.write_all(b"\n")?;
        Ok(())
    }

    /// Writes a message as it came, but for what logs somebody in.
    pub(super) fn write_message(&mut self, at: Moment, text: &str) -> Result<(), CaptureError> {
        let masked = self.credentials.mask_message(text);
        let text = masked.as_deref().unwrap_or(text);
        writeln!(self.journal, "{{\"at\":\"{at}\",\"cdp\":{text}}}")?;
        Ok(())
    }

    /// Hands on what has become known, once what it was made of is in the journal.
    pub(super) fn forward(&mut self) -> Result<(), CaptureError> {
        let known = self.assembler.take_output();
        if !known.is_empty() {
            self.journal.flush()?;
        }
        for output in known {
            let _ = self.outputs.send(output);
        }
        Ok(())
    }
}
