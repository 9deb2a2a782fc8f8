/// A statement whose named parameters cannot be bound. Nothing was sent.
///
/// It names parameters, and shows neither the statement nor a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NamedSqlError {
    /// The statement names a parameter that has no value.
    #[error("no value is given for the parameter :{name}")]
    NotGiven {
        /// The parameter, without its colon.
        name: String,
    },
    /// A value is given for a parameter that the statement does not name.
    #[error("a value is given for :{name}, which the statement does not name")]
    NotUsed {
        /// The parameter, without its colon.
        name: String,
    },
    /// Two values are given for one parameter.
    #[error("two values are given for the parameter :{name}")]
    GivenTwice {
        /// The parameter, without its colon.
        name: String,
    },
    /// The statement has a `?` as well.
    #[error("byte {at} of the statement is a `?`: parameters have names or places, not both")]
    Positional {
        /// Where the `?` stands, in bytes.
        at: usize,
    },
    /// It is not certain in every `sql_mode` where strings and comments end.
    #[error(
        "byte {at} of the statement begins a string with a quote behind a backslash (write `''` for a \
         quote in a string, and no backslash before one), an executable comment, a string or comment \
         that does not end, or what servers read in different ways; with `?` in place of names it may \
         stay"
    )]
    Unclear {
        /// Where that begins, in bytes.
        at: usize,
    },
    /// The statement has more placeholders than a server takes.
    #[error("the statement has more than 65,535 parameters")]
    TooMany,
}

/// A statement whose placeholders are not certain. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceholderError {
    /// It is not certain in every `sql_mode` where strings and comments end, or what is a
    /// placeholder.
    #[error(
        "byte {at} of the statement begins a string with a quote behind a backslash (write `''` for a \
         quote in a string, and no backslash before one), an executable comment, a string or comment \
         that does not end, or what servers read in different ways: no values can be put behind it"
    )]
    Unclear {
        /// Where that begins, in bytes.
        at: usize,
    },
    /// The statement has more placeholders than a server takes.
    #[error("the statement has more than 65,535 placeholders")]
    TooMany,
}
