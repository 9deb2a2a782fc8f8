use std::fmt::{self, Write};

/// Text of a server as it is shown to people, in one line: characters that command a terminal, end a
/// line, or show what follows from right to left are escaped, such as `\u{1b}`. `Display` of errors
/// does this by itself; for what a program prints else of what a server says, such as warnings:
///
/// ```
/// use otaria_codec::Printable;
///
/// assert_eq!(Printable("a\u{1b}[2J\nb").to_string(), r"a\u{1b}[2J\nb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(
    /// The text as it came.
    pub &'a str,
);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_shown(character) {
                f.write_char(character)
            } else {
                write!(f, "{}", character.escape_default())
            }
        })
    }
}

/// Whether it is shown, and does nothing else.
fn is_shown(character: char) -> bool {
    let ends_line = matches!(character, '\u{2028}' | '\u{2029}');
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !(character.is_control() || ends_line || turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is() {
        let text = "Unknown column 'größe' in 'field list' \\ 価格 🦭";
        assert_eq!(Printable(text).to_string(), text);
    }

    #[test]
    fn what_commands_a_terminal_or_ends_a_line_is_escaped() {
        let text = "\0\t\r\n\x1b]0;t\x07\x7f\u{9b}2J\u{2028}\u{202e}\u{2066}";
        let shown = r"\u{0}\t\r\n\u{1b}]0;t\u{7}\u{7f}\u{9b}2J\u{2028}\u{202e}\u{2066}";
        assert_eq!(Printable(text).to_string(), shown);
    }
}
