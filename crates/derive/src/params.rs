use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::bounds::{self, bound};
use crate::input::{FieldKind, Input};

/// What `#[derive(Params)]` stands for. Names in it that user's code could see begin with `__`.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let input = Input::parse(input, "Params")?;
    let part = input
        .fields
        .iter()
        .find(|field| matches!(field.kind, FieldKind::Flatten));
    if let Some(part) = part {
        let message = "`flatten` is for rows: each field is one parameter";
        return Err(Error::new_spanned(&part.member, message));
    }
    let support = &input.support;
    let mut generics = input.generics.clone();
    let to_sql = quote!(#support::ToSql);
    let needed = input.columns().map(|(field, _)| bound(field.ty, &to_sql));
    bounds::add(&mut generics, needed);
    let (parameters, _, bounds) = generics.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();
    let (ident, writing, telling) = (input.ident, writing(&input), telling(&input));
    Ok(quote! {
        const _: () = {
            #[automatically_derived]
            impl #parameters #support::Params for #ident #arguments #bounds {
                #writing
                #telling
            }
        };
    })
}

/// What writes the values.
fn writing(input: &Input<'_>) -> TokenStream {
    let support = &input.support;
    let len = input.columns().count();
    let members: Vec<_> = input.columns().map(|(field, _)| &field.member).collect();
    let places: Vec<usize> = (0..len).collect();
    quote! {
        #[inline]
        fn len(&self) -> ::core::primitive::usize {
            #len
        }

        #[inline]
        fn write<__S: #support::ParameterSink>(
            &self,
            __out: &mut __S,
        ) -> ::core::result::Result<(), #support::ParamsError> {
            #(#support::write_parameter(#places, &self.#members, __out)?;)*
            ::core::result::Result::Ok(())
        }

        #[inline]
        fn write_at<__S: #support::ParameterSink>(
            &self,
            __index: ::core::primitive::usize,
            __out: &mut __S,
        ) -> ::core::result::Result<(), #support::ParamsError> {
            match __index {
                #(#places => #support::write_parameter(#places, &self.#members, __out),)*
                _ => ::core::result::Result::Err(#support::ParamsError::NoParameter {
                    index: __index,
                    len: #len,
                }),
            }
        }
    }
}

/// What says how a value goes: by a name, as one or as several.
fn telling(input: &Input<'_>) -> TokenStream {
    let support = &input.support;
    let members = input.columns().map(|(field, _)| &field.member);
    let names = input
        .columns()
        .filter(|_| !input.is_tuple)
        .map(|(_, column)| &column.name);
    // A repetition ends with the shortest of its parts.
    let (places, named) = (0_usize.., 0_usize..);
    quote! {
        #[inline]
        fn name(
            &self,
            __index: ::core::primitive::usize,
        ) -> ::core::option::Option<&::core::primitive::str> {
            match __index {
                #(#named => ::core::option::Option::Some(#names),)*
                _ => ::core::option::Option::None,
            }
        }

        #[inline]
        fn list_len(
            &self,
            __index: ::core::primitive::usize,
        ) -> ::core::option::Option<::core::primitive::usize> {
            match __index {
                #(#places => #support::ToSql::list_len(&self.#members),)*
                _ => ::core::option::Option::None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
