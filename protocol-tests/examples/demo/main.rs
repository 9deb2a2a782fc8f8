//! Shows the driver at work: fills a table, streams it over TCP and a Unix socket, checks what
//! came against the server's own sums, takes it as Arrow to a Parquet file and back, and drops a query
//! in the middle of its result.
//!
//! `ci/demo` runs it, on a private server or on that of `OTARIA_TEST_URL`.

mod columns;
mod memory;
mod orders;
mod table;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use std::{env, error, io};

use otaria::{Config, ConfigError, Connection, Error, InsertError, RecordBatchError};
use protocol_tests::live::{LiveError, LiveServer, Schema};
use tokio::time::timeout;

use memory::PeakMemory;
use orders::Totals;
use table::{grouped, per_second};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo failed: {error}");
            let mut cause = error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Server(#[from] LiveError),
    #[error(transparent)]
    Driver(#[from] Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the operating system refuses what the demo needs")]
    System(#[from] io::Error),
    #[error("the driver read {read:?}, the server says {said:?}")]
    Mismatch {
        read: Box<Totals>,
        said: Box<Totals>,
    },
    #[error("the query after the dropped one returned another's rows: {0:?}")]
    ForeignRows(Vec<(String, u32)>),
    #[error(transparent)]
    Batches(#[from] RecordBatchError),
    #[error(transparent)]
    Insert(#[from] InsertError),
    #[error("there is no otaria beside the demo: `cargo build --release -p otaria-cli` makes it")]
    NoTool,
    #[error("otaria has ended with {0}")]
    Tool(ExitStatus),
    #[error("{0} rows are missing")]
    Missing(u64),
    #[error("left behind: {0}")]
    LeftBehind(String),
}

fn run() -> Result<(), DemoError> {
    headline("Otaria, an async MariaDB driver");
    let server = server()?;
    let schema = server.schema("demo")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(show(&server, &schema))?;
    headline("The end");
    println!("All connections are closed.");
    clean_up(&server, schema)?;
    stop(server)
}

/// The server of `OTARIA_TEST_URL`, else a private one.
fn server() -> Result<LiveServer, DemoError> {
    let server = if let Some(url) = env::var("OTARIA_TEST_URL")
        .ok()
        .filter(|url| !url.is_empty())
    {
        println!("Using the server of OTARIA_TEST_URL.");
        LiveServer::at(&url)?
    } else {
        println!("Starting a private server in a temporary directory …");
        LiveServer::start()?
    };
    if let Some(process_id) = server.process_id() {
        println!("It runs as process {process_id} until the demo ends.");
    }
    Ok(server)
}

async fn show(server: &LiveServer, schema: &Schema<'_>) -> Result<(), DemoError> {
    let any: Config = schema.url().parse()?;
    let tcp = any.to_builder().host(server.host()).port(server.port());
    let tcp = tcp.build()?;
    let mut connection = Connection::connect(&tcp).await?;
    let version = connection.server_version().cloned().unwrap_or_default();
    println!(
        "The server is {} {}.{}.{}. TLS: none.",
        if version.is_mariadb {
            "MariaDB"
        } else {
            "MySQL"
        },
        version.major,
        version.minor,
        version.patch,
    );
    fill(&mut connection, schema).await?;
    first_rows(&mut connection).await?;
    by_country(&mut connection).await?;
    connection.close().await?;

    stream(&format!("TCP, {}", tcp.endpoint()), &tcp).await?;
    if let Some(path) = server.socket() {
        let socket = any.to_builder().socket(path).build()?;
        stream(&format!("Unix socket, {}", path.display()), &socket).await?;
    } else {
        println!("\nNo Unix socket is known of this server (add ?socket=path to the URL).");
    }
    columns::show(server, schema, &tcp).await?;
    drop_a_query(&tcp).await
}

async fn fill(connection: &mut Connection, schema: &Schema<'_>) -> Result<(), DemoError> {
    headline("A table to work with");
    println!(
        "Filling `orders` in the schema {}, made for this run …",
        schema.name()
    );
    connection.simple_execute(orders::CREATE).await?;
    let start = Instant::now();
    let mut inserted = 0;
    for batch in 0..orders::BATCHES {
        let sql = orders::insert(batch);
        inserted += connection.simple_execute(&sql).await?.affected_rows;
    }
    println!(
        "{} rows in {} INSERT … SELECT: {:.2?}, {} rows/s.",
        grouped(inserted),
        orders::BATCHES,
        start.elapsed(),
        per_second(inserted, start.elapsed()),
    );
    Ok(())
}

async fn first_rows(connection: &mut Connection) -> Result<(), DemoError> {
    println!("\nThe first ten:");
    let sql = "SELECT * FROM orders ORDER BY id LIMIT 10";
    Ok(table::print(connection.simple_query(sql).await?).await?)
}

async fn by_country(connection: &mut Connection) -> Result<(), DemoError> {
    println!("\nOrders by country (Iceland has no prices yet, some orders name no country):");
    Ok(table::print(connection.simple_query(orders::BY_COUNTRY).await?).await?)
}

/// Streams the table over a connection of its own, and compares with the server's sums.
async fn stream(title: &str, config: &Config) -> Result<(), DemoError> {
    headline(title);
    let start = Instant::now();
    let mut connection = Connection::connect(config).await?;
    let thread = connection.thread_id();
    println!(
        "Connected in {:.2?} as connection {thread}.",
        start.elapsed()
    );
    let sent = orders::bytes_sent(&mut connection).await?;
    let memory = PeakMemory::start();

    println!("Streaming all rows as typed tuples, one at a time …");
    let start = Instant::now();
    let mut read = Totals::default();
    let mut rows = connection.simple_query(orders::ALL).await?;
    while let Some(row) = rows.next().await? {
        read.add(&row)?;
    }
    rows.finish().await?;
    let elapsed = start.elapsed();

    let grown = memory.grown();
    let bytes = orders::bytes_sent(&mut connection).await? - sent;
    println!(
        "{} rows, {} MiB in {elapsed:.2?}: {} rows/s, {} MiB/s.",
        grouped(read.rows),
        bytes >> 20,
        per_second(read.rows, elapsed),
        per_second(bytes >> 20, elapsed),
    );
    println!("Memory: {grown}.");
    let said = Totals::of_server(&mut connection, "orders").await?;
    connection.close().await?;
    if read != said {
        let (read, said) = (Box::new(read), Box::new(said));
        return Err(DemoError::Mismatch { read, said });
    }
    println!("The server's own COUNT and SUMs say the same, to the cent and the byte:");
    println!("  {said}");
    Ok(())
}

/// Drops a query in the middle of its result and asks the same connection something else.
async fn drop_a_query(config: &Config) -> Result<(), DemoError> {
    headline("A dropped query");
    let mut connection = Connection::connect(config).await?;
    let thread = connection.thread_id();
    let mut read = 0_u64;
    let query = async {
        let mut rows = connection.simple_query(orders::ALL).await?;
        while rows.next().await?.is_some() {
            read += 1;
        }
        Ok::<_, Error>(())
    };
    let start = Instant::now();
    let ended = timeout(DROP_AFTER, query).await;
    println!(
        "The same query again, but tokio::time::timeout drops its future after {DROP_AFTER:?}."
    );
    if let Ok(ended) = ended {
        ended?;
        println!("This machine was faster: the result had ended before.");
    } else {
        println!(
            "After {:.2?} the future is gone: {} of {} rows were read, the rest is on its way.",
            start.elapsed(),
            grouped(read),
            grouped(orders::ROWS),
        );
    }
    let start = Instant::now();
    let rows = connection.simple_query(OWN_ROWS).await?;
    let rows: Vec<(String, u32)> = rows.collect().await?;
    println!("The next query on the same connection throws that rest away and then returns");
    for (text, id) in &rows {
        println!("  {text:?}, from connection {id},");
    }
    println!(
        "its own rows, after {:.2?}. Nothing was reconnected.",
        start.elapsed()
    );
    if rows
        != [
            ("mine".to_owned(), thread),
            ("also mine".to_owned(), thread),
        ]
    {
        return Err(DemoError::ForeignRows(rows));
    }
    Ok(connection.close().await?)
}

/// Drops the schema and looks whether it is gone.
fn clean_up(server: &LiveServer, schema: Schema<'_>) -> Result<(), DemoError> {
    let name = schema.name().to_owned();
    drop(schema);
    let left = server.sql(&format!("SHOW SCHEMAS LIKE '{name}'"))?;
    if left.is_empty() {
        println!("The schema {name} is dropped.");
        Ok(())
    } else {
        Err(DemoError::LeftBehind(format!("the schema {name}")))
    }
}

/// Stops a private server and looks whether it is gone.
fn stop(server: LiveServer) -> Result<(), DemoError> {
    let Some(process_id) = server.process_id() else {
        println!("The server is not ours and goes on. Nothing of this demo is left running.");
        return Ok(());
    };
    let directory = server.socket().and_then(Path::parent).map(PathBuf::from);
    drop(server);
    let process = PathBuf::from(format!("/proc/{process_id}"));
    for path in directory.into_iter().chain([process]) {
        if path.exists() {
            return Err(DemoError::LeftBehind(path.display().to_string()));
        }
    }
    println!("The server is stopped and its directory removed. Nothing is left running.");
    Ok(())
}

fn headline(title: &str) {
    println!("\n== {title}");
}

/// Late enough to be in the middle of the rows, early enough not to see their end.
const DROP_AFTER: Duration = Duration::from_millis(50);

const OWN_ROWS: &str =
    "SELECT 'mine', CONNECTION_ID() UNION ALL SELECT 'also mine', CONNECTION_ID()";
