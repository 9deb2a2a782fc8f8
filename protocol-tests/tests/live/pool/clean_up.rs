//! What one borrower leaves behind, and the next one does not see.

use std::time::{Duration, Instant};

use otaria::{Connection, Error, ResetPolicy, ServerStatus};
use protocol_tests::live;
use tokio::time::sleep;

use super::{pool_of_one, value};
use crate::connect;

/// What one borrower runs, and what the next one asks; what it is told is to be what a new
/// connection is told.
const LEFT_BEHIND: &[(&[&str], &str)] = &[
    (&["SET @u = 1"], "SELECT CAST(@u AS CHAR)"),
    (&["SELECT 1 INTO @u"], "SELECT CAST(@u AS CHAR)"),
    (&["CALL sets_variable()"], "SELECT CAST(@u AS CHAR)"),
    (
        &["CALL fails_behind_a_variable()"],
        "SELECT CAST(@u AS CHAR)",
    ),
    (&["CALL has_out(@u)"], "SELECT CAST(@u AS CHAR)"),
    (&["SELECT @y := 1"], "SELECT CAST(@y AS CHAR)"),
    (&["SET sql_mode = 'ANSI'"], "SELECT @@sql_mode"),
    (
        &["CALL sets_limit()"],
        "SELECT CAST(@@max_statement_time AS CHAR)",
    ),
    (
        &["SET max_statement_time = 7"],
        "SELECT CAST(@@max_statement_time AS CHAR)",
    ),
    (&["SET NAMES latin1"], "SELECT @@character_set_client"),
    (&["SET time_zone = '+07:00'"], "SELECT @@time_zone"),
    (&["SET autocommit = 0"], "SELECT CAST(@@autocommit AS CHAR)"),
    (
        &["SET autocommit = 0", "INSERT INTO t VALUES (9)"],
        "SELECT CAST(@@autocommit AS CHAR)",
    ),
    (&["USE mysql"], "SELECT DATABASE()"),
    (
        &["SET session_track_state_change = 0", "SET @u = 1"],
        "SELECT CAST(@u AS CHAR)",
    ),
    (
        &["SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
        "SELECT @@tx_isolation",
    ),
    (
        &["CREATE TEMPORARY TABLE t AS SELECT 'hidden' AS v"],
        "SELECT CAST(MAX(v) AS CHAR) FROM t",
    ),
    (
        &["BEGIN", "INSERT INTO t VALUES (10)"],
        "SELECT CAST(MAX(v) AS CHAR) FROM t",
    ),
];

/// What one borrower runs, and what another session must be able to run when it is back.
const LOCKS: &[(&str, &str)] = &[
    (
        "SELECT GET_LOCK('otaria_pool', 0)",
        "SELECT IS_FREE_LOCK('otaria_pool')",
    ),
    ("LOCK TABLES t WRITE", "UPDATE t SET v = v WHERE v = 1"),
    ("LOCK TABLES t READ", "UPDATE t SET v = v WHERE v = 1"),
    ("BACKUP LOCK t", "ALTER TABLE t COMMENT 'a'"),
    ("HANDLER t OPEN", "ALTER TABLE t COMMENT 'b'"),
];

async fn text(connection: &mut Connection, sql: &str) -> Result<Option<String>, Error> {
    value::<Option<String>>(connection, &live::shared().dialect(sql)).await
}

async fn tables(connection: &mut Connection) -> Result<(), Error> {
    for sql in [
        "CREATE TABLE t (v INT PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE PROCEDURE sets_variable() SET @u = 1",
        "CREATE PROCEDURE sets_limit() SET SESSION max_statement_time = 5",
        "CREATE PROCEDURE fails_behind_a_variable() BEGIN SET @u = 1; SELECT * FROM nowhere; END",
        "CREATE PROCEDURE has_out(OUT o INT) SET o = 1",
        // Other tests have it, too.
        "CREATE ROLE IF NOT EXISTS a_role",
        "GRANT a_role TO CURRENT_USER",
    ] {
        connection
            .simple_execute(&live::shared().dialect(sql))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_one_borrower_sets_by_variables_modes_roles_temporary_tables_assignments_and_schemas_the_next_one_sees_none_of_it()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_left_behind").unwrap();
    tables(&mut connect(schema.name()).await).await?;
    let pool = pool_of_one(schema.name()).build();
    let thread_id = pool.get().await?.thread_id();
    let ways = [false, true].into_iter();
    for (is_prepared, (statements, question)) in
        ways.flat_map(|way| LEFT_BEHIND.iter().map(move |left| (way, left)))
    {
        let expected = text(&mut connect(schema.name()).await, question).await?;
        let mut connection = pool.get().await?;
        for sql in *statements {
            let own = live::shared().dialect(sql);
            let done = if is_prepared {
                connection.execute(&own, ()).await
            } else {
                connection.simple_execute(&own).await
            };
            assert!(done.is_ok() || sql.starts_with("CALL fails"), "{sql}");
        }
        drop(connection);
        let mut connection = pool.get().await?;
        assert_eq!(connection.thread_id(), thread_id, "{statements:?}");
        let status = connection.status();
        assert!(!status.is_in_transaction() && status.is_autocommit());
        assert_eq!(
            text(&mut connection, question).await?,
            expected,
            "{statements:?}"
        );
        assert_eq!(connection.session_state().schema(), Some(schema.name()));
    }
    let status = pool.status();
    assert_eq!((status.connected, status.broken), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_role_that_one_borrower_sets_outlasts_a_reset_and_is_not_the_next_ones()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_role").unwrap();
    let mut bare = connect(schema.name()).await;
    tables(&mut bare).await?;
    bare.simple_execute("SET ROLE a_role").await?;
    bare.reset().await?;
    // Why the connection is closed.
    let role = text(&mut bare, "SELECT CURRENT_ROLE()").await?;
    assert_eq!(role.as_deref(), Some("a_role"));

    for policy in [ResetPolicy::WhenChanged, ResetPolicy::Always] {
        let pool = pool_of_one(schema.name()).reset_policy(policy).build();
        pool.get().await?.simple_execute("SET ROLE a_role").await?;
        let mut connection = pool.get().await?;
        assert_eq!(text(&mut connection, "SELECT CURRENT_ROLE()").await?, None);
        assert_eq!(pool.status().connected, 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_role_that_a_procedure_sets_is_not_seen_and_the_docs_say_so() -> Result<(), Error> {
    let schema = live::shared().schema("pool_role_inside").unwrap();
    let mut bare = connect(schema.name()).await;
    tables(&mut bare).await?;
    for security in ["DEFINER", "INVOKER"] {
        let sql = format!("CREATE PROCEDURE {security}() SQL SECURITY {security} SET ROLE a_role");
        bare.simple_execute(&sql).await?;
        let pool = pool_of_one(schema.name()).build();
        pool.execute(&format!("CALL {security}()"), ()).await?;
        let mut connection = pool.get().await?;
        let role = text(&mut connection, "SELECT CURRENT_ROLE()").await?;
        assert_eq!(role.as_deref(), Some("a_role"), "{security}");
        drop(connection.detach());
        let mut connection = pool.get().await?;
        assert_eq!(text(&mut connection, "SELECT CURRENT_ROLE()").await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn a_prepare_in_sql_and_the_next_transactions_isolation_level_of_one_borrower_are_not_the_next_ones()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_prepared").unwrap();
    tables(&mut connect(schema.name()).await).await?;
    let pool = pool_of_one(schema.name()).build();
    pool.get()
        .await?
        .simple_execute("PREPARE p FROM 'SELECT 1'")
        .await?;
    let error = pool.get().await?.simple_execute("EXECUTE p").await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1243));

    pool.get()
        .await?
        .simple_execute("SET TRANSACTION READ ONLY")
        .await?;
    let mut connection = pool.get().await?;
    connection.simple_execute("BEGIN").await?;
    connection
        .simple_execute("INSERT INTO t VALUES (77)")
        .await?;
    drop(connection);
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test]
async fn locks_of_get_lock_lock_tables_backup_and_handler_fall_when_the_borrower_is_gone()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_locks").unwrap();
    tables(&mut connect(schema.name()).await).await?;
    let pool = pool_of_one(schema.name()).build();
    let mut other = connect(schema.name()).await;
    other.simple_execute("SET lock_wait_timeout = 5").await?;
    let is_known = |lock: &str| !live::shared().is_mysql() || !lock.starts_with("BACKUP");
    for (lock, needs_it) in LOCKS.iter().filter(|(lock, _)| is_known(lock)) {
        let mut connection = pool.get().await?;
        connection.simple_execute(lock).await?;
        drop(connection);
        // Without any further checkout.
        let start = Instant::now();
        if needs_it.starts_with("SELECT") {
            while value::<i64>(&mut other, needs_it).await? == 0 {
                assert!(start.elapsed() < Duration::from_secs(5), "{lock}");
                sleep(Duration::from_millis(5)).await;
            }
        } else {
            other.simple_execute(needs_it).await.expect(lock);
        }
        drop(pool.get().await?);
    }
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test]
async fn a_transaction_left_open_holds_no_row_lock_once_its_owner_is_gone_a_second_sessions_update_succeeds_without_any_further_checkout()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_row_lock").unwrap();
    tables(&mut connect(schema.name()).await).await?;
    for policy in [
        ResetPolicy::WhenChanged,
        ResetPolicy::Always,
        ResetPolicy::Never,
    ] {
        let pool = pool_of_one(schema.name()).reset_policy(policy).build();
        let mut other = connect(schema.name()).await;
        other
            .simple_execute("SET innodb_lock_wait_timeout = 5")
            .await?;
        let mut connection = pool.get().await?;
        connection.simple_execute("BEGIN").await?;
        connection
            .simple_execute("UPDATE t SET v = 20 WHERE v = 2")
            .await?;
        drop(connection);
        let updated = other
            .simple_execute("UPDATE t SET v = 3 WHERE v = 2")
            .await?;
        assert_eq!(updated.affected_rows, 1, "{policy:?}");
        other
            .simple_execute("UPDATE t SET v = 2 WHERE v = 3")
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_panic_in_a_transaction_leaves_the_next_borrower_outside_any_with_autocommit_on()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_panic").unwrap();
    tables(&mut connect(schema.name()).await).await?;
    let pool = pool_of_one(schema.name()).build();
    let panics = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut connection = pool.get().await.unwrap();
            connection
                .simple_execute("SET autocommit = 0")
                .await
                .unwrap();
            connection
                .simple_execute("INSERT INTO t VALUES (5)")
                .await
                .unwrap();
            panic!("as any code may");
        }
    });
    assert!(panics.await.unwrap_err().is_panic());
    let mut connection = pool.get().await?;
    let status = connection.status();
    assert!(status.contains(ServerStatus::AUTOCOMMIT) && !status.is_in_transaction());
    assert_eq!(
        value::<i64>(&mut connection, "SELECT COUNT(*) FROM t").await?,
        2
    );
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test]
async fn settings_and_init_commands_are_there_again_behind_a_reset() -> Result<(), Error> {
    let schema = live::shared().schema("pool_settings").unwrap();
    let config: otaria::Config = live::shared().url(schema.name()).parse().unwrap();
    let config = config
        .to_builder()
        .time_zone("+03:00")
        .max_statement_time(Duration::from_secs(9))
        .init_command("SET @first = 1")
        .init_command("SET @second = @first + 1, sql_mode = 'ANSI_QUOTES'")
        .build()?;
    let pool = otaria::Pool::builder(config).max_size(1).build();
    let question = "SELECT CONCAT_WS(' ', @@time_zone, @@max_statement_time, @second, @@sql_mode)";
    let mut connection = pool.get().await?;
    let expected = text(&mut connection, question).await?;
    assert_eq!(expected.as_deref(), Some("+03:00 9.000000 2 ANSI_QUOTES"));
    let thread_id = connection.thread_id();
    connection
        .simple_execute("SET time_zone = 'SYSTEM', @second = 7, sql_mode = ''")
        .await?;
    drop(connection);
    let mut connection = pool.get().await?;
    assert_eq!(connection.thread_id(), thread_id);
    assert_eq!(text(&mut connection, question).await?, expected);
    Ok(())
}

#[tokio::test]
async fn statements_that_are_kept_stay_prepared_while_nothing_is_changed() -> Result<(), Error> {
    let pool = pool_of_one("").build();
    let prepared = "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'";
    for _ in 0..5 {
        assert_eq!(value::<i64>(&mut *pool.get().await?, "SELECT 5").await?, 5);
    }
    let mut connection = pool.get().await?;
    let rows = connection.simple_query(prepared).await?;
    let rows: Vec<(String, String)> = rows.collect().await?;
    assert_eq!(rows[0].1, "1");
    Ok(())
}
