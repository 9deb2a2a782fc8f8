use otaria_statement::{NamedSqlError, PlaceholderError};
use otaria_text::SqlLiterals;
use otaria_types::{InList, ToSql, ToSqlError, params};

use super::*;

/// The statement, and its parameters as literals between commas.
#[track_caller]
fn placed(sql: &str, params: impl Params) -> (String, String) {
    let placed = place(sql, &params).unwrap();
    let in_order = placed.params(&params);
    let mut literals = SqlLiterals::new();
    literals.set(&in_order).unwrap();
    let mut one_by_one = SqlLiterals::new();
    for index in 0..in_order.len() {
        in_order.write_at(index, &mut one_by_one).unwrap();
    }
    let [all, again] = [literals, one_by_one].map(|literals| {
        let literals: Vec<&str> = literals.iter().collect();
        literals.join(",")
    });
    assert_eq!(all, again);
    (placed.sql().to_owned(), all)
}

#[track_caller]
fn becomes(sql: &str, params: impl Params, expected: &str, values: &str) {
    assert_eq!(placed(sql, params), (expected.into(), values.into()));
}

#[track_caller]
fn stays(sql: &str, params: impl Params, values: &str) {
    becomes(sql, params, sql, values);
}

fn refusal(sql: &str, params: impl Params) -> PlaceError {
    place(sql, &params).unwrap_err()
}

fn list<T>(values: &[T]) -> InList<'_, T> {
    InList(values)
}

#[test]
fn a_statement_for_plain_values_is_not_looked_at() {
    for sql in ["SELECT ?, ?", "SELECT :a, '", "/*! :a ? */", ""] {
        stays(sql, (1, "a"), "1,('a')");
        let placed = place(sql, &[1, 2]).unwrap();
        assert!(matches!(placed.sql, Cow::Borrowed(_)) && placed.order.is_none());
    }
    stays("SELECT 1", (), "");
}

#[test]
fn named_parameters_come_in_the_order_of_the_statement() {
    becomes(
        "SELECT :b, ':a', :a, :b",
        params! { a: 1, b: 2 },
        "SELECT ?, ':a', ?, ?",
        "2,1,2",
    );
    let pairs: [(&str, &(dyn ToSql + Sync)); 2] = [("x", &7), ("größe", &"a")];
    becomes("SELECT :größe + :x", pairs, "SELECT ? + ?", "('a'),7");
}

#[test]
fn named_parameters_go_by_their_order_where_the_statement_has_none_of_them() {
    let params = params! { a: 1, b: 2 };
    stays("SELECT ?, ?", params, "1,2");
    stays("SELECT ?, ':a', ?", params, "1,2");
    stays("SELECT a::b, ?, ?", params, "1,2");
    stays("SELECT ? /*! , ? */", params, "1,2");
}

#[test]
fn named_parameters_unknown_unused_and_given_twice_are_errors_that_name_them() {
    let name = |name: &str| name.to_owned();
    let errors = [
        (
            refusal("SELECT :a, :c", params! { a: 1 }),
            NamedSqlError::NotGiven { name: name("c") },
        ),
        (
            refusal("SELECT :a", params! { a: 1, b: 2 }),
            NamedSqlError::NotUsed { name: name("b") },
        ),
        (
            refusal("SELECT 1", params! { a: 1 }),
            NamedSqlError::NotUsed { name: name("a") },
        ),
        (
            refusal("SELECT ':a?'", params! { a: 1 }),
            NamedSqlError::NotUsed { name: name("a") },
        ),
        (
            refusal("SELECT '?'", params! { a: 1 }),
            NamedSqlError::NotUsed { name: name("a") },
        ),
        (
            refusal("SELECT :a", [("a", 1), ("a", 2)]),
            NamedSqlError::GivenTwice { name: name("a") },
        ),
        (
            refusal("SELECT :a, ?", params! { a: 1, b: 2 }),
            NamedSqlError::Positional { at: 11 },
        ),
        (
            refusal("SELECT :a /*! */", params! { a: 1 }),
            NamedSqlError::Unclear { at: 10 },
        ),
    ];
    for (error, expected) in errors {
        assert_eq!(error, PlaceError::Named(expected));
    }
}

/// A parameter with a name before one that has none.
struct HalfNamed;

impl Params for HalfNamed {
    fn len(&self) -> usize {
        2
    }

    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        (1, 2).write(out)
    }

    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        (1, 2).write_at(index, out)
    }

    fn name(&self, index: usize) -> Option<&str> {
        (index == 0).then_some("a")
    }
}

