//! What MySQL says in other words than MariaDB, for tests that are of both.

use std::fmt::Write;

use otaria::{Config, ConfigBuilder, SslMode};

use super::{LiveError, LiveServer};

impl LiveServer {
    /// Whether this is a MySQL.
    pub fn is_mysql(&self) -> bool {
        self.is_mysql
    }

    /// Whether `modes`, values of `sql_mode`, are those of this server.
    pub fn has_modes(&self, modes: &str) -> bool {
        let is_other = |mode| ["EMPTY_STRING_IS_NULL", "MSSQL", "ORACLE"].contains(&mode);
        !self.is_mysql() || !modes.split(',').any(is_other)
    }

    /// `sql`, which is MariaDB's, in the words of this server. On MySQL, the tables of the sequence
    /// engine are common table expressions, and what tells transactions and limits has other names.
    pub fn dialect(&self, sql: &str) -> String {
        if self.is_mysql() {
            of_mysql(sql)
        } else {
            sql.to_owned()
        }
    }

    /// The configuration of connections in clear, for tests that read or count the bytes of a
    /// connection. The passwords of MySQL go to no server that is not known: its account has none.
    ///
    /// # Errors
    /// [`LiveError::Sql`] if the account of MySQL cannot be made.
    ///
    /// # Panics
    /// If the server's URL is none of the driver.
    pub fn in_clear(&self, database: &str) -> Result<ConfigBuilder, LiveError> {
        let config: Config = self.url(database).parse().expect("the server's URL");
        if !self.is_mysql() {
            return Ok(config.to_builder().ssl_mode(SslMode::Disable));
        }
        self.sql(
            "CREATE USER IF NOT EXISTS in_clear IDENTIFIED BY ''; \
             GRANT ALL ON *.* TO in_clear WITH GRANT OPTION",
        )?;
        let builder = Config::builder().host(self.host()).port(self.port());
        let builder = builder.user("in_clear").ssl_mode(SslMode::Disable);
        Ok(if database.is_empty() {
            builder
        } else {
            builder.database(database)
        })
    }
}

fn of_mysql(sql: &str) -> String {
    let mut text = replaced_users(&sequences(sql));
    for (mariadb, mysql) in WORDS {
        text = text.replace(mariadb, mysql);
    }
    text
}

/// `sql` with a table expression in place of each table `seq_1_to_…`.
fn sequences(sql: &str) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, behind)) = rest.split_once(SEQUENCE) {
        // They are in every schema, and the expression is in none.
        text += before.strip_suffix("mysql.").unwrap_or(before);
        let digits = behind.find(|c: char| !c.is_ascii_digit());
        let (last, behind) = behind.split_at(digits.unwrap_or(behind.len()));
        let _ = write!(
            text,
            "(WITH RECURSIVE numbers (seq) AS (SELECT CAST(1 AS UNSIGNED) UNION ALL \
             SELECT seq + 1 FROM numbers WHERE seq < {last}) SELECT seq FROM numbers)"
        );
        let next = behind.trim_start();
        let is_named = next.starts_with("AS ") || next.starts_with(|c: char| c.is_lowercase());
        if !is_named {
            let _ = write!(text, " AS {SEQUENCE}{last}");
        }
        rest = behind;
    }
    text + rest
}

/// `sql` with two statements in place of each that replaces a user, for clients that take many.
fn replaced_users(sql: &str) -> String {
    let mut parts = sql.split("CREATE OR REPLACE USER ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let user = part.split(' ').next().unwrap_or_default();
        let _ = write!(text, "DROP USER IF EXISTS {user}; CREATE USER {part}");
    }
    text
}

const SEQUENCE: &str = "seq_1_to_";

const WORDS: [(&str, &str); 6] = [
    (
        "@@in_transaction",
        "(SELECT COUNT(*) FROM performance_schema.events_transactions_current \
         WHERE STATE = 'ACTIVE' AND AUTOCOMMIT = 'NO' AND THREAD_ID = PS_CURRENT_THREAD_ID())",
    ),
    (
        "@@max_statement_time",
        "CAST(@@max_execution_time / 1000 AS DECIMAL(20, 6))",
    ),
    ("max_statement_time = ", "max_execution_time = 1000 * "),
    (
        "CURRENT_ROLE()",
        "NULLIF(REPLACE(REPLACE(CURRENT_ROLE(), '`', ''), '@%', ''), 'NONE')",
    ),
    (
        "SET SESSION tx_read_only",
        "SET SESSION transaction_read_only",
    ),
    ("@@tx_isolation", "@@transaction_isolation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_of_mysql_is_a_table_expression_of_its_name_or_of_that_it_is_given() {
        let table = |last| {
            format!(
                "(WITH RECURSIVE numbers (seq) AS (SELECT CAST(1 AS UNSIGNED) UNION ALL \
                 SELECT seq + 1 FROM numbers WHERE seq < {last}) SELECT seq FROM numbers)"
            )
        };
        for (sql, expected) in [
            (
                "SELECT seq FROM seq_1_to_5 WHERE seq > ?",
                format!("SELECT seq FROM {} AS seq_1_to_5 WHERE seq > ?", table("5")),
            ),
            (
                "SELECT 1 FROM mysql.seq_1_to_20",
                format!("SELECT 1 FROM {} AS seq_1_to_20", table("20")),
            ),
            (
                "SELECT 1 FROM seq_1_to_2 a, seq_1_to_3 AS b",
                format!("SELECT 1 FROM {} a, {} AS b", table("2"), table("3")),
            ),
            ("SELECT 1", "SELECT 1".to_owned()),
        ] {
            assert_eq!(of_mysql(sql), expected);
        }
    }

    #[test]
    fn a_user_of_mysql_is_dropped_before_it_is_made_again() {
        assert_eq!(
            of_mysql("CREATE OR REPLACE USER ada IDENTIFIED BY 'x'; SELECT 1"),
            "DROP USER IF EXISTS ada; CREATE USER ada IDENTIFIED BY 'x'; SELECT 1"
        );
    }

    #[test]
    fn a_limit_of_mysql_is_in_milliseconds() {
        assert_eq!(
            of_mysql("SET max_statement_time = 7"),
            "SET max_execution_time = 1000 * 7"
        );
        assert!(!of_mysql("SELECT @@max_statement_time").contains("statement"));
    }
}
