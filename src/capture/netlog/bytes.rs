//! What a connection sends, byte by byte, back into requests: HTTP/1.1 (RFC 9112), HTTP/2 (RFC 9113), and the
//! WebSocket that an HTTP/1.1 connection may become.

use std::collections::HashMap;

use super::websocket::WebSocket;

/// With these bytes a client begins to speak HTTP/2.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HTTP2_FRAME_HEADER: usize = 9;
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const PADDED: u8 = 8;

/// Something that was sent in full, or as far as the connection went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An HTTP/1.1 request's head, with the empty line at its end.
    Head(String),
    /// The body that belongs to the last head.
    Body { bytes: Vec<u8>, whole: bool },
    /// A body on an HTTP/2 stream.
    StreamBody {
        stream: u32,
        bytes: Vec<u8>,
        whole: bool,
    },
    /// A WebSocket message, of the connection's last head.
    Message { opcode: u8, payload: Vec<u8> },
}

/// One connection's outgoing side.
#[derive(Debug, Default)]
pub(super) struct Connection {
    buffer: Vec<u8>,
    speaks: Speaks,
}

#[derive(Debug, Default)]
enum Speaks {
    #[default]
    NotKnown,
    Http1(Http1),
    Http2(HashMap<u32, Vec<u8>>),
    WebSocket(Box<WebSocket>),
    /// Something else: what follows cannot be told apart.
    Other,
}

#[derive(Debug, Default)]
enum Http1 {
    #[default]
    Head,
    Length {
        left: usize,
        body: Vec<u8>,
    },
    Chunks {
        body: Vec<u8>,
    },
}

impl Connection {
    /// Takes in what was sent next.
    pub fn feed(&mut self, bytes: &[u8], told: &mut dyn FnMut(Told)) {
        if matches!(self.speaks, Speaks::Other) {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(used) = self.step(at, told) {
            at += used;
        }
        self.buffer.drain(..at);
    }

    /// The connection or the log ends here: what was begun is told as far as it went.
    pub fn end(self, told: &mut dyn FnMut(Told)) {
        match self.speaks {
            Speaks::Http1(Http1::Length { body, .. } | Http1::Chunks { body }) => {
                told(Told::Body {
                    bytes: body,
                    whole: false,
                });
            }
            Speaks::Http2(streams) => {
                for (stream, bytes) in streams {
                    told(Told::StreamBody {
                        stream,
                        bytes,
                        whole: false,
                    });
                }
            }
            _ => {}
        }
    }

    /// Reads one thing at `at`, and gives how many bytes it took; nothing if more must come first.
    fn step(&mut self, at: usize, told: &mut dyn FnMut(Told)) -> Option<usize> {
        let rest = &self.buffer[at..];
        match &mut self.speaks {
            Speaks::NotKnown => {
                if rest.is_empty()
                    || rest.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(rest)
                {
                    return None;
                }
                if rest.starts_with(HTTP2_PREFACE) {
                    self.speaks = Speaks::Http2(HashMap::new());
                    return Some(HTTP2_PREFACE.len());
                }
                self.speaks = if rest[0].is_ascii_uppercase() {
                    Speaks::Http1(Http1::Head)
                } else {
                    Speaks::Other
                };
                Some(0)
            }
            Speaks::Other => None,
            Speaks::Http2(streams) => http2_frame(streams, rest, told),
            Speaks::WebSocket(socket) => socket.frame(rest, told),
            Speaks::Http1(state) => match state {
                Http1::Head => {
                    let end = find(rest, b"\r\n\r\n")? + 4;
                    let head = String::from_utf8_lossy(&rest[..end]).into_owned();
                    match Framing::of(&head) {
                        Framing::None => {}
                        Framing::Length(left) => {
                            *state = Http1::Length {
                                left,
                                body: Vec::new(),
                            };
                        }
                        Framing::Chunked => *state = Http1::Chunks { body: Vec::new() },
                        Framing::Upgrade => self.speaks = Speaks::WebSocket(Box::default()),
                    }
                    told(Told::Head(head));
                    Some(end)
                }
                Http1::Length { left, body } => {
                    let taken = rest.len().min(*left);
                    body.extend_from_slice(&rest[..taken]);
                    *left -= taken;
                    if *left == 0 {
                        told(Told::Body {
                            bytes: std::mem::take(body),
                            whole: true,
                        });
                        *state = Http1::Head;
                        return Some(taken);
                    }
                    (taken > 0).then_some(taken)
                }
                Http1::Chunks { body } => {
                    let line = find(rest, b"\r\n")?;
                    let size = std::str::from_utf8(&rest[..line]).ok()?;
                    let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
                    let end = size.checked_add(line + 4)?;
                    if rest.len() < end {
                        return None;
                    }
                    body.extend_from_slice(&rest[line + 2..line + 2 + size]);
                    if size == 0 {
                        told(Told::Body {
                            bytes: std::mem::take(body),
                            whole: true,
                        });
                        *state = Http1::Head;
                    }
                    Some(end)
                }
            },
        }
    }
}

/// How the body after an HTTP/1.1 head is delimited.
enum Framing {
    None,
    Length(usize),
    Chunked,
    Upgrade,
}

impl Framing {
    fn of(head: &str) -> Framing {
        for line in head.split("\r\n").skip(1) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => match value.parse() {
                    Ok(0) | Err(_) => return Framing::None,
                    Ok(length) => return Framing::Length(length),
                },
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                    return Framing::Chunked;
                }
                "upgrade" if value.eq_ignore_ascii_case("websocket") => return Framing::Upgrade,
                _ => {}
            }
        }
        Framing::None
    }
}

