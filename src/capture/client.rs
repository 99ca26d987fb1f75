//! The capture client: a CDP connection of its own, beside the one that drives the browser.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, tungstenite};

use crate::model::Moment;

use super::assembler::{Assembler, Output};
use super::containment::Containment;
use super::journal::{Incoming, JournalLine, Mark};
use super::page::PageState;
use super::targets::{Attached, Targets, auto_attach_browser};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long the tabs' last requests are waited for when the journey ends.
const LAST_REQUESTS_LIMIT: Duration = Duration::from_secs(3);
/// Nothing new in this time after the last tab is gone: nothing more comes. (Measured: a tab's last beacon is told
/// of up to 15 ms after the tab is gone.)
const LAST_REQUESTS_QUIET: Duration = Duration::from_millis(150);

#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error("failed to connect to the browser: {0}")]
    Connect(#[from] Box<tungstenite::Error>),
    #[error("the connection to the browser was lost")]
    Lost,
    #[error("the page was not ready to be watched within {} s", .0.as_secs())]
    NotReady(Duration),
    #[error("failed to write the journal: {0}")]
    Journal(#[from] std::io::Error),
}

/// What the capture tells whoever listens, as it happens.
#[derive(Debug)]
pub enum CaptureEvent {
    Output(Output),
    /// The browser's connection ended before it was told to.
    Lost,
}

/// When requests are quiet: none newly sent for `quiet`, waited for at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Quiet {
    pub quiet: Duration,
    pub limit: Duration,
}

enum Command {
    PageReady(String, oneshot::Sender<()>),
    Page(String, oneshot::Sender<watch::Receiver<PageState>>),
    Step(Option<u32>),
    Contain(Containment, oneshot::Sender<()>),
    ContainedCount(oneshot::Sender<watch::Receiver<u64>>),
    Quiet(Quiet, oneshot::Sender<bool>),
    Finish(oneshot::Sender<()>),
}

/// A handle to the running capture.
#[derive(Debug)]
pub struct Capture {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<Result<Assembler, CaptureError>>,
}

impl Capture {
    /// Connects, and watches everything from then on. Journal lines go to `journal`, each flushed; what becomes known
    /// goes to `events`.
    ///
    /// # Errors
    /// If the browser cannot be reached.
    pub async fn start(
        web_socket: &str,
        first_party: &str,
        journal: Box<dyn Write + Send>,
        events: mpsc::UnboundedSender<CaptureEvent>,
    ) -> Result<Capture, CaptureError> {
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) =
            tokio_tungstenite::connect_async_with_config(web_socket, Some(config), true)
                .await
                .map_err(Box::new)?;
        let (sink, stream) = socket.split();
        let (commands, receiver) = mpsc::unbounded_channel();
        let mut client = Client {
            sink,
            journal,
            events,
            assembler: Assembler::new(first_party),
            targets: Targets::default(),
            next_id: 0,
            pending: HashMap::new(),
            ready: HashMap::new(),
            ready_waiters: Vec::new(),
            pages: HashMap::new(),
            containment: None,
            contained: watch::channel(0).0,
            last_request: Instant::now(),
            quiet_waiters: Vec::new(),
            unanswered: HashMap::new(),
            closing: None,
        };
        client.begin().await?;
        let task = tokio::spawn(client.run(stream, receiver));
        Ok(Capture { commands, task })
    }

    /// Waits until the page is set up, so that nothing it sends can be missed: a barrier, not a sleep.
    ///
    /// # Errors
    /// If it takes longer than `limit`, or the browser is gone.
    pub async fn page_ready(&self, target: &str, limit: Duration) -> Result<(), CaptureError> {
        let ask = self.ask(|reply| Command::PageReady(target.to_owned(), reply));
        match tokio::time::timeout(limit, ask).await {
            Ok(answer) => answer,
            Err(_) => Err(CaptureError::NotReady(limit)),
        }
    }

    /// What the page's main frame is doing.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn page(&self, target: &str) -> Result<watch::Receiver<PageState>, CaptureError> {
        self.ask(|reply| Command::Page(target.to_owned(), reply))
            .await
    }

    /// Requests from now on belong to that step.
    pub fn step(&self, number: Option<u32>) {
        let _ = self.commands.send(Command::Step(number));
    }

    /// What must not leave from now on. In force when this returns.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn contain(&self, containment: Containment) -> Result<(), CaptureError> {
        self.ask(|reply| Command::Contain(containment, reply)).await
    }

    /// How many requests were contained so far, and the news of each.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn contained(&self) -> Result<watch::Receiver<u64>, CaptureError> {
        self.ask(Command::ContainedCount).await
    }

    /// Waits until nothing new is sent. False: it never was quiet within the limit, or the browser is gone.
    pub async fn quiet(&self, quiet: Quiet) -> bool {
        self.ask(|reply| Command::Quiet(quiet, reply))
            .await
            .unwrap_or(false)
    }

    /// Closes the tabs, waits until what they send on leaving is out, and tells the browser to exit. (Closing the
    /// browser at once would lose it.)
    ///
    /// # Errors
    /// If the journal could not be written.
    pub async fn finish(self) -> Result<Assembler, CaptureError> {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Finish(reply)).is_ok() {
            let _ = done.await;
        }
        self.task.await.map_err(|_| CaptureError::Lost)?
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, CaptureError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .map_err(|_| CaptureError::Lost)?;
        answer.await.map_err(|_| CaptureError::Lost)
    }
}

