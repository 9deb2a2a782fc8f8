use std::fmt;

use crate::{
    Capabilities, ColumnCount, ColumnDefinition, Decode, EofPacket, ErrPacket, InvalidPacket,
    LocalInfilePacket, MAX_BODY_BYTES, OkPacket, ProgressReport, ServerStatus,
};

/// The grammar of a response to `COM_QUERY`, `COM_STMT_EXECUTE`, `COM_STMT_FETCH` and every command
/// that is answered by an OK: the only code that looks at the first byte of a response.
///
/// ```text
/// response  = result { result }            while MORE_RESULTS_EXISTS is set
/// result    = progress* ( OK | ERR | infile ( OK | ERR ) | resultset | cursor )
/// resultset = count definition* [EOF] rows
/// cursor    = count definition* ( OK | EOF )
/// rows      = row* ( OK | EOF | ERR )
/// ```
///
/// A cursor is told from a result set by the status of its end: [`for_cursor`](Self::for_cursor).
#[derive(Clone, Debug)]
pub struct ResponseReader {
    capabilities: Capabilities,
    state: State,
    may_open_cursor: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// At the beginning of a result.
    Result,
    /// An OK is due, and nothing else but an ERR.
    Ok,
    /// The content of a local file is due from the client, then an OK or ERR from the server.
    LocalInfile,
    /// So many column definitions are due.
    ColumnDefinitions(u16),
    /// The EOF between the definitions and the rows is due.
    MetadataEof,
    /// The same, or the end of the response, if the server has opened a cursor.
    CursorOrMetadataEof,
    Rows,
    /// The same, or the end of the response, if the server has opened a cursor.
    CursorOrRows,
    /// Rows of a cursor, with whose end the response is complete.
    FetchedRows,
    Done,
}

