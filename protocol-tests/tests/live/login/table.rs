//! Plugin × channel × password: which cells log in, and which are refused by whom.

mod line;
mod outcome;

use std::fmt::Write as _;

use otaria::{AuthError, Error};
use protocol_tests::certificates::{Authority, Leaf};
use protocol_tests::live::{self, LiveError, LiveServer, PamService};

use line::Channel::{Compressed, InClear, TlsByPassword, TlsProven, TlsUnproven, UnixSocket};
use line::User::{Fresh, OperatingSystem};
use line::{Channel, Line, Place, line};
use outcome::Outcome::{
    ClientRefuses, LogsIn, LogsInIfEmptyIsHashed, LogsInIfProven, OrIsLost, ServerRefuses,
    UnprovenServerRefuses,
};
use outcome::{Outcome, Server, shows};

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
const TABLE: [Line; 26] = [
    // An empty password gives an empty response, any other one 20 bytes.
    line(Fresh, NATIVE, &ALL, ANY),
    line(Fresh, NATIVE, &[TlsByPassword], must_prove(ANY)),
    // No key belongs to an empty password, but on servers that hash it like any other.
    line(Fresh, ED25519, &ALL, NOT_EMPTY),
    line(Fresh, ED25519, &[TlsByPassword], must_prove(NOT_EMPTY)),
    line(Fresh, PARSEC, &ALL, NOT_EMPTY),
    line(Fresh, PARSEC, &[TlsByPassword], must_prove(NOT_EMPTY)),
    // The account is not named like the user of the operating system. No password was asked
    // for, and the error says so.
    line(Fresh, SOCKET, &ALL, [NO_PASSWORD; 8]),
    line(
        Fresh,
        SOCKET,
        &[TlsByPassword],
        must_prove([NO_PASSWORD; 8]),
    ),
    // "After a failed method the server sends the next AuthSwitchRequest": what ed25519 refuses,
    // the empty password, native takes.
    line(Fresh, ED25519_OR_NATIVE, &ALL, ANY),
    line(Fresh, OTHER_ED25519_OR_NATIVE, &ALL, ANY),
    // The proof is by the method that has succeeded.
    line(
        Fresh,
        OTHER_ED25519_OR_NATIVE,
        &[TlsByPassword],
        must_prove(ANY),
    ),
    line(Fresh, SOCKET_OR_ED25519, &ALL, NOT_EMPTY),
    line(
        Fresh,
        SOCKET_OR_ED25519,
        &[TlsByPassword],
        must_prove(NOT_EMPTY),
    ),
    line(Fresh, PARSEC_OR_NATIVE, &NO_TLS, ANY),
    line(Fresh, OTHER_PARSEC_OR_NATIVE, &NO_TLS, ANY),
    // A server whose parsec has failed inside TLS (11.8.6) asks for the next method, and closes
    // when it is answered.
    line(
        Fresh,
        PARSEC_OR_NATIVE,
        &[TlsProven, TlsUnproven],
        wrong_is(OrIsLost(&ACCESS_DENIED), ANY),
    ),
    line(
        Fresh,
        PARSEC_OR_NATIVE,
        &[TlsByPassword],
        wrong_is(OrIsLost(&UNPROVEN_ACCESS_DENIED), must_prove(ANY)),
    ),
    line(
        Fresh,
        OTHER_PARSEC_OR_NATIVE,
        &[TlsProven, TlsUnproven],
        wrong_is(OrIsLost(&ACCESS_DENIED), [OrIsLost(&LogsIn); 8]),
    ),
    line(
        Fresh,
        OTHER_PARSEC_OR_NATIVE,
        &[TlsByPassword],
        empty_is(
            NO_PROOF_WITHOUT_PASSWORD,
            wrong_is(OrIsLost(&UNPROVEN_ACCESS_DENIED), [OrIsLost(&LogsIn); 8]),
        ),
    ),
    // The error is that of the last method, which asked for no password.
    line(Fresh, NATIVE_OR_SOCKET, &ALL, wrong_is(NO_PASSWORD, ANY)),
    line(
        Fresh,
        NATIVE_OR_SOCKET,
        &[TlsByPassword],
        wrong_is(UnprovenServerRefuses(1698), must_prove(ANY)),
    ),
    // The whole password goes over what nobody else reads. No server has it cached here.
    line(Fresh, SHA2, &PROVEN, ANY),
    line(Fresh, SHA2, &UNPROVEN, empty_is(LogsIn, [UNPROVEN_SHA2; 8])),
    line(
        Fresh,
        SHA2,
        &[TlsByPassword],
        must_prove([SHA2_PROVES_NOTHING; 8]),
    ),
    line(Fresh, SHA2_OR_NATIVE, &PROVEN, ANY),
    // Kerberos is not spoken here, and no password is given away for it.
    line(Fresh, GSSAPI, &ALL, [UNKNOWN_GSSAPI; 8]),
];

