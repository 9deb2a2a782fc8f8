//! What is told on the command line.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::load::{Mode, Way};
use crate::output::{Compression, Format};
use crate::query::{Decimals, Geometries, Parameter, Times, Vectors, ZeroDates};

/// Moves tables between MariaDB and files.
#[derive(Parser)]
#[command(
    name = "otaria",
    version,
    max_term_width = 100,
    after_help = EXAMPLES,
    after_long_help = TUTORIAL,
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Query(Box<QueryArguments>),
    Load(Box<LoadArguments>),
    Ping(PingArguments),
}

/// Runs a statement and writes its rows to a file, to standard output or as a table
#[derive(Args)]
#[command(
    override_usage = "otaria query [OPTIONS] [URL] <SQL>",
    after_help = QUERY_EXAMPLES,
)]
pub(crate) struct QueryArguments {
    /// Where to connect, else the variable `OTARIA_URL`; and the statement, `-` to read it from standard
    /// input
    #[arg(value_name = "[URL] SQL", required = true, num_args = 1..=2)]
    pub(crate) place: Vec<String>,
    /// Write to this file, which takes its name when it is complete; `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The format, in place of what the file's name says
    #[arg(short, long, value_enum)]
    pub(crate) format: Option<Format>,
    /// A parameter of the statement: `name=text`, or `name:=1.5` for a number or null, in place of
    /// :name
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<Parameter>,
    /// Write so many rows at most
    #[arg(long, value_name = "N")]
    pub(crate) max_rows: Option<u64>,
    /// Show no progress and say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Use the text protocol, as `mariadb` does: for statements that cannot be prepared. FLOAT has six
    /// digits by it
    #[arg(long)]
    pub(crate) text: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArguments,
    /// How Parquet is compressed
    #[arg(long, value_enum, default_value = "snappy", help_heading = "Files")]
    pub(crate) compression: Compression,
    /// What stands for NULL in CSV; where it is nothing at all (--null ''), an empty text is `""`
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "\\N",
        help_heading = "Files"
    )]
    pub(crate) null: String,
    /// Write CSV without the names of its columns
    #[arg(long, help_heading = "Files")]
    pub(crate) no_header: bool,
    #[command(flatten)]
    pub(crate) login: LoginArguments,
}

/// Puts the rows of files into a table: all of them, or after an error none
#[derive(Args)]
#[command(
    override_usage = "otaria load [OPTIONS] [URL] <TABLE> <FILE>...",
    after_help = LOAD_EXAMPLES,
)]
pub(crate) struct LoadArguments {
    /// Where to connect, else the variable `OTARIA_URL`; the table, or `schema.table`; and the files, `-`
    /// for standard input
    // In several groups, for options may stand between them.
    #[arg(value_name = "[URL] TABLE FILE", required = true, num_args = 1..)]
    pub(crate) place: Vec<OsString>,
    /// What becomes of the table, and of rows whose key is in it
    #[arg(short, long, value_enum, default_value = "append")]
    pub(crate) mode: Mode,
    /// How rows go to the server
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) way: Way,
    /// The format, in place of what the files' names say
    #[arg(short, long, value_parser = Format::to_load())]
    pub(crate) format: Option<Format>,
    /// Commit after each so many batches of some thousand rows: what is committed stays behind an error
    #[arg(long, value_name = "BATCHES")]
    pub(crate) commit_every: Option<NonZeroU64>,
    /// Take it that the server changes values, such as by cutting text that is too long
    #[arg(long)]
    pub(crate) allow_warnings: bool,
    /// How long text is in a table that is made: VARCHAR of so many characters in place of LONGTEXT
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) text_length: Option<u16>,
    /// The columns of the primary key of a table that is made, between commas; none by default
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) primary_key: Vec<String>,
    /// Show no progress and say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// What stands for NULL in CSV, as does nothing at all in columns that hold neither text nor
    /// bytes; with --null '' it does in all columns, and `""` is an empty text
    #[arg(long, value_name = "TEXT", default_value = "\\N", help_heading = "CSV")]
    pub(crate) null: String,
    /// What separates the values of CSV: one character
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter, help_heading = "CSV")]
    pub(crate) delimiter: u8,
    /// CSV does not begin with the names of its columns: they are those of the table, in its order,
    /// less those that it computes
    #[arg(long, help_heading = "CSV")]
    pub(crate) no_header: bool,
    #[command(flatten)]
    pub(crate) login: LoginArguments,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("one ASCII character, or \\t for a tab".to_owned()),
    }
}

