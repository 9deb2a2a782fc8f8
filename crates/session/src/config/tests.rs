use super::*;

#[test]
fn debug_shows_no_password_and_no_sql() {
    let builder = Config::builder()
        .user("u")
        .password("hunter2")
        .init_command("SET @a='xyzzy'");
    for text in [
        format!("{builder:?}"),
        format!("{:?}", builder.clone().build().unwrap()),
    ] {
        assert!(
            !text.contains("hunter2") && !text.contains("xyzzy"),
            "{text}"
        );
    }
}

#[test]
fn a_nul_in_a_name_is_refused() {
    let error = Config::builder().user("a\0b").build().unwrap_err();
    assert_eq!(
        error,
        ConfigError::InvalidOption {
            option: "user",
            expected: "no NUL character"
        }
    );
}

#[test]
fn init_commands_keep_the_order_given() {
    let config = Config::builder()
        .init_command("a")
        .init_command("b")
        .build()
        .unwrap();
    assert_eq!(config.init_commands(), ["a", "b"]);
}

#[test]
fn too_long_attributes_are_refused() {
    let config = Config::builder().program_name("x".repeat(60_000)).build();
    assert!(matches!(
        config,
        Err(ConfigError::InvalidOption {
            option: "attribute",
            ..
        })
    ));
}

#[test]
fn host_port_and_socket_replace_each_other() {
    let config = Config::builder()
        .socket("/s")
        .host("h")
        .port(1)
        .build()
        .unwrap();
    assert_eq!(
        config.endpoint(),
        &Endpoint::Tcp {
            host: "h".to_owned(),
            port: 1
        }
    );
    let config = config.to_builder().socket("/s").build().unwrap();
    assert_eq!(config.endpoint(), &Endpoint::UnixSocket("/s".into()));
}

fn refused(builder: ConfigBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn what_contradicts_ssl_mode_disable_is_an_error() {
    let builder = Config::builder().ssl_mode(SslMode::Disable).ssl_ca("/ca");
    let text = "`ssl_ca` must be left out where ssl_mode is disable";
    assert_eq!(refused(builder), text);
}

#[cfg(feature = "tls")]
#[test]
fn a_named_authority_or_fingerprint_means_that_it_is_asked_for() {
    let fingerprint: Fingerprint = "ab".repeat(32).parse().unwrap();
    for builder in [
        Config::builder().ssl_ca("/ca"),
        Config::builder().ssl_fingerprint(fingerprint),
    ] {
        assert_eq!(builder.build().unwrap().ssl_mode(), SslMode::VerifyFull);
    }
    let builder = Config::builder().ssl_ca("/ca").ssl_mode(SslMode::Prefer);
    assert_eq!(builder.build().unwrap().ssl_mode(), SslMode::Prefer);
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_without_a_key_is_an_error() {
    let text = "`ssl_cert` must be given along with ssl_key";
    assert_eq!(refused(Config::builder().ssl_cert("/cert")), text);
    let text = "`ssl_key` must be given along with ssl_cert";
    assert_eq!(refused(Config::builder().ssl_key("/key")), text);
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_without_its_feature_is_an_error_that_names_it() {
    let text = "`ssl_mode` needs the feature `tls` of the driver";
    for mode in [SslMode::Trust, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(refused(Config::builder().ssl_mode(mode)), text);
    }
    assert!(Config::builder().ssl_mode(SslMode::Prefer).build().is_ok());
}

#[test]
fn a_restriction_to_unknown_plugins_is_an_error() {
    for names in [vec!["client_ed25519", "clientEd25519"], vec![]] {
        let text = refused(Config::builder().restrict_auth(names));
        assert!(text.starts_with("`restrict_auth` must be"), "{text}");
    }
    let builder = Config::builder().restrict_auth(["client_ed25519"]);
    let plugins = builder.build().unwrap().auth_plugins();
    assert!(plugins.find("client_ed25519").is_some());
    assert!(plugins.find("mysql_native_password").is_none());
}

#[test]
fn a_collation_of_another_character_set_is_an_error() {
    let text = refused(Config::builder().collation("latin1_swedish_ci"));
    assert!(text.starts_with("`collation` must be the name of a collation of utf8mb4"));
    let text = refused(Config::builder().time_zone("'; DROP"));
    assert!(text.starts_with("`time_zone` must be") && !text.contains("DROP"));
}

#[test]
fn several_endpoints_keep_the_order_given() {
    let builder = Config::builder()
        .add_host("a", 1)
        .add_socket("/s")
        .add_host("::1", 2);
    let shown: Vec<_> = builder
        .clone()
        .build()
        .unwrap()
        .endpoints()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown, ["a:1", "/s", "[::1]:2"]);
    let config = builder.host("b").build().unwrap();
    assert_eq!(config.endpoints().len(), 1);
    assert_eq!(config.endpoint().to_string(), "b:1");
    let config = Config::builder().build().unwrap();
    assert_eq!(config.endpoints(), [Endpoint::default()]);
}
