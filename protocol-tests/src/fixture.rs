//! Transcripts of real exchanges: `fixtures/**/*.hex`.
//!
//! A line that begins with `>` holds bytes that the client sent, one with `<` bytes that the server
//! sent, each a whole packet in hexadecimal; `#` begins a comment, which may follow bytes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use otaria::{Config, Connection, Error, Rows, ValueRef};
use otaria_auth::HandshakeResponse;
use otaria_codec::{Capabilities, Decode};
use otaria_statement::{ComStmtExecute, ExecuteParameters};

use crate::pipe::{Action, Peer};

/// One exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fixture {
    /// The file's name without its ending.
    pub name: String,
    /// The packets in the order in which they were sent.
    pub packets: Vec<Packet>,
}

/// A packet of an exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Whether the client sent it.
    pub from_client: bool,
    /// Header and body.
    pub bytes: Vec<u8>,
}

impl Fixture {
    /// Reads one file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let packets = lines
            .filter(|line| !line.is_empty())
            .map(Packet::read)
            .collect();
        Self { name, packets }
    }

    /// All fixtures below `folder` of the fixtures, in the order of their names.
    pub fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(folder);
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        paths.sort();
        let fixtures: Vec<Self> = paths.iter().map(|path| Self::read(path)).collect();
        assert!(!fixtures.is_empty(), "no fixtures in {}", folder.display());
        fixtures
    }

    /// The exchange of a command behind a login.
    #[must_use]
    pub fn behind(&self, login: &Self) -> Self {
        let packets = login.packets.iter().chain(&self.packets);
        Self {
            name: self.name.clone(),
            packets: packets.cloned().collect(),
        }
    }

    /// The command that the client sent; `None` for a login.
    pub fn command(&self) -> Option<Command<'_>> {
        let first = self.packets.first()?;
        match (first.from_client, first.payload()) {
            (true, [0x03, sql @ ..]) => {
                let sql = std::str::from_utf8(sql).expect("SQL is recorded in UTF-8");
                Some(Command::Query(sql))
            }
            (true, [0x16, sql @ ..]) => {
                let sql = std::str::from_utf8(sql).expect("SQL is recorded in UTF-8");
                Some(self.statement(sql))
            }
            (true, [0x0e]) => Some(Command::Ping),
            (true, [0x1f]) => Some(Command::Reset),
            (true, other) => panic!("{}: a fixture with command {other:?}", self.name),
            (false, _) => None,
        }
    }

    /// The executions of the statement that was prepared from `sql`: alike, and with one parameter
    /// of text at most.
    fn statement<'a>(&'a self, sql: &'a str) -> Command<'a> {
        let from_client = self.packets.iter().filter(|packet| packet.from_client);
        let executes = from_client.filter_map(|packet| {
            ComStmtExecute::decode(packet.payload(), Capabilities::empty()).ok()
        });
        let parameters: Vec<&[u8]> = executes.map(|execute| execute.parameters).collect();
        let first = *parameters.first().expect("a statement that is executed");
        assert!(parameters.iter().all(|other| *other == first));
        let parameter = (!first.is_empty()).then(|| {
            let split = ExecuteParameters::split(first, 1).expect("a parameter");
            let (length, text) = split.values.split_first().expect("a length");
            assert_eq!(usize::from(*length), text.len(), "one short text");
            std::str::from_utf8(text).expect("text is recorded in UTF-8")
        });
        let times = parameters.len();
        Command::Statement {
            sql,
            parameter,
            times,
        }
    }

    /// How the client of a login answered the greeting.
    pub fn handshake_response(&self) -> HandshakeResponse<'_> {
        let sent = self.packets.iter().find(|packet| packet.from_client);
        let payload = sent.expect("the client answers the greeting").payload();
        HandshakeResponse::decode(payload, Capabilities::empty()).expect("a handshake response")
    }

    /// A configuration that logs in as the client of this login did.
    pub fn config(&self) -> Config {
        let response = self.handshake_response();
        let builder = Config::builder()
            .user(response.user)
            .password(FIXTURE_PASSWORD);
        let builder = match response.database {
            "" => builder,
            database => builder.database(database),
        };
        builder.build().expect("a login that was possible")
    }

    /// The packets that the server sent.
    pub fn from_server(&self) -> impl Iterator<Item = &[u8]> {
        self.packets
            .iter()
            .filter(|packet| !packet.from_client)
            .map(|packet| &*packet.bytes)
    }

    /// The file's text for these packets, under a comment.
    pub fn write(comment: &str, packets: &[Packet]) -> String {
        let mut text = String::new();
        for line in comment.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        for packet in packets {
            text.push(if packet.from_client { '>' } else { '<' });
            for byte in &packet.bytes {
                write!(text, " {byte:02x}").expect("a String takes everything");
            }
            text.push('\n');
        }
        text
    }
}

impl Packet {
    /// The bytes behind the header.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(4..).unwrap_or_default()
    }

    fn read(line: &str) -> Self {
        let (direction, hex) = line.split_at(1);
        let from_client = match direction {
            ">" => true,
            "<" => false,
            other => panic!("a line begins with {other}, not with > or <"),
        };
        let digits: Vec<u8> = hex
            .chars()
            .filter(|character| !character.is_whitespace())
            .map(|digit| digit.to_digit(16).expect("hexadecimal digits") as u8)
            .collect();
        assert!(digits.len().is_multiple_of(2), "half a byte in: {line}");
        let bytes = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        Self { from_client, bytes }
    }
}

