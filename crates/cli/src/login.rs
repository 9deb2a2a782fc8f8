//! Connecting: the URL, option files, and where the password comes from.

use std::env;
use std::io::{IsTerminal, stderr, stdin};

use otaria::{
    Config, ConfigBuilder, ConfigError, Connection, Error, ErrorKind, OptionFiles, Password,
    Prompt, read_option_files, standard_option_files,
};

use crate::arguments::LoginArguments;
use crate::failure::Failure;
use crate::redaction::without_controls;
use crate::terminal::ask;

/// Where to connect, and as whom.
pub(crate) fn configuration(
    url: Option<&str>,
    arguments: &LoginArguments,
) -> Result<Config, Failure> {
    let builder = from_environment(from_files(arguments)?)?;
    let config = from_url(url, arguments, builder)?;
    let mut builder = config.to_builder().program_name("otaria");
    if config.user().is_empty() {
        builder = builder.user(system_user());
    }
    if is_interactive() {
        builder = builder.prompt_handler(answer);
    }
    builder
        .build()
        .map_err(|error| unusable("the configuration", error))
}

/// A connection by `config`; a password is asked for where that is of use.
pub(crate) async fn connect(
    config: &Config,
    arguments: &LoginArguments,
) -> Result<Connection, Failure> {
    if arguments.ask_password {
        return connect_with_asked(config).await;
    }
    match Connection::connect(config).await {
        Err(error)
            if error.kind() == ErrorKind::AccessDenied
                && !config.has_password()
                && is_interactive() =>
        {
            connect_with_asked(config).await
        }
        connected => connected.map_err(|error| Failure::connect(config, error)),
    }
}

async fn connect_with_asked(config: &Config) -> Result<Connection, Failure> {
    let question = format!("Password of {}: ", config.user());
    let password = ask(&question).await.map_err(|source| Failure::Local {
        action: "ask for the password on the terminal".to_owned(),
        source,
        is_kept: false,
    })?;
    let config = config.to_builder().password(password).build();
    let config = config.map_err(|error| unusable("the password", error))?;
    let connected = Connection::connect(&config).await;
    connected.map_err(|error| Failure::connect(&config, error))
}

fn from_files(arguments: &LoginArguments) -> Result<ConfigBuilder, Failure> {
    let files = match &arguments.defaults_file {
        _ if arguments.no_defaults => return Ok(Config::builder()),
        Some(path) => OptionFiles::new().file(path),
        None => standard_option_files(),
    };
    let read = read_option_files(&files.group("otaria"), Config::builder());
    read.map_err(|error| Failure::Config {
        origin: "the option files",
        source: Box::new(error),
    })
}

fn from_environment(builder: ConfigBuilder) -> Result<ConfigBuilder, Failure> {
    for name in PASSWORD_VARIABLES {
        let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value.into_string().map_err(|_| {
            let source = Box::new(ConfigError::NotUtf8);
            let name = name.to_owned();
            unusable("the environment", ConfigError::Variable { name, source })
        })?;
        return Ok(builder.password(value));
    }
    Ok(builder)
}

/// What the URL says, over what `builder` has.
fn from_url(
    url: Option<&str>,
    arguments: &LoginArguments,
    builder: ConfigBuilder,
) -> Result<Config, Failure> {
    let over = |url: &str, origin| {
        let config = builder.url(url).and_then(ConfigBuilder::build);
        config.map_err(|error| unusable(origin, error))
    };
    if let Some(url) = url {
        if has_password(url)? && !arguments.password_in_url {
            return Err(Failure::usage(PASSWORD_ON_COMMAND_LINE));
        }
        return over(url, "the URL");
    }
    match env::var_os(URL_VARIABLE).filter(|url| !url.is_empty()) {
        Some(url) => {
            let url = url.into_string();
            let url = url.map_err(|_| unusable(ORIGIN_VARIABLE, ConfigError::NotUtf8))?;
            over(&url, ORIGIN_VARIABLE)
        }
        None => Err(Failure::usage(NO_URL)),
    }
}

fn has_password(url: &str) -> Result<bool, Failure> {
    let config: Config = url.parse().map_err(|error| unusable("the URL", error))?;
    Ok(config.has_password())
}

pub(crate) fn unusable(origin: &'static str, error: ConfigError) -> Failure {
    Failure::Config {
        origin,
        source: Box::new(Error::from(error)),
    }
}

/// As whom MariaDB's own programs log in where they are told nothing.
fn system_user() -> String {
    let mut names = ["USER", "LOGNAME"].into_iter().filter_map(env::var_os);
    let name = names.find_map(|name| name.into_string().ok());
    name.unwrap_or_default()
}

/// Whether somebody is there to answer.
fn is_interactive() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Answers what a plugin such as PAM's asks in the course of a login.
async fn answer(prompt: Prompt) -> std::io::Result<Password> {
    let question = without_controls(prompt.message());
    ask(&question).await.map(Password::from)
}

const PASSWORD_VARIABLES: [&str; 4] = [
    "MARIADB_PASSWORD",
    "MARIADB_PWD",
    "MYSQL_PASSWORD",
    "MYSQL_PWD",
];
const URL_VARIABLE: &str = "OTARIA_URL";
const ORIGIN_VARIABLE: &str = "the variable OTARIA_URL";
const NO_URL: &str = "no URL: give one such as mariadb://user@host/database as the first argument, or \
    set OTARIA_URL";
const PASSWORD_ON_COMMAND_LINE: &str = "a password in the URL can be read by everybody on this machine \
    while otaria runs: leave it out, and set MARIADB_PASSWORD, write it into an option file such as \
    ~/.my.cnf (`password` in [client]), or let --ask-password ask for it; the variable OTARIA_URL may \
    hold it, too. --password-in-url takes it all the same";