/// What one payload of a response means.
#[derive(Clone, Eq, PartialEq)]
pub enum ResponseEvent<'a> {
    /// A result without rows. If its status has `MORE_RESULTS_EXISTS`, another result follows.
    Ok(OkPacket<'a>),
    /// The server ended the command. Nothing follows.
    Err(ErrPacket<'a>),
    /// The server asks for the content of a file.
    LocalInfile(LocalInfilePacket<'a>),
    /// The server says how far it is.
    Progress(ProgressReport<'a>),
    /// A result set begins.
    ColumnCount(ColumnCount),
    /// The next column of the result set.
    ColumnDefinition(ColumnDefinition),
    /// The column definitions are complete; rows follow. Only where `DEPRECATE_EOF` was not
    /// negotiated.
    MetadataEnd(EofPacket),
    /// The payload is a row.
    Row(&'a [u8]),
    /// The rows have ended. If the status has `MORE_RESULTS_EXISTS`, another result follows.
    ResultSetEnd {
        /// The server's status.
        status: ServerStatus,
        /// How many warnings the statement caused.
        warnings: u16,
        /// What changed in the session's state, undecoded.
        session_state: &'a [u8],
    },
    /// The server has opened a cursor, whose columns those of the definitions are. The rows come when
    /// they are fetched. Nothing follows.
    CursorOpened {
        /// The server's status.
        status: ServerStatus,
        /// How many warnings the statement caused.
        warnings: u16,
        /// What changed in the session's state, undecoded.
        session_state: &'a [u8],
    },
}

/// Shows the length of a row and not its values.
impl fmt::Debug for ResponseEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(packet) => packet.fmt(f),
            Self::Err(packet) => packet.fmt(f),
            Self::LocalInfile(packet) => packet.fmt(f),
            Self::Progress(report) => report.fmt(f),
            Self::ColumnCount(count) => count.fmt(f),
            Self::ColumnDefinition(column) => column.fmt(f),
            Self::MetadataEnd(packet) => packet.fmt(f),
            Self::Row(payload) => write!(f, "Row({} bytes)", payload.len()),
            Self::ResultSetEnd {
                status, warnings, ..
            } => fmt_end(f, "ResultSetEnd", *status, *warnings),
            Self::CursorOpened {
                status, warnings, ..
            } => fmt_end(f, "CursorOpened", *status, *warnings),
        }
    }
}

fn fmt_end(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    status: ServerStatus,
    warnings: u16,
) -> fmt::Result {
    f.debug_struct(name)
        .field("status", &status)
        .field("warnings", &warnings)
        .finish_non_exhaustive()
}

impl ResponseReader {
    /// A reader before the first packet of a response.
    pub const fn new(capabilities: Capabilities) -> Self {
        Self::at(State::Result, capabilities)
    }

    /// A reader of the response to a command that is answered by one OK, such as `COM_PING`.
    pub const fn for_ok(capabilities: Capabilities) -> Self {
        Self::at(State::Ok, capabilities)
    }

    /// A reader of the response to a `COM_STMT_EXECUTE` that asks for a cursor, and may not get one.
    ///
    /// A cursor is open if the packet behind the definitions has `CURSOR_EXISTS` in its status and
    /// not `MORE_RESULTS_EXISTS`: the results of a procedure that uses a cursor of its own have both
    /// and are sent whole.
    pub const fn for_cursor(capabilities: Capabilities) -> Self {
        Self {
            may_open_cursor: true,
            ..Self::new(capabilities)
        }
    }

    /// A reader of the response to `COM_STMT_FETCH`: rows and their end, without definitions. The
    /// status of the end has `CURSOR_EXISTS` if there may be more rows to fetch, and `LAST_ROW_SENT`
    /// if there are none. Nothing follows it, whatever else the status says: the command has one
    /// result.
    pub const fn for_fetch(capabilities: Capabilities) -> Self {
        Self::at(State::FetchedRows, capabilities)
    }

    const fn at(state: State, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            state,
            may_open_cursor: false,
        }
    }

    /// Whether the response is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the next packet is a row, or ends the rows, or says that a cursor is open in their
    /// place.
    pub fn is_in_rows(&self) -> bool {
        matches!(
            self.state,
            State::Rows | State::CursorOrRows | State::FetchedRows
        )
    }

    /// What the next packet should be, in the words of the protocol documentation.
    pub const fn expects(&self) -> &'static str {
        self.state.expects()
    }

    /// Says what `payload`, the next one of the response, means.
    ///
    /// # Errors
    /// [`InvalidPacket`] if the protocol does not allow such a payload here.
    pub fn read<'a>(&mut self, payload: &'a [u8]) -> Result<ResponseEvent<'a>, InvalidPacket> {
        let Some(&first) = payload.first() else {
            return Err(InvalidPacket::Empty {
                packet: self.state.expects(),
            });
        };
        if first == 0xff && self.state != State::Done {
            return self.read_err(payload);
        }
        match (self.state, first) {
            (State::Result | State::LocalInfile, 0x00) => {
                let ok = OkPacket::decode(payload, self.capabilities)?;
                self.state = State::after(ok.status);
                Ok(ResponseEvent::Ok(ok))
            }
            (State::Ok, 0x00) => {
                self.state = State::Done;
                OkPacket::decode(payload, self.capabilities).map(ResponseEvent::Ok)
            }
            (State::Result, 0xfb) => self.read_local_infile(payload),
            (State::Result, _) => self.read_column_count(payload),
            (State::ColumnDefinitions(left), _) => {
                let column = ColumnDefinition::decode(payload, self.capabilities)?;
                self.columns_left(left - 1);
                Ok(ResponseEvent::ColumnDefinition(column))
            }
            (State::MetadataEof, 0xfe) => {
                self.state = State::Rows;
                EofPacket::decode(payload, self.capabilities).map(ResponseEvent::MetadataEnd)
            }
            (State::CursorOrMetadataEof, 0xfe) => self.read_cursor_or_metadata_end(payload),
            (State::Rows | State::CursorOrRows | State::FetchedRows, 0xfe)
                if self.ends_rows(payload) =>
            {
                self.read_rows_end(payload)
            }
            (State::Rows | State::FetchedRows, _) => Ok(ResponseEvent::Row(payload)),
            (State::CursorOrRows, _) => {
                self.state = State::Rows;
                Ok(ResponseEvent::Row(payload))
            }
            (state, found) => Err(InvalidPacket::Unexpected {
                packet: state.expects(),
                found,
            }),
        }
    }

    /// Whether a packet that begins with `0xfe` ends the rows. If not, it is a row of the text
    /// protocol whose first column has 16 MiB or more.
    fn ends_rows(&self, payload: &[u8]) -> bool {
        if self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            payload.len() < MAX_BODY_BYTES
        } else {
            payload.len() < 9
        }
    }

    /// The status at the end of a response, if `payloads` are all of it and are what
    /// [`read_skipped_head`](Self::read_skipped_head), [`is_row`](Self::is_row) and
    /// [`read_simple_end`](Self::read_simple_end) take, in this order. The response is complete then;
    /// else nothing has changed.
    #[inline]
    pub fn read_only_row(
        &mut self,
        [head, row, end]: [&[u8]; 3],
        columns: usize,
    ) -> Option<ServerStatus> {
        let mut reader = self.clone();
        if !reader.read_skipped_head(head, columns) || !reader.is_row(row) {
            return None;
        }
        let (status, _) = reader.read_simple_end(end)?;
        *self = reader;
        Some(status)
    }

    /// Whether `payload` is a row, and [`read`](Self::read) would say no more of it.
    #[inline]
    pub fn is_row(&self, payload: &[u8]) -> bool {
        // Neither an end nor an ERR.
        self.state == State::Rows && payload.first().is_some_and(|&first| first < 0xfe)
    }

    /// The status and the number of warnings, if `payload` ends the rows and the response, and
    /// [`read`](Self::read) would say no more of it. The response is complete then.
    #[inline]
    pub fn read_simple_end(&mut self, payload: &[u8]) -> Option<(ServerStatus, u16)> {
        // An OK that counts no rows and has no id, and nothing behind the warnings.
        let &[0xfe, 0, 0, s1, s2, w1, w2] = payload else {
            return None;
        };
        let status = ServerStatus::from_bits_retain(u16::from_le_bytes([s1, s2]));
        if self.state != State::Rows
            || !self.capabilities.contains(Capabilities::DEPRECATE_EOF)
            || status.contains(ServerStatus::MORE_RESULTS_EXISTS)
        {
            return None;
        }
        self.state = State::Done;
        Some((status, u16::from_le_bytes([w1, w2])))
    }

    /// Whether `payload` is the head of a result set with so many columns, whose definitions are left
    /// out. The rows follow then.
    #[inline]
    pub fn read_skipped_head(&mut self, payload: &[u8], columns: usize) -> bool {
        let &[count @ 1..0xfb, 0] = payload else {
            return false;
        };
        let is_head = self.state == State::Result
            && !self.may_open_cursor
            && usize::from(count) == columns
            && self.capabilities.contains(SKIPS_METADATA);
        if is_head {
            self.state = State::Rows;
        }
        is_head
    }

    fn read_err<'a>(&mut self, payload: &'a [u8]) -> Result<ResponseEvent<'a>, InvalidPacket> {
        let err = ErrPacket::decode(payload, self.capabilities)?;
        // An ERR packet with this code is a progress report.
        if err.code == 0xffff {
            if !self
                .capabilities
                .contains(Capabilities::MARIADB_CLIENT_PROGRESS)
            {
                return Err(InvalidPacket::NotNegotiated {
                    packet: "progress report",
                    capability: "MARIADB_CLIENT_PROGRESS",
                });
            }
            return ProgressReport::decode(payload, self.capabilities).map(ResponseEvent::Progress);
        }
        self.state = State::Done;
        Ok(ResponseEvent::Err(err))
    }

    fn read_local_infile<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<ResponseEvent<'a>, InvalidPacket> {
        if !self.capabilities.contains(Capabilities::LOCAL_FILES) {
            return Err(InvalidPacket::NotNegotiated {
                packet: "LOCAL_INFILE Packet",
                capability: "LOCAL_FILES",
            });
        }
        self.state = State::LocalInfile;
        LocalInfilePacket::decode(payload, self.capabilities).map(ResponseEvent::LocalInfile)
    }

    fn read_column_count<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<ResponseEvent<'a>, InvalidPacket> {
        let count = ColumnCount::decode(payload, self.capabilities)?;
        let left = if count.metadata_follows {
            count.columns
        } else {
            0
        };
        self.columns_left(left);
        Ok(ResponseEvent::ColumnCount(count))
    }

    fn read_rows_end<'a>(&mut self, payload: &'a [u8]) -> Result<ResponseEvent<'a>, InvalidPacket> {
        let (status, warnings, session_state) =
            if self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
                let ok = OkPacket::decode(payload, self.capabilities)?;
                (ok.status, ok.warnings, ok.session_state)
            } else {
                let eof = EofPacket::decode(payload, self.capabilities)?;
                (eof.status, eof.warnings, [].as_slice())
            };
        if self.state == State::CursorOrRows && opens_cursor(status) {
            self.state = State::Done;
            return Ok(ResponseEvent::CursorOpened {
                status,
                warnings,
                session_state,
            });
        }
        self.state = match self.state {
            State::FetchedRows => State::Done,
            _ => State::after(status),
        };
        Ok(ResponseEvent::ResultSetEnd {
            status,
            warnings,
            session_state,
        })
    }

    fn read_cursor_or_metadata_end<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<ResponseEvent<'a>, InvalidPacket> {
        let eof = EofPacket::decode(payload, self.capabilities)?;
        if !opens_cursor(eof.status) {
            self.state = State::Rows;
            return Ok(ResponseEvent::MetadataEnd(eof));
        }
        self.state = State::Done;
        Ok(ResponseEvent::CursorOpened {
            status: eof.status,
            warnings: eof.warnings,
            session_state: &[],
        })
    }

    const fn columns_left(&mut self, left: u16) {
        let deprecate_eof = self.capabilities.contains(Capabilities::DEPRECATE_EOF);
        self.state = match (deprecate_eof, self.may_open_cursor) {
            _ if left > 0 => State::ColumnDefinitions(left),
            (true, false) => State::Rows,
            (true, true) => State::CursorOrRows,
            // It is sent even where the definitions are not.
            (false, false) => State::MetadataEof,
            (false, true) => State::CursorOrMetadataEof,
        };
    }
}

/// Where both were negotiated, rows may follow the column count.
const SKIPS_METADATA: Capabilities =
    Capabilities::DEPRECATE_EOF.union(Capabilities::MARIADB_CLIENT_CACHE_METADATA);

/// Whether the packet behind the definitions that has this status stands for a cursor.
const fn opens_cursor(status: ServerStatus) -> bool {
    status.contains(ServerStatus::CURSOR_EXISTS)
        && !status.contains(ServerStatus::MORE_RESULTS_EXISTS)
}

impl State {
    const fn after(status: ServerStatus) -> Self {
        if status.contains(ServerStatus::MORE_RESULTS_EXISTS) {
            Self::Result
        } else {
            Self::Done
        }
    }

    const fn expects(self) -> &'static str {
        match self {
            Self::Result => "response",
            Self::Ok => "OK_Packet",
            Self::LocalInfile => "response to LOCAL INFILE data",
            Self::ColumnDefinitions(_) => "column definition packet",
            Self::MetadataEof | Self::CursorOrMetadataEof => "EOF_Packet after column definitions",
            Self::Rows | Self::CursorOrRows | Self::FetchedRows => "result set row",
            Self::Done => "response that is complete",
        }
    }
}

#[cfg(test)]
mod tests;
