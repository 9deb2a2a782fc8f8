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
    // The bytes as options.
    check(&format!("mariadb://user@host/database?{text}"));
});

fn check(url: &str) -> String {
    match url.parse::<Config>() {
        Ok(config) => {
            let shown = format!("{config:?} {}", config.endpoint());
            let again = config
                .to_builder()
                .build()
                .expect("a configuration that was built");
            assert_eq!(format!("{again:?} {}", again.endpoint()), shown);
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
