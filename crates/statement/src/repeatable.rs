use crate::StatementKind;
use crate::lexer::{Lexeme, Lexer};

/// Whether `sql` is a SELECT that certainly does nothing but read, so that it does no harm if it is
/// run once more than it should be.
///
/// It locks nothing, takes no value of a sequence, and calls no function but some of the server's own
/// that only compute: a stored function may write.
///
/// ```
/// use otaria_statement::only_reads;
///
/// assert!(only_reads("SELECT name, COUNT(*) FROM t WHERE id IN (?) GROUP BY name"));
/// assert!(!only_reads("SELECT charge(id) FROM t"));
/// assert!(!only_reads("SELECT a FROM t FOR UPDATE"));
/// ```
pub fn only_reads(sql: &str) -> bool {
    if StatementKind::of(sql) != StatementKind::Select {
        return false;
    }
    let mut lexer = Lexer::new(sql);
    let mut before = Before::Other;
    loop {
        let Ok(next) = lexer.lexeme() else {
            return false;
        };
        before = match next {
            None => return true,
            Some(Lexeme::Symbol(b'(')) if before == Before::Callable => return false,
            Some(Lexeme::Word(word)) if is(word, &WRITING) => return false,
            // Behind a point stands the function of a schema.
            Some(Lexeme::Word(word)) if before != Before::Point && is(word, &HARMLESS) => {
                Before::Other
            }
            Some(Lexeme::Word(_) | Lexeme::Quoted | Lexeme::Symbol(b'@')) => Before::Callable,
            Some(Lexeme::Symbol(b'.')) => Before::Point,
            Some(Lexeme::Symbol(_) | Lexeme::Token(_)) => Before::Other,
        };
    }
}

/// What stands before a lexeme.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Before {
    Point,
    /// What a parenthesis behind it would call.
    Callable,
    Other,
}

fn is(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Words of locks, and of the values of sequences.
const WRITING: [&str; 4] = ["FOR", "LOCK", "NEXT", "PREVIOUS"];

/// Words that may stand before a parenthesis: they call nothing, or a function of the server's own
/// that only computes.
const HARMLESS: [&str; 88] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "DISTINCT",
    "DIV",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "HAVING",
    "IN",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LIKE",
    "LIMIT",
    "MOD",
    "NOT",
    "OFFSET",
    "ON",
    "OR",
    "OVER",
    "SELECT",
    "SOME",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
    "XOR",
    "ABS",
    "AVG",
    "CAST",
    "CEIL",
    "CEILING",
    "CHAR_LENGTH",
    "COALESCE",
    "CONCAT",
    "CONCAT_WS",
    "CONVERT",
    "COUNT",
    "CURDATE",
    "DATE",
    "DATEDIFF",
    "DATE_ADD",
    "DATE_FORMAT",
    "DATE_SUB",
    "DAY",
    "FLOOR",
    "FROM_UNIXTIME",
    "GREATEST",
    "GROUP_CONCAT",
    "HEX",
    "HOUR",
    "IF",
    "IFNULL",
    "JSON_EXTRACT",
    "JSON_OBJECT",
    "JSON_VALUE",
    "LEAST",
    "LENGTH",
    "LOWER",
    "MAX",
    "MD5",
    "MIN",
    "MINUTE",
    "MONTH",
    "NOW",
    "NULLIF",
    "RANK",
    "REPLACE",
    "ROUND",
    "ROW_NUMBER",
    "SECOND",
    "SUBSTRING",
    "SUM",
    "TRIM",
    "UNHEX",
    "UNIX_TIMESTAMP",
    "UPPER",
    "YEAR",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_select_of_columns_and_functions_that_compute_only_reads() {
        for sql in [
            "SELECT 1",
            "SELECT ?",
            "select a, count(*) from t where b in (?, ?) and (c = ?) group by a having sum(d) > 1",
            "SELECT (a + b) * (c), `d`, 'e(' FROM s.t JOIN (SELECT 1) u USING (id) LIMIT ?",
            "(SELECT a FROM t) UNION ALL (SELECT b FROM u)",
            "WITH c AS (SELECT 1) SELECT COALESCE(a, NOW ()) FROM c",
        ] {
            assert!(only_reads(sql), "{sql}");
        }
    }

    #[test]
    fn what_may_write_lock_or_wait_does_not_only_read() {
        for sql in [
            "",
            "INSERT INTO t VALUES (?)",
            "SELECT f(1)",
            "SELECT f (1)",
            "SELECT `f`(1)",
            "SELECT s.f(1)",
            "SELECT s.count(1)",
            "SELECT s . `count` (1)",
            "SELECT a FROM t FOR UPDATE",
            "SELECT a FROM t LOCK IN SHARE MODE",
            "SELECT NEXT VALUE FOR s",
            "SELECT NEXTVAL(s)",
            "SELECT GET_LOCK('a', 1)",
            "SELECT SLEEP(1)",
            "SELECT 1 /*! , f(1) */",
            "SELECT 'a\\' , f(1), '",
            "SELECT 1 INTO @a",
        ] {
            assert!(!only_reads(sql), "{sql}");
        }
    }
}
