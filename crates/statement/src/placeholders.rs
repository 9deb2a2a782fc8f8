use otaria_codec::ServerStatus;

use crate::lexer::{Lexer, Token};

/// How many placeholders the server will find in `sql`, or `None` where that is not certain.
///
/// `status` is the server's latest: `NO_BACKSLASH_ESCAPES` and `ANSI_QUOTES` change where strings
/// end. The statement must reach the server as UTF-8, so `character_set_client` must be `utf8mb4`
/// or `utf8mb3`, and no command whose response is still due may change any of these.
///
/// `None` stands for executable comments (`/*!`, `/*M!`), for strings and comments that do not
/// end, for a `:` outside `:=` (a placeholder in `sql_mode=ORACLE`), for what servers read in
/// surprising ways, and for more than 65,535 placeholders, which no server takes. A number does
/// not mean that the statement is right.
///
/// ```
/// use otaria_codec::ServerStatus;
/// use otaria_statement::count_placeholders;
///
/// let sql = "SELECT 'why?', a /* ? */ FROM t WHERE b = ? AND c = ? -- ?";
/// assert_eq!(count_placeholders(sql, ServerStatus::AUTOCOMMIT), Some(2));
/// let sql = "SELECT ? /*!50000 , ? */";
/// assert_eq!(count_placeholders(sql, ServerStatus::AUTOCOMMIT), None);
/// ```
pub fn count_placeholders(sql: &str, status: ServerStatus) -> Option<u16> {
    let mut lexer = Lexer::new(sql, status);
    let mut count = 0_u16;
    loop {
        match lexer.next() {
            Ok(Some(Token::Placeholder { .. })) => count = count.checked_add(1)?,
            Ok(None) => return Some(count),
            Ok(Some(Token::Colon { .. })) | Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: ServerStatus = ServerStatus::AUTOCOMMIT;
    const NO_ESCAPES: ServerStatus = PLAIN.union(ServerStatus::NO_BACKSLASH_ESCAPES);
    const ANSI: ServerStatus = PLAIN.union(ServerStatus::ANSI_QUOTES);

    #[track_caller]
    fn counts(cases: &[(&str, Option<u16>)], status: ServerStatus) {
        for (sql, count) in cases {
            assert_eq!(count_placeholders(sql, status), *count, "{sql}");
        }
    }

    #[test]
    fn placeholders_are_counted() {
        counts(
            &[
                ("", Some(0)),
                ("?", Some(1)),
                ("SELECT 1", Some(0)),
                ("INSERT INTO t VALUES (?,?),(?, ?)", Some(4)),
                ("SELECT ?+?-?*?/?;", Some(5)),
                ("SELECT ?--?", Some(2)),
                ("SELECT @a := ?, \\N, 1.5e-3, 'é?' AS é", Some(1)),
            ],
            PLAIN,
        );
    }

    #[test]
    fn placeholders_in_executable_comments_never_a_wrong_count_but_unsure() {
        counts(
            &[
                ("SELECT ? /*!50000 , ? */", None),
                ("SELECT ? /*M!100000 ?*/", None),
                ("SELECT 1 /*! */", None),
                ("SELECT 1 /*M ? */", Some(0)),
                ("SELECT 1 /* ! ? */", Some(0)),
                ("SELECT '/*! ? */', ?", Some(1)),
                ("SELECT 1 -- /*! ? */\n, ?", Some(1)),
            ],
            PLAIN,
        );
    }

    #[test]
    fn placeholders_never_a_wrong_count_with_and_without_backslash_escapes() {
        // '\\', ?, '' has a placeholder either way; the others are one string, or not.
        counts(
            &[
                (r"SELECT '\\', ?, ''", Some(1)),
                (r"SELECT '\', ?, '", Some(0)),
                (r"SELECT '\'', ?", Some(1)),
                (r#"SELECT "\", ?, ""#, Some(0)),
                (r"SELECT '\', ?", None),
            ],
            PLAIN,
        );
        counts(
            &[
                (r"SELECT '\\', ?, ''", Some(1)),
                (r"SELECT '\', ?, ''", Some(1)),
                (r"SELECT '\'', ?", None),
                (r#"SELECT "\", ?, """#, Some(1)),
            ],
            NO_ESCAPES,
        );
    }

    #[test]
    fn placeholders_behind_two_dashes_count_unless_a_space_follows_never_a_wrong_count() {
        counts(
            &[
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
            ],
            PLAIN,
        );
    }

    #[test]
    fn placeholders_in_strings_names_and_comments_do_not_count() {
        counts(
            &[
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
            ],
            PLAIN,
        );
    }

    #[test]
    fn double_quotes_are_names_where_the_server_says_so() {
        let sql = r#"SELECT "\", ?, """#;
        assert_eq!(count_placeholders(sql, PLAIN), None);
        assert_eq!(count_placeholders(sql, ANSI), Some(1));
        let sql = r#"SELECT "a""?", '\'?'"#;
        assert_eq!(count_placeholders(sql, ANSI), Some(0));
    }

    #[test]
    fn what_does_not_end_is_unsure() {
        for sql in ["'", "\"", "`", "'\\'", "'''", "/*", "/*/", "/* *", "? '?"] {
            assert_eq!(count_placeholders(sql, PLAIN), None, "{sql}");
        }
    }

    #[test]
    fn colons_are_unsure_since_they_are_placeholders_of_sql_mode_oracle() {
        counts(
            &[
                ("SELECT :1, :a", None),
                ("SELECT ? : ?", None),
                ("SELECT ::", None),
                ("SELECT @a:=?", Some(1)),
                ("SELECT ':a', `:a` /* :a */", Some(0)),
            ],
            PLAIN,
        );
    }

    #[test]
    fn an_exponent_without_digits_is_unsure_since_it_may_take_what_follows_with_it() {
        counts(
            &[
                ("SELECT 1.5e-- ?\n, ?", None),
                ("SELECT .5E+-- ?", None),
                ("SELECT 1.e-- ?", None),
                ("SELECT 1.5e'?'", None),
                ("SELECT 1.5e-3-- ?", Some(0)),
                ("SELECT 1.5e3, 1e-- ?", Some(0)),
                ("SELECT t.e, t.e-?", Some(1)),
            ],
            PLAIN,
        );
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
            assert_eq!(count_placeholders(sql, PLAIN), None, "{sql}");
        }
        let hint = "SELECT /*+ MAX_EXECUTION_TIME(1000) */ ?";
        assert_eq!(count_placeholders(hint, PLAIN), Some(1));
    }

    #[test]
    fn placeholders_65_535_are_counted_and_65_536_are_not() {
        let most = "?,".repeat(65_535);
        assert_eq!(count_placeholders(&most, PLAIN), Some(65_535));
        assert_eq!(count_placeholders(&(most + "?"), PLAIN), None);
    }
}