/// Lines for servers that ask for no hash of before MySQL 4.1, as they are by default.
const SECURE_TABLE: [Line; 1] = [
    // ER_SERVER_IS_IN_SECURE_AUTH_MODE: the server does not even ask for the hash.
    line(Fresh, OLD, &NO_TLS, [SECURE_AUTH; 8]),
];

/// The lines for a server with `--secure-auth=OFF`, where the accounts of the user who runs the
/// tests can be changed.
const PRIVATE_TABLE: [Line; 15] = [
    // Whoever the operating system says it is needs no password, and may give any.
    line(OperatingSystem, SOCKET, &BY_TCP, [NO_PASSWORD; 8]),
    line(OperatingSystem, SOCKET, &[UnixSocket], [LogsIn; 8]),
    line(OperatingSystem, SOCKET_OR_ED25519, &BY_TCP, NOT_EMPTY),
    line(
        OperatingSystem,
        SOCKET_OR_ED25519,
        &[UnixSocket],
        [LogsIn; 8],
    ),
    // Without secure_auth the server asks for the hash of before MySQL 4.1.
    line(Fresh, OLD, &ALL, [OLD_PASSWORD; 8]),
    line(Fresh, OLD, &[TlsByPassword], must_prove([OLD_PASSWORD; 8])),
    // The server's `pam` is the client's `dialog`, which is off.
    line(Fresh, PAM, &ALL, [UNKNOWN_DIALOG; 8]),
    // A method that the client has not got ends the login, whatever would come after it.
    line(Fresh, PAM_OR_NATIVE, &ALL, [UNKNOWN_DIALOG; 8]),
    // A password in clear goes to a server that is known, or in the same machine. An empty one
    // is no answer to a server's PAM, which then asks in words.
    line(Fresh, PAM, &PROVEN, empty_is(ASKED, ANY)).in_clear(),
    line(Fresh, PAM, &UNPROVEN, [UNPROVEN_DIALOG; 8]).in_clear(),
    line(
        Fresh,
        PAM,
        &[TlsByPassword],
        must_prove([DIALOG_PROVES_NOTHING; 8]),
    )
    .in_clear(),
    line(Fresh, PAM_OR_NATIVE, &PROVEN, empty_is(ASKED, ANY)).in_clear(),
    line(Fresh, PAM_OR_NATIVE, &UNPROVEN, [UNPROVEN_DIALOG; 8]).in_clear(),
    // The first method decides: nothing was said that a stranger could use.
    line(Fresh, NATIVE_OR_PAM, &PROVEN, ANY).in_clear(),
    line(
        Fresh,
        NATIVE_OR_PAM,
        &UNPROVEN,
        wrong_is(UNPROVEN_DIALOG, ANY),
    )
    .in_clear(),
];

/// The lines for a server with `--pam-use-cleartext-plugin=ON`.
const CLEAR_TABLE: [Line; 5] = [
    line(Fresh, PAM, &ALL, [UNKNOWN_CLEAR; 8]),
    // It asks in the words of `dialog` here too, which mysql_clear_password does not know.
    line(Fresh, PAM, &PROVEN, empty_is(ASKED_IN_CLEAR, ANY)).in_clear(),
    line(Fresh, PAM, &UNPROVEN, [UNPROVEN_CLEAR; 8]).in_clear(),
    line(
        Fresh,
        PAM,
        &[TlsByPassword],
        must_prove([CLEAR_PROVES_NOTHING; 8]),
    )
    .in_clear(),
    line(Fresh, PAM_OR_NATIVE, &PROVEN, empty_is(ASKED_IN_CLEAR, ANY)).in_clear(),
];

