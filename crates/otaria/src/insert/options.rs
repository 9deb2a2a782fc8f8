use std::num::NonZeroU64;

use otaria_arrow::write::{LoadDuplicates, NonFinite, OnDuplicate, SubMicroseconds, WriteOptions};

/// What becomes of a table and of the rows that are in it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum InsertMode {
    /// Rows are added to a table that is there. A key that is in it already is an error.
    #[default]
    Append,
    /// A table is made for the schema, and the rows are added to it. That the table is there already is
    /// an error. Not in a transaction, for the server commits when a table is made.
    Create,
    /// Rows are added; a row with a key that is in the table takes the place of the row there
    /// (`REPLACE`), whose other columns get their defaults.
    Replace,
    /// Rows are added; a row with a key that is in the table is left out, and counted. Nothing else is
    /// forgiven, other than by `INSERT IGNORE`.
    Ignore,
    /// Rows are added; a row with a key that is in the table changes the columns of the row there that
    /// the batches have, but for those of the primary key.
    OnDuplicateUpdate,
}

impl InsertMode {
    pub(super) const fn on_duplicate(self) -> OnDuplicate {
        match self {
            Self::Append | Self::Create => OnDuplicate::Error,
            Self::Replace => OnDuplicate::Replace,
            Self::Ignore => OnDuplicate::Keep,
            Self::OnDuplicateUpdate => OnDuplicate::Update,
        }
    }

    /// What `LOAD DATA LOCAL` does; `None` where it does no such thing.
    pub(super) const fn load_duplicates(self) -> Option<LoadDuplicates> {
        match self {
            // A row that is left out comes with a warning, which is an error.
            Self::Append | Self::Create => Some(LoadDuplicates::Skip),
            Self::Replace => Some(LoadDuplicates::Replace),
            Self::Ignore | Self::OnDuplicateUpdate => None,
        }
    }
}

/// How rows go to the server.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum InsertWay {
    /// The faster of those that are allowed.
    #[default]
    Auto,
    /// As parameters of a statement, many rows in each command where the server takes that.
    Bulk,
    /// By `LOAD DATA LOCAL`.
    LoadData,
}

/// When rows are committed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Commit {
    /// All at once: all of them or none.
    #[default]
    Once,
    /// Each so many batches: what was committed stays, and the error says how many rows it was.
    Every {
        /// How many batches.
        batches: NonZeroU64,
    },
}

/// How record batches are inserted; a mode alone is all that most need.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InsertOptions {
    /// What becomes of the table and its rows.
    pub mode: InsertMode,
    /// How rows go to the server.
    pub way: InsertWay,
    /// When they are committed.
    pub commit: Commit,
    /// Whether warnings of the server are counted, and not errors.
    pub allow_warnings: bool,
    /// How many characters a text has at most, and bytes a binary, for [`InsertMode::Create`]: the
    /// columns are then VARCHAR and VARBINARY, and else LONGTEXT and LONGBLOB.
    pub text_length: Option<u16>,
    /// The columns of the primary key that [`InsertMode::Create`] makes, in its order: by default none.
    pub primary_key: Vec<Box<str>>,
    /// What becomes of values that the server has no place for.
    pub write: WriteOptions,
}

impl From<InsertMode> for InsertOptions {
    fn from(mode: InsertMode) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

impl From<&Self> for InsertOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl InsertOptions {
    /// The default options: rows are appended in one transaction by the fastest way.
    pub fn new() -> Self {
        Self::default()
    }

    /// These options with another mode.
    #[must_use]
    pub const fn with_mode(mut self, mode: InsertMode) -> Self {
        self.mode = mode;
        self
    }

    /// These options with another way.
    #[must_use]
    pub const fn with_way(mut self, way: InsertWay) -> Self {
        self.way = way;
        self
    }

    /// These options with another time of commits.
    #[must_use]
    pub const fn with_commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// These options with warnings of the server counted, or else errors.
    #[must_use]
    pub const fn with_warnings_allowed(mut self, allowed: bool) -> Self {
        self.allow_warnings = allowed;
        self
    }

    /// These options with another length of text and bytes in a new table.
    #[must_use]
    pub const fn with_text_length(mut self, length: Option<u16>) -> Self {
        self.text_length = length;
        self
    }

    /// These options with a primary key for a new table. Its columns are NOT NULL; names are those of the
    /// batches, compared without case.
    ///
    /// ```
    /// use otaria::{InsertMode, InsertOptions};
    ///
    /// let options = InsertOptions::from(InsertMode::Create).with_primary_key(["country", "city"]);
    /// ```
    #[must_use]
    pub fn with_primary_key<T: Into<Box<str>>>(
        mut self,
        columns: impl IntoIterator<Item = T>,
    ) -> Self {
        self.primary_key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// These options with another treatment of numbers that are not finite.
    #[must_use]
    pub const fn with_non_finite(mut self, non_finite: NonFinite) -> Self {
        self.write = self.write.with_non_finite(non_finite);
        self
    }

    /// These options with another treatment of digits of a second that the server does not hold.
    #[must_use]
    pub const fn with_sub_microseconds(mut self, sub_microseconds: SubMicroseconds) -> Self {
        self.write = self.write.with_sub_microseconds(sub_microseconds);
        self
    }
}
