use otaria_codec::Capabilities;

use crate::{AuthError, Password, PluginRegistry, attributes};

/// Who logs in, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginConfig {
    /// The user's name.
    pub user: String,
    /// The user's password; empty for none.
    pub password: Password,
    /// The database to begin in.
    pub database: Option<String>,
    /// What the client wants of the connection, in as far as the server offers it.
    ///
    /// The bits that the login itself needs are set and cleared as it needs them: those of the
    /// protocol's version and of authentication, `CONNECT_WITH_DB`, `CONNECT_ATTRS`, `SSL` and
    /// `CLIENT_MYSQL`.
    pub capabilities: Capabilities,
    /// The id of a collation, which selects the connection's character set. Ids above 255
    /// cannot be sent.
    pub collation: u8,
    /// What the client tells of itself, such as `_client_name`.
    pub attributes: Vec<(String, String)>,
    /// The plugins that the client is willing to run.
    pub plugins: PluginRegistry,
    /// How many times the server may ask for another plugin. An account may have several, of
    /// which one has to succeed.
    pub max_auth_switches: usize,
    /// Whether the login asks for TLS.
    pub tls: TlsRequest,
    /// The level at which the server is to compress by zstd, from 1 to 22, where the capabilities
    /// ask for that.
    pub zstd_level: u8,
}

/// Whether a login asks the server for TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TlsRequest {
    /// It does not.
    #[default]
    Never,
    /// It does if the server offers TLS, and goes on in clear if not. Whoever can change what the
    /// server sends can take the offer out.
    IfOffered,
    /// It does, and fails if the server offers none.
    Required,
}

impl LoginConfig {
    /// A login without database, attributes and wanted capabilities, with the built-in plugins,
    /// in `utf8mb4`, that does not ask for TLS.
    pub fn new(user: impl Into<String>, password: impl Into<Password>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            database: None,
            capabilities: Capabilities::empty(),
            collation: UTF8MB4_GENERAL_CI,
            attributes: Vec::new(),
            plugins: PluginRegistry::default(),
            max_auth_switches: MAX_AUTH_SWITCHES,
            tls: TlsRequest::Never,
            zstd_level: ZSTD_LEVEL,
        }
    }

    /// Checks what can be checked without a server. The handshake does so too, before it sends
    /// anything.
    ///
    /// # Errors
    /// [`AuthError::NulCharacter`] and [`AuthError::AttributesTooLong`].
    pub fn check(&self) -> Result<(), AuthError> {
        let database = self.database.as_deref().unwrap_or_default();
        for (field, name) in [
            ("user name", self.user.as_str()),
            ("database name", database),
        ] {
            if name.contains('\0') {
                return Err(AuthError::NulCharacter { field });
            }
        }
        attributes::check(&self.attributes)
    }
}

/// The compiled default of servers, and in every version one of `utf8mb4`.
const UTF8MB4_GENERAL_CI: u8 = 45;

/// What MySQL takes by default.
const ZSTD_LEVEL: u8 = 3;

/// Accounts with more than three plugins are unheard of.
const MAX_AUTH_SWITCHES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_a_name_is_refused() {
        let mut login = LoginConfig::new("a\0b", "");
        let refused = |field| Err(AuthError::NulCharacter { field });
        assert_eq!(login.check(), refused("user name"));
        "ab".clone_into(&mut login.user);
        login.database = Some("a\0".to_owned());
        assert_eq!(login.check(), refused("database name"));
        login.database = Some("a".to_owned());
        assert_eq!(login.check(), Ok(()));
    }

    #[test]
    fn a_login_does_not_show_its_password() {
        let login = LoginConfig::new("ab", "secret");
        assert!(!format!("{login:?}").contains("secret"));
    }
}
