use otaria_codec::ResponseReader;

use super::infile::Infile;

/// A response that is due.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) reader: ResponseReader,
    /// Whether its OK resets the session's state, and says nothing about it.
    pub(super) resets: bool,
    pub(super) infile: Infile,
    /// The sequence number of its first packet: the one after that of the command's last.
    sequence_number: u8,
}

impl Expected {
    /// A response to a command that has no file to give.
    pub(super) const fn response(reader: ResponseReader) -> Self {
        Self {
            reader,
            resets: false,
            infile: Infile::Refuse,
            sequence_number: 0,
        }
    }

    /// The OK to a command that resets the session.
    pub(super) const fn reset(reader: ResponseReader) -> Self {
        Self {
            resets: true,
            ..Self::response(reader)
        }
    }

    /// A response to a command that has the content of a file to give.
    pub(super) const fn with_infile(reader: ResponseReader) -> Self {
        Self {
            infile: Infile::Attached,
            ..Self::response(reader)
        }
    }

    /// The same, whose first packet has this sequence number.
    pub(super) fn numbered_from(self, sequence_number: u8) -> Self {
        Self {
            sequence_number,
            ..self
        }
    }

    pub(super) const fn sequence_number(&self) -> u8 {
        self.sequence_number
    }

    /// Whether the next packet is a row that somebody wants, or ends such rows.
    pub(super) fn is_in_rows(&self) -> bool {
        self.reader.is_in_rows() && !self.infile.is_refused()
    }

    /// What the next packet should be, in the words of the protocol documentation.
    pub(super) const fn expects(&self) -> &'static str {
        self.reader.expects()
    }
}
