//! What a connection does and knows, against a real server.

use std::time::{Duration, Instant};

use otaria::{CloseReason, Config, Connection, Error, ServerStatus, TimeoutPhase};
use protocol_tests::live;
use protocol_tests::polls::{at_every_poll, poll_times};

use crate::connect;

async fn text(connection: &mut Connection, sql: &str) -> Result<String, Error> {
    let rows: Vec<(String,)> = connection.simple_query(sql).await?.collect().await?;
    Ok(rows.into_iter().next().expect("a row").0)
}

fn config() -> Config {
    live::shared().url("").parse().unwrap()
}

#[tokio::test]
async fn executed_tells_rows_ids_warnings_and_the_servers_words() -> Result<(), Error> {
    let schema = live::shared().schema("executed").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v TINYINT)")
        .await?;
    connection.simple_execute("SET sql_mode = ''").await?;
    let executed = connection
        .simple_execute("INSERT INTO t (v) VALUES (1), (2), (999)")
        .await?;
    assert_eq!(
        (
            executed.affected_rows,
            executed.last_insert_id,
            executed.warnings
        ),
        (3, 1, 1)
    );
    assert_eq!(executed.info, "Records: 3  Duplicates: 0  Warnings: 1");
    let executed = connection
        .simple_execute("UPDATE t SET v = 1 WHERE id < 3")
        .await?;
    assert_eq!(executed.affected_rows, 1, "changed rows, not found ones");
    let executed = connection.simple_execute("SELECT * FROM t").await?;
    assert_eq!((executed.affected_rows, executed.warnings), (0, 0));

    let config = config()
        .to_builder()
        .database(schema.name())
        .found_rows(true)
        .build()?;
    let mut found = Connection::connect(&config).await?;
    assert_eq!(
        found
            .simple_execute("UPDATE t SET v = 1 WHERE id < 3")
            .await?
            .affected_rows,
        2
    );
    Ok(())
}

#[tokio::test]
async fn a_server_error_leaves_the_connection_usable() -> Result<(), Error> {
    let mut connection = connect("").await;
    let error = connection
        .simple_query("SELECT * FROM mysql.nothing")
        .await
        .unwrap_err();
    let Error::Server(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!((error.code(), error.sqlstate()), (1146, Some("42S02")));
    assert!(connection.is_idle());
    assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    let error = connection.simple_execute("").await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1065));
    connection.ping().await
}

#[tokio::test]
async fn session_tracking_is_kept_and_readable() -> Result<(), Error> {
    let schema = live::shared().schema("tracking").unwrap();
    let mut connection = connect("").await;
    assert_eq!(connection.session_state().schema(), None);
    connection
        .simple_execute(&format!("USE {}", schema.name()))
        .await?;
    assert_eq!(connection.session_state().schema(), Some(schema.name()));
    connection
        .simple_execute("SET time_zone = '+02:00', autocommit = 0")
        .await?;
    let state = connection.session_state();
    assert_eq!(state.system_variable("time_zone"), Some("+02:00"));
    assert_eq!(state.system_variable("autocommit"), Some("OFF"));
    assert!(!connection.status().contains(ServerStatus::AUTOCOMMIT));
    connection
        .simple_execute("START TRANSACTION READ ONLY")
        .await?;
    assert!(
        connection
            .status()
            .contains(ServerStatus::IN_TRANS | ServerStatus::IN_TRANS_READONLY)
    );
    connection
        .simple_execute(
            "SET session_track_transaction_info = 'CHARACTERISTICS', session_track_state_change = 1",
        )
        .await?;
    connection.simple_execute("COMMIT").await?;
    connection
        .simple_execute("START TRANSACTION READ ONLY")
        .await?;
    let state = connection.session_state();
    assert_eq!(
        state.transaction_characteristics(),
        "START TRANSACTION READ ONLY;"
    );
    assert_eq!(state.transaction_state().len(), 8);
    connection.simple_execute("SET @x = 1").await?;
    assert!(connection.session_state().is_changed());
    Ok(())
}

