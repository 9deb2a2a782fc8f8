//! Where the server's programs are.

use std::env;
use std::path::{Path, PathBuf};

use super::LiveError;

/// What it takes to start a server.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) server: PathBuf,
    pub(super) install: PathBuf,
    /// The top of an unpacked tarball, which the programs must be told.
    pub(super) base_directory: Option<PathBuf>,
}

impl Programs {
    /// Those of the `mariadbd` that `OTARIA_MARIADBD` names, else the installed ones.
    pub(super) fn find() -> Result<Self, LiveError> {
        let Some(named) = env::var_os("OTARIA_MARIADBD").map(PathBuf::from) else {
            let server = installed("mariadbd", "mariadb-server")?;
            return Ok(Self {
                server,
                install: install()?,
                base_directory: None,
            });
        };
        let server = named
            .canonicalize()
            .map_err(|_| LiveError::MissingProgram {
                program: named.display().to_string(),
                package: "mariadb-server",
            })?;
        let base_directory = server.ancestors().nth(2);
        let scripts = base_directory.map(|base| base.join("scripts").join(INSTALL));
        match scripts.filter(|path| path.is_file()) {
            Some(install) => {
                let base_directory = base_directory.map(Path::to_path_buf);
                Ok(Self {
                    server,
                    install,
                    base_directory,
                })
            }
            None => Ok(Self {
                server,
                install: install()?,
                base_directory: None,
            }),
        }
    }
}

/// The command-line client.
pub(super) fn client() -> Result<PathBuf, LiveError> {
    installed("mariadb", "mariadb-client")
}

fn install() -> Result<PathBuf, LiveError> {
    installed(INSTALL, "mariadb-server")
}

fn installed(program: &str, package: &'static str) -> Result<PathBuf, LiveError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(DIRECTORIES.map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| LiveError::MissingProgram {
            program: program.to_owned(),
            package,
        })
}

const INSTALL: &str = "mariadb-install-db";

/// Debian puts the server where the `PATH` of most accounts does not lead.
const DIRECTORIES: [&str; 6] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/mysql/bin",
    "/usr/local/mysql/scripts",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_names_the_package_and_the_variables() {
        let message = installed("mariadb-of-nowhere", "mariadb-server")
            .unwrap_err()
            .to_string();
        for part in [
            "mariadb-of-nowhere",
            "apt-get install mariadb-server",
            "OTARIA_TEST_URL",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
