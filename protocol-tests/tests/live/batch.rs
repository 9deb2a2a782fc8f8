//! Statements for many rows against a real server.

use otaria::{
    BatchError, BatchWay, Capabilities, Config, Connection, Error, Indicated, ParamsError,
};
use protocol_tests::live;
use protocol_tests::live::Schema;

use crate::connect;

const INSERT: &str = "INSERT INTO t VALUES (?, ?)";

/// A connection to a schema of its own with a table `t`.
async fn with_table(columns: &str) -> (Connection, Schema<'static>) {
    let schema = live::shared().schema("batch").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql = format!("CREATE TABLE t ({columns}) ENGINE=InnoDB");
    connection.simple_execute(&sql).await.unwrap();
    (connection, schema)
}

async fn ids_and_names() -> (Connection, Schema<'static>) {
    with_table("id BIGINT PRIMARY KEY, v VARCHAR(2000) DEFAULT 'd'").await
}

async fn count(connection: &mut Connection) -> u64 {
    let sql = "SELECT COUNT(*) FROM t";
    connection.query_one::<(u64,)>(sql, ()).await.unwrap().0
}

fn has_unit_results(connection: &Connection) -> bool {
    connection
        .capabilities()
        .contains(Capabilities::MARIADB_CLIENT_BULK_UNIT_RESULTS)
}

#[track_caller]
fn batch_error(error: Error) -> BatchError {
    match error {
        Error::Batch(error) => *error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn rows_are_inserted_in_bulk() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..100_000_u64).map(|id| (id, format!("v{id}")));
    let executed = connection.execute_batch(INSERT, rows).await?;
    assert_eq!(executed.rows, 100_000);
    assert_eq!(executed.affected_rows, 100_000);
    assert_eq!(executed.way, BatchWay::Bulk);
    let sql = "SELECT COUNT(*), SUM(id), SUM(v = CONCAT('v', id)) FROM t";
    let found: (u64, u64, u64) = connection.query_one(sql, ()).await?;
    assert_eq!(found, (100_000, 4_999_950_000, 100_000));
    Ok(())
}

#[tokio::test]
async fn rows_are_updated_and_deleted_in_bulk() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..1000_u64).map(|id| (id, "old"));
    connection.execute_batch(INSERT, rows).await?;
    let update = connection
        .prepare("UPDATE t SET v = ? WHERE id = ?")
        .await?;
    let executed = connection
        .execute_batch(&update, (0..500_u64).map(|id| ("new", id)))
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (500, 500));
    assert_eq!(executed.way, BatchWay::Bulk);
    let delete = "DELETE FROM t WHERE v = ? AND id < ?";
    let executed = connection
        .execute_batch(delete, [("new", 100), ("old", 600)])
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (2, 200));
    assert_eq!(count(&mut connection).await, 800);
    Ok(())
}

#[tokio::test]
async fn rows_with_null_default_and_ignore() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = [
        (1, Indicated::Value("a")),
        (2, Indicated::Null),
        (3, Indicated::Default),
        (4, Indicated::Ignore),
    ];
    assert_eq!(connection.execute_batch(INSERT, rows).await?.rows, 4);
    let update = "UPDATE t SET v = ? WHERE id = ?";
    connection
        .execute_batch(update, [(Indicated::<&str>::Ignore, 1)])
        .await?;
    let sql = "SELECT v FROM t ORDER BY id";
    let found: Vec<(Option<String>,)> = connection.query_all(sql, ()).await?;
    let text = |text: &str| (Some(text.to_owned()),);
    assert_eq!(found, [text("a"), (None,), text("d"), text("d")]);
    Ok(())
}

