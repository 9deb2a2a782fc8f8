use ErrorKind as K;
use otaria_codec::ErrPacket;

use super::*;

/// Each code, SQLSTATE and words of a server, and the kind.
const CODES: &[(u16, &str, &str, ErrorKind)] = &[
    (1022, "23000", "", K::UniqueViolation),
    (
        1062,
        "23000",
        "Duplicate entry '1' for key 'PRIMARY'",
        K::UniqueViolation,
    ),
    (1169, "23000", "", K::UniqueViolation),
    (1557, "23000", "", K::UniqueViolation),
    (1586, "23000", "", K::UniqueViolation),
    (1761, "23000", "", K::UniqueViolation),
    (1762, "23000", "", K::UniqueViolation),
    (1859, "23000", "", K::UniqueViolation),
    (1216, "23000", "", K::ForeignKeyViolation),
    (1217, "23000", "", K::ForeignKeyViolation),
    (1451, "23000", "", K::ForeignKeyViolation),
    (1452, "23000", "", K::ForeignKeyViolation),
    (1701, "42000", "", K::ForeignKeyViolation),
    (1834, "HY000", "", K::ForeignKeyViolation),
    (3730, "HY000", "", K::ForeignKeyViolation),
    (1048, "23000", "", K::NotNullViolation),
    (1263, "22004", "", K::NotNullViolation),
    (1364, "HY000", "", K::NotNullViolation),
    (3819, "HY000", "", K::CheckViolation),
    (
        4025,
        "23000",
        "CONSTRAINT `c` failed for `d`.`t`",
        K::CheckViolation,
    ),
    (4025, "HY000", "another error, on MySQL", K::Other),
    (1213, "40001", "", K::Deadlock),
    (1614, "XA102", "", K::Deadlock),
    (3058, "HY000", "", K::Deadlock),
    (1205, "HY000", "", K::LockTimeout),
    (1613, "XA106", "", K::LockTimeout),
    (3572, "HY000", "", K::LockTimeout),
    (1020, "HY000", "", K::Conflict),
    (3101, "40000", "", K::Conflict),
    (1044, "42000", "", K::AccessDenied),
    (1045, "28000", "", K::AccessDenied),
    (1095, "HY000", "", K::AccessDenied),
    (1130, "HY000", "", K::AccessDenied),
    (1142, "42000", "", K::AccessDenied),
    (1143, "42000", "", K::AccessDenied),
    (1227, "42000", "", K::AccessDenied),
    (1370, "42000", "", K::AccessDenied),
    (1698, "28000", "", K::AccessDenied),
    (1820, "HY000", "", K::AccessDenied),
    (1862, "HY000", "", K::AccessDenied),
    (1873, "28000", "", K::AccessDenied),
    (3118, "HY000", "", K::AccessDenied),
    (3955, "HY000", "", K::AccessDenied),
    (4150, "HY000", "", K::AccessDenied),
    (4151, "HY000", "", K::AccessDenied),
    (1036, "HY000", "", K::ReadOnly),
    (
        1290,
        "HY000",
        "is running with the --read-only option",
        K::ReadOnly,
    ),
    (
        1290,
        "HY000",
        "läuft mit der Option --read-only und kann",
        K::ReadOnly,
    ),
    (
        1290,
        "HY000",
        "is running with the --super-read-only option",
        K::ReadOnly,
    ),
    (
        1290,
        "HY000",
        "is running with the --secure-file-priv option",
        K::Other,
    ),
    (1792, "25006", "", K::ReadOnly),
    (1836, "HY000", "", K::ReadOnly),
    (1874, "HY000", "", K::ReadOnly),
    (1040, "08004", "", K::TooManyConnections),
    (1203, "42000", "", K::TooManyConnections),
    (
        1226,
        "42000",
        "User 'u' has exceeded the 'max_user_connections' resource",
        K::TooManyConnections,
    ),
    (
        1226,
        "42000",
        "User 'u' has exceeded the 'max_connections_per_hour' resource",
        K::TooManyConnections,
    ),
    (
        1226,
        "42000",
        "User 'u' has exceeded the 'max_questions' resource",
        K::Other,
    ),
    (1053, "08S01", "", K::Unavailable),
    (1129, "HY000", "", K::Unavailable),
    (3032, "HY000", "", K::Unavailable),
    (3168, "HY000", "", K::Unavailable),
    (
        1047,
        "08S01",
        "WSREP has not yet prepared node for application use",
        K::Unavailable,
    ),
    (1047, "08S01", "Unknown command", K::Other),
    (1317, "70100", "", K::Cancelled),
    (1969, "70100", "", K::Timeout),
    (3024, "HY000", "", K::Timeout),
    (1152, "08S01", "", K::Disconnected),
    (1158, "08S01", "", K::Disconnected),
    (1159, "08S01", "", K::Disconnected),
    (1160, "08S01", "", K::Disconnected),
    (1161, "08S01", "", K::Disconnected),
    (1184, "08S01", "", K::Disconnected),
    (1927, "70100", "", K::Disconnected),
    (3169, "HY000", "", K::Disconnected),
    // "Referenced trigger does not exist" on MariaDB.
    (4031, "HY000", "", K::Other),
    (1064, "42000", "", K::Other),
    (1146, "42S02", "", K::Other),
    (1153, "08S01", "", K::Other),
];

