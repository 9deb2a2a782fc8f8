//! Recorded exchanges, played by a server that lies.

use std::time::Duration;

use otaria::{AuthError, CloseReason, Config, Connection, Error};
use otaria_codec::{OkPacket, PacketEncoder, ServerStatus};
use protocol_tests::fixture::{Fixture, Packet, Replay, chain};
use protocol_tests::pipe::{Action, Cut, Pipe};
use protocol_tests::script::CAPABILITIES;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};

/// A login, or a command behind a login, as a server plays it.
pub struct Exchange {
    pub name: String,
    /// All packets, of the login too.
    pub packets: Vec<Packet>,
    /// Where the packets of the exchange itself begin.
    pub start: usize,
    command: Option<Fixture>,
    config: Config,
    /// What becomes of it when the server is honest.
    pub honest_lines: Vec<String>,
}

impl Exchange {
    /// Every fixture.
    pub fn all() -> Vec<Self> {
        let logins = Fixture::all("login");
        let native = logins.iter().find(|login| login.name == "01_native");
        let native = native.expect("the fixture 01_native");
        let mut queries = Fixture::all("query");
        queries.extend(Fixture::all("statement"));
        let logins = logins.iter().map(|login| Self::new(login, None));
        let queries = queries.iter().map(|query| Self::new(native, Some(query)));
        let mut exchanges: Vec<Self> = logins.chain(queries).collect();
        let clock = paused_clock();
        for exchange in &mut exchanges {
            let packets = exchange.packets.clone();
            exchange.honest_lines = clock.block_on(exchange.play(packets, None)).lines;
        }
        exchanges
    }

    fn new(login: &Fixture, query: Option<&Fixture>) -> Self {
        let whole = query.map_or_else(|| login.clone(), |query| query.behind(login));
        let config = login.config().to_builder();
        let config = config
            .connect_timeout(CONNECT_TIMEOUT)
            .io_timeout(IO_TIMEOUT)
            .drain_timeout(IO_TIMEOUT);
        Self {
            name: whole.name,
            packets: whole.packets,
            start: query.map_or(0, |_| login.packets.len()),
            command: query.cloned(),
            config: config.build().expect("timeouts can be configured"),
            honest_lines: Vec::new(),
        }
    }

    /// The places of the packets that the server sends.
    pub fn server_packets(&self) -> impl Iterator<Item = usize> {
        (self.start..self.packets.len()).filter(|&place| !self.packets[place].from_client)
    }

    /// The packets with that at `place` replaced by `bytes`, and then answers to two pings.
    pub fn with(&self, place: usize, bytes: Vec<u8>) -> Vec<Packet> {
        let mut packets = self.packets.clone();
        packets[place].bytes = bytes;
        let mut encoder = PacketEncoder::new();
        encoder.set_sequence_number(1);
        let ok = OkPacket {
            status: ServerStatus::AUTOCOMMIT,
            ..OkPacket::default()
        };
        encoder.packet(&ok, CAPABILITIES);
        for _ in 0..2 {
            let ping = Vec::new();
            packets.extend(
                [(true, ping), (false, encoder.bytes().to_vec())]
                    .map(|(from_client, bytes)| Packet { from_client, bytes }),
            );
        }
        packets
    }

    /// The packets up to the first `bytes` bytes of what the server sends in the exchange itself.
    pub fn cut_at(&self, bytes: usize) -> Vec<Packet> {
        let mut packets = self.packets[..self.start].to_vec();
        let mut left = bytes;
        for packet in &self.packets[self.start..] {
            if packet.from_client {
                packets.push(packet.clone());
                continue;
            }
            let kept = packet.bytes.len().min(left);
            left -= kept;
            let cut = kept < packet.bytes.len();
            packets.push(Packet {
                from_client: false,
                bytes: packet.bytes[..kept].to_vec(),
            });
            if cut {
                break;
            }
        }
        packets
    }

    /// Plays `packets` and then does `at_end`, checks what holds for every server, however it
    /// lies, and says what became of the exchange.
    pub async fn play(&self, packets: Vec<Packet>, at_end: Option<Action>) -> Played {
        let pipe = Pipe::new(Replay::new(packets, at_end), Cut::Whole);
        let connecting = Connection::connect_over(pipe, &self.config);
        let connected = in_time(CONNECT_TIMEOUT, connecting).await;
        let mut connection = match connected {
            Ok(connection) => connection,
            Err(error) => {
                assert_names_a_packet(&error);
                return Played::failed(error);
            }
        };
        let mut played = Played {
            lines: vec!["connected".to_owned()],
            error: None,
        };
        if let Some(command) = self.command.as_ref().and_then(Fixture::command) {
            let outcome = in_time(IO_TIMEOUT, command.run(&mut connection)).await;
            played = Played {
                lines: outcome.lines,
                error: outcome.error,
            };
        }
        if let Some(error) = &played.error {
            assert_names_a_packet(error);
            assert_closed_if_fatal(&connection, error);
        }
        assert_closed_or_usable(&mut connection).await;
        played
    }
}

