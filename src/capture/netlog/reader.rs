//! Puts the log's events together: which request went over which connection, with which bytes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;

use sha2::{Digest, Sha256};

use super::bytes::{Connection, Told};
use super::events::{
    Address, Alive, BEGIN, Certificates, Dependency, END, Event, Host, HttpHeaders, Kinds,
    NetError, StartJob,
};
use super::websocket::WebSocket;
use super::{KeepBody, KeptBody, NetLog, NetLogBody, NetLogMessage, NetLogRequest};
use crate::model::{Moment, Origin, Pool, Remote, without_fragment};

/// Traffic annotations (Chromium names each purpose of a request by a number) that are not the page's doing.
const NOT_THE_PAGES: [(i64, Origin); 4] = [
    (109_891_200, Origin::Reporting),
    (130_931_413, Origin::ServiceWorkerUpdate),
    // Which accounts are logged in, and what is to be updated.
    (35_565_745, Origin::Browser),
    (54_845_618, Origin::Browser),
];

/// A connection, as far as the log told of it.
#[derive(Default)]
struct Socket {
    connection: Connection,
    remote: Option<Remote>,
    /// The HTTP/1.1 request whose body or messages come now.
    request: Option<usize>,
    /// The HTTP/2 session that runs on it.
    session: Option<u64>,
}

/// Takes in the log's events, one after the other.
pub(super) struct Reader<'a> {
    kinds: Kinds,
    clock: Option<i64>,
    log: NetLog,
    /// Whether the answer to a URL is wanted.
    wanted: fn(&str) -> bool,
    keeper: &'a mut KeepBody<'a>,
    failed: Option<io::Error>,
    /// Source id → traffic annotation.
    purposes: HashMap<u64, i64>,
    /// Source id → its current request.
    current: HashMap<u64, usize>,
    /// Heads that the network stack has sent, until the connection's bytes show them.
    heads: HashMap<String, VecDeque<usize>>,
    /// Session and stream → request whose body is still to come.
    streams: HashMap<(u64, u32), usize>,
    /// Session → socket.
    sessions: HashMap<u64, u64>,
    sockets: HashMap<u64, Socket>,
    /// Sockets whose own bytes are TLS records.
    encrypted: HashSet<u64>,
    /// Answers that are wanted, as far as they were read.
    responses: HashMap<usize, Vec<u8>>,
    udp: HashMap<u64, String>,
    pool: Pool,
}

