use std::num::NonZeroU32;

use otaria_codec::ResponseReader;
use otaria_statement::{PrepareReader, StatementId};

use super::change_user::ChangeUser;
use super::clean_up::CleanUpReply;
use super::infile::Infile;
use super::transaction::TransactionReply;
use crate::error::ServerError;
use crate::statements::{Prepare, Sql};

/// A response that is due.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) reply: Reply,
    /// The sequence number of its first packet: the one after that of the command's last.
    sequence_number: u8,
    keeps_session: bool,
    /// Where its command [ends](crate::commands::CommandQueue::end_of_last).
    command_end: usize,
}

#[derive(Debug)]
pub(super) enum Reply {
    Response(Response),
    /// The response to `COM_STMT_PREPARE`.
    Prepare(Box<PrepareReply>),
    /// The dialogue of `COM_CHANGE_USER`.
    ChangeUser(Box<ChangeUser>),
    /// The response to `COM_STMT_RESET`, which nobody waits for.
    StatementReset(StatementReset),
    /// The response to a command that cleans up, which nobody waits for.
    CleanUp(Box<CleanUpReply>),
    /// The response to a command that begins or ends a transaction, which nobody waits for.
    Transaction(TransactionReply),
}

/// One that [`ResponseReader`] reads.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) reader: ResponseReader,
    /// Whether a result has come.
    pub(super) is_begun: bool,
    /// Whether its OK resets the session's state, and says nothing about it.
    pub(super) resets: bool,
    pub(super) subject: Subject,
    pub(super) infile: Infile,
    /// What was executed, if it is a prepared statement: its rows are binary.
    pub(super) execution: Option<Execution>,
}

/// What a command is about, as far as that is to be known later.
#[derive(Debug)]
pub(super) enum Subject {
    None,
    /// The beginning of the SQL that the server runs.
    Sql(Sql<Box<str>>),
    /// A statement whose rows are fetched.
    Fetch(StatementId),
    /// What the OK makes the default database, unless it says more.
    Schema(String),
    /// The COMMIT of the transaction that is watched. It is no SQL that may be ended.
    Commit,
}

impl Response {
    /// Whether the prepare before an execution was refused, so that this can be an error only.
    pub(super) fn is_refused(&self) -> bool {
        let execution = self.execution.as_ref();
        execution.is_some_and(|execution| execution.prepare_error.is_some())
    }
}

#[derive(Debug)]
pub(super) struct PrepareReply {
    pub(super) reader: PrepareReader,
    pub(super) prepare: Prepare,
}

/// The reset of a prepared statement, in front of the command that somebody waits for.
#[derive(Debug)]
pub(super) struct StatementReset {
    pub(super) reader: ResponseReader,
    pub(super) statement: StatementId,
}

/// The execution of a prepared statement.
#[derive(Debug)]
pub(super) struct Execution {
    /// May be [`StatementId::LAST_PREPARED`].
    pub(super) statement: StatementId,
    /// How many parameters were sent.
    pub(super) parameters: usize,
    /// Whether no result set has come: the definitions of only the first may be left out.
    pub(super) is_first: bool,
    /// How many rows are fetched at a time, if a cursor was asked for.
    pub(super) fetch_size: Option<NonZeroU32>,
    /// Why the prepare before it was refused, and with it this execution.
    pub(super) prepare_error: Option<Box<ServerError>>,
}

impl Execution {
    pub(super) const fn of(statement: StatementId, parameters: usize) -> Self {
        Self {
            statement,
            parameters,
            is_first: true,
            fetch_size: None,
            prepare_error: None,
        }
    }

    /// Whether it was sent behind the prepare of its statement.
    pub(super) fn is_of_last_prepared(&self) -> bool {
        self.statement == StatementId::LAST_PREPARED
    }
}

impl Expected {
    /// A response to a command that has no file to give.
    pub(super) const fn response(reader: ResponseReader) -> Self {
        Self::of(reader, false, Infile::Refuse)
    }

    /// The OK to a command that resets the session.
    pub(super) const fn reset(reader: ResponseReader) -> Self {
        Self::of(reader, true, Infile::Refuse)
    }

    /// A response to a command that has the content of a file to give.
    pub(super) const fn with_infile(reader: ResponseReader) -> Self {
        Self::of(reader, false, Infile::Attached)
    }

    /// The OK to a command that makes `schema` the default database.
    pub(super) fn init_db(reader: ResponseReader, schema: &str) -> Self {
        let reply = Reply::Response(Response {
            reader,
            is_begun: false,
            resets: false,
            subject: Subject::Schema(schema.to_owned()),
            infile: Infile::Refuse,
            execution: None,
        });
        Self {
            reply,
            sequence_number: 0,
            keeps_session: false,
            command_end: 0,
        }
    }

    /// The same, to a command that is about this.
    pub(super) fn about(mut self, about: Subject) -> Self {
        if let Reply::Response(response) = &mut self.reply {
            response.subject = about;
        }
        self
    }

    /// The response to an execution.
    pub(super) const fn execution(reader: ResponseReader, execution: Execution) -> Self {
        Self {
            reply: Reply::Response(Response {
                reader,
                is_begun: false,
                resets: false,
                subject: Subject::None,
                infile: Infile::Refuse,
                execution: Some(execution),
            }),
            sequence_number: 0,
            keeps_session: false,
            command_end: 0,
        }
    }

    /// The response to a prepare.
    pub(super) fn prepare(reader: PrepareReader, prepare: Prepare) -> Self {
        Self {
            reply: Reply::Prepare(Box::new(PrepareReply { reader, prepare })),
            sequence_number: 0,
            keeps_session: false,
            command_end: 0,
        }
    }