/// What became of an exchange.
pub struct Played {
    pub lines: Vec<String>,
    pub error: Option<Error>,
}

impl Played {
    fn failed(error: Error) -> Self {
        Self {
            lines: vec![chain(&error)],
            error: Some(error),
        }
    }
}

/// A clock that stands still while anything can be done.
pub fn paused_clock() -> Runtime {
    let builder = &mut Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime needs no resources of the system")
}

/// Awaits `call`, which must not take longer than `limit` and the time that a server that has
/// closed the connection may take to say why.
pub async fn in_time<F: Future>(limit: Duration, call: F) -> F::Output {
    let start = Instant::now();
    let output = timeout(HANG, call).await.expect("the call hangs");
    let elapsed = start.elapsed();
    assert!(elapsed <= limit + SLACK, "the call took {elapsed:?}");
    output
}

/// A connection that is closed refuses calls; one that is not answers them, or notices only now
/// that the server has sent what nobody asked for, and is closed then.
pub async fn assert_closed_or_usable(connection: &mut Connection) {
    let reason = connection.close_reason();
    let ping = in_time(2 * IO_TIMEOUT, connection.ping()).await;
    match (reason, ping) {
        (Some(reason), Err(Error::Closed { reason: told })) => assert_eq!(told, reason),
        (Some(reason), other) => panic!("closed ({reason}), but a ping says {other:?}"),
        (None, Ok(())) => assert!(connection.is_idle() && connection.close_reason().is_none()),
        (None, Err(error)) => {
            if !matches!(error, Error::Closed { .. }) {
                assert_names_a_packet(&error);
            }
            assert_closed_if_fatal(connection, &error);
            if connection.close_reason().is_some() {
                let again = in_time(IO_TIMEOUT, connection.ping()).await;
                assert!(matches!(again, Err(Error::Closed { .. })), "{again:?}");
            }
        }
    }
}

pub fn assert_closed_if_fatal(connection: &Connection, error: &Error) {
    let fatal = !matches!(
        error,
        Error::Server(_)
            | Error::InitCommand { .. }
            | Error::InvalidRow(_)
            | Error::ParameterCount { .. }
    );
    if fatal {
        let reason = connection.close_reason();
        assert!(reason.is_some(), "open after: {}", chain(error));
        let logged_in = reason != Some(CloseReason::LoginFailed);
        assert!(logged_in, "the login failed behind the login");
    }
}

/// Errors of the server need name nothing; those of a plugin or a capability name that.
pub fn assert_names_a_packet(error: &Error) {
    let excepted = matches!(
        error,
        Error::Server(_)
            | Error::EndedByServer(_)
            // By what came behind the response to the execution before.
            | Error::Closed { .. }
            // Another number of placeholders in a mutated COM_STMT_PREPARE_OK.
            | Error::ParameterCount { .. }
            | Error::MiscountedPlaceholders { .. }
            // A mutated greeting may offer TLS.
            | Error::Tls(_)
            | Error::Auth(
                AuthError::Server { .. }
                    | AuthError::UnknownPlugin { .. }
                    | AuthError::ScrambleTooShort { .. }
                    | AuthError::UnexpectedPluginData { .. }
                    | AuthError::UnsupportedServer { .. }
                    | AuthError::OldPassword
            )
    );
    let text = chain(error);
    let named = PACKETS.iter().any(|packet| text.contains(packet));
    assert!(excepted || named, "no packet is named in: {text}");
}

/// Says which case it was if that one panics.
pub struct Case(pub String);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("case: {}", self.0);
        }
    }
}

pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
pub const IO_TIMEOUT: Duration = Duration::from_secs(1);

/// The last words of a server, and the granularity of the clock.
const SLACK: Duration = Duration::from_millis(210);

/// Longer than any limit: a call that takes so long waits for ever.
const HANG: Duration = Duration::from_secs(3600);

/// What errors call packets and their parts.
const PACKETS: [&str; 23] = [
    "compressed packet",
    "packet header",
    "nitial handshake packet",
    "Authentication exchange",
    "Authentication switch request",
    "response to the login",
    "OK_Packet",
    "ERR_Packet",
    "EOF_Packet",
    "column count packet",
    "column definition packet",
    "extended metadata",
    "result set row",
    "LOCAL_INFILE Packet",
    "progress report",
    "session state",
    ": response",
    ": no response",
    "response that is complete",
    "Authentication more data",
    "COM_STMT_PREPARE_OK",
    "parameter definition packet",
    "execution whose prepare was refused",
];
