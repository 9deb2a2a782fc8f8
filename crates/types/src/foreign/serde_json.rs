//! JSON by `serde_json` 1.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::from_sql::mismatch;
use crate::{
    CellError, CellKind, FromSql, FromSqlError, ParameterSink, RowReader, ToSql, ToSqlError,
    ValueRef,
};

/// A value of a column that holds JSON, in any type of serde's. What it borrows is lent from the
/// row.
///
/// MariaDB's JSON is text. `null` in it is not NULL: that is the `None` of an `Option<Json<T>>`.
///
/// ```
/// use otaria_types::{FromSql, FromSqlError, Json, ValueRef};
///
/// let Json(tags) = Json::<Vec<&str>>::from_sql(ValueRef::Text(r#"["a", "b"]"#))?;
/// assert_eq!(tags, ["a", "b"]);
/// # Ok::<(), FromSqlError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Json<T>(pub T);

impl<'a, T: Deserialize<'a>> FromSql<'a> for Json<T> {
    const CELLS: Option<CellKind> = Some(CellKind::Text);

    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(parse(row.str()?).map(Self)?)
    }

    /// Takes text that is JSON of the type.
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Text(text) => parse(text).map(Self),
            other => Err(mismatch(other)),
        }
    }
}

impl<'a> FromSql<'a> for Value {
    const CELLS: Option<CellKind> = Some(CellKind::Text);

    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Json::from_known_cell(row).map(|Json(value)| value)
    }

    /// Takes text that is JSON.
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        Json::from_sql(value).map(|Json(value)| value)
    }
}

impl<T: Serialize> ToSql for Json<T> {
    /// Writes text.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let text = serde_json::to_string(&self.0).map_err(|_| ToSqlError::Malformed)?;
        out.text(&text);
        Ok(())
    }
}

impl ToSql for Value {
    /// Writes text.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        Json(self).to_sql(out)
    }
}

/// Reads JSON. The error says where it is wrong, and not how: that could show a part of it.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, FromSqlError> {
    serde_json::from_str(text).map_err(|error| FromSqlError::Json {
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(error.column()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::testing::{Written, read_back, refused, written};

    #[test]
    fn json_is_text_both_ways() {
        let value = json!({"name": "größe", "list": [1, -2.5, true, null]});
        let text = r#"{"list":[1,-2.5,true,null],"name":"größe"}"#;
        assert_eq!(written(&value), Written::Text(text.into()));
        assert_eq!(Value::from_sql(ValueRef::Text(text)), Ok(value.clone()));
        assert_eq!(read_back(&value), Ok(value));
    }

    #[test]
    fn json_is_read_as_any_type_and_lends_from_the_row() {
        let text = ValueRef::Text(r#"{"a": 1, "b": 2}"#);
        let expected = BTreeMap::from([("a", 1), ("b", 2)]);
        assert_eq!(Json::from_sql(text), Ok(Json(expected.clone())));
        let written = written(&Json(expected));
        assert_eq!(written, Written::Text(r#"{"a":1,"b":2}"#.into()));
    }

    #[test]
    fn integers_are_read_at_their_limits() {
        for value in [json!(i64::MIN), json!(0), json!(u64::MAX)] {
            assert_eq!(read_back(&value), Ok(value));
        }
        let beyond = ValueRef::Text("256");
        let error = FromSqlError::Json { line: 1, column: 3 };
        assert_eq!(Json::<u8>::from_sql(beyond), Err(error));
    }

    #[test]
    fn null_of_json_is_not_null() {
        assert_eq!(written(&Value::Null), Written::Text("null".into()));
        assert_eq!(Value::from_sql(ValueRef::Text("null")), Ok(Value::Null));
        assert_eq!(Value::from_sql(ValueRef::Null), Err(FromSqlError::Null));
        assert_eq!(Option::<Value>::from_sql(ValueRef::Null), Ok(None));
        assert_eq!(written(&None::<Json<u8>>), Written::Null);
    }

    #[test]
    fn what_is_no_json_of_the_type_is_an_error_that_says_where_and_not_what() {
        let error = Json::<u8>::from_sql(ValueRef::Text("\n \"secret\"")).unwrap_err();
        assert_eq!(error, FromSqlError::Json { line: 2, column: 9 });
        assert!(
            error.to_string().ends_with("line 2, column 9 of it"),
            "{error}"
        );
        assert!(Value::from_sql(ValueRef::Text("")).is_err());
        let mismatch = FromSqlError::Mismatch { value: "bytes" };
        assert_eq!(Value::from_sql(ValueRef::Bytes(b"1")), Err(mismatch));
    }

    #[test]
    fn what_json_cannot_hold_is_not_written() {
        let keys = BTreeMap::from([(vec![1], 1)]);
        assert_eq!(refused(&Json(keys)), ToSqlError::Malformed);
    }
}
