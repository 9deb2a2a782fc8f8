//! The files of TLS.

use std::time::UNIX_EPOCH;

use otaria_session::{Config, Error, Pem, TlsContext, TlsMaterial};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::files::read_file_now;

/// Makes sure, before anything is sent, that the files of TLS are what they should be, if there are
/// any.
pub(crate) async fn check_files(config: &Config) -> Result<(), Error> {
    if files(config).next().is_some() {
        context(config).await?;
    }
    Ok(())
}

/// What the TLS of all connections of `config` shares. Its files, or those of the system, are read
/// when it is first needed, and again when one of its own has changed.
pub(crate) async fn context(config: &Config) -> Result<TlsContext, Error> {
    if files(config).next().is_none()
        && let Some(context) = config.tls_context()
    {
        return Ok(context);
    }
    let config = config.clone();
    let read = spawn_blocking(move || {
        let version = version(&config);
        if let Some(context) = config.tls_context()
            && context.version() == version
        {
            return Ok(context);
        }
        let context = TlsContext::new(&config, &material(&config, version)?)?;
        config.keep_tls_context(context.clone());
        Ok(context)
    });
    read.await.unwrap_or_else(|error| {
        // The runtime is shutting down.
        Err(Error::LocalIo {
            action: "read the files of TLS".to_owned(),
            source: error.into(),
        })
    })
}

fn files(config: &Config) -> impl Iterator<Item = &Pem> {
    [config.ssl_ca(), config.ssl_cert(), config.ssl_key()]
        .into_iter()
        .flatten()
        .filter(|pem| matches!(pem, Pem::File(_)))
}

/// When the files were changed, and how long they are. What cannot be told is told by reading them.
fn version(config: &Config) -> Vec<u128> {
    files(config)
        .flat_map(|pem| {
            let metadata = match pem {
                Pem::File(path) => std::fs::metadata(path).ok(),
                Pem::Bytes(_) => None,
            };
            let length = metadata.as_ref().map_or(0, std::fs::Metadata::len);
            let changed = metadata.and_then(|metadata| metadata.modified().ok());
            let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let changed = changed.map_or(0, |time| time.as_nanos());
            [u128::from(length), changed]
        })
        .collect()
}

fn material(config: &Config, version: Vec<u128>) -> Result<TlsMaterial, Error> {
    let ca = config.ssl_ca().map(|pem| read("ssl_ca", pem)).transpose()?;
    let certificate = config.ssl_cert();
    let key = config.ssl_key();
    Ok(TlsMaterial {
        system_roots: match (&ca, config.ssl_fingerprints()) {
            (None, []) => system_roots(),
            _ => Vec::new(),
        },
        ca,
        certificate: certificate.map(|pem| read("ssl_cert", pem)).transpose()?,
        key: key
            .map(|pem| read("ssl_key", pem))
            .transpose()?
            .map(Zeroizing::new),
        version,
    })
}

fn read(option: &'static str, pem: &Pem) -> Result<Vec<u8>, Error> {
    match pem {
        Pem::File(path) => read_file_now(option, path),
        Pem::Bytes(bytes) => Ok(bytes.to_vec()),
    }
}

/// The authorities that the system trusts. It may have none: a server can still prove itself by
/// the password.
fn system_roots() -> Vec<Vec<u8>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|der| der.to_vec()).collect()
}
