//! A session under any order of calls, with any server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_auth::{InitialHandshake, SCRAMBLE_BYTES};
use otaria_codec::{Capabilities, OkPacket, PacketEncoder, ServerStatus};
use otaria_fuzz::Input;
use otaria_session::{
    Channel, CloseReason, Config, Error, Event, Executable, Row, Session, Statement,
};
use otaria_types::ValueRef;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut shell = Shell::new();
    if input.byte().is_multiple_of(2) {
        shell.log_in();
    }
    while !input.is_empty() {
        shell.step(&mut input);
        shell.check();
    }
});

struct Shell {
    session: Session,
    server: PacketEncoder,
    connected: bool,
    /// Whether a change of the user was queued.
    changing: bool,
    /// What the caller of a prepare keeps.
    held: Vec<Statement>,
    closed: Option<CloseReason>,
}

impl Shell {
    fn new() -> Self {
        let config = Config::builder().user("user").password("secret");
        let config = config.local_infile(true).on_progress(|_| ());
        let config = config.statement_cache_capacity(2);
        let config = config.build().expect("a configuration");
        Self {
            session: Session::new(&config, Channel::Plain, [0; 32]),
            server: PacketEncoder::new(),
            connected: false,
            changing: false,
            held: Vec::new(),
            closed: None,
        }
    }

    fn log_in(&mut self) {
        let capabilities = Capabilities::from_words(0x81ff_fffe, 0x3d) - Capabilities::SSL;
        let greeting = InitialHandshake {
            server_version: b"11.8.2-MariaDB",
            thread_id: 8,
            scramble: [1; SCRAMBLE_BYTES],
            capabilities,
            collation: 45,
            status: ServerStatus::AUTOCOMMIT,
            default_auth_plugin: "mysql_native_password",
        };
        self.server.packet(&greeting, capabilities);
        self.deliver();
        self.poll();
        self.write(usize::MAX);
        self.server.set_sequence_number(2);
        self.server.packet(&OkPacket::default(), capabilities);
        self.deliver();
        self.poll();
        assert!(self.session.is_idle());
        self.server.set_sequence_number(1);
    }

