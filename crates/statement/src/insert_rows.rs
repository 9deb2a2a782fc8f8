use std::ops::Range;

use crate::lexer::{Lexeme, Lexer, Token, Unclear};

/// An INSERT or REPLACE of one row of values, which may be repeated for many:
/// `INSERT INTO t VALUES (?, ?)`.
///
/// It is told for certain or not at all, like [`StatementKind`](crate::StatementKind).
///
/// ```
/// use otaria_statement::InsertRows;
///
/// let sql = "INSERT INTO t (a, b) VALUES (?, NOW()) RETURNING id";
/// let insert = InsertRows::find(sql).unwrap();
/// assert_eq!(&sql[insert.row()], "(?, NOW())");
/// assert_eq!(insert.placeholders(), [1]);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InsertRows {
    row: Range<usize>,
    placeholders: Vec<usize>,
}

impl InsertRows {
    /// Finds the row in `sql`. The statement must reach the server as UTF-8, as for
    /// [`count_placeholders`](crate::count_placeholders).
    ///
    /// `None` where the row is not certain: in other statements, where there are several rows, no
    /// placeholders, or placeholders outside the row, and where it is not certain what is one.
    pub fn find(sql: &str) -> Option<Self> {
        find(&mut Lexer::new(sql)).ok().flatten()
    }

    /// Where the row stands in the statement, with its parentheses, in bytes.
    pub fn row(&self) -> Range<usize> {
        self.row.clone()
    }

    /// Where the placeholders stand in the row, in bytes from its start.
    pub fn placeholders(&self) -> &[usize] {
        &self.placeholders
    }
}

fn find(lexer: &mut Lexer<'_>) -> Result<Option<InsertRows>, Unclear> {
    match lexer.lexeme()? {
        Some(Lexeme::Word(word)) if is_one_of(word, &["INSERT", "REPLACE"]) => {}
        _ => return Ok(None),
    }
    if !pass_head(lexer)? {
        return Ok(None);
    }
    let start = lexer.position() - 1;
    let Some(placeholders) = pass_row(lexer, start)? else {
        return Ok(None);
    };
    let row = start..lexer.position();
    Ok(pass_tail(lexer)?.then_some(InsertRows { row, placeholders }))
}

/// Passes over all up to the first parenthesis behind VALUES; whether there is one.
fn pass_head(lexer: &mut Lexer<'_>) -> Result<bool, Unclear> {
    let mut depth = 0_usize;
    // Behind the table, or the list of its columns or partitions.
    let mut may_follow = false;
    loop {
        let lexeme = lexer.lexeme()?;
        let followed = std::mem::take(&mut may_follow);
        match lexeme {
            Some(Lexeme::Word(word)) if depth == 0 && is_one_of(word, &["VALUES", "VALUE"]) => {
                let opens = lexer.lexeme()? == Some(Lexeme::Symbol(b'('));
                return Ok(opens && followed);
            }
            Some(Lexeme::Word(word)) if is_one_of(word, &["SELECT", "SET", "WITH"]) => {
                return Ok(false);
            }
            Some(Lexeme::Word(_) | Lexeme::Quoted) => may_follow = true,
            Some(Lexeme::Symbol(b'(')) => depth += 1,
            Some(Lexeme::Symbol(b')')) if depth > 0 => {
                depth -= 1;
                may_follow = true;
            }
            Some(Lexeme::Symbol(b',' | b'.')) => {}
            _ => return Ok(false),
        }
    }
}

/// Passes over a row behind its first parenthesis. Its placeholders, from `start` on, or `None` if
/// it does not end or has none.
fn pass_row(lexer: &mut Lexer<'_>, start: usize) -> Result<Option<Vec<usize>>, Unclear> {
    let mut placeholders = Vec::new();
    let mut depth = 1_usize;
    while depth > 0 {
        match lexer.lexeme()? {
            Some(Lexeme::Symbol(b'(')) => depth += 1,
            Some(Lexeme::Symbol(b')')) => depth -= 1,
            Some(Lexeme::Token(Token::Placeholder { at })) => placeholders.push(at - start),
            Some(Lexeme::Token(Token::Colon { .. }) | Lexeme::Symbol(b';')) | None => {
                return Ok(None);
            }
            Some(_) => {}
        }
    }
    Ok((!placeholders.is_empty()).then_some(placeholders))
}

