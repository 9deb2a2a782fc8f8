//! Futures dropped at every poll over a real server, on a connection of a pool: whatever a user
//! leaves behind, the next one gets its own rows, is outside any transaction, holds no locks of the
//! one before, and finds the schema and the variables that it expects.

mod calls;
mod checkouts;
mod transactions;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use otaria::{CancelPolicy, Config, Connection, Error, Pool, PooledConnection};
use protocol_tests::dribble::{Dribble, Pace};
use protocol_tests::live::{self, Schema};
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Pools of one connection each, and a schema.
struct House {
    schema: Schema<'static>,
    /// Its connection passes bytes at the pace that is given.
    slow: Pool,
    pace: Pace,
    /// Its connection is a socket as users have it.
    plain: Pool,
    config: Config,
    next: AtomicU64,
}

/// What a user finds: whether a transaction is open, autocommit, the schema, a user variable, and
/// session variables.
type Found = (u8, u8, Option<String>, Option<u64>, String, String, f64);

impl House {
    fn new(name: &str) -> Self {
        let schema = live::shared().schema(name).unwrap();
        schema
            .sql(
                "CREATE TABLE written (id BIGINT NOT NULL) ENGINE = InnoDB;
                 CREATE TABLE counter (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB;
                 INSERT INTO counter VALUES (1, 0)",
            )
            .unwrap();
        let config: Config = schema.url().parse().unwrap();
        let config = config.to_builder().local_infile(true);
        // However busy the machine is: a connection that takes longer would be closed.
        let minute = Duration::from_secs(60);
        let config = config.stop_timeout(minute).drain_timeout(minute);
        let config = config.build().unwrap();
        let pace = Pace::fast();
        // A statement that is late is stopped, which cannot be done beside a stream that was given.
        let drains = config.clone().to_builder();
        let drains = drains.cancel_policy(CancelPolicy::Drain).build().unwrap();
        Self {
            schema,
            slow: Self::slow(&drains, &pace),
            pace,
            plain: Pool::builder(config.clone()).max_size(1).build(),
            config,
            next: AtomicU64::new(1),
        }
    }

    fn slow(config: &Config, pace: &Pace) -> Pool {
        let pace = pace.clone();
        Pool::builder(config.clone())
            .max_size(1)
            .connect_with(move |config| {
                let pace = pace.clone();
                async move {
                    let server = live::shared();
                    let stream = TcpStream::connect((server.host(), server.port())).await;
                    let stream = stream.expect("the shared server");
                    stream.set_nodelay(true).expect("a socket");
                    Connection::connect_over(Dribble::new(stream, &pace), &config).await
                }
            })
            .build()
    }

    /// A number that nobody else has.
    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// Changes what the next user would find.
    async fn unsettle(&self, connection: &mut PooledConnection) {
        for sql in [
            // MySQL takes it for the beginning of a transaction where autocommit is off.
            "CREATE TEMPORARY TABLE borrowed (id INT)",
            "SET @borrowed = 1, sql_mode = 'ANSI_QUOTES', autocommit = 0",
            "USE mysql",
        ] {
            connection.simple_execute(sql).await.unwrap();
        }
    }

    /// Checks what the next user finds, and returns the id of its connection.
    async fn next_user(&self, pool: &Pool) -> u32 {
        let user = timeout(Duration::from_secs(20), self.check_next_user(pool)).await;
        user.expect("the next user waits for ever")
    }

    async fn check_next_user(&self, pool: &Pool) -> u32 {
        let mut connection = pool.get().await.unwrap();
        let number = self.number();
        let text = format!("SELECT {number}");
        let rows = connection.simple_query(&text).await.unwrap();
        let rows: Vec<(u64,)> = rows.collect().await.unwrap();
        assert_eq!(rows, [(number,)], "rows of its own");

        let rows: Vec<(u64, u64)> = connection
            .query_all(
                &live::shared().dialect("SELECT ?, seq FROM seq_1_to_3"),
                (number,),
            )
            .await
            .unwrap();
        assert_eq!(rows, [(number, 1), (number, 2), (number, 3)]);

        let sql = live::shared().dialect(
            "SELECT @@in_transaction, @@autocommit, DATABASE(), @borrowed, \
             @@sql_mode, @@time_zone, @@max_statement_time",
        );
        let found: Found = connection.query_one(&sql, ()).await.unwrap();
        assert_eq!(found, self.expected().await);

        let temporary = connection.simple_execute("SELECT * FROM borrowed").await;
        let no_such_table = 1146;
        assert!(
            matches!(&temporary, Err(Error::Server(error)) if error.code() == no_such_table),
            "{temporary:?}"
        );
        let id = connection.thread_id();
        drop(connection);
        self.locks_are_free().await;
        id
    }

    /// What a connection finds that nobody has used.
    async fn expected(&self) -> Found {
        let mut fresh = Connection::connect(&self.config).await.unwrap();
        let sql = live::shared().dialect(
            "SELECT 0, 1, DATABASE(), NULL, @@sql_mode, @@time_zone, @@max_statement_time",
        );
        fresh.query_one(&sql, ()).await.unwrap()
    }

    /// Another session changes the row that everybody here changes.
    async fn locks_are_free(&self) {
        let mut other = Connection::connect(&self.config).await.unwrap();
        let sql = "SET innodb_lock_wait_timeout = 1";
        other.simple_execute(sql).await.unwrap();
        let sql = "UPDATE counter SET n = n + 1 WHERE id = 1";
        other.simple_execute(sql).await.expect("no lock is held");
    }

    /// Drops the future of `call` at every poll, on a connection as it was and on one that its user
    /// has changed, and checks what follows. The connection stays.
    async fn is_left_in_order(
        &self,
        call: impl AsyncFn(&mut PooledConnection) -> Result<(), Error>,
    ) {
        for pool in [&self.slow, &self.plain] {
            let id = self.next_user(pool).await;
            for unsettled in [false, true] {
                let polls = at_every_poll(async |polls| {
                    let mut connection = pool.get().await.unwrap();
                    if unsettled {
                        self.unsettle(&mut connection).await;
                    }
                    self.pace.slow_down(BYTES_A_POLL);
                    let result = poll_times(call(&mut connection), polls).await;
                    self.pace.speed_up();
                    drop(connection);
                    let next = self.next_user(pool).await;
                    assert_eq!(next, id, "the connection stays, cut after {polls} polls");
                    result.is_some_and(|result| {
                        result.expect("the call succeeds when it is not dropped");
                        true
                    })
                })
                .await;
                assert!(polls > 1, "the future was not cut");
            }
        }
    }
}

/// Few enough to cut within packets, and enough to come to an end.
const BYTES_A_POLL: usize = 7;

const FETCH_SIZE: NonZeroU32 = NonZeroU32::new(2).unwrap();
