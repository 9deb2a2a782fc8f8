//! The count of placeholders beside the server's own, over random statements.

use std::io::{Read, Write};
use std::net::TcpStream;

use fastrand::Rng;
use otaria::{Config, Connection, ServerStatus, SslMode};
use otaria_codec::{Capabilities, Encode, PayloadWriter};
use otaria_statement::{
    ComStmtClose, ComStmtPrepare, PrepareEvent, PrepareReader, count_placeholders,
};
use protocol_tests::{chaos, live};

/// A connection whose socket is also used from beside it.
struct Beside {
    connection: Connection,
    socket: TcpStream,
}

impl Beside {
    async fn connect() -> Self {
        let server = live::shared();
        let config: Config = server.url("").parse().unwrap();
        let config = config.to_builder().ssl_mode(SslMode::Disable);
        let config = config.build().unwrap();
        let socket = TcpStream::connect((server.host(), server.port())).unwrap();
        // A close is followed by a prepare, and neither waits for the other.
        socket.set_nodelay(true).unwrap();
        let stream = socket.try_clone().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let connection = Connection::connect_over(stream, &config).await.unwrap();
        Self { connection, socket }
    }

    /// How many placeholders the server finds in `sql`; `None` if it refuses the statement.
    fn prepare(&mut self, sql: &str) -> Option<u16> {
        // The two handles share the mode of the socket.
        self.socket.set_nonblocking(false).unwrap();
        self.send(&ComStmtPrepare::new(sql));
        let mut reader = PrepareReader::new(NEGOTIATED);
        let mut parameters = None;
        while !reader.is_done() {
            match reader.read(&self.receive()).unwrap() {
                PrepareEvent::PrepareOk(ok) => {
                    parameters = Some(ok.parameters);
                    let statement = ok.statement;
                    self.send(&ComStmtClose { statement });
                }
                PrepareEvent::Err(err) => {
                    assert!(parameters.is_none(), "{}", err.message_lossy());
                }
                _ => {}
            }
        }
        self.socket.set_nonblocking(true).unwrap();
        parameters
    }

    fn send(&mut self, command: &impl Encode) {
        let mut packet = vec![0; 4];
        command.encode(NEGOTIATED, &mut PayloadWriter::new(&mut packet));
        let length = u32::try_from(packet.len() - 4).unwrap().to_le_bytes();
        packet[..3].copy_from_slice(&length[..3]);
        self.socket.write_all(&packet).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        self.socket.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).unwrap();
        payload
    }
}

/// What changes the form of a response to a prepare, of what the driver negotiates.
const NEGOTIATED: Capabilities =
    Capabilities::DEPRECATE_EOF.union(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA);

const MODES: [&str; 5] = [
    "",
    "NO_BACKSLASH_ESCAPES",
    "ANSI_QUOTES",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
    "ORACLE",
];

#[tokio::test]
async fn placeholders_never_a_wrong_count_in_random_statements() {
    let mut random = Rng::with_seed(chaos::seed());
    let mut beside = Beside::connect().await;
    let (mut taken, mut certain) = (0, 0);
    for round in 0..40 {
        let mode = MODES[round % MODES.len()];
        let sql = format!("SET sql_mode = '{mode}'");
        beside.connection.simple_execute(&sql).await.unwrap();
        let status = beside.connection.session_state().status();
        let ansi = mode.contains("ANSI") || mode == "ORACLE";
        assert_eq!(status.contains(ServerStatus::ANSI_QUOTES), ansi);
        for _ in 0..200 {
            let sql = statement(&mut random);
            let Some(servers) = beside.prepare(&sql) else {
                continue;
            };
            taken += 1;
            if let Some(ours) = count_placeholders(&sql, status) {
                assert_eq!(ours, servers, "{mode}: {sql}");
                certain += 1;
            }
        }
    }
    println!("{taken} of 8000 statements are SQL, the number is certain in {certain}");
    assert!(certain > 800 && taken > certain, "{taken} {certain}");
}

#[tokio::test]
async fn placeholders_of_a_common_table_expression_used_twice_are_counted_once() {
    let mut beside = Beside::connect().await;
    let sql = "WITH c AS (SELECT ? AS a) SELECT * FROM c, c AS d WHERE d.a = ?";
    assert_eq!(beside.prepare(sql), Some(2));
    let status = beside.connection.session_state().status();
    assert_eq!(count_placeholders(sql, status), Some(2));
}

/// Expressions between operators, strings, names and comments, at the edges of what is SQL.
fn statement(random: &mut Rng) -> String {
    let mut sql = "SELECT".to_owned();
    for index in 0..random.usize(1..4) {
        sql += if index == 0 { " " } else { "," };
        for term in 0..random.usize(1..4) {
            if term > 0 {
                sql += one_of(random, &OPERATORS);
            }
            sql += &gap(random);
            sql += &operand(random);
            sql += &gap(random);
        }
        if random.u8(..) < 60 {
            sql += " AS ";
            sql += &quoted(random);
        }
    }
    if random.u8(..) < 30 {
        sql += one_of(random, &["; -- ?", " --", " #", ";", " -- '", " /* ", " '"]);
    }
    sql
}

fn operand(random: &mut Rng) -> String {
    match random.u8(0..10) {
        0..=3 => "?".to_owned(),
        4..=6 => quoted(random),
        _ => one_of(random, &OPERANDS).to_owned(),
    }
}

/// A string or a name, or nearly one.
fn quoted(random: &mut Rng) -> String {
    let quote = one_of(random, &["'", "'", "\"", "`"]);
    let content: String = (0..random.usize(0..5))
        .map(|_| one_of(random, &CONTENT))
        .collect();
    let doubled = content.replace(quote, &quote.repeat(2));
    let content = if random.u8(..) < 200 {
        doubled
    } else {
        content
    };
    format!("{quote}{content}{quote}")
}

fn gap(random: &mut Rng) -> String {
    match random.u8(0..8) {
        0..=3 => String::new(),
        4 | 5 => " ".to_owned(),
        6 => {
            let opening = one_of(
                random,
                &["/*", "/*", "/* ", "/*!", "/*M!", "/*+", "/*!999999 "],
            );
            let content = one_of(random, &CONTENT);
            format!("{opening}{content}*/")
        }
        _ => {
            let opening = one_of(random, &["--", "-- ", "--\t", "---", "--- ", "#"]);
            let content = one_of(random, &CONTENT);
            format!("{opening}{content}\n")
        }
    }
}

fn one_of<'a>(random: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[random.usize(..choices.len())]
}

const OPERATORS: [&str; 12] = [
    "+", "-", "--", "---", "-- ", "*", "/", "*/**/", " AND ", "=", "<", "||",
];
const OPERANDS: [&str; 20] = [
    "1",
    "1.5",
    "1.5e3",
    "1.5e-",
    "1.e+",
    ".5e",
    "1e-2",
    "1e",
    "0x3f",
    "x'3f'",
    "N'?'",
    "\\N",
    "@a",
    "@a:=?",
    "@`?`",
    "@'?'",
    ":a",
    "_utf8mb4'?'",
    "(?)",
    "NULL",
];
const CONTENT: [&str; 16] = [
    "?", "'", "\"", "`", "\\", "\\\\", "\\'", "a", " ", "é", "-- ", "#", "/*", "*", ":", "\n",
];
