use std::time::Duration;

use otaria_codec::{Capabilities, ServerStatus};
use otaria_session::{
    CloseReason, Config, Endpoint, Error, Event, Executed, LocalInfileError, ServerVersion,
    Session, SessionState, TlsInfo,
};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::deadline::Limits;
use crate::rows::Rows;
use crate::transport::Transport;

/// What the server notes about a statement that it has run.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Warning {
    /// `Note`, `Warning` or `Error`.
    pub level: String,
    /// The server's error code, such as 1265.
    pub code: u16,
    /// The server's words. They may quote values of the statement: think before logging them.
    pub message: String,
}

/// A connection to a server, driven by the task that uses it.
///
/// A dropped connection says goodbye (`COM_QUIT`) if that can be done without waiting.
///
/// # Cancel safety
/// Every future of a connection may be dropped at any time, and so may what it has returned, such as
/// [`Rows`]. Nothing is sent or read by that: **the server goes on with the statement, which may come
/// to its end**, and what is left behind waits for the next call, or for [`stop`](Self::stop) or
/// [`drain`](Self::drain). The call deals with it first, and within its own
/// [`call_timeout`](otaria_session::ConfigBuilder::call_timeout):
///
/// - A command of which nothing was sent is taken back. Of one that was sent in part the rest is sent.
/// - A response that is due is read and thrown away as long as the server keeps sending it, for
///   [`drain_timeout`](otaria_session::ConfigBuilder::drain_timeout) at most. If the server says
///   nothing for a tenth of a second, if time is up, or after 16 MiB
///   ([`drain_bytes`](otaria_session::ConfigBuilder::drain_bytes)), its statement is stopped as by
///   [`stop`](Self::stop). What it has done so far is then undone, as far as the engine of its tables
///   can do that; of a procedure, what the statements before have done stays. Calls that end before
///   that count together: however short they are, a server that says nothing is noticed.
/// - If that fails, or ten calls in a row end while it is tried, the connection is closed, and the call
///   is [`Error::Closed`]: nothing of it was sent. The statement that was left behind may run on.
///
/// So it is by default; by [`cancel_policy`](otaria_session::ConfigBuilder::cancel_policy) nothing is
/// stopped, or the connection is closed at once. A connection of a pool is not left to its next user:
/// the pool does this as soon as it comes back.
#[derive(Debug)]
pub struct Connection {
    pub(crate) session: Session,
    /// `None` once the session is closed.
    pub(crate) transport: Option<Transport>,
    pub(crate) config: Config,
    /// Whether bytes were written that the transport may hold back.
    pub(crate) needs_flush: bool,
    /// The endpoint that it was made to.
    pub(crate) endpoint: Endpoint,
    pub(crate) redirect_error: Option<Box<Error>>,
    /// Whether anything of what `limits` may say is said.
    pub(crate) is_limited: bool,
    pub(crate) limits: Limits,
    /// Whether a `KILL QUERY` was sent for it that may come late, and hit the next statement.
    pub(crate) kill_is_in_doubt: bool,
}

