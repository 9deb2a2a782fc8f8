use otaria_statement::{NamedSqlError, PlaceholderError};

/// Parameters that do not fit their statement. Nothing was sent.
///
/// It shows neither the statement nor a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The names in the statement are not those of the parameters, or not to be found.
    #[error(transparent)]
    Named(#[from] NamedSqlError),
    /// Where the statement takes parameters is not to be found.
    #[error(transparent)]
    Placeholders(#[from] PlaceholderError),
    /// The statement takes another number of parameters.
    #[error("the statement takes {expected} parameters and {given} are given")]
    Count {
        /// How many placeholders the statement has.
        expected: usize,
        /// How many parameters, or values of theirs, are given.
        given: usize,
    },
    /// Some parameters have names and others have none.
    #[error("parameter {index}, counted from 0, has no name, and others have one")]
    Unnamed {
        /// The first one without a name.
        index: usize,
    },
    /// A list is given for a placeholder that takes one value.
    #[error(
        "byte {at} of the statement: a list has to stand alone in the parentheses behind IN, \
         without comments between, as in `IN (?)` or `IN (:name)`"
    )]
    NoList {
        /// Where the placeholder or its name stands in the statement with `?` in place of
        /// names, in bytes.
        at: usize,
    },
    /// With all values of its lists the statement has more parameters than a server takes.
    #[error("the lists make {found} parameters of the statement, which takes 65,535")]
    TooMany {
        /// How many there would be.
        found: usize,
    },
    /// The position of a value is not one of a placeholder.
    #[error("byte {at} of the statement is no placeholder")]
    NoPlaceholder {
        /// The position, in bytes.
        at: usize,
    },
}
