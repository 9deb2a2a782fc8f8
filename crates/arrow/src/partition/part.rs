use std::fmt;

use otaria_codec::ColumnDefinition;

use super::source::checked;
use super::{PlanError, columns_hash};

/// One part of a table or a query: a SELECT without parameters, which any connection with the
/// rights can run.
///
/// It can be written [to bytes](Self::to_bytes), and read [from them](Self::from_bytes) by another
/// process. They hold SQL, with the names and the boundary values that are in it, and no
/// credentials. Who runs a partition runs its SQL: take them only from where SQL may come from.
#[derive(Clone, Eq, PartialEq)]
pub struct Partition {
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) columns_hash: Option<u64>,
    pub(crate) select: Box<str>,
    pub(crate) filter: Option<Box<str>>,
    pub(crate) predicate: Option<Box<str>>,
}

impl Partition {
    /// How many parts there are at most of one source.
    pub const MAX_COUNT: usize = PlanError::MAX_PARTS + 1;

    /// The only part.
    pub(crate) fn try_new(
        select: String,
        filter: Option<&str>,
        predicate: Option<&str>,
    ) -> Result<Self, PlanError> {
        checked("statement", &select)?;
        let predicate = predicate
            .map(|predicate| checked("predicate", predicate))
            .transpose()?;
        Ok(Self {
            index: 0,
            count: 1,
            columns_hash: None,
            select: select.into(),
            filter: filter.map(Box::from),
            predicate: predicate.map(Box::from),
        })
    }

    pub(crate) const fn numbered(mut self, index: u32, count: u32) -> Self {
        self.index = index;
        self.count = count;
        self
    }

    /// The same with the columns that the part is to return, which a reader compares.
    #[must_use]
    pub fn with_columns(mut self, columns: &[ColumnDefinition]) -> Self {
        self.columns_hash = Some(columns_hash(columns));
        self
    }

    /// Its place among the parts of its source, from 0.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// How many parts its source has.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// What is true for the rows of this part alone, without the source's filter; `None` if it is
    /// the only one.
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }

    /// The [hash](columns_hash()) of the columns that it is to return, where they are known.
    pub const fn columns_hash(&self) -> Option<u64> {
        self.columns_hash
    }

    /// Whether these can be the columns that the part is to return: always, if it does not know
    /// them.
    pub fn is_of_columns(&self, columns: &[ColumnDefinition]) -> bool {
        self.columns_hash
            .is_none_or(|hash| hash == columns_hash(columns))
    }

    /// The statement that reads the part.
    pub fn sql(&self) -> String {
        let mut sql = String::from(&*self.select);
        let conditions = self.filter.iter().chain(&self.predicate);
        for (index, condition) in conditions.enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(&in_parentheses(condition));
        }
        sql
    }
}

/// SQL of the program may end in a comment, which the end of the line ends.
pub(crate) fn in_parentheses(condition: &str) -> String {
    let has_comment = condition.contains("--") || condition.contains('#');
    let end = if has_comment { "\n" } else { "" };
    format!("({condition}{end})")
}

/// Shows its place, not its SQL.
impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partition({} of {})", self.index, self.count)
    }
}
