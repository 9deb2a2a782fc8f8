//! Calls that look at their session, and calls that leave it changed.

use otaria::{Error, PooledConnection};

use super::Call;

impl Call<'_> {
    /// The session is one that nobody has had before.
    pub(super) async fn session(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        type State = (u64, Option<u64>, u8, u8, String, String, f64, Option<u64>);
        let sql = "SELECT ?, @soak, @@in_transaction, @@autocommit, DATABASE(), \
            CONCAT_WS(' ', @@sql_mode = @@global.sql_mode, @@time_zone, @@character_set_client, \
            @@foreign_key_checks), \
            CAST(@@max_statement_time AS DOUBLE), IS_USED_LOCK('soak') = CONNECTION_ID()";
        let state: State = connection.query_one(sql, (self.id,)).await?;
        let (id, variable, in_transaction, autocommit, ..) = state;
        assert_eq!((id, variable), (self.id, None));
        assert_eq!((in_transaction, autocommit), (0, 1));
        let (.., database, settings, max_statement_time, lock) = state;
        assert_eq!((&*database, max_statement_time), ("soak", 0.0));
        assert_eq!(settings, "1 SYSTEM utf8mb4 ON");
        assert!(lock.is_none_or(|ours| ours == 0), "a lock of another");
        // What can be seen by an error alone.
        let (sql, code) = match self.random.u8(0..3) {
            0 => ("SELECT * FROM of_another", 1146),
            1 => ("EXECUTE of_another", 1243),
            // A lock on one table keeps all others away.
            _ => ("SELECT id FROM account LIMIT 0", 0),
        };
        match connection.simple_execute(sql).await {
            Ok(_) if code == 0 => Ok(()),
            Err(Error::Server(error)) if error.code() == code => Ok(()),
            Err(error) => Err(error),
            Ok(_) => panic!("{sql} finds what another has left"),
        }
    }

    /// Leaves the session changed to whoever comes next.
    pub(super) async fn change_session(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let changes = self.random.usize(1..3);
        for _ in 0..changes {
            let change = CHANGES[self.random.usize(0..CHANGES.len())];
            if change.contains('?') {
                connection.execute(change, (self.id,)).await?;
            } else {
                connection.simple_execute(change).await?;
            }
        }
        if self.random.bool() {
            // If there is no transaction, the next change of the session's may begin or end one: what
            // this writes must not be counted on.
            return self.answers(connection).await;
        }
        Ok(())
    }
}

/// Behind one another in any order.
const CHANGES: [&str; 16] = [
    "SET @soak = ?",
    "SELECT @soak := ?",
    "START TRANSACTION",
    "SET autocommit = 0",
    "USE information_schema",
    "CREATE OR REPLACE TEMPORARY TABLE soak.of_another (id INT)",
    "PREPARE of_another FROM 'SELECT 1'",
    "DO GET_LOCK('soak', 0)",
    "LOCK TABLES soak.point READ",
    "SET sql_mode = 'ANSI_QUOTES'",
    "SET time_zone = '+03:00'",
    "SET NAMES latin1",
    "SET max_statement_time = 100",
    "SET foreign_key_checks = 0",
    "SET SESSION TRANSACTION READ ONLY",
    "SET @soak = 1, autocommit = 0, max_statement_time = 99",
];
