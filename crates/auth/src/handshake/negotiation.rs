use otaria_codec::Capabilities;

use crate::{AuthError, LoginConfig};

/// What the connection can do: what `login` wants, and the login needs, of what is `offered`;
/// `ssl` is the capability of that name if TLS is to begin.
pub(super) fn negotiate(
    login: &LoginConfig,
    offered: Capabilities,
    ssl: Capabilities,
) -> Result<Capabilities, AuthError> {
    let database = when(login.database.is_some(), Capabilities::CONNECT_WITH_DB);
    let attributes = when(!login.attributes.is_empty(), Capabilities::CONNECT_ATTRS);
    for (name, needed) in [
        ("PROTOCOL_41", Capabilities::PROTOCOL_41),
        ("SECURE_CONNECTION", Capabilities::SECURE_CONNECTION),
        ("CONNECT_WITH_DB", database),
    ] {
        if !offered.contains(needed) {
            return Err(AuthError::UnsupportedServer { capability: name });
        }
    }
    let wanted = (login.capabilities - OF_THE_LOGIN) | ALWAYS | database | attributes | ssl;
    // Bit 0 says what the server is, and is to be repeated: clear, or MariaDB takes the client
    // for one of MySQL and ignores the extended capabilities.
    Ok(if offered.is_mariadb() {
        wanted & offered
    } else {
        let classic = Capabilities::from_words((wanted & offered).classic(), 0);
        classic | Capabilities::CLIENT_MYSQL
    })
}

const fn when(condition: bool, capability: Capabilities) -> Capabilities {
    if condition {
        capability
    } else {
        Capabilities::empty()
    }
}

/// What a login asks for whatever the configuration wants.
const ALWAYS: Capabilities = Capabilities::PROTOCOL_41
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);

/// What follows from the rest of the login. A server that finds `SSL` in a handshake response in
/// clear waits for TLS to begin.
const OF_THE_LOGIN: Capabilities = Capabilities::CLIENT_MYSQL
    .union(Capabilities::CONNECT_WITH_DB)
    .union(Capabilities::CONNECT_ATTRS)
    .union(Capabilities::SSL);

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: Capabilities = Capabilities::from_words(0x81ff_fffe, 0x3d);

    fn negotiated(login: &LoginConfig, offered: Capabilities) -> Capabilities {
        negotiate(login, offered, Capabilities::empty()).unwrap()
    }

    #[test]
    fn what_is_wanted_and_offered_is_negotiated() {
        let mut login = LoginConfig::new("user", "");
        login.capabilities = Capabilities::DEPRECATE_EOF | Capabilities::SESSION_TRACK;
        let offered = OFFERED - Capabilities::SESSION_TRACK;
        let wanted = ALWAYS | Capabilities::DEPRECATE_EOF;
        assert_eq!(negotiated(&login, offered), wanted);
    }

    #[test]
    fn nothing_unknown_is_negotiated() {
        let login = LoginConfig::new("user", "");
        assert_eq!(negotiated(&login, Capabilities::all()) & !ALWAYS, {
            Capabilities::CLIENT_MYSQL
        });
    }

    #[test]
    fn a_server_without_a_needed_capability_is_an_error_that_names_it() {
        let mut login = LoginConfig::new("user", "");
        login.database = Some("test".to_owned());
        for (capability, bit) in [
            ("PROTOCOL_41", Capabilities::PROTOCOL_41),
            ("SECURE_CONNECTION", Capabilities::SECURE_CONNECTION),
            ("CONNECT_WITH_DB", Capabilities::CONNECT_WITH_DB),
        ] {
            let error = negotiate(&login, OFFERED - bit, Capabilities::empty()).unwrap_err();
            assert_eq!(error, AuthError::UnsupportedServer { capability });
        }
    }

    #[test]
    fn bit_0_is_set_towards_mysql_and_clear_towards_mariadb() {
        let mut login = LoginConfig::new("user", "");
        login.capabilities = Capabilities::CLIENT_MYSQL;
        assert!(negotiated(&login, OFFERED).is_mariadb());
        assert!(!negotiated(&login, OFFERED | Capabilities::CLIENT_MYSQL).is_mariadb());
    }

    #[test]
    fn extended_capabilities_are_not_negotiated_with_mysql() {
        let mut login = LoginConfig::new("user", "");
        login.capabilities = Capabilities::MARIADB_CLIENT_CACHE_METADATA;
        assert_eq!(negotiated(&login, OFFERED).extended(), 0x10);
        let mysql = negotiated(&login, OFFERED | Capabilities::CLIENT_MYSQL);
        assert_eq!(mysql.extended(), 0);
    }

    #[test]
    fn database_and_attributes_have_their_bit_only_where_there_are_any() {
        let mut login = LoginConfig::new("user", "");
        let bits = Capabilities::CONNECT_WITH_DB | Capabilities::CONNECT_ATTRS;
        login.capabilities = bits;
        assert!(!negotiated(&login, OFFERED).intersects(bits));
        login.capabilities = Capabilities::empty();
        login.database = Some("test".to_owned());
        login.attributes = vec![("_client_name".to_owned(), "test".to_owned())];
        assert!(negotiated(&login, OFFERED).contains(bits));
    }

    #[test]
    fn ssl_is_negotiated_only_where_tls_begins_and_is_offered() {
        let ssl = Capabilities::SSL;
        let mut login = LoginConfig::new("user", "");
        login.capabilities = ssl;
        assert!(!negotiated(&login, OFFERED).contains(ssl));
        assert!(negotiate(&login, OFFERED, ssl).unwrap().contains(ssl));
        let without = negotiate(&login, OFFERED - ssl, ssl).unwrap();
        assert!(!without.contains(ssl));
    }
}
