mod whole;

use std::fmt;
use std::ops::Range;

use crate::{Capabilities, Encode, InvalidPacket, PayloadWriter};

pub use whole::WholePackets;

/// Turns received bytes into payloads: cuts
/// [packets](https://mariadb.com/docs/server/reference/clientserver-protocol/0-packet) and joins
/// the bodies of a payload that was split.
///
/// It owns the receive buffer. The transport appends to [`buffer_mut`](Self::buffer_mut), and
/// payloads are lent out of it as ranges, which stay valid until the next call of `buffer_mut`.
/// A body that continues a payload is moved over the 4-byte header before it, so that every
/// payload lies in one piece without a second buffer.
pub struct PacketDecoder {
    buffer: Vec<u8>,
    /// Where the first byte lies that is still needed: of the payload being joined, or `next`.
    start: usize,
    /// Where the bodies joined so far end.
    joined_end: usize,
    /// Where the next header begins.
    next: usize,
    /// Whether a payload has begun that the packet at `next` continues.
    joining: bool,
    sequence_number: u8,
    /// The numbers that an ERR packet should have had, and had, which does not belong to the exchange.
    out_of_sequence: Option<(u8, u8)>,
    checks_sequence: bool,
    max_payload_bytes: usize,
}

impl PacketDecoder {
    /// A decoder that refuses payloads longer than `max_payload_bytes`.
    pub fn new(max_payload_bytes: usize) -> Self {
        Self {
            buffer: Vec::with_capacity(INITIAL_BUFFER_BYTES),
            start: 0,
            joined_end: 0,
            next: 0,
            joining: false,
            sequence_number: 0,
            out_of_sequence: None,
            checks_sequence: true,
            max_payload_bytes,
        }
    }

    /// The buffer, with room at its end, for the transport to append to. Ranges of payloads that
    /// were lent before are void after this call.
    ///
    /// The buffer grows with what has arrived, never by what a header claims alone.
    #[inline]
    pub fn buffer_mut(&mut self) -> &mut Vec<u8> {
        let length = self.buffer.len();
        let filled = length == self.buffer.capacity();
        if self.start == length && !self.joining && !filled {
            // All has been taken, as between commands.
            self.buffer.clear();
            self.start = 0;
            self.next = 0;
            if self.buffer.capacity() >= INITIAL_BUFFER_BYTES {
                return &mut self.buffer;
            }
        }
        self.make_room(filled);
        &mut self.buffer
    }

    #[inline(never)]
    fn make_room(&mut self, filled: bool) {
        self.compact();
        self.reserve(filled);
    }

    /// The bytes received and not yet taken as packets.
    pub fn unread(&self) -> usize {
        self.buffer.len().saturating_sub(self.start)
    }

    /// What is wrong with the number of an ERR packet that came and does not belong to the exchange: the
    /// server has ended the session on its own account, or it is of another exchange.
    pub const fn out_of_sequence(&self) -> Option<InvalidPacket> {
        match self.out_of_sequence {
            Some((expected, found)) => Some(InvalidPacket::SequenceNumber { expected, found }),
            None => None,
        }
    }

    /// The sequence number that the next packet must have.
    pub const fn sequence_number(&self) -> u8 {
        self.sequence_number
    }

    /// Sets the sequence number that the next packet must have: 1 when a command was sent.
    pub const fn set_sequence_number(&mut self, sequence_number: u8) {
        self.sequence_number = sequence_number;
    }

    /// Takes any sequence number from now on. Inside compressed packets servers and proxies number
    /// the packets in ways of their own.
    pub const fn ignore_sequence_numbers(&mut self) {
        self.checks_sequence = false;
    }

    /// Sets the greatest length of a payload.
    pub const fn set_max_payload_bytes(&mut self, max_payload_bytes: usize) {
        self.max_payload_bytes = max_payload_bytes;
    }

