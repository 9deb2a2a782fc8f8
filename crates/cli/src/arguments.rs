//! What is told on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    Ping(PingArguments),
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
  otaria ping mariadb://app@db.example.org

`otaria --help` says where passwords come from, and what the exit codes mean;
`otaria COMMAND --help` has more examples.";

const TUTORIAL: &str = "\
Examples:
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
  129, 130, 141, 143  ended by SIGHUP, by Ctrl-C, by the reader of its output, by SIGTERM";

const PING_EXAMPLES: &str = "\
Examples:
  otaria ping mariadb://app@db.example.org
  MARIADB_PASSWORD=… otaria ping 'mariadb://app@db.example.org/shop?ssl_mode=verify-full'
  otaria ping --ask-password 'mariadb://root@localhost?socket=/run/mysqld/mysqld.sock'";
