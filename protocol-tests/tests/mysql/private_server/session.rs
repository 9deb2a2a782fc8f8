//! What a connection to MySQL does and knows.

use std::time::Duration;

use otaria::{CloseReason, Compression, Connection, Error, FieldType, ServerStatus};
use otaria_codec::{Capabilities, MAX_BODY_BYTES};

use crate::server::{connect, server, value};

async fn root() -> Connection {
    connect(server().unix().user("root")).await.unwrap()
}

#[tokio::test]
async fn the_server_is_known_for_what_it_is() {
    let mut connection = root().await;
    let version = connection.server_version().cloned().unwrap();
    assert!(!version.is_mariadb, "{version:?}");
    assert!(
        value(&mut connection, "SELECT VERSION()")
            .await
            .starts_with("9.")
    );
    let id: Vec<(u32,)> = connection
        .simple_query("SELECT CONNECTION_ID()")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(id, [(connection.thread_id(),)]);
    assert_eq!(
        value(&mut connection, "SELECT @@character_set_client").await,
        "utf8mb4"
    );
    let collation = value(&mut connection, "SELECT COLLATION('é')").await;
    assert_eq!(collation, "utf8mb4_general_ci");
}

#[tokio::test]
async fn attributes_of_the_program_are_shown() {
    let config = server().unix().user("root").program_name("the tests");
    let mut connection = connect(config).await.unwrap();
    let sql = "SELECT ATTR_VALUE FROM performance_schema.session_account_connect_attrs \
               WHERE PROCESSLIST_ID = CONNECTION_ID() AND ATTR_NAME = 'program_name'";
    assert_eq!(value(&mut connection, sql).await, "the tests");
}

