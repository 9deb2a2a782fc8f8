//! `otaria load`.

mod failures;
mod reader;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::datatypes::{FieldRef, Schema};
use clap::ValueEnum;
use otaria::{
    ArrowOptions, Commit, Config, Connection, Error, GeometryType, InsertArrow, InsertError,
    InsertMode, InsertOptions, InsertWay, Inserted, QueryArrow, SentBy, TableName, UuidType,
    VectorLookup, WriteError,
};

use crate::arguments::{LoadArguments, url_and_rest};
use crate::failure::{Failure, Left};
use crate::input::{CsvStyle, Origins, Reading, SqlColumn, expected_types, format_of};
use crate::login;
use crate::output::Format;
use crate::progress::{Progress, count, rate};
use crate::query::{end, failure_of_batches, in_zone};
use crate::signals::Signals;
use reader::ReaderThread;

/// What becomes of the table and its rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Mode {
    /// Add rows to a table that is there; a key that is in it already is an error
    Append,
    /// Make the table, and add the rows
    Create,
    /// Rows take the place of those with the same key
    Replace,
    /// Rows whose key is in the table are left out, and counted
    Ignore,
    /// Rows change those with the same key
    #[value(alias = "update")]
    OnDuplicateUpdate,
}

/// How rows go to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Way {
    /// The faster of those that are possible
    Auto,
    /// As parameters of a statement
    Bulk,
    /// By LOAD DATA LOCAL
    LoadData,
}

pub(crate) async fn run(arguments: &LoadArguments, signals: &mut Signals) -> Result<(), Failure> {
    let (url, rest) = url_and_rest(&arguments.place, usize::MAX);
    let (table, files) = match rest {
        [table, files @ ..] if !files.is_empty() => (table, files),
        _ => return Err(Failure::usage(TABLE_AND_FILES)),
    };
    let table = table
        .to_str()
        .ok_or_else(|| Failure::usage("the table's name is not UTF-8"))?;
    let url = url.map(|url| {
        url.to_str()
            .ok_or_else(|| Failure::usage("the URL is not UTF-8"))
    });
    if arguments.mode != Mode::Create && !arguments.primary_key.is_empty() {
        return Err(Failure::usage(KEY_OF_NEW_TABLE));
    }
    let config = login::configuration(url.transpose()?, &arguments.login)?;
    let config = session(&config, arguments)?;
    let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    files.iter().try_for_each(|path| check(path))?;
    let formats = files.iter().map(|path| format_of(path, arguments.format));
    let formats = formats.collect::<Result<Vec<_>, _>>()?;
    let is_text = formats.into_iter().any(Format::is_text);
    let connecting = login::connect(&config, &arguments.login);
    let mut connection = Box::pin(signals.unless_any(connecting)).await?;
    let load = Load {
        arguments,
        table,
        files,
        is_text,
    };
    let outcome = Box::pin(signals.unless_any(load.run(&mut connection))).await;
    end(connection, outcome, signals).await
}

/// Files, and the table that they go into.
struct Load<'a> {
    arguments: &'a LoadArguments,
    table: &'a str,
    files: Vec<PathBuf>,
    /// Whether one of them holds text, which the types of the table make values of.
    is_text: bool,
}