impl<'a> Reader<'a> {
    /// `clock`: what turns the log's time into milliseconds since the Unix epoch.
    pub fn new(
        kinds: Kinds,
        clock: Option<i64>,
        wanted: fn(&str) -> bool,
        keep: &'a mut KeepBody,
    ) -> Reader<'a> {
        Reader {
            kinds,
            clock,
            log: NetLog {
                truncated: true,
                ..NetLog::default()
            },
            wanted,
            keeper: keep,
            failed: None,
            purposes: HashMap::new(),
            current: HashMap::new(),
            heads: HashMap::new(),
            streams: HashMap::new(),
            sessions: HashMap::new(),
            sockets: HashMap::new(),
            encrypted: HashSet::new(),
            responses: HashMap::new(),
            udp: HashMap::new(),
            pool: Pool::default(),
        }
    }

    /// Whether a line can hold anything of interest.
    pub fn matters(&self, line: &[u8]) -> bool {
        self.kinds.matters(line)
    }

    /// The list of events was closed: nothing is missing.
    pub fn ended(&mut self) {
        self.log.truncated = false;
    }

    /// A line that matters could not be read.
    pub fn unread(&mut self) {
        self.log.unread += 1;
    }

    pub fn take(&mut self, event: &Event) {
        let (kind, id) = (Some(event.kind), event.source.id);
        let kinds = &self.kinds;
        if kind == kinds.alive {
            match event.phase {
                BEGIN => {
                    let purpose = event
                        .read::<Alive>()
                        .and_then(|alive| alive.traffic_annotation);
                    self.purposes.extend(purpose.map(|purpose| (id, purpose)));
                }
                _ => {
                    self.purposes.remove(&id);
                    if let Some(index) = self.current.remove(&id) {
                        self.keep_response(index);
                    }
                }
            }
        } else if kind == kinds.start_job {
            if event.phase == BEGIN {
                self.begin(event);
            } else if event.phase == END {
                self.failed(event);
            }
        } else if kind == kinds.http1_headers
            || kind == kinds.http2_headers
            || kind == kinds.http3_headers
        {
            self.sent(event, kind == kinds.http3_headers);
        } else if kind == kinds.failed || kind == kinds.restart {
            self.failed(event);
        } else if kind == kinds.response {
            if let Some(params) = event.headers() {
                let lines = params.headers.get(1..).unwrap_or_default();
                let headers = self.pool.headers(split_headers(lines));
                let time = self.moment(event);
                if let Some(request) = self.request(id) {
                    request.status = params.headers.first().and_then(|line| status(line));
                    request.response_headers = headers;
                    request.answered = time;
                }
            }
        } else if kind == kinds.filtered_bytes {
            self.response_bytes(event);
        } else if kind == kinds.session {
            if let Some(params) = event.read::<Dependency>() {
                let socket = params.source_dependency.id;
                self.sessions.insert(id, socket);
                self.sockets.entry(socket).or_default().session = Some(id);
            }
        } else if kind == kinds.session_headers {
            self.sent_on_stream(event);
        } else if kind == kinds.ssl_connect {
            self.encrypted.insert(id);
        } else if kind == kinds.ssl_bytes_sent || kind == kinds.bytes_sent {
            if kind == kinds.ssl_bytes_sent || !self.encrypted.contains(&id) {
                self.bytes(event);
            }
        } else if kind == kinds.tcp_attempt {
            let address = event.read::<Address>().and_then(|params| params.address);
            self.log.addresses.extend(address);
        } else if kind == kinds.tcp_connect {
            if let Some(address) = event
                .read::<Address>()
                .and_then(|params| params.remote_address)
            {
                self.sockets.entry(id).or_default().remote = remote(&address);
            }
        } else if kind == kinds.certificates {
            if let Some(params) = event.read::<Certificates>() {
                let digest = params
                    .certificates
                    .first()
                    .and_then(|pem| certificate_digest(pem));
                if let Some(digest) = &digest {
                    let chain = params.certificates.clone();
                    self.log.certificates.insert(digest.clone(), chain);
                }
                if let Some(remote) = &mut self.sockets.entry(id).or_default().remote {
                    remote.certificate_sha256 = digest;
                }
            }
        } else if kind == kinds.udp_connect {
            let address = event.read::<Address>().and_then(|params| params.address);
            self.udp.extend(address.map(|address| (id, address)));
        } else if kind == kinds.udp_sent {
            // Chromium "connects" UDP sockets to learn of routes, and sends nothing: only packets count.
            self.log.addresses.extend(self.udp.get(&id).cloned());
        } else if kind == kinds.dns && event.phase == BEGIN {
            // Told at a job's begin, with the host, and at its end, without.
            let host = event.read::<Host>().and_then(|params| params.host);
            self.log
                .lookups
                .insert(host.unwrap_or_else(|| "(not named)".to_owned()));
        }
    }

    fn request(&mut self, source: u64) -> Option<&mut NetLogRequest> {
        let index = *self.current.get(&source)?;
        self.log.requests.get_mut(index)
    }

    fn moment(&self, event: &Event) -> Option<Moment> {
        Some(Moment::from_millis(event.time()?.checked_add(self.clock?)?))
    }

    fn begin(&mut self, event: &Event) {
        let Some(start) = event.read::<StartJob>() else {
            self.log.unread += 1;
            return;
        };
        let id = event.source.id;
        if let Some(before) = self.current.insert(id, self.log.requests.len()) {
            self.keep_response(before);
        }
        let time = self.moment(event);
        let origin = origin(self.purposes.get(&id).copied(), &start);
        let url = without_fragment(&start.url);
        self.log
            .requests
            .push(NetLogRequest::begun(url, &start.method, origin, time));
    }

    /// The network stack hands a head to a connection. When it does so a second time for one request, the first
    /// came to nothing: a connection that broke, or a password that was asked for.
    fn sent(&mut self, event: &Event, quic: bool) {
        let (Some(&before), Some(params)) = (self.current.get(&event.source.id), event.headers())
        else {
            // A head of a request that was begun before the log, or one that cannot be read.
            self.log.unread += 1;
            return;
        };
        let mut index = before;
        if self.log.requests[before].sent.is_some() {
            index = self.log.requests.len();
            let first = &self.log.requests[before];
            let again = NetLogRequest {
                again: Some(first.again.unwrap_or(before)),
                ..NetLogRequest::begun(&first.url, &first.method, first.origin, self.moment(event))
            };
            self.log.requests.push(again);
            self.current.insert(event.source.id, index);
        }
        let request = &mut self.log.requests[index];
        request.sent = Some(self.pool.headers(split_headers(&params.headers)));
        // QUIC's bytes are in no log.
        request.on_the_wire = quic;
        self.heads
            .entry(head_of(&params))
            .or_default()
            .push_back(index);
    }

    fn sent_on_stream(&mut self, event: &Event) {
        let Some(params) = event.headers() else {
            self.log.unread += 1;
            return;
        };
        let session = event.source.id;
        let Some(index) = self.take_head(&head_of(&params)) else {
            self.log.stray += 1;
            return;
        };
        let socket = self
            .sessions
            .get(&session)
            .and_then(|socket| self.sockets.get(socket));
        let request = &mut self.log.requests[index];
        request.on_the_wire = true;
        request.remote = socket.and_then(|socket| socket.remote.clone());
        if !params.fin {
            self.streams.insert((session, params.stream_id), index);
        }
    }

    /// The request that a head belongs to. The log writes bytes that are no text in a way of its own: then the first
    /// line must do.
    fn take_head(&mut self, head: &str) -> Option<usize> {
        if let Some(index) = self.take_same_head(head) {
            return Some(index);
        }
        let line = head.split_inclusive("\r\n").next()?;
        if !line.ends_with("\r\n") {
            return None;
        }
        let known = self.heads.keys().find(|known| known.starts_with(line))?;
        let known = known.clone();
        self.take_same_head(&known)
    }

    fn take_same_head(&mut self, head: &str) -> Option<usize> {
        let same = self.heads.get_mut(head)?;
        let index = same.pop_front();
        if same.is_empty() {
            self.heads.remove(head);
        }
        index
    }

    fn failed(&mut self, event: &Event) {
        let error = event.read::<NetError>().and_then(|params| params.net_error);
        if let (Some(error), Some(request)) = (error, self.request(event.source.id))
            && request.status.is_none()
        {
            request.error = Some(error);
        }
    }

    fn bytes(&mut self, event: &Event) {
        let Some(bytes) = event.bytes() else {
            self.log.unread += 1;
            return;
        };
        let id = event.source.id;
        let time = self.moment(event);
        let mut told = Vec::new();
        let socket = self.sockets.entry(id).or_default();
        socket.connection.feed(&bytes, &mut |what| told.push(what));
        for what in told {
            self.told(id, time, what);
        }
    }

    fn told(&mut self, socket: u64, time: Option<Moment>, what: Told) {
        match what {
            Told::Head(head) => {
                let request = self.take_head(&head);
                if let Some(index) = request {
                    let remote = self
                        .sockets
                        .get(&socket)
                        .and_then(|socket| socket.remote.clone());
                    self.log.requests[index].on_the_wire = true;
                    self.log.requests[index].remote = remote;
                } else {
                    self.log.stray += 1;
                }
                if let Some(socket) = self.sockets.get_mut(&socket) {
                    socket.request = request;
                }
            }
            Told::Body { bytes, whole } => {
                let request = self.sockets.get(&socket).and_then(|socket| socket.request);
                self.body(request, &bytes, whole);
            }
            Told::StreamBody {
                stream,
                bytes,
                whole,
            } => {
                let session = self.sockets.get(&socket).and_then(|socket| socket.session);
                let request = session.and_then(|session| self.streams.remove(&(session, stream)));
                self.body(request, &bytes, whole);
            }
            Told::Message { opcode, payload } => {
                let request = self.sockets.get(&socket).and_then(|socket| socket.request);
                if let Some(index) = request {
                    self.log.requests[index].messages.push(NetLogMessage {
                        time,
                        opcode,
                        payload,
                    });
                }
            }
        }
    }

    fn body(&mut self, request: Option<usize>, bytes: &[u8], whole: bool) {
        let Some(index) = request else {
            self.log.stray += u64::from(!bytes.is_empty());
            return;
        };
        if self.log.requests[index].url.starts_with("ws") {
            for (opcode, payload) in WebSocket::messages(bytes) {
                let message = NetLogMessage {
                    time: None,
                    opcode,
                    payload,
                };
                self.log.requests[index].messages.push(message);
            }
            return;
        }
        // HTTP/2 ends a request without a body by an empty frame now and then.
        if bytes.is_empty() && whole {
            return;
        }
        let body = self.keep(bytes);
        self.log.requests[index].body = if whole {
            NetLogBody::Whole(body)
        } else {
            NetLogBody::Cut(body)
        };
    }

    fn keep(&mut self, bytes: &[u8]) -> KeptBody {
        let body = KeptBody {
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)),
            size: bytes.len() as u64,
        };
        if let Err(error) = (self.keeper)(&body.sha256, bytes) {
            self.failed.get_or_insert(error);
        }
        body
    }

    fn response_bytes(&mut self, event: &Event) {
        let Some(&index) = self.current.get(&event.source.id) else {
            return;
        };
        if !(self.wanted)(&self.log.requests[index].url) {
            return;
        }
        self.responses
            .entry(index)
            .or_default()
            .extend(event.bytes().unwrap_or_default());
    }

    fn keep_response(&mut self, index: usize) {
        if let Some(bytes) = self.responses.remove(&index) {
            let body = self.keep(&bytes);
            self.log.requests[index].response_body = Some(body);
        }
    }

    pub fn finish(mut self) -> io::Result<NetLog> {
        let sockets: Vec<u64> = self.sockets.keys().copied().collect();
        for id in sockets {
            let connection = self
                .sockets
                .get_mut(&id)
                .map(|socket| std::mem::take(&mut socket.connection));
            let mut told = Vec::new();
            if let Some(connection) = connection {
                connection.end(&mut |what| told.push(what));
            }
            for what in told {
                self.told(id, None, what);
            }
        }
        // Streams on which a body was announced and nothing more was sent.
        for index in std::mem::take(&mut self.streams).into_values() {
            self.body(Some(index), b"", false);
        }
        for index in self.responses.keys().copied().collect::<Vec<_>>() {
            self.keep_response(index);
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.log),
        }
    }
}

