//! WebSocket frames (RFC 6455), with permessage-deflate (RFC 7692).

use flate2::{Decompress, FlushDecompress};

use super::bytes::Told;

/// The sending side of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct WebSocket {
    /// The message that is being put together: opcode, compressed, payload.
    message: Option<(u8, bool, Vec<u8>)>,
    inflate: Option<Decompress>,
}

impl WebSocket {
    /// The messages that stand in bytes that were sent as an HTTP/2 stream (RFC 8441).
    pub fn messages(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let (mut socket, mut at, mut messages) = (WebSocket::default(), 0, Vec::new());
        while let Some(used) = socket.frame(&bytes[at..], &mut |told| {
            if let Told::Message { opcode, payload } = told {
                messages.push((opcode, payload));
            }
        }) {
            at += used;
        }
        messages
    }

    /// Reads a frame, and gives how many bytes it took; nothing if more must come first.
    pub fn frame(&mut self, rest: &[u8], told: &mut dyn FnMut(Told)) -> Option<usize> {
        let (first, second) = (*rest.first()?, *rest.get(1)?);
        let (mut at, length) = match second & 0x7f {
            126 => (
                4,
                usize::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?)),
            ),
            127 => {
                let length = u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?);
                (10, usize::try_from(length).ok()?)
            }
            short => (2, usize::from(short)),
        };
        let mask: [u8; 4] = if second & 0x80 != 0 {
            at += 4;
            rest.get(at - 4..at)?.try_into().ok()?
        } else {
            [0; 4]
        };
        let end = at.checked_add(length)?;
        let payload: Vec<u8> = rest
            .get(at..end)?
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        let (last, compressed, opcode) = (first & 0x80 != 0, first & 0x40 != 0, first & 0x0f);
        match opcode {
            // A continuation of the message that was begun.
            0 => {
                if let Some((_, _, message)) = &mut self.message {
                    message.extend_from_slice(&payload);
                }
            }
            1 | 2 => self.message = Some((opcode, compressed, payload)),
            // Close, ping and pong come between a message's parts.
            _ => {
                told(Told::Message { opcode, payload });
                return Some(end);
            }
        }
        if last && let Some((opcode, compressed, payload)) = self.message.take() {
            let payload = if compressed {
                self.inflate(&payload)
            } else {
                payload
            };
            told(Told::Message { opcode, payload });
        }
        Some(end)
    }

    /// permessage-deflate leaves out the empty block at a message's end (RFC 7692, 7.2.2).
    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(false));
        let mut message = Vec::with_capacity(payload.len() * 4 + 64);
        for part in [payload, &[0, 0, 0xff, 0xff]] {
            let begun = inflate.total_in();
            loop {
                let used = usize::try_from(inflate.total_in() - begun).unwrap_or(usize::MAX);
                let Some(rest) = part.get(used..).filter(|rest| !rest.is_empty()) else {
                    break;
                };
                message.reserve(rest.len() * 4 + 64);
                let before = (inflate.total_in(), inflate.total_out());
                if inflate
                    .decompress_vec(rest, &mut message, FlushDecompress::Sync)
                    .is_err()
                {
                    return message;
                }
                // A stream that has ended takes nothing more.
                if before == (inflate.total_in(), inflate.total_out()) {
                    return message;
                }
            }
        }
        message
    }
}
