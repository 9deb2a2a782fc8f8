/// What the cells of a row mean beyond their bytes and their columns: it belongs to the session
/// that sent them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RowContext {
    /// The zone of TIMESTAMP values.
    pub time_zone: SessionTimeZone,
    /// What becomes of dates that the type cannot hold.
    pub zero_dates: ZeroDates,
}

/// The zone that the server reads and writes TIMESTAMP values in: the session's `time_zone`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SessionTimeZone {
    /// A zone whose offset changes, or one that the server has not told.
    #[default]
    Unknown,
    /// A fixed offset; 0 for UTC.
    Offset {
        /// How far its clocks are ahead of UTC, in seconds.
        seconds: i32,
    },
}

/// What becomes of `0000-00-00`, and of dates whose month or day is zero, when they are read as a
/// type that has no such dates. [`Date`](crate::Date) and [`DateTime`](crate::DateTime) have them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZeroDates {
    /// They do not convert: [`FromSqlError::ZeroDate`](crate::FromSqlError::ZeroDate).
    #[default]
    Error,
    /// They are NULL, so an `Option` takes them as `None`.
    Null,
}
