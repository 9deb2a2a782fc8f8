use otaria_codec::{Capabilities, InvalidPacket, ResponseReader};

use super::Session;
use super::expected::{Expected, Reply};
use crate::commands::SequenceNumbers;
use crate::error::{Error, LocalInfileError};
use crate::event::Event;

/// What becomes of a file that the server asks for in a response. Its name never matters: nothing
/// is sent but what the caller has given for this very statement.
///
/// ```text
/// Attached ──asked──► Sending ──end, abandoned──► Sent ──asked─┐
///     └──abandoned──► Refuse ──────────asked───────────────────┴─► Refused
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Infile {
    /// There is nothing to send.
    Refuse,
    /// The caller has the content, and has not been asked for it.
    Attached,
    /// The content is being sent; the next packet of it has these numbers.
    Sending(SequenceNumbers),
    /// The empty packet that ends the content is on its way.
    Sent,
    /// An empty packet was sent in place of a file, and the caller will be told when the response
    /// has ended.
    Refused,
}

impl Infile {
    pub(super) const fn is_refused(self) -> bool {
        matches!(self, Self::Refused)
    }

    /// Whether the server was sent, or is being sent, the packets of a file, if only the empty one.
    pub(super) const fn is_asked_for(self) -> bool {
        matches!(self, Self::Sending(_) | Self::Sent | Self::Refused)
    }
}

/// The content of files for `LOAD DATA LOCAL`.
impl Session {
    /// Queues SQL, sent by the text protocol, that asks for the content of one file: when it does,
    /// [`Event::LocalInfile`] comes, and the content is for [`upload`](Self::upload) and
    /// [`end_upload`](Self::end_upload). No command may be queued behind it before it has ended.
    ///
    /// # Errors
    /// [`Error::LocalInfile`] if client and server do not both allow it; [`Error::Closed`].
    pub fn load_data_local(&mut self, sql: &str) -> Result<(), Error> {
        self.check_open()?;
        if !self.capabilities.contains(Capabilities::LOCAL_FILES) {
            return Err(Error::LocalInfile(LocalInfileError::NotEnabled));
        }
        let reader = ResponseReader::new(self.capabilities);
        self.query(sql, Expected::with_infile(reader))
    }

    /// Whether the content of a file is being sent, and the server has no word in the meantime but
    /// an error: it is to be listened to all the same, or both sides wait for each other.
    pub fn is_uploading(&self) -> bool {
        match self.infile() {
            Some(Infile::Sending(_)) => true,
            Some(Infile::Sent | Infile::Refused) => !self.is_written(),
            Some(Infile::Attached | Infile::Refuse) | None => false,
        }
    }

    /// Queues a part of the content that the server has asked for; nothing if it has not, or if
    /// `data` is empty.
    pub fn upload(&mut self, data: &[u8]) {
        for body in data.chunks(MAX_INFILE_BODY_BYTES) {
            if let Some(Infile::Sending(numbers)) = self.infile() {
                let next = self.push_infile(numbers, body);
                self.set_infile(Infile::Sending(next));
            }
        }
    }

    /// Queues the end of the content that the server has asked for; nothing if it has not.
    pub fn end_upload(&mut self) {
        if let Some(Infile::Sending(numbers)) = self.infile() {
            self.end_infile(numbers, Infile::Sent);
        }
    }

    /// Nobody is there any more to give the content.
    pub(super) fn abandon_upload(&mut self) {
        if let Some(Infile::Sending(numbers)) = self.infile() {
            self.end_infile(numbers, Infile::Sent);
        }
        // It may be asked for behind responses that are due before.
        for expected in &mut self.expected {
            if let Reply::Response(response) = &mut expected.reply
                && response.infile == Infile::Attached
            {
                response.infile = Infile::Refuse;
            }
        }
    }

    /// The server asks for a file.
    pub(super) fn infile_requested(&mut self) -> Result<Option<Event>, Error> {
        // It would take what is queued behind the statement for the content.
        if self.expected.len() > 1 || !self.commands.is_empty() {
            return Err(self.invalid(InvalidPacket::Unexpected {
                packet: "response in a pipeline, where no file can be sent",
                found: 0xfb,
            }));
        }
        let numbers = self.received.sequence_numbers();
        if self.infile() == Some(Infile::Attached) {
            self.set_infile(Infile::Sending(numbers));
            return Ok(Some(Event::LocalInfile));
        }
        self.end_infile(numbers, Infile::Refused);
        Ok(None)
    }

    fn end_infile(&mut self, numbers: SequenceNumbers, infile: Infile) {
        let next = self.push_infile(numbers, &[]);
        self.received.packets_mut().set_sequence_number(next.packet);
        self.set_infile(infile);
    }

    fn push_infile(&mut self, numbers: SequenceNumbers, body: &[u8]) -> SequenceNumbers {
        let ((), next) = self.commands.push_answer(numbers, |out| {
            out.payload(|out| out.bytes(body));
        });
        next
    }

    fn infile(&self) -> Option<Infile> {
        self.expected.front().and_then(Expected::infile)
    }

    fn set_infile(&mut self, infile: Infile) {
        if let Some(expected) = self.expected.front_mut()
            && let Reply::Response(response) = &mut expected.reply
        {
            response.infile = infile;
        }
    }
}

/// The longest body of a packet of content; less than `max_allowed_packet` of any server that is
/// not set to take only small packets, and never one that the next packet continues.
const MAX_INFILE_BODY_BYTES: usize = 1024 * 1024;
