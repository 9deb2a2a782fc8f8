use std::fmt;

use otaria_statement::Statement;

/// What is executed.
#[derive(Clone, Copy)]
pub enum Executable<'a> {
    /// SQL, by what the connection has prepared from it before, if it still has that.
    Sql(&'a str),
    /// A statement that the caller has prepared.
    Statement(&'a Statement),
}

impl<'a> Executable<'a> {
    /// What is executed, as SQL.
    pub fn sql(self) -> &'a str {
        match self {
            Self::Sql(sql) => sql,
            Self::Statement(statement) => statement.sql(),
        }
    }
}

/// Does not show the SQL, since values may stand in it.
impl fmt::Debug for Executable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(sql) => write!(f, "Sql({} bytes)", sql.len()),
            Self::Statement(statement) => statement.fmt(f),
        }
    }
}

/// What can be executed: SQL, as `str` or `String`, and a prepared [`Statement`].
pub trait ToExecutable: sealed::Sealed + Sync {
    /// The thing itself.
    #[doc(hidden)]
    fn to_executable(&self) -> Executable<'_>;
}

impl ToExecutable for str {
    fn to_executable(&self) -> Executable<'_> {
        Executable::Sql(self)
    }
}

impl ToExecutable for String {
    fn to_executable(&self) -> Executable<'_> {
        Executable::Sql(self)
    }
}

impl ToExecutable for Statement {
    fn to_executable(&self) -> Executable<'_> {
        Executable::Statement(self)
    }
}

mod sealed {
    use otaria_statement::Statement;

    #[expect(unnameable_types, reason = "only the types here can be executed")]
    pub trait Sealed {}

    impl Sealed for str {}
    impl Sealed for String {}
    impl Sealed for Statement {}
}
