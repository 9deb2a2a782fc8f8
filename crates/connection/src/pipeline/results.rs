use std::collections::VecDeque;
use std::fmt;

use otaria_session::{
    CloseReason, Error, Event, Executed, LocalInfileError, Pipelined, Queued, ServerError,
    Statement, TimeoutPhase, TransactionWatch,
};

use super::{Pipeline, Queue, Way};
use crate::Connection;
use crate::rows::Rows;
use crate::statements::CANNOT_BE_PREPARED;

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
    /// Whether responses are due of statements that may have run outside of the transaction.
    has_strays: bool,
    /// The first statement that has never been sent, if others are to be sent again.
    sent_before: usize,
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
    /// Queues the first statements, if they can be sent.
    pub(super) fn of(
        connection: &'c mut Connection,
        pipeline: &'c Pipeline<'p>,
    ) -> Result<Self, Error> {
        let mut results = Self {
            connection,
            pipeline,
            queued: 0,
            due: VecDeque::new(),
            timed_out: None,
            has_strays: false,
            sent_before: 0,
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
    /// In a [transaction](crate::Transaction::query_pipeline) that ends before its end, as by a deadlock
    /// (1213), those that follow are [`Error::TransactionAborted`], also where they have been read
    /// outside of it already.
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

    /// The same, whose rows are thrown away.
    pub(super) async fn next_executed(&mut self) -> Option<Result<Executed, Error>> {
        let executed = match self.next_head().await? {
            Ok(executed) => self.connection.rest(executed).await,
            error => error,
        };
        if let Err(error) = &executed {
            self.note_timeout(error);
        }
        Some(executed)
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
            // An error that has closed the connection is that of what follows, and so is one by which
            // the time is over.
            if let Err(error) = self.settle_transaction().await {
                self.note_timeout(&error);
                continue;
            }
            self.fill();
            match self.due.front() {
                Some(Due::Refused { .. }) => return self.refused(),
                Some(_) => {}
                None if self.remaining() == 0 => return None,
                None => {
                    if let Err(error) = self.catch_up().await {
                        self.note_timeout(&error);
                    }
                    continue;
                }
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

    /// Nothing can be queued yet: a response is due that is none of the pipeline's, or something is still
    /// to be sent that has been answered already.
    async fn catch_up(&mut self) -> Result<(), Error> {
        if self.connection.session.is_response_due() {
            self.connection.event().await.map(drop)
        } else {
            self.connection.flush().await
        }
    }

    /// Throws away what statements have returned that were sent behind one that has, or may have, ended
    /// the transaction: it may come from outside of it. They only read, and are sent again if the
    /// transaction turns out to be open.
    async fn settle_transaction(&mut self) -> Result<(), Error> {
        let is_open = matches!(
            self.connection.session.transaction(),
            TransactionWatch::Outside | TransactionWatch::Open
        );
        if !is_open && let Some(first) = self.due.front().filter(|due| due.commands() > 0) {
            self.queued = first.statement();
            let sent = |due: &Due| match due {
                Due::Sent { statement, .. } => Some(statement + 1),
                Due::Preparing { .. } | Due::Refused { .. } => None,
            };
            let sent_before = self.due.iter().filter_map(sent).max();
            self.sent_before = self.sent_before.max(sent_before.unwrap_or_default());
            self.due.clear();
            self.has_strays = true;
        }
        if self.has_strays {
            while self.connection.session.is_response_due() {
                self.connection.event().await?;
            }
            self.has_strays = false;
        }
        self.connection.resolve_doubt().await
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
            let statement = self.queued;
            self.pipeline.statements.get(statement)?;
            self.queued += 1;
            return Some(Err(lost(statement < self.sent_before, reason)));
        };
        let behind: usize = self.due.iter().map(Due::commands).sum();
        let was_sent = due.statement() < self.sent_before;
        Some(Err(match due {
            Due::Refused { error, .. } => error,
            // The prepare alone does nothing.
            Due::Preparing { .. } => lost(was_sent, reason),
            Due::Sent { .. } => lost(was_sent || unsent <= behind, reason),
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

/// The error of a statement that may have been sent before the connection was lost.
const fn lost(may_be_sent: bool, reason: CloseReason) -> Error {
    if may_be_sent {
        Error::OutcomeUnknown { reason }
    } else {
        Error::Closed { reason }
    }
}

/// More responses than a server that is near can send while the next statements are written.
const MAX_RESPONSES_DUE: usize = 256;
/// No statement is queued behind so many bytes.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
