//! What the attributes of fields do, and generic structs.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use otaria::{FromRow, FromRowError, FromSqlError};

use crate::cells::{Sample, bigint, blob, int, text, unsigned};

#[test]
fn names_are_changed_by_rename_and_by_rename_all() {
    #[derive(Debug, FromRow, PartialEq)]
    #[otaria(rename_all = "camelCase")]
    struct Renamed {
        unit_price: i32,
        #[otaria(rename = "TYPE of it")]
        kind: i32,
        r#type: i32,
    }
    let sample = Sample::new(&[int("type", 3), int("unitPrice", 1), int("TYPE of it", 2)]);
    let expected = Renamed {
        unit_price: 1,
        kind: 2,
        r#type: 3,
    };
    assert_eq!(sample.read(), Ok(expected));
}

fn dash() -> String {
    "-".into()
}

#[derive(Debug, FromRow, PartialEq)]
struct Defaults {
    id: i32,
    #[otaria(default)]
    count: i32,
    #[otaria(default = dash)]
    name: String,
    #[otaria(default = "Digits::none", try_from = "i64")]
    text: Digits,
    #[otaria(skip)]
    cache: Option<Vec<u8>>,
}

/// The digits of a number.
#[derive(Debug, PartialEq)]
struct Digits(String);

impl Digits {
    fn none() -> Self {
        Self(String::new())
    }
}

impl From<i64> for Digits {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

#[test]
fn a_default_stands_for_a_missing_column_and_for_null() {
    let default = |count, name: &str| Defaults {
        id: 1,
        count,
        name: name.into(),
        text: Digits("5".into()),
        cache: None,
    };
    let (id, count, name, five) = (
        int("id", 1),
        int("count", 2),
        text("name", "n"),
        bigint("text", 5),
    );
    let all = [id.clone(), count.clone(), name.clone(), five.clone()];
    assert_eq!(Sample::new(&all).read(), Ok(default(2, "n")));
    let missing = [id.clone(), five.clone()];
    assert_eq!(Sample::new(&missing).read(), Ok(default(0, "-")));
    let no_text = [id.clone(), five.clone().null()];
    let text = Digits(String::new());
    assert_eq!(
        Sample::new(&no_text).read(),
        Ok(Defaults {
            text,
            ..default(0, "-")
        })
    );
    let text = Digits(String::new());
    assert_eq!(
        Sample::new(&no_text[..1]).read(),
        Ok(Defaults {
            text,
            ..default(0, "-")
        })
    );
    let null = [id.clone(), count.null(), name.clone().null(), five.clone()];
    assert_eq!(Sample::new(&null).read(), Ok(default(0, "-")));
    let null_out_of_order = [name.null(), five, id];
    assert_eq!(Sample::new(&null_out_of_order).read(), Ok(default(0, "-")));
}

/// A number up to 100.
#[derive(Debug, PartialEq)]
struct Percent(u32);

#[derive(Debug)]
struct TooMuch(u32);

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is too much", self.0)
    }
}

impl TryFrom<u32> for Percent {
    type Error = TooMuch;

    fn try_from(number: u32) -> Result<Self, TooMuch> {
        if number > 100 {
            Err(TooMuch(number))
        } else {
            Ok(Self(number))
        }
    }
}

#[derive(Debug, FromRow, PartialEq)]
struct Share<'r> {
    #[otaria(try_from = "u32")]
    part: Percent,
    #[otaria(try_from = "&'r str", default)]
    letters: Letters<'r>,
}

#[derive(Debug, Default, PartialEq)]
struct Letters<'r>(&'r str);

impl<'r> From<&'r str> for Letters<'r> {
    fn from(text: &'r str) -> Self {
        Self(text)
    }
}

#[test]
fn a_value_is_read_as_another_type_and_converted() {
    let expected = |letters| Share {
        part: Percent(40),
        letters: Letters(letters),
    };
    let cells = [unsigned("part", 40), text("letters", "abc")];
    assert_eq!(Sample::new(&cells).read(), Ok(expected("abc")));
    let reversed = [text("letters", "abc"), unsigned("part", 40)];
    assert_eq!(Sample::new(&reversed).read(), Ok(expected("abc")));
    let null = [unsigned("part", 40), text("letters", "abc").null()];
    assert_eq!(Sample::new(&null).read(), Ok(expected("")));
    assert_eq!(Sample::new(&cells[..1]).read(), Ok(expected("")));
}

