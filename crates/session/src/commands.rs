use std::collections::VecDeque;

use otaria_codec::{Capabilities, Encode, PacketEncoder};
use zeroize::Zeroize;

/// Whole commands that have not been sent, in the order in which they will be.
///
/// A command stays whole until its last byte is written. One whose first byte is written cannot be
/// taken back: the server waits for the rest.
#[derive(Debug, Default)]
pub(crate) struct CommandQueue {
    packets: PacketEncoder,
    written: usize,
    /// The bytes of all that was in `packets` before.
    before: usize,
    /// Where each command ends in `packets`.
    ends: VecDeque<usize>,
    /// Where the last piece ends that is not taken back.
    kept: usize,
    /// Whether `packets` may hold a password, to be overwritten when it is sent.
    holds_secrets: bool,
    #[cfg(feature = "compression")]
    compressed: Option<otaria_codec::CompressedEncoder>,
}

impl CommandQueue {
    /// Queues a command and returns the sequence number that the response to it begins with.
    pub(crate) fn push(&mut self, command: &impl Encode, capabilities: Capabilities) -> u8 {
        let ((), next) = self.push_with(|out| out.packet(command, capabilities));
        next
    }

    /// Queues a command that is not taken back, and so neither is what is queued in front of it.
    /// Returns the sequence number that the response to it begins with, if it has one.
    pub(crate) fn push_kept(&mut self, command: &impl Encode, capabilities: Capabilities) -> u8 {
        let next = self.push(command, capabilities);
        self.kept = self.packets.len();
        next
    }

    /// Queues a command that `write` writes, and returns the sequence number that the response to
    /// it begins with. Nothing is queued if it writes nothing.
    pub(crate) fn push_with<T>(&mut self, write: impl FnOnce(&mut PacketEncoder) -> T) -> (T, u8) {
        let (written, next) = self.write(SequenceNumbers::COMMAND, write);
        (written, next.packet)
    }

    /// Queues what the client says inside an exchange: packets from these numbers on, which are
    /// not taken back. Returns the numbers that follow.
    pub(crate) fn push_answer<T>(
        &mut self,
        numbers: SequenceNumbers,
        write: impl FnOnce(&mut PacketEncoder) -> T,
    ) -> (T, SequenceNumbers) {
        let written = self.write(numbers, write);
        self.kept = self.packets.len();
        written
    }

    #[inline]
    fn write<T>(
        &mut self,
        numbers: SequenceNumbers,
        write: impl FnOnce(&mut PacketEncoder) -> T,
    ) -> (T, SequenceNumbers) {
        #[cfg(feature = "compression")]
        if self.compressed.is_some() {
            return self.write_compressed(numbers, write);
        }
        self.packets.set_sequence_number(numbers.packet);
        let written = write(&mut self.packets);
        self.end();
        let mut next = numbers;
        next.packet = self.packets.sequence_number();
        (written, next)
    }

    #[cfg(feature = "compression")]
    #[inline(never)]
    fn write_compressed<T>(
        &mut self,
        numbers: SequenceNumbers,
        write: impl FnOnce(&mut PacketEncoder) -> T,
    ) -> (T, SequenceNumbers) {
        let mut packets = PacketEncoder::new();
        packets.set_sequence_number(numbers.packet);
        let written = write(&mut packets);
        let mut next = numbers;
        next.packet = packets.sequence_number();
        if let Some(compressed) = &mut self.compressed {
            let out = self.packets.buffer_mut();
            next.compressed = compressed.encode(packets.bytes(), numbers.compressed, out);
        }
        self.end();
        (written, next)
    }

    /// What was written since the last end is a piece, if it is anything at all.
    fn end(&mut self) {
        if self.packets.len() > self.ends.back().copied().unwrap_or(0) {
            self.ends.push_back(self.packets.len());
        }
    }

    /// Compresses the commands that are queued from now on.
    #[cfg(feature = "compression")]
    pub(crate) fn compress(&mut self, compressed: otaria_codec::CompressedEncoder) {
        self.compressed = Some(compressed);
    }

    /// Queues packets of the login, as one piece.
    pub(crate) fn push_packets<T>(&mut self, write: impl FnOnce(&mut PacketEncoder) -> T) -> T {
        let written = write(&mut self.packets);
        self.keep_secret();
        self.end();
        written
    }

