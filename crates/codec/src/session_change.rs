use crate::{InvalidPacket, PayloadReader, PayloadWriter};

/// One entry of the [session state
/// info](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/ok_packet#session-state-info)
/// of an OK packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SessionChange<'a> {
    /// A tracked system variable has this value.
    SystemVariable {
        /// The variable's name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// The default database is this one.
    Schema(&'a [u8]),
    /// Something of the session's state changed (`session_track_state_change`).
    StateChange {
        /// Whether the state has changed.
        changed: bool,
    },
    /// GTIDs; sent by MySQL only.
    Gtids(&'a [u8]),
    /// The statement that would open the current transaction again; empty outside one.
    TransactionCharacteristics(&'a [u8]),
    /// The state of the transaction, eight characters such as `T_______`.
    TransactionState(&'a [u8]),
    /// An entry of a type that is not known here.
    Unknown {
        /// The type's number.
        change_type: u8,
        /// The entry, undecoded.
        data: &'a [u8],
    },
}

impl SessionChange<'_> {
    /// Writes the entry as a server does.
    pub fn encode(&self, out: &mut PayloadWriter<'_>) {
        let mut data = Vec::new();
        let mut inner = PayloadWriter::new(&mut data);
        let change_type = match *self {
            Self::SystemVariable { name, value } => {
                inner.bytes_lenenc(name);
                inner.bytes_lenenc(value);
                SYSTEM_VARIABLES
            }
            Self::Schema(schema) => {
                inner.bytes_lenenc(schema);
                SCHEMA
            }
            // MariaDB sends the bare character; there is no inner length.
            Self::StateChange { changed } => {
                inner.int1(if changed { b'1' } else { b'0' });
                STATE_CHANGE
            }
            Self::Gtids(gtids) => {
                inner.bytes(gtids);
                GTIDS
            }
            Self::TransactionCharacteristics(sql) => {
                inner.bytes_lenenc(sql);
                TRANSACTION_CHARACTERISTICS
            }
            Self::TransactionState(state) => {
                inner.bytes_lenenc(state);
                TRANSACTION_STATE
            }
            Self::Unknown { change_type, data } => {
                inner.bytes(data);
                change_type
            }
        };
        out.int1(change_type);
        out.bytes_lenenc(&data);
    }
}

/// The entries of a session state info, an iterator that ends at the first broken one.
#[derive(Clone, Debug)]
pub struct SessionChanges<'a> {
    entries: PayloadReader<'a>,
    /// What is left of an entry that holds several system variables.
    variables: PayloadReader<'a>,
}

impl<'a> SessionChanges<'a> {
    /// Reads the entries of `session_state`, which is without its own length.
    pub const fn new(session_state: &'a [u8]) -> Self {
        Self {
            entries: PayloadReader::new(PACKET, session_state),
            variables: PayloadReader::new(PACKET, &[]),
        }
    }

    fn entry(&mut self) -> Result<Option<SessionChange<'a>>, InvalidPacket> {
        if !self.variables.is_empty() {
            return self.variable().map(Some);
        }
        while !self.entries.is_empty() {
            let change_type = self.entries.int1()?;
            let data = self.entries.bytes_lenenc()?;
            let mut inner = PayloadReader::new(PACKET, data);
            let change = match change_type {
                // An entry without a variable says nothing.
                SYSTEM_VARIABLES if data.is_empty() => continue,
                SYSTEM_VARIABLES => {
                    self.variables = inner;
                    self.variable()?
                }
                SCHEMA => SessionChange::Schema(inner.bytes_lenenc()?),
                // MariaDB sends one character, MySQL's documentation puts a length before it.
                STATE_CHANGE => SessionChange::StateChange {
                    changed: data.last() == Some(&b'1'),
                },
                GTIDS => SessionChange::Gtids(data),
                TRANSACTION_CHARACTERISTICS => {
                    SessionChange::TransactionCharacteristics(inner.bytes_lenenc()?)
                }
                TRANSACTION_STATE => SessionChange::TransactionState(inner.bytes_lenenc()?),
                change_type => SessionChange::Unknown { change_type, data },
            };
            return Ok(Some(change));
        }
        Ok(None)
    }

    fn variable(&mut self) -> Result<SessionChange<'a>, InvalidPacket> {
        let name = self.variables.bytes_lenenc()?;
        let value = self.variables.bytes_lenenc()?;
        Ok(SessionChange::SystemVariable { name, value })
    }
}

