use proc_macro2::TokenStream;
use quote::quote;
use syn::{Index, Type};

use super::field::ColumnField;
use super::{Derived, by_position};

/// The implementations for a struct that takes columns by their names.
pub(super) fn expand(derived: &Derived<'_>) -> TokenStream {
    let by_name = derived.implement("ByName", &by_name(derived));
    if derived.input.flattened().next().is_some() {
        let from_row = derived.implement("FromRow", &with_parts(derived));
        return quote!(#from_row #by_name);
    }
    let from_row = derived.implement("FromRow", &without_parts(derived));
    let from_cells = by_position::from_cells(derived);
    quote!(#from_row #from_cells #by_name)
}

fn without_parts(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let own = derived.columns().count();
    let (own_plan, exact) = (own_plan(derived), derived.exact());
    quote! {
        type Plan = #support::NamedPlan<#own>;

        #[inline]
        fn plan(
            __columns: &#support::Columns,
        ) -> ::core::result::Result<Self::Plan, #support::FromRowError> {
            #own_plan
        }

        #[inline(always)]
        fn from_row<__R: #support::RowReader<#lifetime>>(
            __row: &mut __R,
            __columns: &#lifetime #support::Columns,
            __plan: &Self::Plan,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            if !__plan.is_in_order() {
                return #support::from_named_cells(__row, __columns, __plan);
            }
            if !__plan.is_exact() || #support::RowReader::has_null(__row) {
                return #support::from_cells(__row, __columns);
            }
            #exact
        }
    }
}

/// For a struct that others are parts of. Each has a plan of its own.
fn with_parts(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let own = derived.columns().count();
    let own_plan = own_plan(derived);
    let parts: Vec<&Type> = derived.input.flattened().collect();
    quote! {
        type Plan = (
            #support::NamedPlan<#own>,
            #(<#parts as #support::FromRow<#lifetime>>::Plan,)*
        );

        fn plan(
            __columns: &#support::Columns,
        ) -> ::core::result::Result<Self::Plan, #support::FromRowError> {
            ::core::result::Result::Ok((
                { #own_plan }?,
                #(<#parts as #support::FromRow<#lifetime>>::plan(__columns)?,)*
            ))
        }

        #[inline]
        fn from_row<__R: #support::RowReader<#lifetime>>(
            __row: &mut __R,
            __columns: &#lifetime #support::Columns,
            __plan: &Self::Plan,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            #support::from_named_cells(__row, __columns, __plan)
        }
    }
}

/// The plan of the struct's own columns.
fn own_plan(derived: &Derived<'_>) -> TokenStream {
    let (support, kinds) = (&derived.input.support, derived.kinds());
    let own = derived.columns().count();
    let fields = derived.columns().map(|field| {
        let name = &field.column.name;
        let is_required = field.column.default.is_none();
        quote!(#support::NamedField { name: #name, is_required: #is_required })
    });
    quote! {
        static __FIELDS: [#support::NamedField; #own] = [#(#fields),*];
        #support::NamedPlan::new(__columns, &__FIELDS, const { &#kinds })
    }
}

fn by_name(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let columns: Vec<_> = derived.columns().collect();
    let types = columns.iter().map(ColumnField::ty);
    let nothing = columns.iter().map(|_| quote!(::core::option::Option::None));
    let parts: Vec<&Type> = derived.input.flattened().collect();
    let (take, complete) = (take(derived), complete(derived));
    quote! {
        // How many of the own columns have been taken, their values, and the parts.
        type Partial = (
            ::core::primitive::usize,
            #(::core::option::Option<#types>,)*
            #(<#parts as #support::ByName<#lifetime>>::Partial,)*
        );

        #[inline]
        fn nothing() -> Self::Partial {
            (0, #(#nothing,)* #(<#parts as #support::ByName<#lifetime>>::nothing(),)*)
        }

        #[inline]
        fn take<__R: #support::RowReader<#lifetime>>(
            __partial: &mut Self::Partial,
            __plan: &Self::Plan,
            __cell: #support::Cell<#lifetime>,
            __row: &mut __R,
        ) -> ::core::result::Result<::core::primitive::bool, #support::FromRowError> {
            #take
        }

        fn complete(
            __partial: Self::Partial,
            __columns: &#support::Columns,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            ::core::result::Result::Ok(#complete)
        }
    }
}

fn take(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let arms = derived.columns().enumerate().map(|(place, field)| {
        let own = own_place(place);
        let cell = field.cell_type();
        let read = quote!(__cell.read::<#cell, __R>(__row)?);
        let value = field.option(&read, &quote!(__cell.index));
        quote!(::core::option::Option::Some(#place) => __partial.#own = #value,)
    });
    let parts: Vec<&Type> = derived.input.flattened().collect();
    if parts.is_empty() {
        return quote! {
            match __plan.field(&mut __partial.0, __cell.index) {
                #(#arms)*
                _ => return ::core::result::Result::Ok(false),
            }
            ::core::result::Result::Ok(true)
        };
    }
    let places = (0..parts.len()).map(|place| part_place(derived, place));
    let plans = (1..=parts.len()).map(Index::from);
    quote! {
        // A column may be taken by the struct itself and by its parts.
        let __start = ::core::clone::Clone::clone(__row);
        let mut __is_taken = true;
        match __plan.0.field(&mut __partial.0, __cell.index) {
            #(#arms)*
            _ => __is_taken = false,
        }
        #({
            let mut __again = ::core::clone::Clone::clone(&__start);
            if <#parts as #support::ByName<#lifetime>>::take(
                &mut __partial.#places,
                &__plan.#plans,
                __cell,
                &mut __again,
            )? {
                *__row = __again;
                __is_taken = true;
            }
        })*
        ::core::result::Result::Ok(__is_taken)
    }
}

fn complete(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    derived.value(
        |place, field| {
            let own = own_place(place);
            let name = &field.column.name;
            let missing = quote! {
                return ::core::result::Result::Err(#support::missing_column(#name, __columns))
            };
            field.unwrapped(&quote!(__partial.#own), &missing)
        },
        |place, ty| {
            let part = part_place(derived, place);
            quote!(<#ty as #support::ByName<#lifetime>>::complete(__partial.#part, __columns)?)
        },
    )
}

/// Where the value of a column stands in what has been read of a row.
fn own_place(place: usize) -> Index {
    Index::from(place.saturating_add(1))
}

/// Where a part does.
fn part_place(derived: &Derived<'_>, place: usize) -> Index {
    own_place(derived.columns().count().saturating_add(place))
}
