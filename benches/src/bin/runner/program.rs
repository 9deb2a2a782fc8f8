use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use otaria_benches::URL;

/// A program that does a workload so and so often.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// What stands before the count.
    arguments: Vec<String>,
    url: String,
}

impl Program {
    /// The program at `path`, which takes `arguments` and a count.
    pub fn new(path: PathBuf, arguments: &[&str], url: &str) -> Self {
        Self {
            path,
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            url: url.to_owned(),
        }
    }

    /// The instructions of user space that one more costs: the difference of two runs, by callgrind.
    pub fn instructions(&self, counts: Counts) -> Result<f64, ProgramError> {
        let count = |count| {
            let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
            let output = self.run_under(Path::new("valgrind"), &options, count)?;
            let report = String::from_utf8_lossy(&output.stderr);
            collected_instructions(&report).ok_or_else(|| self.error(&output))
        };
        let (fewer, more) = (count(counts.fewer)?, count(counts.more)?);
        Ok(counts.difference(fewer, more))
    }

    /// The system calls that one more costs, by name, those left out of which there are few.
    pub fn system_calls(&self, counts: Counts) -> Result<Vec<(String, f64)>, ProgramError> {
        let count = |count| {
            let options = ["--follow-forks", "--summary-only"];
            let output = self.run_under(Path::new("strace"), &options, count)?;
            Ok(system_calls(&String::from_utf8_lossy(&output.stderr)))
        };
        let (fewer, more): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (count(counts.fewer)?, count(counts.more)?);
        let calls = more.into_iter().map(|(name, more)| {
            let fewer = fewer.get(&name).copied().unwrap_or_default();
            (name, counts.difference(fewer, more))
        });
        Ok(calls.filter(|(_, calls)| *calls >= FEW_CALLS).collect())
    }

    /// Runs the program by itself and returns what it prints.
    pub fn said(&self, count: u32) -> Result<String, ProgramError> {
        let output = self.output(Command::new(&self.path), count)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs the program by itself and reads what it says of its run.
    pub fn measure(&self, count: u32) -> Result<Measured, ProgramError> {
        let output = self.output(Command::new(&self.path), count)?;
        Measured::parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| self.error(&output))
    }

    fn run_under(&self, tool: &Path, options: &[&str], count: u32) -> Result<Output, ProgramError> {
        let mut command = Command::new(tool);
        command.args(options).arg(&self.path);
        self.output(command, count)
    }

    fn output(&self, mut command: Command, count: u32) -> Result<Output, ProgramError> {
        let output = command
            .args(&self.arguments)
            .arg(count.to_string())
            .env(URL, &self.url)
            .output();
        let output = output.map_err(|source| ProgramError::Start {
            program: Path::new(command.get_program()).to_owned(),
            source,
        })?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(self.error(&output))
        }
    }

    fn error(&self, output: &Output) -> ProgramError {
        let name = self
            .path
            .file_name()
            .map_or_else(Default::default, OsStr::to_string_lossy);
        ProgramError::Failed {
            program: format!("{name} {}", self.arguments.join(" ")),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }
}

/// A program that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started.
    #[error("{program} cannot be started: {source}")]
    Start { program: PathBuf, source: io::Error },
    /// It failed, or did not say what it should.
    #[error("{program} failed and said: {said}")]
    Failed { program: String, said: String },
}

/// Two counts. What a program does but once is in both of their runs.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub fewer: u32,
    pub more: u32,
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "a count of less than 2^52")]
    fn difference(self, fewer: u64, more: u64) -> f64 {
        (more as f64 - fewer as f64) / f64::from(self.more - self.fewer)
    }
}

/// What a program says of its run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measured {
    pub wall: Duration,
    pub processor: Duration,
    /// The sum of the values that it read.
    pub sum: u64,
}

impl Measured {
    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line
            .split_whitespace()
            .map_while(|number| number.parse().ok());
        Some(Self {
            wall: Duration::from_nanos(numbers.next()?),
            processor: Duration::from_nanos(numbers.next()?),
            sum: numbers.next()?,
        })
    }
}

/// What callgrind's last lines say: `==1234== Collected : 17989855`.
fn collected_instructions(report: &str) -> Option<u64> {
    let line = report.lines().rfind(|line| line.contains("Collected :"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// The rows of strace's table: `% time, seconds, usecs/call, calls, errors (if any), syscall`.
fn system_calls(table: &str) -> BTreeMap<String, u64> {
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (calls, name) = (fields.get(3)?.parse().ok()?, fields.last()?);
            (*name != "total").then(|| ((*name).to_owned(), calls))
        })
        .collect()
}

/// A system call of which there are fewer a query is one of the runtime's own.
const FEW_CALLS: f64 = 0.005;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_of_callgrind_are_found() {
        let report = "==1== \n==1== Events    : Ir\n==1== Collected : 17989855\n==1== \n";
        assert_eq!(collected_instructions(report), Some(17_989_855));
        assert_eq!(collected_instructions("==1== Events : Ir\n"), None);
    }

    #[test]
    fn the_calls_of_strace_are_found() {
        let table = "\
            % time     seconds  usecs/call     calls    errors syscall\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
             60.00    0.000300           3       100           sendto\n\
             40.00    0.000200           2       101         1 recvfrom\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
            100.00    0.000500           2       201         1 total\n";
        let calls: Vec<(String, u64)> = system_calls(table).into_iter().collect();
        assert_eq!(
            calls,
            [("recvfrom".to_owned(), 101), ("sendto".to_owned(), 100)]
        );
    }

    #[test]
    fn a_run_says_its_times_and_its_sum() {
        let measured = Measured::parse("1500000000 20000000 77\n").unwrap();
        assert_eq!(measured.wall, Duration::from_millis(1500));
        assert_eq!(measured.processor, Duration::from_millis(20));
        assert_eq!(measured.sum, 77);
        assert_eq!(Measured::parse("1500000000 20000000"), None);
    }

    #[test]
    fn what_is_done_once_is_not_in_the_difference() {
        let counts = Counts {
            fewer: 100,
            more: 300,
        };
        assert!((counts.difference(5_100, 5_300) - 1.0).abs() < 1e-9);
    }
}
