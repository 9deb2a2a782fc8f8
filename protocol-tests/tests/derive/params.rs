//! Structs as the parameters of a statement.

use std::ops::RangeInclusive;

use otaria::{Params, ToSql};
use otaria_binary::Parameters;
use otaria_types::{InList, ParameterSink, ParamsError, ToSqlError};

#[derive(Params)]
struct NewItem<'a, T> {
    name: &'a str,
    #[otaria(rename = "price_in_cents")]
    price: T,
    #[otaria(skip)]
    note: &'a str,
    r#type: Option<i64>,
}

#[derive(Params)]
struct Pair(i64, #[otaria(skip)] &'static str, f64);

const ITEM: NewItem<'_, u32> = NewItem {
    name: "kettle",
    price: 1999,
    note: "is not sent",
    r#type: None,
};

/// Some of the parameters, each written by itself.
struct Apart<'p, P>(&'p P, RangeInclusive<usize>);

impl<P: Params> Params for Apart<'_, P> {
    fn len(&self) -> usize {
        self.1.clone().count()
    }

    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        let mut indexes = self.1.clone();
        indexes.try_for_each(|index| self.0.write_at(index, out))
    }

    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        self.0.write_at(index, out)
    }
}

/// The parameters as the binary protocol sends them, written together and each by itself.
fn sent(params: &impl Params) -> Result<Parameters, ParamsError> {
    let mut together = Parameters::new();
    together.set(params)?;
    let mut apart = Parameters::new();
    apart.set(&Apart(params, 0..=params.len() - 1))?;
    assert!(together == apart, "together and apart");
    Ok(together)
}

fn names(params: &impl Params) -> Vec<Option<&str>> {
    (0..=params.len()).map(|index| params.name(index)).collect()
}

#[test]
fn fields_are_parameters_in_their_order() {
    assert_eq!((ITEM.len(), Pair(1, "", 2.5).len()), (3, 2));
    assert!(sent(&ITEM) == sent(&("kettle", 1999_u32, None::<i64>)));
    assert!(sent(&Pair(1, "is not sent", 2.5)) == sent(&(1_i64, 2.5)));
    assert_eq!(ITEM.note, Pair(1, "is not sent", 2.5).1);
}

#[test]
fn fields_have_names_where_the_struct_has_them() {
    let expected = [Some("name"), Some("price_in_cents"), Some("type"), None];
    assert_eq!(names(&ITEM), expected);
    assert_eq!(names(&Pair(1, "", 2.5)), [None; 3]);
}

#[test]
fn all_names_are_changed_by_rename_all() {
    #[derive(Params)]
    #[otaria(rename_all = "PascalCase")]
    struct Renamed {
        unit_price: i32,
        #[otaria(rename = "count")]
        stock: i32,
    }
    let renamed = Renamed {
        unit_price: 1,
        stock: 2,
    };
    assert_eq!(names(&renamed), [Some("UnitPrice"), Some("count"), None]);
    assert!(sent(&renamed) == sent(&(1, 2)));
}

#[test]
fn a_list_is_one_parameter_of_several_values() {
    #[derive(Params)]
    struct Search<'a> {
        ids: InList<'a, i32>,
        name: &'a dyn ToSql,
    }
    let search = Search {
        ids: InList(&[3, 5, 8]),
        name: &"kettle",
    };
    assert_eq!(search.len(), 2);
    assert_eq!(
        [0, 1, 2].map(|index| search.list_len(index)),
        [Some(4), None, None]
    );
    assert!(sent(&search) == sent(&(3, 5, 8, 8, "kettle")));
}

#[test]
fn a_value_that_cannot_be_is_an_error_that_names_the_parameter() {
    let error = ParamsError::Parameter {
        index: 1,
        error: ToSqlError::NotFinite,
    };
    assert!(sent(&Pair(1, "", f64::NAN)) == Err(error));
    let apart = Apart(&Pair(1, "", f64::NAN), 1..=1);
    assert_eq!(Parameters::new().set(&apart), Err(error));
}

#[test]
fn there_is_no_parameter_behind_the_last() {
    let error = ParamsError::NoParameter { index: 3, len: 3 };
    assert_eq!(Parameters::new().set(&Apart(&ITEM, 3..=3)), Err(error));
}

#[test]
fn a_struct_may_be_a_row_and_parameters() {
    use crate::cells::{Sample, bigint, text};

    #[derive(Debug, otaria::FromRow, Params, PartialEq)]
    struct Item {
        #[otaria(rename = "item_id", default)]
        id: i64,
        #[otaria(try_from = "&str")]
        name: String,
        #[otaria(skip, default = "String::new")]
        cache: String,
    }
    let sample = Sample::new(&[text("name", "kettle"), bigint("item_id", 7)]);
    let item: Item = sample.read().unwrap();
    assert_eq!(names(&item), [Some("item_id"), Some("name"), None]);
    assert!(sent(&item) == sent(&(7_i64, "kettle")));
}