impl Load<'_> {
    async fn run(&self, connection: &mut Connection) -> Result<(), Failure> {
        let start = Instant::now();
        let is_new = self.arguments.mode == Mode::Create;
        let table = if self.is_text && !is_new {
            Some(self.table_schema(connection).await?)
        } else {
            None
        };
        let reading = Reading {
            csv: CsvStyle {
                null: self.arguments.null.clone(),
                delimiter: self.arguments.delimiter,
                header: !self.arguments.no_header,
            },
            table,
            origins: Origins::default(),
        };
        let origins = reading.origins.clone();
        let progress = Progress::new(self.arguments.quiet);
        let files = self.files.clone();
        let reader = ReaderThread::start(files, self.arguments.format, reading);
        let opened = reader.schema(progress).await;
        let Some((schema, batches)) = opened.map_err(Failure::before_any_row)? else {
            let nothing = format!("{}: 0 rows", self.table);
            crate::tell(self.arguments.quiet, &nothing);
            return Ok(());
        };
        let inserted = connection
            .insert_arrow_stream(self.table, schema, batches, self.options())
            .await;
        match inserted {
            Ok(inserted) => {
                self.tell(&inserted, start);
                Ok(())
            }
            Err(error) => Err(self.failure(connection, error, &origins).await),
        }
    }

    /// What an error of the insertion means, and what it leaves behind.
    async fn failure(
        &self,
        connection: &mut Connection,
        error: InsertError,
        origins: &Origins,
    ) -> Failure {
        let is_connected = connection.close_reason().is_none();
        let mut left = Left {
            rows_committed: error.rows_committed,
            table: error.table_is_left,
            engine: None,
            is_known: is_connected,
        };
        let is_dropped = self.arguments.mode == Mode::Create && !left.table;
        if is_connected && !is_dropped {
            // The error that is told is that of the insertion.
            left.engine = self.engine(connection).await.unwrap_or_default();
        }
        Failure::Insert {
            failure: Box::new(failures::of_insert(error.kind, origins)),
            left,
        }
    }

    /// The engine of the table, if it cannot undo anything.
    async fn engine(&self, connection: &mut Connection) -> Result<Option<String>, Error> {
        let Ok(table) = self.table.parse::<TableName>() else {
            return Ok(None);
        };
        let sql = "SELECT ENGINE FROM information_schema.TABLES JOIN information_schema.ENGINES \
            USING (ENGINE) WHERE TRANSACTIONS <> 'YES' AND TABLE_NAME = ? \
            AND TABLE_SCHEMA = IFNULL(?, DATABASE())";
        let place = (table.table(), table.schema());
        let row = connection.query_opt::<(String,)>(sql, place).await?;
        Ok(row.map(|(engine,)| engine))
    }

    /// What the columns of the table are, for text that is to become such values.
    async fn table_schema(&self, connection: &mut Connection) -> Result<Schema, Failure> {
        let table: TableName = self
            .table
            .parse()
            .map_err(|error: WriteError| Failure::usage(error.to_string()))?;
        let columns = format!("SHOW COLUMNS FROM {table}");
        let columns = connection.simple_query(&columns).await?;
        let columns = columns.collect::<TableColumn>().await?;
        let mut computed = HashSet::new();
        let columns = columns.into_iter();
        let columns = columns.map(|(name, sql_type, _, _, default, extra)| {
            // MySQL says DEFAULT_GENERATED of a default that is an expression.
            let mut words = extra.iter().flat_map(|extra| extra.split(' '));
            if words.any(|word| word.eq_ignore_ascii_case("GENERATED")) {
                computed.insert(name.clone());
            }
            SqlColumn {
                name,
                sql_type,
                has_default: default.is_some(),
            }
        });
        let columns: Vec<SqlColumn> = columns.collect();
        let sql = format!("SELECT * FROM {table} LIMIT 0");
        let options = ArrowOptions::default()
            .with_uuid_type(UuidType::Utf8)
            .with_geometry_type(GeometryType::Binary)
            .with_vector_lookup(&VectorLookup::new());
        let batches = connection
            .query_arrow_with(sql.as_str(), (), &options)
            .await;
        let batches = batches.map_err(failure_of_batches)?;
        let mut fields: Vec<FieldRef> = batches.schema().fields().iter().cloned().collect();
        if self.arguments.no_header {
            // A file that names no columns cannot leave one out.
            fields.retain(|field| !computed.contains(field.name()));
        }
        Ok(expected_types(&Schema::new(fields), &columns))
    }

    fn options(&self) -> InsertOptions {
        let mode = match self.arguments.mode {
            Mode::Append => InsertMode::Append,
            Mode::Create => InsertMode::Create,
            Mode::Replace => InsertMode::Replace,
            Mode::Ignore => InsertMode::Ignore,
            Mode::OnDuplicateUpdate => InsertMode::OnDuplicateUpdate,
        };
        let way = match self.arguments.way {
            Way::Auto => InsertWay::Auto,
            Way::Bulk => InsertWay::Bulk,
            Way::LoadData => InsertWay::LoadData,
        };
        let every = |batches| Commit::Every { batches };
        InsertOptions::from(mode)
            .with_way(way)
            .with_commit(self.arguments.commit_every.map_or(Commit::Once, every))
            .with_warnings_allowed(self.arguments.allow_warnings)
            .with_text_length(self.arguments.text_length)
            .with_primary_key(self.arguments.primary_key.iter().map(|name| name.trim()))
    }

    fn tell(&self, inserted: &Inserted, start: Instant) {
        let elapsed = start.elapsed();
        let way = match inserted.sent_by {
            SentBy::LoadData => "LOAD DATA LOCAL",
            _ => "bulk execution",
        };
        let quiet = self.arguments.quiet;
        crate::tell(
            quiet,
            &format!(
                "{}: {} rows in {elapsed:.1?} ({}/s) by {way}",
                self.table,
                count(inserted.rows),
                count(rate(inserted.rows, elapsed)),
            ),
        );
        if let Some(skipped) = inserted.skipped_rows.filter(|skipped| *skipped > 0) {
            let text = format!(
                "{} rows were left out: their keys are in the table",
                count(skipped)
            );
            crate::tell(quiet, &text);
        }
        if inserted.warnings > 0 {
            crate::tell(
                quiet,
                &format!("the server warned {} times", count(inserted.warnings)),
            );
        }
    }
}

/// A row of `SHOW COLUMNS`: name, type, two of no interest here, default, and what else there is to it.
type TableColumn = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The session in which points in time are UTC, and rows may go by `LOAD DATA LOCAL`: they come from
/// memory, never from a file that the server names.
fn session(config: &Config, arguments: &LoadArguments) -> Result<Config, Failure> {
    let config = in_zone(config, None)?;
    let is_allowed = arguments.way != Way::Bulk;
    let config = config.to_builder().local_infile(is_allowed);
    // By notes the server tells that it has rounded.
    let config = config.init_command("SET sql_notes = 1").build();
    config.map_err(|error| login::unusable("the configuration", error))
}

/// That a file is there, before the server has any work.
fn check(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    // One who writes into a named pipe would take this for its reader.
    let found = path.metadata().and_then(|found| {
        if found.is_file() {
            std::fs::File::open(path).map(drop)
        } else {
            Ok(())
        }
    });
    found.map_err(|source| Failure::local("read", path, source))
}

const TABLE_AND_FILES: &str = "a URL, a table and one or more files are needed, as in \
    `otaria load mariadb://user@host/database item item.parquet`; the URL may be left out where \
    OTARIA_URL is set";
const KEY_OF_NEW_TABLE: &str = "--primary-key is for a table that is made: --mode create";
