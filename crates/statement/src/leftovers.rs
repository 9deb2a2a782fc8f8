use crate::StatementKind;
use crate::lexer::{Lexeme, Lexer};

/// What may stay behind in the session of which the server says nothing, even if it tracks changes of
/// the session's state (`session_track_state_change`, `session_track_transaction_info`).
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Leftovers {
    /// Nothing that it could see.
    #[default]
    None,
    /// Something if the statement fails halfway: MariaDB 10.11 and 11.8 tell of what a procedure has
    /// set before its error behind one of the next statements, or not at all.
    IfRefused,
    /// Something: a lock, a user variable, the next transaction's isolation level.
    Some,
    /// Something that `COM_RESET_CONNECTION` does not take away: another role.
    Lasting,
}

impl Leftovers {
    /// What `sql` may leave behind: locks of `GET_LOCK`, `FLUSH`, `BACKUP` and `HANDLER`, variables
    /// set by `:=`, `INTO @…` and OUT parameters, temporary tables (of `CREATE … AS SELECT` nothing is told), what `SET TRANSACTION` says, and that the server is told to tell
    /// less (`session_track_…`).
    ///
    /// What functions, procedures and triggers do inside is not seen, nor is what a statement that is
    /// prepared in SQL does.
    ///
    /// ```
    /// use otaria_statement::Leftovers;
    ///
    /// assert_eq!(Leftovers::of("SELECT GET_LOCK('a', 1)"), Leftovers::Some);
    /// assert_eq!(Leftovers::of("SET @a = 1"), Leftovers::IfRefused);
    /// assert_eq!(Leftovers::of("UPDATE t SET a = 1"), Leftovers::None);
    /// ```
    pub fn of(sql: &str) -> Self {
        let keeps_session = StatementKind::of(sql).keeps_session();
        if !keeps_session && contains(sql, b"ROLE") {
            Self::Lasting
        } else if holds_a_sign(sql) || begins_untold(sql) {
            Self::Some
        } else if keeps_session {
            Self::None
        } else {
            Self::IfRefused
        }
    }
}

/// Whether something stands in `sql`, wherever it is, that may be one of what is not told.
fn holds_a_sign(sql: &str) -> bool {
    let bytes = sql.as_bytes();
    let mut has_variable = false;
    let mut has_into = false;
    for (at, byte) in bytes.iter().enumerate() {
        let rest = bytes.get(at..).unwrap_or_default();
        let found = match byte {
            b':' => rest.starts_with(b":="),
            b'g' | b'G' => starts_with(rest, b"GET_LOCK"),
            b's' | b'S' => starts_with(rest, b"SESSION_TRACK"),
            b't' | b'T' => starts_with(rest, b"TEMPORARY"),
            b'@' => {
                has_variable = true;
                false
            }
            b'i' | b'I' => {
                has_into |= starts_with(rest, b"INTO");
                false
            }
            _ => false,
        };
        if found {
            return true;
        }
    }
    has_variable && has_into
}

/// Whether `sql` begins as statements do that are not told of, or it is not certain how it begins.
fn begins_untold(sql: &str) -> bool {
    let mut lexer = Lexer::new(sql);
    let first = match lexer.lexeme() {
        Ok(Some(Lexeme::Word(first))) => first,
        Ok(None | Some(Lexeme::Symbol(b'('))) => return false,
        Ok(Some(_)) | Err(_) => return true,
    };
    if first.eq_ignore_ascii_case("SET") {
        return loop {
            match lexer.lexeme() {
                Ok(Some(Lexeme::Word(word))) if word.eq_ignore_ascii_case("TRANSACTION") => {
                    break true;
                }
                Ok(Some(_)) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
    }
    // The variable may be an OUT parameter.
    if first.eq_ignore_ascii_case("CALL") && sql.contains('@') {
        return true;
    }
    let mut untold = ["FLUSH", "BACKUP", "HANDLER"].into_iter();
    untold.any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether `word`, in ASCII, is a part of `sql` in any case.
fn contains(sql: &str, word: &[u8]) -> bool {
    let mut windows = sql.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether `bytes` start with `word`, in ASCII, in any case.
fn starts_with(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_does_not_tell_is_seen_in_the_text() {
        for sql in [
            "SELECT GET_LOCK(?, 3)",
            "select get_lock('a', 1)",
            "SELECT @y := 1",
            "DO @y:=1",
            "SELECT 1 INTO @a",
            "CALL has_out(@a)",
            "CREATE TEMPORARY TABLE t AS SELECT 1",
            "LOAD DATA LOCAL INFILE 'x' INTO TABLE t (a, @b)",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "set session_track_state_change = 0",
            "FLUSH TABLES WITH READ LOCK",
            "BACKUP LOCK t",
            "HANDLER t OPEN",
            "/*!50000 SET @a = 1 */",
        ] {
            assert_eq!(Leftovers::of(sql), Leftovers::Some, "{sql}");
        }
    }

    #[test]
    fn another_role_outlasts_a_reset() {
        for sql in [
            "SET ROLE a",
            "set role none",
            "EXECUTE IMMEDIATE 'SET ROLE a'",
            "/*!50000 SET ROLE a */",
        ] {
            assert_eq!(Leftovers::of(sql), Leftovers::Lasting, "{sql}");
        }
        assert_eq!(Leftovers::of("UPDATE t SET role = 1"), Leftovers::None);
    }

    #[test]
    fn statements_that_only_read_and_write_rows_leave_nothing() {
        for sql in [
            "",
            "SELECT 1",
            "(SELECT 1)",
            "SELECT @a",
            "INSERT INTO t VALUES (?)",
            "UPDATE t SET mail = 'a@example.org'",
            "BEGIN",
            "COMMIT",
            "SELECT ':' || '='",
        ] {
            let found = Leftovers::of(sql);
            assert!(found < Leftovers::Some, "{sql}");
            assert_eq!(found == Leftovers::None, !sql.is_empty(), "{sql}");
        }
    }

    #[test]
    fn statements_of_which_the_server_tells_leave_something_only_if_they_fail() {
        for sql in [
            "SET @a = 1",
            "CALL p()",
            "CREATE TABLE t (a INT)",
            "PREPARE s FROM 'SELECT 1'",
            "BEGIN NOT ATOMIC SET @a = 1; END",
            "SELECT 1; SET @a = 1",
        ] {
            assert_eq!(Leftovers::of(sql), Leftovers::IfRefused, "{sql}");
        }
    }
}
