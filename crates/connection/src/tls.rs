//! The files of TLS.

use otaria_session::{Config, Error, Pem, TlsContext, TlsMaterial};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::files::read_file_now;

/// What the TLS of all connections of `config` shares. Its files, or those of the system, are read
/// when it is first needed.
pub(crate) async fn context(config: &Config) -> Result<TlsContext, Error> {
    if let Some(context) = config.tls_context() {
        return Ok(context.clone());
    }
    let config = config.clone();
    let read = spawn_blocking(move || {
        let context = TlsContext::new(&config, &material(&config)?)?;
        Ok(config.keep_tls_context(context).clone())
    });
    read.await.unwrap_or_else(|error| {
        Err(Error::Io {
            action: "read the files of TLS".to_owned(),
            source: error.into(),
        })
    })
}

fn material(config: &Config) -> Result<TlsMaterial, Error> {
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
