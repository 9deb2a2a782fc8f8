//! Values of parameters that are sent ahead of an execution, in pieces.

use otaria_statement::{ComStmtSendLongData, Standing, Statement};
use otaria_types::Params;

use super::Session;
use super::execute::check_parameters;
use crate::error::{Error, LongDataError};

impl Session {
    /// The statement if it is open; else, if the connection has forgotten it, queues its prepare.
    ///
    /// # Errors
    /// [`Error::ForeignStatement`] and [`Error::Closed`].
    pub fn prepare_again(&mut self, statement: &Statement) -> Result<Option<Statement>, Error> {
        match self.statements.standing(statement) {
            Standing::Open => Ok(Some(statement.clone())),
            Standing::Forgotten => self.prepare(statement.sql()),
            Standing::Foreign => Err(Error::ForeignStatement),
        }
    }

    /// Queues a piece of the value that the parameter at `index` has in the next
    /// [`execute_with_long_data`](Self::execute_with_long_data) of the statement; an empty one makes
    /// an empty value. It has no response and is not taken back once it is queued. Unless that
    /// execution follows, the server is told to drop the value in front of the next command.
    ///
    /// # Errors
    /// [`Error::LongData`] if there is no such parameter; [`Error::ForeignStatement`] if the
    /// statement is not open on this connection; [`Error::Closed`]. Nothing is queued then.
    pub fn send_long_data(
        &mut self,
        statement: &Statement,
        index: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        self.check_open()?;
        self.check_is_open(statement)?;
        let parameter = parameter(statement, index)?;
        let id = statement.id();
        if !self.statements.has_sent_ahead(id) {
            self.queue_closes();
            // The statement may be one of them, whatever else is queued.
            self.queue_resets();
        }
        self.statements.sends_ahead(id, parameter);
        let mut pieces = data.chunks(MAX_PIECE_BYTES);
        let mut next = Some(pieces.next().unwrap_or_default());
        while let Some(data) = next {
            let command = ComStmtSendLongData {
                statement: id,
                parameter,
                data,
            };
            self.commands.push_kept(&command, self.capabilities);
            next = pieces.next();
        }
        Ok(())
    }

    /// Queues the execution of a statement whose values have been sent ahead by
    /// [`send_long_data`](Self::send_long_data) for just those parameters that are
    /// [`LongData`](otaria_types::LongData).
    ///
    /// # Errors
    /// [`Error::LongData`] if values were sent ahead for other parameters, and those of
    /// [`execute`](Self::execute). Nothing is queued then.
    pub fn execute_with_long_data<P: Params>(
        &mut self,
        statement: &Statement,
        params: &P,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.check_is_open(statement)?;
        self.encode_parameters(params)?;
        check_parameters(statement, self.statements.parameters.len())?;
        self.note_execution(statement);
        self.check_sent_ahead(statement).map_err(Error::LongData)?;
        if self.statements.has_sent_ahead(statement.id()) {
            self.statements.forget_sent_ahead();
        } else {
            self.queue_closes();
            self.queue_resets();
        }
        self.push_execute(statement.id(), None);
        Ok(())
    }

    fn check_is_open(&self, statement: &Statement) -> Result<(), Error> {
        match self.statements.standing(statement) {
            Standing::Open => Ok(()),
            Standing::Forgotten | Standing::Foreign => Err(Error::ForeignStatement),
        }
    }

    /// Whether a value was sent ahead for each parameter that says so, and for no other.
    fn check_sent_ahead(&self, statement: &Statement) -> Result<(), LongDataError> {
        let mut sent = self.statements.sent_ahead(statement.id()).map(usize::from);
        let mut marked = self.statements.parameters.long_data();
        loop {
            return match (sent.next(), marked.next()) {
                (None, None) => Ok(()),
                (Some(sent), Some(marked)) if sent == marked => continue,
                (Some(index), marked) if marked.is_none_or(|marked| index < marked) => {
                    Err(LongDataError::NotMarked { index })
                }
                (_, Some(index)) => Err(LongDataError::NotSent { index }),
                (Some(index), None) => Err(LongDataError::NotMarked { index }),
            };
        }
    }
}

/// The parameter at `index`, from 0 on, as the protocol says it.
fn parameter(statement: &Statement, index: usize) -> Result<u16, Error> {
    let parameters = statement.parameters();
    match u16::try_from(index) {
        Ok(parameter) if parameter < parameters => Ok(parameter),
        _ => Err(Error::LongData(LongDataError::NoSuchParameter {
            index,
            parameters: parameters.into(),
        })),
    }
}

/// The longest piece; less than `max_allowed_packet` of any server that is not set to take only
/// small packets.
const MAX_PIECE_BYTES: usize = 64 * 1024;
