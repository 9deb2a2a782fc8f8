use otaria_auth::AuthError;
use otaria_codec::{ErrPacket, InvalidPacket};

use super::*;
use crate::{
    BatchError, BatchWay, CallbackError, CloseReason, ConfigError, Endpoint, EndpointError,
    EndpointErrors, LocalInfileError, LongDataError, RedirectError,
};

/// An error, and whether it is safe to retry, transient and a disconnect.
fn table() -> Vec<(Error, [bool; 3])> {
    let mut table = sent();
    table.extend(not_sent());
    table
}

const YES: bool = true;
const NO: bool = false;

/// Those of calls that the server may have taken up.
fn sent() -> Vec<(Error, [bool; 3])> {
    let timeout = |phase, statement_stopped| Error::Timeout {
        phase,
        statement_stopped,
    };
    vec![
        // Nothing of them stays.
        (server(1213), [YES, YES, NO]),
        (server(1205), [YES, YES, NO]),
        (server(1020), [YES, YES, NO]),
        (read_only(), [YES, YES, NO]),
        (server(1836), [YES, YES, NO]),
        (server(1792), [YES, NO, NO]),
        (server(1226), [NO, NO, NO]),
        // They stay as they are.
        (server(1036), [NO, NO, NO]),
        (server(1062), [NO, NO, NO]),
        (server(1064), [NO, NO, NO]),
        (server(1045), [NO, NO, NO]),
        // What was done is not known.
        (server(1053), [NO, YES, NO]),
        (server(1317), [NO, NO, NO]),
        (server(1969), [NO, YES, NO]),
        (Error::EndedByServer(told(1927)), [NO, YES, YES]),
        (Error::EndedByServer(told(1153)), [NO, NO, YES]),
        (lost(), [NO, YES, YES]),
        (io(io::ErrorKind::ConnectionReset), [NO, YES, YES]),
        (io(io::ErrorKind::ConnectionRefused), [NO, YES, YES]),
        (io(io::ErrorKind::NotFound), [NO, YES, YES]),
        (io(io::ErrorKind::PermissionDenied), [NO, NO, YES]),
        (unknown(), [NO, YES, YES]),
        (timeout(TimeoutPhase::Connect, false), [YES, YES, YES]),
        (timeout(TimeoutPhase::Write, false), [NO, YES, YES]),
        (timeout(TimeoutPhase::Read("x"), false), [NO, YES, YES]),
        (timeout(TimeoutPhase::Read("x"), true), [NO, YES, NO]),
        (packet(Error::InvalidPacket), [NO, NO, YES]),
        #[cfg(feature = "tls")]
        (broken_tls(), [NO, NO, YES]),
        (packet(Error::InvalidRow), [NO, NO, NO]),
        (Error::StatementNotReset(told(1243)), [NO, NO, YES]),
        (miscounted(), [NO, NO, YES]),
        (
            Error::LocalInfile(LocalInfileError::NotRequested),
            [NO, NO, NO],
        ),
        (
            Error::RowCount {
                more_than_one: true,
            },
            [NO, NO, NO],
        ),
        (batch(server(1213), [0, 3, 0], false), [YES, YES, NO]),
        (batch(server(1213), [3, 3, 0], false), [NO, YES, NO]),
        (batch(server(1213), [0, 3, 0], true), [NO, YES, NO]),
        (batch(lost(), [0, 0, 3], false), [NO, YES, YES]),
        (commit(lost()), [NO, YES, YES]),
    ]
}

/// Those of calls of which nothing was taken up.
fn not_sent() -> Vec<(Error, [bool; 3])> {
    let closed = |reason| Error::Closed { reason };
    vec![
        // Nothing was sent.
        (closed(CloseReason::Lost), [YES, YES, YES]),
        (closed(CloseReason::AbandonedResponse), [YES, YES, YES]),
        (closed(CloseReason::Retired), [YES, YES, YES]),
        (
            Error::TransactionAborted { code: Some(1213) },
            [YES, YES, NO],
        ),
        // It may be committed.
        (Error::TransactionAborted { code: None }, [NO, NO, NO]),
        (Error::TransactionOpen, [YES, NO, NO]),
        (pool(PoolError::Closed), [YES, NO, NO]),
        (
            not_made(io(io::ErrorKind::ConnectionRefused)),
            [YES, YES, YES],
        ),
        (not_made(lost()), [YES, YES, YES]),
        (not_made(Error::Auth(refused(1045))), [YES, NO, YES]),
        (
            pool(PoolError::Hook(CallbackError::new("no"))),
            [YES, NO, NO],
        ),
        (pool(timed_out(crate::PoolPhase::Wait)), [YES, YES, NO]),
        // No statement was begun.
        (Error::Auth(refused(1045)), [YES, NO, YES]),
        (Error::Auth(refused(1040)), [YES, YES, YES]),
        (Error::Auth(AuthError::TlsNotOffered), [YES, NO, YES]),
        (Error::Credentials(CallbackError::new("no")), [YES, NO, NO]),
        (Error::Prompt { source: None }, [YES, NO, YES]),
        (Error::SessionSettings(told(1298)), [YES, NO, NO]),
        (init_command(1213), [NO, YES, NO]),
        (
            endpoints(vec![io(io::ErrorKind::ConnectionRefused)]),
            [YES, YES, YES],
        ),
        (
            endpoints(vec![io(io::ErrorKind::PermissionDenied)]),
            [YES, NO, YES],
        ),
        // The caller's own.
        (Error::Config(ConfigError::NotUtf8), [YES, NO, NO]),
        (Error::NoInsertRow, [YES, NO, NO]),
        (Error::ForeignStatement, [YES, NO, NO]),
        (Error::CursorRefused, [YES, NO, NO]),
        (
            Error::LongData(LongDataError::NotSent { index: 0 }),
            [YES, NO, NO],
        ),
        (Error::Redirect(RedirectError::Again), [YES, NO, NO]),
        // In another place.
        (pipeline(Error::CursorRefused), [YES, NO, NO]),
        (pipeline(closed(CloseReason::Lost)), [YES, YES, YES]),
    ]
}

