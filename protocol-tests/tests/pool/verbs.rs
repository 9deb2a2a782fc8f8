//! What a pool does by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use otaria::{CallbackFuture, Error, Pool, RetryPolicy, ToSql, Transaction};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::timeout;

use crate::database::Database;
use crate::value;

type Row = (String,);

#[tokio::test]
async fn each_verb_gives_the_connection_back_at_once() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let (one,): Row = pool.query_one("SELECT connection", ()).await?;
    assert_eq!(one, "0");
    assert_eq!(pool.query_opt::<Row>("SELECT none", ()).await?, None);
    let all: Vec<Row> = pool.query_all("SELECT rows", ()).await?;
    assert_eq!(all.len(), 3);
    pool.execute("SET variable", ()).await?;
    let rows = [(1,), (2,)];
    let executed = pool.execute_batch("INSERT INTO t VALUES (?)", rows).await?;
    assert_eq!(executed.affected_rows, 0);
    assert_eq!(pool.status().idle, 1);
    let (variable,): Row = pool.query_one("SELECT variable", ()).await?;
    assert_eq!(variable, "", "each finds the session as it was");
    assert_eq!(database.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_server_gives_the_connection_back() -> Result<(), Error> {
    let pool = Database::new().pool().max_size(1).build();
    for _ in 0..3 {
        let error = pool.execute("FAIL", ()).await.unwrap_err();
        assert!(matches!(error, Error::Server(_)), "{error:?}");
    }
    let error = pool.query_one::<Row>("SELECT rows", ()).await.unwrap_err();
    assert!(matches!(error, Error::RowCount { .. }), "{error:?}");
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test]
async fn the_rows_of_a_stream_own_their_memory_and_the_connection_is_back_behind_the_last()
-> Result<(), Error> {
    let pool = Database::new().pool().max_size(1).build();
    let mut rows = pool.stream("SELECT rows", ()).await?;
    let mut read = Vec::new();
    for _ in 0..3 {
        read.push(rows.next().await?.expect("a row"));
        assert_eq!(pool.status().idle, 0);
    }
    assert!(rows.next().await?.is_none());
    assert_eq!(pool.status().idle, 1, "and the rows are still there");
    assert!(rows.next().await?.is_none());
    let last: &str = read[2].get(0)?;
    assert_eq!(last, "3");

    let rows = pool.stream("SELECT rows", ()).await?;
    let collected: Vec<_> = rows.try_collect().await?;
    assert_eq!(collected.len(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_at_every_poll_gives_the_connection_back() -> Result<(), Error> {
    let database = Database::new();
    database.set_cut(Cut::Every(3));
    let pool = database.pool().max_size(1).build();
    let polls = at_every_poll(async |polls| {
        let read = async {
            let mut rows = pool.stream("SELECT rows", ()).await.unwrap();
            while rows.next().await.unwrap().is_some() {}
        };
        let is_done = poll_times(read, polls).await.is_some();
        next_user_sees_its_own(&pool).await;
        is_done
    })
    .await;
    assert!(polls > 20, "{polls}");
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn verbs_dropped_at_every_poll_leave_the_next_user_its_own_rows() -> Result<(), Error> {
    type Verb = for<'a> fn(&'a Pool) -> Box<dyn Future<Output = Result<(), Error>> + 'a>;
    let verbs: [Verb; 5] = [
        |pool| {
            Box::new(async {
                pool.query_one::<Row>("SELECT connection", ())
                    .await
                    .map(drop)
            })
        },
        |pool| {
            Box::new(async {
                pool.query_opt::<Row>("SELECT connection", ())
                    .await
                    .map(drop)
            })
        },
        |pool| Box::new(async { pool.query_all::<Row>("SELECT rows", ()).await.map(drop) }),
        |pool| Box::new(async { pool.execute("SET variable", ()).await.map(drop) }),
        |pool| {
            Box::new(async {
                let rows = [(1,), (2,)];
                let batch = pool.execute_batch("INSERT INTO t VALUES (?)", rows);
                batch.await.map(drop)
            })
        },
    ];
    for verb in verbs {
        let database = Database::new();
        database.set_cut(Cut::Every(3));
        let pool = database.pool().max_size(1).build();
        let polls = at_every_poll(async |polls| {
            let done = poll_times(Box::into_pin(verb(&pool)), polls).await;
            next_user_sees_its_own(&pool).await;
            done.map(Result::unwrap).is_some()
        })
        .await;
        assert!(polls > 10, "{polls}");
    }
    Ok(())
}

async fn next_user_sees_its_own(pool: &Pool) {
    let get = timeout(Duration::from_secs(60), pool.get()).await;
    let mut connection = get.expect("a connection").unwrap();
    let variable = value(&mut connection, "SELECT variable").await;
    assert_eq!(variable.unwrap(), "");
    assert!(!connection.status().is_in_transaction());
}

#[tokio::test]
async fn a_close_that_races_with_the_first_write_takes_another_connection_once() -> Result<(), Error>
{
    for closes in [1, 2] {
        let database = Database::new();
        let left = Arc::new(AtomicUsize::new(0));
        let (closing, counter) = (database.clone(), Arc::clone(&left));
        let pool = database
            .pool()
            .before_get(move |_| {
                // Behind the look at the socket, and in front of the statement.
                let left = counter.load(Ordering::Relaxed);
                if left > 0 {
                    counter.store(left - 1, Ordering::Relaxed);
                    // The last that came back is the first to be taken.
                    closing.act(1 + left - closes, Action::Reset);
                }
                CallbackFuture::new(async { Ok(()) })
            })
            .build();
        let held: Vec<_> = [pool.get().await?, pool.get().await?].into();
        drop(held);
        left.store(closes, Ordering::Relaxed);
        let queried = pool.query_one::<Row>("SELECT connection", ()).await;
        match closes {
            1 => assert_eq!(queried?.0, "0"),
            _ => assert!(matches!(queried, Err(Error::Closed { .. })), "{queried:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_committed_or_rolled_back_and_its_connection_is_back() -> Result<(), Error>
{
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let connection = pool
        .transaction(async move |transaction| {
            let (connection,): Row = transaction.query_one("SELECT connection", ()).await?;
            Ok::<_, Error>(connection)
        })
        .await?;
    assert_eq!((connection.as_str(), pool.status().idle), ("0", 1));
    let commands = database.take_commands();
    assert_eq!(
        commands.last().unwrap(),
        "0: COMMIT AND NO CHAIN NO RELEASE",
        "{commands:?}"
    );

    let failed = pool
        .transaction(async move |transaction| transaction.execute("FAIL", ()).await.map(drop))
        .await;
    assert!(matches!(failed, Err(Error::Server(_))), "{failed:?}");
    assert_eq!(pool.status().idle, 1);
    assert!(!pool.get().await?.status().is_in_transaction());
    assert!(
        database
            .take_commands()
            .iter()
            .any(|command| { command.starts_with("0: ROLLBACK") || command == "0: RESET" })
    );
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_met_another_is_run_again_by_its_policy() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let mut runs = 0;
    let policy = RetryPolicy::new().base(Duration::ZERO);
    let work = async |transaction: &mut Transaction<'_>| {
        runs += 1;
        if runs < 3 {
            transaction.execute("UPDATE deadlock", ()).await?;
        }
        Ok::<_, Error>(())
    };
    pool.run_transaction(&policy, work).await?;
    assert_eq!(runs, 3);
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_transaction_dropped_at_every_poll_leaves_the_next_user_outside_any() -> Result<(), Error>
{
    let database = Database::new();
    database.set_cut(Cut::Every(3));
    let pool = database.pool().max_size(1).build();
    let polls = at_every_poll(async |polls| {
        let work = pool.transaction(async move |transaction| {
            transaction.execute("SET variable", ()).await.map(drop)
        });
        let done = poll_times(work, polls).await;
        next_user_sees_its_own(&pool).await;
        done.map(Result::unwrap).is_some()
    })
    .await;
    assert!(polls > 20, "{polls}");
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[test]
fn the_futures_of_a_pool_can_be_moved_to_other_threads() {
    fn is_send<T: Send>(future: T) {
        drop(future);
    }
    let pool = Database::new().pool().build();
    let dynamic: &[&(dyn ToSql + Sync)] = &[&7, &"Ada"];
    is_send(pool.get());
    is_send(pool.prewarm());
    is_send(pool.close());
    is_send(pool.query_one::<Row>("SELECT ?", dynamic));
    is_send(pool.query_opt::<Row>("SELECT ?", (1, String::new())));
    is_send(pool.query_all::<Row>("SELECT ?", [1]));
    is_send(pool.execute("SELECT ?", dynamic));
    is_send(pool.execute_batch("INSERT INTO t VALUES (?)", [(1,), (2,)]));
    is_send(pool.stream("SELECT ?", dynamic));
}

#[test]
fn the_futures_of_a_pool_are_small() {
    let pool = Database::new().pool().build();
    assert!(size_of_val(&pool.get()) <= 64);
    let again = pool.repeatable(&RetryPolicy::new());
    for size in [
        size_of_val(&pool.query_one::<Row>("SELECT ?", (1,))),
        size_of_val(&pool.query_opt::<Row>("SELECT ?", (1,))),
        size_of_val(&pool.query_all::<Row>("SELECT ?", (1,))),
        size_of_val(&pool.execute("SELECT ?", (1,))),
        size_of_val(&pool.stream("SELECT ?", (1,))),
        size_of_val(&again.query_one::<Row>("SELECT ?", (1,))),
        size_of_val(&pool.transaction(async |_| Ok::<_, Error>(()))),
    ] {
        assert!(size <= 1536, "{size}");
    }
    let batch = size_of_val(&pool.execute_batch("INSERT INTO t VALUES (?)", [(1,)]));
    assert!(batch <= 3072, "{batch}");
}