#[tokio::test]
async fn set_time_zone_mid_session_is_seen_via_tracking_behind_a_result_set() -> Result<(), Error> {
    let mut connection = connect("").await;
    connection.simple_query("SELECT 1").await?.finish().await?;
    connection
        .simple_execute("SET time_zone = '-07:00'")
        .await?;
    assert_eq!(
        connection.session_state().system_variable("time_zone"),
        Some("-07:00")
    );
    Ok(())
}

#[tokio::test]
async fn reset_goes_back_to_the_login_and_runs_the_init_commands_again() -> Result<(), Error> {
    let schema = live::shared().schema("reset").unwrap();
    let config = config()
        .to_builder()
        .init_command("SET @from_init = 'yes'")
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    connection
        .simple_execute(&format!("USE {}", schema.name()))
        .await?;
    connection
        .simple_execute("SET @u = 1, autocommit = 0, time_zone = '+03:00'")
        .await?;
    connection
        .simple_execute("CREATE TEMPORARY TABLE t (c INT)")
        .await?;
    connection.reset().await?;
    assert_eq!(
        text(&mut connection, "SELECT IF(@u IS NULL, 'gone', 'kept')").await?,
        "gone"
    );
    assert_eq!(text(&mut connection, "SELECT @from_init").await?, "yes");
    assert_eq!(
        text(&mut connection, "SELECT DATABASE()").await?,
        schema.name()
    );
    assert_eq!(connection.session_state().schema(), Some(schema.name()));
    assert_ne!(
        connection.session_state().system_variable("time_zone"),
        Some("+03:00")
    );
    assert!(connection.status().contains(ServerStatus::AUTOCOMMIT));
    assert!(connection.simple_execute("SELECT * FROM t").await.is_err());
    Ok(())
}

#[tokio::test]
async fn init_db_changes_the_default_database_or_says_why_not() -> Result<(), Error> {
    let schema = live::shared().schema("init_db").unwrap();
    let mut connection = connect("").await;
    connection.init_db(schema.name()).await?;
    assert_eq!(connection.session_state().schema(), Some(schema.name()));
    assert_eq!(
        text(&mut connection, "SELECT DATABASE()").await?,
        schema.name()
    );
    let error = connection.init_db("nowhere at all").await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1049));
    assert_eq!(connection.session_state().schema(), Some(schema.name()));
    Ok(())
}

#[tokio::test]
async fn warnings_are_those_of_the_latest_statement() -> Result<(), Error> {
    let mut connection = connect("").await;
    assert_eq!(connection.warnings().await?, []);
    let executed = connection
        .simple_execute("DO CAST('12x' AS SIGNED)")
        .await?;
    assert_eq!(executed.warnings, 1);
    let warnings = connection.warnings().await?;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (warnings[0].level.as_str(), warnings[0].code),
        ("Warning", 1292)
    );
    assert!(warnings[0].message.contains("12x"));
    Ok(())
}

#[tokio::test]
async fn several_statements_in_one_query_are_opened_by_name() -> Result<(), Error> {
    let sql = "SET @a = 1; SELECT @a + 1; SELECT nothing; SELECT 3";
    let error = connect("").await.simple_query(sql).await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1064));
    let config = config().to_builder().multi_statements(true).build()?;
    let mut connection = Connection::connect(&config).await?;
    let mut rows = connection.simple_query(sql).await?;
    assert_eq!(rows.columns().len(), 0);
    assert!(rows.next_result_set().await?);
    assert_eq!(rows.next().await?.expect("a row").get::<i64>(0)?, 2);
    let error = rows.next_result_set().await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1054));
    assert!(!rows.next_result_set().await?, "the error ends the query");
    assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    Ok(())
}

#[tokio::test]
async fn init_commands_run_in_the_order_given() -> Result<(), Error> {
    let builder = config().to_builder().init_command("SET @a = 'first'");
    let config = builder
        .init_command("SET @a = CONCAT(@a, ', second')")
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    assert_eq!(text(&mut connection, "SELECT @a").await?, "first, second");
    Ok(())
}

