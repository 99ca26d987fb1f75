//! The capture client: the connection to the browser, over which it is watched and driven.

mod onlooker;
mod protocol;
mod react;
mod remote;
mod share;
mod worker;

use std::io::Write;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::assembler::{Assembler, Output};
use super::containment::Containment;
use super::credentials::Credentials;
use super::page::PageState;

use self::remote::Call;
use self::worker::Worker;

pub use self::onlooker::{Told, Watch};
pub use self::remote::{Remote, RemoteError};
pub use self::share::Sharing;

/// How long the browser may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error("failed to connect to the browser: {0}")]
    Connect(#[from] Box<tungstenite::Error>),
    #[error("the browser did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the page was closed, or the connection to the browser was lost")]
    Lost,
    #[error("the page was not ready to be watched within {} s", .0.as_secs())]
    NotReady(Duration),
    #[error("the browser refused to give us a context of our own: {0}")]
    NoContext(String),
    #[error("failed to write the journal: {0}")]
    Journal(#[from] std::io::Error),
}

/// When requests are quiet: none newly sent for `quiet`, waited for at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Quiet {
    pub quiet: Duration,
    pub limit: Duration,
    /// Whether it is the page that has to be quiet: then answers are waited for too, and beacons, streams and requests
    /// that hang do not count.
    pub page: bool,
}

/// How many requests were contained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contained {
    /// Those that can be the report itself.
    pub reports: u64,
    /// With beacons and reads by script, which pages also send beside it.
    pub may_be_reports: u64,
    /// With what was kept from third parties.
    pub all: u64,
}

enum Command {
    PageReady(String, oneshot::Sender<()>),
    Page(String, oneshot::Sender<watch::Receiver<PageState>>),
    Tabs(oneshot::Sender<Vec<String>>),
    Frames(String, oneshot::Sender<Vec<String>>),
    Step(Option<u32>),
    Asked(oneshot::Sender<Vec<String>>),
    Contain(Containment, oneshot::Sender<()>),
    ContainedCount(oneshot::Sender<watch::Receiver<Contained>>),
    Quiet(Quiet, oneshot::Sender<bool>),
    Call(Call),
    Finish(Duration, oneshot::Sender<()>),
}

/// A handle to the running capture.
#[derive(Debug)]
pub struct Capture {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<Result<Assembler, CaptureError>>,
}

impl Capture {
    /// Connects, and watches everything from then on. Journal lines go to `journal`, and are flushed before anything
    /// that was made of them goes to `outputs`. With `watch`, a script in every document tells what the person does. With
    /// `sharing` the browser is somebody else's, too: the journey is made in a context of its own, and nothing but what
    /// belongs to that is recorded.
    ///
    /// # Errors
    /// If the browser cannot be reached.
    pub async fn start(
        web_socket: &str,
        first_party: &str,
        journal: Box<dyn Write + Send>,
        outputs: mpsc::UnboundedSender<Output>,
        watch: Option<Watch>,
        sharing: Option<Sharing>,
    ) -> Result<Capture, CaptureError> {
        if web_socket.starts_with("wss:") {
            // One that is there already is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let connecting =
            tokio_tungstenite::connect_async_with_config(web_socket, Some(config), true);
        let (socket, _) = tokio::time::timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_| CaptureError::Silent(CONNECT_LIMIT))?
            .map_err(Box::new)?;
        let (sink, mut stream) = socket.split();
        let (commands, receiver) = mpsc::unbounded_channel();
        let credentials = Credentials::new()?;
        let assembler = Assembler::new(first_party);
        let mut worker = Worker::new(sink, journal, outputs, assembler, watch, credentials);
        if let Some(sharing) = sharing {
            let shared = worker.share(&mut stream, sharing);
            tokio::time::timeout(CONNECT_LIMIT, shared)
                .await
                .map_err(|_| CaptureError::Silent(CONNECT_LIMIT))??;
        }
        worker.begin().await?;
        let task = tokio::spawn(worker.run(stream, receiver));
        Ok(Capture { commands, task })
    }

    /// For commands to a page by its target, or to the browser itself.
    pub fn remote(&self, target: Option<&str>) -> Remote {
        Remote {
            commands: self.commands.clone(),
            target: target.map(str::to_owned),
        }
    }

    /// Waits until the page is set up, so that nothing it sends can be missed: a barrier, not a sleep.
    ///
    /// # Errors
    /// If it takes longer than `limit`, or the page or the browser is gone.
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
    /// If the page was closed, or the browser is gone.
    pub async fn page(&self, target: &str) -> Result<watch::Receiver<PageState>, CaptureError> {
        self.ask(|reply| Command::Page(target.to_owned(), reply))
            .await
    }

    /// Targets of the tabs that a person sees, in the order in which they were opened.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn tabs(&self) -> Result<Vec<String>, CaptureError> {
        self.ask(Command::Tabs).await
    }

    /// Targets of the frames of a page that have a process of their own.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn frames(&self, page: &str) -> Result<Vec<String>, CaptureError> {
        self.ask(|reply| Command::Frames(page.to_owned(), reply))
            .await
    }

    /// Requests from now on belong to that step.
    pub fn step(&self, number: Option<u32>) {
        let _ = self.commands.send(Command::Step(number));
    }

    /// What was asked for in this step, the latest last: `POST https://…`, the last twenty.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn asked(&self) -> Result<Vec<String>, CaptureError> {
        self.ask(Command::Asked).await
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
    pub async fn contained(&self) -> Result<watch::Receiver<Contained>, CaptureError> {
        self.ask(Command::ContainedCount).await
    }

    /// Waits until nothing new is sent. False: it never was quiet within the limit, or the browser is gone.
    pub async fn quiet(&self, quiet: Quiet) -> bool {
        self.ask(|reply| Command::Quiet(quiet, reply))
            .await
            .unwrap_or(false)
    }

    /// Returns when the browser is gone.
    pub async fn lost(&self) {
        self.commands.closed().await;
    }

    /// Closes the tabs, waits until what they send on leaving is out, and tells the browser to exit. (Closing the
    /// browser at once would lose it.) When nothing new was told for `quiet` after the last tab went, nothing more
    /// comes: a tab's last beacon was measured to be told of up to 26 ms after the tab is gone.
    ///
    /// # Errors
    /// If the journal could not be written.
    pub async fn finish(self, quiet: Duration) -> Result<Assembler, CaptureError> {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Finish(quiet, reply)).is_ok() {
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