#[tokio::test]
async fn values_of_each_type_are_read() {
    let mut connection = root().await;
    let schema = server().schema().await;
    connection.init_db(&schema).await.unwrap();
    let create = "CREATE TABLE t (i BIGINT UNSIGNED, d DECIMAL(65,30), f DOUBLE, t DATETIME(6), \
                  h TIME(6), y YEAR, s VARCHAR(100), b BLOB, n INT, j JSON, v VECTOR(2), \
                  e ENUM('a', 'é'), x BIT(12))";
    connection.simple_execute(create).await.unwrap();
    let insert = "INSERT INTO t VALUES (18446744073709551615, -1.5, 0.1, \
                  '2026-02-03 04:05:06.000007', '-838:59:59', 2026, 'naïve 密', x'00ff', NULL, \
                  '{\"k\": [1, null]}', TO_VECTOR('[1, -2]'), 'é', b'100000000001')";
    let executed = connection.simple_execute(insert).await.unwrap();
    assert_eq!(executed.affected_rows, 1);
    let mut rows = connection.simple_query("SELECT * FROM t").await.unwrap();
    let types: Vec<_> = rows
        .columns()
        .iter()
        .map(otaria::ColumnDefinition::field_type)
        .collect();
    assert_eq!(types[9..11], [FieldType::Json, FieldType::Vector]);
    let row = rows.next().await.unwrap().unwrap();
    assert_eq!(row.get::<u64>(0).unwrap(), u64::MAX);
    let decimal: otaria::Decimal = row.get(1).unwrap();
    assert_eq!(decimal.to_string(), format!("-1.5{}", "0".repeat(29)));
    assert_eq!(row.get::<f64>(2).unwrap().to_bits(), 0.1_f64.to_bits());
    let at: otaria::DateTime = row.get(3).unwrap();
    assert_eq!(at.to_string(), "2026-02-03 04:05:06.000007");
    let time: otaria::Time = row.get(4).unwrap();
    assert_eq!(time.to_string(), "-838:59:59");
    assert_eq!(row.get::<u16>(5).unwrap(), 2026);
    assert_eq!(row.get::<String>(6).unwrap(), "naïve 密");
    assert_eq!(row.get::<Vec<u8>>(7).unwrap(), [0, 0xff]);
    assert_eq!(row.get::<Option<i32>>(8).unwrap(), None);
    assert_eq!(row.get::<String>(9).unwrap(), "{\"k\": [1, null]}");
    let vector: Vec<u8> = row.get(10).unwrap();
    assert_eq!(
        vector,
        [1.0_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat()
    );
    assert_eq!(row.get::<String>(11).unwrap(), "é");
    assert_eq!(row.get::<u16>(12).unwrap(), 0x801);
    rows.finish().await.unwrap();
    let truth: Vec<(bool,)> = connection
        .simple_query("SELECT 1 < 2")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(truth, [(true,)]);
}

#[tokio::test]
async fn several_results_and_an_error_among_them() {
    let config = server().unix().user("root").multi_statements(true);
    let mut connection = connect(config).await.unwrap();
    let mut rows = connection
        .simple_query("SELECT 1; DO 1; SELECT 'x', 2; SELECT * FROM nowhere.at_all")
        .await
        .unwrap();
    assert!(rows.next().await.unwrap().is_some());
    assert!(rows.next_result_set().await.unwrap());
    assert!(rows.next_result_set().await.unwrap());
    assert_eq!(rows.columns().len(), 2);
    let error = rows.next_result_set().await.unwrap_err();
    // ER_BAD_DB_ERROR
    assert!(
        matches!(&error, Error::Server(error) if error.code() == 1049),
        "{error:?}"
    );
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn session_tracking_is_kept_and_readable() {
    let mut connection = root().await;
    let schema = server().schema().await;
    assert_eq!(connection.session_state().schema(), None);
    connection
        .simple_execute(&format!("USE {schema}"))
        .await
        .unwrap();
    assert_eq!(connection.session_state().schema(), Some(&*schema));
    let set = "SET time_zone = '+02:00', autocommit = 0";
    connection.simple_execute(set).await.unwrap();
    let state = connection.session_state();
    assert_eq!(state.system_variable("time_zone"), Some("+02:00"));
    assert_eq!(state.system_variable("autocommit"), Some("OFF"));
    assert!(!connection.status().contains(ServerStatus::AUTOCOMMIT));
    let set =
        "SET session_track_transaction_info = 'CHARACTERISTICS', session_track_state_change = 1";
    connection.simple_execute(set).await.unwrap();
    connection
        .simple_execute("START TRANSACTION READ ONLY")
        .await
        .unwrap();
    let state = connection.session_state();
    assert_eq!(
        state.transaction_characteristics(),
        "START TRANSACTION READ ONLY;"
    );
    assert_eq!(state.transaction_state().len(), 8);
    assert!(
        connection
            .status()
            .contains(ServerStatus::IN_TRANS | ServerStatus::IN_TRANS_READONLY)
    );
    connection.simple_execute("SET @x = 1").await.unwrap();
    assert!(connection.session_state().is_changed());
    connection.simple_execute("COMMIT").await.unwrap();
    // Behind a result set.
    connection
        .simple_query("SELECT 1")
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    connection
        .simple_execute("SET time_zone = '-07:00'")
        .await
        .unwrap();
    assert_eq!(
        connection.session_state().system_variable("time_zone"),
        Some("-07:00")
    );
}

#[tokio::test]
async fn session_tracking_of_gtids_is_passed_over() {
    let mut connection = root().await;
    let schema = server().schema().await;
    let create = format!("CREATE TABLE {schema}.t (a INT)");
    connection.simple_execute(&create).await.unwrap();
    // What MariaDB does not track, among what both do.
    let set = "SET session_track_gtids = 'OWN_GTID', session_track_state_change = 1";
    connection.simple_execute(set).await.unwrap();
    let executed = "SELECT @@GLOBAL.gtid_executed";
    let before = value(&mut connection, executed).await;
    let insert = format!("INSERT INTO {schema}.t VALUES (1)");
    let inserted = connection.simple_execute(&insert).await.unwrap();
    assert_eq!(inserted.affected_rows, 1);
    let use_it = format!("USE {schema}");
    connection.simple_execute(&use_it).await.unwrap();
    assert_eq!(connection.session_state().schema(), Some(&*schema));
    assert_ne!(value(&mut connection, executed).await, before);
}

#[tokio::test]
async fn ping_reset_init_db_and_warnings() {
    let config = server()
        .unix()
        .user("root")
        .init_command("SET @from_init = 'yes'");
    let mut connection = connect(config).await.unwrap();
    let schema = server().schema().await;
    connection.ping().await.unwrap();
    connection.init_db(&schema).await.unwrap();
    assert_eq!(connection.session_state().schema(), Some(&*schema));
    let error = connection.init_db("nowhere at all").await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1049));
    let set = "SET @u = 1, autocommit = 0, time_zone = '+03:00'";
    connection.simple_execute(set).await.unwrap();
    connection
        .simple_execute("CREATE TEMPORARY TABLE t (c INT)")
        .await
        .unwrap();
    connection.reset().await.unwrap();
    assert_eq!(
        value(&mut connection, "SELECT CAST(@u IS NULL AS CHAR)").await,
        "1"
    );
    assert_eq!(value(&mut connection, "SELECT @from_init").await, "yes");
    assert_eq!(value(&mut connection, "SELECT DATABASE()").await, schema);
    assert_eq!(connection.session_state().schema(), Some(&*schema));
    assert_ne!(
        connection.session_state().system_variable("time_zone"),
        Some("+03:00")
    );
    assert!(connection.status().contains(ServerStatus::AUTOCOMMIT));
    assert!(connection.simple_execute("SELECT * FROM t").await.is_err());
    let executed = connection
        .simple_execute("DO CAST('12x' AS SIGNED)")
        .await
        .unwrap();
    assert_eq!(executed.warnings, 1);
    let warnings = connection.warnings().await.unwrap();
    assert_eq!(
        (warnings[0].level.as_str(), warnings[0].code),
        ("Warning", 1292)
    );
}

