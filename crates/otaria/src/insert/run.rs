use std::fmt::Write as _;

use otaria_arrow::write::{
    CreateTable, LoadDataText, LoadDuplicates, NonFinite, ServerTypes, SubMicroseconds,
    TableColumn, TableName, WriteOptions, WritePlan,
};
use otaria_connection::{CallLimit, Error, Executed, ServerVersion, Transaction, Warning};
use otaria_types::{ParamsError, SessionTimeZone};

use super::input::{Input, Rows};
use super::keys::ZeroKeys;
use super::place::Place;
use super::text::Text;
use super::{
    Commit, InsertError, InsertErrorKind, InsertMode, InsertOptions, InsertWay, SentBy, WhyNot,
};

/// What an insertion has done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Inserted {
    /// How many rows the batches had.
    pub rows: u64,
    /// How many rows of the table were inserted, changed or deleted, as the server counts them: with
    /// [`InsertMode::Replace`] and [`InsertMode::OnDuplicateUpdate`] 2 for a row whose key was there.
    pub affected_rows: u64,
    /// How many rows were left out, for their key was in the table: with [`InsertMode::Ignore`] only, and
    /// `None` where the server does not tell, for the configuration asks it to count
    /// [found rows](otaria_connection::ConfigBuilder::found_rows).
    pub skipped_rows: Option<u64>,
    /// How many values were sent other than they are, as
    /// [`NonFinite::Null`] and [`SubMicroseconds::Truncate`] allow it.
    pub changed_values: u64,
    /// How many warnings there were, where they are [allowed](InsertOptions::allow_warnings).
    pub warnings: u64,
    /// How the rows were sent. Where there were none, how they would have been.
    pub sent_by: SentBy,
    /// Why not the other way.
    pub why_not: WhyNot,
}

/// Inserts all of `input` into a table.
pub(super) async fn run<P: Place>(
    place: &mut P,
    table: &str,
    mut input: Input<'_>,
    options: InsertOptions,
) -> Result<Inserted, InsertError> {
    let table: TableName = table.parse().map_err(InsertErrorKind::Write)?;
    let is_new = options.mode == InsertMode::Create;
    let commits = is_new || options.commit != Commit::Once;
    if P::IS_TRANSACTION && commits || is_new && place.state().status().is_in_transaction() {
        return Err(InsertErrorKind::WouldCommit.into());
    }
    // What has no meaning to the server is refused before a table is made for it.
    WritePlan::try_new(&input.schema, None, &options.write).map_err(InsertErrorKind::Write)?;
    if is_new {
        let mut create = create_table(place, &options);
        create.is_utf8mb4_by_default = is_utf8mb4(place, &table, input.call).await?;
        let sql = create.sql(&table, &input.schema);
        let sql = sql.map_err(InsertErrorKind::Write)?;
        place.in_time(input.call).run(&sql).await?;
    }
    let mut done = Done::default();
    let failed = match insert(place, &table, &mut input, &options, &mut done).await {
        Ok((sent_by, why_not)) => return Ok(done.inserted(&input, sent_by, why_not)),
        Err(kind) => kind,
    };
    let mut error = InsertError::from(failed);
    error.rows_committed = done.rows;
    if is_new {
        let dropped = done.rows == 0 && place.run(&format!("DROP TABLE {table}")).await.is_ok();
        error.table_is_left = !dropped;
    }
    Err(error)
}

fn create_table<P: Place>(place: &P, options: &InsertOptions) -> CreateTable {
    let mut create = CreateTable::default();
    create.text_length = options.text_length;
    create.primary_key.clone_from(&options.primary_key);
    create.types = match place.version() {
        Some(version) if version.is_mariadb => {
            ServerTypes::of_mariadb(version.major, version.minor)
        }
        _ => ServerTypes::default(),
    };
    create
}

