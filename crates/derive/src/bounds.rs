use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Generics, Ident, WherePredicate};

/// Adds to the where clause what the fields' types need, as far as they stand on type parameters: for
/// others the compiler says at the field what is missing.
pub(crate) fn add(
    generics: &mut Generics,
    bounds: impl IntoIterator<Item = (TokenStream, WherePredicate)>,
) {
    let parameters: Vec<Ident> = generics
        .type_params()
        .map(|parameter| parameter.ident.clone())
        .collect();
    if parameters.is_empty() {
        return;
    }
    let predicates = bounds
        .into_iter()
        .filter(|(ty, _)| mentions(ty.clone(), &parameters))
        .map(|(_, predicate)| predicate);
    generics.make_where_clause().predicates.extend(predicates);
}

fn mentions(tokens: TokenStream, parameters: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => parameters.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), parameters),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The bound `ty: bound`, and the type for [`add`].
pub(crate) fn bound(ty: &impl ToTokens, bound: &impl ToTokens) -> (TokenStream, WherePredicate) {
    let ty = ty.to_token_stream();
    let predicate = syn::parse_quote!(#ty: #bound);
    (ty, predicate)
}
