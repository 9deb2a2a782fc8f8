//! URLs: none panics, and none shows its password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_session::{Config, ConfigError};

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

const PASSWORD: &str = "correct-horse";
