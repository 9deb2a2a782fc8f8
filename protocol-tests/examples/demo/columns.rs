//! The main job: the table as Arrow batches, into a file by the tool, and back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use otaria::arrow::array::{RecordBatch, RecordBatchIterator};
use otaria::{Config, Connection, InsertArrow, InsertMode, QueryArrow};
use protocol_tests::live::{LiveServer, Schema};
use url::Url;

use crate::memory::{PeakMemory, peak_of};
use crate::orders::{self, Totals};
use crate::table::{grouped, per_second};
use crate::{DemoError, headline};

pub async fn show(
    server: &LiveServer,
    schema: &Schema<'_>,
    config: &Config,
) -> Result<(), DemoError> {
    headline("The table as Arrow record batches");
    let mut connection = Connection::connect(config).await?;
    let batch = read(&mut connection).await?;
    write_back(&mut connection, batch).await?;

    headline("To Parquet and back, by the command otaria");
    let tool = Tool::find(server, schema)?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("orders.parquet");
    tool.run(&["query", orders::ALL, "-o"], &file, &[])?;
    let bytes = fs::metadata(&file)?.len();
    println!("The file has {} KiB.", grouped(bytes >> 10));
    tool.run(&["load", "orders_again"], &file, &["--mode", "create"])?;
    let original = Totals::of_server(&mut connection, "orders").await?;
    let again = Totals::of_server(&mut connection, "orders_again").await?;
    connection.close().await?;
    if original != again {
        let (read, said) = (Box::new(again), Box::new(original));
        return Err(DemoError::Mismatch { read, said });
    }
    println!("The server's COUNT and SUMs of both tables are the same:");
    println!("  {again}");
    Ok(())
}

/// Reads all batches, and keeps the first.
async fn read(connection: &mut Connection) -> Result<RecordBatch, DemoError> {
    let sent = orders::bytes_sent(connection).await?;
    let memory = PeakMemory::start();
    let start = Instant::now();
    let mut batches = connection.query_arrow(orders::ALL, ()).await?;
    let mut first = None;
    let mut count = 0;
    while let Some(batch) = batches.next().await? {
        count += 1;
        first.get_or_insert(batch);
    }
    let (rows, schema) = (batches.rows(), batches.schema());
    drop(batches);
    let elapsed = start.elapsed();
    let grown = memory.grown();
    let bytes = orders::bytes_sent(connection).await? - sent;
    println!(
        "{} rows in {count} batches, {} MiB in {elapsed:.2?}: {} rows/s, {} MiB/s.",
        grouped(rows),
        bytes >> 20,
        per_second(rows, elapsed),
        per_second(bytes >> 20, elapsed),
    );
    println!("Memory: {grown}.");
    println!("Their columns:");
    for field in schema.fields() {
        let null = if field.is_nullable() { ", or NULL" } else { "" };
        println!("  {:<10} {}{null}", field.name(), field.data_type());
    }
    first.ok_or_else(|| DemoError::Missing(rows.max(1)))
}

/// Inserts one batch, and looks whether it is there.
async fn write_back(connection: &mut Connection, batch: RecordBatch) -> Result<(), DemoError> {
    let rows = batch.num_rows() as u64;
    let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    let memory = PeakMemory::start();
    let start = Instant::now();
    let inserted = connection
        .insert_arrow("orders_batch", reader, InsertMode::Create)
        .await?;
    let elapsed = start.elapsed();
    println!(
        "\nThe first of them as a new table, `orders_batch`: {} rows in {elapsed:.2?}, {} rows/s \
         ({:?}).",
        grouped(inserted.rows),
        per_second(inserted.rows, elapsed),
        inserted.sent_by,
    );
    println!("Memory: {}.", memory.grown());
    let sql = "SELECT COUNT(*) FROM orders_batch JOIN orders USING
         (id, customer, quantity, ordered_on)";
    let (same,): (u64,) = connection.query_one(sql, ()).await?;
    println!(
        "{} of its rows are in the first table as well.",
        grouped(same)
    );
    if same != rows {
        return Err(DemoError::Missing(rows - same));
    }
    Ok(())
}

/// The command `otaria`, built beside the demo.
struct Tool {
    program: PathBuf,
    url: String,
    password: String,
}

impl Tool {
    fn find(server: &LiveServer, schema: &Schema<'_>) -> Result<Self, DemoError> {
        let demo = env::current_exe()?;
        let folder = demo.parent().and_then(Path::parent);
        let program = folder.map(|folder| folder.join("otaria"));
        let program = program.filter(|program| program.exists());
        let program = program.ok_or(DemoError::NoTool)?;
        let mut url = Url::parse(&schema.url()).map_err(|_| DemoError::NoTool)?;
        // It goes by the environment, where other users of the machine do not see it.
        url.set_password(None).map_err(|()| DemoError::NoTool)?;
        Ok(Self {
            program,
            url: url.into(),
            password: server.password().to_owned(),
        })
    }

    /// Runs the tool with its command and what follows the URL in `arguments`, the file, and `options`.
    fn run(&self, arguments: &[&str], file: &Path, options: &[&str]) -> Result<(), DemoError> {
        let (command, rest) = arguments.split_first().ok_or(DemoError::NoTool)?;
        let mut shown = vec!["otaria", command, "URL"];
        let quoted: Vec<String> = rest.iter().map(|word| in_quotes(word)).collect();
        shown.extend(quoted.iter().map(String::as_str));
        let name = file.display().to_string();
        shown.push(&name);
        shown.extend(options);
        println!("$ {}", shown.join(" "));
        let start = Instant::now();
        let mut child = Command::new(&self.program)
            .args([command, "--no-defaults", &self.url])
            .args(rest)
            .arg(file)
            .args(options)
            .env("MARIADB_PASSWORD", &self.password)
            .stdin(Stdio::null())
            .spawn()?;
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = peak_of(child.id()).unwrap_or(0).max(peak_kib);
            match child.try_wait()? {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        println!(
            "It took {:.2?}, and {peak_kib} KiB of memory at the peak.",
            start.elapsed()
        );
        if status.success() {
            Ok(())
        } else {
            Err(DemoError::Tool(status))
        }
    }
}

/// A word as a shell takes it.
fn in_quotes(word: &str) -> String {
    if word.contains(' ') {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}