#[tokio::test]
async fn type_change_mid_stream() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let values: [&(dyn otaria::ToSql + Sync); 6] =
        [&1_i64, &2_i64, &"3", &None::<i64>, &"x", &1.5_f64];
    let rows = values.iter().enumerate();
    let rows = rows.map(|(id, value)| {
        [
            Box::new(id as u64) as Box<dyn otaria::ToSql + Send + Sync>,
            Box::new(*value),
        ]
    });
    let executed = connection.execute_batch(INSERT, rows).await?;
    assert_eq!((executed.rows, executed.way), (6, BatchWay::Bulk));
    let sql = "SELECT v FROM t ORDER BY id";
    let found: Vec<(Option<String>,)> = connection.query_all(sql, ()).await?;
    let found: Vec<_> = found.iter().map(|row| row.0.as_deref()).collect();
    let expected = [
        Some("1"),
        Some("2"),
        Some("3"),
        None,
        Some("x"),
        Some("1.5"),
    ];
    assert_eq!(found, expected);
    Ok(())
}

#[tokio::test]
async fn empty_input_sends_nothing() -> Result<(), Error> {
    let mut connection = connect("").await;
    let rows: [(i64, &str); 0] = [];
    let executed = connection
        .execute_batch("INSERT INTO no.such VALUES (?, ?)", rows)
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (0, 0));
    Ok(())
}

#[tokio::test]
async fn zero_params() -> Result<(), Error> {
    let (mut connection, _schema) = with_table("id INT AUTO_INCREMENT PRIMARY KEY").await;
    let executed = connection
        .execute_batch("INSERT INTO t VALUES (NULL)", [(); 1000])
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (1000, 1000));
    assert_eq!(
        (executed.way, executed.last_insert_id),
        (BatchWay::Pipelined, 1)
    );
    assert_eq!(count(&mut connection).await, 1000);
    Ok(())
}

#[tokio::test]
async fn unit_results_give_all_ids() -> Result<(), Error> {
    let (mut connection, _schema) =
        with_table("id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(9)").await;
    let expected = if has_unit_results(&connection) {
        BatchWay::Bulk
    } else {
        BatchWay::Pipelined
    };
    let rows = (0..5000).map(|number| (format!("v{number}"),));
    let executed = connection
        .batch("INSERT INTO t (v) VALUES (?)")
        .unit_results(true)
        .max_command_bytes(8000)
        .run(rows)
        .await?;
    assert_eq!(executed.way, expected);
    assert_eq!((executed.rows, executed.affected_rows), (5000, 5000));
    assert_eq!(executed.unit_results.len(), 5000);
    let sql = "SELECT id FROM t WHERE v = ?";
    for (number, unit) in executed.unit_results.iter().enumerate().step_by(499) {
        assert_eq!(unit.affected_rows, 1);
        let id: (u64,) = connection.query_one(sql, (format!("v{number}"),)).await?;
        assert_eq!(id.0, unit.last_insert_id);
    }
    assert_eq!(
        executed.last_insert_id,
        executed.unit_results[0].last_insert_id
    );
    let update = "UPDATE t SET v = 'x' WHERE id < ?";
    let executed = connection
        .batch(update)
        .unit_results(true)
        .run([(3,), (3,), (4,)])
        .await?;
    let affected: Vec<_> = executed
        .unit_results
        .iter()
        .map(|unit| unit.affected_rows)
        .collect();
    assert_eq!(affected, [2, 0, 1]);
    assert_eq!(executed.affected_rows, 3);
    Ok(())
}

#[tokio::test]
async fn unit_results_come_behind_returned_rows() -> Result<(), Error> {
    let (mut connection, _schema) = with_table("id INT AUTO_INCREMENT PRIMARY KEY, v INT").await;
    let executed = connection
        .batch("INSERT INTO t (v) VALUES (?) RETURNING id AS Id, v AS Affected_rows")
        .unit_results(true)
        .run([(5,), (6,)])
        .await?;
    assert_eq!((executed.rows, executed.unit_results.len()), (2, 2));
    if has_unit_results(&connection) {
        let ids: Vec<_> = executed
            .unit_results
            .iter()
            .map(|unit| unit.last_insert_id)
            .collect();
        assert_eq!(ids, [1, 2]);
        assert_eq!(executed.affected_rows, 2);
    }
    assert_eq!(count(&mut connection).await, 2);
    Ok(())
}

