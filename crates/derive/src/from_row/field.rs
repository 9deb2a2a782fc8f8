use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type, WherePredicate};

use crate::attributes::DefaultValue;
use crate::bounds::bound;
use crate::input::Column;

/// A field that has a column, and how it is made of the column's cell.
pub(super) struct ColumnField<'f> {
    support: &'f Path,
    ty: &'f Type,
    pub(super) column: &'f Column,
}

impl<'f> ColumnField<'f> {
    pub(super) const fn new(support: &'f Path, ty: &'f Type, column: &'f Column) -> Self {
        Self {
            support,
            ty,
            column,
        }
    }

    /// The field's type.
    pub(super) const fn ty(&self) -> &Type {
        self.ty
    }

    /// The type that the cell is read as.
    pub(super) fn cell_type(&self) -> TokenStream {
        let ty = self.column.try_from.as_ref().unwrap_or(self.ty);
        if self.column.default.is_some() {
            quote_spanned!(ty.span()=> ::core::option::Option<#ty>)
        } else {
            quote!(#ty)
        }
    }

    /// The field's value, from that of the cell at `index`.
    pub(super) fn value(&self, cell: &TokenStream, index: &TokenStream) -> TokenStream {
        let Some(default) = &self.column.default else {
            return self.converted(cell, index);
        };
        let converted = self.converted(&quote!(__value), index);
        let default = default_value(self.ty, default);
        quote! {
            match #cell {
                ::core::option::Option::Some(__value) => #converted,
                ::core::option::Option::None => #default,
            }
        }
    }

    /// The same as an `Option`: none where the default is to be taken.
    pub(super) fn option(&self, cell: &TokenStream, index: &TokenStream) -> TokenStream {
        if self.column.default.is_none() {
            let converted = self.converted(cell, index);
            return quote!(::core::option::Option::Some(#converted));
        }
        let converted = self.converted(&quote!(__value), index);
        quote! {
            match #cell {
                ::core::option::Option::Some(__value) => ::core::option::Option::Some(#converted),
                ::core::option::Option::None => ::core::option::Option::None,
            }
        }
    }

    /// The field's value from the [`option`](Self::option), or `missing` where there must be one.
    pub(super) fn unwrapped(&self, option: &TokenStream, missing: &TokenStream) -> TokenStream {
        let none = match &self.column.default {
            Some(default) => default_value(self.ty, default),
            None => missing.clone(),
        };
        quote! {
            match #option {
                ::core::option::Option::Some(__value) => __value,
                ::core::option::Option::None => #none,
            }
        }
    }

    fn converted(&self, cell: &TokenStream, index: &TokenStream) -> TokenStream {
        let (support, ty) = (self.support, self.ty);
        match &self.column.try_from {
            None => cell.clone(),
            Some(from) => quote!(#support::try_from::<#from, #ty>(#cell, #index)?),
        }
    }
}

/// The value of a field of this type that has no other.
pub(super) fn default_value(ty: &Type, default: &DefaultValue) -> TokenStream {
    match default {
        DefaultValue::OfType => quote!(<#ty as ::core::default::Default>::default()),
        DefaultValue::Function(path) => {
            let call = quote_spanned!(path.span()=> #path());
            quote!({ let __default: #ty = #call; __default })
        }
    }
}

/// What [`default_value`] needs of the type.
pub(super) fn default_bound(
    ty: &Type,
    default: &DefaultValue,
) -> Option<(TokenStream, WherePredicate)> {
    match default {
        DefaultValue::OfType => Some(bound(ty, &quote!(::core::default::Default))),
        DefaultValue::Function(_) => None,
    }
}
