//! Records `protocol-tests/fixtures`: real exchanges with a private server, packet by packet.
//!
//! ```sh
//! cargo run -p protocol-tests --bin record_fixtures
//! ```

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use otaria::{Config, Connection};
use protocol_tests::fixture::{Command, FIXTURE_PASSWORD, Fixture, Packet};
use protocol_tests::live::LiveServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = LiveServer::start()?;
    server.sql(&SET_UP.replace("{password}", FIXTURE_PASSWORD))?;
    let recorder = Recorder { server };
    recorder.logins().await?;
    recorder.commands("query", &QUERIES).await?;
    recorder.commands("statement", &STATEMENTS).await
}

struct Recorder {
    server: LiveServer,
}

impl Recorder {
    async fn logins(&self) -> Result<(), Box<dyn Error>> {
        for (name, what, user, database) in LOGINS {
            let log = Log::default();
            let builder = Config::builder().user(user).password(FIXTURE_PASSWORD);
            let config = if database.is_empty() {
                builder.build()?
            } else {
                builder.database(database).build()?
            };
            match self.connect(&config, &log).await {
                Ok(connection) => {
                    self.write("login", name, what, &log.take())?;
                    connection.close().await?;
                }
                Err(otaria::Error::Auth(_)) => self.write("login", name, what, &log.take())?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn commands(
        &self,
        folder: &str,
        commands: &[(&str, &str, Command<'_>)],
    ) -> Result<(), Box<dyn Error>> {
        let log = Log::default();
        let config = Config::builder()
            .user("native")
            .password(FIXTURE_PASSWORD)
            .build()?;
        let mut connection = self.connect(&config, &log).await?;
        for (name, what, command) in commands {
            // One exchange must not see what another left in the session.
            connection.reset().await?;
            log.take();
            let outcome = command.run(&mut connection).await;
            println!("{name}: {}", outcome.lines.join(" | "));
            self.write(folder, name, what, &log.take())?;
        }
        connection.close().await?;
        Ok(())
    }

    async fn connect(&self, config: &Config, log: &Log) -> Result<Connection, otaria::Error> {
        let stream = TcpStream::connect((self.server.host(), self.server.port())).await;
        let stream = stream.expect("the private server accepts connections");
        let log = log.clone();
        Connection::connect_over(Tap { stream, log }, config).await
    }

    fn write(&self, folder: &str, name: &str, what: &str, packets: &[Packet]) -> io::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(folder);
        fs::create_dir_all(&folder)?;
        let comment = format!("{what}\nMariaDB {}", self.server.version());
        let text = Fixture::write(&comment, packets);
        fs::write(folder.join(name).with_extension("hex"), text)
    }
}

/// What both sides have sent, cut into packets in the order in which they became whole.
#[derive(Clone, Default)]
struct Log {
    shared: Arc<Mutex<Chunks>>,
}

#[derive(Default)]
struct Chunks {
    packets: Vec<Packet>,
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Log {
    fn push(&self, from_client: bool, bytes: &[u8]) {
        let chunks = &mut *self.lock();
        let side = if from_client {
            &mut chunks.client
        } else {
            &mut chunks.server
        };
        side.extend_from_slice(bytes);
        while let [a, b, c, _, ..] = side[..] {
            let end = 4 + u32::from_le_bytes([a, b, c, 0]) as usize;
            if side.len() < end {
                break;
            }
            let bytes = side.drain(..end).collect();
            chunks.packets.push(Packet { from_client, bytes });
        }
    }

    fn take(&self) -> Vec<Packet> {
        let mut chunks = self.lock();
        assert!(
            chunks.client.is_empty() && chunks.server.is_empty(),
            "half a packet"
        );
        std::mem::take(&mut chunks.packets)
    }

    fn lock(&self) -> MutexGuard<'_, Chunks> {
        self.shared.lock().expect("nobody panics with the lock")
    }
}

/// A stream that writes down what passes through it.
struct Tap {
    stream: TcpStream,
    log: Log,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.log.push(false, &buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.log.push(true, &bytes[..written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const LOGINS: [(&str, &str, &str, &str); 4] = [
    (
        "01_native",
        "Login by mysql_native_password, the server's default.",
        "native",
        "",
    ),
    (
        "02_switch_to_ed25519",
        "Login of an account of ed25519: the server asks for a switch.",
        "ed",
        "",
    ),
    (
        "03_refused",
        "Login that the server refuses with error 1045.",
        "nobody",
        "",
    ),
    (
        "04_with_database",
        "Login with a default database.",
        "native",
        "shop",
    ),
];

const QUERIES: [(&str, &str, Command<'static>); 14] = [
    (
        "01_one_row",
        "SELECT of one row.",
        Command::Query("SELECT 1, 'a', 2.50"),
    ),
    (
        "02_all_types",
        "SELECT of three rows of the common column types, some of them NULL.",
        Command::Query("SELECT * FROM shop.types ORDER BY i"),
    ),
    (
        "03_no_rows",
        "SELECT of no rows.",
        Command::Query("SELECT i, v FROM shop.types WHERE i = 0"),
    ),
    (
        "04_insert",
        "INSERT of two rows: OK with an id and with info.",
        Command::Query("INSERT INTO shop.item (name) VALUES ('one'), ('two')"),
    ),
    (
        "05_update",
        "UPDATE: OK with info.",
        Command::Query("UPDATE shop.item SET name = 'three' WHERE id = 2"),
    ),
    (
        "06_set_autocommit",
        "SET autocommit: OK with a session state of a system variable.",
        Command::Query("SET autocommit = 0"),
    ),
    (
        "07_use",
        "USE: OK with a session state of a schema.",
        Command::Query("USE shop"),
    ),
    (
        "08_syntax_error",
        "A statement that the server refuses with error 1064.",
        Command::Query("SELEC 1"),
    ),
    (
        "09_error_after_rows",
        "SELECT that fails with error 1242 when it has sent two rows.",
        Command::Query(
            "SELECT n, (SELECT b.n FROM shop.number b WHERE b.n < a.n) FROM shop.number a \
             ORDER BY n",
        ),
    ),
    (
        "10_call",
        "CALL of a procedure with two result sets: they and an OK.",
        Command::Query("CALL shop.two_results()"),
    ),
    (
        "11_call_that_fails",
        "CALL of a procedure whose second statement fails: a result set and error 1644.",
        Command::Query("CALL shop.fails_late()"),
    ),
    (
        "12_warnings",
        "SELECT with two warnings.",
        Command::Query("SELECT CAST('x' AS INT), 1 / 0"),
    ),
    ("13_ping", "COM_PING.", Command::Ping),
    ("14_reset", "COM_RESET_CONNECTION.", Command::Reset),
];

/// A statement that is executed so many times with one parameter.
const fn with_parameter(
    sql: &'static str,
    parameter: &'static str,
    times: usize,
) -> Command<'static> {
    Command::Statement {
        sql,
        parameter: Some(parameter),
        times,
    }
}

const STATEMENTS: [(&str, &str, Command<'static>); 12] = [
    (
        "01_one_row",
        "A SELECT prepared and executed at once, and executed again.",
        with_parameter("SELECT CONCAT(?, 'x') AS c, NULL", "a", 2),
    ),
    (
        "02_all_types",
        "SELECT of three rows of the common column types, some of them NULL.",
        with_parameter("SELECT * FROM shop.types WHERE i >= ? ORDER BY i", "1", 1),
    ),
    (
        "03_no_rows",
        "SELECT of no rows, twice.",
        with_parameter("SELECT i, v FROM shop.types WHERE i = ?", "0", 2),
    ),
    (
        "04_insert",
        "INSERT, twice: OK with an id.",
        with_parameter("INSERT INTO shop.item (name) VALUES (?)", "one", 2),
    ),
    (
        "05_insert_returning",
        "INSERT … RETURNING, twice: the first execution tells the columns.",
        with_parameter(
            "INSERT INTO shop.item (name) VALUES (?) RETURNING id, name",
            "two",
            2,
        ),
    ),
    (
        "06_without_parameters",
        "SELECT without parameters, twice.",
        Command::Statement {
            sql: "SELECT n FROM shop.number ORDER BY n",
            parameter: None,
            times: 2,
        },
    ),
    (
        "07_type_of_a_placeholder",
        "SELECT of a placeholder: the first execution tells its type.",
        with_parameter("SELECT ?", "text", 2),
    ),
    (
        "08_syntax_error",
        "A statement that the server refuses with error 1064, and its execution with 1243.",
        with_parameter("SELEC ?", "a", 1),
    ),
    (
        "09_duplicate",
        "An INSERT that the server prepares, and refuses to execute with error 1062.",
        with_parameter("INSERT INTO shop.number VALUES (?)", "1", 1),
    ),
    (
        "10_error_after_rows",
        "SELECT that fails with error 1242 when it has sent two rows.",
        with_parameter(
            "SELECT n, (SELECT b.n FROM shop.number b WHERE b.n < a.n) FROM shop.number a \
             WHERE n >= ? ORDER BY n",
            "1",
            1,
        ),
    ),
    (
        "11_call",
        "CALL of a procedure with two result sets, twice: they and an OK.",
        Command::Statement {
            sql: "CALL shop.two_results()",
            parameter: None,
            times: 2,
        },
    ),
    (
        "12_two_round_trips",
        "A statement whose placeholders the client cannot count: its execution comes later.",
        with_parameter("SELECT 1 /*!50000 , ? */", "b", 2),
    ),
];

const SET_UP: &str = "
CREATE USER native@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE USER ed@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('{password}');
CREATE SCHEMA shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
GRANT ALL ON shop.* TO native@'127.0.0.1';
USE shop;
CREATE TABLE types (
    i INT PRIMARY KEY, t TINYINT, s SMALLINT UNSIGNED, m MEDIUMINT, l BIGINT UNSIGNED,
    c DECIMAL(20, 5), f FLOAT, d DOUBLE, y YEAR, da DATE, dt DATETIME(6), ts TIMESTAMP NULL,
    ti TIME(3), b BIT(12), e ENUM('red', 'green'), se SET('a', 'b'), ch CHAR(4), v VARCHAR(20),
    te TEXT, bi VARBINARY(8), bl BLOB, j JSON, u UUID, n INET6, p POINT
);
SET time_zone = '+00:00';
INSERT INTO types VALUES
    (1, -1, 65535, -8388608, 18446744073709551615, -12345.67890, 1.5, 2.5e300, 2024, '2024-02-29',
     '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59', '-838:59:59.999', b'101', 'green', 'a,b',
     'char', 'Zoë 🦭', 'text', 0x00ff, 0xfbfcfdfeff, '{\"a\": [1, null]}',
     '123e4567-e89b-12d3-a456-426655440000', '2001:db8::1', POINT(1, 2)),
    (2, 0, 0, 0, 0, 0, 0, 0, 1901, '0001-01-01', '0001-01-01 00:00:00', '1970-01-01 00:00:01',
     '00:00:00', b'0', 'red', '', '', '', '', '', '', '0',
     '00000000-0000-0000-0000-000000000000', '::', POINT(0, 0)),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20));
CREATE TABLE number (n INT PRIMARY KEY);
INSERT INTO number VALUES (1), (2), (3);
DELIMITER //
CREATE PROCEDURE two_results() BEGIN SELECT 1 AS a; SELECT 'x' AS b, NULL AS c; END//
CREATE PROCEDURE fails_late()
    BEGIN SELECT 1 AS a; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'late'; END//
";
