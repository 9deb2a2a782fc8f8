use otaria_codec::{ErrPacket, InvalidPacket, Printable};

use crate::Unproven;

/// Why a login failed. The connection cannot be used after it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The server refused the login.
    #[error("{} (error {code}{})", Printable(.message), sqlstate_suffix(*sqlstate))]
    Server {
        /// The server's error code, such as 1045.
        code: u16,
        /// The SQLSTATE; absent in an error that came in place of the greeting.
        sqlstate: Option<[u8; 5]>,
        /// The server's words.
        message: String,
    },
    /// The server refused the login, and had not proven who it is as it had to. It may have been
    /// somebody else.
    #[error(
        "{} (error {code}{}); the server has not proven who it is, so this may be \
         somebody else's answer",
        Printable(.message),
        sqlstate_suffix(*sqlstate)
    )]
    UnprovenServer {
        /// The error code that was sent.
        code: u16,
        /// The SQLSTATE that was sent.
        sqlstate: Option<[u8; 5]>,
        /// The words that were sent.
        message: String,
    },
    /// The server broke the protocol.
    #[error(transparent)]
    InvalidPacket(#[from] InvalidPacket),
    /// The server went on talking to a plugin that has nothing left to say.
    #[error("the server sent data to the authentication plugin {plugin}, which was done")]
    UnexpectedPluginData {
        /// The plugin's name.
        plugin: String,
    },
    /// The server sent a plugin too few bytes to answer.
    #[error("authentication plugin {plugin}: a scramble of {found} bytes, {expected} are needed")]
    ScrambleTooShort {
        /// The plugin's name.
        plugin: String,
        /// How many bytes the plugin needs.
        expected: usize,
        /// How many bytes came.
        found: usize,
    },
    /// The server went from plugin to plugin without an end.
    #[error("the server asked for more than {limit} authentication plugins")]
    TooManySwitches {
        /// How many were allowed.
        limit: usize,
    },
    /// The server sent authentication data without an end.
    #[error("the server sent more than {limit} packets of authentication data")]
    TooMuchPluginData {
        /// How many were allowed.
        limit: usize,
    },
    /// The login asks for TLS, and the server does not offer it, or somebody on the way has taken
    /// the offer out. Nothing was sent.
    #[error(
        "the server does not offer TLS, which the configuration requires: set up a certificate \
         on the server, or set ssl_mode to prefer"
    )]
    TlsNotOffered,
    /// The server has to prove by the password who it is, and there is none.
    #[error(
        "nothing proves who the server is: its certificate is not signed by a known CA, and \
         without a password it cannot prove itself; {WAYS_TO_PROVE}"
    )]
    NoPasswordToProveBy,
    /// The server has to prove by the password who it is, and asks for a plugin that cannot.
    #[error(
        "nothing proves who the server is: its certificate is not signed by a known CA, and \
         authentication plugin {plugin} proves nothing; {WAYS_TO_PROVE}, or change the \
         account's plugin"
    )]
    PluginProvesNothing {
        /// The plugin's name.
        plugin: String,
    },
    /// The server let the login in, and has not proven by the password who it is. Nothing that it
    /// has sent is to be believed.
    #[error(
        "nothing proves who the server is: its certificate is not signed by a known CA, and \
         {0}; {WAYS_TO_PROVE}"
    )]
    ServerNotProven(Unproven),
    /// The server is too old, or its greeting says so.
    #[error("the server does not offer {capability}, which is needed")]
    UnsupportedServer {
        /// The capability that is missing.
        capability: &'static str,
    },
    /// The account has a password hash from before MySQL 4.1, which anybody who listens can
    /// break.
    #[error(
        "the server asks for the password hash of before MySQL 4.1, which is not safe; \
         set the account's password again with old_passwords=0"
    )]
    OldPassword,
    /// The account is authenticated by a plugin that the client has not got, or not allowed.
    #[error(
        "authentication plugin {} is not known here, or not allowed: set clear_password for \
         dialog (PAM) and mysql_clear_password, add one of your own to the plugins of the \
         configuration, or ALTER USER … IDENTIFIED VIA ed25519 or mysql_native_password",
        Printable(.plugin)
    )]
    UnknownPlugin {
        /// The plugin's name.
        plugin: String,
    },
    /// The plugin sends the password so that whoever is at the other end can read it, and
    /// nothing proves that it is the server.
    #[error(
        "authentication plugin {plugin} would reveal the password to whoever is at the other end, \
         and nothing proves who that is; {WAYS_TO_PROVE}, or change the account's plugin"
    )]
    UnprovenChannel {
        /// The plugin's name.
        plugin: String,
    },
    /// The plugin takes the password over a Unix socket only encrypted with the server's public
    /// key.
    #[error(
        "authentication plugin {plugin} takes the password over a Unix socket only encrypted with \
         the server's public key; use TLS or allow the public key's retrieval, or change the \
         account's plugin"
    )]
    PublicKeyNeeded {
        /// The plugin's name.
        plugin: String,
    },
    /// What should be the server's public key is no RSA key of 2048 to 8192 bits in PEM.
    #[error(
        "the server's public key is not an RSA key of 2048 to 8192 bits under \
         -----BEGIN PUBLIC KEY-----"
    )]
    InvalidPublicKey,
    /// The password is too long to be encrypted with the server's public key.
    #[error("the password is too long for the server's public key, which takes {limit} bytes")]
    PasswordTooLong {
        /// The greatest length in bytes.
        limit: usize,
    },
    /// The server asks for a key that takes too long to derive.
    #[error(
        "authentication plugin parsec: the server asks for an iteration factor of {factor}, at \
         most {limit} is allowed"
    )]
    TooManyRounds {
        /// How many times the server wants 1024 rounds doubled.
        factor: u8,
        /// The greatest that is allowed.
        limit: u8,
    },
    /// The plugin's first response does not fit what the server can read.
    #[error("authentication plugin {plugin}: the server takes at most {limit} bytes in a login")]
    ResponseTooLong {
        /// The plugin's name.
        plugin: String,
        /// The greatest length in bytes.
        limit: usize,
    },
    /// A step of the handshake was taken that is not the one that is due.
    #[error("the handshake waits for {awaited}")]
    OutOfTurn {
        /// What is due.
        awaited: &'static str,
    },
    /// A name of the configuration, or a password that is sent as it is, holds a NUL, which would
    /// end it on the wire.
    #[error("the {field} holds a NUL character")]
    NulCharacter {
        /// Which name it is.
        field: &'static str,
    },
    /// The connection attributes of the configuration are longer than a server accepts.
    #[error("the connection attributes take {bytes} bytes, at most {limit} are allowed")]
    AttributesTooLong {
        /// Their length on the wire.
        bytes: usize,
        /// The greatest length in bytes.
        limit: usize,
    },
}

