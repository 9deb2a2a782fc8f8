/// What is wrong with values that are sent ahead of an execution.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LongDataError {
    /// The parameters say that the value of this one was sent ahead, and it was not: not even an
    /// empty piece.
    #[error(
        "parameter {index} is marked as sent ahead and was not sent: send it by `long_data`, an \
         empty value as well"
    )]
    NotSent {
        /// The parameter, from 0 on.
        index: usize,
    },
    /// A value was sent ahead for this parameter, and the parameters of the execution have another
    /// one.
    #[error("parameter {index} was sent ahead: give `LongData` in its place")]
    NotMarked {
        /// The parameter, from 0 on.
        index: usize,
    },
    /// The statement has no such placeholder. Nothing was sent.
    #[error("there is no parameter {index}: the statement has {parameters}, counted from 0")]
    NoSuchParameter {
        /// The parameter, from 0 on.
        index: usize,
        /// How many there are.
        parameters: usize,
    },
    /// The value of this parameter was sent in part only, for what it came from could not be read
    /// or the call that sent it was dropped. The execution has to be begun again.
    #[error("the value of parameter {index} was not sent to its end: begin the execution again")]
    Incomplete {
        /// The parameter, from 0 on.
        index: usize,
    },
}