/// Whether a new table has characters of `utf8mb4` because its database has.
async fn is_utf8mb4<P: Place>(
    place: &mut P,
    table: &TableName,
    call: CallLimit,
) -> Result<bool, InsertErrorKind> {
    // A session knows the characters of its own database from the time that it chose it.
    let sql = match table.schema() {
        None => "SELECT @@character_set_database".to_owned(),
        // In hexadecimal, so that no `sql_mode` reads it otherwise.
        Some(schema) => format!(
            "SELECT IF(SCHEMA_NAME = DATABASE(), @@character_set_database, DEFAULT_CHARACTER_SET_NAME) \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = CONVERT(x'{}' USING utf8mb4)",
            hex(schema)
        ),
    };
    let mut rows = place.ask(call, &sql).await?;
    let (mut is_known, mut is_utf8mb4) = (false, true);
    // Names that differ in case alone may be those of two.
    while let Some(row) = rows.next().await? {
        is_known = true;
        is_utf8mb4 &= row.get::<&str>(0)? == "utf8mb4";
    }
    Ok(is_known && is_utf8mb4)
}

fn hex(text: &str) -> String {
    let mut digits = String::with_capacity(2 * text.len());
    for byte in text.bytes() {
        // Writing into memory does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// What is committed.
#[derive(Default)]
struct Done {
    rows: u64,
    affected_rows: u64,
    skipped_rows: Option<u64>,
    warnings: u64,
}

impl Done {
    fn inserted(self, input: &Input<'_>, sent_by: SentBy, why_not: WhyNot) -> Inserted {
        Inserted {
            rows: self.rows,
            affected_rows: self.affected_rows,
            skipped_rows: self.skipped_rows,
            changed_values: input.changed,
            warnings: self.warnings,
            sent_by,
            why_not,
        }
    }
}

/// Inserts all of `input`, and counts what is committed.
async fn insert<P: Place>(
    place: &mut P,
    table: &TableName,
    input: &mut Input<'_>,
    options: &InsertOptions,
    done: &mut Done,
) -> Result<(SentBy, WhyNot), InsertErrorKind> {
    let (columns, auto_increment) = columns(place, table, input.call).await?;
    let mut plan = WritePlan::try_new(&input.schema, Some(&columns), &options.write)?;
    if !place.version().is_some_and(loads_bytes) {
        plan = plan.with_hex_bytes();
    }
    if let (Some(column), SessionTimeZone::Unknown) = (plan.instants(), place.state().time_zone()) {
        let column = Box::new(column);
        return Err(InsertErrorKind::TimeZone { column });
    }
    let keys = ZeroKeys::find(place, input.call, &input.schema, auto_increment.as_deref()).await?;
    let way = choose(place, options, &keys, input.call).await?;
    let found_rows = place.settings().found_rows();
    let tells_skipped = options.mode == InsertMode::Ignore && !found_rows;
    done.skipped_rows = tells_skipped.then_some(0);
    let allowance = match options.commit {
        Commit::Once => u64::MAX,
        Commit::Every { batches } => batches.get(),
    };
    let mut rows = Rows {
        input,
        plan: &plan,
        counts: counts_changes(options.write),
    };
    let mut sent_by = way.sent_by;
    while rows.has_more(allowance).await? {
        let call = rows.input.call;
        let mut transaction = place.begin(call).await.map_err(InsertErrorKind::from)?;
        let sent = if let Some(duplicates) = way.load {
            let sql = keys.kept_by(plan.load_data(table, duplicates));
            load(&mut transaction, &sql, &mut rows, options).await
        } else {
            let sql = keys.kept_by(plan.insert(table, options.mode.on_duplicate()));
            send(&mut transaction, &sql, &mut rows, options).await
        };
        let sent = match sent {
            Ok(sent) => sent,
            Err(kind) => {
                // The connection may be lost, which is the error already.
                let _ = transaction.rollback().await;
                return Err(kind);
            }
        };
        transaction.within(call);
        transaction.commit().await.map_err(InsertErrorKind::from)?;
        sent_by = sent.by;
        done.rows = rows.input.pulled;
        done.affected_rows = done.affected_rows.saturating_add(sent.affected_rows);
        done.warnings += sent.warnings;
        if let Some(skipped) = &mut done.skipped_rows {
            *skipped += sent.rows.saturating_sub(sent.affected_rows);
        }
    }
    done.rows = rows.input.pulled;
    Ok((sent_by, way.why_not))
}

/// Whether `LOAD DATA` of the server keeps bytes as they are. Versions between 10.5, which does not,
/// and 10.11 are not known to.
fn loads_bytes(version: &ServerVersion) -> bool {
    version.is_mariadb && (version.major, version.minor) >= (10, 11)
}

/// The columns of a table, and the name of that with `AUTO_INCREMENT`.
async fn columns<P: Place>(
    place: &mut P,
    table: &TableName,
    call: CallLimit,
) -> Result<(Vec<TableColumn>, Option<String>), InsertErrorKind> {
    let sql = format!("SHOW COLUMNS FROM {table}");
    let mut rows = place.ask(call, &sql).await?;
    let (mut columns, mut auto_increment) = (Vec::new(), None);
    while let Some(row) = rows.next().await? {
        let field: &str = row.get("Field")?;
        let [sql_type, key, extra] = [row.get("Type")?, row.get("Key")?, row.get("Extra")?];
        let column = TableColumn::new(field, sql_type, key, extra);
        let is_not_null = row.get::<&str>("Null")? == "NO";
        columns.push(if is_not_null {
            column.not_null()
        } else {
            column
        });
        if extra.to_ascii_lowercase().contains("auto_increment") {
            auto_increment = Some(field.to_owned());
        }
    }
    Ok((columns, auto_increment))
}

/// How rows are sent.
struct Way {
    /// What `LOAD DATA` does with duplicates; `None` if it is not used.
    load: Option<LoadDuplicates>,
    sent_by: SentBy,
    why_not: WhyNot,
}

impl Way {
    const fn bulk(why_not: WhyNot) -> Self {
        Self {
            load: None,
            sent_by: SentBy::Statement(otaria_connection::BatchWay::Bulk),
            why_not,
        }
    }
}

/// Chooses a way of those that are allowed.
async fn choose<P: Place>(
    place: &mut P,
    options: &InsertOptions,
    keys: &ZeroKeys,
    call: CallLimit,
) -> Result<Way, InsertErrorKind> {
    if options.way == InsertWay::Bulk {
        return Ok(Way::bulk(WhyNot::Asked));
    }
    let is_asked = options.way == InsertWay::LoadData;
    let why_not = match options.mode.load_duplicates() {
        None => WhyNot::Mode,
        Some(_) if !place.settings().local_infile() => WhyNot::OffInConfiguration,
        Some(_) if !keys.allow_load_data() => WhyNot::AutoIncrement,
        // Measured, it is no faster than bulk, and slower as a rule.
        Some(_) if !is_asked && place.version().is_some_and(|version| version.is_mariadb) => {
            WhyNot::Slower
        }
        Some(_) if !is_on_the_server(place, call).await? => WhyNot::OffOnServer,
        load => {
            let why_not = if is_asked {
                WhyNot::Asked
            } else {
                WhyNot::Slower
            };
            return Ok(Way {
                load,
                sent_by: SentBy::LoadData,
                why_not,
            });
        }
    };
    if is_asked {
        return Err(InsertErrorKind::Way { why_not });
    }
    Ok(Way::bulk(why_not))
}

async fn is_on_the_server<P: Place>(
    place: &mut P,
    call: CallLimit,
) -> Result<bool, InsertErrorKind> {
    let mut rows = place.ask(call, "SELECT @@local_infile").await?;
    let on: Option<i64> = rows.next().await?.map(|row| row.get(0)).transpose()?;
    rows.finish().await?;
    Ok(on == Some(1))
}

const fn counts_changes(options: WriteOptions) -> bool {
    matches!(options.non_finite, NonFinite::Null)
        || matches!(options.sub_microseconds, SubMicroseconds::Truncate)
}

/// What was sent and not committed yet.
struct Sent {
    by: SentBy,
    rows: u64,
    affected_rows: u64,
    warnings: u64,
}

/// Sends rows as parameters.
async fn send(
    transaction: &mut Transaction<'_>,
    sql: &str,
    rows: &mut Rows<'_, '_>,
    options: &InsertOptions,
) -> Result<Sent, InsertErrorKind> {
    let zone = transaction.session_state().time_zone();
    let batch = transaction
        .within(rows.input.call)
        .batch(sql)
        .last_insert_id(false)
        .stop_at_warnings(!options.allow_warnings)
        .run_stream(&mut *rows);
    let executed = match batch.await {
        Ok(executed) => executed,
        Err(Error::Batch(batch)) => return Err(batch_failed(batch.source, rows, zone)),
        Err(error) => return Err(error.into()),
    };
    let warnings = executed.warnings;
    if warnings > 0 && !options.allow_warnings {
        refuse_warnings(transaction.within(rows.input.call), warnings).await?;
    }
    Ok(Sent {
        by: SentBy::Statement(executed.way),
        rows: executed.rows,
        affected_rows: executed.affected_rows,
        warnings,
    })
}

/// Why the batch has ended, in the words of the batches.
fn batch_failed(error: Error, rows: &mut Rows<'_, '_>, zone: SessionTimeZone) -> InsertErrorKind {
    let refusal = match &error {
        Error::BatchRows(_) => return rows.take_failure(),
        Error::Params(ParamsError::Parameter { index, .. }) => rows
            .last()
            .and_then(|(batch, row)| batch.refusal(row, *index, zone)),
        Error::Params(ParamsError::RowTooLong {
            payload_bytes,
            limit_bytes,
        }) => {
            return InsertErrorKind::RowTooLong {
                row: rows.input.sent().saturating_sub(1),
                payload_bytes: *payload_bytes,
                limit_bytes: *limit_bytes,
            };
        }
        _ => None,
    };
    match refusal {
        Some(refusal) => refusal.into(),
        None => error.into(),
    }
}

/// Sends rows as the file of `LOAD DATA LOCAL`.
async fn load(
    transaction: &mut Transaction<'_>,
    sql: &str,
    rows: &mut Rows<'_, '_>,
    options: &InsertOptions,
) -> Result<Sent, InsertErrorKind> {
    let (first, call) = (rows.input.sent(), rows.input.call);
    let mut text = LoadDataText::new(rows.plan);
    text.set_time_zone(transaction.session_state().time_zone());
    let text = Text::new(&mut *rows, text);
    let executed = match transaction.within(call).load_data_local(sql, text).await {
        Ok(executed) => executed,
        Err(Error::LocalIo { .. }) => return Err(rows.take_failure()),
        Err(error) => return Err(error.into()),
    };
    let found = rows.input.sent() - first;
    let counts = Counts::of(&executed);
    if counts.warnings > 0 && !options.allow_warnings {
        refuse_warnings(transaction.within(call), counts.warnings).await?;
    }
    if counts.records != found || counts.skipped > 0 && !options.allow_warnings {
        // What it did not read, or left out without a word.
        return Err(InsertErrorKind::Warnings {
            count: found.abs_diff(counts.records).max(counts.skipped),
            warnings: Vec::new(),
        });
    }
    Ok(Sent {
        by: SentBy::LoadData,
        rows: found,
        affected_rows: executed.affected_rows,
        warnings: counts.warnings,
    })
}

/// What the server says of a `LOAD DATA`: `Records: 2  Deleted: 0  Skipped: 0  Warnings: 0`, in the
/// language of `lc_messages`.
struct Counts {
    records: u64,
    skipped: u64,
    warnings: u64,
}

impl Counts {
    fn of(executed: &Executed) -> Self {
        // The words are of any language, and the numbers of one order.
        let mut numbers = executed
            .info
            .split(|character: char| !character.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok());
        let mut next = || numbers.next().unwrap_or(0);
        let [records, _deleted, skipped, warnings] = [next(), next(), next(), next()];
        Self {
            records,
            skipped,
            warnings: warnings.max(executed.warnings.into()),
        }
    }
}

/// The error for so many warnings, unless none of them is about the rows.
async fn refuse_warnings(
    transaction: &mut Transaction<'_>,
    count: u64,
) -> Result<(), InsertErrorKind> {
    let mut warnings = transaction.warnings().await?;
    let told = u64::try_from(warnings.len()).unwrap_or(u64::MAX);
    warnings.retain(|warning| !is_harmless(warning));
    if warnings.is_empty() && told >= count {
        return Ok(());
    }
    Err(InsertErrorKind::Warnings { count, warnings })
}

/// Whether a warning says nothing of values and rows: that the statement is written to the binary log as
/// it is (1592).
fn is_harmless(warning: &Warning) -> bool {
    warning.code == UNSAFE_STATEMENT && warning.level == "Note"
}

/// `ER_BINLOG_UNSAFE_STATEMENT`.
const UNSAFE_STATEMENT: u16 = 1592;
