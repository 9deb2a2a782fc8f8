mod in_list;
mod named_values;

use crate::{ParameterSink, ParamsError, ToSql, ToSqlError};

pub use in_list::InList;
pub use named_values::NamedValues;

/// The parameters of one execution of a statement, in the order of its placeholders or with names.
///
/// They are a tuple of up to 16 values of any types, `()` for none; an array, a slice or a `Vec` of
/// values of one type; values of types known at run time only; or, for a statement with `:name` in
/// place of `?`, an array, a slice or a `Vec` of pairs of a name and a value, or what
/// [`params!`](crate::params!) makes:
///
/// ```
/// use otaria_types::{Params, ToSql};
///
/// fn count(params: impl Params) -> usize {
///     params.len()
/// }
///
/// let (id, name) = (7, String::from("Ada"));
/// assert_eq!(count(()), 0);
/// assert_eq!(count((id, &name, None::<f64>)), 3);
/// assert_eq!(count([1, 2]), 2);
/// assert_eq!(count(&[&id as &(dyn ToSql + Sync), &name]), 2);
/// let boxed: Vec<Box<dyn ToSql + Send + Sync>> = vec![Box::new(id), Box::new(name)];
/// assert_eq!(count(&boxed), 2);
/// assert_eq!(count(otaria_types::params! { id: id, name: "Ada" }), 2);
/// assert_eq!(count([("id", &id as &(dyn ToSql + Sync)), ("name", &"Ada")]), 2);
/// ```
///
/// An [`InList`] is one parameter of several values. A `Vec<u8>` or `[u8]` is one value inside any
/// of these, and as `Params` itself a list of integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameters of a statement",
    note = "parameters are a tuple, `(value,)` for one and `()` for none, a slice or `Vec` of values, or a \
            struct with `#[derive(Params)]`"
)]
pub trait Params {
    /// How many parameters there are; a list counts as one.
    fn len(&self) -> usize;

    /// Writes the parameters to `out`, each by [`write_parameter`]: one value, or those of a list.
    ///
    /// # Errors
    /// [`ParamsError::Parameter`] names the parameter that has no value for the server. What has
    /// been written to `out` is then of no use.
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError>;

    /// Writes the parameter at `index`, from 0, as [`write`](Self::write) does.
    ///
    /// # Errors
    /// [`ParamsError::Parameter`] if it has no value for the server, [`ParamsError::NoParameter`]
    /// if there are not so many. What has been written to `out` is then of no use.
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError>;

    /// The name of the parameter at `index`, without a colon; `None` where it goes by its place.
    #[inline]
    fn name(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }

    /// The [`list_len`](ToSql::list_len) of the value at `index`.
    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes the parameter at `index`, from 0, for an implementation of [`Params`].
///
/// # Errors
/// [`ParamsError::Parameter`] if the server has no such value, or if what was written is not
/// exactly one value, or those of a list.
#[inline]
pub fn write_parameter<T: ToSql + ?Sized, S: ParameterSink>(
    index: usize,
    value: &T,
    out: &mut S,
) -> Result<(), ParamsError> {
    let before = out.len();
    value
        .to_sql(out)
        .map_err(|error| ParamsError::Parameter { index, error })?;
    let found = out.len().saturating_sub(before);
    if found == value.list_len().unwrap_or(1) {
        return Ok(());
    }
    let error = ToSqlError::ValueCount { found };
    Err(ParamsError::Parameter { index, error })
}

/// Writes the value at `index`, or says that `values` has none there.
#[inline]
fn write_nth<T, V: ToSql + ?Sized, S: ParameterSink>(
    values: &[T],
    index: usize,
    value_of: impl FnOnce(&T) -> &V,
    out: &mut S,
) -> Result<(), ParamsError> {
    match values.get(index) {
        Some(value) => write_parameter(index, value_of(value), out),
        None => Err(no_parameter(index, values.len())),
    }
}

#[cold]
fn no_parameter(index: usize, len: usize) -> ParamsError {
    ParamsError::NoParameter { index, len }
}

impl<P: Params + ?Sized> Params for &P {
    #[inline]
    fn len(&self) -> usize {
        P::len(self)
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        P::write(self, out)
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        P::write_at(self, index, out)
    }

    #[inline]
    fn name(&self, index: usize) -> Option<&str> {
        P::name(self, index)
    }

    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        P::list_len(self, index)
    }
}

impl<T: ToSql> Params for [T] {
    #[inline]
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        self.iter()
            .enumerate()
            .try_for_each(|(index, value)| write_parameter(index, value, out))
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        write_nth(self, index, |value| value, out)
    }

    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        self.get(index)?.list_len()
    }
}