/// Passes over what follows the row; whether rows may be put in front of it.
fn pass_tail(lexer: &mut Lexer<'_>) -> Result<bool, Unclear> {
    let mut ended = match lexer.lexeme()? {
        None => return Ok(true),
        Some(Lexeme::Symbol(b';')) => true,
        Some(Lexeme::Word(word)) => {
            if !is_one_of(word, &["ON", "RETURNING", "AS"]) {
                return Ok(false);
            }
            false
        }
        Some(_) => return Ok(false),
    };
    while let Some(lexeme) = lexer.lexeme()? {
        match lexeme {
            Lexeme::Symbol(b';') => ended = true,
            Lexeme::Token(_) => return Ok(false),
            _ if ended => return Ok(false),
            _ => {}
        }
    }
    Ok(true)
}

fn is_one_of(word: &str, keywords: &[&str]) -> bool {
    let mut keywords = keywords.iter();
    keywords.any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn row(sql: &str) -> &str {
        let insert = InsertRows::find(sql).unwrap();
        let row = sql.get(insert.row()).unwrap();
        for &at in insert.placeholders() {
            assert_eq!(row.as_bytes()[at], b'?');
        }
        row
    }

    #[test]
    fn the_row_of_an_insert_is_found() {
        for (sql, expected) in [
            ("INSERT INTO t VALUES (?, ?)", "(?, ?)"),
            ("insert t(a,`b (`)value(?,f(?),'?)');", "(?,f(?),'?)')"),
            (
                "REPLACE LOW_PRIORITY s.t PARTITION (p) (a) VALUES\n(? /* ) */) -- x",
                "(? /* ) */)",
            ),
            (
                "/* ? */ INSERT IGNORE INTO `s`.`t` VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a)",
                "(?)",
            ),
            (
                "INSERT INTO t VALUES (?, (SELECT 1)) RETURNING id, 'a'",
                "(?, (SELECT 1))",
            ),
            (
                "INSERT INTO t VALUES (?) AS new ON DUPLICATE KEY UPDATE a = new.a ; ",
                "(?)",
            ),
        ] {
            assert_eq!(row(sql), expected, "{sql}");
        }
    }

    #[test]
    fn placeholders_are_counted_from_the_start_of_the_row() {
        let insert = InsertRows::find("INSERT t VALUES (?, '?', (?))").unwrap();
        assert_eq!(insert.placeholders(), [1, 10]);
    }

    #[test]
    fn what_is_not_certain_has_no_row() {
        for sql in [
            "",
            "SELECT ?",
            "UPDATE t SET a = ?",
            "INSERT INTO t SELECT ?",
            "INSERT INTO t SET a = ?",
            "INSERT INTO t SET a = VALUES (?)",
            "INSERT INTO t (a) VALUES (1)",
            "INSERT INTO t VALUES",
            "INSERT INTO t VALUES (?",
            "INSERT INTO t VALUES ?",
            "INSERT INTO t VALUES (?), (?)",
            "INSERT INTO t VALUES (?) UNION VALUES (1)",
            "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = ?",
            "INSERT INTO t VALUES (:a)",
            "INSERT INTO t VALUES (?); SELECT 1",
            "INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)",
            "INSERT INTO t (a) (VALUES (?))",
            "INSERT INTO t SELECT * FROM (VALUES (?)) v",
            "INSERT INTO t WITH c AS (SELECT 1) SELECT ?",
            "INSERT INTO t (a) /*! VALUES */ VALUES (?)",
            "INSERT INTO t VALUES (?, 'a)",
            "VALUES (?)",
            "INSERT VALUES (?)) x",
            "BEGIN NOT ATOMIC INSERT INTO t VALUES (?); END",
        ] {
            assert_eq!(InsertRows::find(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_row_that_another_sql_mode_would_end_elsewhere_is_none() {
        for sql in [
            r"INSERT INTO t VALUES ('\', ?) -- ', ?)",
            r"INSERT INTO t VALUES (?) RETURNING '\', ')'",
        ] {
            assert_eq!(InsertRows::find(sql), None, "{sql}");
        }
    }
}
