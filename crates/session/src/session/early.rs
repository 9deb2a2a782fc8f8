use std::ops::Range;

use otaria_codec::InvalidPacket;

use super::Session;
use super::expected::Expected;
use crate::error::Error;

/// What comes before the command has been sent whole that it seems to answer.
impl Session {
    /// Whether the command is still being sent that the next packet seems to answer.
    #[inline]
    pub(super) fn is_answered_early(&self) -> bool {
        // Nothing is being sent, as nearly always.
        !self.is_written() && self.is_due_unsent()
    }

    #[cold]
    fn is_due_unsent(&self) -> bool {
        let Some(end) = self.expected.front().map(Expected::command_end) else {
            return false;
        };
        // What is encrypted has been taken out of the queue, and not been sent yet.
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls
            && tls.holds_command()
            && self.commands.is_taken_last(end)
        {
            return true;
        }
        !self.commands.is_written(end)
    }

    /// A server that has not received the command yet cannot have done it, and can only refuse it.
    #[cold]
    pub(super) fn check_refuses(&mut self, packet: Range<usize>) -> Result<(), Error> {
        let first = self.received.packets().payload(packet).first().copied();
        if first == Some(0xff) {
            return Ok(());
        }
        Err(self.invalid(InvalidPacket::Unexpected {
            packet: "no response, for the command is still being sent",
            found: first.unwrap_or_default(),
        }))
    }
}
