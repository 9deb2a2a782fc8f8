//! Structs that take columns by their names.

use otaria::{FromRow, FromRowError, FromSqlError};

use crate::cells::{Cell, Sample, bigint, blob, int, read_as, text, text_of_bytes};

#[derive(Debug, FromRow, PartialEq)]
struct Item<'r> {
    id: i64,
    stock: i32,
    name: &'r str,
    note: Option<&'r str>,
}

fn cells() -> [Cell; 4] {
    [
        bigint("id", -7),
        int("stock", 3),
        text("name", "kettle"),
        text("note", "blue, 2 l"),
    ]
}

const ITEM: Item<'_> = Item {
    id: -7,
    stock: 3,
    name: "kettle",
    note: Some("blue, 2 l"),
};

#[test]
fn fields_take_the_columns_of_their_names() {
    assert_eq!(Sample::new(&cells()).read(), Ok(ITEM));
}

#[test]
fn columns_come_in_any_order() {
    for order in orders([0, 1, 2, 3]) {
        let sample = Sample::new(&order.map(|place| cells()[place].clone()));
        assert_eq!(sample.read(), Ok(ITEM), "{order:?}");
    }
}

#[test]
fn other_columns_are_passed_wherever_they_stand() {
    let others = [
        blob("raw", b"\xff\xfb\x00"),
        text("remark", "-").null(),
        int("", 1),
    ];
    for order in orders([0, 1, 2, 3]) {
        for place in 0..=4 {
            let mut all: Vec<_> = order.iter().map(|place| cells()[*place].clone()).collect();
            all.splice(place..place, others.clone());
            assert_eq!(
                Sample::new(&all).read(),
                Ok(ITEM),
                "{order:?}, others at {place}"
            );
        }
    }
}

#[test]
fn null_is_an_option_s_and_else_an_error_that_names_the_column() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        let null_note = |place: usize| match &cells()[place] {
            cell if place == 3 => cell.clone().null(),
            cell => cell.clone(),
        };
        let sample = Sample::new(&order.map(null_note));
        assert_eq!(sample.read(), Ok(Item { note: None, ..ITEM }));
        let null_stock = |place: usize| match &cells()[place] {
            cell if place == 1 => cell.clone().null(),
            cell => cell.clone(),
        };
        let sample = Sample::new(&order.map(null_stock));
        let index = order.iter().position(|place| *place == 1).unwrap();
        let error = FromRowError::Column {
            index,
            rust_type: "i32",
            error: FromSqlError::Null,
        };
        assert_eq!(sample.read::<Item<'_>>(), Err(error));
    }
}

#[test]
fn columns_of_other_types_convert_in_order_and_out_of_it() {
    let cells = [
        int("id", -7),
        bigint("stock", 3),
        text("name", "kettle"),
        text("note", "n"),
    ];
    let item = Item {
        note: Some("n"),
        ..ITEM
    };
    assert_eq!(Sample::new(&cells).read(), Ok(item));
    let reversed: Vec<_> = cells.into_iter().rev().collect();
    assert_eq!(
        Sample::new(&reversed).read(),
        Ok(Item {
            note: Some("n"),
            ..ITEM
        })
    );
}

#[test]
fn a_missing_column_is_an_error_that_names_it() {
    for missing in 0..4 {
        let mut all = cells().to_vec();
        let name = all.remove(missing).column.name().to_owned();
        let error = Sample::new(&all).read::<Item<'_>>().unwrap_err();
        assert!(
            matches!(error, FromRowError::MissingColumn { name: found, columns: 3 } if found == name),
            "{error:?}"
        );
    }
    let error = Sample::new(&cells()[1..]).read::<Item<'_>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the type takes a column `id`, which is none of the row's 3 columns"
    );
}

#[test]
fn names_are_compared_exactly() {
    let mut all = cells().to_vec();
    all[0] = bigint("ID", -7);
    let error = Sample::new(&all).read::<Item<'_>>().unwrap_err();
    assert!(matches!(
        error,
        FromRowError::MissingColumn {
            name: "id",
            columns: 4
        }
    ));
}

