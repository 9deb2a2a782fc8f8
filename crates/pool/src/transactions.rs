//! Transactions on a connection of the pool's choice.

use otaria_connection::{Error, RetryPolicy, Transaction, TransactionOptions};

use crate::Pool;

/// Each takes a connection, which is back in the pool when the call returns.
impl Pool {
    /// Runs `work` in a transaction and commits it; begun as the server has it by default. An error of
    /// `work` rolls it back.
    ///
    /// ```no_run
    /// # async fn pay(pool: otaria_pool::Pool, from: u64, to: u64) -> Result<(), otaria_connection::Error> {
    /// pool.transaction(async move |transaction| {
    ///     transaction.execute("UPDATE account SET sum = sum - 5 WHERE id = ?", (from,)).await?;
    ///     transaction.execute("UPDATE account SET sum = sum + 5 WHERE id = ?", (to,)).await?;
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// That of `work`; those of [`get`](Self::get), of
    /// [`Connection::transaction`](otaria_connection::Connection::transaction) and of
    /// [`Transaction::commit`].
    ///
    /// # Cancel safety
    /// Safe. The transaction is rolled back, unless its COMMIT was sent: whether it is committed is not
    /// known then.
    pub async fn transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run_transaction(&RetryPolicy::never(), work).await
    }

    /// Runs `work` in a transaction and commits it, and does all of it again, as often as `policy` says,
    /// if another transaction was in the way: see
    /// [`Connection::run_transaction`](otaria_connection::Connection::run_transaction).
    ///
    /// # Errors
    /// Those of [`transaction`](Self::transaction).
    ///
    /// # Cancel safety
    /// Like [`transaction`](Self::transaction).
    pub async fn run_transaction<T, E: From<Error>>(
        &self,
        policy: &RetryPolicy,
        work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let options = TransactionOptions::new();
        self.run_transaction_with(&options, policy, work).await
    }

    /// The same, with an isolation level, an access mode or a consistent snapshot.
    ///
    /// # Errors
    /// Those of [`transaction`](Self::transaction).
    ///
    /// # Cancel safety
    /// Like [`transaction`](Self::transaction).
    pub async fn run_transaction_with<T, E: From<Error>>(
        &self,
        options: &TransactionOptions,
        policy: &RetryPolicy,
        work: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.get().await?;
        connection.run_transaction_with(options, policy, work).await
    }
}