/// A head as one string, the same whether the network stack or the connection tells it.
fn head_of(params: &HttpHeaders) -> String {
    if params.line.is_empty() {
        return params.headers.join("\n");
    }
    let mut head = params.line.clone();
    for header in &params.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head
}

/// Whose doing a request is. One of a purpose that is not known is taken for the page's, unless neither a page nor a
/// place to keep its cookies apart is named.
fn origin(purpose: Option<i64>, start: &StartJob) -> Origin {
    if let Some((_, origin)) = NOT_THE_PAGES
        .iter()
        .find(|(known, _)| Some(*known) == purpose)
    {
        return *origin;
    }
    let of_no_page =
        !start.initiator.starts_with("http") && start.network_isolation_key.starts_with("null");
    if of_no_page {
        Origin::Browser
    } else {
        Origin::Page
    }
}

/// `127.0.0.1:443`, `[::1]:443`
fn remote(address: &str) -> Option<Remote> {
    let address: std::net::SocketAddr = address.parse().ok()?;
    Some(Remote {
        ip: address.ip().to_string(),
        port: address.port(),
        certificate_sha256: None,
    })
}

/// SHA-256 (hex) of the first certificate of a PEM text.
pub fn certificate_digest(pem: &str) -> Option<String> {
    let base64: String = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).ok()?;
    Some(data_encoding::HEXLOWER.encode(&Sha256::digest(der)))
}

/// `"Name: value"` each. HTTP/2's pseudo-headers begin with a colon and are left out: they repeat method and URL.
fn split_headers(lines: &[String]) -> Vec<(String, String)> {
    lines
        .iter()
        .filter(|line| !line.starts_with(':'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_start().to_owned()))
        .collect()
}

/// `HTTP/1.1 200 OK`
fn status(line: &str) -> Option<u16> {
    line.split(' ').nth(1)?.parse().ok()
}
