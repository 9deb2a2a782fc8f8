//! What callers do: each call has a number, which its answers bear and its rows.

mod arrow;
mod given_up;
mod read;
mod session;
mod write;

use fastrand::Rng;
use otaria::{Error, PooledConnection};
use protocol_tests::outcome::Outcome;

use super::lanes::Lane;

/// What a call does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Point,
    Text,
    Values,
    Chunks,
    HalfRead,
    Stream,
    Cursor,
    Pipeline,
    Procedure,
    Refused,
    Repeatable,
    Arrow,
    ArrowHalfRead,
    Insert,
    InsertAsText,
    LongData,
    Batch,
    Load,
    InsertArrow,
    InsertPipeline,
    Transaction,
    RolledBack,
    LeftOpen,
    Transfer,
    Session,
    ChangeSession,
    Timeout,
    Cancel,
    Benchmark,
}

/// All of them.
pub(crate) const KINDS: [Kind; 29] = [
    Kind::Point,
    Kind::Text,
    Kind::Values,
    Kind::Chunks,
    Kind::HalfRead,
    Kind::Stream,
    Kind::Cursor,
    Kind::Pipeline,
    Kind::Procedure,
    Kind::Refused,
    Kind::Repeatable,
    Kind::Arrow,
    Kind::ArrowHalfRead,
    Kind::Insert,
    Kind::InsertAsText,
    Kind::LongData,
    Kind::Batch,
    Kind::Load,
    Kind::InsertArrow,
    Kind::InsertPipeline,
    Kind::Transaction,
    Kind::RolledBack,
    Kind::LeftOpen,
    Kind::Transfer,
    Kind::Session,
    Kind::ChangeSession,
    Kind::Timeout,
    Kind::Cancel,
    Kind::Benchmark,
];

impl Kind {
    /// One of them. Those that take long are rare.
    pub(crate) fn any(random: &mut Rng) -> Self {
        let kind = KINDS[random.usize(0..KINDS.len())];
        let is_slow = matches!(kind, Self::Timeout | Self::Cancel | Self::Benchmark);
        if is_slow && random.u8(0..8) > 0 {
            return Self::Session;
        }
        kind
    }

    /// How many rows it writes.
    const fn rows(self) -> u64 {
        match self {
            Self::Insert | Self::InsertAsText | Self::LongData | Self::Transfer => 1,
            Self::Transaction | Self::InsertPipeline => 3,
            Self::Batch => 20,
            Self::InsertArrow => 40,
            Self::Load => 50,
            _ => 0,
        }
    }

    /// What a call that has succeeded was told.
    pub(crate) const fn told(self) -> Outcome {
        Outcome::All(self.rows())
    }

    /// What is known of one that was given up or has failed.
    pub(crate) const fn in_doubt(self) -> Outcome {
        match self {
            // Several statements, and what the server has read of a file when its client goes.
            Self::InsertPipeline | Self::Batch | Self::Load => Outcome::UpTo(self.rows()),
            _ if self.rows() == 0 => Outcome::All(0),
            _ => Outcome::AllOrNone(self.rows()),
        }
    }

    /// Whether an error that says that nothing was done speaks of all of it.
    pub(crate) const fn is_one_statement_or_transaction(self) -> bool {
        !matches!(self, Self::InsertPipeline)
    }
}

/// One call.
pub(crate) struct Call<'l> {
    lane: &'l Lane,
    kind: Kind,
    id: u64,
    random: Rng,
}

impl<'l> Call<'l> {
    pub(crate) fn new(lane: &'l Lane, kind: Kind, id: u64, random: Rng) -> Self {
        Self {
            lane,
            kind,
            id,
            random,
        }
    }

    /// Makes the call, and checks what comes of it.
    ///
    /// # Panics
    /// If it is not what was asked for.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        match self.kind {
            Kind::Stream => return self.stream().await,
            Kind::Repeatable => return self.repeatable().await,
            _ => {}
        }
        let connection = self.lane.pool.get().await;
        if let Err(error) = &connection {
            // No statement was sent, whatever the reason.
            assert!(error.is_safe_to_retry(), "no connection: {error:?}");
        }
        let mut connection = connection?;
        self.run_on(&mut connection).await
    }

    async fn run_on(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        match self.kind {
            Kind::Point => self.point(connection).await,
            Kind::Text => self.text(connection).await,
            Kind::Values => self.values(connection).await,
            Kind::Chunks => self.chunks(connection).await,
            Kind::HalfRead => self.half_read(connection).await,
            Kind::Cursor => self.cursor(connection).await,
            Kind::Pipeline => self.pipeline(connection).await,
            Kind::Procedure => self.procedure(connection).await,
            Kind::Refused => self.refused(connection).await,
            Kind::Arrow => self.arrow(connection, u64::MAX).await,
            Kind::ArrowHalfRead => {
                let batches = self.random.u64(0..3);
                self.arrow(connection, batches).await
            }
            Kind::Insert => self.insert(connection).await,
            Kind::InsertAsText => self.insert_as_text(connection).await,
            Kind::LongData => self.long_data(connection).await,
            Kind::Batch => self.batch(connection).await,
            Kind::Load => self.load(connection).await,
            Kind::InsertArrow => self.insert_arrow(connection).await,
            Kind::InsertPipeline => self.insert_pipeline(connection).await,
            Kind::Transaction => self.transaction(connection).await,
            Kind::RolledBack => self.rolled_back(connection).await,
            Kind::LeftOpen => self.left_open(connection).await,
            Kind::Transfer => self.transfer(connection).await,
            Kind::Session => self.session(connection).await,
            Kind::ChangeSession => self.change_session(connection).await,
            Kind::Timeout => self.timeout(connection).await,
            Kind::Cancel => self.cancel(connection).await,
            Kind::Benchmark => self.benchmark(connection).await,
            Kind::Stream | Kind::Repeatable => unreachable!("calls of the pool"),
        }
    }
}
