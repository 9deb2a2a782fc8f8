use otaria_codec::{
    Capabilities, ColumnDefinition, Decode, EofPacket, ErrPacket, InvalidPacket, ProgressReport,
};

use crate::ComStmtPrepareOk;

/// The grammar of the response to a [`ComStmtPrepare`](crate::ComStmtPrepare). An EOF stands only
/// where `DEPRECATE_EOF` was not negotiated.
///
/// ```text
/// response   = progress* ( COM_STMT_PREPARE_OK [parameters] [columns] | ERR )
/// parameters = definition+ [EOF]      absent if the statement has none
/// columns    = definition+ [EOF]      absent if none are known before it is executed
/// ```
#[derive(Clone, Debug)]
pub struct PrepareReader {
    capabilities: Capabilities,
    state: State,
}

/// What is due. `columns` is how many column definitions come behind the parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    PrepareOk,
    Parameters { left: u16, columns: u16 },
    ParametersEof { columns: u16 },
    Columns { left: u16 },
    ColumnsEof,
    Done,
}

/// What one payload of the response to a prepare means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PrepareEvent<'a> {
    /// The statement is prepared. It stays so, whatever becomes of the rest of the response.
    PrepareOk(ComStmtPrepareOk),
    /// The server refuses. Nothing follows.
    Err(ErrPacket<'a>),
    /// The server says how far it is.
    Progress(ProgressReport<'a>),
    /// The next parameter. It says nothing about the type.
    ParameterDefinition(ColumnDefinition),
    /// The parameters are complete.
    ParametersEnd(EofPacket),
    /// The next column. Only the response to an execute says what it is in the end.
    ColumnDefinition(ColumnDefinition),
    /// The columns are complete.
    ColumnsEnd(EofPacket),
}

impl PrepareReader {
    /// A reader before the first packet of the response.
    pub const fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            state: State::PrepareOk,
        }
    }

    /// Whether the response is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What the next packet should be, in the words of the protocol documentation.
    pub const fn expects(&self) -> &'static str {
        self.state.expects()
    }

    /// Says what `payload`, the next one of the response, means.
    ///
    /// # Errors
    /// [`InvalidPacket`] if the protocol does not allow such a payload here.
    pub fn read<'a>(&mut self, payload: &'a [u8]) -> Result<PrepareEvent<'a>, InvalidPacket> {
        let Some(&first) = payload.first() else {
            return Err(InvalidPacket::Empty {
                packet: self.state.expects(),
            });
        };
        let capabilities = self.capabilities;
        match (self.state, first) {
            (State::Done, found) => Err(self.unexpected(found)),
            (_, 0xff) => self.read_err(payload),
            (State::PrepareOk, 0x00) => {
                let ok = ComStmtPrepareOk::decode(payload, capabilities)?;
                self.state = State::parameters(ok.parameters, ok.columns);
                Ok(PrepareEvent::PrepareOk(ok))
            }
            (State::Parameters { left, columns }, _) => {
                let definition = ColumnDefinition::decode(payload, capabilities)?;
                self.state = self.after_parameter(left, columns);
                Ok(PrepareEvent::ParameterDefinition(definition))
            }
            (State::ParametersEof { columns }, 0xfe) => {
                let eof = EofPacket::decode(payload, capabilities)?;
                self.state = State::columns(columns);
                Ok(PrepareEvent::ParametersEnd(eof))
            }
            (State::Columns { left }, _) => {
                let definition = ColumnDefinition::decode(payload, capabilities)?;
                self.state = self.after_column(left);
                Ok(PrepareEvent::ColumnDefinition(definition))
            }
            (State::ColumnsEof, 0xfe) => {
                let eof = EofPacket::decode(payload, capabilities)?;
                self.state = State::Done;
                Ok(PrepareEvent::ColumnsEnd(eof))
            }
            (State::PrepareOk | State::ParametersEof { .. } | State::ColumnsEof, found) => {
                Err(self.unexpected(found))
            }
        }
    }

    fn read_err<'a>(&mut self, payload: &'a [u8]) -> Result<PrepareEvent<'a>, InvalidPacket> {
        let err = ErrPacket::decode(payload, self.capabilities)?;
        if err.code != 0xffff {
            self.state = State::Done;
            return Ok(PrepareEvent::Err(err));
        }
        // An ERR packet with this code is a progress report.
        let wanted = Capabilities::MARIADB_CLIENT_PROGRESS;
        if self.capabilities.contains(wanted) {
            ProgressReport::decode(payload, self.capabilities).map(PrepareEvent::Progress)
        } else {
            Err(InvalidPacket::NotNegotiated {
                packet: "progress report",
                capability: "MARIADB_CLIENT_PROGRESS",
            })
        }
    }

    const fn after_parameter(&self, left: u16, columns: u16) -> State {
        match left {
            0 | 1 if self.deprecates_eof() => State::columns(columns),
            0 | 1 => State::ParametersEof { columns },
            _ => State::Parameters {
                left: left - 1,
                columns,
            },
        }
    }

    const fn after_column(&self, left: u16) -> State {
        match left {
            0 | 1 if self.deprecates_eof() => State::Done,
            0 | 1 => State::ColumnsEof,
            _ => State::Columns { left: left - 1 },
        }
    }

    const fn deprecates_eof(&self) -> bool {
        self.capabilities.contains(Capabilities::DEPRECATE_EOF)
    }

    const fn unexpected(&self, found: u8) -> InvalidPacket {
        InvalidPacket::Unexpected {
            packet: self.state.expects(),
            found,
        }
    }
}