#[test]
fn a_value_that_the_type_refuses_is_an_error_that_names_the_types_and_not_the_value() {
    let exact = Sample::new(&[unsigned("part", 12345), text("letters", "")]);
    let other_order = Sample::new(&[text("letters", ""), int("part", 12345)]);
    for (sample, place) in [(&exact, 0), (&other_order, 1)] {
        let error = sample.read::<Share<'_>>().unwrap_err();
        let FromRowError::Column {
            index,
            rust_type,
            error: FromSqlError::Refused { error: refused },
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(index, place);
        assert!(rust_type.ends_with("Percent") && refused.ends_with("TooMuch"));
        let shown = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(!shown.contains("12345"), "{shown}");
    }
}

#[test]
fn what_cannot_be_read_as_the_other_type_is_an_error_of_the_reading() {
    let sample = Sample::new(&[int("part", -1)]);
    let error = FromRowError::Column {
        index: 0,
        rust_type: "u32",
        error: FromSqlError::OutOfRange,
    };
    assert_eq!(sample.read::<Share<'_>>(), Err(error));
}

#[derive(Debug, FromRow, PartialEq)]
struct Generic<A, B: Clone = i32, const N: usize = 0>
where
    B: PartialEq,
{
    a: Option<A>,
    #[otaria(default)]
    b: B,
    #[otaria(skip)]
    places: PhantomData<[(); N]>,
}

#[derive(Debug, FromRow, PartialEq)]
struct Outer<T> {
    #[otaria(flatten)]
    part: T,
    #[otaria(try_from = "i32")]
    b: i64,
}

#[test]
fn structs_may_be_generic() {
    let sample = Sample::new(&[text("a", "x"), int("b", 2)]);
    let expected = Generic::<&str, i64, 0> {
        a: Some("x"),
        b: 2,
        places: PhantomData,
    };
    assert_eq!(sample.read(), Ok(expected));
    let owned: Generic<String> = sample.read().unwrap();
    assert_eq!(owned.a.as_deref(), Some("x"));
    let outer: Outer<Generic<String>> = sample.read().unwrap();
    assert_eq!((outer.part, outer.b), (owned, 2));
}

#[test]
fn fields_may_borrow_text_and_bytes() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Borrowed<'row> {
        text: &'row str,
        bytes: &'row [u8],
    }
    let sample = Sample::new(&[text("text", "abc"), blob("bytes", b"\x80\xff")]);
    let read: Borrowed<'_> =
        crate::cells::read_as::<_, otaria_binary::BinaryRow<'_>>(&sample.binary, &sample.columns)
            .unwrap();
    let payload = sample.binary.as_ptr_range();
    assert!(payload.contains(&read.text.as_ptr()) && payload.contains(&read.bytes.as_ptr()));
    assert_eq!((read.text, read.bytes), ("abc", &b"\x80\xff"[..]));
}

/// Nothing here is called as the code that is derived expects it.
mod shadowed {
    #![allow(
        dead_code,
        non_camel_case_types,
        reason = "names that derived code must not take"
    )]

    enum Option {}
    enum Result {}
    struct Some;
    struct Ok;
    trait Default {}
    trait Clone {}
    struct usize;
    mod core {}

    #[derive(otaria::FromRow, otaria::Params)]
    pub struct Plain<'r> {
        pub row: i32,
        #[otaria(default)]
        pub columns: i32,
        #[otaria(skip)]
        pub plan: i32,
        pub cell: &'r str,
    }

    #[derive(otaria::FromRow)]
    pub struct Outer<'r> {
        #[otaria(flatten)]
        pub value: Plain<'r>,
    }
}

#[test]
fn derived_code_stands_on_no_name_of_the_user_s() {
    let sample = Sample::new(&[text("cell", "c"), int("row", 1)]);
    let outer: shadowed::Outer<'_> =
        crate::cells::read_as::<_, otaria_text::TextRow<'_>>(&sample.text, &sample.columns)
            .unwrap();
    assert_eq!(
        (outer.value.row, outer.value.columns, outer.value.cell),
        (1, 0, "c")
    );
}

#[test]
fn the_crate_may_be_called_otherwise() {
    use otaria as driver;
    #[derive(Debug, FromRow, PartialEq)]
    #[otaria(crate = "driver")]
    struct Other {
        id: i32,
    }
    #[derive(Debug, FromRow, PartialEq)]
    #[otaria(crate = otaria_types)]
    struct Below {
        id: i32,
    }
    assert_eq!(Sample::new(&[int("id", 1)]).read(), Ok(Other { id: 1 }));
    assert_eq!(Sample::new(&[int("id", 1)]).read(), Ok(Below { id: 1 }));
}
