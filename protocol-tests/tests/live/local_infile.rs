//! `LOAD DATA LOCAL` with data of the caller, against a real server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use otaria::{CancelPolicy, Compression, Config, Connection, Error, LocalInfileError};
use protocol_tests::live::{self, Schema};
use protocol_tests::polls::poll_times;
use protocol_tests::slow::Slow;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

const ROWS: u32 = 100_000;
const LOAD: &str = "LOAD DATA LOCAL INFILE 'of the caller' INTO TABLE t \
                    FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n'";

fn schema(name_hint: &str) -> Schema<'static> {
    let schema = live::shared().schema(name_hint).unwrap();
    schema
        .sql("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50)) ENGINE=InnoDB")
        .unwrap();
    schema
}

fn config(schema: &Schema<'_>) -> Config {
    let config: Config = schema.url().parse().unwrap();
    config.to_builder().local_infile(true).build().unwrap()
}

async fn connect(schema: &Schema<'_>) -> Connection {
    Connection::connect(&config(schema)).await.unwrap()
}

fn rows() -> Vec<u8> {
    (0..ROWS)
        .flat_map(|id| format!("{id},name of {id}\n").into_bytes())
        .collect()
}

/// What the table should hold, and holds.
async fn check_sum(connection: &mut Connection) -> (u64, u64, u64) {
    let sql = "SELECT COUNT(*), CAST(SUM(id) AS UNSIGNED), \
               CAST(SUM(LENGTH(name)) AS UNSIGNED) FROM t";
    let rows = connection.simple_query(sql).await.unwrap();
    let sums: Vec<(u64, Option<u64>, Option<u64>)> = rows.collect().await.unwrap();
    (
        sums[0].0,
        sums[0].1.unwrap_or_default(),
        sums[0].2.unwrap_or_default(),
    )
}

const ALL: (u64, u64, u64) = (100_000, 4_999_950_000, 488_890 + 8 * 100_000);

#[tokio::test]
async fn a_hundred_thousand_rows_are_loaded_from_bytes_and_from_a_slow_reader() {
    let data = rows();
    for compressed in [false, true] {
        let schema = schema("infile");
        let mut builder = config(&schema).to_builder();
        if compressed {
            builder = builder.compression(Compression::default());
        }
        let config = builder.build().unwrap();
        let mut connection = Connection::connect(&config).await.unwrap();
        let executed = connection.load_data_local(LOAD, data.as_slice()).await;
        let executed = executed.unwrap();
        assert_eq!(executed.affected_rows, u64::from(ROWS));
        assert!(
            executed.info.starts_with("Records: 100000  Deleted: 0"),
            "{}",
            executed.info
        );
        assert_eq!(check_sum(&mut connection).await, ALL);

        connection.simple_execute("TRUNCATE t").await.unwrap();
        let slow = Slow::new(data.as_slice(), 1_000);
        let executed = connection.load_data_local(LOAD, slow).await.unwrap();
        assert_eq!(executed.affected_rows, u64::from(ROWS));
        assert_eq!(check_sum(&mut connection).await, ALL);
        connection.close().await.unwrap();
    }
}

/// Is polled again and again, and gives nothing.
struct Stalls;

impl AsyncRead for Stalls {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[tokio::test]
async fn half_an_upload_that_is_dropped_in_a_transaction_is_rolled_back() {
    let schema = schema("half");
    let data = rows();
    // A server that takes long over the half would be told to stop.
    let draining = config(&schema)
        .to_builder()
        .cancel_policy(CancelPolicy::Drain)
        .drain_timeout(Duration::from_secs(60));
    let mut connection = Connection::connect(&draining.build().unwrap())
        .await
        .unwrap();
    connection.simple_execute("BEGIN").await.unwrap();
    let half = data[..data.len() / 2].chain(Stalls);
    let load = connection.load_data_local(LOAD, half);
    assert!(poll_times(load, 1_000).await.is_none());
    let loaded = check_sum(&mut connection).await.0;
    assert!(loaded > 100 && loaded < 100_000, "{loaded} rows are there");
    assert!(connection.status().is_in_transaction());
    connection.simple_execute("ROLLBACK").await.unwrap();
    assert_eq!(check_sum(&mut connection).await, (0, 0, 0));
}

#[tokio::test]
async fn an_upload_dropped_at_any_poll_leaves_the_connection_usable() {
    let schema = schema("polls");
    let mut connection = connect(&schema).await;
    let data = b"1,one\n2,two\n3,three\n";
    for polls in 0.. {
        assert!(polls < 1_000);
        connection.simple_execute("BEGIN").await.unwrap();
        let pieces = data[..7].chain(data[7..].as_ref());
        let slow = Slow::new(pieces, 1_000);
        let load = poll_times(connection.load_data_local(LOAD, slow), polls).await;
        let (count, ..) = check_sum(&mut connection).await;
        assert!(count <= 3);
        connection.simple_execute("ROLLBACK").await.unwrap();
        if let Some(result) = load {
            assert_eq!((result.unwrap().affected_rows, count), (3, 3));
            break;
        }
    }
}

#[tokio::test]
async fn data_that_fails_loads_what_was_read_before() {
    struct Fails;
    impl AsyncRead for Fails {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
        }
    }
    let schema = schema("fails");
    let mut connection = connect(&schema).await;
    let data = b"1,one\n".as_slice().chain(Fails);
    let error = connection.load_data_local(LOAD, data).await.unwrap_err();
    assert!(
        matches!(error, Error::LocalIo { source, .. } if source.kind() == io::ErrorKind::InvalidData)
    );
    assert_eq!(check_sum(&mut connection).await, (1, 1, 3));
}

