//! `otaria query`.

mod failures;
mod options;
mod parameters;
mod sink;

use std::io::{IsTerminal, Read, stdin, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use otaria::{Connection, QueryArrow, RecordBatches, Warning};
use tokio::task::spawn_blocking;

use crate::arguments::{QueryArguments, url_and_rest};
use crate::failure::{Failure, is_stopped};
use crate::login;
use crate::output::{Destination, Format, Style, Target};
use crate::progress::{Progress, count, rate, size};
use crate::signals::Signals;
use sink::Sink;

pub(crate) use failures::of_batches as failure_of_batches;
pub(crate) use options::{Decimals, Geometries, Times, Vectors, ZeroDates, in_zone};
pub(crate) use parameters::Parameter;

pub(crate) async fn run(arguments: &QueryArguments, signals: &mut Signals) -> Result<(), Failure> {
    let (url, rest) = url_and_rest(&arguments.place, 1);
    let [sql] = rest else {
        return Err(Failure::usage(ONE_STATEMENT));
    };
    let config = login::configuration(url.map(String::as_str), &arguments.login)?;
    let config = in_zone(&config, arguments.columns.time_zone.as_deref())?;
    // Standard input may be a terminal, and the file a pipe that nobody reads yet.
    let opening = Export::open(arguments, sql);
    let export = signals.unless_any(opening).await?;
    let connecting = login::connect(&config, &arguments.login);
    let connection = Box::pin(signals.unless_any(connecting)).await?;
    Box::pin(export.run(connection, signals)).await
}

/// A statement, and where its rows go.
struct Export<'a> {
    arguments: &'a QueryArguments,
    sql: String,
    parameters: Vec<Parameter>,
    format: Format,
    target: Target,
}

/// What has been exported.
#[derive(Debug)]
struct Exported {
    rows: u64,
    bytes: u64,
    /// How many values have become NULL.
    made_null: u64,
    /// Of what the server has warned, as where a value is NULL for it is too long.
    warnings: Vec<Warning>,
    elapsed: Duration,
}

impl<'a> Export<'a> {
    /// Opens the file, so that one that cannot be written is known before the server has any work.
    async fn open(arguments: &'a QueryArguments, sql: &str) -> Result<Self, Failure> {
        let format = format(arguments)?;
        let path = file(arguments).map(Path::to_owned);
        let sql = sql.to_owned();
        let opened = spawn_blocking(move || Ok((target(path.as_deref())?, statement(&sql)?)));
        let (target, sql) = opened.await.unwrap_or(Err(PANICKED))?;
        Ok(Self {
            arguments,
            sql,
            parameters: arguments.parameters.clone(),
            format,
            target,
        })
    }

    async fn run(self, mut connection: Connection, signals: &mut Signals) -> Result<(), Failure> {
        let exported = signals.unless_any(self.export(&mut connection)).await;
        let outcome = match exported {
            Ok(exported) => self.complete(exported),
            Err(failure) => Err(failure),
        };
        end(connection, outcome, signals).await
    }

    /// Puts the file in its place.
    fn complete(self, exported: Option<Exported>) -> Result<(), Failure> {
        let quiet = self.arguments.quiet;
        let path = file(self.arguments);
        let Some(exported) = exported else {
            if let Some(path) = path {
                return Err(Failure::NoTable(path.to_owned()));
            }
            crate::tell(quiet, "The statement has run. It returns no table.");
            return Ok(());
        };
        let place = self.target.place();
        let committed = self.target.commit();
        committed.map_err(|source| Failure::output(&place, source))?;
        exported.tell(quiet, path);
        Ok(())
    }

    /// Sends the rows to the file; `None` if the statement returns none.
    async fn export(&self, connection: &mut Connection) -> Result<Option<Exported>, Failure> {
        let start = Instant::now();
        let shows_bar = !(matches!(self.target, Target::Stdout) && stdout().is_terminal());
        let mut progress = Progress::new(self.arguments.quiet || !shows_bar);
        let mut batches = self.query(connection).await?;
        let schema = batches.schema();
        if schema.fields().is_empty() {
            return Ok(None);
        }
        let destination = self.destination()?;
        let bytes = destination.counter();
        progress.count_bytes(bytes);
        let place = self.target.place();
        let mut sink = Sink::start(self.format, self.style(), schema, destination, place);
        let mut left = self.arguments.max_rows.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(batch) = batches.next().await.map_err(failures::of_batches)? else {
                break;
            };
            let rows = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(batch.num_rows());
            let batch = batch.slice(0, rows);
            let rows = u64::try_from(rows).unwrap_or(u64::MAX);
            left -= rows;
            if !sink.send(batch).await {
                break;
            }
            progress.add(rows);
        }
        sink.finish().await?;
        let made_null = batches.values_made_null();
        let mut warnings = Vec::new();
        if left > 0 {
            finish_statement(&mut batches).await?;
            drop(batches);
            warnings = connection.warnings().await?;
            warnings.retain(|warning| warning.level != "Note");
        }
        Ok(Some(Exported {
            rows: progress.rows(),
            bytes: progress.bytes(),
            made_null,
            warnings,
            elapsed: start.elapsed(),
        }))
    }

    async fn query<'c>(
        &self,
        connection: &'c mut Connection,
    ) -> Result<RecordBatches<'c>, Failure> {
        let options = options::of(&self.arguments.columns, self.format);
        let batches = if self.arguments.text {
            if !self.parameters.is_empty() {
                return Err(Failure::usage(NO_PARAMETERS));
            }
            let rows = connection.simple_query(&self.sql).await?;
            RecordBatches::from_rows(rows, &options).await
        } else if self.parameters.is_empty() {
            connection
                .query_arrow_with(self.sql.as_str(), (), &options)
                .await
        } else {
            let parameters = parameters::named(&self.parameters);
            let sql = self.sql.as_str();
            connection
                .query_arrow_with(sql, &parameters, &options)
                .await
        };
        batches.map_err(failures::of_batches)
    }

    fn destination(&self) -> Result<Destination, Failure> {
        let destination = self.target.destination();
        destination.map_err(|source| Failure::output(&self.target.place(), source))
    }

    fn style(&self) -> Style {
        Style {
            compression: self.arguments.compression,
            null: self.arguments.null.clone(),
            header: !self.arguments.no_header,
        }
    }
}

