mod by_name;
mod by_position;
mod field;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, GenericParam, Generics, Lifetime, LifetimeParam, Result, Type};

use crate::bounds::{self, bound};
use crate::input::{FieldKind, Input};
use field::ColumnField;

/// What `#[derive(FromRow)]` stands for. Names in it that user's code could see begin with `__`.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let input = Input::parse(input, "FromRow")?;
    let lifetime = row_lifetime(input.generics)?;
    let derived = Derived {
        generics: generics(&input, &lifetime),
        input,
        lifetime,
    };
    let implementations = if derived.input.by_position {
        by_position::expand(&derived)
    } else {
        by_name::expand(&derived)
    };
    Ok(quote! {
        const _: () = { #implementations };
    })
}

/// A struct, and what stands in the heads of the implementations for it.
struct Derived<'i> {
    input: Input<'i>,
    /// That of the row.
    lifetime: Lifetime,
    generics: Generics,
}

impl Derived<'_> {
    /// The implementation of a trait of the support module.
    fn implement(&self, name: &str, body: &TokenStream) -> TokenStream {
        let (support, ident, lifetime) = (&self.input.support, self.input.ident, &self.lifetime);
        let name = format_ident!("{name}");
        let (parameters, _, bounds) = self.generics.split_for_impl();
        let (_, arguments, _) = self.input.generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #parameters #support::#name<#lifetime> for #ident #arguments #bounds {
                #body
            }
        }
    }

    /// `Self` with all fields. `column` makes the values of those that have columns, `part` of those
    /// that are flattened, each told how many of its kind stand before.
    fn value(
        &self,
        column: impl Fn(usize, &ColumnField<'_>) -> TokenStream,
        part: impl Fn(usize, &Type) -> TokenStream,
    ) -> TokenStream {
        let (mut columns, mut parts) = (0.., 0..);
        let fields = self.input.fields.iter().map(|field| {
            let (member, ty) = (&field.member, field.ty);
            let value = match &field.kind {
                FieldKind::Skip(default) => Some(field::default_value(ty, default)),
                FieldKind::Flatten => parts.next().map(|place| part(place, ty)),
                FieldKind::Column(found) => columns.next().map(|place| {
                    let field = ColumnField::new(&self.input.support, ty, found);
                    column(place, &field)
                }),
            };
            quote!(#member: #value)
        });
        quote!(Self { #(#fields),* })
    }

    /// The fields that have columns, in order.
    fn columns(&self) -> impl Iterator<Item = ColumnField<'_>> {
        let support = &self.input.support;
        self.input
            .columns()
            .map(move |(field, column)| ColumnField::new(support, field.ty, column))
    }

    /// The kinds of the cells that are read, one for each of the columns.
    fn kinds(&self) -> TokenStream {
        let (support, lifetime) = (&self.input.support, &self.lifetime);
        let kinds = self.columns().map(|column| {
            let cell = column.cell_type();
            quote!(#support::kind::<#lifetime, #cell>())
        });
        quote!([#(#kinds),*])
    }

    /// Reads a row without a NULL whose columns have just the cells that the fields read.
    fn exact(&self) -> TokenStream {
        let (support, kinds) = (&self.input.support, self.kinds());
        let value = self.value(
            |index, field| {
                let cell = field.cell_type();
                let read = quote!(__cells.read::<#cell, __R>(__row, #index)?);
                field.value(&read, &quote!(#index))
            },
            |_, _| TokenStream::new(),
        );
        quote! {
            let mut __cells = const { #support::ExactCells::new(&#kinds) };
            let __value = #value;
            __cells.end(__row)?;
            ::core::result::Result::Ok(__value)
        }
    }
}

/// The lifetime that the struct borrows from a row with.
fn row_lifetime(generics: &Generics) -> Result<Lifetime> {
    let mut lifetimes = generics.lifetimes();
    match (lifetimes.next(), lifetimes.next()) {
        (None, _) => Ok(Lifetime::new("'__row", Span::call_site())),
        (Some(lifetime), None) => Ok(lifetime.lifetime.clone()),
        (Some(_), Some(second)) => {
            let message = "a struct that is read from a row has one lifetime, that of the row";
            Err(Error::new(second.span(), message))
        }
    }
}

/// The struct's own, with a lifetime for the row and what the types of the fields need.
fn generics(input: &Input<'_>, lifetime: &Lifetime) -> Generics {
    let mut generics = input.generics.clone();
    if generics.lifetimes().next().is_none() {
        let parameter = GenericParam::Lifetime(LifetimeParam::new(lifetime.clone()));
        generics.params.insert(0, parameter);
    }
    let support = &input.support;
    let from_sql = quote!(#support::FromSql<#lifetime>);
    let flattened = if input.by_position {
        quote!(#support::ByPosition<#lifetime>)
    } else {
        quote!(#support::ByName<#lifetime>)
    };
    let mut found = Vec::new();
    for field in &input.fields {
        let ty = field.ty;
        match &field.kind {
            FieldKind::Flatten => found.push(bound(ty, &flattened)),
            FieldKind::Skip(default) => found.extend(field::default_bound(ty, default)),
            FieldKind::Column(column) => {
                match &column.try_from {
                    None => found.push(bound(ty, &from_sql)),
                    Some(cell) => {
                        found.push(bound(cell, &from_sql));
                        found.push(bound(ty, &quote!(::core::convert::TryFrom<#cell>)));
                    }
                }
                let default = column.default.as_ref();
                found.extend(default.and_then(|default| field::default_bound(ty, default)));
            }
        }
    }
    bounds::add(&mut generics, found);
    generics
}

#[cfg(test)]
mod tests;
