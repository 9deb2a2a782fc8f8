//! What to do about a failure.

use std::io;

use otaria::{AuthError, Error, ErrorKind, NamedSqlError, ParamsError, PlaceError, TimeoutPhase};

use crate::failure::{Failure, Left};
use crate::progress::count;

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
        Failure::Statement(error) => of_statement(error),
        Failure::Warned { code, .. } => {
            let advice = code.and_then(of_code).unwrap_or(ALLOW_WARNINGS);
            Some(advice.to_owned())
        }
        Failure::Local {
            source, is_kept, ..
        } => of_local(source, *is_kept),
        Failure::Insert { failure, left } => of_insert(failure, left),
        Failure::Data { advice, .. } => advice.clone(),
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
        Error::Endpoints(errors) => {
            let last = errors.last()?;
            return of_connect(user, has_password, last.error());
        }
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

fn of_statement(error: &Error) -> Option<String> {
    let server = match error {
        Error::Server(server) | Error::EndedByServer(server) => server,
        Error::Place(PlaceError::Named(error)) => return of_placeholders(error),
        Error::ParameterCount { given: 0, .. } => return Some(NO_PLACES.to_owned()),
        Error::Params(ParamsError::RowTooLong { .. }) => return Some(MAX_PACKET.to_owned()),
        _ if error.kind() == ErrorKind::Disconnected => {
            return Some(format!("{BROKEN} {SHORT_PACKET}"));
        }
        _ => return None,
    };
    if let Some(name) = parameter_in(server.message()) {
        return Some(value_of(name));
    }
    let advice = of_code(server.code());
    let rights = "The user has not the right to do this: `SHOW GRANTS` lists what it may do.";
    let advice = advice.or_else(|| (server.kind() == ErrorKind::AccessDenied).then_some(rights));
    advice.map(str::to_owned)
}

fn of_placeholders(error: &NamedSqlError) -> Option<String> {
    match error {
        NamedSqlError::NotGiven { name } => Some(value_of(name)),
        NamedSqlError::Positional { .. } => Some(NO_PLACES.to_owned()),
        _ => None,
    }
}

fn value_of(name: &str) -> String {
    format!(
        ":{name} is the name of a parameter: `--param {name}=…` gives it a text, and `--param {name}:=…` a \
         number or null."
    )
}

/// The parameter that a server stumbles over: `near ':city'`.
fn parameter_in(message: &str) -> Option<&str> {
    let (_, behind) = message.split_once("near ':")?;
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let end = behind.find(|character| !is_of_name(character))?;
    behind.get(..end).filter(|name| !name.is_empty())
}

fn of_insert(failure: &Failure, left: &Left) -> Option<String> {
    let mut sentences: Vec<String> = Vec::new();
    sentences.extend(of(failure));
    if left.rows_committed > 0 {
        let rows = count(left.rows_committed);
        sentences.push(format!("The first {rows} rows are committed, and stay."));
    } else if let Some(engine) = &left.engine {
        sentences.push(format!(
            "Tables of the engine {engine} have no transactions: rows that were sent before stay."
        ));
    } else if left.is_known {
        sentences.push("Nothing was inserted.".to_owned());
    }
    if left.table {
        sentences.push("The table that was made is still there.".to_owned());
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
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
        1153 => Some(MAX_PACKET),
        1317 => Some("Somebody has stopped the statement (KILL QUERY)."),
        1969 => Some("`?max_statement_time=0` in the URL lifts the server's limit."),
        _ => None,
    }
}

fn of_local(error: &io::Error, is_kept: bool) -> Option<String> {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full: make room, or write elsewhere."
        }
        io::ErrorKind::FileTooLarge => "The file system, or a limit, takes no file of this length.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "You may not use this file or its folder: choose another one, or have its permissions \
             changed."
        }
        io::ErrorKind::NotFound => "There is no such file or folder: check the path.",
        _ => return None,
    };
    let kept = if is_kept {
        " The file that was there before is untouched."
    } else {
        ""
    };
    Some(format!("{advice}{kept}"))
}

const ALLOW_WARNINGS: &str = "--allow-warnings inserts the rows as the server changes them.";
const MAX_PACKET: &str = "The server takes no statement or row of more than its max_allowed_packet bytes: \
    have that raised (SET GLOBAL max_allowed_packet = …), and connect again.";
const SHORT_PACKET: &str = "A statement or row of more than the server's max_allowed_packet bytes may end \
    it, too.";
const BROKEN: &str = "The connection broke: whether the statement goes on is not known.";
const NO_PLACES: &str = "Parameters have names here: write :name in place of ?, and give it a value by \
    --param name=….";
