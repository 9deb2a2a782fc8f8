//! The authentication plugins of a configuration.

use std::sync::Arc;

#[cfg(feature = "rsa")]
use otaria_auth::{CachingSha2Password, Sha256Password};
use otaria_auth::{ClearPassword, Dialog, PluginRegistry};

use super::settings::Authentication;
#[cfg(feature = "rsa")]
use crate::{ConfigError, Pem};

/// Those that the configuration allows.
pub(super) fn allowed(authentication: &Authentication) -> PluginRegistry {
    let all = unrestricted(authentication);
    match &authentication.restrict_auth {
        Some(names) => all.restricted_to(names),
        None => all,
    }
}

/// Those that there are, whatever the configuration restricts itself to.
pub(super) fn unrestricted(authentication: &Authentication) -> PluginRegistry {
    let mut built_in = PluginRegistry::default();
    if authentication.clear_password {
        built_in = built_in
            .with(Arc::new(ClearPassword))
            .with(Arc::new(Dialog));
    }
    #[cfg(feature = "rsa")]
    let built_in = with_public_keys(built_in, authentication);
    let added = authentication.plugins.iter();
    added.fold(built_in, |registry, factory| {
        registry.with(Arc::clone(factory))
    })
}

/// `registry`, with plugins that may encrypt the password with the server's public key. One that is
/// in a file still is none: a shell reads it first.
#[cfg(feature = "rsa")]
fn with_public_keys(registry: PluginRegistry, authentication: &Authentication) -> PluginRegistry {
    let (mut caching_sha2, mut sha256) =
        (CachingSha2Password::default(), Sha256Password::default());
    if authentication.public_key_retrieval {
        caching_sha2 = caching_sha2.with_public_key_retrieval();
        sha256 = sha256.with_public_key_retrieval();
    }
    if let Some(Pem::Bytes(pem)) = &authentication.server_public_key {
        // It was checked when the configuration was built.
        if let (Ok(caching_sha2_of_key), Ok(sha256_of_key)) = (
            caching_sha2.clone().with_public_key(pem),
            sha256.clone().with_public_key(pem),
        ) {
            (caching_sha2, sha256) = (caching_sha2_of_key, sha256_of_key);
        }
    }
    registry.with(Arc::new(caching_sha2)).with(Arc::new(sha256))
}

/// Whether `pem` is a public key that a password can be encrypted with.
#[cfg(feature = "rsa")]
pub(super) fn check_public_key(pem: &Pem) -> Result<(), ConfigError> {
    match pem {
        Pem::File(_) => Ok(()),
        Pem::Bytes(pem) => Sha256Password::default()
            .with_public_key(pem)
            .map(|_| ())
            .map_err(|_| ConfigError::InvalidOption {
                option: "server_public_key",
                expected: "an RSA public key in PEM (BEGIN PUBLIC KEY) of 2048 to 8192 bits",
            }),
    }
}