#[tokio::test]
async fn an_init_command_that_is_refused_is_named_by_its_number_and_not_shown() {
    let builder = config().to_builder().init_command("SET @a = 1");
    let config = builder
        .init_command("SET @secret := = 'hunter2'")
        .build()
        .unwrap();
    let error = Connection::connect(&config).await.unwrap_err();
    assert_eq!(error.to_string(), "init command 2 failed");
    assert!(matches!(error, Error::InitCommand { number: 2, .. }));
}

#[tokio::test]
async fn a_procedure_gives_all_its_results() -> Result<(), Error> {
    let schema = live::shared().schema("procedure").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("CREATE PROCEDURE p() BEGIN SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; END")
        .await?;
    let mut rows = connection.simple_query("CALL p()").await?;
    assert_eq!(rows.columns().len(), 1);
    assert_eq!(rows.next().await?.expect("a row").get::<i64>("a")?, 1);
    assert!(rows.next_result_set().await?);
    assert_eq!(rows.columns().len(), 2);
    assert_eq!(
        rows.next().await?.expect("a row").read::<(&str, i64)>()?,
        ("x", 2)
    );
    assert!(rows.next().await?.is_none());
    assert!(rows.next_result_set().await?, "the result of CALL itself");
    assert_eq!(rows.columns().len(), 0);
    assert!(!rows.next_result_set().await?);
    assert!(connection.is_idle());
    Ok(())
}

#[tokio::test]
async fn err_as_2nd_result_of_a_multi_result_is_returned_and_the_connection_usable()
-> Result<(), Error> {
    let schema = live::shared().schema("failing").unwrap();
    let mut connection = connect(schema.name()).await;
    let body = "BEGIN SELECT 1; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END";
    connection
        .simple_execute(&format!("CREATE PROCEDURE p() {body}"))
        .await?;
    let mut rows = connection.simple_query("CALL p()").await?;
    let error = rows.next_result_set().await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1644));
    // Dropped with the error pending.
    drop(connection.simple_query("CALL p()").await?);
    assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    Ok(())
}

#[tokio::test]
async fn a_stream_dropped_after_1_row_of_a_big_result_leaves_the_next_query_whole()
-> Result<(), Error> {
    let mut connection = connect("mysql").await;
    for _ in 0..3 {
        let mut rows = connection
            .simple_query(&live::shared().dialect("SELECT seq FROM seq_1_to_200000"))
            .await?;
        assert_eq!(rows.next().await?.expect("a row").get::<i64>(0)?, 1);
        assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    }
    Ok(())
}

#[tokio::test]
async fn queries_dropped_after_some_polls_of_a_real_socket_leave_the_next_one_whole()
-> Result<(), Error> {
    let mut connection = connect("mysql").await;
    for polls in (0..200).map(|round| round % 8) {
        let query = async {
            let rows = connection
                .simple_query(&live::shared().dialect("SELECT seq, 'old' FROM seq_1_to_3000"))
                .await?;
            rows.collect::<(i64, String)>().await
        };
        if let Some(rows) = poll_times(query, polls).await {
            assert_eq!(rows?.len(), 3000);
        }
        assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    }
    Ok(())
}

#[tokio::test]
async fn connect_dropped_at_every_poll_of_a_real_socket_leaves_no_connection() -> Result<(), Error>
{
    let schema = live::shared().schema("connect").unwrap();
    let sql = format!("CREATE USER {}@'%'", schema.name());
    let mut admin = connect("").await;
    admin.simple_execute(&sql).await?;
    let user = config()
        .to_builder()
        .user(schema.name())
        .password("")
        .init_command("DO 1");
    let mut configs = vec![user.clone().build()?];
    configs.extend(
        live::shared()
            .socket()
            .map(|path| user.socket(path).build().unwrap()),
    );
    for config in configs {
        at_every_poll(
            async |polls| match poll_times(Connection::connect(&config), polls).await {
                None => false,
                Some(connected) => connected.is_ok(),
            },
        )
        .await;
    }
    let left = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER IN ('{}', \
         'unauthenticated user')",
        schema.name()
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while admin.simple_query(&left).await?.collect::<(i64,)>().await? != [(0,)] {
        assert!(
            Instant::now() < deadline,
            "a dropped login left its connection behind"
        );
    }
    admin
        .simple_execute(&format!("DROP USER {}@'%'", schema.name()))
        .await?;
    Ok(())
}

