//! The files that options name.

use std::path::{Path, PathBuf};

use otaria_session::Error;
use tokio::task::spawn_blocking;

/// The content of the file that `option` names, read where it holds up nobody.
pub(crate) async fn read_file(option: &'static str, path: PathBuf) -> Result<Vec<u8>, Error> {
    let read = spawn_blocking(move || read_file_now(option, &path));
    read.await.unwrap_or_else(|error| {
        // The runtime is shutting down.
        Err(Error::LocalIo {
            action: format!("read the file of {option}"),
            source: error.into(),
        })
    })
}

/// The content of the file that `option` names.
pub(crate) fn read_file_now(option: &str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::LocalIo {
        action: format!("read the file of {option}, {}", path.display()),
        source,
    })
}