    /// What is queued may hold a password: it is overwritten when it has been sent.
    pub(crate) const fn keep_secret(&mut self) {
        self.holds_secrets = true;
    }

    /// The bytes to send next.
    #[inline]
    pub(crate) fn unwritten(&self) -> &[u8] {
        self.packets.bytes().get(self.written..).unwrap_or_default()
    }

    /// The bytes to send next that belong to one command.
    #[cfg(feature = "tls")]
    pub(crate) fn unwritten_command(&self) -> &[u8] {
        let end = self.ends.iter().find(|end| **end > self.written);
        let end = end.copied().unwrap_or(self.written);
        self.packets
            .bytes()
            .get(self.written..end)
            .unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where the command ends that was queued last: counted from the first byte of all, and beyond what
    /// can be counted from 0 again.
    #[inline]
    pub(crate) fn end_of_last(&self) -> usize {
        self.before.wrapping_add(self.packets.len())
    }

    /// Whether the command that [ends](Self::end_of_last) there has been written whole.
    #[inline]
    pub(crate) fn is_written(&self, end: usize) -> bool {
        let left = end.wrapping_sub(self.before.wrapping_add(self.written));
        left == 0 || left > self.packets.len()
    }

    /// Whether the command that ends there is the last of which bytes were taken, and all were.
    #[cfg(feature = "tls")]
    pub(crate) fn is_taken_last(&self, end: usize) -> bool {
        end == self.before.wrapping_add(self.written)
    }

    /// Whether the first bytes of a command have been sent, and its last have not.
    pub(crate) fn is_begun(&self) -> bool {
        self.written > 0 && !self.ends.contains(&self.written)
    }

    /// How many commands there are of which no byte has been sent and which can be taken back.
    pub(crate) fn unbegun(&self) -> usize {
        let begun = self.written.max(self.kept);
        let starts = std::iter::once(&0).chain(&self.ends);
        let starts = starts.take(self.ends.len());
        starts.filter(|start| **start >= begun).count()
    }

    /// The first `bytes` of [`unwritten`](Self::unwritten) have been sent.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written < self.packets.len() {
            return;
        }
        self.before = self.end_of_last();
        self.written = 0;
        self.kept = 0;
        self.ends.clear();
        if std::mem::take(&mut self.holds_secrets) {
            self.packets.buffer_mut().zeroize();
        }
        self.packets.clear();
        self.packets.shrink(IDLE_BYTES);
    }

    /// Removes the commands of which no byte has been sent and returns how many those were.
    pub(crate) fn withdraw(&mut self) -> usize {
        let queued = self.ends.len();
        while let Some(end) = self.ends.pop_back() {
            let start = self.ends.back().copied().unwrap_or(0);
            if self.written.max(self.kept) > start {
                self.ends.push_back(end);
                break;
            }
            self.packets.truncate(start);
        }
        let withdrawn = queued - self.ends.len();
        // What is left may have been written whole.
        self.advance(0);
        withdrawn
    }
}

/// The numbers that the next packets of an exchange must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SequenceNumbers {
    pub(crate) packet: u8,
    /// That of the compressed packet around it, counted apart.
    #[cfg(feature = "compression")]
    pub(crate) compressed: u8,
}

impl SequenceNumbers {
    /// Those of a command.
    const COMMAND: Self = Self {
        packet: 0,
        #[cfg(feature = "compression")]
        compressed: 0,
    };
}