#[tokio::test]
async fn on_duplicate_key_only_on_11_5_1_and_later() -> Result<(), Error> {
    let (mut connection, _schema) =
        with_table("id INT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE, n INT").await;
    connection
        .simple_execute("INSERT INTO t VALUES (7, 70, 0)")
        .await?;
    let sql = "INSERT INTO t (k, n) VALUES (?, 1) ON DUPLICATE KEY UPDATE n = n + 1, id = LAST_INSERT_ID(id)";
    let executed = connection
        .batch(sql)
        .unit_results(true)
        .run([(70,), (71,), (70,)])
        .await?;
    let in_bulk = executed.way == BatchWay::Bulk;
    assert_eq!(in_bulk, has_unit_results(&connection));
    let affected: Vec<_> = executed
        .unit_results
        .iter()
        .map(|unit| unit.affected_rows)
        .collect();
    assert_eq!(affected, [2, 1, 2]);
    let executed = connection.execute_batch(sql, [(72,), (70,)]).await?;
    assert_eq!(
        executed.way == BatchWay::Bulk,
        has_unit_results(&connection)
    );
    assert_eq!(executed.affected_rows, 3);
    let found: (i64,) = connection
        .query_one("SELECT n FROM t WHERE k = ?", (70,))
        .await?;
    assert_eq!(found, (3,));
    Ok(())
}

#[tokio::test]
async fn select_in_bulk_1295_falls_back() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..1000_i64).map(|id| (id, "a"));
    let executed = connection.execute_batch("SELECT ?, ?", rows).await?;
    assert_eq!((executed.rows, executed.way), (1000, BatchWay::Pipelined));
    let rows = (0..3000_i64).map(|id| (id, if id % 3 == 0 { None } else { Some("\u{e4}") }));
    let executed = connection
        .execute_batch("INSERT INTO t SELECT ?, ?", rows)
        .await?;
    assert_eq!((executed.rows, executed.way), (3000, BatchWay::Pipelined));
    assert_eq!(executed.affected_rows, 3000);
    let sql = "SELECT COUNT(*), COUNT(v), SUM(v = '\u{e4}') FROM t";
    let found: (u64, u64, u64) = connection.query_one(sql, ()).await?;
    assert_eq!(found, (3000, 2000, 2000));
    connection
        .execute_batch("SET @batch = ?", [(1,), (2,)])
        .await?;
    let found: (i64,) = connection.query_one("SELECT @batch", ()).await?;
    assert_eq!(found, (2,));
    Ok(())
}

#[tokio::test]
async fn error_in_row_k_later_chunks_are_not_sent() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    // 100 rows a command or so: 30 is there twice, in the first, and 1500 in a later one.
    for (twice, in_first) in [(30_u64, true), (1500, false)] {
        connection.simple_execute("DELETE FROM t").await?;
        let rows = (0..3000_u64).map(|id| (if id == twice + 1 { twice } else { id }, "0123456789"));
        let error = connection
            .batch(INSERT)
            .max_command_bytes(2000)
            .run(rows)
            .await
            .unwrap_err();
        let error = batch_error(error);
        assert!(matches!(&error.source, Error::Server(error) if error.code() == 1062));
        assert_eq!((error.way, error.row), (BatchWay::Bulk, None));
        assert_eq!(error.rows_confirmed == 0, in_first);
        assert!(error.rows_confirmed <= twice);
        assert!(error.rows_confirmed + error.rows_refused > twice);
        assert_eq!((error.rows_unknown, error.may_remain), (0, false));
        assert!(connection.is_idle());
        assert_eq!(count(&mut connection).await, error.rows_confirmed);
    }
    Ok(())
}