impl From<ErrPacket<'_>> for AuthError {
    fn from(packet: ErrPacket<'_>) -> Self {
        Self::Server {
            code: packet.code,
            sqlstate: packet.sqlstate,
            message: packet.message_lossy().into_owned(),
        }
    }
}

/// What a user can do where nothing proves who the server is.
const WAYS_TO_PROVE: &str = "give the CA of the server's certificate (ssl_mode=verify-full) or \
     the certificate's fingerprint, or connect over a Unix socket";

fn sqlstate_suffix(sqlstate: Option<[u8; 5]>) -> String {
    sqlstate.map_or_else(String::new, |sqlstate| {
        let sqlstate = String::from_utf8_lossy(&sqlstate);
        format!(", SQLSTATE {}", Printable(&sqlstate))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_error_shows_its_words_its_code_and_its_sqlstate() {
        let error = AuthError::from(ErrPacket::new(1045, *b"28000", "Access denied"));
        assert_eq!(
            error.to_string(),
            "Access denied (error 1045, SQLSTATE 28000)"
        );
    }

    #[test]
    fn words_and_names_of_a_server_command_no_terminal() {
        let error = AuthError::from(ErrPacket::new(1045, *b"\x1b[2J\n", "\x1b[31mno\n"));
        let shown = r"\u{1b}[31mno\n (error 1045, SQLSTATE \u{1b}[2J\n)";
        assert_eq!(error.to_string(), shown);
        let plugin = "\x1b[2J".to_owned();
        let shown = AuthError::UnknownPlugin { plugin }.to_string();
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn a_server_error_without_sqlstate_shows_none() {
        let error = AuthError::from(ErrPacket {
            code: 1040,
            sqlstate: None,
            message: b"Too many connections",
        });
        assert_eq!(error.to_string(), "Too many connections (error 1040)");
    }
}
