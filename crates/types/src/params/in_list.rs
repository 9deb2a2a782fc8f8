use std::fmt;

use crate::{ParameterSink, ToSql, ToSqlError};

/// The values of a list: for `x IN (?)` or `x NOT IN (:name)`, whose placeholder becomes one for
/// each of them. None at all are an empty list, which no `x` is in.
///
/// It is one parameter among others, and stands for any number of values where the statement is
/// given with it as text; a statement that was prepared before keeps its number of `?`. Its
/// placeholder has to be alone in the parentheses behind `IN`.
///
/// The last value is repeated up to a power of two, from 1,024 on up to a multiple of 1,024, which
/// does not change what is in the list: so the server sees, and has to keep prepared, few
/// statements in place of one for each length. A statement takes 65,535 parameters, repeated values
/// included.
///
/// ```
/// use otaria_types::{InList, Params};
///
/// let ids = vec![3, 5, 8];
/// let params = ("Ada", InList(&ids));
/// assert_eq!(params.len(), 2);
/// assert_eq!(params.list_len(1), Some(4));
/// ```
#[derive(Clone, Copy)]
pub struct InList<'a, T>(pub &'a [T]);

impl<T: ToSql> ToSql for InList<'_, T> {
    /// Writes the values, the last of them repeated.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let Some(last) = self.0.last() else {
            return Ok(());
        };
        self.0.iter().try_for_each(|value| value.to_sql(out))?;
        (self.0.len()..padded(self.0.len())).try_for_each(|_| last.to_sql(out))
    }

    fn list_len(&self) -> Option<usize> {
        Some(padded(self.0.len()))
    }
}

/// Shows how many values there are and none of them.
impl<T> fmt::Debug for InList<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InList({} values)", self.0.len())
    }
}

/// How many values are written for so many.
const fn padded(len: usize) -> usize {
    match len {
        0 => 0,
        1..=BLOCK => len.next_power_of_two(),
        _ if len > MAX_PADDED => len,
        _ => len.next_multiple_of(BLOCK),
    }
}

/// From here on powers of two would repeat too much.
const BLOCK: usize = 1024;

/// The greatest multiple of a block that a statement takes.
const MAX_PADDED: usize = 65_535 / BLOCK * BLOCK;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Written, written};
    use crate::{Params, ParamsError};

    #[track_caller]
    fn values(list: &dyn ToSql) -> Vec<Written> {
        let mut out = Vec::new();
        list.to_sql(&mut out).unwrap();
        assert_eq!(list.list_len(), Some(out.len()));
        out
    }

    #[test]
    fn the_last_value_is_repeated_up_to_a_power_of_two() {
        let [a, b, c] = ["a", "b", "c"].map(written);
        assert_eq!(values(&InList(&["a"])), [written("a")]);
        assert_eq!(values(&InList(&["a", "b"])), [a.clone(), b.clone()]);
        let four = [a, b, c.clone(), c];
        assert_eq!(values(&InList(&["a", "b", "c"])), four);
    }

    #[test]
    fn an_empty_list_has_no_value() {
        assert_eq!(values(&InList(&[0; 0])), []);
        assert_eq!(written(&None::<InList<'_, i32>>), Written::Null);
        assert_eq!(None::<InList<'_, i32>>.list_len(), None);
    }

    #[test]
    fn pointers_to_a_list_are_lists() {
        let list = InList(&[1, 2]);
        let boxed: Box<dyn ToSql + Send + Sync> = Box::new(InList(&[1, 2]));
        let pointers: [&dyn ToSql; 3] = [&&list, &boxed, &Some(list)];
        for pointer in pointers {
            assert_eq!(values(pointer), [written(&1), written(&2)]);
        }
    }

    #[test]
    fn padding_makes_few_lengths_and_never_too_many_values() {
        let mut lengths: Vec<usize> = (1..=MAX_PADDED).map(padded).collect();
        assert!(lengths.iter().enumerate().all(|(i, &len)| len > i));
        assert!(lengths.iter().enumerate().all(|(i, &len)| len <= 2 * i + 1));
        lengths.dedup();
        assert_eq!(lengths.len(), 11 + 62);
        assert_eq!(lengths.last(), Some(&64_512));
        assert_eq!(padded(65_535), 65_535);
        assert_eq!(padded(64_513), 64_513);
    }

    #[test]
    fn a_list_in_a_list_is_an_error() {
        let inner = [InList(&[1, 2]), InList(&[3, 4])];
        let error = (InList(&inner),).write(&mut Vec::new()).unwrap_err();
        let expected = ToSqlError::ValueCount { found: 4 };
        assert!(matches!(error, ParamsError::Parameter { index: 0, error } if error == expected));
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", InList(&["secret"]));
        assert_eq!(shown, "InList(1 values)");
    }
}
