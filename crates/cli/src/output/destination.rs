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

    /// What errors tell of it.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::File(file) => Place {
                path: file.path.clone(),
                keeps_file: file.part.as_ref().is_some_and(|part| part.replaces),
            },
            Self::Stdout => Place {
                path: PathBuf::from("standard output"),
                keeps_file: false,
            },
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

/// What errors tell of a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Whether a file of this name was there, and is as it was until the target is complete.
    pub(crate) keeps_file: bool,
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
    /// Whether a file is there already.
    replaces: bool,
}

impl OutputFile {
    fn create(path: &Path) -> io::Result<Self> {
        let found = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(metadata) if !metadata.is_file() => return Self::open(path),
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let place = end_of_links(path)?;
        if is_of_process(&place)? {
            return Self::open(path);
        }
        let (file, part) = create_part(&place)?;
        let part = Part {
            path: part,
            place,
            replaces: found.is_some(),
        };
        if let Some(metadata) = found {
            file.set_permissions(metadata.permissions())?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            part: Some(part),
        })
    }

    /// What is there is written to, behind what it may have: it may be what a shell has opened.
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: OpenOptions::new().append(true).open(path)?,
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

/// Where `path` leads, whether anything is there or not. What /proc links to is no path, but what a
/// process has open: such a link is the end.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    // The system has followed them all, and takes no more than this.
    for _ in 0..MAX_LINKS {
        if is_of_process(&place)? {
            break;
        }
        let Ok(target) = fs::read_link(&place) else {
            break;
        };
        place = folder(&place).join(target);
    }
    Ok(place)
}

/// Whether it is something that a process has open, such as /dev/stdout is.
fn is_of_process(place: &Path) -> io::Result<bool> {
    Ok(fs::canonicalize(folder(place))?.starts_with("/proc"))
}

fn folder(place: &Path) -> &Path {
    match place.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => place,
    }
}

/// A new file beside `place`. In containers processes have the same number again and again, and one
/// that was killed leaves its file.
fn create_part(place: &Path) -> io::Result<(File, PathBuf)> {
    let mut attempt = 0;
    loop {
        let path = part_path(place, attempt);
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < MAX_PARTS => {
                attempt += 1;
            }
            created => return Ok((created?, path)),
        }
    }
}

fn part_path(place: &Path, attempt: u32) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    if attempt > 0 {
        name.push(format!("-{attempt}"));
    }
    name.push(".part");
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
const MAX_LINKS: u32 = 40;
const MAX_PARTS: u32 = 1000;

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
        assert!(!path.exists() && !target.place().keeps_file);
        target.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(directory.path()), ["out.csv"]);
    }

    #[test]
    fn a_failed_export_leaves_what_was_there_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        fs::write(&path, "before").unwrap();
        let target = write(&path, "half").unwrap();
        assert!(target.place().keeps_file);
        drop(target);
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
    fn a_link_to_no_file_yet_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link.csv");
        std::os::unix::fs::symlink("there.csv", &link).unwrap();
        write(&link, "whole").unwrap().commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let there = directory.path().join("there.csv");
        assert_eq!(fs::read_to_string(there).unwrap(), "whole");
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_has_left_is_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        fs::write(part_path(&path, 0), "left").unwrap();
        write(&path, "whole").unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_to_string(part_path(&path, 0)).unwrap(), "left");
    }

    #[test]
    fn what_a_process_has_open_is_written_to_behind_what_is_there() {
        use std::os::fd::AsRawFd;

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before,").unwrap();
        let link = tempfile::tempdir().unwrap().keep().join("link");
        let open = format!("/proc/self/fd/{}", file.as_raw_fd());
        std::os::unix::fs::symlink(&open, &link).unwrap();
        write(Path::new(&open), "one,").unwrap().commit().unwrap();
        write(&link, "two").unwrap().commit().unwrap();
        let text = io::read_to_string({
            io::Seek::rewind(&mut file).unwrap();
            file
        });
        assert_eq!(text.unwrap(), "before,one,two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let (mut reader, writer) = io::pipe().unwrap();
        let open = format!("/dev/fd/{}", writer.as_raw_fd());
        drop(write(Path::new(&open), "piped").unwrap());
        drop(writer);
        let mut text = String::new();
        io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(text, "piped");
        fs::remove_dir_all(link.parent().unwrap()).unwrap();
    }

    #[test]
    fn devices_are_written_to_as_they_are() {
        let full = Target::of_path(Path::new("/dev/full")).unwrap();
        assert!(!full.place().keeps_file);
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