fn http2_frame(
    streams: &mut HashMap<u32, Vec<u8>>,
    rest: &[u8],
    told: &mut dyn FnMut(Told),
) -> Option<usize> {
    let header = rest.get(..HTTP2_FRAME_HEADER)?;
    let length =
        usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
    let (kind, flags) = (header[3], header[4]);
    let stream = u32::from_be_bytes([header[5] & 0x7f, header[6], header[7], header[8]]);
    let end = HTTP2_FRAME_HEADER + length;
    let mut payload = rest.get(HTTP2_FRAME_HEADER..end)?;
    if kind == DATA {
        if flags & PADDED != 0 {
            let padding = usize::from(*payload.first().unwrap_or(&0));
            payload = payload
                .get(1..payload.len().saturating_sub(padding))
                .unwrap_or_default();
        }
        let body = streams.entry(stream).or_default();
        body.extend_from_slice(payload);
        if flags & END_STREAM != 0 {
            let bytes = streams.remove(&stream).unwrap_or_default();
            told(Told::StreamBody {
                stream,
                bytes,
                whole: true,
            });
        }
    } else if kind == RST_STREAM
        && let Some(bytes) = streams.remove(&stream)
    {
        told(Told::StreamBody {
            stream,
            bytes,
            whole: false,
        });
    }
    Some(end)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in pieces of that size.
    fn told(bytes: &[u8], piece: usize) -> Vec<Told> {
        let mut connection = Connection::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(piece) {
            connection.feed(piece, &mut |told| all.push(told));
        }
        connection.end(&mut |told| all.push(told));
        all
    }

    fn body(bytes: &[u8], whole: bool) -> Told {
        Told::Body {
            bytes: bytes.to_vec(),
            whole,
        }
    }

    #[test]
    fn http1_requests_follow_each_other_however_they_are_cut() {
        let sent = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\n\x00\r\n\r\nPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nPOST /d HTTP/1.1\r\nContent-Length: 9\r\n\r\ncut";
        for piece in [1, 2, 7, 1000] {
            let all = told(sent, piece);
            assert_eq!(all.len(), 7, "{all:#?}");
            assert_eq!(
                all[0],
                Told::Head("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".into())
            );
            assert_eq!(all[2], body(b"\x00\r\n\r\n", true));
            assert_eq!(all[4], body(b"abcde", true));
            assert_eq!(all[6], body(b"cut", false));
        }
    }

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    #[test]
    fn http2_bodies_may_interleave_be_padded_and_be_cut() {
        let sent = [
            HTTP2_PREFACE.to_vec(),
            frame(4, 0, 0, b"\0\0\0\0\0\0"),
            frame(1, 4, 1, b"headers"),
            frame(DATA, 0, 1, b"one "),
            frame(DATA, PADDED, 3, b"\x02three..."),
            frame(DATA, END_STREAM, 1, b"first"),
            frame(RST_STREAM, 0, 3, b"\0\0\0\x08"),
            frame(DATA, 0, 5, b"never ended"),
        ]
        .concat();
        let body = |stream, bytes: &[u8], whole| Told::StreamBody {
            stream,
            bytes: bytes.to_vec(),
            whole,
        };
        for piece in [1, 5, 1000] {
            assert_eq!(
                told(&sent, piece),
                [
                    body(1, b"one first", true),
                    body(3, b"three.", false),
                    body(5, b"never ended", false)
                ]
            );
        }
    }

    #[test]
    fn a_websocket_is_unmasked_put_together_and_inflated() {
        let masked = |first: u8, payload: &[u8]| {
            let mask = [1, 2, 3, 4];
            let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
            frame.extend(mask);
            frame.extend(
                payload
                    .iter()
                    .zip(mask.iter().cycle())
                    .map(|(byte, mask)| byte ^ mask),
            );
            frame
        };
        let mut deflate = flate2::Compress::new(flate2::Compression::default(), false);
        let mut compressed = |text: &[u8]| {
            let mut out = Vec::with_capacity(200);
            deflate
                .compress_vec(text, &mut out, flate2::FlushCompress::Sync)
                .unwrap();
            out.truncate(out.len() - 4);
            out
        };
        let sent = [
            b"GET /s HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".to_vec(),
            masked(0x01, b"in "),
            masked(0x89, b"ping"),
            masked(0x80, b"parts"),
            masked(0xc1, &compressed(b"compressed compressed")),
            masked(0xc2, &compressed(b"compressed again")),
        ]
        .concat();
        let message = |opcode, payload: &[u8]| Told::Message {
            opcode,
            payload: payload.to_vec(),
        };
        for piece in [1, 1000] {
            assert_eq!(
                told(&sent, piece)[1..],
                [
                    message(9, b"ping"),
                    message(1, b"in parts"),
                    message(1, b"compressed compressed"),
                    message(2, b"compressed again")
                ]
            );
        }
    }

    #[test]
    fn what_is_no_http_is_left_alone() {
        assert_eq!(told(b"\x16\x03\x01 tls in tls", 3), []);
    }
}
