//! The command `otaria`: moves tables between MariaDB and files.

mod advice;
mod arguments;
mod failure;
mod input;
mod load;
mod login;
mod output;
mod ping;
mod progress;
mod query;
mod redaction;
mod signals;
mod terminal;
mod zones;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::{Exit, Failure};
use signals::Signals;

fn main() -> ExitCode {
    input::keep_quiet();
    let given: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&given) {
        Ok(arguments) => arguments,
        Err(error) => return show_usage(&error, &given).code(),
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.show();
            failure.exit().code()
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::of_system)?;
    let done = runtime.block_on(async {
        let mut signals = Signals::new()?;
        match arguments.command {
            Command::Query(arguments) => query::run(&arguments, &mut signals).await,
            Command::Load(arguments) => load::run(&arguments, &mut signals).await,
            Command::Ping(arguments) => ping::run(&arguments, &mut signals).await,
        }
    });
    // A thread that asks for a password cannot be made to end.
    runtime.shutdown_background();
    done
}

/// Says something that is no error.
fn tell(quiet: bool, text: &str) {
    if !quiet {
        // Whoever has closed it does not want to read it.
        let _ = writeln!(std::io::stderr(), "{}", redaction::without_controls(text));
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments, which may hold a
/// password.
fn show_usage(error: &clap::Error, given: &[OsString]) -> Exit {
    let text = redaction::redacted(&error.render().to_string(), given);
    // Whoever has closed them does not want to read it.
    if error.use_stderr() {
        let _ = std::io::stderr().write_all(text.as_bytes());
        Exit::Usage
    } else {
        let _ = std::io::stdout().write_all(text.as_bytes());
        Exit::Done
    }
}
