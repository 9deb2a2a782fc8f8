//! `otaria ping`.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use otaria::{Capabilities, Connection, PasswordProblem, ServerVersion, TlsInfo, TlsProof};

use crate::arguments::PingArguments;
use crate::failure::Failure;
use crate::login;
use crate::redaction::without_controls;
use crate::signals::Signals;

pub(crate) async fn run(arguments: &PingArguments, signals: &mut Signals) -> Result<(), Failure> {
    Box::pin(signals.unless_any(ping(arguments))).await
}

async fn ping(arguments: &PingArguments) -> Result<(), Failure> {
    let config = login::configuration(arguments.url.as_deref(), &arguments.login)?;
    let start = Instant::now();
    let mut connection = login::connect(&config, &arguments.login).await?;
    let connected = start.elapsed();
    let user: (String,) = connection.query_one("SELECT CURRENT_USER()", ()).await?;
    let mut trips = Vec::new();
    for _ in 0..arguments.count {
        let start = Instant::now();
        connection.ping().await?;
        trips.push(start.elapsed());
    }
    let text = report(&connection, &user.0, connected, &trips);
    let written = stdout().write_all(without_controls(&text).as_bytes());
    written.map_err(|source| Failure::local("write to", Path::new("standard output"), source))?;
    Ok(connection.close().await?)
}

fn report(connection: &Connection, user: &str, connected: Duration, trips: &[Duration]) -> String {
    let version = connection.server_version().map(version).unwrap_or_default();
    let thread = connection.thread_id();
    let database = connection.config().database().unwrap_or("none");
    let lines = [
        ("server", version),
        (
            "address",
            format!("{}, connection {thread}", connection.endpoint()),
        ),
        ("user", user.to_owned()),
        ("database", database.to_owned()),
        (
            "TLS",
            connection
                .tls()
                .map_or_else(|| "none".to_owned(), encryption),
        ),
        ("proof", proof(connection.tls())),
        ("can do", capabilities(connection.capabilities())),
        ("connecting", format!("{connected:.1?}")),
        ("round trip", round_trips(trips)),
    ];
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:<12}{value}");
        text
    })
}

fn version(version: &ServerVersion) -> String {
    let product = if version.is_mariadb {
        "MariaDB"
    } else {
        "MySQL"
    };
    let ServerVersion {
        major,
        minor,
        patch,
        raw,
        ..
    } = version;
    format!("{product} {major}.{minor}.{patch} ({raw})")
}

fn encryption(tls: &TlsInfo) -> String {
    let resumed = if tls.resumed { ", resumed" } else { "" };
    format!("{}, {}{resumed}", tls.version, tls.cipher_suite)
}

/// How the server has proven who it is, or why it has not.
fn proof(tls: Option<&TlsInfo>) -> String {
    let Some(tls) = tls else {
        return "none: what is sent can be read and changed on the way, unless that is a Unix socket"
            .to_owned();
    };
    match &tls.proof {
        TlsProof::Certificate => "a certificate for its name from a trusted authority".to_owned(),
        TlsProof::CertificateAuthority => {
            "a certificate from a trusted authority; its name was not compared".to_owned()
        }
        TlsProof::Fingerprint => "a certificate with the fingerprint that was asked for".to_owned(),
        TlsProof::Password => "it knows the password (MariaDB's zero-configuration TLS)".to_owned(),
        TlsProof::LocalSocket => "it is on this machine: a Unix socket".to_owned(),
        TlsProof::Unproven {
            certificate,
            password,
        } => format!(
            "NOT PROVEN, somebody may stand between. The certificate: {certificate}. The password: {}",
            without_proof(*password)
        ),
        _ => "of a kind that this version of otaria does not know".to_owned(),
    }
}

const fn without_proof(problem: PasswordProblem) -> &'static str {
    match problem {
        PasswordProblem::NotWanted => "its proof was not to be used",
        PasswordProblem::NothingToProve => "there is none, or its plugin proves nothing",
        PasswordProblem::NotSent => "the server sends no proof (MariaDB does from 11.4 on)",
        PasswordProblem::Mismatch => "THE PROOF IS FOR ANOTHER CERTIFICATE OR PASSWORD",
        _ => "it proves nothing",
    }
}

fn capabilities(capabilities: Capabilities) -> String {
    let known = [
        (
            Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS,
            "bulk execution",
        ),
        (
            Capabilities::MARIADB_CLIENT_EXTENDED_METADATA,
            "extended types",
        ),
        (
            Capabilities::MARIADB_CLIENT_CACHE_METADATA,
            "cached metadata",
        ),
        (
            Capabilities::MARIADB_CLIENT_BULK_UNIT_RESULTS,
            "ids of bulk rows",
        ),
        (Capabilities::MARIADB_CLIENT_PROGRESS, "progress reports"),
        (Capabilities::SESSION_TRACK, "session tracking"),
        (Capabilities::COMPRESS, "compression"),
        (Capabilities::LOCAL_FILES, "LOAD DATA LOCAL"),
    ];
    let names: Vec<&str> = known
        .into_iter()
        .filter(|(capability, _)| capabilities.contains(*capability))
        .map(|(_, name)| name)
        .collect();
    if names.is_empty() {
        "nothing beyond the plain protocol".to_owned()
    } else {
        names.join(", ")
    }
}

/// The shortest, the one in the middle and the longest.
fn round_trips(trips: &[Duration]) -> String {
    let mut sorted = trips.to_vec();
    sorted.sort_unstable();
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(least), Some(median), Some(most)) => format!(
            "{least:.1?} at least, {median:.1?} in the middle, {most:.1?} at most, of {}",
            sorted.len()
        ),
        _ => "not timed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_told_by_least_median_and_most() {
        let trips = [3, 1, 2].map(Duration::from_millis);
        let expected = "1.0ms at least, 2.0ms in the middle, 3.0ms at most, of 3";
        assert_eq!(round_trips(&trips), expected);
        assert_eq!(round_trips(&[]), "not timed");
    }
}
