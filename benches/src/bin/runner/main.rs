//! Starts a server, fills the tables of `workload.sql`, and counts on them what the other programs
//! cost. `ci/bench` builds those and runs this.

mod options;
mod program;
mod report;
mod table;

use std::env;
use std::error::Error;
use std::process::{Command, ExitCode};

use otaria_benches::URL;
use protocol_tests::live::{LiveServer, Schema};

use options::{Options, USAGE};
use report::Report;

fn main() -> ExitCode {
    let options = match Options::from_arguments(env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    if options.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe benchmarks failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let server = server()?;
    let schema = server.schema("bench")?;
    fill(&schema, options.rows)?;
    if let [program, arguments @ ..] = &options.command[..] {
        return run_command(program, arguments, &schema.url());
    }
    println!(
        "MariaDB {}, TCP, no TLS, one connection on a current-thread runtime; {} rows.",
        server.version(),
        options.rows
    );
    Report::new(options, schema.url())?.print()
}

fn run_command(program: &str, arguments: &[String], url: &str) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(program);
    let status = command.args(arguments).env(URL, url).status()?;
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    Ok(())
}

/// The server of `OTARIA_TEST_URL`, else a private one that holds the tables in memory.
fn server() -> Result<LiveServer, Box<dyn Error>> {
    let url = env::var("OTARIA_TEST_URL")
        .ok()
        .filter(|url| !url.is_empty());
    Ok(match url {
        Some(url) => LiveServer::at(&url)?,
        None => LiveServer::builder()
            .option("--innodb-buffer-pool-size=256M")
            .start()?,
    })
}

fn fill(schema: &Schema<'_>, rows: u32) -> Result<(), Box<dyn Error>> {
    schema.sql(&WORKLOAD.replace("{ROWS}", &rows.to_string()))?;
    Ok(())
}

const WORKLOAD: &str = include_str!("../../../workload.sql");
