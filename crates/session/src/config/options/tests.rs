use super::*;
use crate::{Config, Pem};

fn config(options: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut all = Options::new(Config::builder(), Source::Url);
    for (name, value) in options {
        all.set(name, value)?;
    }
    all.finish()?.build()
}

#[test]
fn no_name_stands_for_two_options() {
    let mut names: Vec<_> = KNOWN
        .iter()
        .flat_map(table::Known::names)
        .map(plain)
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn names_are_compared_without_case_dash_and_underscore() {
    for name in ["ssl-ca", "ssl_ca", "sslCa", "SSLCA"] {
        let mut options = Options::new(Config::builder(), Source::Url);
        options.set(name, "/ca.pem").unwrap();
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
}

#[cfg(not(feature = "compression"))]
#[test]
fn compression_without_its_feature_is_an_error_that_names_it() {
    let error = config(&[("compression", "true")]).unwrap_err();
    let text = "`compression` needs the feature `compression` of the driver";
    assert_eq!(error.to_string(), text);
    assert!(config(&[("compression", "false")]).is_ok());
}
