//! A fake database whose sessions have a transaction and a variable, and of which the test sees every
//! command.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use otaria::{Config, ConfigBuilder, Connection, Error, PoolBuilder, ServerStatus};
use otaria_codec::OkPacket;
use protocol_tests::pipe::{Action, Cut, Pipe, PipeHandle};
use protocol_tests::script::{Reply, Script};
use tokio::time::sleep;

/// Clones are the same database.
#[derive(Clone, Default)]
pub struct Database {
    state: Arc<Mutex<State>>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
struct State {
    pipes: Vec<PipeHandle>,
    commands: Vec<String>,
    connect_time: Duration,
    cut: Cut,
    refuses: bool,
    refuses_clean_up: bool,
    hangs_on_clean_up: bool,
    hangs_on_ping: bool,
    tells_nothing: bool,
    /// How often a statement is the victim of a deadlock.
    contended: usize,
    /// How often a connection is lost in the middle of a response.
    lost: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pipes: Vec::new(),
            commands: Vec::new(),
            connect_time: Duration::ZERO,
            cut: Cut::Whole,
            refuses: false,
            refuses_clean_up: false,
            hangs_on_clean_up: false,
            hangs_on_ping: false,
            tells_nothing: false,
            contended: 0,
            lost: 0,
        }
    }
}

/// What a session remembers.
#[derive(Default)]
struct Memory {
    is_tracked: bool,
    in_transaction: bool,
    variable: Option<String>,
}

impl Database {
    pub fn new() -> Self {
        Self::default()
    }

    /// A pool of connections to it.
    pub fn pool(&self) -> PoolBuilder {
        self.pool_with(|config| config)
    }

