//! Whole conversations of a client with a server, by operations taken from bytes: what is called,
//! how far its future is polled before it is dropped, how the rows are read, how the stream is cut,
//! what is wrong with the line. Nothing else decides what happens, so that the same bytes make the
//! same conversation: no socket, no clock, no chance.
//!
//! Each request carries a marker, which the server puts into every row, error and number that
//! answers it. Hence what is checked of every call:
//!
//! - It is told nothing that belongs to another request, whatever is wrong with the line (but where
//!   bytes of compressed packets were changed, whose numbers are not checked).
//! - As long as no byte was changed, it is told what the server has sent, whole and in order, or an
//!   error. What it says was done was done once, and inside its transaction; what may be tried again
//!   was not done at all, or only reads.
//! - As long as the line is whole it does not fail, whatever was dropped before it, and it ends.

mod answers;
mod calls;
mod check;
mod input;
mod line;
mod marker;
mod options;
mod server;

use std::future::Future;
use std::thread::panicking;
use std::time::Duration;

use otaria::{Connection, DrainLimit, Error, Statement, Transaction};
use tokio::time::timeout;

use crate::pipe::{Cut, Pipe, PipeHandle};
use crate::polls::poll_times;
use crate::script::{Heard, Layers};
use calls::On;
use check::Check;
use input::Input;
use line::{End, Fault, Faulty};
use marker::{Kind, Marker};
use options::Options;
use server::Shared;

/// Has the conversation that `data` describes.
///
/// # Panics
/// If a call of it gets anything that it should not.
pub fn converse(data: &[u8]) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    let mut input = Input::new(data);
    let options = Options::new(input.byte());
    let client = Client {
        input,
        options,
        shared: Shared::default(),
        next: 1,
        held: Vec::new(),
        may_be_aborted: false,
        may_be_unprepared: false,
        undone: Vec::new(),
    };
    runtime.expect("a runtime").block_on(client.run());
}

struct Client<'i> {
    input: Input<'i>,
    options: Options,
    shared: Shared,
    /// The number of the next request.
    next: u32,
    held: Vec<Statement>,
    /// Whether a statement of the transaction may have ended it.
    may_be_aborted: bool,
    /// Whether the server was told to refuse a prepare.
    may_be_unprepared: bool,
    /// The transactions that were rolled back.
    undone: Vec<u32>,
}

/// The ends of a conversation that are no connection.
struct Ends {
    pipe: PipeHandle,
    heard: Heard,
}

