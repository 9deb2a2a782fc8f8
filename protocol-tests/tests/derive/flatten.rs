//! Structs whose fields are made of the same row.

use otaria::{FromRow, FromRowError, FromSqlError};

use crate::cells::{Sample, bigint, int, text};

#[derive(Debug, FromRow, PartialEq)]
struct Order<'r> {
    id: i64,
    #[otaria(flatten)]
    customer: Customer<'r>,
    total: i32,
    #[otaria(flatten)]
    shipping: Shipping<'r>,
}

#[derive(Debug, FromRow, PartialEq)]
struct Customer<'r> {
    name: &'r str,
    #[otaria(flatten)]
    address: Address,
}

#[derive(Debug, FromRow, PartialEq)]
struct Address {
    city: String,
    #[otaria(default)]
    street: String,
}

#[derive(Debug, FromRow, PartialEq)]
struct Shipping<'r> {
    city: &'r str,
    id: i32,
}

fn order() -> Order<'static> {
    Order {
        id: 1,
        customer: Customer {
            name: "Ada",
            address: Address {
                city: "Ulm".into(),
                street: "Weg 3".into(),
            },
        },
        total: 250,
        shipping: Shipping { city: "Ulm", id: 1 },
    }
}

#[test]
fn parts_take_their_columns_out_of_the_same_row_in_any_order() {
    let mut cells = [
        bigint("id", 1),
        text("name", "Ada"),
        text("city", "Ulm"),
        text("street", "Weg 3"),
        int("total", 250),
        text("other", "x").null(),
    ];
    for _ in 0..cells.len() {
        cells.rotate_left(1);
        assert_eq!(Sample::new(&cells).read(), Ok(order()));
    }
    cells.reverse();
    assert_eq!(Sample::new(&cells).read(), Ok(order()));
}

#[test]
fn a_column_that_two_parts_take_is_read_for_each() {
    let cells = [
        bigint("id", 1),
        text("city", "Bonn"),
        text("name", "Eva"),
        int("total", 0),
    ];
    let sample = Sample::new(&cells);
    let read: Order<'_> = sample.read().unwrap();
    assert_eq!((read.id, read.shipping.id), (1, 1));
    assert_eq!(
        (read.customer.address.city.as_str(), read.shipping.city),
        ("Bonn", "Bonn")
    );
    assert_eq!(read.customer.address.street, "");
}

#[test]
fn a_column_that_a_part_misses_is_named() {
    let cells = [bigint("id", 1), text("name", "Ada"), int("total", 250)];
    let error = FromRowError::MissingColumn {
        name: "city",
        columns: 3,
    };
    assert_eq!(Sample::new(&cells).read::<Order<'_>>(), Err(error));
}

#[test]
fn an_error_in_a_part_has_the_place_in_the_row() {
    let cells = [
        text("city", "Ulm"),
        bigint("id", 1 << 40),
        text("name", "Ada"),
        int("total", 250),
    ];
    let error = FromRowError::Column {
        index: 1,
        rust_type: "i32",
        error: FromSqlError::OutOfRange,
    };
    assert_eq!(Sample::new(&cells).read::<Order<'_>>(), Err(error));
}

#[test]
fn a_part_alone_may_be_all_of_a_struct() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Outer {
        #[otaria(flatten)]
        inner: Inner,
    }
    #[derive(Debug, FromRow, PartialEq)]
    struct Inner {
        a: i32,
        b: i64,
    }
    let sample = Sample::new(&[int("a", 1), bigint("b", 2)]);
    assert_eq!(
        sample.read(),
        Ok(Outer {
            inner: Inner { a: 1, b: 2 }
        })
    );
}

#[test]
fn by_position_a_part_takes_the_next_columns() {
    #[derive(Debug, FromRow, PartialEq)]
    struct Outer<'r>(
        i32,
        #[otaria(flatten)] Inner<'r>,
        #[otaria(flatten)] (i32, Option<i32>),
        i64,
    );
    #[derive(Debug, FromRow, PartialEq)]
    #[otaria(by_position)]
    struct Inner<'r> {
        name: &'r str,
        count: i32,
    }
    let mut cells = vec![
        int("", 1),
        text("", "two"),
        int("", 3),
        int("", 4),
        int("", 5).null(),
        bigint("", 6),
    ];
    let expected = Outer(
        1,
        Inner {
            name: "two",
            count: 3,
        },
        (4, None),
        6,
    );
    assert_eq!(Sample::new(&cells).read(), Ok(expected));
    cells[3] = text("", "four");
    let error = FromRowError::Column {
        index: 3,
        rust_type: "i32",
        error: FromSqlError::Mismatch { value: "text" },
    };
    assert_eq!(Sample::new(&cells).read::<Outer<'_>>(), Err(error));
    cells.pop();
    let error = FromRowError::ColumnCount {
        expected: 6,
        found: 5,
    };
    assert_eq!(Sample::new(&cells).read::<Outer<'_>>(), Err(error));
}
