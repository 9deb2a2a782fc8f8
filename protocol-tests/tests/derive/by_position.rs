//! Structs that take columns in the order of their fields.

use otaria::{FromRow, FromRowError, FromSqlError};

use crate::cells::{Sample, bigint, blob, int, text};

#[derive(Debug, FromRow, PartialEq)]
struct Pair<'r>(i64, &'r str);

#[derive(Debug, FromRow, PartialEq)]
#[otaria(by_position)]
struct Named {
    id: i64,
    name: Option<String>,
}

#[test]
fn a_tuple_struct_takes_columns_whatever_they_are_called() {
    let sample = Sample::new(&[bigint("x", 1), text("", "one")]);
    assert_eq!(sample.read(), Ok(Pair(1, "one")));
}

#[test]
fn a_struct_with_names_can_be_by_position() {
    let sample = Sample::new(&[bigint("name", 1), text("id", "one")]);
    let name = Some("one".to_owned());
    assert_eq!(sample.read(), Ok(Named { id: 1, name }));
    let sample = Sample::new(&[int("?", 1), text("?", "one").null()]);
    assert_eq!(sample.read(), Ok(Named { id: 1, name: None }));
}

#[test]
fn another_number_of_columns_is_an_error_that_says_both_numbers() {
    for found in [1, 3] {
        let cells: Vec<_> = (0..found).map(|_| bigint("id", 1)).collect();
        let error = FromRowError::ColumnCount { expected: 2, found };
        assert_eq!(Sample::new(&cells).read::<Pair<'_>>(), Err(error));
        assert_eq!(Sample::new(&cells).read::<Named>(), Err(error));
    }
}

#[test]
fn a_value_that_does_not_convert_is_an_error_that_names_the_column() {
    let sample = Sample::new(&[bigint("x", 1), bigint("y", 2)]);
    let error = FromRowError::Column {
        index: 1,
        rust_type: "&str",
        error: FromSqlError::Mismatch { value: "int" },
    };
    assert_eq!(sample.read::<Pair<'_>>(), Err(error));
}

#[test]
fn skipped_fields_take_no_column() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Skipping<'r>(
        i64,
        #[otaria(skip)] Vec<u8>,
        &'r [u8],
        #[otaria(skip, default = "seven")] u8,
    );
    fn seven() -> u8 {
        7
    }
    let sample = Sample::new(&[bigint("x", 1), blob("y", b"\xff\x00")]);
    assert_eq!(sample.read(), Ok(Skipping(1, Vec::new(), b"\xff\x00", 7)));
}

#[test]
fn null_is_the_default_of_a_field_that_has_one() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Defaults(#[otaria(default)] i64, #[otaria(default)] String);
    let sample = Sample::new(&[bigint("x", 1).null(), text("y", "one")]);
    assert_eq!(sample.read(), Ok(Defaults(0, "one".into())));
    let sample = Sample::new(&[bigint("x", 1), text("y", "one").null()]);
    assert_eq!(sample.read(), Ok(Defaults(1, String::new())));
}

#[test]
fn a_struct_may_have_more_fields_than_a_tuple() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Twenty(
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
    );
    let cells: Vec<_> = (1..=20).map(|value| int("x", value)).collect();
    let expected = Twenty(
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    );
    assert_eq!(Sample::new(&cells).read(), Ok(expected));
}
