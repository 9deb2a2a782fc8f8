use super::expand;
use crate::testing::error;

#[test]
fn only_structs_are_parameters() {
    let message = "`Params` can be derived for structs, and this is an enum";
    assert_eq!(
        error(expand, "enum E { A }"),
        (message.into(), "enum".into())
    );
}

#[test]
fn a_field_is_one_parameter() {
    let code = "struct S { a: u8, #[otaria(flatten)] b: T }";
    let message = "`flatten` is for rows: each field is one parameter";
    assert_eq!(error(expand, code), (message.into(), "b".into()));
}

#[test]
fn two_parameters_with_one_name_are_an_error() {
    let code = "struct S { a: u8, #[otaria(rename = \"a\")] b: u8 }";
    let message = "the name `a` is that of the field `a`, too";
    assert_eq!(error(expand, code), (message.into(), "b".into()));
}

#[test]
fn a_struct_may_borrow_with_several_lifetimes() {
    let code = "struct S<'a, 'b> { a: &'a str, b: &'b str }";
    assert!(expand(&syn::parse_str(code).unwrap()).is_ok());
}