/// What an answer of the browser is awaited for.
enum Pending {
    Setup(String),
    PostData(String),
}

struct Closing {
    began: Instant,
    /// When the last tab went.
    tab_gone: Instant,
    reply: oneshot::Sender<()>,
}

struct Client {
    sink: SplitSink<Socket, tungstenite::Message>,
    journal: Box<dyn Write + Send>,
    events: mpsc::UnboundedSender<CaptureEvent>,
    assembler: Assembler,
    targets: Targets,
    next_id: u64,
    pending: HashMap<u64, Pending>,
    /// Pages that are set up: target → session.
    ready: HashMap<String, String>,
    ready_waiters: Vec<(String, oneshot::Sender<()>)>,
    pages: HashMap<String, watch::Sender<PageState>>,
    containment: Option<Containment>,
    contained: watch::Sender<u64>,
    last_request: Instant,
    quiet_waiters: Vec<(Quiet, Instant, oneshot::Sender<bool>)>,
    /// Paused requests that were let go since the journey began to end, and not answered yet.
    unanswered: HashMap<String, ()>,
    closing: Option<Closing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    request: PausedRequest,
    frame_id: Option<String>,
    #[serde(default)]
    resource_type: String,
    response_status_code: Option<u16>,
    response_error_reason: Option<String>,
}

