use crate::lexer::{Lexeme, Lexer, Token, Unclear};

/// What a statement is for certain.
///
/// It is told by the words that the statement begins with, and given up rather than guessed: what
/// holds executable comments (`/*!`, `/*M!`), several statements, or strings and comments that do
/// not end is [`Other`](Self::Other). It takes time in proportion to the statement's length.
///
/// ```
/// use otaria_statement::StatementKind;
///
/// let kind = StatementKind::of;
/// assert!(kind("SELECT a FROM t").can_open_cursor());
/// assert!(!kind("DELETE FROM t RETURNING a").can_open_cursor());
/// assert!(kind("DELETE FROM t RETURNING a").keeps_session());
/// assert!(!kind("SET NAMES latin1").keeps_session());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StatementKind {
    /// A SELECT that sends its rows to the client, in parentheses or behind a WITH too.
    Select,
    /// Another statement that reads or writes rows, or begins or ends a transaction: INSERT, UPDATE,
    /// DELETE, REPLACE, VALUES, DO, SELECT … INTO; START, BEGIN, COMMIT, ROLLBACK, SAVEPOINT,
    /// RELEASE.
    Data,
    /// All else, and all that is not certain.
    Other,
}

impl StatementKind {
    /// The kind that `sql` is of in every `sql_mode`.
    ///
    /// The statement must reach the server as UTF-8, as for
    /// [`count_placeholders`](crate::count_placeholders).
    pub fn of(sql: &str) -> Self {
        read(sql).unwrap_or(Self::Other)
    }

    /// Whether an execute of the statement may ask for a cursor. MariaDB 10.11 and 11.8 crash on
    /// `DELETE … RETURNING` if it does.
    pub const fn can_open_cursor(self) -> bool {
        matches!(self, Self::Select)
    }

    /// Whether the statement leaves the session's default database, `sql_mode`,
    /// `character_set_client` and `collation_connection` as they are, so that the next statement
    /// means the same behind it.
    ///
    /// That is so whatever functions and triggers it runs: these cannot change the default database,
    /// and the server restores the others when they return. `character_set_results` and other
    /// variables they change for good.
    pub const fn keeps_session(self) -> bool {
        matches!(self, Self::Select | Self::Data)
    }
}

fn read(sql: &str) -> Result<StatementKind, Unclear> {
    let mut lexer = Lexer::new(sql);
    let mut in_parentheses = false;
    let word = loop {
        match lexer.lexeme()? {
            Some(Lexeme::Symbol(b'(')) => in_parentheses = true,
            Some(Lexeme::Word(word)) => break word,
            _ => return Ok(StatementKind::Other),
        }
    };
    let word = if word.eq_ignore_ascii_case("WITH") && !in_parentheses {
        behind_common_tables(&mut lexer)?.unwrap_or_default()
    } else {
        word
    };
    if word.eq_ignore_ascii_case("SELECT") {
        select(&mut lexer)
    } else if is_one_of(word, &DATA) {
        one_statement(&mut lexer)
    } else if word.eq_ignore_ascii_case("BEGIN") {
        begin(&mut lexer)
    } else {
        Ok(StatementKind::Other)
    }
}

/// The word that the statement proper begins with, behind the common table expressions of a WITH:
/// names, each followed by AS and a query in parentheses, between commas.
fn behind_common_tables<'a>(lexer: &mut Lexer<'a>) -> Result<Option<&'a str>, Unclear> {
    loop {
        // A list of columns in parentheses may stand before the AS.
        let mut depth = 0_usize;
        loop {
            match lexer.lexeme()? {
                Some(Lexeme::Symbol(b'(')) => depth += 1,
                Some(Lexeme::Symbol(b')')) if depth > 0 => depth -= 1,
                Some(Lexeme::Word(word)) if depth == 0 && word.eq_ignore_ascii_case("AS") => break,
                Some(Lexeme::Word(_) | Lexeme::Quoted) => {}
                Some(Lexeme::Symbol(b',')) if depth > 0 => {}
                _ => return Ok(None),
            }
        }
        if lexer.lexeme()? != Some(Lexeme::Symbol(b'(')) || !pass_parentheses(lexer)? {
            return Ok(None);
        }
        match lexer.lexeme()? {
            Some(Lexeme::Symbol(b',')) => {}
            Some(Lexeme::Word(word)) => return Ok(Some(word)),
            Some(Lexeme::Symbol(b'(')) => return first_word(lexer),
            _ => return Ok(None),
        }
    }
}