/// Pairs of a name, without a colon, and a value.
impl<N: AsRef<str>, T: ToSql> Params for [(N, T)] {
    #[inline]
    fn len(&self) -> usize {
        <[(N, T)]>::len(self)
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        self.iter()
            .enumerate()
            .try_for_each(|(index, (_, value))| write_parameter(index, value, out))
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        write_nth(self, index, |(_, value)| value, out)
    }

    #[inline]
    fn name(&self, index: usize) -> Option<&str> {
        self.get(index).map(|(name, _)| name.as_ref())
    }

    #[inline]
    fn list_len(&self, index: usize) -> Option<usize> {
        self.get(index)?.1.list_len()
    }
}

/// What holds a slice.
macro_rules! as_slice {
    ($([$($generics:tt)*] $type:ty => $slice:ty;)+) => {$(
        impl<$($generics)*> Params for $type {
            #[inline]
            fn len(&self) -> usize {
                <$slice as Params>::len(self)
            }

            #[inline]
            fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
                <$slice as Params>::write(self, out)
            }

            #[inline]
            fn write_at<S: ParameterSink>(
                &self,
                index: usize,
                out: &mut S,
            ) -> Result<(), ParamsError> {
                <$slice as Params>::write_at(self, index, out)
            }

            #[inline]
            fn name(&self, index: usize) -> Option<&str> {
                <$slice as Params>::name(self, index)
            }

            #[inline]
            fn list_len(&self, index: usize) -> Option<usize> {
                <$slice as Params>::list_len(self, index)
            }
        }
    )+};
}

as_slice! {
    [T: ToSql] Vec<T> => [T];
    [T: ToSql, const LEN: usize] [T; LEN] => [T];
    [N: AsRef<str>, T: ToSql] Vec<(N, T)> => [(N, T)];
    [N: AsRef<str>, T: ToSql, const LEN: usize] [(N, T); LEN] => [(N, T)];
}

impl Params for () {
    #[inline]
    fn len(&self) -> usize {
        0
    }

    #[inline]
    fn write<S: ParameterSink>(&self, _: &mut S) -> Result<(), ParamsError> {
        Ok(())
    }

    #[inline]
    fn write_at<S: ParameterSink>(&self, index: usize, _: &mut S) -> Result<(), ParamsError> {
        Err(no_parameter(index, 0))
    }
}

macro_rules! tuple {
    ($count:literal $(($index:tt $element:ident))+) => {
        impl<$($element: ToSql),+> Params for ($($element,)+) {
            #[inline]
            fn len(&self) -> usize {
                $count
            }

            #[inline]
            fn write<Sink: ParameterSink>(&self, out: &mut Sink) -> Result<(), ParamsError> {
                $(write_parameter($index, &self.$index, out)?;)+
                Ok(())
            }

            #[inline]
            fn write_at<Sink: ParameterSink>(
                &self,
                index: usize,
                out: &mut Sink,
            ) -> Result<(), ParamsError> {
                match index {
                    $($index => write_parameter(index, &self.$index, out),)+
                    _ => Err(no_parameter(index, $count)),
                }
            }

            #[inline]
            fn list_len(&self, index: usize) -> Option<usize> {
                match index {
                    $($index => self.$index.list_len(),)+
                    _ => None,
                }
            }
        }
    };
}

/// Implements each tuple from that of the first element to that of them all.
macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] ($count:literal $index:tt $element:ident) $($rest:tt)*) => {
        tuple!($count $($done)* ($index $element));
        tuples!([$($done)* ($index $element)] $($rest)*);
    };
}

