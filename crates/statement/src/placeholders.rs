use crate::PlaceholderError;
use crate::lexer::{Lexer, Token, Unclear, is_name_byte};

/// How many placeholders the server will find in `sql`, or `None` where that is not certain.
///
/// A number is so in every `sql_mode`: a server may read by another than its status says. The
/// statement must reach the server as UTF-8, so `character_set_client` must be `utf8mb4` or
/// `utf8mb3`, and no command whose response is still due may change that.
///
/// `None` stands for strings in which a quote follows a backslash, since it depends on
/// `NO_BACKSLASH_ESCAPES` and `ANSI_QUOTES` where these end (`''` is a quote in all modes), for a
/// `:` outside `:=` (a placeholder in `sql_mode=ORACLE`), for a `[` (a quote in `sql_mode=MSSQL`),
/// for executable comments (`/*!`, `/*M!`), for strings and comments that do not end, for what
/// servers read in surprising ways, and for more than 65,535 placeholders, which no server takes. A
/// number does not mean that the statement is right.
///
/// ```
/// use otaria_statement::count_placeholders;
///
/// let sql = "SELECT 'why?', a /* ? */ FROM t WHERE b = ? AND c = ? -- ?";
/// assert_eq!(count_placeholders(sql), Some(2));
/// let sql = "SELECT ? /*!50000 , ? */";
/// assert_eq!(count_placeholders(sql), None);
/// ```
pub fn count_placeholders(sql: &str) -> Option<u16> {
    let mut lexer = Lexer::new(sql);
    let mut count = 0_u16;
    loop {
        match lexer.next() {
            Ok(Some(Token::Placeholder { .. })) => count = count.checked_add(1)?,
            Ok(None) => return Some(count),
            Ok(Some(Token::Colon { .. })) | Err(_) => return None,
        }
    }
}

/// A `?` for which a value is put into a statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placeholder {
    /// Where it stands, in bytes.
    pub at: usize,
    /// Whether it is alone in the parentheses behind `IN`, so that a list may stand for it.
    /// Comments must not stand between these.
    pub takes_list: bool,
}

/// The placeholders of `sql`, in their order, in every `sql_mode`: see [`count_placeholders`]. Colons
/// are left alone.
///
/// # Errors
/// [`PlaceholderError::Unclear`] where it is not certain what is a placeholder,
/// [`PlaceholderError::TooMany`] if there are more than 65,535.
pub fn placeholders(sql: &str) -> Result<Vec<Placeholder>, PlaceholderError> {
    let mut lexer = Lexer::new(sql);
    let mut placeholders = Vec::new();
    while let Some(token) = lexer.next()? {
        let Token::Placeholder { at } = token else {
            continue;
        };
        if placeholders.len() >= usize::from(u16::MAX) {
            return Err(PlaceholderError::TooMany);
        }
        let before = sql.get(lexer.plain_from()..at).unwrap_or_default();
        let behind = sql.get(at + 1..).unwrap_or_default();
        let takes_list = opens_list(before) && behind.trim_ascii_start().starts_with(')');
        placeholders.push(Placeholder { at, takes_list });
    }
    Ok(placeholders)
}

/// Where the placeholders of `sql` stand, in bytes and in their order.
///
/// # Errors
/// Those of [`placeholders`].
///
/// ```
/// use otaria_statement::{PlaceholderError, placeholder_positions};
///
/// let sql = "SELECT '?', ? /* ? */ + ?";
/// let positions = placeholder_positions(sql);
/// assert_eq!(positions, Ok(vec![12, 24]));
/// let sql = "SELECT ? /*! , ? */";
/// let positions = placeholder_positions(sql);
/// assert_eq!(positions, Err(PlaceholderError::Unclear { at: 9 }));
/// ```
pub fn placeholder_positions(sql: &str) -> Result<Vec<usize>, PlaceholderError> {
    let placeholders = placeholders(sql)?;
    Ok(placeholders.into_iter().map(|found| found.at).collect())
}

impl From<Unclear> for PlaceholderError {
    fn from(unclear: Unclear) -> Self {
        Self::Unclear { at: unclear.at }
    }
}