/// What columns become
#[derive(Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct ColumnArguments {
    /// Dates that no calendar has, such as 0000-00-00
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) zero_dates: ZeroDates,
    /// DECIMAL
    #[arg(long = "decimal", value_enum, default_value = "exact")]
    pub(crate) decimals: Decimals,
    /// TIME: by default a duration, and text in CSV and JSON
    #[arg(long = "time", value_enum)]
    pub(crate) times: Option<Times>,
    /// GEOMETRY: by default WKB, and with its SRID in CSV and JSON
    #[arg(long = "geometry", value_enum)]
    pub(crate) geometries: Option<Geometries>,
    /// SET as a list of texts
    #[arg(long)]
    pub(crate) sets_as_lists: bool,
    /// TINYINT(1), which is BOOLEAN, as true and false
    #[arg(long)]
    pub(crate) tinyint1_as_bool: bool,
    /// VECTOR: by default lists of numbers, where it is a column of a table
    #[arg(long, value_enum, default_value = "lists")]
    pub(crate) vectors: Vectors,
    /// Take this column for a VECTOR: the server does not tell it of an expression, nor by --text
    #[arg(long = "vector", value_name = "COLUMN")]
    pub(crate) vector_columns: Vec<String>,
    /// In Parquet and Arrow, columns that are declared NOT NULL are that, and not all may be NULL. A NULL
    /// in one, as WITH ROLLUP makes some, is then an error
    #[arg(long)]
    pub(crate) keep_not_null: bool,
    /// The session's time zone. TIMESTAMP is a point in time if it is +00:00, which is the default,
    /// or another offset
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
}

/// The URL, if the first of `place` is one or there is one more than the `others` that are needed, and
/// what follows.
pub(crate) fn url_and_rest<T: AsRef<OsStr>>(place: &[T], others: usize) -> (Option<&T>, &[T]) {
    let names_url = |text: &T| text.as_ref().to_str().is_some_and(is_url);
    match place {
        [url, rest @ ..] if names_url(url) || rest.len() == others => (Some(url), rest),
        rest => (None, rest),
    }
}

fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Who connects where
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct LoginArguments {
    /// Ask for the password on the terminal
    #[arg(short = 'W', long)]
    pub(crate) ask_password: bool,
    /// Read this option file in place of the standard ones (~/.my.cnf and others)
    #[arg(long, value_name = "FILE")]
    pub(crate) defaults_file: Option<PathBuf>,
    /// Read no option files
    #[arg(long, conflicts_with = "defaults_file")]
    pub(crate) no_defaults: bool,
    /// Take the password that stands in the URL, though everybody on this machine can see it there
    #[arg(long)]
    pub(crate) password_in_url: bool,
}

/// Connects, and says what the server is, how it has proven that, and how long it takes to answer
#[derive(Args)]
#[command(after_help = PING_EXAMPLES)]
pub(crate) struct PingArguments {
    /// Where to connect: mariadb://user@host:port/database, else the variable `OTARIA_URL`
    pub(crate) url: Option<String>,
    /// How many round trips are timed
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) login: LoginArguments,
}

const EXAMPLES: &str = "\
Examples:
  otaria query mariadb://app@db.example.org/shop 'SELECT * FROM item' -o item.parquet
  otaria load mariadb://app@db.example.org/shop item item.parquet
  otaria ping mariadb://app@db.example.org

`otaria --help` says where passwords come from, and what the exit codes mean;
`otaria COMMAND --help` has more examples.";

const TUTORIAL: &str = "\
Examples:
  otaria query mariadb://app@db.example.org/shop 'SELECT * FROM item'
  otaria query mariadb://app@db.example.org/shop 'SELECT * FROM item' -o item.parquet
  otaria load mariadb://app@db.example.org/shop item item.parquet
  otaria ping mariadb://app@db.example.org

URL:
  mariadb://user@host:port/database?option=value, with several hosts between commas. A Unix socket
  is an option: mariadb://user@localhost/shop?socket=/run/mysqld/mysqld.sock. Where the URL is left
  out, it is that of the variable OTARIA_URL; there it may hold a password.
  Options such as ssl_mode=verify-full or connect_timeout=60s are in the README of Otaria.