#[test]
fn of_two_columns_with_one_name_the_first_is_taken() {
    let mut all = cells().to_vec();
    all.insert(2, bigint("id", 99));
    all.push(text("name", "pot"));
    assert_eq!(Sample::new(&all).read(), Ok(ITEM));
    all.insert(0, bigint("id", 1));
    assert_eq!(Sample::new(&all).read(), Ok(Item { id: 1, ..ITEM }));
}

#[test]
fn a_value_that_does_not_convert_is_an_error_with_its_place_in_the_row() {
    let [id, _, name, note] = cells();
    let all = [text("other", "x"), note, name, text("stock", "three"), id];
    let error = FromRowError::Column {
        index: 3,
        rust_type: "i32",
        error: FromSqlError::Mismatch { value: "text" },
    };
    assert_eq!(Sample::new(&all).read::<Item<'_>>(), Err(error));
}

#[test]
fn text_that_is_not_utf_8_and_long_text_are_read_like_a_tuple_s() {
    let long = "ä".repeat(200);
    let mut all = cells().to_vec();
    all[2] = text("name", &long);
    let sample = Sample::new(&all);
    assert_eq!(
        sample.read(),
        Ok(Item {
            name: &long,
            ..ITEM
        })
    );
    all[2] = text_of_bytes("name", b"\xe4\xfc");
    let error = FromRowError::Column {
        index: 2,
        rust_type: "&str",
        error: FromSqlError::Utf8,
    };
    assert_eq!(Sample::new(&all).read::<Item<'_>>(), Err(error));
}

#[test]
fn a_cut_row_and_one_that_goes_on_are_invalid_packets_in_every_order() {
    for order in orders([0, 1, 2, 3]) {
        let sample = Sample::new(&order.map(|place| cells()[place].clone()));
        let is_invalid = |payload: &[u8]| {
            let read = read_as::<Item<'_>, otaria_binary::BinaryRow<'_>>(payload, &sample.columns);
            matches!(read, Err(FromRowError::InvalidPacket(_)))
        };
        for end in 0..sample.binary.len() {
            assert!(is_invalid(&sample.binary[..end]), "{order:?}, cut at {end}");
        }
        assert!(
            is_invalid(&[&sample.binary[..], &[1]].concat()),
            "{order:?}"
        );
    }
}

#[test]
fn returning_columns_are_taken_by_name() {
    // `INSERT … RETURNING name, id`: the server's order is that of the list, not of the table.
    #[derive(Debug, FromRow, PartialEq)]
    struct Returned {
        id: u64,
        name: String,
    }
    let sample = Sample::new(&[text("name", "Ada"), bigint("id", 12)]);
    let name = "Ada".to_owned();
    assert_eq!(sample.read(), Ok(Returned { id: 12, name }));
}

#[test]
fn one_result_set_is_read_as_more_types_than_are_remembered() {
    macro_rules! types {
        ($($name:ident $field:ident)+) => {$(
            #[derive(Debug, FromRow, PartialEq)]
            struct $name {
                $field: i32,
            }
        )+
            let sample = Sample::new(&[int("a", 1), int("b", 2), int("c", 3), int("d", 4), int("e", 5), int("f", 6)]);
            for _ in 0..3 {
                let sum = 0 $(+ sample.read::<$name>().unwrap().$field)+;
                assert_eq!(sum, 21);
            }
        };
    }
    types! { A a B b C c D d E e F f }
}

/// All orders of four places.
fn orders(places: [usize; 4]) -> Vec<[usize; 4]> {
    let mut orders = Vec::new();
    let mut add = |order: [usize; 4]| {
        if places.iter().all(|place| order.contains(place)) {
            orders.push(order);
        }
    };
    for a in places {
        for b in places {
            for c in places {
                for d in places {
                    add([a, b, c, d]);
                }
            }
        }
    }
    assert_eq!(orders.len(), 24);
    orders
}
