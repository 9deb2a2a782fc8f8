//! What a user of a connection leaves behind, and the next one does not find.

use std::time::Duration;

use otaria::{Error, ResetPolicy, Stopped};
use otaria_codec::ServerStatus;
use protocol_tests::pipe::Cut;
use protocol_tests::polls::poll_times;
use tokio::time::Instant;

use crate::database::Database;
use crate::value;

const TRACK: &str = "0: SET session_track_state_change=1, session_track_transaction_info='STATE'";
const ROLLBACK: &str = "0: ROLLBACK AND NO CHAIN NO RELEASE";

#[tokio::test]
async fn an_open_transaction_is_rolled_back_when_the_connection_comes_back() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let mut connection = pool.get().await?;
    connection.simple_execute("BEGIN").await?;
    database.take_commands();
    drop(connection);
    // Before anybody takes it, and without a task.
    assert_eq!(database.take_commands(), [ROLLBACK]);
    let mut connection = pool.get().await?;
    assert!(!connection.status().is_in_transaction());
    value(&mut connection, "SELECT connection").await?;
    assert_eq!(database.take_commands(), ["0: SELECT connection"]);
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_changed_is_reset_and_tracked_again() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    for _ in 0..2 {
        let mut connection = pool.get().await?;
        connection.simple_execute("SET variable").await?;
        database.take_commands();
        drop(connection);
        assert_eq!(
            database.take_commands(),
            ["0: RESET", "0: INIT_DB shop", TRACK]
        );
        let mut connection = pool.get().await?;
        assert_eq!(value(&mut connection, "SELECT variable").await?, "");
        drop(connection);
        // That was no change.
        assert_eq!(database.take_commands(), ["0: SELECT variable"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_not_changed_is_reset_by_the_policy_always_only() -> Result<(), Error> {
    for (policy, due) in [
        (ResetPolicy::WhenChanged, &[][..]),
        (ResetPolicy::Always, &["0: RESET", "0: INIT_DB shop"]),
        (ResetPolicy::Never, &[]),
    ] {
        let database = Database::new();
        let pool = database.pool().reset_policy(policy).build();
        let mut connection = pool.get().await?;
        value(&mut connection, "SELECT connection").await?;
        database.take_commands();
        drop(connection);
        assert_eq!(database.take_commands(), due, "{policy:?}");
        value(&mut *pool.get().await?, "SELECT connection").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_policy_never_rolls_back_and_leaves_the_rest() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().reset_policy(ResetPolicy::Never).build();
    let mut connection = pool.get().await?;
    connection.simple_execute("SET variable").await?;
    connection.simple_execute("BEGIN").await?;
    database.take_commands();
    drop(connection);
    assert_eq!(database.take_commands(), [ROLLBACK]);
    let mut connection = pool.get().await?;
    assert_eq!(value(&mut connection, "SELECT variable").await?, "set");
    Ok(())
}

#[tokio::test]
async fn what_the_server_does_not_tell_is_taken_from_the_text() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    for sql in [
        "SELECT GET_LOCK('a', 1)",
        "DO @y := 1",
        "SET TRANSACTION READ ONLY",
    ] {
        let mut connection = pool.get().await?;
        connection.simple_execute(sql).await?;
        database.take_commands();
        drop(connection);
        assert_eq!(database.take_commands()[0], "0: RESET", "{sql}");
    }
    // One that fails may have done half of it.
    let mut connection = pool.get().await?;
    assert!(connection.simple_execute("FAIL").await.is_err());
    database.take_commands();
    drop(connection);
    assert_eq!(database.take_commands()[0], "0: RESET");
    Ok(())
}

#[tokio::test]
async fn a_server_that_tells_of_no_changes_is_reset_always() -> Result<(), Error> {
    let database = Database::new();
    database.tell_nothing();
    let pool = database.pool().build();
    drop(pool.get().await?);
    assert_eq!(
        database.take_commands(),
        [TRACK, "0: RESET", "0: INIT_DB shop"]
    );
    drop(pool.get().await?);
    assert_eq!(database.take_commands(), ["0: RESET", "0: INIT_DB shop"]);
    Ok(())
}

#[tokio::test]
async fn a_clean_up_that_fails_never_lets_the_next_users_statement_run() -> Result<(), Error> {
    for sql in ["BEGIN", "SET variable"] {
        let database = Database::new();
        let pool = database.pool().build();
        let mut connection = pool.get().await?;
        connection.simple_execute(sql).await?;
        database.refuse_clean_up();
        drop(connection);
        let mut connection = pool.get().await?;
        assert_eq!(value(&mut connection, "SELECT connection").await?, "1");
        assert_eq!(pool.status().broken, 1);
        assert_eq!(database.open_connections(), 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_that_is_not_answered_does_not_take_all_of_the_time_of_a_get()
-> Result<(), Error> {
    for sql in ["BEGIN", "SET variable"] {
        let database = Database::new();
        let pool = database.pool().get_timeout(Duration::from_secs(30)).build();
        let mut connection = pool.get().await?;
        connection.simple_execute(sql).await?;
        database.hang_on_clean_up();
        drop(connection);
        let start = Instant::now();
        let mut connection = pool.get().await?;
        assert_eq!(value(&mut connection, "SELECT connection").await?, "1");
        assert_eq!(start.elapsed().as_secs(), 2);
        assert_eq!(database.open_connections(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn clean_up_that_does_not_fit_into_one_write_goes_on_at_the_checkout() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let mut connection = pool.get().await?;
    connection.simple_execute("SET variable").await?;
    database.pipe(0).set_cut(Cut::NoWrites);
    database.take_commands();
    drop(connection);
    assert!(database.take_commands().is_empty());
    database.pipe(0).set_cut(Cut::Every(1));
    let mut connection = pool.get().await?;
    assert_eq!(value(&mut connection, "SELECT variable").await?, "");
    let sent = ["0: RESET", "0: INIT_DB shop", TRACK, "0: SELECT variable"];
    assert_eq!(database.take_commands(), sent);
    assert!(connection.status().contains(ServerStatus::AUTOCOMMIT));
    Ok(())
}

#[tokio::test]
async fn the_time_that_a_user_has_given_its_next_call_is_not_that_of_the_next_user()
-> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    pool.get().await?.with_timeout(Duration::ZERO);
    let mut connection = pool.get().await?;
    assert!(value(&mut connection, "SELECT connection").await.is_ok());
    let limited = connection.with_timeout(Duration::ZERO);
    assert!(value(limited, "SELECT connection").await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_cleans_up_has_not_the_limit_of_a_call_that_was_given_up() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let mut connection = pool.get().await?;
    connection.simple_execute("SET variable").await?;
    let limited = connection.with_timeout(Duration::from_secs(1));
    assert!(
        poll_times(limited.simple_execute("SELECT connection"), 0)
            .await
            .is_none()
    );
    database.pipe(0).set_cut(Cut::Every(1));
    tokio::time::advance(Duration::from_secs(5)).await;
    drop(connection);
    let mut connection = pool.get().await?;
    assert_eq!(value(&mut connection, "SELECT variable").await?, "");
    assert_eq!(database.connections(), 1, "it was cleaned up");
    Ok(())
}

#[tokio::test]
async fn a_token_of_one_user_knows_nothing_of_the_next() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let mut connection = pool.get().await?;
    let token = connection.cancel_token();
    value(&mut connection, "SELECT connection").await?;
    drop(connection);
    let mut connection = pool.get().await?;
    let endless = connection.simple_execute("SELECT endless");
    assert!(poll_times(endless, 1).await.is_none());
    assert_eq!(database.connections(), 1);
    assert_eq!(token.cancel().await?, Stopped::NotRunning);
    Ok(())
}