    /// The next whole payload, as a range for [`payload`](Self::payload), or `None` until more
    /// bytes have been received.
    ///
    /// An ERR packet is accepted whatever its sequence number is: a server that ends a session
    /// on its own account does not know which one is due.
    ///
    /// # Errors
    /// [`InvalidPacket::SequenceNumber`] and [`InvalidPacket::PayloadTooLong`].
    pub fn poll_packet(&mut self) -> Result<Option<Range<usize>>, InvalidPacket> {
        loop {
            let Some(header) = self.header() else {
                return Ok(None);
            };
            let body_start = self.next + HEADER_BYTES;
            let body_end = body_start + header.length;
            let joined = if self.joining {
                self.joined_end - self.start
            } else {
                0
            };
            if joined + header.length > self.max_payload_bytes {
                return Err(InvalidPacket::PayloadTooLong {
                    limit: self.max_payload_bytes,
                });
            }
            let is_out_of_sequence =
                self.checks_sequence && header.sequence_number != self.sequence_number;
            if is_out_of_sequence {
                self.check_out_of_sequence(header, body_start)?;
            }
            if self.buffer.len() < body_end {
                return Ok(None);
            }
            if is_out_of_sequence {
                self.out_of_sequence = Some((self.sequence_number, header.sequence_number));
            }
            self.sequence_number = header.sequence_number.wrapping_add(1);
            self.next = body_end;
            if self.joining {
                self.buffer
                    .copy_within(body_start..body_end, self.joined_end);
                self.joined_end += header.length;
            } else {
                self.start = body_start;
                self.joined_end = body_end;
            }
            self.joining = header.length == MAX_BODY_BYTES;
            if !self.joining {
                let payload = self.start..self.joined_end;
                self.start = self.next;
                return Ok(Some(payload));
            }
        }
    }

    /// The next payload as a range, if it lies whole in the buffer, is a packet of its own and has
    /// nothing unusual about it. It stays there: [`take_whole`](Self::take_whole) takes it.
    #[inline]
    pub fn peek_whole(&self) -> Option<Range<usize>> {
        let &[a, b, c, sequence_number] = self.buffer.get(self.next..)?.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
        let start = self.next + HEADER_BYTES;
        let end = start + length;
        let is_due = sequence_number == self.sequence_number || !self.checks_sequence;
        let is_whole = end <= self.buffer.len() && length < MAX_BODY_BYTES && !self.joining;
        let is_usual = is_due && is_whole && length <= self.max_payload_bytes;
        is_usual.then_some(start..end)
    }

    /// Takes the packet that [`peek_whole`](Self::peek_whole) has shown.
    #[inline]
    pub fn take_whole(&mut self, packet: &Range<usize>) {
        if let Some(last) = packet.start.checked_sub(1) {
            let sequence_number = self.buffer.get(last).copied().unwrap_or_default();
            self.sequence_number = sequence_number.wrapping_add(1);
        }
        self.next = packet.end;
        self.start = packet.end;
    }

    /// The payloads of all that has been received, each behind where it begins, if that is just so
    /// many packets and there is nothing unusual about any of them. They stay there:
    /// [`take_all`](Self::take_all) takes them.
    #[inline]
    pub fn peek_all<const N: usize>(&self) -> Option<[(usize, &[u8]); N]> {
        let limit = self.max_payload_bytes.min(MAX_BODY_BYTES - 1);
        let mut rest = self.buffer.get(self.next..)?;
        let mut at = self.next;
        let mut due = self.sequence_number;
        let mut payloads = [(at, rest); N];
        for (start, payload) in &mut payloads {
            let (&[a, b, c, sequence_number], body) = rest.split_first_chunk()?;
            let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
            *start = at + HEADER_BYTES;
            (*payload, rest) = body.split_at_checked(length)?;
            if sequence_number != due || length > limit {
                return None;
            }
            at = *start + length;
            due = due.wrapping_add(1);
        }
        (rest.is_empty() && !self.joining).then_some(payloads)
    }

    /// Takes all that has been received, which [`peek_all`](Self::peek_all) has shown to be whole
    /// responses: what comes next is numbered anew.
    #[inline]
    pub const fn take_all(&mut self) {
        self.next = self.buffer.len();
        self.start = self.next;
    }

