mod run;
mod statements;

use otaria_session::{
    CleanUp, CloseReason, Error, SavepointId, TransactionOptions, TransactionWatch,
};

use crate::Connection;

/// A transaction, or with [`transaction`](Self::transaction) a part of one that can be undone by
/// itself.
///
/// It ends by [`commit`](Self::commit) or [`rollback`](Self::rollback). **One that is dropped is
/// rolled back at once**, also where the drop is that of a cancelled future or a panic: the server is
/// told without waiting, so that its locks are free whatever becomes of the connection. The answer is
/// read by the connection's next call. The server reads it when it is done with what it does: a
/// statement that is given up runs to its end, and a long result that nobody reads holds it up until the
/// connection is used again, or its pool takes care of it. Where the transport takes nothing, a file is on
/// its way (`load_data_local`), or `local_infile` is on and the response of a statement has not begun that
/// is not for certain one that reads or writes rows, such as a CALL, the next call tells it.
///
/// The connection cannot be used beside its transaction:
///
/// ```compile_fail,E0499
/// # async fn both(connection: &mut otaria_connection::Connection)
/// # -> Result<(), otaria_session::Error> {
/// let mut transaction = connection.transaction().await?;
/// connection.execute("DELETE FROM item", ()).await?; // it is the transaction's
/// transaction.commit().await
/// # }
/// ```
///
/// # A transaction that ends before its end
/// After an error by which the server rolls back more than the statement, such as a deadlock (1213),
/// each further statement would run by itself and be committed at once. So the transaction is then
/// *aborted*: every call but [`rollback`](Self::rollback) is [`Error::TransactionAborted`], and nothing
/// is sent. It is so, too, behind statements that commit, such as DDL; that error then has no `code`.
/// Where the error alone does not tell whether the transaction is still open, such as a lock that could
/// not be had in time (1205), the server is asked before the next statement (`COM_PING`).
///
/// Statements that begin or end a transaction (`BEGIN`, `COMMIT`, `SET autocommit`) are not for
/// [`query`](Self::query) and its like: a `BEGIN` in a transaction commits it, and begins another, as
/// `COMMIT AND CHAIN` does. The transaction is aborted then, and the other one rolled back. Where they
/// stand in a procedure, or are not the first of several statements, the server has to tell of it, as it
/// does in a pool (`session_track_transaction_info`); else nothing tells.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction<'c> {
    pub(crate) connection: &'c mut Connection,
    /// 0 for the whole, else the number of its savepoint.
    level: u32,
    is_ended: bool,
}

impl Connection {
    /// Begins a transaction, as the server has it by default: see
    /// [`transaction_with`](Self::transaction_with).
    ///
    /// ```no_run
    /// # async fn pay(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// let mut transaction = connection.transaction().await?;
    /// transaction.execute("UPDATE account SET sum = sum - 5 WHERE id = ?", (1,)).await?;
    /// transaction.execute("UPDATE account SET sum = sum + 5 WHERE id = ?", (2,)).await?;
    /// transaction.commit().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`transaction_with`](Self::transaction_with).
    ///
    /// # Cancel safety
    /// Like [`transaction_with`](Self::transaction_with).
    pub fn transaction(&mut self) -> impl Future<Output = Result<Transaction<'_>, Error>> {
        self.begin_call();
        async { self.begin_within_call(&TransactionOptions::new()).await }
    }

    /// Begins a transaction.
    ///
    /// `START TRANSACTION` is sent and not waited for. The server's answer is read in front of the
    /// first statement: if it refuses, that is the error of the first call, and nothing has run.
    ///
    /// # Errors
    /// [`Error::TransactionOpen`] if a transaction is open, which was begun by SQL or because
    /// `autocommit` is off. Nothing was sent.
    ///
    /// # Cancel safety
    /// Safe. No transaction is begun, or it is rolled back at once.
    pub fn transaction_with(
        &mut self,
        options: &TransactionOptions,
    ) -> impl Future<Output = Result<Transaction<'_>, Error>> {
        self.begin_call();
        self.begin_within_call(options)
    }

    async fn begin_within_call(
        &mut self,
        options: &TransactionOptions,
    ) -> Result<Transaction<'_>, Error> {
        self.ready_within_call().await?;
        self.session.begin_transaction(options)?;
        let transaction = Transaction {
            connection: self,
            level: 0,
            is_ended: false,
        };
        transaction.connection.write_clean_up();
        Ok(transaction)
    }

    /// Makes certain whether the transaction is still open, if that is in doubt: the status of any OK
    /// tells.
    pub(crate) async fn resolve_doubt(&mut self) -> Result<(), Error> {
        let in_doubt = matches!(self.session.transaction(), TransactionWatch::InDoubt { .. });
        if !in_doubt || self.session.is_response_due() {
            return Ok(());
        }
        self.session.ping()?;
        match self.executed().await {
            // It stays in doubt, and nothing more runs in it.
            Ok(_) | Err(Error::Server(_)) => Ok(()),
            Err(error) => Err(self.not_sent(error)),
        }
    }

    /// Undoes the transaction, or the part of it behind a savepoint, without waiting.
    fn undo(&mut self, level: u32) {
        let is_aborted = matches!(self.session.transaction(), TransactionWatch::Aborted { .. });
        match level {
            0 => self.session.clean_up(CleanUp::Rollback),
            // The savepoint is gone.
            _ if is_aborted => return,
            level => {
                let savepoint = SavepointId(level);
                self.session.clean_up(CleanUp::RollbackTo(savepoint));
            }
        }
        self.write_clean_up();
    }
}

