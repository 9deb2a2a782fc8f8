use std::fmt;

use otaria_codec::{ErrPacket, Printable};

/// What the server says about a command that it refused or ended.
#[derive(Clone, Eq, PartialEq)]
pub struct ServerError {
    code: u16,
    sqlstate: Option<[u8; 5]>,
    message: String,
}

impl ServerError {
    /// The server's [error code](https://mariadb.com/docs/server/reference/error-codes), such as
    /// 1062.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The SQLSTATE, such as `23000`; `None` in errors from before the login.
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate
            .as_ref()
            .and_then(|sqlstate| std::str::from_utf8(sqlstate).ok())
    }

    /// The server's words: any text, control characters included, which `Display` escapes. They may
    /// quote values of the statement: think before logging them.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<ErrPacket<'_>> for ServerError {
    fn from(packet: ErrPacket<'_>) -> Self {
        Self {
            code: packet.code,
            sqlstate: packet.sqlstate,
            message: packet.message_lossy().into_owned(),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, message) = (self.code, Printable(&self.message));
        match self.sqlstate().map(Printable) {
            Some(sqlstate) => write!(f, "error {code} ({sqlstate}): {message}"),
            None => write!(f, "error {code}: {message}"),
        }
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerError")
            .field("code", &self.code)
            .field("sqlstate", &self.sqlstate())
            .field("message", &self.message)
            .finish()
    }
}

impl std::error::Error for ServerError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_error_shows_no_character_that_commands_a_terminal() {
        let error = ServerError::from(ErrPacket::new(1064, *b"42\x1b[2", "near '\x1b[2J\n'"));
        let shown = r"error 1064 (42\u{1b}[2): near '\u{1b}[2J\n'";
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.message(), "near '\x1b[2J\n'");
        assert!(!format!("{error:?}").contains('\x1b'));
    }
}
