//! What must not get onto a terminal: passwords of URLs, and characters that command it.

use std::ffi::OsString;

/// `text` without the passwords of the URLs among the arguments `given`, which it may quote.
pub(crate) fn redacted(text: &str, given: &[OsString]) -> String {
    let given = given.iter().filter_map(|argument| argument.to_str());
    given
        .filter_map(password)
        .fold(text.to_owned(), |text, password| {
            text.replace(&format!(":{password}@"), ":…@")
        })
}

/// `text`, which a server may have sent, without the characters by which a terminal is commanded.
/// Line breaks stay.
pub(crate) fn without_controls(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => character,
        _ if commands_terminal(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    text.chars().map(shown).collect()
}

/// Whether a terminal would do something in place of showing it, such as to show what follows from
/// right to left, in another order than that of the data.
pub(crate) fn commands_terminal(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control()
}

/// The part of a URL, or of what was meant to be one, that may be a password: from the first colon
/// behind the scheme up to the last `@`.
fn password(argument: &str) -> Option<&str> {
    let (_, rest) = argument.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    let (_, password) = login.split_once(':')?;
    (!password.is_empty()).then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_not_repeated() {
        let given = [
            "otaria",
            "qeury",
            "mariadb://ada:s@cret@host/db",
            "SELECT 1",
        ];
        let given = given.map(OsString::from);
        let text = "unrecognized subcommand 'mariadb://ada:s@cret@host/db'";
        let expected = "unrecognized subcommand 'mariadb://ada:…@host/db'";
        assert_eq!(redacted(text, &given), expected);
    }

    #[test]
    fn what_commands_a_terminal_is_not_printed() {
        assert_eq!(
            without_controls("a\x1b[2J\nb\u{9b}\u{202e}c"),
            "a\u{fffd}[2J\nb\u{fffd}\u{fffd}c"
        );
    }

    #[test]
    fn arguments_without_a_password_change_nothing() {
        for url in ["mariadb://ada@host/db", "mariadb://ada:@host", "a@b", "://"] {
            let given = [OsString::from(url)];
            assert_eq!(redacted("a@b ://", &given), "a@b ://");
        }
    }
}
