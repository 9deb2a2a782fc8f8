use std::fmt;

use crate::{ParameterSink, Params, ParamsError};

/// Parameters with the names that [`params!`](crate::params!) gave them. Values whose types are
/// known at run time only are better given as pairs, see [`Params`].
#[derive(Clone, Copy)]
pub struct NamedValues<P, const LEN: usize> {
    names: [&'static str; LEN],
    values: P,
}

impl<P: Params, const LEN: usize> NamedValues<P, LEN> {
    /// The values, in order, with a name for each. A name loses the `r#` that makes a keyword of
    /// Rust a name.
    pub fn new(names: [&'static str; LEN], values: P) -> Self {
        let names = names.map(|name| name.strip_prefix("r#").unwrap_or(name));
        Self { names, values }
    }
}

impl<P: Params, const LEN: usize> Params for NamedValues<P, LEN> {
    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        self.values.write(out)
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        self.values.write_at(index, out)
    }

    #[inline]
    fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).copied()
    }

    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        self.values.list_len(index)
    }
}

/// Shows the names and no values.
impl<P, const LEN: usize> fmt::Debug for NamedValues<P, LEN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedValues").field(&self.names).finish()
    }
}

/// [`Params`] with names, for a statement with `:name` in place of `?`; up to 16 of them.
///
/// ```
/// use otaria_types::{InList, Params, params};
///
/// // SELECT * FROM item WHERE name = :name AND id IN (:ids) AND type = :type
/// let params = params! { name: "Ada", ids: InList(&[3, 5]), r#type: 1 };
/// assert_eq!(params.len(), 3);
/// assert_eq!(params.name(2), Some("type"));
/// ```
#[macro_export]
macro_rules! params {
    ($($name:ident: $value:expr),+ $(,)?) => {
        $crate::NamedValues::new([$(::std::stringify!($name)),+], ($($value,)+))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::written;
    use crate::{InList, ToSqlError};

    #[test]
    fn values_are_written_in_their_order_and_found_by_name() {
        let name = String::from("a");
        let params = params! { id: 1, r#type: &name, ids: InList(&[3]) };
        let names = [0, 1, 2, 3].map(|index| params.name(index));
        assert_eq!(names, [Some("id"), Some("type"), Some("ids"), None]);
        assert_eq!((params.list_len(1), params.list_len(2)), (None, Some(1)));
        let mut out = Vec::new();
        params.write(&mut out).unwrap();
        assert_eq!(out, [written(&1), written("a"), written(&3)]);
        out.clear();
        params.write_at(1, &mut out).unwrap();
        assert_eq!(out, [written("a")]);
    }

    #[test]
    fn an_error_tells_the_place() {
        let error = params! { a: 1.0, b: f64::NAN }.write(&mut Vec::new());
        let expected = ParamsError::Parameter {
            index: 1,
            error: ToSqlError::NotFinite,
        };
        assert_eq!(error, Err(expected));
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", params! { id: "secret" });
        assert_eq!(shown, r#"NamedValues(["id"])"#);
    }
}