/// Passes over what stands in parentheses, behind the first one; whether they end.
fn pass_parentheses(lexer: &mut Lexer<'_>) -> Result<bool, Unclear> {
    let mut depth = 1_usize;
    while depth > 0 {
        match lexer.lexeme()? {
            Some(Lexeme::Symbol(b'(')) => depth += 1,
            Some(Lexeme::Symbol(b')')) => depth -= 1,
            Some(_) => {}
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// The word that comes behind any number of opening parentheses.
fn first_word<'a>(lexer: &mut Lexer<'a>) -> Result<Option<&'a str>, Unclear> {
    loop {
        match lexer.lexeme()? {
            Some(Lexeme::Symbol(b'(')) => {}
            Some(Lexeme::Word(word)) => return Ok(Some(word)),
            _ => return Ok(None),
        }
    }
}

/// The kind of a statement that has begun with SELECT.
fn select(lexer: &mut Lexer<'_>) -> Result<StatementKind, Unclear> {
    let mut kind = StatementKind::Select;
    while let Some(lexeme) = lexer.lexeme()? {
        match lexeme {
            // It may be a part of a variable's or column's name, too.
            Lexeme::Word(word) if word.eq_ignore_ascii_case("INTO") => kind = StatementKind::Data,
            Lexeme::Symbol(b';') if !is_end(lexer)? => return Ok(StatementKind::Other),
            Lexeme::Token(Token::Colon { .. }) => return Ok(StatementKind::Other),
            _ => {}
        }
    }
    Ok(kind)
}

/// [`Data`](StatementKind::Data), if the statement that has begun is the only one.
fn one_statement(lexer: &mut Lexer<'_>) -> Result<StatementKind, Unclear> {
    match select(lexer)? {
        StatementKind::Other => Ok(StatementKind::Other),
        _ => Ok(StatementKind::Data),
    }
}

/// The kind of a statement that has begun with BEGIN: a transaction, or a block of statements.
fn begin(lexer: &mut Lexer<'_>) -> Result<StatementKind, Unclear> {
    let begins_transaction = match lexer.lexeme()? {
        None => true,
        Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case("WORK") => is_end(lexer)?,
        Some(Lexeme::Symbol(b';')) => is_end(lexer)?,
        Some(_) => false,
    };
    Ok(if begins_transaction {
        StatementKind::Data
    } else {
        StatementKind::Other
    })
}

/// Whether `sql` is a statement that ends the transaction in which it is run, if it is in one: BEGIN,
/// START TRANSACTION, COMMIT, or ROLLBACK but for ROLLBACK TO SAVEPOINT. Another one may be open behind
/// it, which it has begun itself.
///
/// ```
/// use otaria_statement::replaces_transaction;
///
/// assert!(replaces_transaction("BEGIN") && replaces_transaction("commit and chain"));
/// assert!(!replaces_transaction("ROLLBACK TO SAVEPOINT s"));
/// ```
pub fn replaces_transaction(sql: &str) -> bool {
    read_end(sql).unwrap_or(false)
}

fn read_end(sql: &str) -> Result<bool, Unclear> {
    let mut lexer = Lexer::new(sql);
    let Some(Lexeme::Word(word)) = lexer.lexeme()? else {
        return Ok(false);
    };
    if word.eq_ignore_ascii_case("COMMIT") {
        return Ok(true);
    }
    if word.eq_ignore_ascii_case("BEGIN") {
        return Ok(begin(&mut lexer)? == StatementKind::Data);
    }
    let mut next = lexer.lexeme()?;
    if word.eq_ignore_ascii_case("START") {
        return Ok(is_word(next, "TRANSACTION"));
    }
    if is_word(next, "WORK") {
        next = lexer.lexeme()?;
    }
    Ok(word.eq_ignore_ascii_case("ROLLBACK") && !is_word(next, "TO"))
}

fn is_word(lexeme: Option<Lexeme<'_>>, expected: &str) -> bool {
    matches!(lexeme, Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case(expected))
}

/// Whether nothing follows, apart from white space, comments and semicolons.
fn is_end(lexer: &mut Lexer<'_>) -> Result<bool, Unclear> {
    loop {
        match lexer.lexeme()? {
            None => return Ok(true),
            Some(Lexeme::Symbol(b';')) => {}
            Some(_) => return Ok(false),
        }
    }
}

fn is_one_of(word: &str, keywords: &[&str]) -> bool {
    let mut keywords = keywords.iter();
    keywords.any(|keyword| word.eq_ignore_ascii_case(keyword))
}

const DATA: [&str; 11] = [
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "VALUES",
    "DO",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
];

#[cfg(test)]
mod tests {
    use StatementKind::{Data, Other, Select};

    use super::*;

    #[track_caller]
    fn all(expected: StatementKind, statements: &[&str]) {
        for sql in statements {
            assert_eq!(StatementKind::of(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_ends_a_transaction_and_may_begin_another_is_known() {
        for sql in [
            "BEGIN",
            "begin work;",
            "/* x */ START TRANSACTION READ ONLY",
            "COMMIT",
            "COMMIT AND CHAIN",
            "ROLLBACK",
            "rollback work and chain",
        ] {
            assert!(replaces_transaction(sql), "{sql}");
        }
        for sql in [
            "",
            "BEGIN NOT ATOMIC SELECT 1; END",
            "START SLAVE",
            "ROLLBACK TO s",
            "ROLLBACK WORK TO SAVEPOINT s",
            "SAVEPOINT s",
            "UPDATE t SET begin = 1",
            "(COMMIT)",
        ] {
            assert!(!replaces_transaction(sql), "{sql}");
        }
    }

    #[test]
    fn only_a_select_can_open_a_cursor() {
        assert!(Select.can_open_cursor() && Select.keeps_session());
        assert!(!Data.can_open_cursor() && Data.keeps_session());
        assert!(!Other.can_open_cursor() && !Other.keeps_session());
    }

    #[test]
    fn selects_are_found_behind_white_space_comments_and_parentheses() {
        all(
            Select,
            &[
                "SELECT 1",
                "select*from t",
                "sElEcT'a'",
                "SELECT`a`FROM t",
                "SELECT.5",
                "SELECT-1",
                " \t\r\n\u{b}\u{c}SELECT 1",
                "/* DELETE */ SELECT 1",
                "-- DELETE\nSELECT 1",
                "# DELETE\nSELECT 1",
                "SELECT/**/1",
                "(SELECT 1)",
                "( (\n/* */ SELECT 1) UNION (SELECT 2)) LIMIT 1",
                "SELECT 1 UNION SELECT 2 EXCEPT VALUES (3)",
                "SELECT a FROM t WHERE b = ? FOR UPDATE",
                "SELECT /*+ MAX_EXECUTION_TIME(1000) */ a FROM t",
                "SELECT 1;",
                "SELECT 1 ; ;-- the end",
                "SELECT ';', \";\", `;` /* ; */ FROM t # ;",
                "SELECT 'DELETE FROM t', 'it\\\\s', 'it''s'",
                "SELECT @a := 1, NEXT VALUE FOR s, f(), REPLACE('a', 'b', 'c'), INSERT('a', 1, 1, 'b')",
                "SELECT 'into', `into`, \"into\" /* into */ FROM t",
            ],
        );
    }

    #[test]
    fn the_statement_behind_a_with_decides() {
        all(
            Select,
            &[
                "WITH a AS (SELECT 1) SELECT * FROM a",
                "with recursive a(x, `y`) as (select 1, 2 union select x + 1, y from a), \
                 b as (select ')', \"(\" /* ( */ from a) select * from b",
                "WITH `a`AS(SELECT 1)SELECT 1",
                "WITH a AS ((SELECT 1)) SELECT (SELECT 2) FROM a",
                "WITH a AS (SELECT 1) (SELECT * FROM a) UNION SELECT 2",
                "WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a",
                "WITH a AS (SELECT 'x\\\\y', \"z\") SELECT 1",
            ],
        );
        all(
            Data,
            &[
                "WITH a AS (SELECT 1) DELETE FROM t WHERE b IN (SELECT * FROM a) RETURNING b",
                "WITH a AS (SELECT 1), b AS (SELECT 2) UPDATE t SET c = (SELECT 1)",
                "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
                "WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a",
                "WITH a AS (SELECT 1) SELECT * FROM a INTO @b",
            ],
        );
        all(
            Other,
            &[
                "WITH",
                "WITH a",
                "WITH a AS",
                "WITH a AS SELECT 1",
                "WITH a AS (SELECT 1",
                "WITH a AS (SELECT 1)",
                "WITH a AS (SELECT 1)) SELECT 1",
                "WITH a AS (SELECT 1), SELECT 1",
                "WITH a; SELECT 1",
                "WITH a AS (SELECT 1) MERGE t USING a SELECT 1",
                "WITH a AS (SELECT 1) x SELECT 1",
                "WITH a AS (SELECT 1) 'x' SELECT 1",
                "WITH a) AS (SELECT 1) SELECT 1",
                "WITH a AS (SELECT 1) CYCLE x RESTRICT SELECT 1",
                "(WITH a AS (SELECT 1) SELECT 1)",
            ],
        );
    }

    #[test]
    fn statements_that_read_or_write_rows_keep_the_session_and_open_no_cursor() {
        all(
            Data,
            &[
                "DELETE FROM t RETURNING a",
                "/* SELECT */ delete from t returning (select 1)",
                "-- SELECT 1\rDELETE\nDELETE FROM t RETURNING a",
                "INSERT INTO t VALUES (?) RETURNING a",
                "INSERT INTO t SELECT 1",
                "REPLACE t SET sql_mode = 1",
                "UPDATE t SET a = 1",
                "VALUES (1), (2)",
                "(VALUES (1)) UNION SELECT 2",
                "DO SLEEP(0)",
                "SELECT 1 INTO @a",
                "SELECT a INTO OUTFILE '/tmp/a' FROM t",
                "SELECT a.into, @into FROM t",
                "START TRANSACTION READ ONLY",
                "COMMIT",
                "ROLLBACK TO a",
                "SAVEPOINT a",
                "RELEASE SAVEPOINT a;",
                "BEGIN",
                "begin work;",
                "BEGIN; ;",
            ],
        );
    }

    #[test]
    fn statements_that_may_change_the_session_are_others() {
        all(
            Other,
            &[
                "",
                ";",
                "()",
                "(",
                "?",
                "SET NAMES latin1",
                "SET STATEMENT sql_mode = '' FOR SELECT 1",
                "USE mysql",
                "CALL p()",
                "EXECUTE IMMEDIATE 'SELECT 1'",
                "BEGIN NOT ATOMIC SET sql_mode = ''; END",
                "BEGIN SET sql_mode = ''; END",
                "BEGIN WORK SELECT 1",
                "DROP DATABASE d",
                "EXPLAIN SELECT 1",
                "ANALYZE DELETE FROM t RETURNING a",
                "SHOW TABLES",
                "TABLE t",
                "'SELECT' 1",
                "`SELECT` 1",
                "SELECT1",
                "SELECT$ 1",
                "SELECTé",
                "SÉLECT 1",
                "select: BEGIN NOT ATOMIC END",
                "SELECT :a",
                "+ SELECT 1",
                ") SELECT 1",
            ],
        );
    }

    #[test]
    fn several_statements_are_others() {
        all(
            Other,
            &[
                "SELECT 1; DELETE FROM t",
                "SELECT 1;;'a'",
                "INSERT INTO t VALUES (1); SET NAMES latin1",
                "COMMIT; USE mysql",
                "BEGIN; SET NAMES latin1",
                "; SELECT 1",
                "SELECT (1; SELECT 2)",
            ],
        );
    }

    #[test]
    fn executable_comments_and_what_does_not_end_are_others() {
        all(
            Other,
            &[
                "/*! DELETE FROM t RETURNING a */",
                "/*!50000 DELETE */ SELECT 1",
                "/*M!100000 DELETE */ SELECT 1",
                "SELECT 1 /*! , 2 */",
                "SELECT '",
                "SELECT `a",
                "SELECT 1 /* ",
                "SELECT 1\0",
                "-- \0\nSELECT 1",
                "SELECT ?a",
            ],
        );
    }

    #[test]
    fn what_is_a_select_in_some_of_the_server_s_modes_only_is_none() {
        all(
            Other,
            &[
                r"SELECT '\'; DELETE FROM t; '",
                r#"SELECT "\"; DELETE FROM t; ""#,
                r"WITH a AS (SELECT '\') DELETE FROM t RETURNING b -- ') SELECT 1",
                "SELECT 1 AS [a; DELETE FROM t]",
            ],
        );
    }

    #[test]
    fn hostile_statements_take_time_in_proportion_to_their_length() {
        for (piece, expected) in [
            ("(", Other),
            ("SELECT ", Select),
            ("SELECT;", Other),
            ("WITH a AS (", Other),
            ("WITH a AS (SELECT 1),", Other),
            ("/**/", Other),
            ("SELECT '' INTO ", Data),
        ] {
            let sql = piece.repeat(200_000);
            assert_eq!(StatementKind::of(&sql), expected, "{piece}");
        }
    }
}