impl Exported {
    fn tell(&self, quiet: bool, path: Option<&Path>) {
        let Self {
            rows,
            bytes,
            made_null,
            warnings,
            elapsed,
        } = self;
        if let Some(path) = path {
            crate::tell(
                quiet,
                &format!(
                    "{}: {} rows, {} in {elapsed:.1?} ({}/s)",
                    path.display(),
                    count(*rows),
                    size(*bytes),
                    count(rate(*rows, *elapsed)),
                ),
            );
        }
        if *made_null > 0 {
            crate::tell(
                quiet,
                &format!(
                    "{} values became NULL: dates and times that have no other place",
                    count(*made_null)
                ),
            );
        }
        if let Some(first) = warnings.first() {
            let others = match warnings.len() - 1 {
                0 => String::new(),
                others => format!(" (and {others} more)"),
            };
            let text = format!("warning {}: {}{others}", first.code, first.message);
            crate::tell(quiet, &text);
        }
    }
}

/// Waits for the end of a statement whose first rows have all been read: a procedure may work on, fail,
/// or return more tables.
async fn finish_statement(batches: &mut RecordBatches<'_>) -> Result<(), Failure> {
    let mut tables = 1;
    while batches
        .next_result_set()
        .await
        .map_err(failures::of_batches)?
    {
        if !batches.schema().fields().is_empty() {
            tables += 1;
        }
    }
    if tables > 1 {
        return Err(Failure::Data {
            message: format!("the statement has run, and has returned {tables} tables"),
            advice: Some(
                "A file holds one: have each returned by a statement of its own.".to_owned(),
            ),
        });
    }
    Ok(())
}

/// Ends what the server may still run, and the connection.
pub(crate) async fn end(
    mut connection: Connection,
    outcome: Result<(), Failure>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let mut stopped = true;
    if !connection.is_idle() && connection.close_reason().is_none() {
        // Whoever presses Ctrl-C again will not wait.
        stopped = tokio::select! {
            stopped = connection.stop() => is_stopped(&stopped),
            _ = signals.next() => false,
        };
    }
    match outcome {
        Ok(()) => {
            // What was asked for is done.
            let _ = connection.close().await;
            Ok(())
        }
        Err(Failure::Interrupted { signal, .. }) => Err(Failure::Interrupted {
            signal,
            stopped: Some(stopped),
        }),
        failed => failed,
    }
}

/// The file that is written, unless it is standard output.
fn file(arguments: &QueryArguments) -> Option<&Path> {
    let path = arguments.output.as_deref()?;
    (path != Path::new("-")).then_some(path)
}

/// What was asked for, else what the file's name says; a table on a terminal, and else CSV.
fn format(arguments: &QueryArguments) -> Result<Format, Failure> {
    match (arguments.format, file(arguments)) {
        (Some(Format::Arrow), None) => Ok(Format::ArrowStream),
        (Some(format), _) => Ok(format),
        (None, Some(path)) => Format::of_path(path).ok_or_else(|| Failure::unknown_ending(path)),
        (None, None) if stdout().is_terminal() && arguments.output.is_none() => Ok(Format::Table),
        (None, None) => Ok(Format::Csv),
    }
}

fn target(path: Option<&Path>) -> Result<Target, Failure> {
    match path {
        Some(path) => {
            Target::of_path(path).map_err(|source| Failure::local("write to", path, source))
        }
        None => Ok(Target::Stdout),
    }
}

/// The statement, which is read from standard input if it is `-`.
fn statement(sql: &str) -> Result<String, Failure> {
    if sql != "-" {
        return Ok(sql.to_owned());
    }
    let mut sql = String::new();
    let read = stdin().read_to_string(&mut sql);
    let path = Path::new("standard input");
    read.map_err(|source| Failure::local("read the statement from", path, source))?;
    Ok(sql)
}

const PANICKED: Failure = Failure::Internal("the file cannot be opened");
const ONE_STATEMENT: &str = "a URL and one statement are needed, or the statement alone where \
    OTARIA_URL is set; a statement with spaces stands in quotation marks";
const NO_PARAMETERS: &str = "the text protocol has no parameters: leave out --text or --param";
