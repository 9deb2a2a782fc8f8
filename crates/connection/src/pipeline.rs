mod results;

use std::fmt;

use otaria_session::{
    Error, Executable, Executed, Pipelined, Session, Statement, ToExecutable, place,
};
use otaria_types::Params;

use crate::Connection;

pub use results::PipelineResults;

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
pub(crate) trait Queue: Send + Sync {
    /// Queues the statement behind those whose responses are due.
    fn queue(&self, session: &mut Session, way: Way<'_>) -> Result<Pipelined, Error>;

    /// Whether it is SQL, which may go by the text protocol.
    fn is_sql(&self) -> bool;
}

/// How a statement goes to the server.
#[derive(Clone, Copy)]
pub(crate) enum Way<'s> {
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
    pub fn query_pipeline<'c, 'p>(
        &'c mut self,
        pipeline: &'c Pipeline<'p>,
    ) -> impl Future<Output = Result<PipelineResults<'c, 'p>, Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            PipelineResults::of(self, pipeline)
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
    pub fn execute_pipeline(
        &mut self,
        pipeline: &Pipeline<'_>,
    ) -> impl Future<Output = Result<Vec<Result<Executed, Error>>, Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            let mut all = Vec::with_capacity(pipeline.len());
            let mut results = PipelineResults::of(self, pipeline)?;
            while let Some(executed) = results.next_executed().await {
                all.push(executed);
            }
            Ok(all)
        }
    }
}
