use crate::{ParameterSink, ParamsError, ToSql, ToSqlError};

/// The parameters of one execution of a statement, in the order of its placeholders.
///
/// They are a tuple of up to 16 values of any types, `()` for none; an array, a slice or a `Vec` of
/// values of one type; or values of types known at run time only:
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
/// ```
///
/// A `Vec<u8>` or `[u8]` is one value inside any of these, and as `Params` itself a list of integers.
pub trait Params {
    /// How many parameters there are.
    fn len(&self) -> usize;

    /// Writes the parameters to `out`, one value for each, by [`write_parameter`].
    ///
    /// # Errors
    /// [`ParamsError::Parameter`] names the parameter that has no value for the server. What has been
    /// written to `out` is then of no use.
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError>;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes the parameter at `index`, from 0, for an implementation of [`Params`].
///
/// # Errors
/// [`ParamsError::Parameter`] if the server has no such value, or if what was written is not exactly
/// one value.
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
    match out.len().saturating_sub(before) {
        1 => Ok(()),
        found => Err(ParamsError::Parameter {
            index,
            error: ToSqlError::ValueCount { found },
        }),
    }
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
}

impl<T: ToSql> Params for Vec<T> {
    #[inline]
    fn len(&self) -> usize {
        <[T] as Params>::len(self)
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        <[T] as Params>::write(self, out)
    }
}

impl<T: ToSql, const N: usize> Params for [T; N] {
    #[inline]
    fn len(&self) -> usize {
        N
    }

    #[inline]
    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        <[T] as Params>::write(self, out)
    }
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
}
