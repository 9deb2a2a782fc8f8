//! URLs, those of configurations and those by which a server sends its clients on: none panics, and
//! none shows its password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_session::{Config, ConfigError, Endpoint, Redirect, SslMode};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    check(&text);
    // The bytes as what follows the password.
    if !text.contains(PASSWORD) {
        let shown = check(&format!("mariadb://user:{PASSWORD}{text}"));
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
    // The bytes as one of several hosts: none gets lost, and no comma makes two of one.
    if !text.contains(['/', '?', '#', '@', ',']) {
        if let Ok(config) = format!("mariadb://a,{text}").parse::<Config>() {
            assert_eq!(config.endpoints().len(), 2, "{text}");
        }
        let alone = format!("mariadb://{text}").parse::<Config>();
        let listed = format!("mariadb://a,{text},b").parse::<Config>();
        // Alone, it may be left out, and spaces around a URL do not count.
        if !text.is_empty() && text.trim_matches(|character| character <= ' ') == text {
            assert_eq!(alone.is_ok(), listed.is_ok(), "{text}");
        }
        if let (Ok(alone), Ok(listed)) = (alone, listed) {
            assert_eq!(listed.endpoints().get(1), Some(alone.endpoint()));
        }
    }
    // The bytes as options.
    check(&format!("mariadb://user@host/database?{text}"));
    // The bytes as where a server sends its clients: the password makes no difference to what is seen.
    check_redirect(&text);
    let shown = |password| check_redirect(&format!("mariadb://user:{password}@{text}"));
    assert_eq!(shown(PASSWORD), shown("another"), "{text}");
});

fn check(url: &str) -> String {
    match url.parse::<Config>() {
        Ok(config) => {
            let shown = format!("{config:?} {:?}", config.endpoints());
            let again = config
                .to_builder()
                .build()
                .expect("a configuration that was built");
            assert_eq!(format!("{again:?} {:?}", again.endpoints()), shown);
            shown
        }
        Err(error) => {
            if let ConfigError::UnknownOption { option, nearest } = &error {
                assert_ne!(option.as_str(), *nearest);
            }
            format!("{error} {error:?}")
        }
    }
}

/// What leads anywhere leads to one host, and to a server that has to prove itself.
fn check_redirect(url: &str) -> String {
    let Some(redirect) = Redirect::parse(url) else {
        return String::new();
    };
    let Endpoint::Tcp { host, port } = redirect.endpoint() else {
        panic!("{url}: {:?}", redirect.endpoint());
    };
    assert!(!host.is_empty() && *port != 0, "{url}");
    assert!(!host.contains(char::is_control), "{url}");
    assert!(redirect.leads_to(redirect.endpoint()));
    let shown = format!("{redirect:?}");
    let from = Config::builder().build().expect("a configuration");
    match redirect.config(&from) {
        Ok(config) => {
            assert_eq!(config.endpoints(), [redirect.endpoint().clone()]);
            assert_eq!(config.ssl_mode(), SslMode::VerifyFull);
            assert!(!config.user().contains(char::is_control), "{url}");
            format!("{shown} {config:?}")
        }
        Err(error) => format!("{shown} {error} {error:?}"),
    }
}

const PASSWORD: &str = "correct-horse";