/// The plugins that a private server has not got by itself.
const OTHERS: [&str; 3] = ["parsec", "caching_sha2_password", "gssapi"];

const ALL: [Channel; 5] = [InClear, Compressed, TlsProven, TlsUnproven, UnixSocket];
const BY_TCP: [Channel; 4] = [InClear, Compressed, TlsProven, TlsUnproven];
const NO_TLS: [Channel; 3] = [InClear, Compressed, UnixSocket];
const PROVEN: [Channel; 2] = [TlsProven, UnixSocket];
const UNPROVEN: [Channel; 3] = [InClear, Compressed, TlsUnproven];

const NATIVE: &str = "mysql_native_password USING PASSWORD('{}')";
const ED25519: &str = "ed25519 USING PASSWORD('{}')";
const PARSEC: &str = "parsec USING PASSWORD('{}')";
const SOCKET: &str = "unix_socket";
const GSSAPI: &str = "gssapi USING 'somebody@OTARIA.TEST'";
const SHA2: &str = "caching_sha2_password USING PASSWORD('{}')";
const SHA2_OR_NATIVE: &str =
    "caching_sha2_password USING PASSWORD('third') OR mysql_native_password USING PASSWORD('{}')";
const OLD: &str = "mysql_old_password USING PASSWORD('{}')";
const PAM: &str = "pam USING '{service}'";
const ED25519_OR_NATIVE: &str =
    "ed25519 USING PASSWORD('{}') OR mysql_native_password USING PASSWORD('{}')";
const OTHER_ED25519_OR_NATIVE: &str =
    "ed25519 USING PASSWORD('third') OR mysql_native_password USING PASSWORD('{}')";
const PARSEC_OR_NATIVE: &str =
    "parsec USING PASSWORD('{}') OR mysql_native_password USING PASSWORD('{}')";
const OTHER_PARSEC_OR_NATIVE: &str =
    "parsec USING PASSWORD('third') OR mysql_native_password USING PASSWORD('{}')";
const SOCKET_OR_ED25519: &str = "unix_socket OR ed25519 USING PASSWORD('{}')";
const NATIVE_OR_SOCKET: &str = "mysql_native_password USING PASSWORD('{}') OR unix_socket";
/// Nobody has a password in that other service.
const PAM_OR_NATIVE: &str =
    "pam USING '{other service}' OR mysql_native_password USING PASSWORD('{}')";
const NATIVE_OR_PAM: &str =
    "mysql_native_password USING PASSWORD('{}') OR pam USING '{other service}'";

/// `ER_ACCESS_DENIED_ERROR`
const ACCESS_DENIED: Outcome = ServerRefuses(1045);
const UNPROVEN_ACCESS_DENIED: Outcome = UnprovenServerRefuses(1045);
/// `ER_SERVER_IS_IN_SECURE_AUTH_MODE`
const SECURE_AUTH: Outcome = ServerRefuses(1275);
/// `ER_ACCESS_DENIED_NO_PASSWORD_ERROR`
const NO_PASSWORD: Outcome = ServerRefuses(1698);
const OLD_PASSWORD: Outcome = ClientRefuses("OldPassword");
const UNKNOWN_DIALOG: Outcome = ClientRefuses("UnknownPlugin dialog");
const UNKNOWN_GSSAPI: Outcome = ClientRefuses("UnknownPlugin auth_gssapi_client");
const UNKNOWN_CLEAR: Outcome = ClientRefuses("UnknownPlugin mysql_clear_password");
const UNPROVEN_DIALOG: Outcome = ClientRefuses("UnprovenChannel dialog");
const UNPROVEN_SHA2: Outcome = ClientRefuses("UnprovenChannel caching_sha2_password");
const SHA2_PROVES_NOTHING: Outcome = ClientRefuses("PluginProvesNothing caching_sha2_password");
const UNPROVEN_CLEAR: Outcome = ClientRefuses("UnprovenChannel mysql_clear_password");
const DIALOG_PROVES_NOTHING: Outcome = ClientRefuses("PluginProvesNothing dialog");
const CLEAR_PROVES_NOTHING: Outcome = ClientRefuses("PluginProvesNothing mysql_clear_password");
const ASKED: Outcome = ClientRefuses("Prompt");
const ASKED_IN_CLEAR: Outcome = ClientRefuses("UnexpectedPluginData mysql_clear_password");
const NO_PROOF_WITHOUT_PASSWORD: Outcome = ClientRefuses("NoPasswordToProveBy");