impl Client<'_> {
    async fn run(mut self) {
        for _ in 0..self.input.byte() % 4 {
            self.plan_fault();
        }
        let (pipe, heard) = self.serve();
        let ends = Ends {
            pipe: pipe.handle(),
            heard,
        };
        let config = self.options.config();
        let connect = Connection::connect_over(pipe, &config);
        let connected = timeout(LIMIT, connect).await;
        let Ok(Ok(mut connection)) = connected else {
            let server = self.shared.server();
            let may_fail = server.line.is_broken || server.line.is_spoiled;
            assert!(may_fail, "{connected:?}");
            return;
        };
        for _ in 0..OPERATIONS {
            if self.input.is_empty() || connection.close_reason().is_some() {
                break;
            }
            self.step(&mut connection, &ends).await;
            self.check_files(&ends);
        }
        self.end(connection, &ends).await;
    }

    fn serve(&self) -> (Pipe, Heard) {
        let shared = self.shared.clone();
        let script = self.shared.script();
        // What fails is told once: a panic within another one ends the process.
        let script = script.forgive(move || panicking() || shared.server().line.is_spoiled);
        let heard = script.heard();
        self.shared.server().line.is_compressed = self.options.compresses();
        let layers = if self.options.compresses() {
            Layers::Compression
        } else {
            Layers::None
        };
        let faulty = Faulty {
            peer: layers.peer(script),
            shared: self.shared.clone(),
        };
        let cut = if self.options.is_flushed() {
            Cut::UntilFlush
        } else {
            Cut::Whole
        };
        (Pipe::new(faulty, cut), heard)
    }

    /// Does what the next byte says.
    async fn step(&mut self, connection: &mut Connection, ends: &Ends) {
        match self.input.byte() % 24 {
            0..=7 => self.call(&mut On::Connection(connection), None).await,
            8 | 9 => self.transaction(connection).await,
            10 | 11 => self.cut(ends),
            12 => self.plan_fault(),
            13 => {
                self.shared.server().line.hold();
            }
            14 => self.release(connection, ends),
            15 => {
                let mut server = self.shared.server();
                server.is_altered = !server.is_altered;
            }
            16 => {
                self.shared.server().refuses_prepares = self.input.byte() % 3;
                self.may_be_unprepared = true;
            }
            17 => drop(self.held.pop()),
            18 => {
                let reset = connection.reset();
                self.command(reset).await;
            }
            19 => {
                let change = connection.change_user("v", "p", Some("d"));
                self.command(change).await;
            }
            20 => {
                let init_db = connection.init_db("d");
                self.command(init_db).await;
            }
            21 => {
                let time = Duration::from_secs(1);
                let limit = DrainLimit { time, bytes: None };
                let drain = async { connection.drain(limit).await.map(drop) };
                self.command(drain).await;
            }
            22 => self.long_data(connection).await,
            _ => {
                let ping = connection.ping();
                self.command(ping).await;
            }
        }
    }

    /// The next bytes say what is wrong with one of the next packets.
    fn plan_fault(&mut self) {
        let packets = self.input.byte() % 32;
        let kind = self.input.byte();
        let at = usize::from(self.input.byte());
        let fault = match kind % 8 {
            0 => Fault::Cut(at, None),
            1 => Fault::Cut(at, Some(End::Close)),
            2 => Fault::Cut(at, Some(End::Reset)),
            3 => Fault::Header(at, self.input.byte()),
            4 => Fault::Goodbye(GOODBYES[at % GOODBYES.len()], self.input.byte() % 4),
            _ => {
                let other = (self.input.byte(), self.input.byte());
                Fault::Spoil([(at as u8, self.input.byte()), other])
            }
        };
        self.shared.server().line.plan(packets, fault);
    }

    /// How the stream is cut from here on.
    fn cut(&mut self, ends: &Ends) {
        if self.options.is_flushed() {
            return;
        }
        let byte = self.input.byte();
        ends.pipe.set_cut(match byte % 4 {
            0 => Cut::Whole,
            1 => Cut::Every(1 + usize::from(byte / 4)),
            2 => Cut::Once(usize::from(byte / 4)),
            _ => Cut::Random(fastrand::Rng::with_seed(byte.into())),
        });
    }

    /// The server is silent no more. A client that has not given it up has a whole line again.
    fn release(&self, connection: &Connection, ends: &Ends) {
        let mut server = self.shared.server();
        let held = server.line.release();
        if connection.close_reason().is_none() {
            server.line.mend();
        }
        drop(server);
        ends.pipe.act(held);
    }

    /// A command without a result.
    async fn command(&mut self, call: impl Future<Output = Result<(), Error>>) {
        let check = self.check(nobody());
        let done = self.limited(call).await;
        if let Some(Err(error)) = done {
            check.error(&error);
        }
    }

    /// A transaction with calls in it.
    async fn transaction(&mut self, connection: &mut Connection) {
        let check = self.check(nobody());
        self.may_be_aborted = false;
        let begin = connection.transaction();
        match self.limited(begin).await {
            Some(Ok(transaction)) => self.within(transaction, None, 0).await,
            Some(Err(error)) => check.error(&error),
            None => {}
        }
        self.may_be_aborted = false;
    }

    /// Calls in a transaction, whose number at the server is known once one of them is done.
    async fn within(
        &mut self,
        mut transaction: Transaction<'_>,
        mut number: Option<u32>,
        level: u32,
    ) {
        let calls = self.input.byte();
        for _ in 0..calls % 4 {
            number = number.or_else(|| self.shared.server().transaction);
            let mut on = On::Transaction(&mut transaction);
            self.call(&mut on, Some(number)).await;
            number = number.or_else(|| self.shared.server().transaction);
            if self.input.byte().is_multiple_of(8) && level < 2 {
                let check = self.check(nobody());
                match self.limited(transaction.transaction()).await {
                    Some(Ok(part)) => Box::pin(self.within(part, number, level + 1)).await,
                    Some(Err(error)) => check.error(&error),
                    None => {}
                }
            }
        }
        let check = self.check(nobody());
        let is_whole = level == 0;
        let ended = match calls / 4 % 4 {
            0 | 1 => {
                let ended = self.limited(transaction.commit()).await;
                if is_whole && matches!(ended, Some(Ok(()))) {
                    self.committed(number);
                }
                ended
            }
            2 => {
                self.undone.extend(number.filter(|_| is_whole));
                self.limited(transaction.rollback()).await
            }
            _ => {
                self.undone.extend(number.filter(|_| is_whole));
                drop(transaction);
                None
            }
        };
        if let Some(Err(error)) = ended {
            check.error(&error);
        }
    }

    fn committed(&self, number: Option<u32>) {
        let server = self.shared.server();
        if !server.line.is_spoiled {
            assert_eq!(server.transaction, None, "it is committed");
            let is_committed = number.is_none_or(|number| server.committed.contains(&number));
            assert!(is_committed, "transaction {number:?}");
        }
    }

    fn marker(&mut self, fits: impl FnOnce(Kind) -> Kind) -> Marker {
        let marker = Marker::new(self.next, self.input.byte(), self.input.byte());
        self.next += 1;
        let kind = fits(marker.kind);
        self.may_be_aborted |= matches!(kind, Kind::Deadlock);
        Marker { kind, ..marker }
    }

    fn check(&self, marker: Marker) -> Check {
        Check {
            shared: self.shared.clone(),
            marker,
            style: 0,
            may_be_closed: self.options.is_impatient(),
            may_be_aborted: self.may_be_aborted,
            may_be_unprepared: self.may_be_unprepared,
            wants_one: false,
        }
    }

    /// Polls a call as often as the next byte says, or to its end. `None` if it was dropped before.
    async fn limited<T>(&mut self, call: impl Future<Output = T>) -> Option<T> {
        let polls = self.input.byte();
        let polls = if polls < 0x60 {
            usize::from(polls)
        } else {
            usize::MAX
        };
        let Ok(done) = timeout(LIMIT, poll_times(call, polls)).await else {
            let server = self.shared.server();
            let may_hang = server.line.is_broken || server.line.is_spoiled;
            assert!(may_hang, "a call that does not end");
            return None;
        };
        done
    }

    /// Each file that the server has got is that of its own request, from the beginning.
    fn check_files(&self, ends: &Ends) {
        for content in ends.heard.take() {
            let mut server = self.shared.server();
            let marker = server.files.pop_front();
            if !server.line.is_spoiled {
                let whole = calls::file(marker.expect("a file that was asked for"));
                assert!(whole.starts_with(&content), "another's file");
            }
        }
    }

    /// A connection that is open on a whole line can be used, and has left nothing behind.
    async fn end(mut self, mut connection: Connection, ends: &Ends) {
        if !self.options.is_flushed() {
            ends.pipe.set_cut(Cut::Whole);
        }
        self.release(&connection, ends);
        self.shared.server().refuses_prepares = 0;
        self.input = Input::new(&[0xff; 64]);
        for _ in 0..2 {
            let mut on = On::Connection(&mut connection);
            self.query(&mut on, None).await;
        }
        let ping = connection.ping();
        self.command(ping).await;
        self.check_files(ends);
        self.check_end(connection.close_reason().is_none());
        let closed = timeout(LIMIT, connection.close()).await;
        assert!(closed.is_ok(), "it does not close");
    }

    /// What was rolled back is not committed, and no statement is open that nobody keeps.
    fn check_end(&self, is_open: bool) {
        let server = self.shared.server();
        if server.line.is_spoiled {
            return;
        }
        for number in &self.undone {
            assert!(!server.committed.contains(number), "{number} was undone");
        }
        let open = server.open_statements();
        let kept = self.options.cached_statements() + self.held.len();
        let is_whole = is_open && !server.line.is_broken;
        assert!(open <= kept || !is_whole, "{open} statements, {kept} kept");
    }
}

/// What nobody asks for.
fn nobody() -> Marker {
    Marker::new(9_999, 4, 0)
}

/// By which a server, or a proxy, ends a session.
const GOODBYES: [u16; 6] = [1053, 1927, 1317, 4031, 1159, 9001];

/// Longer than any time that a client waits.
const LIMIT: Duration = Duration::from_secs(3_600);

/// A conversation is no longer than this, however long its input.
const OPERATIONS: usize = 64;