impl<'a> Iterator for SessionChanges<'a> {
    type Item = Result<SessionChange<'a>, InvalidPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entry();
        if entry.is_err() {
            *self = Self::new(&[]);
        }
        entry.transpose()
    }
}

const PACKET: &str = "session state info";
const SYSTEM_VARIABLES: u8 = 0;
const SCHEMA: u8 = 1;
const STATE_CHANGE: u8 = 2;
const GTIDS: u8 = 3;
const TRANSACTION_CHARACTERISTICS: u8 = 4;
const TRANSACTION_STATE: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(bytes: &[u8]) -> Result<Vec<SessionChange<'_>>, InvalidPacket> {
        SessionChanges::new(bytes).collect()
    }

    fn encoded(change: SessionChange<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        change.encode(&mut PayloadWriter::new(&mut out));
        out
    }

    #[test]
    fn entries_of_every_type_come_back() {
        let all = [
            SessionChange::SystemVariable {
                name: b"autocommit",
                value: b"ON",
            },
            SessionChange::Schema(b"mysql"),
            SessionChange::StateChange { changed: true },
            SessionChange::Gtids(b"\x00\x03abc"),
            SessionChange::TransactionCharacteristics(b"START TRANSACTION READ ONLY;"),
            SessionChange::TransactionState(b"T_______"),
            SessionChange::Unknown {
                change_type: 77,
                data: b"?",
            },
        ];
        let bytes: Vec<u8> = all.iter().flat_map(|&change| encoded(change)).collect();
        assert_eq!(changes(&bytes).unwrap(), all);
    }

    #[test]
    fn the_bytes_of_mariadb_are_read_and_written() {
        let autocommit = b"\x00\x0e\x0aautocommit\x02ON";
        let change = SessionChange::SystemVariable {
            name: b"autocommit",
            value: b"ON",
        };
        assert_eq!(changes(autocommit).unwrap(), [change]);
        assert_eq!(encoded(change), autocommit);
        assert_eq!(
            encoded(SessionChange::StateChange { changed: true }),
            b"\x02\x01\x31"
        );
        assert_eq!(
            changes(b"\x04\x01\x00").unwrap(),
            [SessionChange::TransactionCharacteristics(b"")]
        );
    }

    #[test]
    fn one_entry_may_hold_several_system_variables() {
        assert_eq!(
            changes(b"\x00\x08\x01a\x011\x01b\x012\x01\x02\x01x").unwrap(),
            [
                SessionChange::SystemVariable {
                    name: b"a",
                    value: b"1"
                },
                SessionChange::SystemVariable {
                    name: b"b",
                    value: b"2"
                },
                SessionChange::Schema(b"x"),
            ]
        );
    }

    #[test]
    fn a_state_change_with_an_inner_length_is_read_too() {
        assert_eq!(
            changes(b"\x02\x02\x01\x31").unwrap(),
            [SessionChange::StateChange { changed: true }]
        );
    }

    #[test]
    fn an_empty_block_and_an_empty_entry_are_no_error() {
        assert_eq!(changes(b"").unwrap(), []);
        assert_eq!(changes(b"\x00\x00").unwrap(), []);
    }

    #[test]
    fn a_broken_entry_is_an_error_and_ends_the_iteration() {
        let mut entries = SessionChanges::new(b"\x01\x06\x06mysql\x01\x02\x01a");
        assert!(entries.next().unwrap().is_err());
        assert!(entries.next().is_none());
    }

    #[test]
    fn every_prefix_of_a_block_is_read_or_refused() {
        let block = b"\x00\x0e\x0aautocommit\x02ON\x01\x06\x05mysql\x02\x01\x31";
        let whole = (0..block.len())
            .filter(|&end| changes(&block[..end]).is_ok())
            .count();
        assert_eq!(whole, 3, "the empty block and the ends of two entries");
    }
}
