//! A value by one protocol and by the other, written by a literal and by a parameter.

use otaria::{
    Capabilities, Connection, Date, DateTime, Decimal, Error, FromSql, Row, Time, ValueRef,
};
use otaria_auth::InitialHandshake;
use otaria_codec::{Decode, PacketEncoder};
use protocol_tests::fixture::show;
use protocol_tests::live;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::Case;

/// A connection to a server that does not offer these capabilities.
pub async fn connect_without(database: &str, capabilities: Capabilities) -> Connection {
    let server = live::shared();
    let config = server.in_clear(database).unwrap().build().unwrap();
    let address = (server.host(), server.port());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.unwrap();
    let mut payload = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
    stream.read_exact(&mut payload).await.unwrap();
    let mut greeting = InitialHandshake::decode(&payload, Capabilities::empty()).unwrap();
    greeting.capabilities -= capabilities;
    let mut encoder = PacketEncoder::new();
    encoder.packet(&greeting, Capabilities::empty());
    let (read, write) = stream.into_split();
    let greeting = std::io::Cursor::new(encoder.take());
    let stream = tokio::io::join(greeting.chain(read), write);
    let connection = Connection::connect_over(stream, &config).await.unwrap();
    assert!(!connection.capabilities().intersects(capabilities));
    connection
}

/// What makes the bytes of a response others.
pub const VARIANTS: [Capabilities; 4] = [
    Capabilities::empty(),
    Capabilities::MARIADB_CLIENT_EXTENDED_METADATA,
    Capabilities::MARIADB_CLIENT_CACHE_METADATA,
    Capabilities::DEPRECATE_EOF,
];

const TEXT: &str = "SELECT c FROM t ORDER BY id";
const BINARY: &str = "SELECT c FROM t WHERE 'x' = ? ORDER BY id";

/// What each row of the first result reads as.
async fn rows_by<T>(
    connection: &mut Connection,
    by_parameter: bool,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut rows = if by_parameter {
        connection.query(BINARY, ("x",)).await?
    } else {
        connection.simple_query(TEXT).await?
    };
    let mut found = Vec::new();
    while let Some(row) = rows.next().await? {
        found.push(read(&row)?);
    }
    rows.finish().await?;
    Ok(found)
}

/// A table with the value of the case: by a literal, by a parameter, and NULL by both.
async fn store(connection: &mut Connection, case: &Case) -> Result<(), Error> {
    let Case(column, literal, expected) = case;
    let create = "CREATE TEMPORARY TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, c";
    connection
        .simple_execute(&format!("{create} {column})"))
        .await?;
    let sql = format!("INSERT INTO t (c) VALUES ({literal})");
    assert_eq!(connection.simple_execute(&sql).await?.affected_rows, 1);
    let insert = "INSERT INTO t (c) VALUES (?)";
    connection.execute(insert, (*expected,)).await?;
    connection
        .simple_execute("INSERT INTO t (c) VALUES (NULL)")
        .await?;
    connection.execute(insert, (None::<i64>,)).await?;
    Ok(())
}

/// Text = binary for every case: two ways to write, two protocols to read, one expected value.
pub async fn check(connection: &mut Connection, cases: &[Case]) -> Result<(), Error> {
    connection.simple_execute("SET sql_mode = ''").await?;
    let mut wrong = Vec::new();
    for case in cases {
        let Case(column, literal, expected) = case;
        store(connection, case).await?;
        for binary in [false, true] {
            let expected = show(*expected);
            let found = rows_by(connection, binary, |row| {
                Ok(show(row.get::<ValueRef<'_>>("c")?))
            });
            let found = found.await?;
            if found != [&*expected, &*expected, "null", "null"] {
                let protocol = if binary { "binary" } else { "text" };
                wrong.push(format!(
                    "{protocol} {column} {literal}: {found:?} for {expected}"
                ));
            }
        }
        connection.simple_execute("DROP TEMPORARY TABLE t").await?;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What becomes of a cell, read as a type.
fn outcome<'r, T: FromSql<'r> + std::fmt::Debug>(row: &'r Row<'_>) -> String {
    let read = match row.get::<T>("c") {
        Ok(value) => format!("{value:?}"),
        Err(error) => protocol_tests::fixture::chain(&error),
    };
    format!("{}: {read}", std::any::type_name::<T>())
}

/// The same for each type that a value can be read as.
fn outcomes(row: &Row<'_>) -> Vec<String> {
    macro_rules! outcomes {
        ($($type:ty),+) => { vec![$(outcome::<$type>(row)),+] };
    }
    outcomes!(
        bool,
        i8,
        i16,
        i32,
        i64,
        isize,
        u8,
        u16,
        u32,
        u64,
        usize,
        f32,
        f64,
        Decimal,
        &str,
        String,
        &[u8],
        Vec<u8>,
        Date,
        DateTime,
        Time,
        Option<i8>,
        Option<String>,
        Option<Vec<u8>>
    )
}

/// Reads every case as every type by both protocols: the same value or the same error. Returns how
/// many values and how many errors there were.
pub async fn check_conversions(
    connection: &mut Connection,
    cases: &[Case],
) -> Result<(usize, usize), Error> {
    connection.simple_execute("SET sql_mode = ''").await?;
    let (mut values, mut errors) = (0, 0);
    let mut wrong = Vec::new();
    for case in cases {
        store(connection, case).await?;
        let text = rows_by(connection, false, |row| Ok(outcomes(row))).await?;
        let binary = rows_by(connection, true, |row| Ok(outcomes(row))).await?;
        for (text, binary) in text.iter().flatten().zip(binary.iter().flatten()) {
            if text != binary {
                let Case(column, literal, _) = case;
                wrong.push(format!("{column} {literal}: text {text}, binary {binary}"));
            }
            let is_error = text.contains("column `c`") || text.contains("column 0");
            errors += usize::from(is_error);
            values += usize::from(!is_error);
        }
        connection.simple_execute("DROP TEMPORARY TABLE t").await?;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok((values, errors))
}
