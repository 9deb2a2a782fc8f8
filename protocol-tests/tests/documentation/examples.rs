//! Statements out of the prose of the documentation.

/// The statements of a page's examples, in their order, without what ends them.
pub(super) fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("Example"));
    let lines = lines.skip(1).take_while(|line| !line.starts_with("URL: "));
    let mut reader = Reader::default();
    for line in lines {
        reader.line(line);
    }
    reader.statements
}

/// Reads examples line by line, as they stand in a session of the client's or without its prompts.
#[derive(Debug)]
struct Reader {
    statements: Vec<String>,
    /// What has begun.
    sql: String,
    delimiter: String,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            statements: Vec::new(),
            sql: String::new(),
            delimiter: ";".into(),
        }
    }
}

impl Reader {
    fn line(&mut self, line: &str) {
        let line = without_prompt(line);
        if let Some(delimiter) = delimiter(line) {
            delimiter.clone_into(&mut self.delimiter);
            self.sql.clear();
        } else if is_output(line) {
            // What has not ended was prose.
            self.sql.clear();
        } else if !self.sql.is_empty() || begins_statement(line) {
            self.sql.push_str(line);
            self.sql.push('\n');
            self.take_whole();
        }
    }

    /// Takes the statements that have ended.
    fn take_whole(&mut self) {
        while let Some((end, next)) = end(&self.sql, &self.delimiter) {
            let sql = self.sql[..end].trim().to_owned();
            let rest = self.sql[next..].trim_start().to_owned();
            self.statements.push(sql);
            self.sql = if begins_statement(&rest) {
                rest
            } else {
                String::new()
            };
        }
    }
}

fn without_prompt(line: &str) -> &str {
    let line = line.strip_prefix("    -> ").unwrap_or(line);
    if let Some(line) = line.strip_prefix("mysql> ") {
        return line;
    }
    match line
        .strip_prefix("MariaDB [")
        .and_then(|line| line.split_once("]> "))
    {
        Some((_, line)) => line,
        None => line,
    }
}

fn delimiter(line: &str) -> Option<&str> {
    let (word, delimiter) = line.trim().split_once(' ')?;
    word.eq_ignore_ascii_case("DELIMITER")
        .then(|| delimiter.trim())
}

fn is_output(line: &str) -> bool {
    ["+-", "| ", "Query OK", "ERROR ", "Empty set", "`", "-> "]
        .iter()
        .any(|prefix| line.starts_with(prefix))
}

/// Whether the line begins with the first word of a statement.
fn begins_statement(line: &str) -> bool {
    let line = line.trim_start_matches('(');
    let word = line.split(|c: char| !c.is_ascii_alphabetic()).next();
    let word = word.unwrap_or_default();
    // In prose such words begin no line, or begin it in small letters.
    FIRST_WORDS.contains(&&*word.to_ascii_uppercase())
        && (word.chars().all(|c| c.is_ascii_uppercase()) || line.contains(';'))
}

/// Where the first statement ends, and where what follows its delimiter begins.
fn end(sql: &str, delimiter: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while at < sql.len() {
        let rest = &sql[at..];
        if rest.starts_with(delimiter) {
            return Some((at, at + delimiter.len()));
        }
        if rest.starts_with("\\G") || rest.starts_with("\\g") {
            return Some((at, at + 2));
        }
        at += match rest.as_bytes() {
            [quote @ (b'\'' | b'"' | b'`'), ..] => quoted(rest, *quote)?,
            [b'#', ..] | [b'-', b'-', b' ' | b'\n', ..] => rest.find('\n')?,
            [b'/', b'*', ..] => rest.find("*/")? + 2,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    None
}

/// The length of what is quoted, both quotes included. One that is doubled begins it again.
fn quoted(text: &str, quote: u8) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if quote != b'`' => is_escaped = true,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

const FIRST_WORDS: [&str; 43] = [
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECK",
    "CHECKSUM",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DO",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GET",
    "GRANT",
    "HANDLER",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "SIGNAL",
    "START",
    "TRUNCATE",
    "UNLOCK",
    "UPDATE",
    "VALUES",
    "WITH",
];

#[test]
fn statements_of_examples_are_found_with_and_without_prompts_and_in_procedures() {
    let text = "SELECT 0;\nExamples\n--------\n\nSELECT 'a;''b\\';', \"\\\";\" -- no; end\n FROM t;\n\
        +---+\n| 1;|\nSET @a = 1; SELECT @a\\G\nMariaDB [test]> select 2;\nselect it when\n\
        DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  SELECT 3;\nEND//\nDELIMITER ;\nCALL p();\n\
        SELECT a prose\nQuery OK\nURL: x\nSELECT 9;";
    let expected = [
        "SELECT 'a;''b\\';', \"\\\";\" -- no; end\n FROM t",
        "SET @a = 1",
        "SELECT @a",
        "select 2",
        "CREATE PROCEDURE p()\nBEGIN\n  SELECT 3;\nEND",
        "CALL p()",
    ];
    assert_eq!(statements(text), expected);
}