/// Whether `before` ends with `IN (`.
fn opens_list(before: &str) -> bool {
    let inner = before.trim_ascii_end().strip_suffix('(');
    let Some((rest, word)) = inner.and_then(|outer| {
        let outer = outer.trim_ascii_end();
        outer.split_at_checked(outer.len().checked_sub(2)?)
    }) else {
        return false;
    };
    // Not the end of a longer name, and no variable, column or named parameter.
    let begins = |last: u8| !is_name_byte(last) && !matches!(last, b'.' | b'@' | b':');
    word.eq_ignore_ascii_case("in") && rest.bytes().last().is_none_or(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn counts(cases: &[(&str, Option<u16>)]) {
        for (sql, count) in cases {
            assert_eq!(count_placeholders(sql), *count, "{sql}");
        }
    }

    #[test]
    fn placeholders_are_counted() {
        counts(&[
            ("", Some(0)),
            ("?", Some(1)),
            ("SELECT 1", Some(0)),
            ("INSERT INTO t VALUES (?,?),(?, ?)", Some(4)),
            ("SELECT ?+?-?*?/?;", Some(5)),
            ("SELECT ?--?", Some(2)),
            ("SELECT @a := ?, \\N, 1.5e-3, 'é?' AS é", Some(1)),
        ]);
    }

    #[test]
    fn placeholders_in_executable_comments_never_a_wrong_count_but_unsure() {
        counts(&[
            ("SELECT ? /*!50000 , ? */", None),
            ("SELECT ? /*M!100000 ?*/", None),
            ("SELECT 1 /*! */", None),
            ("SELECT 1 /*M ? */", Some(0)),
            ("SELECT 1 /* ! ? */", Some(0)),
            ("SELECT '/*! ? */', ?", Some(1)),
            ("SELECT 1 -- /*! ? */\n, ?", Some(1)),
        ]);
    }

    #[test]
    fn placeholders_never_a_wrong_count_with_and_without_backslash_escapes() {
        // These are the same either way; in the others a string ends there, or does not.
        counts(&[
            (r"SELECT '\\', ?, ''", Some(1)),
            (r"SELECT 'a\\''?', ?, ''", Some(1)),
            (r#"SELECT 'C:\dir\?', '\n', '\%', '\"', '\é', ?"#, Some(1)),
            (r#"SELECT "\\", "\'?", `\`, ?"#, Some(1)),
            (r"SELECT '\', ?, '", None),
            (r"SELECT '\', ?, ''", None),
            (r"SELECT '\'', ?", None),
            (r"SELECT '\'''', ?", None),
            (r"SELECT '\\\', ?, '", None),
            (r"SELECT '\', ?", None),
            (r#"SELECT "\", ?, ""#, None),
            (r#"SELECT "\", ?, """#, None),
        ]);
    }

    #[test]
    fn placeholders_behind_two_dashes_count_unless_a_space_follows_never_a_wrong_count() {
        counts(&[
            ("SELECT 1 --?", Some(1)),
            ("SELECT 1 -- ?", Some(0)),
            ("SELECT 1 --\t?", Some(0)),
            ("SELECT 1 --\n?", Some(1)),
            ("SELECT 1 --\u{7f}?", Some(0)),
            ("SELECT 1 --\u{a0}?", Some(1)),
            ("SELECT 1 --- ?\n, ?", Some(1)),
            ("SELECT 1 ---?", Some(1)),
            ("SELECT ? --", Some(1)),
            ("SELECT 1 -- ?\r, ?\n, ?", Some(1)),
        ]);
    }

    #[test]
    fn placeholders_in_strings_names_and_comments_do_not_count() {
        counts(&[
            ("SELECT '?', \"?\", `?`", Some(0)),
            ("SELECT 'it''s ?', \"a\"\"?\", `a``?`, ?", Some(1)),
            ("SELECT '\"?', \"'?\", `'\"?\\`, ?", Some(1)),
            ("SELECT 1 # ?\n + ?", Some(1)),
            ("SELECT 1 # '\n + ?", Some(1)),
            ("SELECT /* ? ' /* */ ? /**/", Some(1)),
            ("SELECT 1 /*/ ? */", Some(0)),
            ("SELECT 2*/* ? */3 */ ?", Some(1)),
            (
                "SELECT N'?', x'3f', _utf8mb4'?', @'?', @`?`, @@`?`",
                Some(0),
            ),
        ]);
    }

    #[test]
    fn double_quotes_end_in_the_same_place_whatever_they_enclose() {
        counts(&[
            (r#"SELECT "?", "a""?", '"', ?"#, Some(1)),
            (r#"SELECT "it's ?", "\\""?", ?"#, Some(1)),
            (r#"SELECT "a\"?", ?"#, None),
        ]);
    }

    #[test]
    fn brackets_are_unsure_since_they_quote_names_in_sql_mode_mssql() {
        counts(&[
            ("SELECT 1 AS [?]", None),
            ("SELECT [it's], ?, '", None),
            ("SELECT '[', \"[\", `[` /* [ */, ?", Some(1)),
        ]);
    }

    #[test]
    fn what_does_not_end_is_unsure() {
        for sql in ["'", "\"", "`", "'\\'", "'''", "/*", "/*/", "/* *", "? '?"] {
            assert_eq!(count_placeholders(sql), None, "{sql}");
        }
    }

    #[test]
    fn colons_are_unsure_since_they_are_placeholders_of_sql_mode_oracle() {
        counts(&[
            ("SELECT :1, :a", None),
            ("SELECT ? : ?", None),
            ("SELECT ::", None),
            ("SELECT @a:=?", Some(1)),
            ("SELECT ':a', `:a` /* :a */", Some(0)),
        ]);
    }

    #[test]
    fn an_exponent_without_digits_is_unsure_since_it_may_take_what_follows_with_it() {
        counts(&[
            ("SELECT 1.5e-- ?\n, ?", None),
            ("SELECT .5E+-- ?", None),
            ("SELECT 1.e-- ?", None),
            ("SELECT 1.5e'?'", None),
            ("SELECT 1.5e-3-- ?", Some(0)),
            ("SELECT 1.5e3, 1e-- ?", Some(0)),
            ("SELECT t.e, t.e-?", Some(1)),
        ]);
    }

    #[test]
    fn what_servers_read_in_other_ways_is_unsure() {
        for sql in [
            "SELECT ?a",
            "SELECT ?1",
            "SELECT ?é",
            "SELECT 1\0, ?",
            "SELECT 1 # \0 ?",
            "SELECT \\'?'",
            "SELECT /*+ QB_NAME('*/ ?') */ 1",
        ] {
            assert_eq!(count_placeholders(sql), None, "{sql}");
        }
        let hint = "SELECT /*+ MAX_EXECUTION_TIME(1000) */ ?";
        assert_eq!(count_placeholders(hint), Some(1));
    }

    #[test]
    fn placeholders_65_535_are_counted_and_65_536_are_not() {
        let most = "?,".repeat(65_535);
        assert_eq!(count_placeholders(&most), Some(65_535));
        assert_eq!(count_placeholders(&(most + "?")), None);
    }

    #[track_caller]
    fn positions(sql: &str) -> Vec<usize> {
        placeholder_positions(sql).unwrap()
    }

    #[track_caller]
    fn take_lists(sql: &str) -> Vec<bool> {
        let found = placeholders(sql).unwrap();
        found.into_iter().map(|found| found.takes_list).collect()
    }

    #[test]
    fn positions_are_those_of_question_marks_outside_strings_and_comments() {
        assert_eq!(positions(""), []);
        assert_eq!(positions("?"), [0]);
        assert_eq!(positions("SELECT 'é?', `?`, ? -- ?\n , ?"), [19, 29]);
        assert_eq!(positions("SELECT a::b, :c, ?, x:LOOP"), [17]);
        assert_eq!(positions(r"SELECT '\\', ?, '', ?"), [13, 20]);
    }

    #[test]
    fn positions_are_an_error_where_it_is_not_certain_what_is_a_placeholder() {
        for (sql, at) in [
            ("SELECT ? /*! ? */", 9),
            ("SELECT ?, '?", 10),
            ("SELECT ?a", 7),
            ("SELECT /* ?", 7),
            (r"SELECT '\', ?, '', ?", 7),
            ("SELECT ?, [?]", 10),
        ] {
            let expected = Err(PlaceholderError::Unclear { at });
            assert_eq!(placeholder_positions(sql), expected, "{sql}");
        }
        let most = "?,".repeat(65_535);
        assert_eq!(positions(&most).len(), 65_535);
        assert_eq!(
            placeholder_positions(&(most + "?")),
            Err(PlaceholderError::TooMany)
        );
    }

    #[test]
    fn a_list_may_stand_alone_in_the_parentheses_behind_in() {
        let sql = "a IN (?) AND (b) in(?)OR c NOT\nIn\t( ?\n)";
        assert_eq!(take_lists(sql), [true; 3]);
        assert_eq!(take_lists("IN (?)"), [true]);
        assert_eq!(take_lists("'a'IN (?)"), [true]);
        assert_eq!(take_lists("/* */IN (?)"), [true]);
    }

    #[test]
    fn a_list_may_not_stand_elsewhere() {
        for sql in [
            "?",
            "(?)",
            "a = ?",
            "VALUES (?)",
            "a IN (1, ?)",
            "a IN (?, 1)",
            "a IN (?",
            "a IN ((?))",
            "a IN ?",
            "f(?)",
            "MIN(?)",
            "`in`(?)",
            "t.in(?)",
            "@in (?)",
            "éin (?)",
            "a IN /* */ (?)",
            "a -- IN (\n?)",
            "a /* IN (*/ ?)",
            "'IN ('?)",
        ] {
            assert_eq!(take_lists(sql), [false], "{sql}");
        }
        assert_eq!(take_lists("a IN (?, ?)"), [false; 2]);
    }
}
