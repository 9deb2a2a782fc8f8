use proc_macro2::TokenStream;
use quote::quote;

use super::Derived;

/// The implementations for a struct that takes columns by their position.
pub(super) fn expand(derived: &Derived<'_>) -> TokenStream {
    let from_row = if derived.input.flattened().next().is_some() {
        converting(derived)
    } else {
        exact_or_converting(derived)
    };
    let from_row = derived.implement("FromRow", &from_row);
    let from_cells = from_cells(derived);
    let by_position = derived.implement("ByPosition", &TokenStream::new());
    quote!(#from_row #from_cells #by_position)
}

fn exact_or_converting(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let (kinds, exact) = (derived.kinds(), derived.exact());
    quote! {
        type Plan = #support::RowPlan;

        #[inline(always)]
        fn plan(
            __columns: &#support::Columns,
        ) -> ::core::result::Result<Self::Plan, #support::FromRowError> {
            #support::RowPlan::new(__columns, const { &#kinds })
        }

        #[inline(always)]
        fn from_row<__R: #support::RowReader<#lifetime>>(
            __row: &mut __R,
            __columns: &#lifetime #support::Columns,
            __plan: &Self::Plan,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            if !__plan.is_exact() || #support::RowReader::has_null(__row) {
                return #support::from_cells(__row, __columns);
            }
            #exact
        }
    }
}

/// For a struct whose parts say for themselves how they are read.
fn converting(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    quote! {
        type Plan = #support::RowPlan;

        fn plan(
            __columns: &#support::Columns,
        ) -> ::core::result::Result<Self::Plan, #support::FromRowError> {
            let __expected = <Self as #support::FromCells<#lifetime>>::COLUMNS;
            #support::RowPlan::converting(__columns, __expected)
        }

        #[inline]
        fn from_row<__R: #support::RowReader<#lifetime>>(
            __row: &mut __R,
            __columns: &#lifetime #support::Columns,
            _: &Self::Plan,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            #support::from_cells(__row, __columns)
        }
    }
}

/// Reads the fields one after the other, looking at each column.
pub(super) fn from_cells(derived: &Derived<'_>) -> TokenStream {
    let (support, lifetime) = (&derived.input.support, &derived.lifetime);
    let own = derived.columns().count();
    let parts = derived.input.flattened();
    let value = derived.value(
        |_, field| {
            let cell = field.cell_type();
            let read = quote!(__cell.read::<#cell, __R>(__row)?);
            let value = field.value(&read, &quote!(__cell.index));
            quote!({ let __cell = __cells.next_cell()?; #value })
        },
        |_, ty| quote!(#support::flattened::<#ty, __R>(__row, __cells)?),
    );
    let body = quote! {
        const COLUMNS: ::core::primitive::usize =
            #own #(+ <#parts as #support::FromCells<#lifetime>>::COLUMNS)*;

        #[inline]
        fn from_cells<__R: #support::RowReader<#lifetime>>(
            __row: &mut __R,
            __cells: &mut #support::Cells<#lifetime>,
        ) -> ::core::result::Result<Self, #support::FromRowError> {
            ::core::result::Result::Ok(#value)
        }
    };
    derived.implement("FromCells", &body)
}
