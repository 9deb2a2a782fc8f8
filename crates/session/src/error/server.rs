use std::fmt;

use otaria_codec::ErrPacket;

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

    /// The server's words. They may quote values of the statement: think before logging them.
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
        match self.sqlstate() {
            Some(sqlstate) => write!(f, "error {} ({sqlstate}): {}", self.code, self.message),
            None => write!(f, "error {}: {}", self.code, self.message),
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