#[tokio::test]
async fn kill_connection_while_idle_is_noticed_by_the_next_call() -> Result<(), Error> {
    let mut killer = connect("").await;
    let mut connection = connect("").await;
    killer
        .simple_execute(&format!("KILL {}", connection.thread_id()))
        .await?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let still_there = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {}",
        connection.thread_id()
    );
    loop {
        let rows: Vec<(i64,)> = killer.simple_query(&still_there).await?.collect().await?;
        if rows == [(0,)] {
            break;
        }
        assert!(Instant::now() < deadline, "the connection was not killed");
    }
    let error = connection.simple_query("SELECT 1").await.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::ConnectionLost {
                expected: "response"
            }
        ) || matches!(&error, Error::EndedByServer(error) if error.code() == 1927),
        "{error:?}"
    );
    let error = connection.ping().await.unwrap_err();
    assert!(matches!(
        error,
        Error::Closed {
            reason: CloseReason::Lost | CloseReason::EndedByServer { .. }
        }
    ));
    Ok(())
}

#[tokio::test]
async fn kill_query_in_the_middle_of_rows_ends_the_response() -> Result<(), Error> {
    let mut killer = connect("").await;
    let mut connection = connect("mysql").await;
    let kill = format!("KILL QUERY {}", connection.thread_id());
    let mut rows = connection
        .simple_query(
            &live::shared().dialect("SELECT seq, REPEAT('x', 1000) FROM seq_1_to_1000000"),
        )
        .await?;
    assert!(rows.next().await?.is_some());
    killer.simple_execute(&kill).await?;
    let error = loop {
        match rows.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the query was not killed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Server(error) if error.code() == 1317));
    assert!(rows.next().await?.is_none());
    assert_eq!(text(&mut connection, "SELECT 'next'").await?, "next");
    Ok(())
}

#[tokio::test]
async fn io_timeout_closes_the_connection_on_time() -> Result<(), Error> {
    let config = config()
        .to_builder()
        .io_timeout(Duration::from_millis(300))
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    let start = Instant::now();
    let error = connection
        .simple_query("SELECT SLEEP(5)")
        .await
        .unwrap_err();
    let phase = TimeoutPhase::Read("response");
    assert!(
        matches!(error, Error::Timeout { phase: found, .. } if found == phase),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_that_says_where_it_was_looked_for() {
    // A port of this machine that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let config = Config::builder()
        .host("127.0.0.1")
        .port(port)
        .build()
        .unwrap();
    let error = Connection::connect(&config).await.unwrap_err();
    let text = format!("cannot connect to 127.0.0.1:{port}");
    assert_eq!(error.to_string(), text);
    let config = Config::builder()
        .socket("/nonexistent/mysqld.sock")
        .build()
        .unwrap();
    let error = Connection::connect(&config).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot connect to /nonexistent/mysqld.sock"
    );
}

#[tokio::test]
async fn a_black_holed_server_is_a_timeout_of_connect() {
    // It accepts by its backlog and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = Config::builder()
        .host("127.0.0.1")
        .port(listener.local_addr().unwrap().port());
    let config = builder
        .connect_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = Connection::connect(&config).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Connect,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn every_future_and_type_is_send() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>() {}
    is_sync::<Connection>();
    let future = async {
        let mut connection = Connection::connect(&config()).await?;
        connection.ping().await?;
        connection.reset().await?;
        connection.init_db("").await?;
        connection.warnings().await?;
        connection.simple_execute("").await?;
        let mut rows = connection.simple_query("").await?;
        while let Some(row) = rows.next().await? {
            row.get::<i32>(0)?;
        }
        rows.next_result_set().await?;
        rows.collect::<(i32,)>().await?;
        connection.simple_query("").await?.finish().await?;
        connection
            .simple_query("")
            .await?
            .for_each(|_| Ok::<_, Error>(()))
            .await?;
        connection.close().await
    };
    is_send(&future);
}
