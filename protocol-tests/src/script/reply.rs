//! What a fake server answers to a command.

use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, Encode, ErrPacket, LocalInfilePacket, OkPacket,
    PacketEncoder, ServerStatus,
};
use otaria_text::{TextCell, TextRowPacket};

use super::{CAPABILITIES, text_columns};
use crate::pipe::Action;

/// What the server answers to a command.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    parts: Vec<Part>,
    pub(super) then: Option<Box<(Awaited, Reply)>>,
}

/// What the server waits for in the middle of its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Awaited {
    /// One packet.
    Answer,
    /// The content of a file: packets up to an empty one.
    File,
    /// The first packet of the content of a file, of which the rest is not read.
    StartOfFile,
}

#[derive(Clone, Debug)]
enum Part {
    /// A payload, in packets of its own.
    Payload(Vec<u8>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    Close,
    Reset,
}

impl Reply {
    /// Nothing: the server hangs.
    pub fn new() -> Self {
        Self::default()
    }

    /// An OK packet.
    pub fn ok() -> Self {
        Self::new().packet(&OkPacket {
            status: ServerStatus::AUTOCOMMIT,
            ..OkPacket::default()
        })
    }

    /// An ERR packet.
    pub fn err(code: u16, sqlstate: [u8; 5], message: &str) -> Self {
        Self::new().packet(&ErrPacket::new(code, sqlstate, message))
    }

    /// A result set of text columns.
    pub fn rows<R, C>(names: &[&str], rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<TextCell>,
    {
        Self::new().result_set(names, rows, ServerStatus::AUTOCOMMIT)
    }

    /// Goes on with a result set of text columns, which ends with `status`.
    #[must_use]
    pub fn result_set<R, C>(
        self,
        names: &[&str],
        rows: impl IntoIterator<Item = R>,
        status: ServerStatus,
    ) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<TextCell>,
    {
        let reply = rows.into_iter().fold(self.head(names), |reply, row| {
            reply.packet(&TextRowPacket::of(row))
        });
        reply.rows_end(status)
    }

    /// Goes on with the head of a result set of text columns.
    #[must_use]
    pub fn head(self, names: &[&str]) -> Self {
        self.head_of(&text_columns(names), true)
    }

    /// Goes on with the column count of a result set, and with the definitions unless they are left
    /// out.
    #[must_use]
    pub fn head_of(self, columns: &[ColumnDefinition], metadata_follows: bool) -> Self {
        let count = ColumnCount {
            columns: u16::try_from(columns.len()).expect("few columns"),
            metadata_follows,
        };
        let definitions = if metadata_follows { columns } else { &[] };
        let head = self.packet(&count);
        definitions.iter().fold(head, Self::packet)
    }

    /// Goes on with the end of rows.
    #[must_use]
    pub fn rows_end(self, status: ServerStatus) -> Self {
        self.packet(&OkPacket {
            ends_result_set: true,
            status,
            ..OkPacket::default()
        })
    }

    /// Goes on with a packet.
    #[must_use]
    pub fn packet(self, packet: &impl Encode) -> Self {
        self.packet_for(packet, CAPABILITIES)
    }

    /// Goes on with a packet for a client that has negotiated something else.
    #[must_use]
    pub fn packet_for(self, packet: &impl Encode, capabilities: Capabilities) -> Self {
        let mut encoder = PacketEncoder::new();
        encoder.packet(packet, capabilities);
        let payload = encoder.bytes()[4..].to_vec();
        self.payload(payload)
    }

    /// Goes on with a payload that fits into one packet.
    #[must_use]
    pub fn payload(mut self, payload: Vec<u8>) -> Self {
        self.parts.push(Part::Payload(payload));
        self
    }

    /// Goes on with bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.parts.push(Part::Raw(bytes.to_vec()));
        self
    }

    /// Waits for one packet of the client, and goes on with `reply`.
    #[must_use]
    pub fn then_answer(mut self, reply: Self) -> Self {
        self.then = Some(Box::new((Awaited::Answer, reply)));
        self
    }

    /// Asks for the content of a file, and goes on with `reply` when it has come.
    #[must_use]
    pub fn then_file(self, file_name: &[u8], reply: Self) -> Self {
        let mut asking = self.packet(&LocalInfilePacket { file_name });
        asking.then = Some(Box::new((Awaited::File, reply)));
        asking
    }

    /// Asks for the content of a file, and goes on with `reply` when its first packet has come.
    /// Nothing is heard any more after that.
    #[must_use]
    pub fn then_start_of_file(self, file_name: &[u8], reply: Self) -> Self {
        let mut asking = self.packet(&LocalInfilePacket { file_name });
        asking.then = Some(Box::new((Awaited::StartOfFile, reply)));
        asking
    }

    /// Closes the connection.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.parts.push(Part::Close);
        self
    }

    /// Resets the connection.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.parts.push(Part::Reset);
        self
    }

    /// Goes on with what `other` says, if that does not wait for the client.
    #[must_use]
    pub fn followed_by(mut self, other: &Self) -> Self {
        self.parts.extend(other.parts.iter().cloned());
        self
    }

    /// The packets of the reply, whose first one has this sequence number, up to where it waits for
    /// the client.
    pub fn actions(&self, sequence_number: u8) -> Vec<Action> {
        self.numbered_actions(sequence_number).0
    }

    /// The same, and the sequence number after the last.
    pub(super) fn numbered_actions(&self, sequence_number: u8) -> (Vec<Action>, u8) {
        let mut encoder = PacketEncoder::new();
        encoder.set_sequence_number(sequence_number);
        let actions = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Payload(payload) => {
                    encoder.payload(|out| out.bytes(payload));
                    Action::Send(encoder.take())
                }
                Part::Raw(bytes) => Action::Send(bytes.clone()),
                Part::Close => Action::Close,
                Part::Reset => Action::Reset,
            })
            .collect();
        (actions, encoder.sequence_number())
    }

    /// The bytes of the reply to a command.
    pub fn bytes(&self) -> Vec<u8> {
        self.actions(1)
            .into_iter()
            .flat_map(|action| match action {
                Action::Send(bytes) => bytes,
                _ => Vec::new(),
            })
            .collect()
    }
}
