use super::expand;
use crate::testing::{error, errors};

fn assert_error(code: &str, message: &str, at: &str) {
    assert_eq!(error(expand, code), (message.into(), at.into()), "{code}");
}

#[test]
fn only_structs_are_rows() {
    let message = "`FromRow` can be derived for structs, and this is";
    assert_error("pub enum E { A }", &format!("{message} an enum"), "enum");
    assert_error("union U { a: u8 }", &format!("{message} a union"), "union");
}

#[test]
fn an_unknown_attribute_is_an_error_that_names_those_there_are() {
    assert_error(
        "struct S { #[otaria(renam = \"b\")] a: u8 }",
        "unknown attribute `renam`; a field may have `rename`, `default`, `skip`, `flatten`, \
         `try_from`",
        "renam",
    );
    assert_error(
        "#[otaria(position)] struct S { a: u8 }",
        "unknown attribute `position`; a struct may have `by_position`, `rename_all`, `crate`",
        "position",
    );
    assert_error(
        "struct S { #[otaria(by_position)] a: u8 }",
        "unknown attribute `by_position`; a field may have `rename`, `default`, `skip`, \
         `flatten`, `try_from`",
        "by_position",
    );
}

#[test]
fn attributes_of_others_are_left_to_them() {
    let input = "#[serde(rename_all = \"x\")] struct S { #[serde(rename = \"b\")] a: u8 }";
    assert!(expand(&syn::parse_str(input).unwrap()).is_ok());
}

#[test]
fn an_attribute_given_twice_is_an_error() {
    for (code, name) in [
        ("struct S { #[otaria(skip, skip)] a: u8 }", "skip"),
        (
            "struct S { #[otaria(default)] #[otaria(default = x)] a: u8 }",
            "default",
        ),
        (
            "struct S { #[otaria(rename = \"a\", rename = \"b\")] a: u8 }",
            "rename",
        ),
        (
            "#[otaria(by_position, by_position)] struct S { a: u8 }",
            "by_position",
        ),
        (
            "#[otaria(crate = \"a\", crate = \"b\")] struct S { a: u8 }",
            "crate",
        ),
    ] {
        assert_error(code, &format!("`{name}` is given twice"), name);
    }
}

#[test]
fn flatten_goes_with_no_other_attribute() {
    for other in ["rename = \"b\"", "default", "skip", "try_from = \"u8\""] {
        let code = format!("struct S {{ #[otaria({other}, flatten)] a: u8 }}");
        let first = other.split(' ').next().unwrap();
        assert_error(&code, "`flatten` goes with no other attribute", first);
    }
}

#[test]
fn skip_goes_with_default_only() {
    let message = "`skip` goes with no other attribute but `default`";
    for other in ["rename = \"b\"", "try_from = \"u8\""] {
        let code = format!("struct S {{ #[otaria(skip, {other})] a: u8 }}");
        assert_error(&code, message, "skip");
    }
    let code = "struct S { #[otaria(skip, default = \"f\")] a: u8 }";
    assert!(expand(&syn::parse_str(code).unwrap()).is_ok());
}

#[test]
fn several_lifetimes_are_an_error() {
    assert_error(
        "struct S<'a, 'b, T> { a: &'a str, b: &'b T }",
        "a struct that is read from a row has one lifetime, that of the row",
        "'b",
    );
}

#[test]
fn two_fields_with_one_name_are_an_error() {
    let code = "struct S { a: u8, #[otaria(rename = \"a\")] b: u8 }";
    assert_error(code, "the name `a` is that of the field `a`, too", "b");
    let code = "#[otaria(rename_all = \"camelCase\")] struct S { a_b: u8, aB: u8 }";
    assert_error(code, "the name `aB` is that of the field `a_b`, too", "aB");
}

#[test]
fn a_field_without_a_name_cannot_be_renamed() {
    assert_error(
        "struct S(#[otaria(rename = \"a\")] u8);",
        "the fields of a tuple struct go by their places, not by names",
        "\"a\"",
    );
}

#[test]
fn an_unknown_rule_is_an_error_that_names_those_there_are() {
    assert_error(
        "#[otaria(rename_all = \"camel\")] struct S { a: u8 }",
        "unknown rule; there are \"camelCase\", \"PascalCase\", \"snake_case\", \
         \"SCREAMING_SNAKE_CASE\", \"kebab-case\"",
        "\"camel\"",
    );
}

#[test]
fn what_does_not_parse_is_an_error_where_it_stands() {
    let parsed = |code| error(expand, code).1;
    assert_eq!(parsed("struct S { #[otaria(rename = a)] a: u8 }"), "a");
    assert_eq!(
        parsed("struct S { #[otaria(try_from = \"1\")] a: u8 }"),
        "\"1\""
    );
    assert_eq!(
        parsed("struct S { #[otaria(default = \"f(\")] a: u8 }"),
        "\"f(\""
    );
    assert_eq!(parsed("struct S { #[otaria(skip = 1)] a: u8 }"), "=");
    assert_eq!(parsed("struct S { #[otaria] a: u8 }"), "otaria");
}

#[test]
fn the_errors_of_all_fields_are_found_at_once() {
    let code = "struct S { #[otaria(a)] a: u8, b: u8, #[otaria(skip, skip)] c: u8 }";
    let places: Vec<_> = errors(expand, code)
        .into_iter()
        .map(|error| error.1)
        .collect();
    assert_eq!(places, ["a", "skip"]);
}
