//! Where the bytes of an export go.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where an export goes, once it is complete.
#[derive(Debug)]
pub(crate) enum Target {
    File(OutputFile),
    Stdout,
}

impl Target {
    pub(crate) fn of_path(path: &Path) -> io::Result<Self> {
        OutputFile::create(path).map(Self::File)
    }

    /// What to write to.
    pub(crate) fn destination(&self) -> io::Result<Destination> {
        Ok(match self {
            Self::File(file) => Destination::new(file.file.try_clone()?),
            Self::Stdout => Destination::new(io::stdout()),
        })
    }

    /// What it is called in errors.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(file) => &file.path,
            Self::Stdout => Path::new("standard output"),
        }
    }

    /// Puts a file that is complete in its place.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.commit(),
            Self::Stdout => Ok(()),
        }
    }
}

/// A file that takes its name, and the place of one that was there, only when it is complete: until
/// then it is called `.NAME.PROCESS.part` and stands beside it. What is no regular file, such as a
/// device or a named pipe, is written to as it is.
#[derive(Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
    file: File,
    part: Option<Part>,
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// Behind symbolic links, which stay what they are.
    place: PathBuf,
}

impl OutputFile {
    fn create(path: &Path) -> io::Result<Self> {
        let place = match fs::canonicalize(path) {
            Ok(place) => {
                let metadata = fs::metadata(&place)?;
                if metadata.is_dir() {
                    return Err(io::Error::from(io::ErrorKind::IsADirectory));
                }
                if !metadata.is_file() {
                    return Self::open(path);
                }
                place
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let part = part_path(&place);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&part)?;
        let part = Part { path: part, place };
        if let Ok(metadata) = fs::metadata(&part.place) {
            file.set_permissions(metadata.permissions())?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            part: Some(part),
        })
    }

    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: OpenOptions::new().write(true).open(path)?,
            part: None,
        })
    }

    fn commit(self) -> io::Result<()> {
        let Some(part) = &self.part else {
            return Ok(());
        };
        // A disk may be full only when it is written to.
        self.file.sync_all()?;
        fs::rename(&part.path, &part.place)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Once it has its name it is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}

fn part_path(place: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    place.with_file_name(name)
}

/// What the writers of the formats write to. It counts.
pub(crate) struct Destination {
    inner: BufWriter<Box<dyn Write + Send>>,
    bytes: Arc<AtomicU64>,
}

impl Destination {
    pub(crate) fn new(inner: impl Write + Send + 'static) -> Self {
        Self {
            inner: BufWriter::with_capacity(BUFFER_BYTES, Box::new(inner)),
            bytes: Arc::default(),
        }
    }

    /// How many bytes have been written, to be read at any time.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let count = u64::try_from(written).unwrap_or(u64::MAX);
        self.bytes.fetch_add(count, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

const BUFFER_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<Target> {
        let target = Target::of_path(path)?;
        let mut destination = target.destination()?;
        destination.write_all(text.as_bytes())?;
        destination.flush()?;
        Ok(target)
    }

    fn names(directory: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let target = write(&path, "whole").unwrap();
        assert!(!path.exists());
        target.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(directory.path()), ["out.csv"]);
    }

    #[test]
    fn a_failed_export_leaves_what_was_there_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        fs::write(&path, "before").unwrap();
        drop(write(&path, "half").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(names(directory.path()), ["out.csv"]);
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_mode_and_the_links_to_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let link = directory.path().join("link.csv");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write(&link, "after").unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn devices_are_written_to_as_they_are() {
        let full = Target::of_path(Path::new("/dev/full")).unwrap();
        let mut destination = full.destination().unwrap();
        let error = destination.write(b"x").and_then(|_| destination.flush());
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(Path::new("/dev/full").exists());
    }

    #[test]
    fn a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = Target::of_path(directory.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        let nowhere = directory.path().join("nowhere/out.csv");
        let error = Target::of_path(&nowhere).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