fn packet(code: u16, sqlstate: &str, message: &'static str) -> ErrPacket<'static> {
    ErrPacket::new(code, sqlstate.as_bytes().try_into().unwrap(), message)
}

#[test]
fn the_kind_of_a_server_s_error_is_told_by_its_code_its_sqlstate_and_its_words() {
    for &(code, sqlstate, message, kind) in CODES {
        let error = ServerError::from(packet(code, sqlstate, message));
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(Error::Server(error).kind(), kind, "{code}");
    }
}

#[test]
fn a_login_that_is_refused_has_the_kind_of_what_the_server_says() {
    for &(code, sqlstate, message, kind) in CODES {
        let error = AuthError::from(packet(code, sqlstate, message));
        assert_eq!(Error::Auth(error).kind(), kind, "{code}");
    }
    let full = AuthError::Server {
        code: 1040,
        sqlstate: None,
        message: "Too many connections".to_owned(),
    };
    assert_eq!(Error::Auth(full).kind(), K::TooManyConnections);
}

#[test]
fn an_error_that_ends_the_session_is_a_disconnect_if_nothing_else() {
    for (code, kind) in [
        (1153, K::Disconnected),
        (1927, K::Disconnected),
        (1317, K::Cancelled),
    ] {
        let error = ServerError::from(packet(code, "08S01", ""));
        assert_eq!(Error::EndedByServer(error).kind(), kind);
    }
}

#[test]
fn a_read_only_server_is_told_from_a_read_only_transaction_and_table() {
    for &(code, sqlstate, message, _) in CODES {
        let error = ServerError::from(packet(code, sqlstate, message));
        let expected = matches!(code, 1836 | 1874) || message.contains("read-only");
        assert_eq!(error.is_of_read_only_server(), expected, "{error}");
    }
}

#[test]
fn a_server_that_became_read_only_or_goes_away_retires_the_connection() {
    for &(code, sqlstate, message, _) in CODES {
        let error = ServerError::from(packet(code, sqlstate, message));
        let goes = matches!(code, 1053 | 1152 | 1184 | 3032 | 3168 | 3169);
        let goes = goes || message.starts_with("WSREP");
        let is_read_only = error.is_of_read_only_server();
        assert_eq!(
            error.retires_connection(false),
            goes || is_read_only,
            "{error}"
        );
        assert_eq!(error.retires_connection(true), goes, "{error}");
    }
    // What the group's plugin says when the group is gone.
    let hook = ServerError::from(packet(3100, "HY000", ""));
    assert!(hook.retires_connection(true));
}
