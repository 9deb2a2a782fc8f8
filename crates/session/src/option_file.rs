//! [Option files](https://mariadb.com/docs/server/server-management/install-and-upgrade-mariadb/configuring-mariadb/configuring-mariadb-with-option-files)
//! of MariaDB's programs (`my.cnf`).

mod ignored;
mod line;

use std::path::{Path, PathBuf};

use crate::config::{Options, Source};
use crate::{ConfigBuilder, ConfigError, Error};
use line::Line;

/// Which option files are to be read, and which of their groups.
///
/// The files are read in their order, and what is given later counts. Options that the driver does
/// not know are errors, unless their names begin with `loose-` or they concern only what programs
/// show.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct OptionFiles {
    files: Vec<OptionFile>,
    groups: Vec<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct OptionFile {
    path: PathBuf,
    may_be_missing: bool,
}

/// What reads option files.
pub trait OptionFileSource {
    /// The text of the file at `path`; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::LocalIo`] if it cannot be read, or must not be trusted.
    fn read(&mut self, path: &Path) -> Result<Option<String>, Error>;

    /// The paths of the files in the directory at `path`, in any order.
    ///
    /// # Errors
    /// [`Error::LocalIo`] if it cannot be read.
    fn list(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error>;
}

impl OptionFiles {
    /// No files yet, and the groups `client`, `client-server` and `client-mariadb`.
    pub fn new() -> Self {
        Self {
            files: Vec::new(),
            groups: DEFAULT_GROUPS.map(str::to_owned).into(),
        }
    }

    /// A further file, which must exist.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(OptionFile {
            path: path.into(),
            may_be_missing: false,
        });
        self
    }

    /// A further file, if it exists.
    pub fn file_if_exists(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(OptionFile {
            path: path.into(),
            may_be_missing: true,
        });
        self
    }

    /// A further group, such as the name of a program.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }

    /// Sets the options of the files, which `source` reads, in `builder`.
    ///
    /// # Errors
    /// [`Error::Config`] names the file and the line, and never shows a value; [`Error::LocalIo`] if a
    /// file cannot be read.
    pub fn apply(
        &self,
        builder: ConfigBuilder,
        source: &mut dyn OptionFileSource,
    ) -> Result<ConfigBuilder, Error> {
        let mut reader = Reader {
            source,
            groups: &self.groups,
            options: Options::new(builder, Source::File),
            files: 0,
        };
        for file in &self.files {
            match reader.source.read(&file.path)? {
                Some(text) => reader.read(&file.path, &text, 0)?,
                None if file.may_be_missing => {}
                None => return Err(missing(&file.path)),
            }
        }
        Ok(reader.options.finish()?)
    }
}

impl Default for OptionFiles {
    fn default() -> Self {
        Self::new()
    }
}

struct Reader<'a> {
    source: &'a mut dyn OptionFileSource,
    groups: &'a [String],
    options: Options,
    files: usize,
}

impl Reader<'_> {
    /// Reads one file and those that it includes, where it includes them.
    fn read(&mut self, path: &Path, text: &str, depth: usize) -> Result<(), Error> {
        self.files += 1;
        let mut group = None;
        for (index, text) in text.lines().enumerate() {
            let in_file = |source| ConfigError::OptionFile {
                file: path.to_owned(),
                line: index + 1,
                source: Box::new(source),
            };
            let line = match line::parse(text) {
                Ok(line) => line,
                // Programs that know the group may know the line.
                Err(_) if group == Some(false) => continue,
                Err(reason) => return Err(in_file(ConfigError::InvalidLine { reason }).into()),
            };
            let is_include = matches!(line, Line::Include(_) | Line::IncludeDir(_));
            if is_include && (depth == MAX_DEPTH || self.files >= MAX_FILES) {
                let reason = "it includes too many files, one inside another";
                return Err(in_file(ConfigError::InvalidLine { reason }).into());
            }
            match line {
                Line::Empty => {}
                Line::Group(name) => group = Some(self.is_wanted(name)),
                Line::Include(path) => self.include(Path::new(path), depth + 1)?,
                Line::IncludeDir(path) => self.include_dir(Path::new(path), depth + 1)?,
                Line::Option { name, value } => match group {
                    Some(true) => self.set(name, value.as_deref()).map_err(in_file)?,
                    Some(false) => {}
                    None => {
                        let reason = "it must follow a group, such as [client]";
                        return Err(in_file(ConfigError::InvalidLine { reason }).into());
                    }
                },
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        let text = self.source.read(path)?.ok_or_else(|| missing(path))?;
        self.read(path, &text, depth)
    }

    /// Includes the files of a directory whose names end as those of option files do, in the order
    /// of their names.
    fn include_dir(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        let mut files = self.source.list(path)?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "cnf"));
        files.sort();
        if self.files + files.len() > MAX_FILES {
            return Err(Error::LocalIo {
                action: format!("read the option files in {}", path.display()),
                source: std::io::Error::other("there are more than 1000"),
            });
        }
        files.iter().try_for_each(|path| self.include(path, depth))
    }

    fn is_wanted(&self, group: &str) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|wanted| wanted.eq_ignore_ascii_case(group))
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ConfigError> {
        let loose = ["loose-", "loose_"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        let name = loose.unwrap_or(name);
        if ignored::is_ignored(name) {
            return Ok(());
        }
        match self.options.set(name, value) {
            Err(ConfigError::UnknownOption { .. }) if loose.is_some() => Ok(()),
            result => result,
        }
    }
}

fn missing(path: &Path) -> Error {
    Error::LocalIo {
        action: format!("read the option file {}", path.display()),
        source: std::io::ErrorKind::NotFound.into(),
    }
}

/// Those that every client of MariaDB reads.
const DEFAULT_GROUPS: [&str; 3] = ["client", "client-server", "client-mariadb"];
/// How deep files may include one another.
const MAX_DEPTH: usize = 10;
/// How many files are read in all.
const MAX_FILES: usize = 1000;

#[cfg(test)]
mod tests;
