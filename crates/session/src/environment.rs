//! Configuration from environment variables.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::config::{Options, Source};
use crate::{Config, ConfigError};

impl Config {
    /// The configuration that the environment variables of the process give: see
    /// [`from_variables`](Self::from_variables).
    ///
    /// # Errors
    /// Those of [`from_variables`](Self::from_variables).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(std::env::vars_os())
    }

    /// The configuration that `variables` give: a URL in `MARIADB_URL`, `MYSQL_URL` or
    /// `DATABASE_URL`, the first that is there, or else single settings.
    ///
    /// | variable | option |
    /// |---|---|
    /// | `MARIADB_HOST` | `host` |
    /// | `MARIADB_TCP_PORT`, `MARIADB_PORT` | `port` |
    /// | `MARIADB_UNIX_PORT`, `MARIADB_SOCKET` | `socket` |
    /// | `MARIADB_USER` | `user` |
    /// | `MARIADB_PASSWORD`, `MARIADB_PWD` | `password` |
    /// | `MARIADB_DATABASE` | `database` |
    /// | `MARIADB_SSL_MODE`, `…_CA`, `…_CERT`, `…_KEY`, `…_FINGERPRINT`, `…_RESUMPTION` | `ssl_mode`, … |
    /// | `MARIADB_SSL`, `MARIADB_SSL_VERIFY_SERVER_CERT` | `ssl`, `ssl_verify_server_cert` |
    /// | `MARIADB_LOCAL_INFILE` | `local_infile` |
    /// | `MARIADB_CONNECT_TIMEOUT` | `connect_timeout` |
    ///
    /// Each may begin with `MYSQL_` as well. Of several names for one option, the first in this
    /// order counts. An empty variable is none, and so is a `…_PORT` that begins with
    /// `tcp://`, which container platforms set for a service of that name. Beside single settings any other variable that
    /// begins with `MARIADB_SSL` or `MYSQL_SSL` is an error, so that none that should protect the
    /// connection is passed over.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] names the variable that is wrong, and
    /// [`ConfigError::NoVariables`] says that there is none.
    pub fn from_variables<N, V>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = Variables::new(variables);
        for name in URLS {
            if let Some(url) = variables.find(name)? {
                return url.parse().map_err(|source| wrong(name.to_owned(), source));
            }
        }
        let mut options = Options::new(Self::builder(), Source::File);
        let mut is_given = false;
        for (option, names) in OPTIONS {
            if let Some((name, value)) = variables.find_any(names)? {
                let set = options.set(option, Some(value));
                set.map_err(|source| wrong(name, source))?;
                is_given = true;
            }
        }
        if is_given {
            variables.refuse_unknown_tls()?;
            options.finish()?.build()
        } else {
            Err(ConfigError::NoVariables)
        }
    }
}

/// Those that are of interest.
struct Variables {
    values: BTreeMap<String, OsString>,
}

impl Variables {
    fn new<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let values = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok()?;
            let value = value.into();
            let is_ours =
                name == DATABASE_URL || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            (is_ours && !value.is_empty()).then_some((name, value))
        });
        Self {
            values: values.collect(),
        }
    }

    /// Refuses what looks like an option of TLS and is none.
    fn refuse_unknown_tls(&self) -> Result<(), ConfigError> {
        let is_known = |ending| OPTIONS.iter().any(|(_, names)| names.contains(&ending));
        let unknown = self.values.keys().find_map(|name| {
            let ending = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
            let ending = ending.filter(|ending| ending.starts_with("SSL"))?;
            (!is_known(ending)).then_some((name, ending))
        });
        match unknown {
            Some((name, ending)) => Err(wrong(
                name.clone(),
                Options::unknown(&ending.to_ascii_lowercase()),
            )),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        let text = value.to_str();
        let text = text.ok_or_else(|| wrong(name.to_owned(), ConfigError::NotUtf8))?;
        Ok(Some(text))
    }

    /// The first variable that has one of the endings `names`, and its name.
    fn find_any(&self, names: &[&str]) -> Result<Option<(String, &str)>, ConfigError> {
        for prefix in PREFIXES {
            for name in names {
                let is_port = *name == "PORT";
                let name = format!("{prefix}{name}");
                if let Some(value) = self.find(&name)?
                    && !(is_port && value.starts_with(CONTAINER_LINK))
                {
                    return Ok(Some((name, value)));
                }
            }
        }
        Ok(None)
    }
}

fn wrong(name: String, source: ConfigError) -> ConfigError {
    ConfigError::Variable {
        name,
        source: Box::new(source),
    }
}

