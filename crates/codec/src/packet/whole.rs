use std::fmt;

use super::HEADER_BYTES;

/// Packets that lie whole in the buffer of a [`PacketDecoder`](super::PacketDecoder), each with a payload of its own, as
/// far as there is nothing unusual about them. What is left is for
/// [`poll_packet`](super::PacketDecoder::poll_packet).
pub struct WholePackets<'r> {
    pub(super) rest: &'r [u8],
    pub(super) start: &'r mut usize,
    pub(super) next: &'r mut usize,
    pub(super) sequence_number: &'r mut u8,
    pub(super) checks_sequence: bool,
    /// The longest payload.
    pub(super) limit: usize,
}

impl<'r> WholePackets<'r> {
    /// The payload of the next packet, if `accept` takes its first byte; else that packet is left.
    #[expect(
        clippy::inline_always,
        reason = "it is called for every row, and costs less than a call"
    )]
    #[inline(always)]
    pub fn next_if(&mut self, accept: impl FnOnce(u8) -> bool) -> Option<&'r [u8]> {
        let (&[a, b, c, sequence_number], body) = self.rest.split_first_chunk::<HEADER_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
        let (payload, rest) = body.split_at_checked(length)?;
        let is_due = sequence_number == *self.sequence_number || !self.checks_sequence;
        if !is_due || length > self.limit || !payload.first().is_some_and(|&first| accept(first)) {
            return None;
        }
        self.rest = rest;
        *self.sequence_number = sequence_number.wrapping_add(1);
        *self.next += HEADER_BYTES + length;
        *self.start = *self.next;
        Some(payload)
    }
}

impl fmt::Debug for WholePackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WholePackets({} bytes)", self.rest.len())
    }
}
