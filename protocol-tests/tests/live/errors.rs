//! The kinds of a real server's errors, and what they say of the call.

use std::time::Duration;

use otaria::{CloseReason, Config, Connection, Error, ErrorKind};
use protocol_tests::live;

use crate::connect;

async fn fails(connection: &mut Connection, sql: &str) -> Error {
    let error = connection.simple_execute(sql).await.unwrap_err();
    assert!(!error.is_disconnect(), "{error}");
    error
}

#[tokio::test]
async fn a_broken_constraint_has_the_kind_of_the_constraint() {
    let schema = live::shared().schema("kinds").unwrap();
    let mut connection = connect(schema.name()).await;
    for sql in [
        "CREATE TABLE parent (id INT PRIMARY KEY, name VARCHAR(9) NOT NULL, u INT UNIQUE, \
         CHECK (id < 100)) ENGINE=InnoDB",
        "CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES parent (id)) ENGINE=InnoDB",
        "INSERT INTO parent VALUES (1, 'a', 1)",
        "INSERT INTO child VALUES (1)",
        "SET sql_mode = 'STRICT_ALL_TABLES'",
    ] {
        connection.simple_execute(sql).await.unwrap();
    }
    for (sql, kind) in [
        (
            "INSERT INTO parent VALUES (1, 'b', 2)",
            ErrorKind::UniqueViolation,
        ),
        (
            "INSERT INTO parent VALUES (2, 'b', 1)",
            ErrorKind::UniqueViolation,
        ),
        ("UPDATE parent SET name = NULL", ErrorKind::NotNullViolation),
        (
            "INSERT INTO parent (id) VALUES (2)",
            ErrorKind::NotNullViolation,
        ),
        (
            "INSERT INTO parent VALUES (100, 'b', 2)",
            ErrorKind::CheckViolation,
        ),
        (
            "INSERT INTO child VALUES (2)",
            ErrorKind::ForeignKeyViolation,
        ),
        ("DELETE FROM parent", ErrorKind::ForeignKeyViolation),
        ("UPDATE parent SET id = 3", ErrorKind::ForeignKeyViolation),
        ("SELECT nonsense", ErrorKind::Other),
    ] {
        let text = fails(&mut connection, sql).await;
        assert_eq!(text.kind(), kind, "{sql}: {text}");
        assert!(!text.is_safe_to_retry() && !text.is_transient(), "{text}");
        let prepared = connection.execute(sql, ()).await.unwrap_err();
        assert_eq!(prepared.kind(), kind, "{sql}: {prepared}");
    }
    let rows = [(7, "a", 7), (8, "b", 1)];
    let insert = "INSERT INTO parent VALUES (?, ?, ?)";
    let error = connection.execute_batch(insert, rows).await.unwrap_err();
    assert!(matches!(error, Error::Batch(_)), "{error}");
    assert_eq!(error.kind(), ErrorKind::UniqueViolation);
}

#[tokio::test]
async fn locks_and_deadlocks_are_safe_to_retry_and_transient() {
    let schema = live::shared().schema("locks").unwrap();
    let (mut one, mut other) = (connect(schema.name()).await, connect(schema.name()).await);
    for sql in [
        "CREATE TABLE t (id INT PRIMARY KEY, a INT) ENGINE=InnoDB",
        "INSERT INTO t VALUES (1, 0), (2, 0)",
    ] {
        one.simple_execute(sql).await.unwrap();
    }
    for connection in [&mut one, &mut other] {
        connection.simple_execute("BEGIN").await.unwrap();
    }
    one.simple_execute("UPDATE t SET a = 1 WHERE id = 1")
        .await
        .unwrap();
    other
        .simple_execute("UPDATE t SET a = 2 WHERE id = 2")
        .await
        .unwrap();
    // The last is MariaDB's alone.
    let waits = if live::shared().is_mysql() {
        &["NOWAIT"][..]
    } else {
        &["NOWAIT", "WAIT 1"]
    };
    for wait in waits {
        let sql = format!("SELECT * FROM t WHERE id = 1 FOR UPDATE {wait}");
        let error = fails(&mut other, &sql).await;
        assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
        assert!(error.is_safe_to_retry() && error.is_transient(), "{error}");
    }
    let (first, second) = tokio::join!(
        one.simple_execute("UPDATE t SET a = 1 WHERE id = 2"),
        other.simple_execute("UPDATE t SET a = 2 WHERE id = 1"),
    );
    let errors: Vec<_> = [first, second]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].kind(), ErrorKind::Deadlock, "{errors:?}");
    assert!(errors[0].is_safe_to_retry() && errors[0].is_transient());
}

