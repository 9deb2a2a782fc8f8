//! Plugin × channel × password: which cells log in, and which are refused by whom.

use std::fmt;
use std::process::Command;

use otaria::{AuthError, Config, Error};
use protocol_tests::live::{self, LiveServer};

use super::account::{Account, all_words, connect, tcp, value};
use Channel::{Tcp, UnixSocket};
use Outcome::{ClientRefuses, LogsIn, LogsInIfEmptyIsHashed, ServerRefuses};
use User::{Fresh, OperatingSystem};

/// The columns: a name, the account's password, the one that is given.
fn passwords() -> [(&'static str, String, String); 8] {
    let same = |name, password: &str| (name, password.to_owned(), password.to_owned());
    [
        same("empty", ""),
        // One that no message has.
        same("1 byte", "~"),
        same("19 bytes", "nineteen-bytes-long"),
        same("20 bytes", "twenty-bytes-of-text"),
        same("21 bytes", "twenty-one-bytes-text"),
        same("255 bytes", &"fifteen bytes +".repeat(17)),
        same("non-ASCII", "pässwörd-密码"),
        ("wrong", "right-one".to_owned(), "other-one".to_owned()),
    ]
}

/// The lines for servers with the options they come with.
const TABLE: [Line; 14] = [
    // An empty password gives an empty response, any other one 20 bytes.
    line(Fresh, NATIVE, Tcp, ANY),
    line(Fresh, NATIVE, UnixSocket, ANY),
    // No key belongs to an empty password, but on servers that hash it like any other.
    line(Fresh, ED25519, Tcp, NOT_EMPTY),
    line(Fresh, ED25519, UnixSocket, NOT_EMPTY),
    // The account is not named like the user of the operating system. No password was asked
    // for, and the error says so.
    line(Fresh, SOCKET, Tcp, [NO_PASSWORD; 8]),
    line(Fresh, SOCKET, UnixSocket, [NO_PASSWORD; 8]),
    // "After a failed method the server sends the next AuthSwitchRequest": what ed25519 refuses,
    // the empty password, native takes.
    line(Fresh, ED25519_OR_NATIVE, Tcp, ANY),
    line(Fresh, ED25519_OR_NATIVE, UnixSocket, ANY),
    line(Fresh, OTHER_ED25519_OR_NATIVE, Tcp, ANY),
    line(Fresh, OTHER_ED25519_OR_NATIVE, UnixSocket, ANY),
    line(Fresh, SOCKET_OR_ED25519, Tcp, NOT_EMPTY),
    line(Fresh, SOCKET_OR_ED25519, UnixSocket, NOT_EMPTY),
    // ER_SERVER_IS_IN_SECURE_AUTH_MODE: the server does not even ask for the hash.
    line(Fresh, OLD, Tcp, [SECURE_AUTH; 8]),
    line(Fresh, OLD, UnixSocket, [SECURE_AUTH; 8]),
];

/// The lines for a server with `--secure-auth=OFF`, where the accounts of the user who runs the
/// tests can be changed.
const PRIVATE_TABLE: [Line; 10] = [
    // Whoever the operating system says it is needs no password, and may give any.
    line(OperatingSystem, SOCKET, Tcp, [NO_PASSWORD; 8]),
    line(OperatingSystem, SOCKET, UnixSocket, [LogsIn; 8]),
    line(OperatingSystem, SOCKET_OR_ED25519, Tcp, NOT_EMPTY),
    line(OperatingSystem, SOCKET_OR_ED25519, UnixSocket, [LogsIn; 8]),
    // Without secure_auth the server asks for the hash of before MySQL 4.1.
    line(Fresh, OLD, Tcp, [OLD_PASSWORD; 8]),
    line(Fresh, OLD, UnixSocket, [OLD_PASSWORD; 8]),
    // The server's `pam` is the client's `dialog`.
    line(Fresh, PAM, Tcp, [UNKNOWN_DIALOG; 8]),
    line(Fresh, PAM, UnixSocket, [UNKNOWN_DIALOG; 8]),
    // A method that the client has not got ends the login, whatever would come after it.
    line(Fresh, PAM_OR_NATIVE, Tcp, [UNKNOWN_DIALOG; 8]),
    line(Fresh, PAM_OR_NATIVE, UnixSocket, [UNKNOWN_DIALOG; 8]),
];

const NATIVE: &str = "mysql_native_password USING PASSWORD('{}')";
const ED25519: &str = "ed25519 USING PASSWORD('{}')";
const SOCKET: &str = "unix_socket";
const OLD: &str = "mysql_old_password USING PASSWORD('{}')";
const PAM: &str = "pam USING 'mariadb'";
const ED25519_OR_NATIVE: &str =
    "ed25519 USING PASSWORD('{}') OR mysql_native_password USING PASSWORD('{}')";
const OTHER_ED25519_OR_NATIVE: &str =
    "ed25519 USING PASSWORD('third') OR mysql_native_password USING PASSWORD('{}')";
const SOCKET_OR_ED25519: &str = "unix_socket OR ed25519 USING PASSWORD('{}')";
const PAM_OR_NATIVE: &str = "pam USING 'mariadb' OR mysql_native_password USING PASSWORD('{}')";

/// `ER_ACCESS_DENIED_ERROR`
const ACCESS_DENIED: Outcome = ServerRefuses(1045);
/// `ER_SERVER_IS_IN_SECURE_AUTH_MODE`
const SECURE_AUTH: Outcome = ServerRefuses(1275);
/// `ER_ACCESS_DENIED_NO_PASSWORD_ERROR`
const NO_PASSWORD: Outcome = ServerRefuses(1698);
const OLD_PASSWORD: Outcome = ClientRefuses("OldPassword");
const UNKNOWN_DIALOG: Outcome = ClientRefuses("UnknownPlugin dialog");

/// Any password but a wrong one.
const ANY: [Outcome; 8] = [
    LogsIn,
    LogsIn,
    LogsIn,
    LogsIn,
    LogsIn,
    LogsIn,
    LogsIn,
    ACCESS_DENIED,
];
/// The same without the empty one, where it is not hashed.
const NOT_EMPTY: [Outcome; 8] = {
    let mut cells = ANY;
    cells[0] = LogsInIfEmptyIsHashed;
    cells
};

#[tokio::test]
async fn every_plugin_x_channel_x_password_logs_in_or_is_refused_as_the_table_says() {
    check(live::shared(), &TABLE).await;
}

#[tokio::test]
async fn private_server_every_plugin_x_channel_x_password_logs_in_or_is_refused_as_the_table_says()
{
    let server = LiveServer::builder().option("--secure-auth=OFF");
    let server = server.start().unwrap();
    if let Err(error) = server.sql("INSTALL SONAME 'auth_pam'") {
        println!("{error}");
    }
    check(&server, &PRIVATE_TABLE).await;
}

#[test]
fn an_error_that_quotes_a_password_is_noticed() {
    for (name, _, password) in passwords() {
        let message = format!("not {password}, please");
        let error = Error::Auth(AuthError::Server {
            code: 1045,
            sqlstate: None,
            message,
        });
        assert_eq!(shows(&error, &password), name != "empty", "{name}");
        assert!(
            !shows(&Error::Auth(AuthError::OldPassword), &password),
            "{name}"
        );
    }
}

#[test]
fn passwords_are_as_long_as_they_are_called() {
    for (name, password, _) in passwords() {
        if let Some(bytes) = name.split(' ').next().and_then(|word| word.parse().ok()) {
            assert_eq!(password.len(), bytes, "{name}");
        }
    }
}

/// A line: who logs in, how the account is `IDENTIFIED VIA`, what comes of it.
struct Line {
    user: User,
    via: &'static str,
    channel: Channel,
    cells: [Outcome; 8],
}

const fn line(user: User, via: &'static str, channel: Channel, cells: [Outcome; 8]) -> Line {
    Line {
        user,
        via,
        channel,
        cells,
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum User {
    /// One that nobody else uses.
    Fresh,
    /// The one who runs the tests.
    OperatingSystem,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Channel {
    Tcp,
    UnixSocket,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Tcp => "TCP",
            UnixSocket => "Unix socket",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    LogsIn,
    ServerRefuses(u16),
    ClientRefuses(&'static str),
    /// Decided by [`Outcome::on`] as soon as there is a server.
    LogsInIfEmptyIsHashed,
}

impl Outcome {
    /// What it is on a server that keeps a hash of empty passwords, or none.
    fn on(self, hashes_empty: bool) -> Self {
        match self {
            LogsInIfEmptyIsHashed if hashes_empty => LogsIn,
            LogsInIfEmptyIsHashed => ACCESS_DENIED,
            decided => decided,
        }
    }
}

/// Whether `server` keeps a hash of an empty password: 11.8 does, 10.11 does not.
fn hashes_empty_passwords(server: &LiveServer) -> bool {
    let account = Account::identified(server, "%", &ED25519.replace("{}", ""));
    let sql = format!(
        "SELECT JSON_VALUE(Priv, '$.authentication_string') <> '' FROM mysql.global_priv \
         WHERE User = '{}'",
        account.name()
    );
    server.sql(&sql).unwrap().trim() == "1"
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogsIn => f.write_str("logs in"),
            ServerRefuses(code) => write!(f, "server {code}"),
            ClientRefuses(error) => write!(f, "client {error}"),
            LogsInIfEmptyIsHashed => f.write_str("logs in if empty passwords are hashed"),
        }
    }
}

impl Line {
    /// The plugins, and whose account it is.
    fn name(&self) -> String {
        let plugins = self.via.replace(" USING PASSWORD('{}')", "");
        let plugins = plugins.replace(" USING PASSWORD('third')", " (another password)");
        let plugins = plugins.replace(" USING 'mariadb'", "");
        match self.user {
            Fresh => plugins,
            OperatingSystem => format!("{plugins}, own account"),
        }
    }

    /// What the server has not got for this line.
    fn missing(&self, server: &LiveServer, plugins: &str) -> Option<String> {
        if self.channel == UnixSocket && server.socket().is_none() {
            return Some("a Unix socket".to_owned());
        }
        let methods = self.via.split(" OR ");
        let mut names = methods.filter_map(|method| method.split(' ').next());
        let missing = names.find(|name| !plugins.lines().any(|plugin| plugin == *name))?;
        Some(format!("the plugin {missing}"))
    }

    fn account<'a>(&self, server: &'a LiveServer, password: &str) -> Account<'a> {
        let via = self.via.replace("{}", password);
        match (self.user, self.channel) {
            (Fresh, Tcp) => Account::identified(server, "%", &via),
            (Fresh, UnixSocket) => Account::identified(server, "localhost", &via),
            (OperatingSystem, Tcp) => Account::named(server, &whoami(), "127.0.0.1", &via),
            (OperatingSystem, UnixSocket) => Account::named(server, &whoami(), "localhost", &via),
        }
    }

    /// What comes of a login with `given` to an account with `password`.
    async fn found(&self, server: &LiveServer, password: &str, given: &str) -> String {
        let account = self.account(server, password);
        let config = match (self.channel, server.socket()) {
            (UnixSocket, Some(path)) => Config::builder().socket(path),
            _ => tcp(server),
        };
        match connect(config.user(account.name()).password(given)).await {
            Ok(mut connection) => {
                let user = value(&mut connection, "SELECT CURRENT_USER()").await;
                let user = user.unwrap();
                connection.close().await.unwrap();
                if user == account.shown() {
                    LogsIn.to_string()
                } else {
                    format!("logs in as {user}")
                }
            }
            Err(error) if shows(&error, given) || shows(&error, password) => {
                "an error that shows the password".to_owned()
            }
            Err(error) => refused(&error),
        }
    }
}

/// Runs the lines, prints what came of each, and lists all cells that are not as they should be.
async fn check(server: &LiveServer, lines: &[Line]) {
    let plugins = "SELECT LOWER(PLUGIN_NAME) FROM information_schema.PLUGINS \
        WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'";
    let plugins = server.sql(plugins).unwrap();
    let hashes_empty =
        plugins.lines().any(|plugin| plugin == "ed25519") && hashes_empty_passwords(server);
    let passwords = passwords();
    let names = passwords.each_ref().map(|(name, ..)| (*name).to_owned());
    let mut table = vec![row("plugin", "channel", &names)];
    let mut wrong = Vec::new();
    for line in lines {
        let (via, channel) = (line.name(), line.channel.name());
        if let Some(missing) = line.missing(server, &plugins) {
            let left_out = format!("left out: the server has not got {missing}");
            table.push(row(&via, channel, &[left_out]));
            continue;
        }
        let mut cells = Vec::new();
        for ((name, password, given), expected) in passwords.iter().zip(line.cells) {
            let found = line.found(server, password, given).await;
            let expected = expected.on(hashes_empty);
            if found != expected.to_string() {
                wrong.push(format!(
                    "{via}, {channel}, {name}: expected {expected}, found {found}"
                ));
            }
            cells.push(found);
        }
        table.push(row(&via, channel, &cells));
    }
    println!("logins to {}:\n{}", server.version(), table.concat());
    assert!(
        wrong.is_empty(),
        "{} wrong cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn row(via: &str, channel: &str, cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| format!(" | {cell:11}"));
    format!("{via:51} {channel:11}{}\n", cells.collect::<String>())
}

/// The cell of a login that ended with `error`, which does not show the password.
fn refused(error: &Error) -> String {
    match error {
        Error::Auth(AuthError::Server { code, .. }) => ServerRefuses(*code).to_string(),
        Error::Auth(AuthError::OldPassword) => OLD_PASSWORD.to_string(),
        Error::Auth(AuthError::UnknownPlugin { plugin }) if all_words(error).contains(plugin) => {
            format!("client UnknownPlugin {plugin}")
        }
        error => format!("{error:?}"),
    }
}

/// Whether `error` shows `password` as text or as a list of bytes.
fn shows(error: &Error, password: &str) -> bool {
    let words = all_words(error);
    let bytes = format!("{:?}", password.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let escaped = password.escape_default().to_string();
    !password.is_empty()
        && (words.contains(password)
            || words.contains(&escaped)
            || password.len() > 1 && words.contains(bytes))
}

/// The user of the operating system who runs the tests.
fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