/// MySQL resets the session to the server's character set, not to that of the login.
#[tokio::test]
async fn reset_leaves_text_in_utf8mb4_on_a_server_of_another_character_set() {
    let mut connection = root().await;
    let sql = "SELECT CONCAT_WS(' ', @@character_set_client, @@collation_connection, \
               @@character_set_results, 'é')";
    let expected = "utf8mb4 utf8mb4_general_ci utf8mb4 é";
    assert_eq!(value(&mut connection, sql).await, expected);
    // The other tests of resets are indifferent to it.
    let set = "SET GLOBAL character_set_client = latin1, GLOBAL character_set_results = latin1, \
               GLOBAL character_set_connection = latin1";
    server().administer(&[set]).await;
    connection.reset().await.unwrap();
    assert_eq!(value(&mut connection, sql).await, expected);
}

#[tokio::test]
async fn settings_are_those_of_the_configuration_and_max_statement_time_is_max_execution_time() {
    let config = server()
        .unix()
        .user("root")
        .collation("utf8mb4_0900_ai_ci")
        .time_zone("+05:30")
        .max_statement_time(Duration::from_millis(200));
    let mut connection = connect(config).await.unwrap();
    let sql = "SELECT CONCAT_WS(' ', @@collation_connection, @@time_zone, @@max_execution_time)";
    let expected = "utf8mb4_0900_ai_ci +05:30 200";
    assert_eq!(value(&mut connection, sql).await, expected);
    let slow = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
                SELECT SUM(a.i * b.i * c.i * d.i) FROM n a, n b, n c, n d";
    let error = connection.simple_execute(slow).await.unwrap_err();
    // ER_QUERY_TIMEOUT
    assert!(
        matches!(&error, Error::Server(error) if error.code() == 3024),
        "{error:?}"
    );
    let change = "SET time_zone = 'SYSTEM', max_execution_time = 0, NAMES latin1";
    connection.simple_execute(change).await.unwrap();
    connection.reset().await.unwrap();
    assert_eq!(value(&mut connection, sql).await, expected);
}

#[tokio::test]
async fn payloads_of_two_packets_go_both_ways_in_clear_in_tls_and_compressed() {
    let user = server().account("caching_sha2_password", "secret").await;
    let everything = Compression::default().with_threshold(0);
    for config in [
        server().unix(),
        server().proven(),
        server().unix().compression(Compression::default()),
        server().proven().compression(everything),
    ] {
        let config = config.user(&user).password("secret");
        let compressed = config.clone().build().unwrap().compression().is_some();
        let mut connection = connect(config).await.unwrap();
        let capabilities = connection.capabilities();
        assert_eq!(capabilities.contains(Capabilities::COMPRESS), compressed);
        for bytes in [0, 1, 1_000, MAX_BODY_BYTES, MAX_BODY_BYTES + 1] {
            let text: String = "0123456789abcdefg".chars().cycle().take(bytes).collect();
            let echo = value(&mut connection, &format!("SELECT '{text}'")).await;
            assert!(echo == text, "{bytes} bytes");
        }
        let sql = "SELECT VARIABLE_VALUE FROM performance_schema.session_status \
                   WHERE VARIABLE_NAME = 'Compression'";
        let expected = if compressed { "ON" } else { "OFF" };
        assert_eq!(value(&mut connection, sql).await, expected);
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_local_file_is_loaded_from_bytes() {
    let schema = server().schema().await;
    let create = format!("CREATE TABLE {schema}.t (id INT PRIMARY KEY, name VARCHAR(50))");
    server().administer(&[&create]).await;
    let data: String = (0..50_000)
        .map(|id| format!("{id}\tname of {id}\n"))
        .collect();
    for compression in [None, Some(Compression::default())] {
        let config = server().unix().user("root").database(&schema);
        let config = config.local_infile(true).compression(compression);
        let mut connection = connect(config).await.unwrap();
        connection.simple_execute("TRUNCATE t").await.unwrap();
        let load = "LOAD DATA LOCAL INFILE 'of the caller' INTO TABLE t";
        let executed = connection
            .load_data_local(load, data.as_bytes())
            .await
            .unwrap();
        assert_eq!((executed.affected_rows, executed.warnings), (50_000, 0));
        let sum = value(&mut connection, "SELECT SUM(id) FROM t").await;
        assert_eq!(sum, "1249975000");
        let refused = connection.simple_execute(load).await.unwrap_err();
        assert!(matches!(refused, Error::LocalInfile(_)), "{refused:?}");
        connection.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_waited_too_long_is_told_so() {
    let mut connection = root().await;
    connection
        .simple_execute("SET wait_timeout = 1")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let error = connection.ping().await.unwrap_err();
    // ER_CLIENT_INTERACTION_TIMEOUT; nothing of the ping was sent.
    let reason = CloseReason::EndedByServer { code: 4031 };
    assert!(
        matches!(&error, Error::Closed { reason: found } if *found == reason),
        "{error:?}"
    );
    assert_eq!(connection.close_reason(), Some(reason));
}