impl State {
    const fn parameters(left: u16, columns: u16) -> Self {
        match left {
            0 => Self::columns(columns),
            _ => Self::Parameters { left, columns },
        }
    }

    const fn columns(left: u16) -> Self {
        match left {
            0 => Self::Done,
            _ => Self::Columns { left },
        }
    }

    const fn expects(self) -> &'static str {
        match self {
            Self::PrepareOk => "COM_STMT_PREPARE_OK",
            Self::Parameters { .. } => "parameter definition packet",
            Self::ParametersEof { .. } => "EOF_Packet after parameter definitions",
            Self::Columns { .. } => "column definition packet",
            Self::ColumnsEof => "EOF_Packet after column definitions",
            Self::Done => "response that is complete",
        }
    }
}

#[cfg(test)]
mod tests {
    use otaria_codec::{Encode, FieldType};

    use super::*;
    use crate::StatementId;
    use crate::testing::encoded;

    const MODERN: Capabilities = Capabilities::DEPRECATE_EOF;
    const CLASSIC: Capabilities = Capabilities::PROTOCOL_41;

    fn ok(parameters: u16, columns: u16) -> ComStmtPrepareOk {
        ComStmtPrepareOk {
            statement: StatementId(1),
            columns,
            parameters,
            warnings: 0,
        }
    }

    fn definition(name: &str) -> ColumnDefinition {
        ColumnDefinition::new(name, FieldType::Null)
    }

    /// Reads packets one after the other.
    struct Reading(PrepareReader);

    impl Reading {
        /// A reader behind a `COM_STMT_PREPARE_OK`.
        fn new(capabilities: Capabilities, parameters: u16, columns: u16) -> Self {
            let mut reading = Self(PrepareReader::new(capabilities));
            let ok = ok(parameters, columns);
            reading.read(&ok, &PrepareEvent::PrepareOk(ok));
            reading
        }

        #[track_caller]
        fn read(&mut self, packet: &impl Encode, event: &PrepareEvent<'_>) {
            let payload = encoded(packet, self.0.capabilities);
            assert!(!self.0.is_done());
            assert_eq!(self.0.read(&payload).as_ref(), Ok(event));
        }

        #[track_caller]
        fn parameter(&mut self) {
            let parameter = definition("?");
            self.read(
                &parameter,
                &PrepareEvent::ParameterDefinition(parameter.clone()),
            );
        }

        #[track_caller]
        fn column(&mut self) {
            let column = definition("c");
            self.read(&column, &PrepareEvent::ColumnDefinition(column.clone()));
        }

        #[track_caller]
        fn refused(&mut self, payload: &[u8]) -> InvalidPacket {
            let before = self.0.expects();
            let error = self.0.read(payload).unwrap_err();
            assert_eq!(self.0.expects(), before);
            error
        }
    }

    #[test]
    fn parameters_and_columns_are_read_without_eof() {
        let mut reading = Reading::new(MODERN, 2, 2);
        reading.parameter();
        reading.parameter();
        reading.column();
        reading.column();
        assert!(reading.0.is_done());
    }