Passwords:
  They do not belong on the command line, which everybody on the machine can read. From the first of
  these that has one:
  1. a question on the terminal: --ask-password; and without that flag, if there is no password at
     all and the server denies access
  2. the URL, if it is that of OTARIA_URL, or with --password-in-url
  3. the environment: MARIADB_PASSWORD, MARIADB_PWD, MYSQL_PASSWORD or MYSQL_PWD
  4. option files, as MariaDB's programs read them (`password` in [client] or [otaria]): ~/.my.cnf
     and others, or --defaults-file
  User, socket, TLS and other options are taken from option files, too; the URL counts before them.

Exit codes:
    0  done
    1  the server refused the statement, or the connection failed in it
    2  the arguments or the configuration cannot be used
    3  no connection: network, TLS or login
    4  a file cannot be read or written
    5  a value or a file is not what it should be
   70  a fault in otaria itself
  129, 130, 141, 143  ended by SIGHUP, by Ctrl-C, by the reader of its output, by SIGTERM; what the
       server runs is stopped, too";

const QUERY_EXAMPLES: &str = "\
Examples:
  otaria query mariadb://app@db.example.org/shop 'SELECT * FROM item'
  otaria query mariadb://app@db.example.org/shop 'SELECT * FROM item' -o item.parquet
  otaria query $URL 'SELECT * FROM item WHERE city = :city LIMIT :n' -p city=Åbo -p n:=10
  otaria query $URL 'SELECT * FROM item' -o - --format ndjson | jq .name
  otaria query $URL - -o report.csv --null '' < report.sql
  otaria query $URL 'SELECT * FROM old' -o old.parquet --compression zstd --zero-dates null

Rows are written as they come: neither the server's result nor the file has to fit into memory.
Files end with .parquet, .arrow, .feather, .arrows, .csv, .json, .ndjson or .jsonl, or --format says
what they are; on a terminal it is a table, and else CSV. A file is written beside its place, and
takes it when it is complete: a run that fails leaves what was there.
A procedure that returns several tables is an error, once it has run: a file holds one.
The session's time zone is +00:00, so that TIMESTAMP is a point in time.";

const LOAD_EXAMPLES: &str = "\
Examples:
  otaria load mariadb://app@db.example.org/shop item item.parquet
  otaria load $URL shop.item january.csv february.csv --mode on-duplicate-update
  otaria load $URL item item.csv --mode create --text-length 200 --primary-key id
  zcat item.csv.gz | otaria load $URL item - --format csv --delimiter ';' --null ''

Files are Parquet, Arrow (file or stream), CSV or JSON (an array of objects, or an object a line).
Columns go by their names, without regard to case; columns of the table that a file lacks get their
defaults. Rows are read as they are sent: files do not have to fit into memory.
Text of CSV and JSON becomes what the table's columns are: binary values are hexadecimal digits,
vectors are [1.5, 2], points in time have a zone (2024-02-29T12:30:00Z) or are UTC. true and false go
into TINYINT(1), BIT(1) and text.
For a new table (--mode create) the first 10,000 rows decide, and all others have to be like them:
true and false are BOOLEAN, whole numbers BIGINT, those beyond it BIGINT UNSIGNED or DECIMAL, other
numbers DOUBLE, or DECIMAL where it has not all of their digits, objects and arrays JSON; in CSV 2024-02-29 is DATE, with a time DATETIME(6), with a
zone TIMESTAMP(6). All else, such as digits that begin with a zero, is text.
A blank line of CSV is no row; in a file of one column, two quotation marks are an empty value. A key
that an object of JSON lacks is NULL; where the column has a default, the key is in all objects or in
none.
A value that the server would have to change is an error, and then nothing is inserted: a text that is
too long, a number beyond its type or with a fraction that the column lacks, a second with more digits
than the column has, a year of two digits, a number in place of a word of an ENUM, a space at the end
of a CHAR. Only FLOAT and DOUBLE take the nearest of a number with a fraction. It is the same for all
formats.";

const PING_EXAMPLES: &str = "\
Examples:
  otaria ping mariadb://app@db.example.org
  MARIADB_PASSWORD=… otaria ping 'mariadb://app@db.example.org/shop?ssl_mode=verify-full'
  otaria ping --ask-password 'mariadb://root@localhost?socket=/run/mysqld/mysqld.sock'";