#[tokio::test]
async fn a_statement_that_was_killed_or_took_too_long_is_cancelled_or_timed_out() {
    let mut connection = connect("mysql").await;
    let slow = &live::shared()
        .dialect("SELECT SUM(a.seq * b.seq) FROM seq_1_to_1000000 a, seq_1_to_1000000 b");
    let limit = async |connection: &mut Connection, seconds: u32| {
        let sql = format!("SET max_statement_time = {seconds}");
        let sql = live::shared().dialect(&sql);
        connection.simple_execute(&sql).await.unwrap();
    };
    limit(&mut connection, 1).await;
    let error = fails(&mut connection, slow).await;
    limit(&mut connection, 0).await;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(!error.is_safe_to_retry(), "{error}");
    let mut killer = connect("").await;
    let kill = format!("KILL QUERY {}", connection.thread_id());
    let summed = connection.simple_execute(slow);
    let kill = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        killer.simple_execute(&kill).await.unwrap();
    };
    let (summed, ()) = tokio::join!(summed, kill);
    let error = summed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(
        !error.is_safe_to_retry() && !error.is_transient(),
        "{error}"
    );
    assert!(!error.is_disconnect(), "{error}");
}

#[tokio::test]
async fn an_account_without_rights_or_room_is_told_by_kind() {
    let server = live::shared();
    let schema = server.schema("rights").unwrap();
    let user = schema.name();
    let mut root = connect("").await;
    let create =
        format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1");
    root.simple_execute(&create).await.unwrap();
    let config: Config = server.url("").parse().unwrap();
    let config = config
        .to_builder()
        .user(user)
        .password("secret")
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    for sql in [
        "SELECT * FROM mysql.global_priv",
        "SHUTDOWN",
        "SET GLOBAL read_only = 1",
    ] {
        let error = fails(&mut connection, sql).await;
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{sql}: {error}");
        assert!(!error.is_transient(), "{error}");
    }
    let error = connection.init_db("mysql").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    let error = Connection::connect(&config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert!(error.is_transient() && error.is_safe_to_retry(), "{error}");
    let wrong = config.to_builder().password("wrong").build().unwrap();
    let error = Connection::connect(&wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert!(!error.is_transient(), "{error}");
    connection.close().await.unwrap();
    root.simple_execute(&format!("DROP USER {user}@'%'"))
        .await
        .unwrap();
}

/// Waits until the server has no such connection any more.
async fn is_gone(other: &mut Connection, thread_id: u32) {
    let sql = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {thread_id}");
    while other.query_one::<(i64,)>(sql.as_str(), ()).await.unwrap().0 != 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_connection_killed_while_idle_is_safe_to_retry_where_nothing_was_sent() {
    let server = live::shared();
    let mut killer = connect("").await;
    let by_tcp: Config = server.url("").parse().unwrap();
    let by_socket = server
        .socket()
        .map(|path| by_tcp.to_builder().socket(path).build().unwrap());
    for (config, is_local) in by_socket
        .into_iter()
        .map(|config| (config, true))
        .chain([(by_tcp, false)])
    {
        let mut connection = Connection::connect(&config).await.unwrap();
        let thread_id = connection.thread_id();
        killer
            .simple_execute(&format!("KILL {thread_id}"))
            .await
            .unwrap();
        is_gone(&mut killer, thread_id).await;
        let error = connection.simple_execute("SELECT 1").await.unwrap_err();
        println!("{error:?}");
        assert!(error.is_disconnect() && error.is_transient(), "{error:?}");
        // By TCP the system takes what is written, and the end is read behind it.
        let unsent = matches!(
            error,
            Error::Closed {
                reason: CloseReason::Lost
            }
        );
        assert_eq!(error.is_safe_to_retry(), unsent, "{error:?}");
        assert!(unsent || !is_local, "{error:?}");
    }
}