#[tokio::test]
async fn an_update_in_bulk_keeps_the_rows_before_the_one_that_fails() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    connection
        .execute_batch(INSERT, (0..10_i64).map(|id| (id, "a")))
        .await?;
    let error = connection
        .execute_batch(
            "UPDATE t SET id = ? WHERE id = ?",
            [(100, 0), (101, 1), (5, 2), (103, 3)],
        )
        .await
        .unwrap_err();
    let error = batch_error(error);
    assert!(matches!(&error.source, Error::Server(error) if error.code() == 1062));
    assert_eq!((error.rows_confirmed, error.rows_refused), (0, 4));
    assert!(error.may_remain);
    let sql = "SELECT COUNT(*) FROM t WHERE id >= 100";
    assert_eq!(connection.query_one::<(u64,)>(sql, ()).await?, (2,));
    Ok(())
}

#[tokio::test]
async fn error_in_row_k_of_a_pipeline_names_it_and_the_replies_are_consumed() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    connection
        .simple_execute("INSERT INTO t VALUES (400, 'a')")
        .await?;
    let error = connection
        .batch(INSERT)
        .bulk(false)
        .run((0..10_000_i64).map(|id| (id, "b")))
        .await
        .unwrap_err();
    let error = batch_error(error);
    assert!(matches!(&error.source, Error::Server(error) if error.code() == 1062));
    assert_eq!((error.way, error.row), (BatchWay::Pipelined, Some(400)));
    assert_eq!((error.rows_refused, error.rows_unknown), (1, 0));
    assert!((400..=400 + 256).contains(&error.rows_confirmed));
    assert!(connection.is_idle());
    assert_eq!(count(&mut connection).await, error.rows_confirmed + 1);
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_sent_is_named_and_leaves_those_before() -> Result<(), Error> {
    let (mut connection, _schema) = with_table("id INT PRIMARY KEY, x DOUBLE").await;
    for bulk in [true, false] {
        connection.simple_execute("DELETE FROM t").await?;
        let rows = (0..1000_i64).map(|id| (id, if id == 700 { f64::NAN } else { 1.0 }));
        let error = connection
            .batch(INSERT)
            .bulk(bulk)
            .max_command_bytes(1000)
            .run(rows)
            .await
            .unwrap_err();
        let error = batch_error(error);
        assert!(matches!(
            error.source,
            Error::Params(ParamsError::Parameter { index: 1, .. })
        ));
        assert_eq!((error.row, error.rows_refused), (Some(700), 0));
        assert!(error.rows_confirmed <= 700);
        assert!(error.rows_confirmed > 600);
        assert_eq!(count(&mut connection).await, error.rows_confirmed);
    }
    Ok(())
}

/// The longest payload of one row.
async fn longest(connection: &mut Connection) -> usize {
    let sql = "SELECT @@max_allowed_packet";
    let bytes: (usize,) = connection.query_one(sql, ()).await.unwrap();
    bytes.0 - 1
}

#[tokio::test]
async fn last_row_lands_exactly_on_max_allowed_packet() -> Result<(), Error> {
    let (mut connection, _schema) = with_table("id BIGINT PRIMARY KEY, v LONGBLOB").await;
    let longest = longest(&mut connection).await;
    // The head and the types; an ID and a text of a megabyte; an ID, and a text of which the length
    // takes nine bytes.
    let length = longest - (7 + 4) - (9 + 1 + 4 + 1_000_000) - (9 + 1 + 9);
    assert!(length > 0xff_ffff, "see ci/test for max_allowed_packet");
    for more in [0, 1] {
        connection.simple_execute("DELETE FROM t").await?;
        let before = commands(&mut connection).await;
        let rows = [(1, vec![b'a'; 1_000_000]), (2, vec![b'b'; length + more])];
        let batch = connection.batch(INSERT).max_command_bytes(usize::MAX);
        let executed = batch.run(rows).await?;
        assert_eq!((executed.rows, executed.affected_rows), (2, 2));
        let sent = commands(&mut connection).await - before;
        assert_eq!(sent, 1 + more as u64);
    }
    Ok(())
}