/// Any password but a wrong one.
const ANY: [Outcome; 8] = {
    let mut cells = [LogsIn; 8];
    cells[7] = ACCESS_DENIED;
    cells
};
/// The same without the empty one, where it is not hashed.
const NOT_EMPTY: [Outcome; 8] = empty_is(LogsInIfEmptyIsHashed, ANY);

/// The same with another outcome for the empty password.
const fn empty_is(outcome: Outcome, mut cells: [Outcome; 8]) -> [Outcome; 8] {
    cells[0] = outcome;
    cells
}

/// The same with another outcome for the wrong password.
const fn wrong_is(outcome: Outcome, mut cells: [Outcome; 8]) -> [Outcome; 8] {
    cells[7] = outcome;
    cells
}

/// What comes of `cells` where the server has to prove itself by the password: an empty one proves
/// nothing, a login counts with the proof alone, and a refusal may be anybody's.
const fn must_prove(mut cells: [Outcome; 8]) -> [Outcome; 8] {
    let mut column = 0;
    while column < cells.len() {
        cells[column] = match cells[column] {
            LogsIn | LogsInIfEmptyIsHashed => LogsInIfProven,
            ServerRefuses(code) => UnprovenServerRefuses(code),
            other => other,
        };
        column += 1;
    }
    cells[0] = NO_PROOF_WITHOUT_PASSWORD;
    cells
}

/// On the server that the tests share: a test for each plugin, for not every server has got all.
mod shared {
    use super::*;

    async fn check_plugin(name: &str) {
        let place = Place::new(live::shared());
        if place.has(name) {
            let lines = TABLE.iter().chain(&SECURE_TABLE);
            Box::pin(check(&place, lines.filter(|line| line.is_of(name)))).await;
        }
    }

    #[tokio::test]
    async fn mysql_native_password_logs_in_or_is_refused_as_the_table_says() {
        check_plugin("mysql_native_password").await;
    }

    #[tokio::test]
    async fn ed25519_logs_in_or_is_refused_as_the_table_says() {
        check_plugin("ed25519").await;
    }

    #[tokio::test]
    async fn parsec_logs_in_or_is_refused_as_the_table_says() {
        check_plugin("parsec").await;
    }

    #[tokio::test]
    async fn caching_sha2_password_logs_in_or_is_refused_as_the_table_says() {
        check_plugin("caching_sha2_password").await;
    }

    #[tokio::test]
    async fn unix_socket_logs_in_or_is_refused_as_the_table_says() {
        check_plugin("unix_socket").await;
    }

    #[tokio::test]
    async fn gssapi_is_refused_as_the_table_says() {
        check_plugin("gssapi").await;
    }

    #[tokio::test]
    async fn mysql_old_password_is_refused_as_the_table_says() {
        check_plugin("mysql_old_password").await;
    }

    /// One that a server comes with and nobody has thought of is found by this.
    #[tokio::test]
    async fn every_plugin_that_the_server_has_got_is_in_the_table() {
        let place = Place::new(live::shared());
        for plugin in place.plugins() {
            let mut lines = TABLE.iter().chain(&SECURE_TABLE).chain(&PRIVATE_TABLE);
            assert!(lines.any(|line| line.is_of(plugin)), "no line of {plugin}");
        }
    }
}

#[tokio::test]
async fn private_server_every_plugin_x_channel_x_password_logs_in_or_is_refused_as_the_table_says()
{
    let (authority, server) = tls_server(&["--secure-auth=OFF"], "auth_pam").unwrap();
    let (service, other) = (PamService::for_test(), PamService::for_test());
    let place = Place::new(&server)
        .tls(&authority)
        .pam(service.as_ref(), other.as_ref());
    // The others have servers of their own.
    let lines = TABLE.iter().chain(&PRIVATE_TABLE);
    let lines = lines.filter(|line| !OTHERS.iter().any(|plugin| line.is_of(plugin)));
    Box::pin(check(&place, lines)).await;
}

#[tokio::test]
async fn private_server_parsec_logs_in_or_is_refused_as_the_table_says() {
    check_alone("parsec", "auth_parsec").await;
}

