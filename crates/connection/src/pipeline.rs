use std::collections::VecDeque;
use std::fmt;

use otaria_session::{
    CloseReason, Error, Event, Executable, Executed, LocalInfileError, Pipelined, Queued,
    ServerError, Session, Statement, TimeoutPhase, ToExecutable, place,
};
use otaria_types::Params;

use crate::Connection;
use crate::rows::Rows;
use crate::statements::CANNOT_BE_PREPARED;

/// Statements that are sent without waiting for each other's results: for
/// [`Connection::query_pipeline`] and [`Connection::execute_pipeline`]. It may be run many times.
///
/// **Each statement is a command of its own.** One that fails does not stop those behind it, and
/// nothing is rolled back: what is to happen as a whole or not at all belongs in a transaction,
/// which is committed when the results have been looked at. A COMMIT in the pipeline itself commits
/// whatever of the statements in front of it has worked. **An error that ends the transaction, such as
/// a deadlock (1213), lets what follows in the pipeline run outside of it**, and with `autocommit` on
/// each of those statements is committed by itself: where that matters, run the statements one by one,
/// or turn `autocommit` off.
///
/// ```no_run
/// # use otaria_connection::{Connection, Error, Pipeline};
/// # async fn run(connection: &mut Connection) -> Result<(), Error> {
/// let mut pipeline = Pipeline::new();
/// pipeline.push("INSERT INTO item (id, name) VALUES (?, ?)", (1, "chair"));
/// pipeline.push("INSERT INTO item (id, name) VALUES (?, ?)", (2, "table"));
/// pipeline.push("SELECT COUNT(*) FROM item", ());
/// let mut results = connection.query_pipeline(&pipeline).await?;
/// while let Some(result) = results.next().await {
///     match result {
///         Ok(mut rows) => while let Some(row) = rows.next().await? {
///             println!("{} items", row.get::<u64>(0)?);
///         },
///         // Of this one alone: the next result follows.
///         Err(Error::Server(error)) => eprintln!("{error}"),
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Pipeline<'a> {
    statements: Vec<Box<dyn Queue + 'a>>,
}

impl<'a> Pipeline<'a> {
    /// No statements.
    pub const fn new() -> Self {
        Self {
            statements: Vec::new(),
        }
    }

    /// Appends a statement with its parameters, as [`Connection::query`] takes them.
    pub fn push(
        &mut self,
        statement: &'a (impl ToExecutable + ?Sized),
        params: impl Params + Send + Sync + 'a,
    ) -> &mut Self {
        let executable = statement.to_executable();
        self.statements.push(Box::new(Call { executable, params }));
        self
    }

    /// How many statements there are.
    pub const fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

/// Shows how many statements there are, and no SQL and no value.
impl fmt::Debug for Pipeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipeline({} statements)", self.len())
    }
}

/// A statement with parameters of any type.
trait Queue: Send + Sync {
    /// Queues the statement behind those whose responses are due.
    fn queue(&self, session: &mut Session, way: Way<'_>) -> Result<Pipelined, Error>;

    /// Whether it is SQL, which may go by the text protocol.
    fn is_sql(&self) -> bool;
}

/// How a statement goes to the server.
#[derive(Clone, Copy)]
enum Way<'s> {
    Binary,
    /// Prepared as this.
    By(&'s Statement),
    /// SQL by the text protocol.
    Text,
}

struct Call<'a, P> {
    executable: Executable<'a>,
    params: P,
}

impl<P: Params + Send + Sync> Queue for Call<'_, P> {
    fn queue(&self, session: &mut Session, way: Way<'_>) -> Result<Pipelined, Error> {
        let sql = match self.executable {
            Executable::Sql(sql) => sql,
            Executable::Statement(statement) => {
                let statement = match way {
                    Way::By(again) => again,
                    Way::Binary | Way::Text => statement,
                };
                return session.execute_behind(Executable::Statement(statement), &self.params);
            }
        };
        if !session.is_kept() {
            return Ok(Pipelined::Wait);
        }
        let placed = place(sql, &self.params)?;
        let params = placed.params(&self.params);
        match way {
            Way::Binary => session.execute_behind(Executable::Sql(placed.sql()), &params),
            Way::By(statement) => session.execute_behind(Executable::Statement(statement), &params),
            Way::Text => session.query_behind(placed.sql(), &params),
        }
    }

    fn is_sql(&self) -> bool {
        matches!(self.executable, Executable::Sql(_))
    }
}