    /// A pool of connections to it that are configured so.
    pub fn pool_with(&self, configure: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> PoolBuilder {
        let database = self.clone();
        let config = Config::builder().database("shop");
        let config = configure(config.server_prepared_statements(false));
        let config = config.build().unwrap();
        otaria::Pool::builder(config).connect_with(move |config| database.clone().connect(config))
    }

    /// Each connection takes this long to be made from now on.
    pub fn set_connect_time(&self, time: Duration) {
        self.state().connect_time = time;
    }

    /// Refuses connections from now on, or takes them again.
    pub fn set_refuses(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    /// Refuses to roll back and to reset.
    pub fn refuse_clean_up(&self) {
        self.state().refuses_clean_up = true;
    }

    /// Does not answer what rolls back or resets from now on.
    pub fn hang_on_clean_up(&self) {
        self.state().hangs_on_clean_up = true;
    }

    /// Tells of no changes of a session.
    pub fn tell_nothing(&self) {
        self.state().tells_nothing = true;
    }

    /// Does not answer to pings from now on.
    pub fn hang_on_ping(&self) {
        self.state().hangs_on_ping = true;
    }

    /// Makes a victim of that many of the statements that say so.
    pub fn contend(&self, times: usize) {
        self.state().contended = times;
    }

    /// How many of them there are to be yet.
    pub fn contended(&self) -> usize {
        self.state().contended
    }

    /// Loses that many of the connections whose statement says so.
    pub fn lose(&self, times: usize) {
        self.state().lost = times;
    }

    /// New connections are cut like this.
    pub fn set_cut(&self, cut: Cut) {
        self.state().cut = cut;
    }

    /// How many connections have been made.
    pub fn connections(&self) -> usize {
        self.state().pipes.len()
    }

    /// How many of them the client has not closed.
    pub fn open_connections(&self) -> usize {
        let state = self.state();
        let open = state.pipes.iter().filter(|pipe| !pipe.client_is_gone());
        open.count()
    }

    /// What was sent since the last call: the number of the connection, and the command.
    pub fn take_commands(&self) -> Vec<String> {
        std::mem::take(&mut self.state().commands)
    }

    /// Lets the server's side of a connection act on its own account.
    pub fn act(&self, connection: usize, action: Action) {
        let pipe = self.state().pipes[connection].clone();
        pipe.act(vec![action]);
    }

    /// The pipe of a connection.
    pub fn pipe(&self, connection: usize) -> PipeHandle {
        self.state().pipes[connection].clone()
    }

    async fn connect(self, config: Config) -> Result<Connection, Error> {
        let connect_time = self.state().connect_time;
        sleep(connect_time).await;
        let (pipe, number) = {
            let mut state = self.state();
            let script = if state.refuses {
                Script::new().greet(Reply::err(1040, *b"08004", "Too many connections"))
            } else {
                self.script(state.pipes.len())
            };
            let pipe = Pipe::new(script, Cut::Whole);
            state.pipes.push(pipe.handle());
            (pipe, state.pipes.len() - 1)
        };
        let connection = Connection::connect_over(pipe, &config).await?;
        let state = self.state();
        state.pipes[number].set_cut(state.cut.clone());
        Ok(connection)
    }

    fn script(&self, number: usize) -> Script {
        let database = self.clone();
        let mut memory = Memory::default();
        Script::new().answer(move |command| Some(database.answer(number, &mut memory, command)))
    }

    fn answer(&self, number: usize, memory: &mut Memory, command: &[u8]) -> Reply {
        let (name, text) = (command[0], String::from_utf8_lossy(&command[1..]));
        let mut state = self.state();
        let shown = match name {
            0x02 => format!("INIT_DB {text}"),
            0x03 => text.to_string(),
            0x0e => "PING".to_owned(),
            0x1f => "RESET".to_owned(),
            _ => panic!("no such command: {name}"),
        };
        state.commands.push(format!("{number}: {shown}"));
        if name == 0x1f || shown.starts_with("ROLLBACK") {
            if state.refuses_clean_up {
                return Reply::err(1105, *b"HY000", "not now");
            }
            if state.hangs_on_clean_up {
                return Reply::new();
            }
        }
        let mut is_changed = false;
        match shown.as_str() {
            "PING" if state.hangs_on_ping => return Reply::new(),
            "SELECT connection" => return Self::rows(memory, &[&number.to_string()]),
            "SELECT variable" => {
                let variable = memory.variable.clone().unwrap_or_default();
                return Self::rows(memory, &[&variable]);
            }
            "SELECT rows or lose" if state.lost > 0 => {
                state.lost -= 1;
                return Reply::new().head(&["v"]).close();
            }
            "SELECT rows or lose" => return Self::rows(memory, &["1"]),
            "SELECT none" => return Self::rows(memory, &[]),
            "SELECT rows" => return Self::rows(memory, &["1", "2", "3"]),
            // The rows begin, and do not end.
            "SELECT endless" => return Reply::new().head(&["v"]),
            "START TRANSACTION" | "BEGIN" => memory.in_transaction = true,
            "ROLLBACK AND NO CHAIN NO RELEASE" | "COMMIT AND NO CHAIN NO RELEASE" => {
                memory.in_transaction = false;
            }
            "SET variable" => {
                memory.variable = Some("set".to_owned());
                is_changed = true;
            }
            "RESET" => *memory = Memory::default(),
            "UPDATE deadlock" => {
                memory.in_transaction = false;
                return Reply::err(1213, *b"40001", "Deadlock found");
            }
            "UPDATE contended" if state.contended > 0 => {
                state.contended -= 1;
                return Reply::err(1213, *b"40001", "Deadlock found");
            }
            "FAIL" => return Reply::err(1064, *b"42000", "no"),
            _ if shown.starts_with("SET session_track_state_change=1") => {
                memory.is_tracked = true;
                is_changed = true;
            }
            _ => {}
        }
        let told: &[u8] = if is_changed && memory.is_tracked && !state.tells_nothing {
            b"\x02\x01\x31"
        } else {
            b""
        };
        let mut status = Self::status(memory);
        status.set(ServerStatus::SESSION_STATE_CHANGED, !told.is_empty());
        Reply::new().packet(&OkPacket {
            status,
            session_state: told,
            ..OkPacket::default()
        })
    }

    fn rows(memory: &Memory, values: &[&str]) -> Reply {
        let rows = values.iter().map(|value| [*value]);
        Reply::new().result_set(&["v"], rows, Self::status(memory))
    }

    fn status(memory: &Memory) -> ServerStatus {
        let mut status = ServerStatus::AUTOCOMMIT;
        status.set(ServerStatus::IN_TRANS, memory.in_transaction);
        status
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds it")
    }
}
