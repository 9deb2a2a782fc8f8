//! Configuration from a URL.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::config::{ConfigBuilder, DEFAULT_PORT, Options, Source};
use crate::{Config, ConfigError};

/// Reads `mariadb://user:password@host:port/database?option=value`.
pub(crate) fn parse(text: &str) -> Result<ConfigBuilder, ConfigError> {
    let url = Url::parse(text).map_err(|error| invalid(reason(error)))?;
    if !matches!(url.scheme(), "mariadb" | "mysql") {
        return Err(invalid("the scheme must be mariadb or mysql"));
    }
    if url.cannot_be_a_base() {
        return Err(invalid("// must follow the scheme"));
    }
    if url.fragment().is_some() {
        return Err(invalid("a # in it must be written as %23"));
    }
    let mut builder = Config::builder();
    if let Some(host) = url.host() {
        builder = builder.host(match host {
            Host::Domain(name) => decode(name)?,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        });
    }
    builder = builder
        .port(url.port().unwrap_or(DEFAULT_PORT))
        .user(decode(url.username())?);
    if let Some(password) = url.password() {
        builder = builder.password(decode(password)?);
    }
    let path = url.path().strip_prefix('/').unwrap_or_default();
    if path.contains('/') {
        return Err(invalid(
            "the path must be a database; a / in its name is written as %2F",
        ));
    }
    let database = decode(path)?;
    if !database.is_empty() {
        builder = builder.database(database);
    }
    let mut options = Options::new(builder, Source::Url);
    for pair in query_pairs(&url) {
        let (option, value) = pair?;
        options.set(&option, &value)?;
    }
    options.finish()
}

/// The options of the query. A plus sign is a plus sign: this is no HTML form.
fn query_pairs(url: &Url) -> impl Iterator<Item = Result<(String, String), ConfigError>> {
    let pairs = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (option, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(option)?, decode(value)?))
    })
}

fn decode(text: &str) -> Result<String, ConfigError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| invalid("what is percent-encoded must be UTF-8"))?;
    Ok(text.into_owned())
}

const fn invalid(reason: &'static str) -> ConfigError {
    ConfigError::InvalidUrl { reason }
}

const fn reason(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::InvalidPort => "the port is not a number up to 65535",
        url::ParseError::EmptyHost => "the host is missing",
        url::ParseError::RelativeUrlWithoutBase => "the scheme is missing",
        url::ParseError::InvalidIpv6Address => "the IPv6 address is invalid",
        _ => "the host is invalid",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Endpoint;

    fn config(url: &str) -> Config {
        url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn refused(url: &str) -> ConfigError {
        url.parse::<Config>().unwrap_err()
    }

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn a_full_url_sets_everything() {
        let config = config(
            "mariadb://ap%40p:s%2Fe%25c+ret@db.example.org:3307/my%20shop?connect_timeout=3s\
             &io_timeout=500ms&drain_timeout=1&tcp-keepalive=2m&TCP_NODELAY=false&found_rows=true\
             &init_command=SET%20@a=1&init_command=SET%20@b='x+y'&max_payload_bytes=2048\
             &program_name=shop",
        );
        assert_eq!(config.endpoint(), &tcp("db.example.org", 3307));
        assert_eq!(config.user(), "ap@p");
        assert_eq!(config.password().as_bytes(), b"s/e%c+ret");
        assert_eq!(config.database(), Some("my shop"));
        assert_eq!(config.connect_timeout(), Some(Duration::from_secs(3)));
        assert_eq!(config.io_timeout(), Some(Duration::from_millis(500)));
        assert_eq!(config.drain_timeout(), Duration::from_secs(1));
        assert_eq!(config.tcp_keepalive(), Some(Duration::from_secs(120)));
        assert!(!config.tcp_nodelay() && config.found_rows());
        assert_eq!(config.init_commands(), ["SET @a=1", "SET @b='x+y'"]);
        assert_eq!(config.max_payload_bytes(), 2048);
        let program = ("program_name".to_owned(), "shop".to_owned());
        assert!(config.attributes().contains(&program));
    }

    #[test]
    fn hosts_of_every_kind_are_read() {
        assert_eq!(
            config("mysql://u@127.0.0.1").endpoint(),
            &tcp("127.0.0.1", 3306)
        );
        assert_eq!(config("mysql://u@[::1]:33").endpoint(), &tcp("::1", 33));
        assert_eq!(config("mysql://u@h").endpoint().to_string(), "h:3306");
        let socket = Endpoint::UnixSocket("/run/my db.sock".into());
        assert_eq!(
            config("mariadb://u@localhost/?socket=/run/my%20db.sock").endpoint(),
            &socket
        );
        assert_eq!(
            config("mariadb://u@x/?unix_socket=/run/my%20db.sock").endpoint(),
            &socket
        );
    }

    #[test]
    fn zero_means_no_timeout() {
        let config = config("mariadb://h?connect_timeout=0&tcp_keepalive=0");
        assert_eq!(
            (config.connect_timeout(), config.tcp_keepalive()),
            (None, None)
        );
    }

    #[test]
    fn an_unknown_dsn_option_is_an_error_that_names_the_option_and_the_nearest_known_one() {
        let error = refused("mariadb://h/db?conect-timeout=3");
        assert_eq!(
            error.to_string(),
            "unknown option `conect-timeout`; did you mean `connect_timeout`?"
        );
        let error = refused("mariadb://h?sockt=/s");
        assert_eq!(
            error.to_string(),
            "unknown option `sockt`; did you mean `socket`?"
        );
        assert!(matches!(
            refused("mariadb://h?zzz=1"),
            ConfigError::UnknownOption { .. }
        ));
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_the_option_and_not_the_value() {
        let error = refused("mariadb://h?connect_timeout=soon");
        let text = "`connect_timeout` must be a duration such as 500ms, 10s or 2m";
        assert_eq!(error.to_string(), text);
        for url in [
            "mariadb://h?found_rows=maybe",
            "mariadb://h?max_payload_bytes=-1",
        ] {
            assert!(
                matches!(refused(url), ConfigError::InvalidOption { .. }),
                "{url}"
            );
        }
    }

    #[test]
    fn an_option_given_twice_or_without_a_value_is_an_error() {
        for url in [
            "mariadb://h?io_timeout=1&io_timeout=2",
            "mariadb://h?socket=/a&unix_socket=/b",
            "mariadb://h?socket=",
            "mariadb://h?init_command",
            "mariadb://h:0",
            "mariadb://h?tcp_keepalive=500ms",
            "mariadb://h?tcp_keepalive=40000",
        ] {
            assert!(
                matches!(refused(url), ConfigError::InvalidOption { .. }),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_url_is_an_error_without_the_text() {
        for url in [
            "",
            "secret",
            "postgres://u:secret@h",
            "mariadb:u:secret@h",
            "mariadb://u:secret@h/db/",
            "mariadb://u:secret@h//db",
            "mariadb://u:secret@h:99999",
            "mariadb://u:secret@[::zz]",
            "mariadb://u:sec#ret@h",
            "mariadb://u:secret%ff@h",
        ] {
            let error = refused(url);
            assert!(
                matches!(error, ConfigError::InvalidUrl { .. }),
                "{url}: {error}"
            );
            assert!(
                !format!("{error} {error:?}").contains("secret"),
                "{url}: {error}"
            );
        }
    }
}
