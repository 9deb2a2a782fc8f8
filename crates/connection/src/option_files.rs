use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use otaria_session::{ConfigBuilder, Error, OptionFileSource, OptionFiles};

/// The option files that MariaDB's programs read, where there are any: `/etc/my.cnf`,
/// `/etc/mysql/my.cnf`, `my.cnf` in the directory `$MARIADB_HOME` (or `$MYSQL_HOME`), and
/// `.my.cnf` in the user's home directory.
pub fn standard_option_files() -> OptionFiles {
    standard_files(|name| std::env::var_os(name))
}

/// Sets the options of the files `files` in `builder`, over those that it has.
///
/// ```no_run
/// # use otaria_connection::{Config, Error, read_option_files, standard_option_files};
/// let files = standard_option_files().group("shop");
/// let config = read_option_files(&files, Config::builder())?.database("shop").build()?;
/// # Ok::<(), Error>(())
/// ```
///
/// The thread waits for the files to be read.
///
/// # Errors
/// [`Error::Config`] names the file and the line that cannot be used, and never shows a value.
/// [`Error::LocalIo`] if a file cannot be read, is longer than 1 MiB, or may be written by everybody:
/// whoever can write it can send the connection elsewhere.
pub fn read_option_files(
    files: &OptionFiles,
    builder: ConfigBuilder,
) -> Result<ConfigBuilder, Error> {
    files.apply(builder, &mut FileSystem)
}

fn standard_files(variable: impl Fn(&str) -> Option<OsString>) -> OptionFiles {
    let directory = |name| {
        variable(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let mut files = OptionFiles::new()
        .file_if_exists("/etc/my.cnf")
        .file_if_exists("/etc/mysql/my.cnf");
    if let Some(home) = directory("MARIADB_HOME").or_else(|| directory("MYSQL_HOME")) {
        files = files.file_if_exists(home.join("my.cnf"));
    }
    if let Some(home) = directory("HOME") {
        files = files.file_if_exists(home.join(".my.cnf"));
    }
    files
}

/// The files of this machine.
struct FileSystem;

impl OptionFileSource for FileSystem {
    fn read(&mut self, path: &Path) -> Result<Option<String>, Error> {
        match read_file(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(source) => Err(Error::LocalIo {
                action: format!("read the option file {}", path.display()),
                source,
            }),
        }
    }

    fn list(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let entries = path.read_dir().and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect()
        });
        entries.map_err(|source| Error::LocalIo {
            action: format!("read the directory of option files {}", path.display()),
            source,
        })
    }
}

/// Whether it says that there is no such file: not even its directory is one, where `$HOME` is
/// `/dev/null`.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn read_file(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & WRITABLE_BY_ALL != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "everybody may write to it (chmod o-w takes that back)",
        ));
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is longer than 1 MiB",
        ));
    }
    Ok(text)
}

/// The bit of a file's mode that lets everybody write to it.
const WRITABLE_BY_ALL: u32 = 0o002;
/// No option file is longer.
const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs::{self, Permissions};

    use otaria_session::Config;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        set_mode(path, 0o600);
    }

    fn read(path: &Path) -> Result<ConfigBuilder, Error> {
        read_option_files(&OptionFiles::new().file(path), Config::builder())
    }

    #[test]
    fn files_and_the_directories_they_include_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("my.cnf");
        let included = directory.path().join("conf.d");
        fs::create_dir(&included).unwrap();
        let include = format!("!includedir {}\n", included.display());
        write(&main, &format!("[client]\nuser=a\n{include}"));
        write(&included.join("b.cnf"), "[client]\ndatabase=b\n");
        write(&included.join("a.cnf"), "[client]\ndatabase=a\n");
        let config = read(&main).unwrap().build().unwrap();
        assert_eq!((config.user(), config.database()), ("a", Some("b")));
    }

    #[test]
    fn a_file_that_everybody_may_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("my.cnf");
        write(&path, "[client]\n");
        assert!(read(&path).is_ok());
        set_mode(&path, 0o666);
        let error = read(&path).unwrap_err();
        let text = format!("cannot read the option file {}", path.display());
        assert_eq!(error.to_string(), text);
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with("everybody may write"), "{cause}");
    }

    #[test]
    fn a_file_that_is_missing_too_long_or_no_text_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("my.cnf");
        assert!(matches!(read(&path), Err(Error::LocalIo { .. })));
        write(&path, &"#".repeat((1 << 20) + 1));
        assert!(matches!(read(&path), Err(Error::LocalIo { .. })));
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path), Err(Error::LocalIo { .. })));
        write(&path, &"#".repeat(1 << 20));
        assert!(read(&path).is_ok());
    }

    #[test]
    fn a_home_that_is_no_directory_has_no_option_file() {
        let path = "/dev/null/.my.cnf";
        let files = OptionFiles::new().file_if_exists(path);
        assert!(read_option_files(&files, Config::builder()).is_ok());
        assert!(matches!(read(Path::new(path)), Err(Error::LocalIo { .. })));
    }

    #[test]
    fn the_standard_files_are_those_of_mariadbs_programs() {
        let home = |name: &str| (name != "MARIADB_HOME").then(|| format!("/{name}").into());
        let expected = OptionFiles::new()
            .file_if_exists("/etc/my.cnf")
            .file_if_exists("/etc/mysql/my.cnf")
            .file_if_exists("/MYSQL_HOME/my.cnf")
            .file_if_exists("/HOME/.my.cnf");
        assert_eq!(standard_files(home), expected);
        let system = OptionFiles::new()
            .file_if_exists("/etc/my.cnf")
            .file_if_exists("/etc/mysql/my.cnf");
        assert_eq!(standard_files(|_| None), system);
    }
}
