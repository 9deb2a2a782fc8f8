//! What a configuration must be to be of use.

use std::time::Duration;

use super::session_settings::{is_collation, is_time_zone};
use super::settings::{Authentication, Settings, Tls};
use super::{Endpoint, Pem, SslMode, auth_plugins};
use crate::ConfigError;

/// Checks what the types of the settings leave open.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    check_names(settings)?;
    check_endpoints(&settings.endpoints)?;
    check_limits(settings)?;
    check_attributes(&settings.attributes)?;
    check_session_settings(settings)?;
    check_tls(&settings.tls)?;
    check_authentication(&settings.authentication)
}

fn check_names(settings: &Settings) -> Result<(), ConfigError> {
    let database = settings.database.as_deref().unwrap_or_default();
    for (option, value) in [("user", settings.user.as_str()), ("database", database)] {
        require(!value.contains('\0'), option, "no NUL character")?;
    }
    Ok(())
}

fn check_endpoints(endpoints: &[Endpoint]) -> Result<(), ConfigError> {
    for endpoint in endpoints {
        require(!endpoint.has_port_0(), "port", "a number from 1 to 65535")?;
        let option = match endpoint {
            Endpoint::Tcp { .. } => "host",
            Endpoint::UnixSocket(_) => "socket",
        };
        require(!endpoint.is_nowhere(), option, "not empty")?;
    }
    let count = endpoints.len();
    require(count <= MAX_ENDPOINTS, "host", "given at most 100 times")
}

fn check_limits(settings: &Settings) -> Result<(), ConfigError> {
    require(
        settings.max_payload_bytes >= MIN_PAYLOAD_BYTES,
        "max_payload_bytes",
        "at least 1024",
    )?;
    require(
        settings.tcp_keepalive.is_none_or(is_keepalive),
        "tcp_keepalive",
        "whole seconds, from 1s to 32767s, or 0",
    )
}

fn check_attributes(attributes: &[(String, String)]) -> Result<(), ConfigError> {
    let lengths = attributes
        .iter()
        .map(|(name, value)| name.len() + value.len() + 18);
    require(
        lengths.sum::<usize>() <= MAX_ATTRIBUTES_BYTES,
        "attribute",
        "at most 60000 bytes of names and values in all",
    )
}

fn check_session_settings(settings: &Settings) -> Result<(), ConfigError> {
    require(
        settings.collation.as_deref().is_none_or(is_collation),
        "collation",
        "the name of a collation of utf8mb4, such as utf8mb4_unicode_ci, for no text is \
         exchanged in another character set",
    )?;
    require(
        settings.time_zone.as_deref().is_none_or(is_time_zone),
        "time_zone",
        "an offset such as +02:00 or a name such as Europe/Helsinki",
    )
}

fn check_tls(tls: &Tls) -> Result<(), ConfigError> {
    let given = [
        ("ssl_ca", tls.ca.is_some()),
        ("ssl_cert", tls.cert.is_some()),
        ("ssl_key", tls.key.is_some()),
        ("ssl_fingerprint", !tls.fingerprints.is_empty()),
    ];
    let given = given.into_iter().filter(|(_, is_given)| *is_given);
    for (option, _) in given {
        require(
            tls.mode != Some(SslMode::Disable),
            option,
            "left out where ssl_mode is disable",
        )?;
        require_tls(option)?;
    }
    if tls.effective_mode().is_required() {
        require_tls("ssl_mode")?;
    }
    require(
        tls.ca.is_none() || tls.fingerprints.is_empty(),
        "ssl_fingerprint",
        "left out where ssl_ca is given: one or the other proves the server",
    )?;
    match (&tls.cert, &tls.key) {
        (Some(_), None) => require(false, "ssl_cert", "given along with ssl_key"),
        (None, Some(_)) => require(false, "ssl_key", "given along with ssl_cert"),
        _ => Ok(()),
    }?;
    for (option, pem) in [
        ("ssl_ca", &tls.ca),
        ("ssl_cert", &tls.cert),
        ("ssl_key", &tls.key),
    ] {
        require(!is_empty(pem.as_ref()), option, "not empty")?;
    }
    Ok(())
}

fn check_authentication(authentication: &Authentication) -> Result<(), ConfigError> {
    require(
        !is_empty(authentication.server_public_key.as_ref()),
        "server_public_key",
        "not empty",
    )?;
    #[cfg(feature = "rsa")]
    if let Some(pem) = &authentication.server_public_key {
        auth_plugins::check_public_key(pem)?;
    }
    #[cfg(not(feature = "rsa"))]
    for (option, is_given) in [
        ("public_key_retrieval", authentication.public_key_retrieval),
        (
            "server_public_key",
            authentication.server_public_key.is_some(),
        ),
    ] {
        if is_given {
            let feature = "rsa";
            return Err(ConfigError::FeatureNeeded { option, feature });
        }
    }
    let Some(names) = &authentication.restrict_auth else {
        return Ok(());
    };
    let all = auth_plugins::unrestricted(authentication);
    require(
        !names.is_empty() && names.iter().all(|name| all.find(name).is_some()),
        "restrict_auth",
        "the names of authentication plugins that the configuration allows",
    )
}

fn require(is_met: bool, option: &'static str, expected: &'static str) -> Result<(), ConfigError> {
    if is_met {
        Ok(())
    } else {
        Err(ConfigError::InvalidOption { option, expected })
    }
}

/// That this build can do what `option` asks for.
const fn require_tls(option: &'static str) -> Result<(), ConfigError> {
    if cfg!(feature = "tls") {
        Ok(())
    } else {
        Err(ConfigError::FeatureNeeded {
            option,
            feature: "tls",
        })
    }
}

fn is_empty(pem: Option<&Pem>) -> bool {
    pem.is_some_and(|pem| match pem {
        Pem::File(path) => path.as_os_str().is_empty(),
        Pem::Bytes(bytes) => bytes.is_empty(),
    })
}

/// Whether operating systems take it: they count whole seconds, Linux up to 32,767.
fn is_keepalive(time: Duration) -> bool {
    time.subsec_nanos() == 0 && (1..=32_767).contains(&time.as_secs())
}

/// No list of hosts is longer, and each is told in the error.
const MAX_ENDPOINTS: usize = 100;
/// Less than this cannot hold an error message.
const MIN_PAYLOAD_BYTES: usize = 1024;
/// A server refuses the login ("Bad handshake") if they take 64 KiB.
const MAX_ATTRIBUTES_BYTES: usize = 60_000;
