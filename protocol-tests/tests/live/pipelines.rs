//! Several commands written at once, answered in their order: by a shell of a few lines, since the
//! connection's verbs wait for each answer.

use std::io::{Read, Write};
use std::net::TcpStream;

use otaria::{Compression, Config, SslMode};
use otaria_session::{Channel, Event, Session, TlsContext, TlsMaterial};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::live::{self, LiveServer};

/// A session and its socket, which blocks.
struct Shell {
    session: Session,
    stream: TcpStream,
}

impl Shell {
    fn connect(config: &Config, server: &LiveServer) -> Self {
        let stream = TcpStream::connect((server.host(), server.port())).unwrap();
        let session = Session::new(config, Channel::Plain, [7; 32]);
        let mut shell = Self { session, stream };
        loop {
            match shell.event() {
                Event::Connected => return shell,
                Event::StartTls => {
                    shell.flush();
                    let context = TlsContext::new(config, &TlsMaterial::default()).unwrap();
                    shell.session.start_tls(&context, server.host()).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn flush(&mut self) {
        loop {
            let unwritten = self.session.unwritten();
            if unwritten.is_empty() {
                return;
            }
            let written = self.stream.write(unwritten).unwrap();
            self.session.written(written);
        }
    }

    fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.session.poll().unwrap() {
                return event;
            }
            self.flush();
            let mut bytes = [0; 4096];
            let read = self.stream.read(&mut bytes).unwrap();
            assert!(read > 0, "the server has closed the connection");
            self.session.read_buffer().extend_from_slice(&bytes[..read]);
        }
    }

    /// The next result: its first column, or the code of the error in its place.
    fn result(&mut self) -> Result<Vec<String>, u16> {
        let mut rows = Vec::new();
        loop {
            match self.event() {
                Event::Row(row) => rows.push(self.session.row(row).get(0).unwrap()),
                Event::Err(error) => return Err(error.code()),
                Event::Ok(_) | Event::ResultSetEnd(_) => return Ok(rows),
                Event::ResultSet => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn commands_in_one_write_are_answered_in_their_order(mut shell: Shell) {
    for round in 0..100 {
        let long = "x".repeat(round * 100);
        let session = &mut shell.session;
        session
            .simple_query(&format!("SELECT 'first {round}'"))
            .unwrap();
        session.ping().unwrap();
        session.simple_query("SELECT no_such_column").unwrap();
        session
            .simple_query(&format!("SELECT '{long}' AS v"))
            .unwrap();
        session.simple_query("SELECT REPEAT('y', 100000)").unwrap();
        session.reset().unwrap();
        session.simple_query("SELECT 'last'").unwrap();
        assert_eq!(shell.result(), Ok(vec![format!("first {round}")]));
        assert_eq!(shell.result(), Ok(vec![]));
        // An error of one does not stop the next.
        assert_eq!(shell.result(), Err(1054));
        assert_eq!(shell.result(), Ok(vec![long]));
        assert_eq!(shell.result(), Ok(vec!["y".repeat(100_000)]));
        assert_eq!(shell.result(), Ok(vec![]));
        assert_eq!(shell.result(), Ok(vec!["last".to_owned()]));
        assert!(shell.session.is_idle());
    }
}

#[test]
fn pipelined_commands_are_answered_in_their_order() {
    let server = live::shared();
    let config = server.in_clear("").unwrap().build();
    let shell = Shell::connect(&config.unwrap(), server);
    commands_in_one_write_are_answered_in_their_order(shell);
}

#[test]
fn pipelined_commands_over_compression_are_answered_in_their_order() {
    let server = live::shared();
    for threshold in [0, 150, usize::MAX] {
        let compression = Compression::default().with_threshold(threshold);
        let config = server.in_clear("").unwrap();
        let config = config.compression(compression).build().unwrap();
        let shell = Shell::connect(&config, server);
        commands_in_one_write_are_answered_in_their_order(shell);
    }
}

#[test]
fn private_server_pipelined_commands_over_tls_and_compression_are_answered_in_their_order() {
    let identity = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    let server = LiveServer::builder().tls(&identity).start().unwrap();
    let config: Config = server.url("").parse().unwrap();
    for compression in [None, Some(Compression::default())] {
        let config = config.to_builder().ssl_mode(SslMode::Trust);
        let config = config.compression(compression).build().unwrap();
        let shell = Shell::connect(&config, &server);
        assert!(shell.session.tls().is_some());
        commands_in_one_write_are_answered_in_their_order(shell);
    }
}