    /// The payload that `packet` stands for, as [`payload`](Self::payload) returns it, and with it
    /// the packets behind it that have been received whole.
    #[inline]
    pub fn payload_and_whole_packets(&mut self, packet: Range<usize>) -> (&[u8], WholePackets<'_>) {
        let from = if self.joining {
            self.buffer.len()
        } else {
            self.next
        };
        let packets = WholePackets {
            rest: self.buffer.get(from..).unwrap_or_default(),
            start: &mut self.start,
            next: &mut self.next,
            sequence_number: &mut self.sequence_number,
            checks_sequence: self.checks_sequence,
            limit: self.max_payload_bytes.min(MAX_BODY_BYTES - 1),
        };
        (self.buffer.get(packet).unwrap_or_default(), packets)
    }

    /// Takes the bytes received and not yet taken as packets: from here on they mean something else.
    pub fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.buffer.get(self.start..).unwrap_or_default().to_vec();
        self.buffer.truncate(self.start);
        unread
    }

    /// The payload that `packet` stands for; empty if the range is void.
    pub fn payload(&self, packet: Range<usize>) -> &[u8] {
        self.buffer.get(packet).unwrap_or_default()
    }

    /// Gives memory back that a long payload has needed. Called while nothing is expected.
    pub fn shrink(&mut self) {
        if self.unread() == 0 && self.buffer.capacity() > IDLE_BUFFER_BYTES {
            *self = Self {
                sequence_number: self.sequence_number,
                checks_sequence: self.checks_sequence,
                ..Self::new(self.max_payload_bytes)
            };
        }
    }

    /// Refuses a packet with a wrong sequence number unless it is an ERR packet, or cannot be told from
    /// one yet. A progress report, which begins like one, is part of an exchange: what follows it would
    /// be in sequence.
    #[cold]
    fn check_out_of_sequence(&self, header: Header, body: usize) -> Result<(), InvalidPacket> {
        let start = self.buffer.get(body..).unwrap_or_default();
        let start = start.get(..header.length).unwrap_or(start);
        let may_be_err = header.length > 0 && start.first().is_none_or(|first| *first == 0xff);
        if may_be_err && !start.starts_with(&PROGRESS_REPORT) && !self.joining {
            return Ok(());
        }
        Err(InvalidPacket::SequenceNumber {
            expected: self.sequence_number,
            found: header.sequence_number,
        })
    }

    fn header(&self) -> Option<Header> {
        let [a, b, c, sequence_number] = self
            .buffer
            .get(self.next..)?
            .first_chunk::<HEADER_BYTES>()
            .copied()?;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
        Some(Header {
            length,
            sequence_number,
        })
    }

    /// Moves what is still needed to the front. A partial packet is moved once at most: from
    /// then on it begins at the front.
    fn compact(&mut self) {
        let start = self.start;
        if start == 0 {
            return;
        }
        // Between the bodies joined so far and the next header lies a gap, the headers that were
        // passed over. It moves along.
        self.buffer.copy_within(start.., 0);
        self.buffer.truncate(self.buffer.len() - start);
        self.start = 0;
        self.joined_end = self.joined_end.saturating_sub(start);
        self.next -= start;
    }

    /// Makes room for the next read; `filled` says that the last one left none.
    fn reserve(&mut self, filled: bool) {
        let length = self.buffer.len();
        let room = self.buffer.capacity() - length;
        // The rest of the packet that has begun; one that has not begun may have any length.
        let missing = self.header().map_or(1, |header| {
            (self.next + HEADER_BYTES + header.length).saturating_sub(length)
        });
        if filled && self.buffer.capacity() < READ_BUFFER_BYTES {
            self.buffer.reserve_exact(READ_BUFFER_BYTES - length);
        } else if room < missing.min(INITIAL_BUFFER_BYTES) {
            // At most as much again as has arrived.
            let more = missing.clamp(INITIAL_BUFFER_BYTES, length.max(INITIAL_BUFFER_BYTES));
            self.buffer.reserve_exact(more);
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Header {
    length: usize,
    sequence_number: u8,
}

/// Writes payloads as packets to the end of a buffer, splitting those that are too long for one.
#[derive(Default)]
pub struct PacketEncoder {
    buffer: Vec<u8>,
    sequence_number: u8,
}

impl PacketEncoder {
    /// An encoder with nothing written, at sequence number 0.
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            sequence_number: 0,
        }
    }

    /// The packets written.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes the packets written.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The buffer, for bytes that are packets already or stand for some.
    pub const fn buffer_mut(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How many bytes have been written.
    pub const fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has been written.
    pub const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Forgets the packets written, and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Gives memory back if it is more than `bytes` and nothing is written.
    #[inline]
    pub fn shrink(&mut self, bytes: usize) {
        if self.buffer.is_empty() && self.buffer.capacity() > bytes {
            self.buffer = Vec::new();
        }
    }

    /// Forgets what was written after the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.buffer.truncate(length);
    }

    /// The sequence number of the next packet.
    pub const fn sequence_number(&self) -> u8 {
        self.sequence_number
    }

    /// Sets the sequence number of the next packet: 0 for a command, the number after that of
    /// the last packet received inside an exchange.
    pub const fn set_sequence_number(&mut self, sequence_number: u8) {
        self.sequence_number = sequence_number;
    }

    /// Writes `packet`.
    pub fn packet(&mut self, packet: &(impl Encode + ?Sized), capabilities: Capabilities) {
        self.payload(|out| packet.encode(capabilities, out));
    }

    /// Writes the payload that `write` writes.
    #[inline]
    pub fn payload(&mut self, write: impl FnOnce(&mut PayloadWriter<'_>)) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEADER_BYTES]);
        write(&mut PayloadWriter::new(&mut self.buffer));
        let length = self.buffer.len() - start - HEADER_BYTES;
        if length < MAX_BODY_BYTES {
            self.write_header(start, length);
        } else {
            self.write_split(start, length);
        }
    }

    #[inline]
    fn write_header(&mut self, start: usize, body: usize) {
        let [a, b, c, ..] = body.to_le_bytes();
        if let Some(header) = self
            .buffer
            .get_mut(start..)
            .and_then(|packet| packet.first_chunk_mut())
        {
            *header = [a, b, c, self.sequence_number];
        }
        self.sequence_number = self.sequence_number.wrapping_add(1);
    }

    #[cold]
    fn write_split(&mut self, start: usize, length: usize) {
        self.split(start, length);
        // A payload ends with the first body shorter than the greatest; that may be an empty one.
        for packet in 0..=length / MAX_BODY_BYTES {
            let header_start = start + packet * (MAX_BODY_BYTES + HEADER_BYTES);
            let body = (length - packet * MAX_BODY_BYTES).min(MAX_BODY_BYTES);
            self.write_header(header_start, body);
        }
    }

    /// Makes room for the headers inside a payload of `length` bytes, whose first header begins
    /// at `start`.
    fn split(&mut self, start: usize, length: usize) {
        let extra = length / MAX_BODY_BYTES;
        self.buffer
            .resize(self.buffer.len() + extra * HEADER_BYTES, 0);
        let body = start + HEADER_BYTES;
        for packet in (1..=extra).rev() {
            let from = body + packet * MAX_BODY_BYTES;
            let to = body + length.min((packet + 1) * MAX_BODY_BYTES);
            self.buffer
                .copy_within(from..to, from + packet * HEADER_BYTES);
        }
    }
}

/// Shows how much has been received and not what: packets hold values.
impl fmt::Debug for PacketDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketDecoder")
            .field("unread", &self.unread())
            .field("sequence_number", &self.sequence_number)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .finish_non_exhaustive()
    }
}

/// Shows how much is written and not what: packets hold SQL and secrets.
impl fmt::Debug for PacketEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketEncoder")
            .field("written", &self.buffer.len())
            .field("sequence_number", &self.sequence_number)
            .finish()
    }
}

/// The greatest length of a packet's body; a body of this length is continued by another packet.
pub const MAX_BODY_BYTES: usize = 0xff_ffff;

const HEADER_BYTES: usize = 4;
/// How a progress report begins, and no error does.
const PROGRESS_REPORT: [u8; 3] = [0xff; 3];
/// Enough for the response to a point query; a server writes 16 KiB at a time by default.
const INITIAL_BUFFER_BYTES: usize = 16 * 1024;
/// What the buffer grows to when a read has filled it; more makes no read longer.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// A buffer above this goes back to its first size when the connection is idle.
const IDLE_BUFFER_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
