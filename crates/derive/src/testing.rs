use proc_macro2::TokenStream;
use syn::{DeriveInput, Result};

/// The errors of a derive, each as its message and the code that it points at.
pub(crate) fn errors(
    expand: fn(&DeriveInput) -> Result<TokenStream>,
    code: &str,
) -> Vec<(String, String)> {
    let input: DeriveInput = syn::parse_str(code).unwrap();
    expand(&input)
        .unwrap_err()
        .into_iter()
        .map(|error| (error.to_string(), source_text(code, &error)))
        .collect()
}

/// The one error of a derive, likewise.
pub(crate) fn error(
    expand: fn(&DeriveInput) -> Result<TokenStream>,
    code: &str,
) -> (String, String) {
    let [error] = errors(expand, code).try_into().unwrap();
    error
}

/// The code on one line that the error points at.
fn source_text(code: &str, error: &syn::Error) -> String {
    let (start, end) = (error.span().start(), error.span().end());
    assert_eq!(
        start.line, end.line,
        "the code of the tests is one line an error"
    );
    let line = code.lines().nth(start.line - 1).unwrap();
    line.chars().take(end.column).skip(start.column).collect()
}
