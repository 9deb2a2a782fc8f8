use crate::lexer::{Lexeme, Lexer};

/// Whether the session may have another `sql_mode` behind `sql`, or tell less of what changes in it
/// (`session_track_…`). `sql` is several statements where `several` says that the server takes them.
///
/// That is so of SET with such a variable's name in it, of EXECUTE, which may run one, and where it is
/// not certain what the statement is. Procedures, functions, blocks of statements and `SET STATEMENT`
/// can set it for themselves only: the server restores it behind them.
///
/// ```
/// use otaria_statement::may_set_sql_mode;
///
/// assert!(may_set_sql_mode("SET SESSION sql_mode = 'ANSI'", false));
/// assert!(!may_set_sql_mode("SET autocommit = 0", false));
/// assert!(!may_set_sql_mode("CALL sets_sql_mode()", false));
/// ```
pub fn may_set_sql_mode(sql: &str, several: bool) -> bool {
    let names_it = || contains(sql, "sql_mode") || contains(sql, "session_track");
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
            "SET sql_mode = ''",
            "set @@SQL_MODE = ?",
            "/* */ SET autocommit = 0, SESSION `sql_mode` = DEFAULT",
            "SET STATEMENT sql_mode = '' FOR SELECT 1",
            "EXECUTE s",
            "execute immediate ?",
            "/*!50000 SET sql_mode = '' */",
            "/*M! EXECUTE s */",
        ] {
            assert!(may_set_sql_mode(sql, false), "{sql}");
            assert!(may_set_sql_mode(sql, true), "{sql}");
        }
    }

    #[test]
    fn other_statements_leave_it_as_it_is() {
        for sql in [
            "",
            "SET NAMES utf8mb4",
            "SELECT @@version",
            "(SELECT 1)",
            "CALL p()",
            "/*!50000 SELECT 1 */",
        ] {
            assert!(!may_set_sql_mode(sql, false), "{sql}");
            assert!(!may_set_sql_mode(sql, true), "{sql}");
        }
        assert!(!may_set_sql_mode("SELECT @@sql_mode", false));
    }

    #[test]
    fn one_of_several_statements_may_set_it() {
        for sql in ["SELECT 1; SET Sql_Mode = ''", "SELECT 1; EXECUTE s"] {
            assert!(may_set_sql_mode(sql, true), "{sql}");
        }
    }
}