    const fn of(reader: ResponseReader, resets: bool, infile: Infile) -> Self {
        Self {
            reply: Reply::Response(Response {
                reader,
                is_begun: false,
                resets,
                subject: Subject::None,
                infile,
                execution: None,
            }),
            sequence_number: 0,
            keeps_session: false,
            command_end: 0,
        }
    }

    /// The OK to the reset of a prepared statement.
    pub(super) const fn statement_reset(reader: ResponseReader, statement: StatementId) -> Self {
        Self {
            reply: Reply::StatementReset(StatementReset { reader, statement }),
            sequence_number: 0,
            keeps_session: true,
            command_end: 0,
        }
    }

    /// The statement that was to be reset, if that is what was to be answered.
    pub(super) const fn reset_statement(&self) -> Option<StatementId> {
        match &self.reply {
            Reply::StatementReset(reset) => Some(reset.statement),
            _ => None,
        }
    }

    /// The response to a command that cleans up.
    pub(super) fn clean_up(reply: CleanUpReply, keeps_session: bool) -> Self {
        Self {
            reply: Reply::CleanUp(Box::new(reply)),
            sequence_number: 0,
            keeps_session,
            command_end: 0,
        }
    }

    /// Whether it is the response to a command that cleans up.
    pub(super) const fn is_clean_up(&self) -> bool {
        matches!(self.reply, Reply::CleanUp(_))
    }

    /// Whether its command is of use to whoever comes next.
    pub(super) const fn is_wanted(&self) -> bool {
        matches!(self.reply, Reply::CleanUp(_) | Reply::Transaction(_))
    }

    /// Whether the server may ask for something in its response, and would take what is sent behind
    /// the command for the answer. `several` says whether it may have been several statements.
    pub(super) fn may_ask(&self, has_local_files: bool, several: bool) -> bool {
        match &self.reply {
            Reply::ChangeUser(_) => true,
            Reply::Response(response) => {
                let asks_first = !self.is_begun() || several;
                response.infile != Infile::Refuse || has_local_files && asks_first
            }
            Reply::Prepare(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => false,
        }
    }

    /// The response to a command that begins or ends a transaction.
    pub(super) const fn transaction(reply: TransactionReply) -> Self {
        Self {
            reply: Reply::Transaction(reply),
            sequence_number: 0,
            keeps_session: true,
            command_end: 0,
        }
    }

    /// The answers to `COM_CHANGE_USER`.
    pub(super) fn change_user(change: ChangeUser) -> Self {
        Self {
            reply: Reply::ChangeUser(Box::new(change)),
            sequence_number: 0,
            keeps_session: false,
            command_end: 0,
        }
    }

    /// The same, whose first packet has this sequence number.
    pub(super) fn numbered_from(self, sequence_number: u8) -> Self {
        Self {
            sequence_number,
            ..self
        }
    }

    /// The same, to a command that ends there.
    pub(super) fn behind(self, command_end: usize) -> Self {
        Self {
            command_end,
            ..self
        }
    }

    /// Where its command ends, in all that is queued.
    #[inline]
    pub(super) const fn command_end(&self) -> usize {
        self.command_end
    }

    /// The same, to a statement that
    /// [leaves the session as it is](otaria_statement::StatementKind::keeps_session).
    pub(super) fn keeping_session(self) -> Self {
        Self {
            keeps_session: true,
            ..self
        }
    }

    /// Whether the command is known to leave the session as it is.
    pub(super) const fn keeps_session(&self) -> bool {
        self.keeps_session
    }

    pub(super) const fn sequence_number(&self) -> u8 {
        self.sequence_number
    }

    /// Whether a result has come, and the response is not at its end.
    pub(super) fn is_begun(&self) -> bool {
        match &self.reply {
            Reply::Response(response) => response.is_begun || response.reader.is_in_rows(),
            Reply::Prepare(_)
            | Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => false,
        }
    }

    /// Whether the next packet is a row that somebody wants, or ends such rows.
    pub(super) fn is_in_rows(&self) -> bool {
        match &self.reply {
            Reply::Response(response) => {
                response.reader.is_in_rows() && !response.infile.is_refused()
            }
            Reply::Prepare(_)
            | Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => false,
        }
    }

    /// What the next packet should be, in the words of the protocol documentation.
    pub(super) const fn expects(&self) -> &'static str {
        match &self.reply {
            Reply::Response(response) => response.reader.expects(),
            Reply::Prepare(prepare) => prepare.reader.expects(),
            Reply::ChangeUser(_) => "response to COM_CHANGE_USER",
            Reply::StatementReset(reset) => reset.reader.expects(),
            Reply::CleanUp(reply) => reply.expects(),
            Reply::Transaction(reply) => reply.expects(),
        }
    }

    pub(super) const fn infile(&self) -> Option<Infile> {
        match &self.reply {
            Reply::Response(response) => Some(response.infile),
            Reply::Prepare(_)
            | Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => None,
        }
    }

    /// The prepare whose response this is.
    pub(super) const fn prepare_due(&self) -> Option<&Prepare> {
        match &self.reply {
            Reply::Prepare(reply) => Some(&reply.prepare),
            Reply::Response(_)
            | Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => None,
        }
    }

    pub(super) const fn execution_mut(&mut self) -> Option<&mut Execution> {
        match &mut self.reply {
            Reply::Response(response) => response.execution.as_mut(),
            Reply::Prepare(_)
            | Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => None,
        }
    }
}
