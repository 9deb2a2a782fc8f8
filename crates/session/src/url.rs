//! Configuration from a URL.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::ConfigError;
use crate::config::{ConfigBuilder, DEFAULT_PORT, Options, Source};

/// Sets what `mariadb://user:password@host:port,host:port/database?option=value` says, over what is
/// in `builder`.
pub(crate) fn parse(text: &str, mut builder: ConfigBuilder) -> Result<ConfigBuilder, ConfigError> {
    // The parser of URLs would drop them, wherever they stand.
    if text.contains(['\t', '\n', '\r']) {
        return Err(invalid("a tab or line break in it must be percent-encoded"));
    }
    let split = split_hosts(text.trim_matches(|character| character <= ' '))?;
    let url = parse_url(&split.url)?;
    if !is_known(url.scheme()) {
        return Err(invalid("the scheme must be mariadb or mysql"));
    }
    if url.cannot_be_a_base() {
        return Err(invalid("// must follow the scheme"));
    }
    if url.fragment().is_some() {
        return Err(invalid("a # in it must be written as %23"));
    }
    let host = host(&url)?.filter(|host| !host.is_empty());
    let names_place = host.is_some() || url.port().is_some();
    if let Some(host) = host {
        builder = builder.host(host);
    }
    if names_place {
        builder = builder.port(url.port().unwrap_or(DEFAULT_PORT));
    }
    if !url.username().is_empty() {
        builder = builder.user(decode(url.username())?);
    }
    for (host, port) in split.further_hosts {
        builder = builder.add_host(host, port);
    }
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
        options.set(&option, Some(&value))?;
    }
    options.finish()
}

/// A URL with no more than one host, as parsers of URLs take it, and the hosts that followed.
struct Split<'a> {
    url: Cow<'a, str>,
    further_hosts: Vec<(String, u16)>,
}

/// Takes a list of hosts apart.
fn split_hosts(text: &str) -> Result<Split<'_>, ConfigError> {
    let mut split = Split {
        url: Cow::Borrowed(text),
        further_hosts: Vec::new(),
    };
    let Some((scheme, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| is_known(scheme))
    else {
        return Ok(split);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    // Behind a port, the parser of URLs takes it for the beginning of the path.
    if hosts.contains('\\') {
        return Err(invalid("a \\ behind a host must be a /"));
    }
    let mut hosts = hosts.split(',');
    let first = hosts.next().unwrap_or_default();
    for host in hosts {
        split.further_hosts.push(parse_host(host)?);
    }
    if !split.further_hosts.is_empty() {
        // Alone, it may be left out.
        if first.is_empty() {
            return Err(invalid(MISSING_HOST));
        }
        split.url = Cow::Owned(if login.is_empty() {
            format!("{scheme}://{first}{path}")
        } else {
            format!("{scheme}://{login}@{first}{path}")
        });
    }
    Ok(split)
}

pub(crate) fn is_known(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("mariadb") || scheme.eq_ignore_ascii_case("mysql")
}

/// One of a list of hosts, by the rules for one alone.
fn parse_host(text: &str) -> Result<(String, u16), ConfigError> {
    let url = parse_url(&format!("mariadb://{text}"))?;
    let host = host(&url)?.filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| invalid(MISSING_HOST))?;
    Ok((host, url.port().unwrap_or(DEFAULT_PORT)))
}

pub(crate) fn parse_url(text: &str) -> Result<Url, ConfigError> {
    Url::parse(text).map_err(|error| invalid(reason(error)))
}

pub(crate) fn host(url: &Url) -> Result<Option<String>, ConfigError> {
    let host = url.host().map(|host| match host {
        Host::Domain(name) if name.contains(',') => Err(invalid("the list of hosts is invalid")),
        Host::Domain(name) => decode(name),
        Host::Ipv4(address) => Ok(address.to_string()),
        Host::Ipv6(address) => Ok(address.to_string()),
    });
    host.transpose()
}