#[tokio::test]
async fn an_error_of_a_trigger_in_the_middle_of_the_rows_leaves_the_connection_usable() {
    let schema = schema("trigger");
    schema
        .sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW \
             IF NEW.id = 10 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this'; END IF",
        )
        .unwrap_or_else(|_| {
            let sql = "DELIMITER //\nCREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW \
                       IF NEW.id = 10 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this'; \
                       END IF//\n";
            schema.sql(sql).unwrap()
        });
    let mut connection = connect(&schema).await;
    let data = rows();
    let error = connection.load_data_local(LOAD, data.as_slice()).await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1644));
    assert_eq!(check_sum(&mut connection).await, (0, 0, 0));
    assert!(connection.is_idle());
}

#[tokio::test]
async fn a_statement_killed_in_the_middle_of_the_rows_leaves_the_connection_usable() {
    let schema = schema("killed");
    let mut connection = connect(&schema).await;
    let kill = format!("KILL QUERY {}", connection.thread_id());
    // It is killed between two pieces of the data.
    let data = b"1,one\n".as_slice().chain(OnRead(Some(move || {
        live::shared().sql(&kill).unwrap();
    })));
    let rest = rows();
    let data = data.chain(&rest[b"0,name of 0\n1,name of 1\n".len()..]);
    let error = connection.load_data_local(LOAD, data).await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1317));
    assert!(connection.is_idle());
    assert_eq!(check_sum(&mut connection).await, (0, 0, 0));
}

/// Does something when it is read, and is empty.
struct OnRead<F>(Option<F>);

impl<F: FnOnce() + Unpin> AsyncRead for OnRead<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(act) = self.0.take() {
            act();
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn without_the_setting_or_without_data_nothing_is_loaded_and_the_error_says_why() {
    let schema = schema("refused");
    let mut disabled = crate::connect(schema.name()).await;
    let error = disabled.load_data_local(LOAD, b"1,one\n".as_slice()).await;
    let expected = LocalInfileError::NotEnabled;
    assert!(matches!(error, Err(Error::LocalInfile(error)) if error == expected));
    let error = disabled.simple_execute(LOAD).await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if [1148, 4166].contains(&error.code())));

    let mut enabled = connect(&schema).await;
    for _ in 0..2 {
        let error = enabled.simple_execute(LOAD).await.unwrap_err();
        let expected = LocalInfileError::NotAttached;
        assert!(matches!(error, Error::LocalInfile(error) if error == expected));
    }
    assert_eq!(check_sum(&mut enabled).await, (0, 0, 0));
}

#[tokio::test]
async fn a_file_in_a_chain_of_results_is_loaded_and_a_second_one_refused() {
    let schema = schema("chain");
    let config = config(&schema).to_builder().multi_statements(true);
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    let sql = format!("SELECT 1; {LOAD}; SELECT COUNT(*) FROM t");
    let data = b"1,one\n2,two\n".as_slice();
    connection.load_data_local(&sql, data).await.unwrap();
    assert_eq!(check_sum(&mut connection).await.0, 2);
    connection.simple_execute("TRUNCATE t").await.unwrap();
    let sql = format!("{LOAD}; {LOAD}; SELECT 1");
    let error = connection.load_data_local(&sql, data).await;
    let expected = LocalInfileError::NotAttached;
    assert!(matches!(error, Err(Error::LocalInfile(error)) if error == expected));
    assert_eq!(check_sum(&mut connection).await.0, 2);
}
