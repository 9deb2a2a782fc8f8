use crate::{ParameterSink, ToSql, ToSqlError};

/// A parameter of a bulk execution: a value, or one of MariaDB's [parameter
/// indicators](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute#parameter-indicator).
///
/// [`Default`](Self::Default) and [`Ignore`](Self::Ignore) are errors elsewhere.
///
/// ```
/// use otaria_types::{Indicated, Params};
///
/// let rows: [(i32, Indicated<&str>); 3] = [
///     (1, Indicated::Value("a")),
///     (2, Indicated::Null),
///     (3, Indicated::Default),
/// ];
/// assert!(rows.iter().all(|row| row.len() == 2));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Indicated<T> {
    /// This value.
    Value(T),
    /// NULL.
    Null,
    /// The default of the column.
    Default,
    /// The default of the column in an INSERT; in an UPDATE the column stays as it is.
    Ignore,
}

impl<T: ToSql> ToSql for Indicated<T> {
    /// Writes the value or the indicator.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        match self {
            Self::Value(value) => value.to_sql(out),
            Self::Null => {
                out.null();
                Ok(())
            }
            Self::Default => out.column_default(),
            Self::Ignore => out.ignore(),
        }
    }
}

impl<T> From<Option<T>> for Indicated<T> {
    /// The value, or NULL for none.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

/// Stands for a parameter whose value was sent ahead by
/// [`COM_STMT_SEND_LONG_DATA`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_send_long_data),
/// in one piece or several. For a single execute of a prepared statement; an error
/// elsewhere.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct LongData;

impl ToSql for LongData {
    /// Writes that the value was sent ahead.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.long_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Written, written};

    #[test]
    fn an_indicated_value_is_the_value_and_an_indicated_null_is_null() {
        assert_eq!(written(&Indicated::Value(5)), Written::Int(5));
        assert_eq!(written(&Indicated::<i32>::Null), Written::Null);
        assert_eq!(written(&Indicated::from(Some(5))), Written::Int(5));
        assert_eq!(written(&Indicated::<i32>::from(None)), Written::Null);
    }

    #[test]
    fn indicators_and_data_sent_ahead_are_an_error_to_a_sink_that_has_none() {
        let cases: [(&dyn ToSql, &str); 3] = [
            (
                &Indicated::<i32>::Default,
                "DEFAULT cannot be sent here, only in a bulk execution",
            ),
            (
                &Indicated::<i32>::Ignore,
                "IGNORE cannot be sent here, only in a bulk execution",
            ),
            (
                &LongData,
                "long data cannot be sent here, only in a single execute of a prepared statement",
            ),
        ];
        for (value, expected) in cases {
            let mut out: Vec<Written> = Vec::new();
            let error = value.to_sql(&mut out).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(out.is_empty());
        }
    }
}