    #[test]
    fn parameters_and_columns_end_with_an_eof_each_without_deprecate_eof() {
        let eof = EofPacket::default();
        let mut reading = Reading::new(CLASSIC, 1, 1);
        reading.parameter();
        reading.read(&eof, &PrepareEvent::ParametersEnd(eof));
        reading.column();
        reading.read(&eof, &PrepareEvent::ColumnsEnd(eof));
        assert!(reading.0.is_done());
    }

    #[test]
    fn a_block_without_definitions_has_no_eof() {
        let eof = EofPacket::default();
        let mut columns_only = Reading::new(CLASSIC, 0, 1);
        columns_only.column();
        columns_only.read(&eof, &PrepareEvent::ColumnsEnd(eof));
        assert!(columns_only.0.is_done());
        let mut parameters_only = Reading::new(CLASSIC, 1, 0);
        parameters_only.parameter();
        parameters_only.read(&eof, &PrepareEvent::ParametersEnd(eof));
        assert!(parameters_only.0.is_done());
        assert!(Reading::new(CLASSIC, 0, 0).0.is_done());
        assert!(Reading::new(MODERN, 0, 0).0.is_done());
    }

    #[test]
    fn pipelined_prepare_and_execute_where_prepare_fails_has_exactly_one_error() {
        let mut reading = Reading(PrepareReader::new(MODERN));
        let err = ErrPacket::new(1064, *b"42000", "no");
        reading.read(&err, &PrepareEvent::Err(err));
        assert!(reading.0.is_done());
        let again = encoded(&err, MODERN);
        let (packet, found) = ("response that is complete", 0xff);
        assert_eq!(
            reading.refused(&again),
            InvalidPacket::Unexpected { packet, found }
        );
    }

    #[test]
    fn an_err_between_definitions_ends_the_response() {
        let mut reading = Reading::new(CLASSIC, 2, 1);
        reading.parameter();
        let err = ErrPacket::new(1053, *b"08S01", "shutdown");
        reading.read(&err, &PrepareEvent::Err(err));
        assert!(reading.0.is_done());
    }

    #[test]
    fn progress_reports_may_come_first_where_they_were_negotiated() {
        let report = b"\xff\xff\xff\x01\x01\x02\x10\x27\x00\x03abc";
        let mut wanted = PrepareReader::new(Capabilities::MARIADB_CLIENT_PROGRESS);
        assert!(matches!(wanted.read(report), Ok(PrepareEvent::Progress(_))));
        assert_eq!(wanted.expects(), "COM_STMT_PREPARE_OK");
        assert!(matches!(
            PrepareReader::new(MODERN).read(report),
            Err(InvalidPacket::NotNegotiated { .. })
        ));
    }

    #[test]
    fn what_is_not_due_is_an_error() {
        let unexpected = |packet, found| InvalidPacket::Unexpected { packet, found };
        let mut reading = Reading(PrepareReader::new(CLASSIC));
        let error = reading.refused(&[0x01]);
        assert_eq!(error, unexpected("COM_STMT_PREPARE_OK", 1));
        let mut reading = Reading::new(CLASSIC, 1, 1);
        let eof = encoded(&EofPacket::default(), CLASSIC);
        assert!(matches!(
            reading.refused(&eof),
            InvalidPacket::Truncated { .. }
        ));
        reading.parameter();
        let parameter = encoded(&definition("?"), CLASSIC);
        let error = reading.refused(&parameter);
        assert_eq!(
            error,
            unexpected("EOF_Packet after parameter definitions", 3)
        );
    }

    #[test]
    fn an_empty_payload_is_an_error_everywhere() {
        for (parameters, columns) in [(0, 0), (1, 0), (0, 1)] {
            let error = Reading::new(MODERN, parameters, columns).refused(&[]);
            assert!(matches!(error, InvalidPacket::Empty { .. }));
        }
    }

    #[test]
    fn as_many_definitions_as_the_prepare_ok_says_and_none_more() {
        let mut reading = Reading::new(MODERN, 65_535, 65_535);
        for _ in 0..65_535 {
            reading.parameter();
        }
        for _ in 0..65_535 {
            reading.column();
        }
        assert!(reading.0.is_done());
    }
}
