use otaria_session::{Error, TransactionOptions, TransactionWatch};
use tokio::time::sleep;

use super::Transaction;
use crate::{Connection, RetryPolicy};

impl Connection {
    /// Runs `work` in a transaction and commits it; begun as the server has it by default. See
    /// [`run_transaction_with`](Self::run_transaction_with).
    ///
    /// ```no_run
    /// # use otaria_connection::{Connection, Error, RetryPolicy};
    /// # async fn pay(connection: &mut Connection, from: u64, to: u64) -> Result<(), Error> {
    /// connection
    ///     .run_transaction(&RetryPolicy::new(), async move |transaction| {
    ///         transaction.execute("UPDATE account SET sum = sum - 5 WHERE id = ?", (from,)).await?;
    ///         transaction.execute("UPDATE account SET sum = sum + 5 WHERE id = ?", (to,)).await?;
    ///         Ok(())
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`run_transaction_with`](Self::run_transaction_with).
    ///
    /// # Cancel safety
    /// Like [`run_transaction_with`](Self::run_transaction_with).
    pub fn run_transaction<T, E: From<Error>>(
        &mut self,
        policy: &RetryPolicy,
        work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> impl Future<Output = Result<T, E>> {
        let limit = self.take_next_limit();
        async move {
            self.set_next_limit(limit);
            let options = TransactionOptions::new();
            self.run_again(&options, policy, work).await
        }
    }

    /// Runs `work` in a transaction and commits it. An error of `work` rolls it back.
    ///
    /// If another transaction was in the way, all of it is done again, as often as `policy` says: after
    /// a deadlock (1213), a lock that could not be had in time (1205), or a row that was changed since
    /// the transaction began (1020), whether a statement of `work` or the COMMIT met it, and whatever
    /// error `work` makes of it. Not after a statement that may have committed before it met that, such
    /// as `CREATE TABLE … SELECT` or the CALL of a procedure. So `work` is called several times, and must do nothing but by the
    /// transaction that could not be done twice.
    ///
    /// For a task of its own (`tokio::spawn`), `work` has to own what it uses, as in `async move` with
    /// values and clones of `Arc`s: of one that captures references the compiler cannot see that its future
    /// may be sent.
    ///
    /// # Errors
    /// The last error of `work`, and those of [`transaction_with`](Self::transaction_with) and of
    /// [`Transaction::commit`].
    ///
    /// # Cancel safety
    /// Safe. The transaction is rolled back, unless its COMMIT was sent: whether it is committed is not
    /// known then.
    pub fn run_transaction_with<T, E: From<Error>>(
        &mut self,
        options: &TransactionOptions,
        policy: &RetryPolicy,
        work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> impl Future<Output = Result<T, E>> {
        let limit = self.take_next_limit();
        async move {
            self.set_next_limit(limit);
            self.run_again(options, policy, work).await
        }
    }

    async fn run_again<T, E: From<Error>>(
        &mut self,
        options: &TransactionOptions,
        policy: &RetryPolicy,
        mut work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut failed = 0;
        loop {
            let mut transaction = self.transaction_with(options).await?;
            let (error, was_in_the_way) = match work(&mut transaction).await {
                Ok(done) => match transaction.commit().await {
                    Ok(()) => return Ok(done),
                    Err(error) => {
                        let was_in_the_way = is_conflict_of(&error);
                        (E::from(error), was_in_the_way)
                    }
                },
                Err(error) => (error, transaction.was_in_conflict().await),
            };
            failed += 1;
            match policy.delay(failed) {
                Some(delay) if was_in_the_way => sleep(delay).await,
                _ => return Err(error),
            }
        }
    }
}

impl Transaction<'_> {
    /// Whether another transaction was in the way of the statement that failed last, and nothing of
    /// this one can have been committed. This one is rolled back.
    async fn was_in_conflict(self) -> bool {
        let code = match self.connection.session.transaction() {
            TransactionWatch::Aborted { code } => code,
            TransactionWatch::InDoubt {
                code,
                may_be_committed: false,
            } => Some(code),
            _ => None,
        };
        if !code.is_some_and(is_conflict) {
            return false;
        }
        let resolved = self.connection.resolve_doubt().await;
        let may_be_committed = TransactionWatch::Aborted { code: None };
        resolved.is_ok() && self.connection.session.transaction() != may_be_committed
    }
}

/// Whether the COMMIT was not done because another transaction was in the way.
fn is_conflict_of(error: &Error) -> bool {
    match error {
        Error::Server(error) => is_conflict(error.code()),
        Error::TransactionAborted { code: Some(code) } => is_conflict(*code),
        _ => false,
    }
}

/// A row that was changed meanwhile, a lock that could not be had in time, a deadlock, and these two
/// in a distributed transaction.
const fn is_conflict(code: u16) -> bool {
    matches!(code, 1020 | 1205 | 1213 | 1613 | 1614)
}