/// A buffer above this is given back when its last command has been sent.
const IDLE_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use otaria_text::{ComPing, ComQuery};

    use super::*;

    fn queue() -> CommandQueue {
        let mut queue = CommandQueue::default();
        queue.push(&ComQuery::new("SELECT 1"), Capabilities::empty());
        queue.push(&ComPing, Capabilities::empty());
        queue
    }

    #[test]
    fn every_command_begins_at_sequence_number_0() {
        assert_eq!(queue().unwritten(), b"\x09\0\0\0\x03SELECT 1\x01\0\0\0\x0e");
    }

    #[test]
    fn a_command_that_has_begun_is_kept_and_those_behind_it_are_withdrawn() {
        for written in 0..=17 {
            let mut queue = queue();
            queue.advance(written);
            let (withdrawn, left) = match written {
                0 => (2, 0),
                1..=13 => (1, 13 - written),
                14..=17 => (0, 18 - written),
                _ => (0, 0),
            };
            assert_eq!(queue.unbegun(), withdrawn, "{written} bytes written");
            assert_eq!(queue.withdraw(), withdrawn, "{written} bytes written");
            assert_eq!(queue.unwritten().len(), left, "{written} bytes written");
        }
    }

    #[test]
    fn a_command_is_written_when_its_last_byte_is_however_much_was_before() {
        for before in [0, 100, usize::MAX - 15, usize::MAX - 3, usize::MAX] {
            let mut queue = CommandQueue {
                before,
                ..CommandQueue::default()
            };
            queue.push(&ComQuery::new("SELECT 1"), Capabilities::empty());
            let first = queue.end_of_last();
            queue.push(&ComPing, Capabilities::empty());
            let second = queue.end_of_last();
            for written in 1..=18 {
                queue.advance(1);
                assert_eq!(queue.is_written(first), written >= 13, "{before} {written}");
                assert_eq!(
                    queue.is_written(second),
                    written == 18,
                    "{before} {written}"
                );
            }
            queue.push(&ComPing, Capabilities::empty());
            assert!(queue.is_written(first) && queue.is_written(second));
            assert!(!queue.is_written(queue.end_of_last()));
        }
    }

    #[test]
    fn a_queue_whose_rest_is_taken_back_is_empty() {
        let mut queue = queue();
        queue.advance(13);
        assert_eq!(queue.withdraw(), 1);
        assert!(queue.unwritten().is_empty() && queue.is_empty());
    }

    #[test]
    fn an_answer_inside_an_exchange_goes_on_counting_and_is_not_taken_back() {
        let mut queue = CommandQueue::default();
        let mut numbers = SequenceNumbers::COMMAND;
        numbers.packet = 0xff;
        let ((), next) = queue.push_answer(numbers, |out| out.payload(|out| out.bytes(b"ab")));
        assert_eq!(next.packet, 0);
        queue.push(&ComPing, Capabilities::empty());
        assert_eq!(queue.withdraw(), 1);
        assert_eq!(queue.unwritten(), b"\x02\0\0\xffab");
        queue.advance(6);
        queue.push(&ComPing, Capabilities::empty());
        assert_eq!(queue.withdraw(), 1);
        assert!(queue.is_empty());
    }

    #[test]
    fn an_answer_that_says_nothing_leaves_the_queue_as_it_is() {
        let mut queue = CommandQueue::default();
        queue.push_answer(SequenceNumbers::COMMAND, |_| ());
        assert!(queue.is_empty());
    }

    #[cfg(feature = "compression")]
    #[test]
    fn a_compressed_answer_goes_on_with_the_numbers_of_compressed_packets() {
        let mut queue = CommandQueue::default();
        queue.compress(otaria_codec::CompressedEncoder::new(1, 100));
        let numbers = SequenceNumbers {
            packet: 7,
            compressed: 3,
        };
        let ((), next) = queue.push_answer(numbers, |out| out.payload(|_| ()));
        assert_eq!((next.packet, next.compressed), (8, 4));
        assert_eq!(queue.unwritten(), b"\x04\0\0\x03\0\0\0\0\0\0\x07");
        queue.push(&ComPing, Capabilities::empty());
        assert_eq!(queue.unwritten()[14..15], [0], "a command begins at 0");
    }

    #[test]
    fn a_long_command_that_was_sent_leaves_no_memory_behind() {
        let mut queue = CommandQueue::default();
        queue.push(
            &ComQuery::new(&"x".repeat(2 * IDLE_BYTES)),
            Capabilities::empty(),
        );
        queue.advance(queue.unwritten().len());
        assert_eq!(queue.packets.buffer_mut().capacity(), 0);
    }

    #[test]
    fn a_queue_that_was_written_out_is_empty() {
        let mut queue = queue();
        queue.advance(18);
        assert!(queue.is_empty());
        assert_eq!(queue.withdraw(), 0);
    }
}
