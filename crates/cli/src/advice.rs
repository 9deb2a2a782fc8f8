//! What to do about a failure.

use std::io;

use otaria::{AuthError, Error, ErrorKind, TimeoutPhase};

use crate::failure::Failure;

/// What the user can do about it, where that is known.
pub(crate) fn of(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Usage { .. } => Some("`otaria --help` has examples.".to_owned()),
        Failure::Config { source, .. } => of_config(source).map(str::to_owned),
        Failure::Connect {
            user,
            has_password,
            source,
            ..
        } => of_connect(user, *has_password, source),
        Failure::Statement(error) => of_statement(error).map(str::to_owned),
        Failure::Warned { code, .. } => {
            let advice = code.and_then(of_code).unwrap_or(ALLOW_WARNINGS);
            Some(advice.to_owned())
        }
        Failure::Local { source, .. } => of_local(source).map(str::to_owned),
        Failure::Data { advice, .. } => advice.map(str::to_owned),
        Failure::Internal(_) => {
            Some("Please report it, with the command and what the table looks like.".to_owned())
        }
        Failure::Content { .. }
        | Failure::NoTable(_)
        | Failure::BrokenPipe
        | Failure::Interrupted { .. } => None,
    }
}

fn of_config(error: &Error) -> Option<&'static str> {
    match error {
        Error::Config(_) => Some(
            "A URL looks like mariadb://user@db.example.org:3306/database; a socket is named by \
             mariadb://user@localhost/database?socket=/run/mysqld/mysqld.sock.",
        ),
        Error::LocalIo { .. } => {
            Some("--defaults-file names another option file, and --no-defaults does without any.")
        }
        _ => None,
    }
}

fn of_connect(user: &str, has_password: bool, error: &Error) -> Option<String> {
    let text = match error {
        Error::Auth(AuthError::Server { code: 1049, .. }) => {
            "The database in the URL does not exist: leave it out, or create it."
        }
        _ if error.kind() == ErrorKind::AccessDenied => return Some(of_login(user, has_password)),
        Error::Io { source, .. } => of_network(source),
        Error::Timeout {
            phase: TimeoutPhase::Connect,
            ..
        } => {
            "Nothing answers there: check host and port, and whether a firewall is between. \
             `?connect_timeout=60s` in the URL waits for longer."
        }
        _ if error.kind() == ErrorKind::TooManyConnections => {
            "The server has no room for now: try again, or have max_connections raised."
        }
        Error::Tls(_) => {
            "`otaria ping` without ssl_mode in the URL shows what the server has; `?ssl_mode=` in the \
             URL says what is asked of it."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_login(user: &str, has_password: bool) -> String {
    let given = if has_password {
        "A password was given, and it may be the wrong one."
    } else {
        "No password was given."
    };
    format!(
        "The login was as {user}. {given} It is taken from the environment (MARIADB_PASSWORD), from an \
         option file (~/.my.cnf, or that of --defaults-file):\n\n    [client]\n    \
         password = …\n\nor asked for with --ask-password."
    )
}

fn of_network(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "No server listens there: check host and port in the URL (3306 is the default), and \
             whether the server runs and takes connections from the network (bind_address)."
        }
        io::ErrorKind::NotFound => "There is no such socket: is the server running?",
        io::ErrorKind::PermissionDenied => "Your user may not use this socket.",
        _ => "Check the host's name and the network.",
    }
}

fn of_statement(error: &Error) -> Option<&'static str> {
    let Error::Server(server) = error else {
        return match error.kind() {
            ErrorKind::Disconnected => Some(
                "The connection broke: whether the statement goes on is not known. Nothing was put \
                 in place of a file.",
            ),
            _ => None,
        };
    };
    let advice = of_code(server.code());
    let rights = "The user has not the right to do this: `SHOW GRANTS` lists what it may do.";
    advice.or_else(|| (server.kind() == ErrorKind::AccessDenied).then_some(rights))
}

fn of_code(code: u16) -> Option<&'static str> {
    match code {
        1046 => Some("Name the database in the URL, as in mariadb://user@host/database."),
        1054 => Some("Check the column's name: `SHOW COLUMNS FROM` its table lists them."),
        1064 => Some("The statement is no SQL from where the quotation begins."),
        1050 => Some("--mode append adds rows to a table that is there."),
        1062 => Some(
            "--mode replace, ignore or on-duplicate-update say what becomes of rows whose key is there.",
        ),
        1146 => Some(
            "Check the name: `SHOW TABLES` lists what the database has. `otaria load --mode create` makes \
             a table.",
        ),
        1317 => Some("Somebody has stopped the statement (KILL QUERY)."),
        1969 => Some("`?max_statement_time=0` in the URL lifts the server's limit."),
        _ => None,
    }
}

fn of_local(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full: make room, or write elsewhere. What was there before is untouched."
        }
        io::ErrorKind::FileTooLarge => "The file system, or a limit, takes no file of this length.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "You may not use this file or its folder: choose another one, or have its permissions \
             changed."
        }
        io::ErrorKind::NotFound => "There is no such file or folder: check the path.",
        _ => return None,
    })
}

const ALLOW_WARNINGS: &str = "--allow-warnings inserts the rows as the server changes them.";