/// The options of the query. A plus sign is a plus sign: this is no HTML form.
pub(crate) fn query_pairs(
    url: &Url,
) -> impl Iterator<Item = Result<(String, String), ConfigError>> {
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

pub(crate) fn decode(text: &str) -> Result<String, ConfigError> {
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
        url::ParseError::EmptyHost => MISSING_HOST,
        url::ParseError::RelativeUrlWithoutBase => "the scheme is missing",
        url::ParseError::InvalidIpv6Address => "the IPv6 address is invalid",
        _ => "the host is invalid",
    }
}

const MISSING_HOST: &str = "a host is missing";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{CancelPolicy, Config, Endpoint};

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
    fn a_backslash_behind_a_host_is_an_error_that_says_so() {
        for hosts in [
            "h:1\\x",
            "h:1\\",
            "a,h:1\\x",
            "h:1\\x,b",
            "a,h:1\\x\0,b",
            "h\\x",
            "u@h:1\\x",
        ] {
            let error = refused(&format!("mariadb://{hosts}")).to_string();
            assert!(error.contains("a \\ behind a host"), "{hosts}: {error}");
        }
        let config = config("mariadb://u:p\\w@h/d\\b");
        assert_eq!(config.password().as_bytes(), b"p\\w");
        assert_eq!(config.database(), Some("d\\b"));
    }

    #[test]
    fn what_limits_a_call_is_read() {
        let config = config(
            "mariadb://u@h?call_timeout=30s&cancel_policy=drain&drain_bytes=64K&stop_timeout=2",
        );
        assert_eq!(config.call_timeout(), Some(Duration::from_secs(30)));
        assert_eq!(config.cancel_policy(), CancelPolicy::Drain);
        assert_eq!(config.drain_bytes(), Some(65_536));
        assert_eq!(config.stop_timeout(), Duration::from_secs(2));
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
    fn a_socket_in_place_of_several_hosts_is_an_error() {
        let text = "`socket` must be left out where several hosts are given";
        assert_eq!(refused("mariadb://a,b:3307/?socket=/s").to_string(), text);
        assert_eq!(config("mariadb://a:3307/?socket=/s").endpoints().len(), 1);
    }

    #[test]
    fn several_hosts_are_tried_in_the_order_given() {
        let config = config("mariadb://ap%40p:s,e,c@h1:3307,h%2d2,[::1]:3308,127.0.0.1/my,db");
        let hosts = [
            tcp("h1", 3307),
            tcp("h-2", 3306),
            tcp("::1", 3308),
            tcp("127.0.0.1", 3306),
        ];
        assert_eq!(config.endpoints(), hosts);
        assert_eq!(config.password().as_bytes(), b"s,e,c");
        assert_eq!((config.user(), config.database()), ("ap@p", Some("my,db")));
    }

    #[test]
    fn a_list_of_hosts_is_read_as_strictly_as_one_host() {
        for url in [
            "mariadb://a,",
            "mariadb://,a",
            "mariadb://u@a,,b",
            "mariadb://u@,",
            "mariadb://a,b:99999",
            "mariadb://a,b:x",
            "mariadb://a,[::zz]",
            "mariadb://a,[::1",
            "mariadb://a,b c",
            "mariadb://a,b%ff",
            "postgres://a,b",
            "mariadb:/\u{1}/a,b",
        ] {
            let error = refused(url);
            assert!(
                matches!(error, ConfigError::InvalidUrl { .. }),
                "{url}: {error}"
            );
        }
        let error = refused("mariadb://a,b:0");
        assert!(matches!(
            error,
            ConfigError::InvalidOption { option: "port", .. }
        ));
    }

    #[test]
    fn commas_elsewhere_make_no_list_of_hosts() {
        let config = config(" mariadb://h/d?init_command=SELECT%201,2&program_name=a://b,c ");
        assert_eq!(config.endpoints(), [tcp("h", 3306)]);
        assert_eq!(config.init_commands(), ["SELECT 1,2"]);
        let config = self::config("mariadb:/d?program_name=a://b,c");
        assert_eq!(config.endpoints(), [Endpoint::default()]);
    }

    #[test]
    fn options_may_have_the_names_of_other_drivers() {
        for url in [
            "mysql://h?client_found_rows=true",
            "mysql://h?clientFoundRows=true",
            "mysql://h?FOUND-ROWS=1",
        ] {
            assert!(config(url).found_rows(), "{url}");
        }
        let url = "mysql://h?timezone=%2B02:00&charset=utf8mb4&collation=utf8mb4_bin\
                   &connect-expired-password=true&enable_cleartext_plugin=true\
                   &zeroDateTimeBehavior=convertToNull&sslMode=DISABLED&max_allowed_packet=64M&localSocket=/s";
        let config = config(url);
        assert_eq!(config.time_zone(), Some("+02:00"));
        assert_eq!(config.zero_dates(), otaria_types::ZeroDates::Null);
        assert_eq!(config.collation(), Some("utf8mb4_bin"));
        assert!(config.expired_password() && config.clear_password());
        assert_eq!(config.ssl_mode(), crate::SslMode::Disable);
        assert_eq!(config.max_payload_bytes(), 64 << 20);
        assert_eq!(config.endpoint(), &Endpoint::UnixSocket("/s".into()));
    }

    #[test]
    fn the_public_key_of_a_server_needs_the_feature_for_it() {
        let url = "mysql://h?allowPublicKeyRetrieval=true";
        if cfg!(feature = "rsa") {
            assert!(config(url).public_key_retrieval());
        } else {
            let needed = ConfigError::FeatureNeeded {
                option: "public_key_retrieval",
                feature: "rsa",
            };
            assert_eq!(refused(url), needed);
        }
        let builder = Config::builder().server_public_key(crate::Pem::bytes(*b"secret"));
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("server_public_key"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn what_other_drivers_can_do_and_this_one_cannot_is_an_error() {
        for option in ["loc", "prefer_socket", "sslCrl", "tls_version"] {
            let url = format!("mysql://h?{option}=x");
            let error = refused(&url);
            assert!(matches!(error, ConfigError::UnknownOption { .. }), "{url}");
        }
        let error = refused("mysql://h?charset=latin1").to_string();
        assert!(
            error.starts_with("`charset` must be utf8mb4, for"),
            "{error}"
        );
        let error = refused("mysql://h?password=secret").to_string();
        let start = "`password` must be in front of the options";
        assert!(
            error.starts_with(start) && !error.contains("secret"),
            "{error}"
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
    fn a_url_goes_over_what_was_set_and_leaves_what_it_does_not_name() {
        let defaults = || {
            Config::builder()
                .socket("/run/sock")
                .user("app")
                .password("secret")
                .database("shop")
                .found_rows(true)
        };
        let over = |url| defaults().url(url).unwrap().build().unwrap();
        let config = over("mariadb://db.example.org?found_rows=false");
        assert_eq!(config.endpoints(), [tcp("db.example.org", 3306)]);
        assert_eq!((config.user(), config.database()), ("app", Some("shop")));
        assert_eq!(config.password().as_bytes(), b"secret");
        assert!(!config.found_rows());
        let config = over("mariadb://ada:other@a,b:3307/till");
        assert_eq!(config.endpoints(), [tcp("a", 3306), tcp("b", 3307)]);
        assert_eq!((config.user(), config.database()), ("ada", Some("till")));
        assert_eq!(config.password().as_bytes(), b"other");
        let without = Config::builder().url("mariadb://ada:@a").unwrap().build();
        assert!(config.has_password() && !without.unwrap().has_password());
        let config = over("mariadb:///till");
        let socket = Endpoint::UnixSocket("/run/sock".into());
        assert_eq!(config.endpoints(), [socket]);
        assert_eq!(config.database(), Some("till"));
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
            "mariadb://u:secret@h,[::zz]",
            "mariadb://u:secret\n@h",
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
