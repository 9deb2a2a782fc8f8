use crate::from_sql::mismatch;
use crate::{
    CellError, CellKind, FromSql, FromSqlError, ParameterSink, RowReader, ToSql, ToSqlError,
    ValueRef,
};

/// A value of a VECTOR column: finite numbers of the type `f32`, in a `Vec` or an array, or as a
/// parameter also in a slice.
///
/// Neither protocol tells a VECTOR from a VARBINARY, so this is what says that bytes are numbers.
///
/// ```
/// use otaria_types::{Params, Vector};
///
/// let embedding = [0.5, -0.25, 1.0];
/// let params = (7, Vector(&embedding));
/// assert_eq!(params.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Vector<T = Vec<f32>>(pub T);

macro_rules! vectors {
    ($($(const $length:ident,)? $type:ty: $read:ident;)+) => {$(
        impl<'a $(, const $length: usize)?> FromSql<'a> for Vector<$type> {
            const CELLS: Option<CellKind> = Some(CellKind::Bytes);

            #[inline]
            fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
                Ok($read(row.bytes()?).map(Self)?)
            }

            /// Takes the bytes of so many finite numbers.
            #[inline]
            fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
                match value {
                    ValueRef::Bytes(bytes) => $read(bytes).map(Self),
                    other => Err(mismatch(other)),
                }
            }
        }
    )+};
}

vectors! {
    Vec<f32>: vec;
    const N, [f32; N]: array;
}

impl<T: AsRef<[f32]>> ToSql for Vector<T> {
    /// Writes the bytes of the numbers, which must be finite.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let numbers = self.0.as_ref();
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(ToSqlError::NotFinite);
        }
        let mut bytes = Vec::with_capacity(size_of_val(numbers));
        for number in numbers {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        out.bytes(&bytes);
        Ok(())
    }
}

fn vec(bytes: &[u8]) -> Result<Vec<f32>, FromSqlError> {
    let (numbers, []) = bytes.as_chunks() else {
        return Err(FromSqlError::Form);
    };
    numbers.iter().copied().map(number).collect()
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[f32; N], FromSqlError> {
    let (numbers, []) = bytes.as_chunks() else {
        return Err(FromSqlError::Form);
    };
    let numbers: &[_; N] = numbers.try_into().map_err(|_| FromSqlError::Form)?;
    let mut array = [0.0; N];
    for (slot, bytes) in array.iter_mut().zip(numbers) {
        *slot = number(*bytes)?;
    }
    Ok(array)
}

fn number(bytes: [u8; 4]) -> Result<f32, FromSqlError> {
    let number = f32::from_le_bytes(bytes);
    if number.is_finite() {
        Ok(number)
    } else {
        Err(FromSqlError::Form)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Written, read_back, refused, written};

    #[test]
    fn numbers_are_little_endian_bytes() {
        let bytes = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf];
        let expected = Written::Bytes(bytes.into());
        assert_eq!(written(&Vector(vec![1.0, -0.5])), expected);
        assert_eq!(written(&Vector([1.0, -0.5])), expected);
        assert_eq!(written(&Vector(&[1.0, -0.5][..])), expected);
        let bytes = ValueRef::Bytes(&bytes);
        assert_eq!(Vector::from_sql(bytes), Ok(Vector(vec![1.0, -0.5])));
        assert_eq!(Vector::from_sql(bytes), Ok(Vector([1.0, -0.5])));
    }

    #[test]
    fn numbers_are_held_at_their_limits() {
        let limits = Vector([f32::MIN, -0.0, f32::MIN_POSITIVE, f32::MAX]);
        assert_eq!(read_back(&limits), Ok(limits));
        let empty = Vector(Vec::new());
        assert_eq!(read_back(&empty), Ok(empty));
    }

    #[test]
    fn numbers_that_are_not_finite_are_an_error_both_ways() {
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(refused(&Vector([0.0, number])), ToSqlError::NotFinite);
            let bytes = number.to_le_bytes();
            let read = Vector::<Vec<f32>>::from_sql(ValueRef::Bytes(&bytes));
            assert_eq!(read, Err(FromSqlError::Form));
        }
    }

    #[test]
    fn another_number_of_bytes_is_an_error() {
        for length in [1, 3, 5, 12] {
            let bytes = vec![0; length];
            let read = Vector::<[f32; 2]>::from_sql(ValueRef::Bytes(&bytes));
            assert_eq!(read, Err(FromSqlError::Form), "{length}");
        }
        let cut = ValueRef::Bytes(&[0; 7]);
        assert_eq!(Vector::<Vec<f32>>::from_sql(cut), Err(FromSqlError::Form));
    }

    #[test]
    fn null_and_text_are_no_vectors() {
        let null = Vector::<Vec<f32>>::from_sql(ValueRef::Null);
        assert_eq!(null, Err(FromSqlError::Null));
        let text = Vector::<Vec<f32>>::from_sql(ValueRef::Text("[1]"));
        assert_eq!(text, Err(FromSqlError::Mismatch { value: "text" }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(numbers: Vec<f32>) {
            let vector = Vector(numbers);
            prop_assert_eq!(read_back(&vector), Ok(vector));
        }
    }
}
