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
    /// The server does not read SQL as UTF-8, as after `SET NAMES gbk`: a byte of a character in a
    /// literal might look like a quote to it.
    #[error(
        "character_set_client is {character_set_client}, for which no values can be written into the \
         statement: `SET NAMES utf8mb4` changes that"
    )]
    ClientCharacterSet {
        /// What the server has said.
        character_set_client: String,
    },
    /// A command whose response has not been read may have changed `character_set_client`, on which
    /// it depends what literals mean.
    #[error(
        "no values can be written into the statement before the responses to the commands before it \
         are read: these may change character_set_client"
    )]
    ResponseDue,
    /// The position of a value is not one of a placeholder.
    #[error("byte {at} of the statement is no placeholder")]
    NoPlaceholder {
        /// The position, in bytes.
        at: usize,
    },
}