/// How many times prepared statements were executed in the session.
async fn commands(connection: &mut Connection) -> u64 {
    let sql = "SHOW SESSION STATUS LIKE 'Com_stmt_execute'";
    let rows = connection.simple_query(sql).await.unwrap();
    let rows: Vec<(String, String)> = rows.collect().await.unwrap();
    rows[0].1.parse().unwrap()
}

#[tokio::test]
async fn single_row_larger_than_max_allowed_packet_is_an_error_with_its_number() -> Result<(), Error>
{
    let (mut connection, _schema) = with_table("id BIGINT PRIMARY KEY, v LONGBLOB").await;
    let longest = longest(&mut connection).await;
    let rows = (0..3_i64).map(|id| (id, vec![b'a'; if id == 2 { longest } else { 3_000_000 }]));
    let error = connection.execute_batch(INSERT, rows).await.unwrap_err();
    let error = batch_error(error);
    assert!(
        matches!(error.source, Error::Params(ParamsError::RowTooLong { limit_bytes, .. }) if limit_bytes == longest)
    );
    assert_eq!((error.row, error.rows_confirmed), (Some(2), 2));
    assert_eq!(count(&mut connection).await, 2);
    Ok(())
}

#[tokio::test]
async fn rows_longer_than_a_command_go_one_in_each() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..50_i64).map(|id| (id, "x".repeat(1000)));
    let executed = connection
        .batch(INSERT)
        .max_command_bytes(100)
        .run(rows)
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (50, 50));
    Ok(())
}

#[tokio::test]
async fn multi_row_values_are_written_where_bulk_is_not() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..20_000_i64).map(|id| (id, (id % 5 != 0).then(|| format!("'{id}\\"))));
    let executed = connection
        .batch("INSERT INTO t (id, v) VALUES (?, CONCAT(?, 'x'))")
        .bulk(false)
        .multi_row_values(true)
        .max_command_bytes(50_000)
        .run(rows)
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (20_000, 20_000));
    assert_eq!(executed.way, BatchWay::MultiRow);
    let sql = "SELECT COUNT(*), COUNT(v), SUM(v = CONCAT('''', id, '\\\\x')) FROM t";
    let found: (u64, u64, u64) = connection.query_one(sql, ()).await?;
    assert_eq!(found, (20_000, 16_000, 16_000));
    let error = connection
        .batch("UPDATE t SET v = ?")
        .bulk(false)
        .multi_row_values(true)
        .run([("a",)])
        .await
        .unwrap_err();
    assert!(matches!(batch_error(error).source, Error::NoInsertRow));
    Ok(())
}

#[tokio::test]
async fn a_statement_that_the_server_refuses_is_one_error() -> Result<(), Error> {
    let mut connection = connect("").await;
    for sql in ["INSERT INTO no.such VALUES (?, ?)", "SELEKT ?, ?"] {
        let error = connection
            .execute_batch(sql, [(1, 2), (3, 4)])
            .await
            .unwrap_err();
        assert!(matches!(batch_error(error).source, Error::Server(_)));
        assert!(connection.is_idle());
        assert_eq!(
            connection.query_one::<(i64,)>("SELECT ?", (7,)).await?,
            (7,)
        );
    }
    let error = connection
        .execute_batch("SELECT ?", [(1, 2)])
        .await
        .unwrap_err();
    let source = batch_error(error).source;
    assert!(
        matches!(
            source,
            Error::ParameterCount {
                expected: 1,
                given: 2
            }
        ),
        "{source:?}"
    );
    Ok(())
}

#[tokio::test]
async fn without_prepared_statements_rows_go_as_text() -> Result<(), Error> {
    let schema = live::shared().schema("batch_text").unwrap();
    let config: Config = live::shared().url(schema.name()).parse().unwrap();
    let config = config
        .to_builder()
        .server_prepared_statements(false)
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await?;
    connection
        .simple_execute("CREATE TABLE t (id INT, v TEXT)")
        .await?;
    let rows = (0..1000).map(|id| (id, "it's"));
    let executed = connection.execute_batch(INSERT, rows).await?;
    assert_eq!((executed.rows, executed.way), (1000, BatchWay::Pipelined));
    let sql = "SELECT COUNT(*) FROM t WHERE v = 'it''s'";
    assert_eq!(connection.query_one::<(u64,)>(sql, ()).await?, (1000,));
    Ok(())
}