tuples! {
    []
    (1 0 T0) (2 1 T1) (3 2 T2) (4 3 T3) (5 4 T4) (6 5 T5) (7 6 T6) (8 7 T7) (9 8 T8) (10 9 T9)
    (11 10 T10) (12 11 T11) (13 12 T12) (14 13 T13) (15 14 T14) (16 15 T15)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::testing::{Written, written};

    fn all(params: impl Params) -> Vec<Written> {
        let mut out = Vec::new();
        params.write(&mut out).unwrap();
        assert_eq!(out.len(), Params::len(&params));
        assert_eq!(Params::is_empty(&params), out.is_empty());
        let mut one_by_one = Vec::new();
        for index in 0..out.len() {
            params.write_at(index, &mut one_by_one).unwrap();
            assert_eq!(params.list_len(index), None);
        }
        assert_eq!(one_by_one, out);
        let (index, len) = (out.len(), out.len());
        assert_eq!(
            params.write_at(index, &mut one_by_one),
            Err(ParamsError::NoParameter { index, len })
        );
        out
    }

    /// Writes so many values for one parameter.
    struct Times(usize);

    impl ToSql for Times {
        fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
            (0..self.0).try_for_each(|_| 7.to_sql(out))
        }
    }

    #[test]
    fn a_tuple_is_written_in_its_order() {
        assert_eq!(all(()), []);
        assert_eq!(all((1,)), [written(&1)]);
        assert_eq!(
            all((1, "a", None::<f64>)),
            [written(&1), written("a"), Written::Null]
        );
    }

    #[test]
    fn a_tuple_has_up_to_sixteen_elements() {
        let sixteen = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
        let expected: Vec<_> = (1..=16).map(|value| written(&value)).collect();
        assert_eq!(all(sixteen), expected);
    }

    #[test]
    fn arrays_slices_and_vecs_hold_values_of_one_type() {
        let expected = [written("a"), written("b")];
        let (array, vec) = (["a", "b"], vec!["a", "b"]);
        assert_eq!(all(&array[..]), expected);
        assert_eq!(all(array), expected);
        assert_eq!(all(&vec), expected);
        assert_eq!(all(vec), expected);
        assert_eq!(all([0; 0]), []);
    }

    #[test]
    fn values_of_types_known_at_run_time_only_are_params() {
        let expected = [written(&1), written("a"), Written::Null];
        let (int, text, null) = (1, String::from("a"), None::<u8>);
        let borrowed: [&(dyn ToSql + Sync); 3] = [&int, &text, &null];
        assert_eq!(all(&borrowed[..]), expected);
        let boxed: Vec<Box<dyn ToSql + Send + Sync>> =
            vec![Box::new(int), Box::new(text), Box::new(null)];
        assert_eq!(all(&boxed), expected);
        assert_eq!(all(boxed), expected);
    }

    #[test]
    fn a_value_that_cannot_be_is_an_error_that_names_the_parameter() {
        let error = (1, f64::NAN).write(&mut Vec::new()).unwrap_err();
        let expected = ParamsError::Parameter {
            index: 1,
            error: ToSqlError::NotFinite,
        };
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), "parameter 1 cannot be sent");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, ToSqlError::NotFinite.to_string());
        assert_eq!([1.0, f64::NAN].write(&mut Vec::new()), Err(expected));
    }

    #[test]
    fn a_parameter_that_is_no_value_or_several_shifts_no_other() {
        for found in [0, 2] {
            let error = (Times(found), Times(2 - found))
                .write(&mut Vec::new())
                .unwrap_err();
            let expected = ParamsError::Parameter {
                index: 0,
                error: ToSqlError::ValueCount { found },
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn pairs_of_names_and_values_are_params() {
        let (id, name) = (1, String::from("a"));
        let pairs: [(&str, &(dyn ToSql + Sync)); 2] = [("id", &id), ("größe", &name)];
        let expected = [written(&1), written("a")];
        assert_eq!(all(pairs), expected);
        assert_eq!(all(&pairs[..]), expected);
        assert_eq!(all(pairs.to_vec()), expected);
        let owned: Vec<(String, i32)> = vec![("id".into(), 1)];
        assert_eq!(all(&owned), [written(&1)]);
        assert_eq!(pairs.name(1), Some("größe"));
        assert_eq!(Params::name(&&pairs, 2), None);
        assert_eq!(owned.name(0), Some("id"));
        assert_eq!((1, 2).name(0), None);
        let error = [("id", 1.0), ("x", f64::NAN)].write_at(1, &mut Vec::new());
        let expected = ParamsError::Parameter {
            index: 1,
            error: ToSqlError::NotFinite,
        };
        assert_eq!(error, Err(expected));
    }

    #[test]
    fn a_list_is_one_parameter_of_several_values() {
        let (ids, none) = ([4, 5], [""; 0]);
        let params = (InList(&ids), "a", InList(&none));
        assert_eq!(Params::len(&params), 3);
        let lens = [0, 1, 2, 3].map(|index| params.list_len(index));
        assert_eq!(lens, [Some(2), None, Some(0), None]);
        let mut out = Vec::new();
        params.write(&mut out).unwrap();
        assert_eq!(out, [written(&4), written(&5), written("a")]);
        out.clear();
        params.write_at(0, &mut out).unwrap();
        assert_eq!(out, [written(&4), written(&5)]);
        let dynamic: [&(dyn ToSql + Sync); 2] = [&params.0, &params.1];
        assert_eq!(dynamic.list_len(0), Some(2));
        assert_eq!(dynamic.list_len(1), None);
        let named = [("a", Some(params.0)), ("b", None)];
        assert_eq!(named.list_len(0), Some(2));
        assert_eq!(named.list_len(1), None);
        assert_eq!(vec![InList(&ids)].list_len(0), Some(2));
        assert_eq!(Params::list_len(&&[InList(&ids)], 0), Some(2));
    }
}