impl Transaction<'_> {
    /// Begins a part of the transaction that can be undone by itself, by a savepoint. Its
    /// [`commit`](Self::commit) makes its work a part of this transaction's.
    ///
    /// # Errors
    /// [`Error::TransactionAborted`]. Nothing was sent.
    ///
    /// # Cancel safety
    /// Safe. The transaction is as it was before.
    pub fn transaction(&mut self) -> impl Future<Output = Result<Transaction<'_>, Error>> {
        self.connection.begin_call();
        async {
            self.connection.ready_within_call().await?;
            let level = self.level.saturating_add(1);
            self.connection.session.set_savepoint(SavepointId(level))?;
            let part = Transaction {
                connection: self.connection,
                level,
                is_ended: false,
            };
            part.connection.write_clean_up();
            Ok(part)
        }
    }

    /// Commits the transaction. A part of one is made part of the rest, and not committed before that
    /// is.
    ///
    /// # Errors
    /// - [`Error::TransactionAborted`] if the transaction has ended before; nothing was sent.
    /// - [`Error::Server`] if the server refuses, as it may in a cluster by a deadlock (1213), or if
    ///   somebody has ended the COMMIT by `KILL QUERY` (1317): the transaction is rolled back.
    /// - [`Error::Timeout`] if the time of the call was over and the server has refused: likewise.
    /// - [`Error::CommitUnknown`] if the connection was lost before the answer came. Whether the
    ///   transaction is committed is not known then.
    ///
    /// # Cancel safety
    /// Safe for the connection. Whether the transaction was committed is not known then; if not, it is
    /// rolled back.
    pub fn commit(self) -> impl Future<Output = Result<(), Error>> {
        self.connection.begin_call();
        self.commit_within_call()
    }

    async fn commit_within_call(mut self) -> Result<(), Error> {
        self.connection.ready_within_call().await?;
        if self.level > 0 {
            return self.release().await;
        }
        self.connection.session.commit()?;
        match self.connection.executed().await {
            Ok(_) => {
                self.committed();
                Ok(())
            }
            Err(Error::Server(error)) => Err(Error::Server(error)),
            Err(_) if self.connection.session.unsent_commands() > 0 => Err(Error::Closed {
                reason: self.connection.close_reason().unwrap_or(CloseReason::Lost),
            }),
            Err(error) => self.answered_late(error),
        }
    }

    fn committed(&mut self) {
        self.connection.session.leave_transaction();
        self.is_ended = true;
    }

    /// Nobody has read the answer to the COMMIT. If it has come all the same, the state of the
    /// transaction tells it.
    fn answered_late(&mut self, error: Error) -> Result<(), Error> {
        let is_open = self.connection.close_reason().is_none();
        match self.connection.session.transaction() {
            TransactionWatch::Aborted { code: None } if is_open => {
                self.committed();
                Ok(())
            }
            TransactionWatch::Aborted { .. } | TransactionWatch::InDoubt { .. } if is_open => {
                Err(error)
            }
            _ => Err(Error::CommitUnknown {
                source: Box::new(error),
            }),
        }
    }

    /// Undoes the transaction, or the part of it that this one is, and waits until that is done. Without
    /// waiting a drop does the same.
    ///
    /// # Errors
    /// [`Error::Closed`] if the connection is lost, whose server then does it by itself.
    ///
    /// # Cancel safety
    /// Safe. It is undone all the same.
    pub fn rollback(self) -> impl Future<Output = Result<(), Error>> {
        self.connection.begin_call();
        async {
            let mut this = self;
            this.is_ended = true;
            this.connection.undo(this.level);
            match this.connection.ready_within_call().await {
                // That the rest has ended as well is said by its next call.
                Err(Error::TransactionAborted { .. }) => Ok(()),
                undone => undone,
            }
        }
    }

    /// Makes the work of this part the transaction's. It is not taken back, so that nothing is in
    /// doubt where the wait for the answer is given up.
    async fn release(mut self) -> Result<(), Error> {
        let savepoint = SavepointId(self.level);
        self.connection.session.release_savepoint(savepoint)?;
        self.is_ended = true;
        self.connection.write_clean_up();
        self.connection.ready_within_call().await
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.connection.undo(self.level);
        }
    }
}