#[test]
fn names_for_some_parameters_only_are_an_error() {
    let error = refusal("SELECT :a, ?", HalfNamed);
    assert_eq!(error, PlaceError::Unnamed { index: 1 });
}

#[test]
fn lists_become_a_placeholder_for_each_value() {
    becomes(
        "SELECT ? FROM t WHERE a IN (?) AND b NOT IN ( ? ) AND c = '?'",
        ("x", list(&[1, 2, 3]), list(&["y"])),
        "SELECT ? FROM t WHERE a IN (?, ?, ?, ?) AND b NOT IN ( ? ) AND c = '?'",
        "('x'),1,2,3,3,('y')",
    );
}

#[test]
fn lists_stand_for_names_too_and_more_than_once() {
    becomes(
        "a IN (:ids) OR b IN (:ids) OR c = :c",
        params! { c: 0, ids: list(&[1, 2]) },
        "a IN (?, ?) OR b IN (?, ?) OR c = ?",
        "1,2,1,2,0",
    );
    stays("a IN (?)", params! { ids: list(&[1]) }, "1");
}

#[test]
fn an_empty_list_is_a_subquery_without_rows() {
    becomes(
        "a IN (?) AND b = ?",
        (list(&[0; 0]), 5),
        "a IN (SELECT NULL FROM DUAL WHERE FALSE) AND b = ?",
        "5",
    );
}

#[test]
fn a_list_elsewhere_is_an_error_that_says_where() {
    let ids = list(&[1, 2]);
    for (sql, at) in [
        ("SELECT ?", 7),
        ("VALUES (?)", 8),
        ("a IN (0, ?)", 9),
        ("a IN (?, 0)", 6),
        ("a IN (/* ids */ ?)", 16),
    ] {
        assert_eq!(refusal(sql, (ids,)), PlaceError::NoList { at }, "{sql}");
    }
    let error = refusal("a IN (1, :ids)", params! { ids: ids });
    assert_eq!(error, PlaceError::NoList { at: 9 });
}

#[test]
fn lists_in_a_statement_that_is_not_clear_are_an_error_that_says_where() {
    let error = refusal("a IN (?) /*! */", (list(&[1]),));
    let expected = PlaceholderError::Unclear { at: 9 };
    assert_eq!(error, PlaceError::Placeholders(expected));
}

#[test]
fn another_number_of_parameters_beside_a_list_is_an_error_with_both_numbers() {
    let ids = list(&[1, 2]);
    let (expected, given) = (1, 2);
    let error = refusal("a IN (?)", (ids, 3));
    assert_eq!(error, PlaceError::Count { expected, given });
    let (expected, given) = (2, 1);
    let error = refusal("a IN (?) AND b = ?", (ids,));
    assert_eq!(error, PlaceError::Count { expected, given });
}

#[test]
fn lists_make_65_535_parameters_and_no_more() {
    let values = vec![1; 65_534];
    let (sql, _) = placed("a IN (?) AND b = ?", (list(&values), 2));
    assert_eq!(sql.matches('?').count(), 65_535);
    let found = 65_536;
    let sql = "a IN (?) AND b = ? AND c = ?";
    let error = refusal(sql, (list(&values), 2, 3));
    assert_eq!(error, PlaceError::TooMany { found });
    // One list in many places, whose product is looked at before anything is built.
    let sql = "a IN (:a) OR ".repeat(60_000) + "TRUE";
    let error = refusal(&sql, params! { a: list(&values) });
    let found = 60_000 * 65_534;
    assert_eq!(error, PlaceError::TooMany { found });
}

#[test]
fn a_value_that_cannot_be_is_an_error_that_names_the_parameter_as_it_was_given() {
    let params = params! { a: 1.0, b: f64::NAN };
    let placed = place("SELECT :b, :a", &params).unwrap();
    let in_order = placed.params(&params);
    let expected = ParamsError::Parameter {
        index: 1,
        error: ToSqlError::NotFinite,
    };
    let mut literals = SqlLiterals::new();
    assert_eq!(in_order.write(&mut literals), Err(expected));
    assert_eq!(in_order.write_at(0, &mut literals), Err(expected));
    assert_eq!(
        in_order.write_at(2, &mut literals),
        Err(ParamsError::NoParameter { index: 2, len: 2 })
    );
}

#[test]
fn debug_shows_neither_the_statement_nor_values() {
    let params = params! { a: "secret" };
    let placed = place("SELECT 'secret', :a", &params).unwrap();
    assert_eq!(
        format!("{placed:?} {:?}", placed.params(&params)),
        "Placed { bytes: 18, order: Some([0]) } PlacedParams(1)"
    );
}
