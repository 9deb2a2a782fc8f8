//! What can come of a login.

use std::fmt;
use std::io;

use otaria::{AuthError, Error};

use super::super::account::{Account, all_words};
use super::line::Place;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    LogsIn,
    ServerRefuses(u16),
    /// The server that refuses has to prove itself, and has not.
    UnprovenServerRefuses(u16),
    ClientRefuses(&'static str),
    /// It logs in on servers that keep a hash of empty passwords, and is refused on others.
    LogsInIfEmptyIsHashed,
    /// It logs in if the server proves itself by the password; else the client refuses.
    LogsInIfProven,
    /// That, or the server closes the connection.
    OrIsLost(&'static Outcome),
}

impl Outcome {
    /// Whether `found` is that on `server`.
    pub(super) fn allows(self, found: &str, server: Server) -> bool {
        let decided = match self {
            Self::LogsInIfEmptyIsHashed if server.hashes_empty_passwords => Self::LogsIn,
            Self::LogsInIfEmptyIsHashed => Self::ServerRefuses(1045),
            Self::LogsInIfProven if server.proves_itself => Self::LogsIn,
            Self::LogsInIfProven => Self::ClientRefuses("ServerNotProven Missing"),
            Self::OrIsLost(other) => return found == LOST || other.allows(found, server),
            decided => decided,
        };
        found == decided.to_string()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogsIn => f.write_str("logs in"),
            Self::ServerRefuses(code) => write!(f, "server {code}"),
            Self::UnprovenServerRefuses(code) => write!(f, "unproven server {code}"),
            Self::ClientRefuses(error) => write!(f, "client {error}"),
            Self::LogsInIfEmptyIsHashed => f.write_str("logs in if empty passwords are hashed"),
            Self::LogsInIfProven => f.write_str("logs in if the server proves itself"),
            Self::OrIsLost(other) => write!(f, "{other}, or is {LOST}"),
        }
    }
}

/// What differs from server to server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// 11.8 does, 10.11 does not.
    hashes_empty_passwords: bool,
    /// By the password, from 11.4 on.
    proves_itself: bool,
}

impl Server {
    pub(super) fn ask(place: &Place<'_>) -> Self {
        Self {
            hashes_empty_passwords: place.has_plugin("ed25519") && hashes_empty_passwords(place),
            proves_itself: place.server.is_at_least((11, 4)),
        }
    }
}

fn hashes_empty_passwords(place: &Place<'_>) -> bool {
    let via = "ed25519 USING PASSWORD('')";
    let account = Account::identified(place.server, "%", via);
    let sql = format!(
        "SELECT JSON_VALUE(Priv, '$.authentication_string') <> '' FROM mysql.global_priv \
         WHERE User = '{}'",
        account.name()
    );
    place.server.sql(&sql).unwrap().trim() == "1"
}

/// The cell of a login that ended with `error`, which does not show the password.
pub(super) fn refused(error: &Error) -> String {
    let Error::Auth(refusal) = error else {
        return match error {
            Error::ConnectionLost { .. } => LOST.to_owned(),
            Error::Prompt { source: None } => "client Prompt".to_owned(),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::ConnectionReset => {
                LOST.to_owned()
            }
            error => format!("{error:?}"),
        };
    };
    let named = |name: &str, plugin: &String| {
        assert!(all_words(error).contains(plugin), "{error:?}");
        format!("client {name} {plugin}")
    };
    match refusal {
        AuthError::Server { code, .. } => Outcome::ServerRefuses(*code).to_string(),
        AuthError::UnprovenServer { code, .. } => Outcome::UnprovenServerRefuses(*code).to_string(),
        AuthError::OldPassword => "client OldPassword".to_owned(),
        AuthError::NoPasswordToProveBy => "client NoPasswordToProveBy".to_owned(),
        AuthError::UnknownPlugin { plugin } => named("UnknownPlugin", plugin),
        AuthError::UnexpectedPluginData { plugin } => named("UnexpectedPluginData", plugin),
        AuthError::UnprovenChannel { plugin } => named("UnprovenChannel", plugin),
        AuthError::PluginProvesNothing { plugin } => named("PluginProvesNothing", plugin),
        AuthError::ServerNotProven(why) => format!("client ServerNotProven {why:?}"),
        other => format!("{other:?}"),
    }
}

/// Whether `error` shows `password` as text or as a list of bytes.
pub(super) fn shows(error: &Error, password: &str) -> bool {
    let words = all_words(error);
    let bytes = format!("{:?}", password.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let escaped = password.escape_default().to_string();
    !password.is_empty()
        && (words.contains(password)
            || words.contains(&escaped)
            || password.len() > 1 && words.contains(bytes))
}

/// The connection was closed in place of an answer.
const LOST: &str = "lost";
