//! Calls whose statements take longer than somebody has time for.

use std::time::Duration;

use otaria::{Error, ErrorKind, PooledConnection};
use tokio::time::{sleep, timeout};

use super::Call;

impl Call<'_> {
    /// The time of the call is over before the statement is.
    pub(super) async fn timeout(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let limit = Duration::from_millis(self.random.u64(1..60));
        let slept = connection
            .with_timeout(limit)
            .query_one::<(u64, u8)>("SELECT ?, SLEEP(0.2)", (self.id,))
            .await;
        match slept {
            // The one that stops it is told by the server, or somebody else has killed it.
            Ok((id, _)) => assert_eq!(id, self.id),
            Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled) => {}
            Err(error) => return Err(error),
        }
        if connection.close_reason().is_some() {
            return Ok(());
        }
        self.answers(connection).await
    }

    /// Somebody else ends the statement.
    pub(super) async fn cancel(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let token = connection.cancel_token();
        let after = Duration::from_millis(self.random.u64(0..60));
        let cancel = async {
            sleep(after).await;
            // The way to the server is as broken as that of the call.
            let _ = token.cancel().await;
        };
        let sql = "SELECT ?, SLEEP(0.2)";
        let query = connection.query_one::<(u64, u8)>(sql, (self.id,));
        match tokio::join!(query, cancel).0 {
            Ok((id, _)) => assert_eq!(id, self.id),
            Err(error) if error.kind() == ErrorKind::Cancelled => {}
            Err(error) => return Err(error),
        }
        self.answers(connection).await
    }

    /// A statement that does not end when its client goes. Where a kill may not reach it, it is soon
    /// over by itself; elsewhere after a while, for what would kill it may be killed, too.
    pub(super) async fn benchmark(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let times: u64 = if self.lane.stops { 2_000_000 } else { 100_000 };
        let sql = "SELECT ?, BENCHMARK(?, MD5('x'))";
        let patience = Duration::from_millis(self.random.u64(0..50));
        let query = connection.query_one::<(u64, u8)>(sql, (self.id, times));
        match timeout(patience, query).await {
            Ok(Ok((id, _))) => assert_eq!(id, self.id),
            Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}
