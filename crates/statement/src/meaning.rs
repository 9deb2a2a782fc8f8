use crate::lexer::{Lexeme, Lexer};

/// Whether other SQL may mean something else behind `sql`: it may set `sql_mode`, `old_mode`, the
/// character set or the collation of literals, or what the server tells of changes
/// (`session_track_…`). `sql` is several statements where `several` says that the server takes them.
///
/// That is so of SET with such a variable's name in it, of EXECUTE, which may run one, and where it is
/// not certain what the statement is. Procedures, functions, blocks of statements and `SET STATEMENT`
/// can set it for themselves only: the server restores it behind them.
///
/// ```
/// use otaria_statement::may_change_meaning;
///
/// assert!(may_change_meaning("SET SESSION sql_mode = 'ANSI'", false));
/// assert!(!may_change_meaning("SET autocommit = 0", false));
/// assert!(!may_change_meaning("CALL sets_sql_mode()", false));
/// ```
pub fn may_change_meaning(sql: &str, several: bool) -> bool {
    let names_it = || VARIABLES.iter().any(|name| contains(sql, name));
    if several {
        return names_it() || contains(sql, "execute");
    }
    match Lexer::new(sql).lexeme() {
        Ok(Some(Lexeme::Word(word))) if word.eq_ignore_ascii_case("SET") => names_it(),
        Ok(Some(Lexeme::Word(word))) => word.eq_ignore_ascii_case("EXECUTE"),
        Ok(Some(_)) | Err(_) => names_it() || contains(sql, "execute"),
        Ok(None) => false,
    }
}

/// Whether the session may have another default database behind `sql`, which is several statements
/// where `several` says that the server takes them: that is so of USE, of EXECUTE, and where it is not
/// certain what the statement is. Procedures and functions cannot.
pub fn may_set_schema(sql: &str, several: bool) -> bool {
    let names_it = || contains(sql, "use") || contains(sql, "execute");
    if several {
        return names_it();
    }
    match Lexer::new(sql).lexeme() {
        Ok(Some(Lexeme::Word(word))) => {
            word.eq_ignore_ascii_case("USE") || word.eq_ignore_ascii_case("EXECUTE")
        }
        Ok(Some(_)) | Err(_) => names_it(),
        Ok(None) => false,
    }
}

/// Parts of the names of variables by which SQL is read, and of `SET NAMES` and `SET CHARACTER SET`.
const VARIABLES: [&str; 6] = [
    "sql_mode",
    "old_mode",
    "names",
    "char",
    "collation",
    "session_track",
];

/// Whether `word`, in ASCII, is a part of `sql` in any case.
fn contains(sql: &str, word: &str) -> bool {
    let mut windows = sql.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_and_what_may_be_one_may_set_the_default_database() {
        for sql in [
            "USE a",
            "  use a",
            "/* a */ USE a",
            "/*!50000 USE a */",
            "EXECUTE s",
            "(use)",
        ] {
            assert!(may_set_schema(sql, false), "{sql}");
        }
        for sql in [
            "",
            "SELECT 'use'",
            "INSERT INTO t VALUES ('use')",
            "CALL uses()",
        ] {
            assert!(!may_set_schema(sql, false), "{sql}");
        }
        assert!(may_set_schema("SELECT 1; use a", true));
        assert!(!may_set_schema("SELECT 1; SELECT 2", true));
    }

    #[test]
    fn set_with_the_variable_in_it_and_execute_may_set_it() {
        for sql in [
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
            "SET CHARACTER SET utf8mb3",
            "SET collation_connection = utf8mb4_bin",
            "set @@old_mode = ''",
            "SET sql_mode = ''",
            "set @@SQL_MODE = ?",
            "/* */ SET autocommit = 0, SESSION `sql_mode` = DEFAULT",
            "SET STATEMENT sql_mode = '' FOR SELECT 1",
            "EXECUTE s",
            "execute immediate ?",
            "/*!50000 SET sql_mode = '' */",
            "/*M! EXECUTE s */",
        ] {
            assert!(may_change_meaning(sql, false), "{sql}");
            assert!(may_change_meaning(sql, true), "{sql}");
        }
    }

    #[test]
    fn other_statements_leave_it_as_it_is() {
        for sql in [
            "",
            "SET autocommit = 0",
            "SELECT @@version",
            "(SELECT 1)",
            "CALL p()",
            "/*!50000 SELECT 1 */",
        ] {
            assert!(!may_change_meaning(sql, false), "{sql}");
            assert!(!may_change_meaning(sql, true), "{sql}");
        }
        assert!(!may_change_meaning("SELECT @@sql_mode", false));
    }

    #[test]
    fn one_of_several_statements_may_set_it() {
        for sql in ["SELECT 1; SET Sql_Mode = ''", "SELECT 1; EXECUTE s"] {
            assert!(may_change_meaning(sql, true), "{sql}");
        }
    }
}