    /// Does what the next byte says.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 26 {
            0 => self.session.read_buffer().extend_from_slice(input.bytes()),
            // The next packet of a response.
            1 => self.receive(input.bytes()),
            // The first packet of a response.
            2 => {
                self.server.set_sequence_number(1);
                self.receive(input.bytes());
            }
            3 => {
                self.poll();
            }
            4 => self.discard(),
            5 => {
                let sql = String::from_utf8_lossy(input.bytes());
                let queued = self.session.simple_query(&sql);
                self.command(queued);
            }
            6 => {
                let queued = self.session.ping();
                self.command(queued);
            }
            7 => {
                let queued = self.session.reset();
                self.command(queued);
            }
            8 => self.write(input.byte().into()),
            9 => self.write(usize::MAX),
            10 => self.session.abandon(),
            11 => self.quit(),
            12 => self.server.set_sequence_number(input.byte()),
            13 => self.end(input.byte()),
            16 => {
                let sql = String::from_utf8_lossy(input.bytes());
                let queued = self.session.load_data_local(&sql);
                self.command(queued);
            }
            17 => self.upload(input.bytes()),
            18 => self.session.end_upload(),
            19 => self.change_user(),
            20 => self.answer(),
            21 => {
                let sql = String::from_utf8_lossy(input.bytes());
                match self.session.prepare(&sql) {
                    Ok(Some(statement)) => self.held.push(statement),
                    queued => self.command(queued.map(drop)),
                }
            }
            22 => {
                let sql = String::from_utf8_lossy(input.bytes());
                self.execute(Executable::Sql(&sql), input.byte());
            }
            23 => {
                if let Some(statement) = self.held.last().cloned() {
                    self.execute(Executable::Statement(&statement), input.byte());
                }
            }
            24 => drop(self.held.pop()),
            25 => self.take_rows(),
            // All that has come.
            _ => while self.poll() {},
        }
    }

    fn receive(&mut self, payload: &[u8]) {
        self.server.payload(|out| out.bytes(payload));
        self.deliver();
    }

    fn deliver(&mut self) {
        let bytes = self.server.take();
        self.session.read_buffer().extend_from_slice(&bytes);
    }

    /// Whether an event came.
    fn poll(&mut self) -> bool {
        match self.session.poll() {
            Ok(None) => return false,
            Ok(Some(Event::Connected)) => {
                assert!(!self.connected || self.changing, "connected twice");
                self.connected = true;
            }
            Ok(Some(Event::LocalInfile)) => assert!(self.session.is_uploading()),
            Ok(Some(Event::Derive(_))) => assert!(self.session.key_derivation().is_some()),
            Ok(Some(Event::Row(row))) => read(&self.session.row(row)),
            Ok(Some(Event::ResultSet)) => assert!(self.session.is_in_rows()),
            Ok(Some(Event::Prepared(statement))) => self.held.push(statement),
            Ok(Some(_)) => assert!(self.connected),
            Err(error) => {
                self.failed(&error);
                return false;
            }
        }
        true
    }

    fn discard(&mut self) {
        match self.session.discard() {
            // It is not done either where a part of a packet has come that nobody has asked for.
            Ok(done) => assert!(!done || !self.session.is_response_due()),
            Err(error) => self.failed(&error),
        }
        // It passes over the end of a login as over any event.
        self.connected |= self.session.server_version().is_some();
    }

    fn command(&mut self, queued: Result<(), Error>) {
        match queued {
            Ok(()) => assert!(self.session.is_response_due()),
            Err(Error::Closed {
                reason: CloseReason::NotLoggedIn,
            }) => assert!(!self.connected && self.session.close_reason().is_none()),
            Err(error) => {
                assert!(matches!(error, Error::Closed { .. }));
                self.failed(&error);
            }
        }
    }

    /// With so many parameters, as numbers.
    fn execute(&mut self, executable: Executable<'_>, parameters: u8) {
        let parameters = vec![7_i64; usize::from(parameters % 4)];
        match self.session.execute(executable, &parameters) {
            Ok(_) => assert!(self.session.is_response_due()),
            Err(Error::ParameterCount { expected, given }) => assert_ne!(expected, given),
            Err(error) => self.command(Err(error)),
        }
    }

    /// What has come whole, by the short ways.
    fn take_rows(&mut self) {
        if self.session.take_known_head() {
            assert!(self.session.is_in_rows());
        }
        while let Some(row) = self.session.take_row() {
            read(&self.session.row(row));
        }
        if self.session.take_end().is_some() {
            assert!(!self.session.is_in_rows());
        }
    }

    /// Content of a file is sent where it was asked for, and nowhere else.
    fn upload(&mut self, data: &[u8]) {
        let before = self.session.unwritten().len();
        let may_send = self.session.is_uploading();
        self.session.upload(data);
        assert!(may_send || self.session.unwritten().len() == before);
    }

    fn change_user(&mut self) {
        let config = Config::builder().build().expect("a configuration");
        let config = config.for_user("other", "secret", None);
        let config = config.expect("a configuration");
        let queued = self.session.change_user(&config, [1; 32]);
        self.changing |= queued.is_ok();
        self.command(queued);
    }

    fn answer(&mut self) {
        if let Some(derivation) = self.session.key_derivation().cloned() {
            // A server may ask for a million rounds.
            if derivation.rounds() <= 2048
                && let Err(error) = self.session.derived(derivation.derive())
            {
                self.failed(&error);
            }
        }
    }

    fn write(&mut self, bytes: usize) {
        let bytes = bytes.min(self.session.unwritten().len());
        self.session.written(bytes);
    }

    fn quit(&mut self) {
        let queued = self.session.quit();
        assert!(!queued || self.session.unwritten() == [1, 0, 0, 0, 1]);
    }

    /// The transport ends, in one of the ways that it may.
    fn end(&mut self, how: u8) {
        let error = match how % 5 {
            0 => self.session.lost(),
            1 => self.session.write_timed_out(),
            2 => self.session.read_timed_out(),
            3 => self.session.drain_timed_out(),
            _ => self
                .session
                .failed("receive", std::io::ErrorKind::Other.into()),
        };
        self.failed(&error);
    }

    fn failed(&mut self, error: &Error) {
        assert!(!error.to_string().is_empty());
        assert!(
            self.session.close_reason().is_some(),
            "{error:?} must close"
        );
    }

    fn check(&mut self) {
        let session = &mut self.session;
        let due = session.is_response_due();
        assert!(due || !session.is_in_rows());
        if let Some(reason) = self.closed {
            assert_eq!(session.close_reason(), Some(reason), "closed is closed");
        }
        self.closed = session.close_reason();
        if self.closed.is_some() {
            assert!(!session.is_idle());
            assert!(matches!(session.poll(), Err(Error::Closed { .. })));
        } else {
            let to_send = !session.unwritten().is_empty();
            assert_eq!(session.is_idle(), self.connected && !to_send && !due);
        }
    }
}

/// Reads the cells forwards and backwards, which must say the same.
fn read(row: &Row<'_>) {
    let cell = |index| {
        row.get::<ValueRef<'_>>(index)
            .map_err(|error| error.to_string())
    };
    let forwards: Vec<_> = (0..row.len()).map(cell).collect();
    let mut backwards: Vec<_> = (0..row.len()).rev().map(cell).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let owned = row.to_owned();
    assert_eq!(owned.as_row().len(), row.len());
}