/// A command of a fixture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command<'a> {
    /// `COM_QUERY`.
    Query(&'a str),
    /// `COM_STMT_PREPARE`, and `COM_STMT_EXECUTE` so many times.
    Statement {
        /// What is prepared.
        sql: &'a str,
        /// The only parameter; `None` for none.
        parameter: Option<&'a str>,
        /// How many times it is executed.
        times: usize,
    },
    /// `COM_PING`.
    Ping,
    /// `COM_RESET_CONNECTION`.
    Reset,
}

/// What became of a command.
#[derive(Debug)]
pub struct Outcome {
    /// Its results in words, a line for each column, row, end and error.
    pub lines: Vec<String>,
    /// The error that ended it.
    pub error: Option<Error>,
}

impl Command<'_> {
    /// Runs the command and reads its response to the end.
    pub async fn run(self, connection: &mut Connection) -> Outcome {
        let mut lines = Vec::new();
        let result = match self {
            Self::Query(sql) => match connection.simple_query(sql).await {
                Ok(rows) => describe(rows, &mut lines).await,
                Err(error) => Err(error),
            },
            Self::Statement {
                sql,
                parameter,
                times,
            } => {
                let parameters = parameter.as_slice();
                let mut result = Ok(());
                for _ in 0..times {
                    result = match connection.query(sql, parameters).await {
                        Ok(rows) => describe(rows, &mut lines).await,
                        Err(error) => Err(error),
                    };
                    if result.is_err() {
                        break;
                    }
                }
                result
            }
            Self::Ping => connection.ping().await,
            Self::Reset => connection.reset().await,
        };
        let error = result.err();
        lines.push(error.as_ref().map_or_else(|| "done".to_owned(), chain));
        Outcome { lines, error }
    }
}

async fn describe(mut rows: Rows<'_>, lines: &mut Vec<String>) -> Result<(), Error> {
    loop {
        for column in rows.columns() {
            let (name, field_type) = (column.name(), column.field_type());
            lines.push(format!("column {name} {field_type:?}"));
        }
        while let Some(row) = rows.next().await? {
            let cells = (0..row.len()).map(|index| match row.get(index) {
                Ok(value) => show(value),
                Err(error) => chain(&error),
            });
            lines.push(format!("row {}", cells.collect::<Vec<_>>().join(", ")));
        }
        let end = rows.executed();
        lines.push(format!(
            "end: {} affected, id {}, {} warnings, {:?}",
            end.affected_rows, end.last_insert_id, end.warnings, end.info
        ));
        if !rows.next_result_set().await? {
            return Ok(());
        }
    }
}

/// A value in words, behind its kind.
pub fn show(value: ValueRef<'_>) -> String {
    let kind = value.kind();
    match value {
        ValueRef::Int(value) => format!("{kind} {value}"),
        ValueRef::UInt(value) => format!("{kind} {value}"),
        ValueRef::Float(value) => format!("{kind} {value:?}"),
        ValueRef::Double(value) => format!("{kind} {value:?}"),
        ValueRef::Decimal(text) | ValueRef::Text(text) => format!("{kind} {text}"),
        ValueRef::Bytes(bytes) => format!("{kind} {}", bytes.escape_ascii()),
        ValueRef::Date(value) => format!("{kind} {value}"),
        ValueRef::DateTime(value) => format!("{kind} {value}"),
        ValueRef::Time(value) => format!("{kind} {value}"),
        ValueRef::Null => kind.to_owned(),
    }
}

/// An error and its causes.
pub fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a String takes everything");
        cause = error.source();
    }
    text
}

/// Plays the server's part of a fixture: each packet from the client, whatever it holds, is
/// answered by what the server sent next.
#[derive(Clone, Debug)]
pub struct Replay {
    packets: std::collections::VecDeque<Packet>,
    received: Vec<u8>,
    at_end: Option<Action>,
}

impl Replay {
    /// Plays `packets`, and then does `at_end`; without it the server hangs.
    pub fn new(packets: impl IntoIterator<Item = Packet>, at_end: Option<Action>) -> Self {
        Self {
            packets: packets.into_iter().collect(),
            received: Vec::new(),
            at_end,
        }
    }

    fn next_actions(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while self
            .packets
            .front()
            .is_some_and(|packet| !packet.from_client)
        {
            actions.extend(
                self.packets
                    .pop_front()
                    .map(|packet| Action::Send(packet.bytes)),
            );
        }
        if self.packets.is_empty() {
            actions.extend(self.at_end.take());
        }
        actions
    }
}

impl Peer for Replay {
    fn greet(&mut self) -> Vec<Action> {
        self.next_actions()
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        self.received.extend_from_slice(bytes);
        let mut actions = Vec::new();
        while let [a, b, c, _, ..] = self.received[..] {
            let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
            if self.received.len() < 4 + length {
                break;
            }
            self.received.drain(..4 + length);
            self.packets.pop_front();
            actions.extend(self.next_actions());
        }
        actions
    }
}

/// The password of every account of the fixtures.
pub const FIXTURE_PASSWORD: &str = "fixture";