impl Connection {
    /// Sends the statements of a pipeline, and returns what reads their results in their order.
    ///
    /// Those that fit go in one write. As results are read further ones are sent, so that no more
    /// than 256 responses are due and no more than about 1 MiB is queued at a time, however many
    /// there are: neither side waits for the other to read.
    ///
    /// A statement waits for the results of those in front of it where what it means depends on
    /// them: behind all but SELECT, INSERT, UPDATE, DELETE, REPLACE and the statements of
    /// transactions, so behind USE, SET, CALL and DDL. So does the first use of a statement that
    /// has to be prepared, where it is not certain that it can be executed at once. A parameter that
    /// is a point in time is written in the zone that the session is known to have when the
    /// statement is sent: a function or trigger that sets `time_zone` is not seen by statements that
    /// are on their way behind it.
    ///
    /// # Errors
    /// Nothing was sent: [`Error::Pipeline`] if the parameters of a statement do not fit, where
    /// that is found out in time, else [`Error::Closed`]. The errors of the statements are those of
    /// their results.
    ///
    /// # Cancel safety
    /// Safe. Nothing has been sent before the results are asked for.
    pub async fn query_pipeline<'c, 'p>(
        &'c mut self,
        pipeline: &'c Pipeline<'p>,
    ) -> Result<PipelineResults<'c, 'p>, Error> {
        self.ready().await?;
        let mut results = PipelineResults {
            connection: self,
            pipeline,
            queued: 0,
            due: VecDeque::new(),
            timed_out: None,
        };
        results.fill();
        match results.take_refused() {
            None => Ok(results),
            Some(error) => {
                results.connection.session.abandon();
                Err(error)
            }
        }
    }

    /// Runs the statements of a pipeline, throws rows away, and says what each has done: there are
    /// as many items as statements, in their order. See [`query_pipeline`](Self::query_pipeline).
    ///
    /// ```no_run
    /// # use otaria_connection::{Connection, Error, Pipeline};
    /// # async fn run(connection: &mut Connection) -> Result<(), Error> {
    /// let mut pipeline = Pipeline::new();
    /// for id in 1..=1000 {
    ///     pipeline.push("UPDATE item SET price = price + 1 WHERE id = ?", (id,));
    /// }
    /// for result in connection.execute_pipeline(&pipeline).await? {
    ///     assert_eq!(result?.affected_rows, 1);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`query_pipeline`](Self::query_pipeline): nothing was sent. The items have the
    /// errors of [`PipelineResults::next`].
    ///
    /// # Cancel safety
    /// Safe for the connection. Statements that were sent may have run, each on its own; those that
    /// were not are taken back. What is left is dealt with as [above](Connection#cancel-safety).
    pub async fn execute_pipeline(
        &mut self,
        pipeline: &Pipeline<'_>,
    ) -> Result<Vec<Result<Executed, Error>>, Error> {
        let mut all = Vec::with_capacity(pipeline.len());
        let mut results = self.query_pipeline(pipeline).await?;
        while let Some(head) = results.next_head().await {
            let executed = match head {
                Ok(executed) => results.connection.rest(executed).await,
                error => error,
            };
            if let Err(error) = &executed {
                results.note_timeout(error);
            }
            all.push(executed);
        }
        Ok(all)
    }
}

/// The results of a pipeline, one statement after the other.
///
/// Dropping it gives up the rest: statements that have not been sent are not run, and those that have
/// been are left to the connection's [next call](Connection#cancel-safety), which may stop one after
/// the other.
pub struct PipelineResults<'c, 'p> {
    connection: &'c mut Connection,
    pipeline: &'c Pipeline<'p>,
    /// How many statements have been queued, or cannot be.
    queued: usize,
    /// Those of them whose results have not been taken, in their order.
    due: VecDeque<Due>,
    /// What was waited for when the time of the call was over, if it is, and the connection is open.
    timed_out: Option<TimeoutPhase>,
}

/// A statement whose result is due.
enum Due {
    /// It was queued as so many commands, the last of which executes it.
    Sent { statement: usize, commands: usize },
    /// Its prepare was queued.
    Preparing { statement: usize },
    /// It cannot be sent.
    Refused { statement: usize, error: Error },
}

