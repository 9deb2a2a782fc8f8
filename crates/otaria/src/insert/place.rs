use std::future::Future;

use otaria_connection::{
    CallLimit, Config, Connection, Error, Executed, Rows, ServerVersion, SessionState, Transaction,
};

/// Where rows are inserted: on a connection, or in a transaction of the caller's.
pub(super) trait Place: Send {
    /// Whether it is a transaction, in which nothing may commit.
    const IS_TRANSACTION: bool;

    /// Begins a transaction, or a part of one, in the time of the insertion.
    fn begin(
        &mut self,
        call: CallLimit,
    ) -> impl Future<Output = Result<Transaction<'_>, Error>> + Send;

    fn ask(
        &mut self,
        call: CallLimit,
        sql: &str,
    ) -> impl Future<Output = Result<Rows<'_>, Error>> + Send;

    fn run(&mut self, sql: &str) -> impl Future<Output = Result<Executed, Error>> + Send;

    /// Makes the next call a part of the insertion.
    fn in_time(&mut self, call: CallLimit) -> &mut Self;

    fn settings(&self) -> &Config;

    fn state(&self) -> &SessionState;

    fn version(&self) -> Option<&ServerVersion>;
}

macro_rules! place {
    ($($place:ty, $is_transaction:literal;)+) => {$(
        impl Place for $place {
            const IS_TRANSACTION: bool = $is_transaction;

            async fn begin(&mut self, call: CallLimit) -> Result<Transaction<'_>, Error> {
                self.within(call).transaction().await
            }

            async fn ask(&mut self, call: CallLimit, sql: &str) -> Result<Rows<'_>, Error> {
                self.within(call).simple_query(sql).await
            }

            async fn run(&mut self, sql: &str) -> Result<Executed, Error> {
                self.simple_execute(sql).await
            }

            fn in_time(&mut self, call: CallLimit) -> &mut Self {
                self.within(call)
            }

            fn settings(&self) -> &Config {
                self.config()
            }

            fn state(&self) -> &SessionState {
                self.session_state()
            }

            fn version(&self) -> Option<&ServerVersion> {
                self.server_version()
            }
        }
    )+};
}

place! {
    Connection, false;
    Transaction<'_>, true;
}
