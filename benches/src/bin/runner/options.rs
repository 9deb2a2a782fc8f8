use std::path::PathBuf;

/// What is asked for.
#[derive(Debug)]
pub struct Options {
    /// How many rows `lineitem` has.
    pub rows: u32,
    /// The program that runs the peers, where they are to run.
    pub peers: Option<PathBuf>,
    /// A command to run on the server, in place of all else.
    pub command: Vec<String>,
    /// Whether only the usage is asked for.
    pub help: bool,
}

impl Options {
    /// Reads the options of the command line.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            rows: 100_000,
            peers: None,
            command: Vec::new(),
            help: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or(format!("{argument}: a value is missing"))
            };
            match argument.as_str() {
                "--rows" => options.rows = number_of_rows(&value()?)?,
                "--peers" => options.peers = Some(value()?.into()),
                "--" => options.command = arguments.by_ref().collect(),
                "--help" => options.help = true,
                _ => return Err(format!("{argument}: there is no such option")),
            }
        }
        Ok(options)
    }
}

fn number_of_rows(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|rows| *rows >= LEAST_ROWS)
        .ok_or(format!("--rows: {text} is no number from {LEAST_ROWS} on"))
}

pub const USAGE: &str = "\
Options:
  --rows N         rows of lineitem, 100000 by default; with 1000000 times say more
  --peers PROGRAM  runs the peers, too; for ci/bench it takes no PROGRAM
  --help           shows this
  -- COMMAND…      runs only this, with the tables' URL in OTARIA_BENCH_URL: for profiles";

/// The rows that the longer of two runs of a scan reads.
pub const LEAST_ROWS: u32 = 42_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        Options::from_arguments(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = options("--rows 50000 --peers target/peers").unwrap();
        assert_eq!(options.rows, 50_000);
        assert_eq!(options.peers, Some("target/peers".into()));
    }

    #[test]
    fn what_follows_two_dashes_is_a_command() {
        let options = options("--rows 50000 -- valgrind --help").unwrap();
        assert_eq!(options.command, ["valgrind", "--help"]);
        assert!(!options.help);
    }

    #[test]
    fn an_option_that_is_none_is_an_error_that_names_it() {
        let error = options("--row 5").unwrap_err();
        assert_eq!(error, "--row: there is no such option");
    }

    #[test]
    fn too_few_rows_are_an_error() {
        let error = options("--rows 5").unwrap_err();
        assert_eq!(error, "--rows: 5 is no number from 42000 on");
        assert!(options("--rows").is_err());
    }
}