#[tokio::test]
async fn private_server_caching_sha2_password_logs_in_or_is_refused_as_the_table_says() {
    check_alone("caching_sha2_password", "auth_mysql_sha2").await;
}

async fn check_alone(plugin: &str, library: &str) {
    let Ok((authority, server)) = tls_server(&[], library) else {
        return live::not_applicable(&format!("the server has not got the plugin {plugin}"));
    };
    let place = Place::new(&server).tls(&authority);
    Box::pin(check(
        &place,
        TABLE.iter().filter(|line| line.is_of(plugin)),
    ))
    .await;
}

/// The older library of the same plugin, which calls PAM within the server.
#[tokio::test]
async fn private_server_pam_of_the_first_version_logs_in_or_is_refused_as_the_table_says() {
    let (authority, server) = tls_server(&["--secure-auth=OFF"], "auth_pam_v1").unwrap();
    let (service, other) = (PamService::for_test(), PamService::for_test());
    let place = Place::new(&server)
        .tls(&authority)
        .pam(service.as_ref(), other.as_ref());
    Box::pin(check(
        &place,
        PRIVATE_TABLE.iter().filter(|line| line.is_of("pam")),
    ))
    .await;
}

#[tokio::test]
async fn private_server_pam_by_a_password_in_clear_logs_in_or_is_refused_as_the_table_says() {
    let option = "--loose-pam-use-cleartext-plugin=ON";
    let (authority, server) = tls_server(&[option], "auth_pam").unwrap();
    let (service, other) = (PamService::for_test(), PamService::for_test());
    let place = Place::new(&server)
        .tls(&authority)
        .pam(service.as_ref(), other.as_ref());
    Box::pin(check(&place, &CLEAR_TABLE)).await;
}

/// A server with a certificate for its address, and with a library of plugins if there is that one.
fn tls_server(options: &[&str], library: &str) -> Result<(Authority, LiveServer), LiveError> {
    let authority = Authority::new("the tests of logins");
    let identity = authority.issue(&Leaf::server(["127.0.0.1"]));
    let mut builder = LiveServer::builder().tls(&identity);
    for option in options {
        builder = builder.option(*option);
    }
    let server = builder.start().unwrap();
    server.sql(&format!("INSTALL SONAME '{library}'"))?;
    Ok((authority, server))
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
        if let Some(bytes) = name
            .split(' ')
            .next()
            .and_then(|word| word.parse::<usize>().ok())
        {
            assert_eq!(password.len(), bytes, "{name}");
        }
    }
}

/// Runs the lines, prints what came of each, and lists all cells that are not as they should be.
async fn check(place: &Place<'_>, lines: impl IntoIterator<Item = &Line>) {
    let lines: Vec<&Line> = lines.into_iter().collect();
    assert!(!lines.is_empty());
    let server = Server::ask(place);
    let passwords = passwords();
    let names = passwords.each_ref().map(|(name, ..)| (*name).to_owned());
    let mut table = row("plugin", "channel", &names);
    let mut wrong = Vec::new();
    for line in lines {
        let via = line.name();
        if line.lacks_service(place) {
            live::not_applicable("there is no service of PAM");
            continue;
        }
        let has = |channel: &Channel| place.leads(*channel);
        let channels: Vec<Channel> = line.channels.iter().copied().filter(has).collect();
        let mut rows = vec![Vec::new(); channels.len()];
        for ((name, password, given), expected) in passwords.iter().zip(line.cells) {
            let found = line.found(place, &channels, password, given).await;
            for ((channel, row), found) in channels.iter().zip(&mut rows).zip(found) {
                if !expected.allows(&found, server) {
                    let channel = channel.name();
                    wrong.push(format!(
                        "{via}, {channel}, {name}: expected {expected}, found {found}"
                    ));
                }
                row.push(found);
            }
        }
        for (channel, cells) in channels.iter().zip(rows) {
            table += &row(&via, channel.name(), &cells);
        }
    }
    println!("logins to {}:\n{table}", place.server.version());
    assert!(
        wrong.is_empty(),
        "{} wrong cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn row(via: &str, channel: &str, cells: &[String]) -> String {
    let mut row = format!("{via:55} {channel:15}");
    for cell in cells {
        let _ = write!(row, " | {cell:11}");
    }
    row + "\n"
}