impl Connection {
    /// Runs SQL by the [text
    /// protocol](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_query)
    /// and returns its first result.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. The statement may have run, wholly or in part; what is left of it is dealt with by the
    /// next call as [above](Connection#cancel-safety).
    pub fn simple_query(&mut self, sql: &str) -> impl Future<Output = Result<Rows<'_>, Error>> {
        self.begin_call();
        self.run_simple(sql)
    }

    /// Runs SQL by the text protocol, throws rows away, and says what the last of its results
    /// did.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement; the connection stays usable.
    ///
    /// # Cancel safety
    /// Like [`simple_query`](Self::simple_query).
    pub fn simple_execute(&mut self, sql: &str) -> impl Future<Output = Result<Executed, Error>> {
        self.begin_call();
        self.execute_within_call(sql)
    }

    /// Asks the server for a sign of life
    /// ([`COM_PING`](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_ping)).
    ///
    /// # Errors
    /// Those of the transport; the connection is then closed.
    ///
    /// # Cancel safety
    /// Safe. The next call reads the answer.
    pub fn ping(&mut self) -> impl Future<Output = Result<(), Error>> {
        self.begin_call();
        async {
            self.ready_within_call().await?;
            self.session.ping()?;
            self.executed().await.map(|_| ())
        }
    }

    /// Puts the session back to how it was after the login
    /// ([`COM_RESET_CONNECTION`](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_reset_connection)):
    /// the transaction is rolled back, temporary tables, user variables, locks and statements are
    /// gone, session variables have their defaults. The default database stays. The init commands
    /// run again.
    ///
    /// # Errors
    /// [`Error::Server`] if the server does not know the command, [`Error::InitCommand`] if it
    /// refuses an init command.
    ///
    /// # Cancel safety
    /// Safe, but the session may then be reset without its init commands having run, and on MySQL
    /// without its character set: call it again.
    pub fn reset(&mut self) -> impl Future<Output = Result<(), Error>> {
        self.begin_call();
        async {
            self.ready_within_call().await?;
            self.session.reset()?;
            self.executed().await?;
            let version = self.session.server_version();
            let sql =
                version.and_then(|version| self.config.session_settings_after_reset_sql(version));
            self.prepare_session_by(sql).await
        }
    }

    /// Makes `schema` the default database
    /// ([`COM_INIT_DB`](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_init_db)).
    ///
    /// # Errors
    /// [`Error::Server`] if there is no such database, or none that the user may see (1049, 1044).
    ///
    /// # Cancel safety
    /// Safe. The default database may have changed: [`session_state`](Self::session_state) tells
    /// once the next call has read the answer.
    pub fn init_db(&mut self, schema: &str) -> impl Future<Output = Result<(), Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            self.session.init_db(schema)?;
            self.executed().await.map(|_| ())
        }
    }

    /// The warnings, notes and errors of the latest statement (`SHOW WARNINGS`); the server keeps
    /// 64 of them by default. Behind 64 MiB of them the others are left out.
    ///
    /// # Errors
    /// Those of [`simple_query`](Self::simple_query).
    ///
    /// # Cancel safety
    /// Like [`simple_query`](Self::simple_query). The warnings stay on the server.
    pub fn warnings(&mut self) -> impl Future<Output = Result<Vec<Warning>, Error>> {
        self.begin_call();
        async {
            let mut rows = self.run_simple("SHOW WARNINGS").await?;
            let mut warnings = Vec::new();
            let mut left_bytes = MAX_WARNINGS_BYTES;
            while let Some(row) = rows.next().await? {
                let (level, code, message): (&str, u16, &str) = row.read()?;
                let bytes = size_of::<Warning>() + level.len() + message.len();
                let Some(left) = left_bytes.checked_sub(bytes) else {
                    // The rest is for nobody.
                    return Ok(warnings);
                };
                left_bytes = left;
                warnings.push(Warning {
                    level: level.to_owned(),
                    code,
                    message: message.to_owned(),
                });
            }
            rows.finish().await?;
            Ok(warnings)
        }
    }

    /// Says goodbye (`COM_QUIT`) and closes the connection. One with a response under way is
    /// closed without a word: reading the rest could take for ever. A transport that cannot be shut
    /// down within [`io_timeout`](otaria_session::ConfigBuilder::io_timeout), or within a second if
    /// there is none, is dropped as it is.
    ///
    /// # Errors
    /// Those of the transport. The connection is gone in any case.
    ///
    /// # Cancel safety
    /// Safe. The connection is closed.
    pub async fn close(mut self) -> Result<(), Error> {
        self.end_calls();
        let settled = matches!(self.session.discard(), Ok(true));
        if !settled || !self.session.quit() {
            self.transport = None;
            return Ok(());
        }
        self.flush().await?;
        let Some(mut transport) = self.transport.take() else {
            return Ok(());
        };
        let limit = self.config.io_timeout().unwrap_or(SHUTDOWN_TIME);
        // A server that was faster has done its part already, and one that is slower gets none.
        let _ = timeout(limit, transport.shutdown()).await;
        Ok(())
    }

    /// Whether nothing is to be sent and no response is due.
    pub fn is_idle(&self) -> bool {
        self.session.is_idle() && !self.needs_flush
    }

    /// Why the connection is closed, as far as an earlier call has noticed; `None` while it is
    /// open.
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.session.close_reason()
    }

    /// Whether the server has said, in the error of some statement, that it is of no more use, though
    /// the connection is open: it has become read-only (1290, 1836), where the configuration asks
    /// for no [`Role::Reader`](otaria_session::Role::Reader), or it is shutting down or has fallen out
    /// of its cluster. A pool gives such a connection to nobody any more.
    pub const fn is_retired(&self) -> bool {
        self.session.is_retired()
    }

    /// The server's status, as the latest response gave it.
    pub const fn status(&self) -> ServerStatus {
        self.session.state().status()
    }

    /// What the server has told about the session: default database, tracked variables, state of
    /// the transaction.
    pub const fn session_state(&self) -> &SessionState {
        self.session.state()
    }

    /// How the connection is encrypted and how the server has proven who it is, or why it has not;
    /// `None` if it is not encrypted.
    pub const fn tls(&self) -> Option<&TlsInfo> {
        self.session.tls()
    }

    /// The server's version.
    pub fn server_version(&self) -> Option<&ServerVersion> {
        self.session.server_version()
    }

    /// The connection's id on the server, its low 32 bits.
    pub fn thread_id(&self) -> u32 {
        self.session.thread_id()
    }

    /// What both sides can do.
    pub const fn capabilities(&self) -> Capabilities {
        self.session.capabilities()
    }

    /// Where the server listens: one of the endpoints of the configuration, or where that one has
    /// redirected to.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The configuration that the connection was made with, with the credentials of its login, and
    /// after [`change_user`](Self::change_user) with the user and the database of that.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.session.close_reason() {
            Some(reason) => Err(Error::Closed { reason }),
            None => Ok(()),
        }
    }

    /// A response that was cut by the end of the connection must not look like one that was read
    /// to its end, nor its statement like one that was not sent.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        match self.session.close_reason() {
            Some(reason) => Err(Error::OutcomeUnknown { reason }),
            None => Ok(()),
        }
    }

    /// Gives the session what the login cannot carry: the settings of the configuration, then its
    /// init commands.
    pub(crate) async fn prepare_session(&mut self) -> Result<(), Error> {
        let version = self.session.server_version();
        let sql = version.and_then(|version| self.config.session_settings_sql(version));
        self.prepare_session_by(sql).await
    }

    /// Runs `settings`, then the init commands of the configuration.
    async fn prepare_session_by(&mut self, settings: Option<String>) -> Result<(), Error> {
        let config = self.config.clone();
        if let Some(sql) = settings {
            self.execute_within_call(&sql)
                .await
                .map_err(|error| match error {
                    Error::Server(source) => Error::SessionSettings(source),
                    error => error,
                })?;
            self.session.settings_are_set(&config);
        }
        for (index, sql) in config.init_commands().iter().enumerate() {
            self.execute_within_call(sql)
                .await
                .map_err(|error| match error {
                    Error::Server(source) => Error::InitCommand {
                        number: index + 1,
                        source,
                    },
                    error => error,
                })?;
        }
        Ok(())
    }

    /// Like [`simple_query`](Self::simple_query), as a part of a call.
    async fn run_simple(&mut self, sql: &str) -> Result<Rows<'_>, Error> {
        self.ready_within_call().await?;
        self.session.simple_query(sql)?;
        let executed = self.first_result().await?;
        Ok(Rows::new(self, executed))
    }

    /// Like [`simple_execute`](Self::simple_execute), as a part of a call.
    async fn execute_within_call(&mut self, sql: &str) -> Result<Executed, Error> {
        self.ready_within_call().await?;
        self.session.simple_query(sql)?;
        self.executed().await
    }

    /// Reads the response that is due to its end.
    pub(crate) async fn executed(&mut self) -> Result<Executed, Error> {
        self.check_open()?;
        let mut executed = Executed::default();
        while self.session.is_response_due() {
            self.pass_over(&mut executed).await?;
        }
        Ok(executed)
    }

    /// Reads what is left of a response of which a result has come, if anything is, and says what
    /// the last of its results did; the one before was `executed`.
    pub(crate) async fn rest(&mut self, mut executed: Executed) -> Result<Executed, Error> {
        self.check_whole()?;
        while self.session.is_in_response() {
            self.pass_over(&mut executed).await?;
        }
        Ok(executed)
    }

    /// Reads an event of a response that is of no interest but for what its results did.
    async fn pass_over(&mut self, executed: &mut Executed) -> Result<(), Error> {
        match self.event().await? {
            Event::Ok(last) | Event::ResultSetEnd(last) => *executed = last,
            Event::Err(error) | Event::NotPrepared(error) => {
                return Err(self.closed(Error::Server(error)));
            }
            Event::LocalInfileRefused => {
                return Err(Error::LocalInfile(LocalInfileError::NotAttached));
            }
            // A row of no interest, or an event of a login, which is over.
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(transport) = &mut self.transport
            && self.session.quit()
        {
            transport.write_now(self.session.unwritten());
        }
    }
}

/// A server keeps 65,535 warnings at the most (`max_error_count`), and has 512 bytes for the words of
/// each.
const MAX_WARNINGS_BYTES: usize = 64 * 1024 * 1024;
/// How long a transport without a timeout of its own may take to shut down.
const SHUTDOWN_TIME: Duration = Duration::from_secs(1);
