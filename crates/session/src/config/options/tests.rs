use std::time::Duration;

use super::*;
use crate::{Config, HostOrder, Pem, Role};

fn config(options: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut all = Options::new(Config::builder(), Source::Url);
    for (name, value) in options {
        all.set(name, Some(value))?;
    }
    all.finish()?.build()
}

#[test]
fn no_name_stands_for_two_options() {
    let mut names: Vec<_> = table::known().flat_map(Known::names).map(plain).collect();
    let count = names.len();
    assert!(names.iter().all(|name| name.len() <= LONGEST_NAME));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn which_hosts_are_used_and_when_is_told_by_options() {
    let defaults = config(&[]).unwrap();
    assert_eq!(defaults.host_order(), HostOrder::InOrder);
    assert_eq!(defaults.role(), Role::Any);
    assert_eq!(defaults.host_cool_down(), Duration::from_secs(30));
    assert!(!defaults.permit_redirect());
    let config = config(&[
        ("host_order", "spread"),
        ("role", "writer"),
        ("host_cool_down", "5s"),
        ("permit_redirect", "true"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.host_order(), HostOrder::Spread);
    assert_eq!(config.role(), Role::Writer);
    assert_eq!(config.host_cool_down(), Duration::from_secs(5));
    assert!(config.permit_redirect());
}

#[test]
fn names_are_compared_without_case_dash_and_underscore() {
    for name in ["ssl-ca", "ssl_ca", "sslCa", "SSLCA"] {
        let mut options = Options::new(Config::builder(), Source::Url);
        options.set(name, Some("/ca.pem")).unwrap();
        assert_eq!(
            options.settings.tls.ca,
            Some(Pem::from("/ca.pem")),
            "{name}"
        );
    }
}

#[test]
fn modes_are_made_of_the_switches_of_other_drivers() {
    let tls = |options: &[_]| config(options).map(|config| config.ssl_mode());
    let needs_tls = |mode| {
        if cfg!(feature = "tls") {
            Ok(mode)
        } else {
            Err(ConfigError::FeatureNeeded {
                option: "ssl_mode",
                feature: "tls",
            })
        }
    };
    assert_eq!(tls(&[]), Ok(SslMode::Prefer));
    assert_eq!(tls(&[("require_ssl", "false")]), Ok(SslMode::Prefer));
    assert_eq!(tls(&[("ssl", "0")]), Ok(SslMode::Disable));
    assert_eq!(tls(&[("verify_ca", "false")]), Ok(SslMode::Prefer));
    let cases: [(&[_], _); 6] = [
        (&[("require_ssl", "true")], SslMode::VerifyFull),
        (&[("verify_identity", "true")], SslMode::VerifyFull),
        (
            &[("ssl", "1"), ("ssl_verify_server_cert", "0")],
            SslMode::Trust,
        ),
        (
            &[("require_ssl", "true"), ("verify_identity", "false")],
            SslMode::VerifyCa,
        ),
        (&[("ssl-mode", "VERIFY_IDENTITY")], SslMode::VerifyFull),
        (&[("tls", "skip-verify")], SslMode::Trust),
    ];
    for (options, mode) in cases {
        assert_eq!(tls(options), needs_tls(mode), "{options:?}");
    }
    for options in [
        [("require_ssl", "true"), ("ssl_mode", "disable")],
        [("require_ssl", "false"), ("verify_ca", "true")],
        [("tls", "true"), ("sslmode", "disable")],
    ] {
        assert!(
            matches!(tls(&options), Err(ConfigError::InvalidOption { .. })),
            "{options:?}"
        );
    }
}

#[cfg(feature = "compression")]
#[test]
fn a_level_or_threshold_compresses_unless_compression_is_off() {
    let compression = |options: &[_]| config(options).unwrap().compression();
    let expected = crate::Compression::default()
        .with_level(3)
        .with_threshold(2048);
    let both = [("compression_level", "3"), ("compression_threshold", "2K")];
    assert_eq!(compression(&both), Some(expected));
    assert_eq!(compression(&[both[0], ("compress", "false")]), None);
    assert!(config(&[("compression_level", "10")]).is_err());
    let zlib = config(&[("compression_algorithm", "zlib")]).unwrap();
    assert_eq!(zlib.compression(), Some(crate::Compression::default()));
    assert!(config(&[("compression_algorithm", "lz4")]).is_err());
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_is_an_algorithm_of_its_own_levels() {
    let by = |level| {
        [
            ("compression_algorithm", "zstd"),
            ("compression_level", level),
        ]
    };
    let expected = crate::Compression::default()
        .with_algorithm(crate::CompressionAlgorithm::Zstd)
        .with_level(22);
    assert_eq!(config(&by("22")).unwrap().compression(), Some(expected));
    assert!(config(&by("23")).is_err());
}

#[cfg(all(feature = "compression", not(feature = "zstd")))]
#[test]
fn zstd_without_its_feature_is_an_error_that_names_it() {
    let error = config(&[("compression_algorithm", "zstd")]).unwrap_err();
    assert!(error.to_string().contains("the feature `zstd`"), "{error}");
}

#[cfg(not(feature = "compression"))]
#[test]
fn compression_without_its_feature_is_an_error_that_names_it() {
    let error = config(&[("compression", "true")]).unwrap_err();
    let text = "`compression` needs the feature `compression` of the driver";
    assert_eq!(error.to_string(), text);
    assert!(config(&[("compression", "false")]).is_ok());
}

fn endpoints(options: &[(&str, Option<&str>)]) -> Result<Vec<String>, ConfigError> {
    let mut all = Options::new(Config::builder(), Source::File);
    for (name, value) in options {
        all.set(name, *value)?;
    }
    let config = all.finish()?.build()?;
    Ok(config.endpoints().iter().map(ToString::to_string).collect())
}

#[test]
fn a_socket_stands_for_localhost_unless_the_protocol_says_otherwise() {
    let (socket, port) = (("socket", Some("/s")), ("port", Some("3307")));
    let expect = |options: &[_], expected: &[&str]| {
        assert_eq!(endpoints(options).unwrap(), expected, "{options:?}");
    };
    expect(&[socket, port], &["/s"]);
    expect(&[("host", Some("localhost")), socket], &["/s"]);
    expect(&[socket, ("host", Some("a,b:1")), port], &["a:3307", "b:1"]);
    expect(
        &[socket, port, ("protocol", Some("TCP"))],
        &["localhost:3307"],
    );
    expect(
        &[socket, ("host", Some("a")), ("protocol", Some("socket"))],
        &["/s"],
    );
    assert!(endpoints(&[("protocol", Some("socket"))]).is_err());
    assert!(endpoints(&[("protocol", Some("pipe"))]).is_err());
}

#[test]
fn in_files_the_last_one_counts_and_a_name_alone_switches_on() {
    let set = |options: &[(&str, Option<&str>)]| {
        let mut all = Options::new(Config::builder(), Source::File);
        for (name, value) in options {
            all.set(name, *value)?;
        }
        all.finish()?.build()
    };
    let config = set(&[
        ("user", Some("a")),
        ("user", Some("b")),
        ("password", Some("")),
        ("local-infile", None),
        ("skip-tcp-nodelay", None),
        ("enable-multi-statements", None),
    ])
    .unwrap();
    assert_eq!(config.user(), "b");
    assert!(config.local_infile() && config.multi_statements() && !config.tcp_nodelay());
    for options in [
        [("user", None)],
        [("skip-user", None)],
        [("skip-tcp-nodelay", Some("1"))],
        [("skip", None)],
    ] {
        assert!(set(&options).is_err(), "{options:?}");
    }
}

#[test]
fn a_bare_number_that_could_be_milliseconds_is_refused() {
    let names = [
        "connectTimeout",
        "io_timeout",
        "call_timeout",
        "drain_timeout",
        "stop_timeout",
        "tcp_keepalive",
    ];
    for (name, source) in names
        .into_iter()
        .flat_map(|name| [(name, Source::Url), (name, Source::File)])
    {
        let set = |value| Options::new(Config::builder(), source).set(name, Some(value));
        for value in ["0", "999", "1000s", "3000ms", "20m"] {
            assert_eq!(set(value), Ok(()), "{name}={value}");
        }
        for value in ["1000", "3000", "18446744073709551615"] {
            let text = set(value).unwrap_err().to_string();
            assert!(text.ends_with(", as in 3s or 3000ms"), "{text}");
        }
    }
    let seconds = config(&[("max_statement_time", "3600")]).unwrap();
    let limit = Some(Duration::from_secs(3600));
    assert_eq!(seconds.max_statement_time(), limit);
}

#[test]
fn a_max_statement_time_of_0_is_no_limit_and_not_that_of_the_server() {
    let limit = |options: &[_]| config(options).unwrap().max_statement_time();
    let zero = Some(Duration::ZERO);
    assert_eq!(limit(&[("max_statement_time", "0")]), zero);
    assert_eq!(limit(&[("max_statement_time", "0ms")]), zero);
    assert_eq!(limit(&[]), None);
}

#[cfg(feature = "tls")]
#[test]
fn a_switch_that_wants_less_proof_counts_where_an_authority_is_named() {
    let fingerprint = "00".repeat(32);
    for proof in [("ssl_ca", "/ca.pem"), ("ssl_fp", fingerprint.as_str())] {
        let mode = |options: &[_]| config(options).unwrap().ssl_mode();
        assert_eq!(mode(&[proof]), SslMode::VerifyFull);
        assert_eq!(
            mode(&[proof, ("ssl_verify_server_cert", "0")]),
            SslMode::Trust
        );
        assert_eq!(
            mode(&[proof, ("verify_identity", "false")]),
            SslMode::VerifyCa
        );
        assert_eq!(
            mode(&[proof, ("ssl_verify_server_cert", "1")]),
            SslMode::VerifyFull
        );
    }
}

#[test]
fn what_may_be_a_secret_in_the_name_of_an_option_is_not_shown() {
    for name in [
        "password:secret",
        "pass wort",
        "p\u{e4}ss=secret",
        ":secret",
        "p\nx",
    ] {
        let mut options = Options::new(Config::builder(), Source::File);
        let error = options.set(name, Some("1")).unwrap_err();
        let text = format!("{error} {error:?}");
        for secret in ["secret", "wort", "ss=", "\n"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let mut options = Options::new(Config::builder(), Source::File);
    let error = options.set("password:secret", None).unwrap_err();
    let text = "unknown option `password\u{2026}`; did you mean `password`?";
    assert_eq!(error.to_string(), text);
    let error = options.set("sslcipher_x-1", None).unwrap_err();
    assert!(error.to_string().contains("`sslcipher_x-1`"), "{error}");
}

#[test]
fn an_empty_user_in_a_file_is_an_empty_user() {
    let mut options = Options::new(Config::builder().user("before"), Source::File);
    options.set("user", Some("")).unwrap();
    let config = options.finish().unwrap().build().unwrap();
    assert_eq!(config.user(), "");
    let mut options = Options::new(Config::builder(), Source::File);
    assert!(options.set("database", Some("")).is_err());
}