#[tokio::test]
async fn named_parameters_in_rows() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let rows = (0..10_i64).map(|id| [("v", id * 2), ("id", id)]);
    let sql = "INSERT INTO t (id, v) VALUES (:id, :v)";
    assert_eq!(connection.execute_batch(sql, rows).await?.rows, 10);
    let sql = "SELECT COUNT(*) FROM t WHERE v = id * 2";
    assert_eq!(connection.query_one::<(u64,)>(sql, ()).await?, (10,));
    Ok(())
}

#[tokio::test]
async fn on_duplicate_key_the_id_is_not_that_of_a_row_that_was_updated_in_bulk() -> Result<(), Error>
{
    let (mut connection, _schema) =
        with_table("id INT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE, n INT DEFAULT 0").await;
    connection
        .simple_execute("INSERT INTO t VALUES (7, 70, 0), (8, 80, 0)")
        .await?;
    let sql = "INSERT INTO t (k) VALUES (?) ON DUPLICATE KEY UPDATE n = n + 1";
    let executed = connection.execute_batch(sql, [(70,), (80,)]).await?;
    let in_bulk = executed.way == BatchWay::Bulk;
    assert_eq!(executed.last_insert_id, if in_bulk { 0 } else { 7 });
    let executed = connection.execute_batch(sql, [(80,), (90,)]).await?;
    let (id,) = connection
        .query_one::<(u64,)>("SELECT id FROM t WHERE k = ?", (90,))
        .await?;
    assert_eq!(executed.last_insert_id, if in_bulk { id } else { 8 });
    Ok(())
}

#[test]
fn rows_allocate_nothing_by_themselves() {
    let schema = live::shared().schema("batch_memory").unwrap();
    let config: Config = live::shared().url(schema.name()).parse().unwrap();
    let insert = |rows: u64| {
        let config = config.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = Connection::connect(&config).await.unwrap();
                let create = "CREATE TABLE t (id BIGINT, v VARCHAR(9)) ENGINE=InnoDB";
                for sql in ["DROP TABLE IF EXISTS t", create] {
                    connection.simple_execute(sql).await.unwrap();
                }
                let rows = (0..rows).map(|id| (id, "a text"));
                connection.execute_batch(INSERT, rows).await.unwrap();
            });
        }
    };
    allocation_counter::measure(insert(10)); // What is made once a process.
    let few = allocation_counter::measure(insert(50_000)).count_total;
    let many = allocation_counter::measure(insert(150_000)).count_total;
    println!("{few} allocations for 50,000 rows, {many} for 150,000");
    assert!(many < few + 1000, "{few} and {many} allocations");
}

#[tokio::test]
async fn points_in_time_are_sent_where_the_zone_is_known() -> Result<(), Error> {
    let (mut connection, _schema) = with_table("id INT, at TIMESTAMP NULL").await;
    connection
        .simple_execute("SET time_zone = '+02:00'")
        .await?;
    let at = "2024-06-01T10:00:00Z".parse::<jiff::Timestamp>().unwrap();
    for bulk in [true, false] {
        let rows = (0..500).map(|id| (id, at));
        let executed = connection.batch(INSERT).bulk(bulk).run(rows).await?;
        assert_eq!(executed.rows, 500);
    }
    let sql = "SELECT COUNT(*) FROM t WHERE at = '2024-06-01 12:00:00'";
    assert_eq!(connection.query_one::<(u64,)>(sql, ()).await?, (1000,));
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_was_left_is_not_taken_for_a_row() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    let size = std::num::NonZeroU32::new(2).unwrap();
    for bulk in [true, false] {
        connection.simple_execute("DELETE FROM t").await?;
        let sql = &live::shared().dialect("SELECT seq FROM seq_1_to_10 WHERE seq > ?");
        let mut rows = connection.query_with_cursor(sql, (0,), size).await?;
        assert!(rows.next().await?.is_some());
        drop(rows);
        let rows = (0..300_i64).map(|id| (id, "a"));
        let executed = connection.batch(INSERT).bulk(bulk).run(rows).await?;
        assert_eq!((executed.rows, executed.affected_rows), (300, 300));
        assert!(connection.is_idle());
        assert_eq!(count(&mut connection).await, 300);
    }
    Ok(())
}

