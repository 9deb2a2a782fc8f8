//! The derive macros of the crate `otaria`, which has them beside the traits that they implement, and
//! their documentation. What they make stands on that crate.

mod attributes;
mod bounds;
mod from_row;
mod input;
mod params;
mod rename;
#[cfg(test)]
mod testing;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Implements `FromRow`.
#[proc_macro_derive(FromRow, attributes(otaria))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    from_row::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// Implements `Params`.
#[proc_macro_derive(Params, attributes(otaria))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    params::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