impl<'c, 'p> PipelineResults<'c, 'p> {
    /// Waits for the next statement's first result; `None` after the last statement. What has not
    /// been read of the statement before is thrown away.
    ///
    /// # Errors
    /// Each is of one statement, and does not stop the others.
    /// - [`Error::Server`] if the server refuses it. One that the server cannot prepare (error
    ///   1295) goes by the text protocol, as in [`Connection::query`], unless others have been sent
    ///   behind it.
    /// - [`Error::ParameterCount`], [`Error::Params`], [`Error::Place`] and
    ///   [`Error::ForeignStatement`]: it was not sent.
    ///
    /// Where the connection is lost, the result that was waited for says so by an error of its own,
    /// and each that follows is [`Error::OutcomeUnknown`] if the statement was sent, or
    /// [`Error::Closed`] if it certainly has not run. Where the time of the call is over and what was
    /// sent could be stopped, all that follow are [`Error::Timeout`]: they may have run, or not.
    ///
    /// # Cancel safety
    /// Safe. No result is passed over: the next call waits for the same one.
    pub async fn next(&mut self) -> Option<Result<Rows<'_>, Error>> {
        let head = self.next_head().await?;
        Some(head.map(|executed| Rows::new(self.connection, executed)))
    }

    /// How many statements there are whose results have not been taken.
    pub fn remaining(&self) -> usize {
        self.pipeline.len() - self.queued + self.due.len()
    }

    async fn next_head(&mut self) -> Option<Result<Executed, Error>> {
        let head = self.head_in_time().await;
        if let Some(Err(error)) = &head {
            self.note_timeout(error);
        }
        head
    }

    async fn head_in_time(&mut self) -> Option<Result<Executed, Error>> {
        while self.connection.session.is_in_response() {
            // An error that has closed the connection is that of what follows, and so is one by which
            // the time is over.
            match self.connection.event().await {
                Err(error @ Error::Timeout { .. }) => {
                    self.note_timeout(&error);
                    break;
                }
                Err(_) => break,
                Ok(_) => {}
            }
        }
        loop {
            if let Some(phase) = self.timed_out {
                return self.next_timed_out(phase);
            }
            if let Some(reason) = self.connection.session.close_reason() {
                return self.next_lost(reason);
            }
            // An error that has closed the connection is that of what follows.
            if self.connection.resolve_doubt().await.is_err() {
                continue;
            }
            self.fill();
            if let Due::Refused { .. } = self.due.front()? {
                return self.refused();
            }
            if self.connection.session.take_known_head() {
                self.due.pop_front();
                return Some(Ok(Executed::default()));
            }
            match self.connection.event().await {
                Ok(event) => {
                    if let Some(head) = self.head(event) {
                        self.due.pop_front();
                        return Some(head);
                    }
                }
                Err(error) => {
                    self.due.pop_front();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Queues further statements once most of those before have been answered. All of these have
    /// been sent then, so that the queue begins anew.
    fn fill(&mut self) {
        let sends_text = !self.connection.config.server_prepared_statements();
        let session = &mut self.connection.session;
        if !session.is_written() || session.all_responses_due() > MAX_RESPONSES_DUE / 2 {
            return;
        }
        let way = if sends_text { Way::Text } else { Way::Binary };
        while let Some(call) = self.pipeline.statements.get(self.queued) {
            let before = session.all_responses_due();
            if before >= MAX_RESPONSES_DUE
                || self.due.len() >= MAX_RESPONSES_DUE
                || session.queued_bytes() >= MAX_QUEUED_BYTES
            {
                return;
            }
            let statement = self.queued;
            self.due.push_back(match call.queue(session, way) {
                Ok(Pipelined::Wait) => return,
                Ok(Pipelined::Queued(Queued::Prepare)) => Due::Preparing { statement },
                Ok(Pipelined::Queued(Queued::Execute)) => Due::Sent {
                    statement,
                    commands: session.all_responses_due() - before,
                },
                Err(error) => Due::Refused { statement, error },
            });
            self.queued += 1;
        }
    }

    /// The error of the pipeline, none of which has been sent, if there is one.
    fn take_refused(&mut self) -> Option<Error> {
        let is_refused = |due: &Due| matches!(due, Due::Refused { .. });
        let at = self.due.iter().position(is_refused)?;
        match self.due.remove(at)? {
            Due::Refused { statement, error } => Some(Error::Pipeline {
                number: statement + 1,
                source: Box::new(error),
            }),
            Due::Sent { .. } | Due::Preparing { .. } => None,
        }
    }

    /// The result that `event` brings of the first statement that is due.
    fn head(&mut self, event: Event) -> Option<Result<Executed, Error>> {
        match event {
            Event::Ok(executed) => Some(Ok(executed)),
            Event::ResultSet => Some(Ok(Executed::default())),
            Event::Err(error) => Some(Err(Error::Server(error))),
            Event::NotPrepared(error) => self.not_prepared(error).map(Err),
            Event::Prepared(statement) => self.prepared(&statement).map(Err),
            Event::LocalInfileRefused => {
                Some(Err(Error::LocalInfile(LocalInfileError::NotAttached)))
            }
            // A row of no interest, or an event of a login, which is over.
            _ => None,
        }
    }

    /// Executes the first statement that is due, if that has not been done. Nothing else is due.
    fn prepared(&mut self, statement: &Statement) -> Option<Error> {
        match self.due.front()? {
            Due::Preparing { .. } => self.queue_front(Way::By(statement)),
            Due::Sent { .. } | Due::Refused { .. } => None,
        }
    }

    /// The first statement that is due could not be prepared. It is sent as text if that is why,
    /// and it would still run before the others.
    fn not_prepared(&mut self, error: ServerError) -> Option<Error> {
        let is_alone = self.connection.session.is_idle();
        let is_sql = self.front().is_some_and(Queue::is_sql);
        if error.code() == CANNOT_BE_PREPARED && is_alone && is_sql {
            return self.queue_front(Way::Text);
        }
        Some(Error::Server(error))
    }

    /// Queues the first statement that is due once more.
    fn queue_front(&mut self, way: Way<'_>) -> Option<Error> {
        let call = self.front()?;
        match call.queue(&mut self.connection.session, way) {
            Ok(_) => {
                if let Some(due) = self.due.front_mut() {
                    *due = Due::Sent {
                        statement: due.statement(),
                        commands: 1,
                    };
                }
                None
            }
            Err(error) => Some(error),
        }
    }

    fn front(&self) -> Option<&'c (dyn Queue + 'p)> {
        let statement = self.due.front()?.statement();
        let call = self.pipeline.statements.get(statement)?;
        Some(&**call)
    }

    fn refused(&mut self) -> Option<Result<Executed, Error>> {
        match self.due.pop_front()? {
            Due::Refused { error, .. } => Some(Err(error)),
            Due::Sent { .. } | Due::Preparing { .. } => None,
        }
    }

    /// The time of the call is over, and what was sent has been ended.
    const fn note_timeout(&mut self, error: &Error) {
        if let Error::Timeout {
            phase,
            statement_stopped: true,
        } = error
        {
            self.timed_out = Some(*phase);
        }
    }

    /// The error of the next statement, now that there is no time left.
    fn next_timed_out(&mut self, phase: TimeoutPhase) -> Option<Result<Executed, Error>> {
        if self.due.pop_front().is_none() {
            self.pipeline.statements.get(self.queued)?;
            self.queued += 1;
        }
        Some(Err(Error::Timeout {
            phase,
            statement_stopped: true,
        }))
    }

    /// The error of the next statement, now that the connection is closed.
    fn next_lost(&mut self, reason: CloseReason) -> Option<Result<Executed, Error>> {
        let unsent = self.connection.session.unsent_commands();
        let Some(due) = self.due.pop_front() else {
            self.pipeline.statements.get(self.queued)?;
            self.queued += 1;
            return Some(Err(Error::Closed { reason }));
        };
        let behind: usize = self.due.iter().map(Due::commands).sum();
        Some(Err(match due {
            Due::Refused { error, .. } => error,
            // The prepare alone does nothing.
            Due::Preparing { .. } => Error::Closed { reason },
            Due::Sent { .. } if unsent > behind => Error::Closed { reason },
            Due::Sent { .. } => Error::OutcomeUnknown { reason },
        }))
    }
}

impl Due {
    const fn statement(&self) -> usize {
        match self {
            Self::Sent { statement, .. }
            | Self::Preparing { statement }
            | Self::Refused { statement, .. } => *statement,
        }
    }

    const fn commands(&self) -> usize {
        match self {
            Self::Sent { commands, .. } => *commands,
            Self::Preparing { .. } => 1,
            Self::Refused { .. } => 0,
        }
    }
}

impl fmt::Debug for PipelineResults<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PipelineResults({} remaining)", self.remaining())
    }
}

/// More responses than a server that is near can send while the next statements are written.
const MAX_RESPONSES_DUE: usize = 256;
/// No statement is queued behind so many bytes.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