#[tokio::test]
async fn unit_results_of_rows_that_are_left_as_they_are_have_no_id() -> Result<(), Error> {
    let (mut connection, _schema) =
        with_table("id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20) UNIQUE").await;
    connection
        .execute("INSERT INTO t VALUES (5, 'x'), (9, 'y')", ())
        .await?;
    let sql = "INSERT IGNORE INTO t (v) VALUES (?)";
    let batch = connection.batch(sql).unit_results(true);
    let executed = batch.run([("x",), ("a",), ("y",), ("b",)]).await?;
    let units = executed.unit_results.iter();
    let units: Vec<(u64, u64)> = units.map(|u| (u.last_insert_id, u.affected_rows)).collect();
    let sql = "SELECT id FROM t WHERE v IN ('a', 'b') ORDER BY v";
    let ids: Vec<(u64,)> = connection.query_all(sql, ()).await?;
    assert_eq!(units, [(0, 0), (ids[0].0, 1), (0, 0), (ids[1].0, 1)]);
    let sql = "INSERT INTO t (v) VALUES (?) ON DUPLICATE KEY UPDATE v = VALUES(v)";
    let batch = connection.batch(sql).unit_results(true);
    let executed = batch.run([("x",), ("c",)]).await?;
    assert_ne!(
        executed.unit_results[0].last_insert_id,
        executed.unit_results[1].last_insert_id
    );
    Ok(())
}

#[tokio::test]
async fn an_update_of_several_tables_has_no_unit_results_and_no_harm_is_done() -> Result<(), Error>
{
    let (mut connection, _schema) = with_table("id BIGINT PRIMARY KEY, duplicate INT").await;
    connection
        .execute("INSERT INTO t VALUES (1, 0), (2, 0)", ())
        .await?;
    let sql = "UPDATE t JOIN (SELECT 1 AS a) z SET t.duplicate = ? WHERE t.id = ?";
    for unit_results in [true, false] {
        let batch = connection.batch(sql).unit_results(unit_results);
        let executed = batch.run([(5, 1), (6, 2)]).await?;
        assert_eq!(executed.rows, 2);
        let of_each = executed.way == BatchWay::Pipelined && unit_results;
        assert_eq!(executed.unit_results.len(), if of_each { 2 } else { 0 });
        assert!(connection.is_idle());
    }
    let rows: Vec<(i64, i32)> = connection
        .query_all("SELECT * FROM t ORDER BY id", ())
        .await?;
    assert_eq!(rows, [(1, 5), (2, 6)]);
    Ok(())
}

#[tokio::test]
async fn in_a_transaction_no_row_is_sent_behind_one_that_may_end_it() -> Result<(), Error> {
    let (mut connection, _schema) = ids_and_names().await;
    connection
        .execute("INSERT INTO t VALUES (3, 'old')", ())
        .await?;
    connection.simple_execute("BEGIN").await?;
    let rows = (1..100_u64).map(|id| (id, "new"));
    let error = connection.batch(INSERT).bulk(false).run(rows).await;
    let error = batch_error(error.unwrap_err());
    assert_eq!(
        (error.row, error.rows_confirmed, error.rows_refused),
        (Some(2), 2, 1)
    );
    assert_eq!(count(&mut connection).await, 3);
    connection.simple_execute("ROLLBACK").await?;
    assert_eq!(count(&mut connection).await, 1);
    Ok(())
}
