//! One line of an option file.

/// What a line says.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Line<'a> {
    /// Nothing, or a comment.
    Empty,
    /// `[group]`
    Group(&'a str),
    /// `name` or `name = value`, the value without its quotes and escapes.
    Option {
        name: &'a str,
        value: Option<String>,
    },
    /// `!include file`
    Include(&'a str),
    /// `!includedir directory`
    IncludeDir(&'a str),
}

/// Reads a line, or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Line<'_>, &'static str> {
    let text = text.trim();
    if text.is_empty() || text.starts_with(['#', ';']) {
        return Ok(Line::Empty);
    }
    if let Some(directive) = text.strip_prefix('!') {
        return parse_directive(directive);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (group, _) = rest.split_once(']').ok_or("a ] is missing")?;
        return Ok(Line::Group(group.trim()));
    }
    let text = without_comment(text);
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (
            name.trim_end(),
            Some(unescaped(without_quotes(value.trim()))),
        ),
        None => (text.trim_end(), None),
    };
    if name.is_empty() {
        return Err("the name of the option is missing");
    }
    // What follows the space may be a secret, which no error may take for a name.
    if name.contains(char::is_whitespace) {
        return Err("an = is missing between the name of an option and its value");
    }
    Ok(Line::Option { name, value })
}

fn parse_directive(text: &str) -> Result<Line<'_>, &'static str> {
    let (directive, path) = text
        .trim_start()
        .split_once(char::is_whitespace)
        .ok_or("a ! must be followed by include or includedir, and a path")?;
    match directive {
        "include" => Ok(Line::Include(path.trim())),
        "includedir" => Ok(Line::IncludeDir(path.trim())),
        _ => Err("a ! must be followed by include or includedir, and a path"),
    }
}

/// Cuts off what follows a # outside quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut is_escaped = false;
    for (index, character) in text.char_indices() {
        match (character, quote) {
            ('\'' | '"', None) => quote = Some(character),
            ('\'' | '"', Some(open)) if open == character && !is_escaped => quote = None,
            ('#', None) => return text.get(..index).unwrap_or(text),
            _ => {}
        }
        is_escaped = quote.is_some() && character == '\\' && !is_escaped;
    }
    text
}

/// Takes off quotes that enclose all of the value.
fn without_quotes(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// Replaces escapes. A backslash before anything else is one.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('s') => text.push(' '),
            Some(escaped @ ('"' | '\'' | '\\')) => text.push(escaped),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        match parse(text) {
            Ok(Line::Option {
                name: "x",
                value: Some(value),
            }) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for text in ["", "  ", "# x=1", ";x=1", "\t#"] {
            assert_eq!(parse(text), Ok(Line::Empty), "{text}");
        }
    }

    #[test]
    fn values_are_read_as_mariadb_reads_them() {
        for (text, expected) in [
            ("x=1", "1"),
            ("  x  =  a b  ", "a b"),
            ("x=", ""),
            ("x=a=b", "a=b"),
            ("x='a'", "a"),
            ("x=\" a \"", " a "),
            ("x='a\"", "'a\""),
            ("x='", "'"),
            ("x=a # comment", "a"),
            ("x=a#b", "a"),
            ("x='a#b'", "a#b"),
            ("x='a#b' # c", "a#b"),
            ("x=\"a\\\"#b\"", "a\"#b"),
            ("x=a;b", "a;b"),
            ("x=a\\nb\\tc\\sd\\\\e\\qf", "a\nb\tc d\\e\\qf"),
            ("x=a\\", "a\\"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        let name_alone = Line::Option {
            name: "x",
            value: None,
        };
        assert_eq!(parse(" x # c"), Ok(name_alone));
    }

    #[test]
    fn groups_and_directives_are_read() {
        assert_eq!(parse("[client]"), Ok(Line::Group("client")));
        assert_eq!(parse(" [ my group ] # c"), Ok(Line::Group("my group")));
        assert_eq!(parse("!include /a b.cnf "), Ok(Line::Include("/a b.cnf")));
        assert_eq!(parse("! includedir\t/d"), Ok(Line::IncludeDir("/d")));
        for text in [
            "[client",
            "!include",
            "!includes x",
            "!",
            "=x",
            "x y",
            "x y=z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