const DATABASE_URL: &str = "DATABASE_URL";
const URLS: [&str; 3] = ["MARIADB_URL", "MYSQL_URL", DATABASE_URL];
/// What container platforms set `MARIADB_PORT` to for a service named `mariadb`.
const CONTAINER_LINK: &str = "tcp://";
const PREFIXES: [&str; 2] = ["MARIADB_", "MYSQL_"];
const OPTIONS: &[(&str, &[&str])] = &[
    ("host", &["HOST"]),
    ("port", &["TCP_PORT", "PORT"]),
    ("socket", &["UNIX_PORT", "SOCKET"]),
    ("user", &["USER"]),
    ("password", &["PASSWORD", "PWD"]),
    ("database", &["DATABASE"]),
    ("local_infile", &["LOCAL_INFILE"]),
    ("ssl", &["SSL"]),
    ("ssl_verify_server_cert", &["SSL_VERIFY_SERVER_CERT"]),
    ("ssl_mode", &["SSL_MODE"]),
    ("ssl_ca", &["SSL_CA"]),
    ("ssl_cert", &["SSL_CERT"]),
    ("ssl_key", &["SSL_KEY"]),
    ("ssl_fingerprint", &["SSL_FINGERPRINT"]),
    ("ssl_resumption", &["SSL_RESUMPTION"]),
    ("connect_timeout", &["CONNECT_TIMEOUT"]),
];

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_variables(variables.iter().copied())
    }

    #[test]
    fn a_url_goes_before_single_settings() {
        let config = read(&[
            ("MARIADB_USER", "other"),
            ("DATABASE_URL", "postgres://x"),
            ("MARIADB_URL", "mariadb://u:secret@h/d"),
        ])
        .unwrap();
        assert_eq!((config.user(), config.database()), ("u", Some("d")));
    }

    #[test]
    fn single_settings_are_read_by_both_families_of_names() {
        let config = read(&[
            ("MYSQL_HOST", "not this"),
            ("MARIADB_HOST", "h"),
            ("MARIADB_PORT", "tcp://10.0.0.1:3306"),
            ("MARIADB_TCP_PORT", "3307"),
            ("MYSQL_PWD", "secret"),
            ("MYSQL_USER", "u"),
            ("MARIADB_ROOT_PASSWORD", "not this"),
            ("MARIADB_DATABASE", ""),
        ])
        .unwrap();
        assert_eq!(config.endpoint().to_string(), "h:3307");
        assert_eq!((config.user(), config.database()), ("u", None));
        assert_eq!(config.password().as_bytes(), b"secret");
    }

    #[test]
    fn an_error_names_the_variable_and_not_its_value() {
        let error = read(&[("MYSQL_PORT", "secret")]).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable MYSQL_PORT");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "`port` must be a number from 1 to 65535");
        let error = read(&[("DATABASE_URL", "postgres://u:secret@h")]).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn a_port_that_links_containers_is_passed_over() {
        let link = ("MARIADB_PORT", "tcp://10.0.0.1:3306");
        let port = |variables: &[_]| read(variables).unwrap().endpoint().to_string();
        assert_eq!(port(&[("MARIADB_HOST", "h"), link]), "h:3306");
        let other = ("MYSQL_PORT", "3307");
        assert_eq!(port(&[("MARIADB_HOST", "h"), link, other]), "h:3307");
        assert_eq!(read(&[link]).unwrap_err(), ConfigError::NoVariables);
        assert!(read(&[("MARIADB_TCP_PORT", "udp://x")]).is_err());
    }

    #[test]
    fn variables_that_look_like_options_of_tls_are_taken_or_refused() {
        let host = ("MARIADB_HOST", "h");
        let file = ("MYSQL_LOCAL_INFILE", "1");
        let off = ("MARIADB_SSL", "0");
        let resumption = ("MARIADB_SSL_RESUMPTION", "0");
        let config = read(&[host, off, file, resumption]).unwrap();
        assert_eq!(config.ssl_mode(), crate::SslMode::Disable);
        assert!(config.local_infile() && !config.ssl_resumption());
        #[cfg(feature = "tls")]
        for (name, mode) in [
            ("MARIADB_SSL", crate::SslMode::VerifyFull),
            ("MYSQL_SSL_VERIFY_SERVER_CERT", crate::SslMode::VerifyFull),
        ] {
            assert_eq!(read(&[host, (name, "1")]).unwrap().ssl_mode(), mode);
        }
        for name in ["MARIADB_SSL_CIPHER", "MYSQL_SSL_CRL", "MYSQL_SSLX"] {
            let error = read(&[host, (name, "secret")]).unwrap_err();
            let expected = format!("the environment variable {name}");
            assert_eq!(error.to_string(), expected);
            let source = error.source().unwrap().to_string();
            assert!(source.starts_with("unknown option `ssl"), "{source}");
        }
        assert!(read(&[host, ("MARIADB_SSL_CIPHER", "")]).is_ok());
    }

    #[test]
    fn no_variables_are_an_error() {
        let error = read(&[("PATH", "/bin"), ("MARIADB_ROOT_PASSWORD", "x")]).unwrap_err();
        assert_eq!(error, ConfigError::NoVariables);
    }

    #[cfg(unix)]
    #[test]
    fn a_password_that_is_not_utf_8_is_an_error_and_not_left_out() {
        use std::os::unix::ffi::OsStringExt;

        let value = OsString::from_vec(vec![0xff]);
        let error = Config::from_variables([("MARIADB_PASSWORD", value)]).unwrap_err();
        assert!(matches!(error, ConfigError::Variable { name, .. } if name == "MARIADB_PASSWORD"));
    }
}