fn told(code: u16) -> ServerError {
    ErrPacket::new(code, *b"HY000", "").into()
}

fn server(code: u16) -> Error {
    Error::Server(told(code))
}

fn read_only() -> Error {
    let message = "The MariaDB server is running with the --read-only option so it cannot …";
    Error::Server(ErrPacket::new(1290, *b"HY000", message).into())
}

fn refused(code: u16) -> AuthError {
    ErrPacket::new(code, *b"HY000", "").into()
}

fn io(kind: io::ErrorKind) -> Error {
    Error::Io {
        action: "receive".to_owned(),
        source: kind.into(),
    }
}

fn lost() -> Error {
    Error::ConnectionLost {
        expected: "OK_Packet",
    }
}

fn unknown() -> Error {
    Error::OutcomeUnknown {
        reason: CloseReason::Lost,
    }
}

fn miscounted() -> Error {
    Error::MiscountedPlaceholders { sent: 1, found: 2 }
}

#[cfg(feature = "tls")]
fn broken_tls() -> Error {
    crate::TlsError::Record("received fatal alert: DecodeError".to_owned()).into()
}

fn packet(error: impl Fn(InvalidPacket) -> Error) -> Error {
    error(InvalidPacket::Empty {
        packet: "OK_Packet",
    })
}

fn pool(error: PoolError) -> Error {
    Error::Pool(error)
}

fn not_made(error: Error) -> Error {
    pool(PoolError::Connect(Box::new(error)))
}

fn timed_out(phase: crate::PoolPhase) -> PoolError {
    PoolError::Timeout { phase }
}

fn init_command(code: u16) -> Error {
    Error::InitCommand {
        number: 1,
        source: told(code),
    }
}

fn endpoints(errors: Vec<Error>) -> Error {
    let errors = errors.into_iter();
    let errors = errors.map(|error| EndpointError::new(Endpoint::default(), error));
    Error::Endpoints(EndpointErrors::new(errors.collect()))
}

fn pipeline(source: Error) -> Error {
    Error::Pipeline {
        number: 1,
        source: Box::new(source),
    }
}

fn commit(source: Error) -> Error {
    Error::CommitUnknown {
        source: Box::new(source),
    }
}

fn batch(source: Error, rows: [u64; 3], may_remain: bool) -> Error {
    let [rows_confirmed, rows_refused, rows_unknown] = rows;
    Error::Batch(Box::new(BatchError {
        rows_confirmed,
        rows_refused,
        rows_unknown,
        may_remain,
        ..BatchError::new(source, BatchWay::Bulk)
    }))
}

#[test]
fn every_error_says_whether_it_is_safe_to_retry_transient_and_a_disconnect() {
    for (error, expected) in table() {
        let found = [
            error.is_safe_to_retry(),
            error.is_transient(),
            error.is_disconnect(),
        ];
        assert_eq!(found, expected, "{error:?}");
    }
}

#[test]
fn the_kind_of_what_is_no_server_s_error_is_told_by_what_it_is() {
    let errors = [
        (lost(), ErrorKind::Disconnected),
        (unknown(), ErrorKind::Disconnected),
        (io(io::ErrorKind::ConnectionReset), ErrorKind::Disconnected),
        (miscounted(), ErrorKind::Protocol),
        (packet(Error::InvalidPacket), ErrorKind::Protocol),
        #[cfg(feature = "tls")]
        (broken_tls(), ErrorKind::Protocol),
        (Error::Auth(AuthError::TlsNotOffered), ErrorKind::Other),
        (
            pool(timed_out(crate::PoolPhase::Create)),
            ErrorKind::Timeout,
        ),
        (pool(PoolError::Closed), ErrorKind::Other),
        (not_made(lost()), ErrorKind::Disconnected),
        (
            not_made(Error::Auth(refused(1040))),
            ErrorKind::TooManyConnections,
        ),
        (
            Error::TransactionAborted { code: None },
            ErrorKind::TransactionAborted,
        ),
        (init_command(1062), ErrorKind::UniqueViolation),
        (pipeline(server(1062)), ErrorKind::UniqueViolation),
        (commit(lost()), ErrorKind::Disconnected),
        (
            batch(server(1452), [0; 3], false),
            ErrorKind::ForeignKeyViolation,
        ),
        (endpoints(vec![lost(), lost()]), ErrorKind::Disconnected),
        (
            endpoints(vec![lost(), server(1040)]),
            ErrorKind::Unavailable,
        ),
        (Error::NoInsertRow, ErrorKind::Other),
    ];
    for (error, kind) in errors {
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}
