use std::fmt;
use std::time::Duration;

use otaria_auth::Password;

use crate::config::DEFAULT_PORT;
use crate::url::{decode, host, is_known, parse_url, query_pairs};
use crate::{Config, ConfigError, Endpoint, SslMode};

/// Where a server sends its clients, by the variable
/// [`redirect_url`](https://mariadb.com/docs/server/clients-and-utilities/connection-redirection-mechanism-in-the-mariadb-clientserver-protocol).
#[derive(Clone)]
pub struct Redirect {
    endpoint: Endpoint,
    user: Option<String>,
    password: Option<Password>,
    ttl: Duration,
}

impl Redirect {
    /// Reads `mariadb://user:password@host:port/?ttl=milliseconds`, of which all but the host may be
    /// left out. `None` for what does not name one host.
    pub fn parse(text: &str) -> Option<Self> {
        // The parser of URLs would drop them.
        if text.contains(char::is_control) {
            return None;
        }
        let url = parse_url(text).ok()?;
        if !is_known(url.scheme()) || url.fragment().is_some() {
            return None;
        }
        let host = host(&url).ok()??;
        let port = url.port().unwrap_or(DEFAULT_PORT);
        let user = decode(url.username()).ok()?;
        // Errors name them.
        if [&host, &user]
            .iter()
            .any(|name| name.contains(char::is_control))
        {
            return None;
        }
        if host.is_empty() || port == 0 {
            return None;
        }
        let password = url.password().map(decode).transpose().ok()?;
        let ttl = query_pairs(&url).find_map(|pair| match pair.ok()? {
            (name, value) if name.eq_ignore_ascii_case("ttl") => value.parse().ok(),
            _ => None,
        });
        Some(Self {
            endpoint: Endpoint::Tcp { host, port },
            user: (!user.is_empty()).then_some(user),
            password: password.map(Password::from),
            ttl: Duration::from_millis(ttl.unwrap_or(0)),
        })
    }

    /// The server to go to.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// For how long later connections may go there at once; zero if each is to ask again.
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Whether it leads to where the client is already.
    pub fn leads_to(&self, endpoint: &Endpoint) -> bool {
        match (&self.endpoint, endpoint) {
            (Endpoint::Tcp { host, port }, Endpoint::Tcp { host: at, port: on }) => {
                port == on && host.eq_ignore_ascii_case(at)
            }
            (there, here) => there == here,
        }
    }

    /// `config` for the server to go to, with the user who is named, if one is. That server has to
    /// prove itself: whoever sent the client there has.
    ///
    /// # Errors
    /// [`ConfigError::InvalidOption`] for a name that the protocol cannot carry.
    pub fn config(&self, config: &Config) -> Result<Config, ConfigError> {
        let mode = match config.ssl_mode() {
            SslMode::VerifyCa => SslMode::VerifyCa,
            _ => SslMode::VerifyFull,
        };
        let mut builder = config.to_builder().ssl_mode(mode);
        let settings = &mut builder.settings;
        settings.endpoints = vec![self.endpoint.clone()];
        if let Some(user) = &self.user {
            settings.user.clone_from(user);
            settings.authentication.credentials_provider = None;
            if let Some(password) = &self.password {
                settings.password = password.clone();
            }
        }
        if mode == config.ssl_mode() {
            config.remade(builder)
        } else {
            // What the TLS of the others shares is of another mode.
            builder.build()
        }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("endpoint", &self.endpoint)
            .field("user", &self.user)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>, u128)> {
        let redirect = Redirect::parse(text)?;
        let endpoint = redirect.endpoint().to_string();
        Some((endpoint, redirect.user.clone(), redirect.ttl().as_millis()))
    }

    #[test]
    fn a_host_is_enough_and_user_password_port_database_and_ttl_may_be_there() {
        let parsed = |endpoint: &str, user: Option<&str>, ttl| {
            Some((endpoint.to_owned(), user.map(str::to_owned), ttl))
        };
        for (text, expected) in [
            ("mariadb://b", parsed("b:3306", None, 0)),
            ("mysql://b:3307", parsed("b:3307", None, 0)),
            ("mariadb://b:3307/", parsed("b:3307", None, 0)),
            ("mariadb://[::1]:3307", parsed("[::1]:3307", None, 0)),
            (
                "mariadb://u%40x:p@b:3307/shop?ttl=1500",
                parsed("b:3307", Some("u@x"), 1500),
            ),
            ("mariadb://b/?a=1&TTL=9", parsed("b:3306", None, 9)),
            ("mariadb://b/?ttl=soon", parsed("b:3306", None, 0)),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn what_names_no_host_or_several_is_no_redirect() {
        for text in [
            "",
            "b:3307",
            "http://b",
            "mariadb:b",
            "mariadb://",
            "mariadb:///db",
            "mariadb://a,b",
            "mariadb://b:0",
            "mariadb://b:99999",
            "mariadb://b#c",
            "mariadb://b\t",
            "mariadb://b\n.evil",
            "mariadb://b%0a.evil",
            "mariadb://b%1b[2J",
            "mariadb://%00",
            "mariadb://u%0d:p@b",
            "mariadb://u:%ff@b",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn the_password_of_a_redirect_is_not_shown() {
        let redirect = Redirect::parse("mariadb://u:secret@b").unwrap();
        assert!(!format!("{redirect:?}").contains("secret"));
    }

    #[test]
    fn a_redirect_to_the_same_host_is_known_whatever_its_case() {
        let redirect = Redirect::parse("mariadb://DB.example.org").unwrap();
        let at = |host: &str, port| Endpoint::Tcp {
            host: host.to_owned(),
            port,
        };
        assert!(redirect.leads_to(&at("db.example.org", 3306)));
        assert!(!redirect.leads_to(&at("db.example.org", 3307)));
        assert!(!redirect.leads_to(&Endpoint::UnixSocket("/s".into())));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_server_to_go_to_has_to_prove_itself_whatever_the_first_one_had_to() {
        let mode = |mode| {
            let config = Config::builder().ssl_mode(mode).build().unwrap();
            let redirect = Redirect::parse("mariadb://b").unwrap();
            redirect.config(&config).unwrap().ssl_mode()
        };
        for weak in [SslMode::Prefer, SslMode::Trust, SslMode::VerifyFull] {
            assert_eq!(mode(weak), SslMode::VerifyFull);
        }
        assert_eq!(mode(SslMode::VerifyCa), SslMode::VerifyCa);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_user_of_a_redirect_goes_in_place_of_the_configured_one() {
        let config: Config = "mariadb://u:p@a/shop".parse().unwrap();
        let to = |text| Redirect::parse(text).unwrap().config(&config).unwrap();
        let kept = to("mariadb://b");
        assert_eq!((kept.user(), kept.database()), ("u", Some("shop")));
        let other = to("mariadb://v:q@b/other");
        assert_eq!((other.user(), other.database()), ("v", Some("shop")));
        assert_eq!(other.endpoints().len(), 1);
        assert_eq!(other.endpoint().to_string(), "b:3306");
    }
}