#[derive(Deserialize)]
struct PausedRequest {
    url: String,
    method: String,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WillBeSent {
    request_id: String,
    request: WillBeSentRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WillBeSentRequest {
    #[serde(default)]
    has_post_data: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detached {
    session_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    post_data: String,
    #[serde(default)]
    base64_encoded: bool,
}

impl Client {
    /// Before any page exists: every request is paused, every target attached to.
    async fn begin(&mut self) -> Result<(), CaptureError> {
        self.send(
            None,
            "Fetch.enable",
            json!({"patterns": [{"urlPattern": "*"}]}),
        )
        .await?;
        self.send(None, "Target.setDiscoverTargets", json!({"discover": true}))
            .await?;
        self.send(None, "Target.setAutoAttach", auto_attach_browser())
            .await?;
        Ok(())
    }

    async fn run(
        mut self,
        mut stream: SplitStream<Socket>,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Assembler, CaptureError> {
        loop {
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
                    self.check().await?;
                }
            }
        }
        match self.closing.take() {
            Some(closing) => {
                let _ = closing.reply.send(());
            }
            None => {
                let _ = self.events.send(CaptureEvent::Lost);
            }
        }
        self.journal.flush()?;
        Ok(self.assembler)
    }

    /// When a wait for quiet may be over.
    fn next_check(&self) -> Option<Instant> {
        let waits = self.quiet_waiters.iter().map(|(quiet, began, _)| {
            (self.last_request.max(*began) + quiet.quiet).min(*began + quiet.limit)
        });
        let closing = self.closing.as_ref().map(|closing| {
            let limit = closing.began + LAST_REQUESTS_LIMIT;
            if self.pages.is_empty() && self.unanswered.is_empty() {
                (self.last_request.max(closing.tab_gone) + LAST_REQUESTS_QUIET).min(limit)
            } else {
                limit
            }
        });
        waits.chain(closing).min()
    }

    async fn check(&mut self) -> Result<(), CaptureError> {
        let now = Instant::now();
        let last_request = self.last_request;
        for (quiet, began, reply) in std::mem::take(&mut self.quiet_waiters) {
            if now >= last_request.max(began) + quiet.quiet {
                let _ = reply.send(true);
            } else if now >= began + quiet.limit {
                let _ = reply.send(false);
            } else {
                self.quiet_waiters.push((quiet, began, reply));
            }
        }
        if self.closing.is_some() && self.next_check().is_some_and(|at| now >= at) {
            self.send(None, "Browser.close", json!({})).await?;
            // The connection ends when the browser does; until then nothing is left to wait for.
            if let Some(closing) = &mut self.closing {
                closing.began = now + Duration::from_secs(3600);
            }
        }
        Ok(())
    }

    async fn command(&mut self, command: Command) -> Result<(), CaptureError> {
        match command {
            Command::PageReady(target, reply) => {
                if self.ready.contains_key(&target) {
                    let _ = reply.send(());
                } else {
                    self.ready_waiters.push((target, reply));
                }
            }
            Command::Page(target, reply) => {
                let page = self.pages.entry(target).or_default();
                let _ = reply.send(page.subscribe());
            }
            Command::Step(step) => self.mark(Mark::Step(step))?,
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
            Command::Finish(reply) => self.finish(reply).await?,
        }
        Ok(())
    }

    async fn finish(&mut self, reply: oneshot::Sender<()>) -> Result<(), CaptureError> {
        self.mark(Mark::Closing)?;
        // From now on answers are paused too: the Network domain no longer tells of requests whose page is gone.
        let both = json!({"patterns": [
            {"urlPattern": "*", "requestStage": "Request"}, {"urlPattern": "*", "requestStage": "Response"}
        ]});
        self.send(None, "Fetch.enable", both).await?;
        let pages: Vec<String> = self
            .targets
            .pages()
            .map(|(_, session)| session.target.clone())
            .collect();
        self.pages.retain(|target, _| pages.contains(target));
        // With its last tab a browser exits, and takes with it what that tab is still sending.
        self.send(
            None,
            "Target.createTarget",
            json!({"url": "about:blank", "background": true}),
        )
        .await?;
        for target in pages {
            self.send(None, "Target.closeTarget", json!({"targetId": target}))
                .await?;
        }
        self.closing = Some(Closing {
            began: Instant::now(),
            tab_gone: Instant::now(),
            reply,
        });
        Ok(())
    }

    async fn message(&mut self, text: &str) -> Result<(), CaptureError> {
        let message: Incoming = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "a message of the browser could not be read");
                return Ok(());
            }
        };
        if let Some(id) = message.id {
            return self.answer(id, &message).await;
        }
        let (Some(method), Some(params)) = (message.method.as_deref(), message.params) else {
            return Ok(());
        };
        // Told for every chunk of every answer, and no fact about a request is in it.
        if method == "Network.dataReceived" {
            return Ok(());
        }
        let at = Moment::now();
        if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
            self.write(&JournalLine {
                at,
                cdp: Some(raw),
                mark: None,
            })?;
        }
        let session = message.session.as_deref();
        self.assembler.event(at, session, method, params);
        self.react(session, method, params).await?;
        self.forward();
        Ok(())
    }

    async fn react(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &RawValue,
    ) -> Result<(), CaptureError> {
        match method {
            "Fetch.requestPaused" => {
                if let Ok(paused) = serde_json::from_str::<Paused>(params.get()) {
                    self.paused(paused).await?;
                }
            }
            "Network.requestWillBeSent" => {
                self.last_request = Instant::now();
                if let Ok(event) = serde_json::from_str::<WillBeSent>(params.get())
                    && event.request.has_post_data
                {
                    let params = json!({"requestId": &event.request_id});
                    let id = self
                        .send(session, "Network.getRequestPostData", params)
                        .await?;
                    self.pending.insert(id, Pending::PostData(event.request_id));
                }
            }
            "Target.attachedToTarget" => {
                if let Ok(attached) = serde_json::from_str::<Attached>(params.get()) {
                    self.attached(&attached, session).await?;
                }
            }
            "Target.detachedFromTarget" => {
                if let Ok(event) = serde_json::from_str::<Detached>(params.get())
                    && let Some(session) = self.targets.detach(&event.session_id)
                    && session.kind == "page"
                {
                    self.ready.remove(&session.target);
                    self.pages.remove(&session.target);
                    if let Some(closing) = &mut self.closing {
                        closing.tab_gone = Instant::now();
                    }
                }
            }
            // Nobody is there to press a button, and an open dialog holds everything up.
            "Page.javascriptDialogOpening" => {
                self.send(
                    session,
                    "Page.handleJavaScriptDialog",
                    json!({"accept": true}),
                )
                .await?;
            }
            _ => {
                let target = session
                    .and_then(|session| self.targets.session(session))
                    .map(|session| session.target.clone());
                if let Some(target) = target
                    && let Some(page) = self.pages.get(&target)
                {
                    page.send_if_modified(|page| page.take(&target, method, params));
                }
            }
        }
        Ok(())
    }

    async fn paused(&mut self, paused: Paused) -> Result<(), CaptureError> {
        self.last_request = Instant::now();
        let answered =
            paused.response_status_code.is_some() || paused.response_error_reason.is_some();
        let answer = self
            .containment
            .as_ref()
            .filter(|_| !answered)
            .and_then(|containment| {
                let main_frame = paused
                    .frame_id
                    .as_ref()
                    .is_some_and(|frame| self.pages.contains_key(frame));
                let origin = paused
                    .request
                    .headers
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case("origin"))
                    .and_then(|(_, value)| value.as_str());
                containment.decide(
                    &paused.request.url,
                    &paused.request.method,
                    &paused.resource_type,
                    main_frame,
                    origin,
                )
            });
        if let Some(answer) = answer {
            self.send(
                None,
                "Fetch.fulfillRequest",
                answer.fulfill(&paused.request_id),
            )
            .await?;
            self.mark(Mark::Contained {
                fetch_id: paused.request_id,
                why: answer.why,
            })?;
            self.contained.send_modify(|count| *count += 1);
            return Ok(());
        }
        self.send(
            None,
            "Fetch.continueRequest",
            json!({"requestId": &paused.request_id}),
        )
        .await?;
        if answered {
            self.unanswered.remove(&paused.request_id);
        } else if self.closing.is_some() {
            self.unanswered.insert(paused.request_id, ());
        }
        Ok(())
    }

    async fn attached(
        &mut self,
        attached: &Attached,
        parent: Option<&str>,
    ) -> Result<(), CaptureError> {
        if attached.target_info.kind == "page" && self.closing.is_none() {
            self.pages
                .entry(attached.target_info.target_id.clone())
                .or_default();
        }
        for (method, params) in self.targets.attach(attached, parent) {
            let id = self
                .send(Some(&attached.session_id), method, params)
                .await?;
            self.pending
                .insert(id, Pending::Setup(attached.session_id.clone()));
        }
        Ok(())
    }

    async fn answer(&mut self, id: u64, message: &Incoming<'_>) -> Result<(), CaptureError> {
        if let Some(error) = message.error {
            tracing::debug!(id, error = error.get(), "the browser refused a command");
        }
        match self.pending.remove(&id) {
            Some(Pending::Setup(session_id)) => {
                if let Some((session, tab)) = self.targets.answered(&session_id) {
                    if let Some(tab) = tab {
                        self.send(Some(&tab), "Runtime.runIfWaitingForDebugger", json!({}))
                            .await?;
                    }
                    if session.kind == "page" {
                        self.ready_waiters.retain_mut(|(target, reply)| {
                            if *target != session.target {
                                return true;
                            }
                            let (dead, _) = oneshot::channel();
                            let _ = std::mem::replace(reply, dead).send(());
                            false
                        });
                        self.ready.insert(session.target, session_id);
                    }
                }
            }
            Some(Pending::PostData(network_id)) => {
                let data = message
                    .result
                    .and_then(|result| serde_json::from_str::<PostData>(result.get()).ok());
                let base64 = data.map(|data| {
                    if data.base64_encoded {
                        data.post_data
                    } else {
                        data_encoding::BASE64.encode(data.post_data.as_bytes())
                    }
                });
                self.mark(Mark::PostData { network_id, base64 })?;
            }
            None => {}
        }
        Ok(())
    }

    async fn send(
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

    fn mark(&mut self, mark: Mark) -> Result<(), CaptureError> {
        self.assembler.mark(&mark);
        self.write(&JournalLine {
            at: Moment::now(),
            cdp: None,
            mark: Some(mark),
        })?;
        self.forward();
        Ok(())
    }

    fn write(&mut self, line: &JournalLine) -> Result<(), CaptureError> {
        let mut text = serde_json::to_vec(line).map_err(std::io::Error::other)?;
        text.push(b'\n');
        self.journal.write_all(&text)?;
        Ok(())
    }

    fn forward(&mut self) {
        for output in self.assembler.take_output() {
            let _ = self.events.send(CaptureEvent::Output(output));
        }
    }
}
