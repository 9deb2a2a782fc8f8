use std::collections::HashMap;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Generics, Ident, Index, Member, Path, Result, Type};

use crate::attributes::{DefaultValue, FieldAttributes, StructAttributes};

/// A struct that a trait is derived for.
pub(crate) struct Input<'i> {
    pub(crate) ident: &'i Ident,
    pub(crate) generics: &'i Generics,
    /// The module of what the derived code is made of.
    pub(crate) support: Path,
    /// Whether the fields go by their places only.
    pub(crate) is_tuple: bool,
    pub(crate) by_position: bool,
    pub(crate) fields: Vec<Field<'i>>,
}

/// A field of the struct.
pub(crate) struct Field<'i> {
    pub(crate) member: Member,
    pub(crate) ty: &'i Type,
    pub(crate) kind: FieldKind,
}

/// How a field is read.
pub(crate) enum FieldKind {
    /// From the column of this name.
    Column(Box<Column>),
    /// As part of the same row.
    Flatten,
    /// Not at all.
    Skip(DefaultValue),
}

/// The column of a field.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) try_from: Option<Type>,
}

impl<'i> Input<'i> {
    /// Takes apart what `trait_name` is derived for.
    pub(crate) fn parse(input: &'i DeriveInput, trait_name: &str) -> Result<Self> {
        let fields = struct_fields(&input.data, trait_name)?;
        let attributes = StructAttributes::parse(&input.attrs)?;
        let is_tuple = matches!(fields, Fields::Unnamed(_));
        let parsed = Self {
            ident: &input.ident,
            generics: &input.generics,
            support: support(attributes.crate_path.as_ref()),
            is_tuple,
            by_position: is_tuple || attributes.by_position.is_some(),
            fields: parse_fields(fields, &attributes)?,
        };
        if !is_tuple {
            parsed.check_names()?;
        }
        Ok(parsed)
    }

    /// The fields that have columns, in order.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&Field<'i>, &Column)> + Clone {
        self.fields.iter().filter_map(|field| match &field.kind {
            FieldKind::Column(column) => Some((field, column.as_ref())),
            _ => None,
        })
    }

    /// The types of the fields that are parts of the same row, in order.
    pub(crate) fn flattened(&self) -> impl Iterator<Item = &'i Type> {
        let is_part = |field: &&Field<'i>| matches!(field.kind, FieldKind::Flatten);
        self.fields.iter().filter(is_part).map(|field| field.ty)
    }

    fn check_names(&self) -> Result<()> {
        let mut seen = HashMap::new();
        for (field, column) in self.columns() {
            if let Some(first) = seen.insert(&column.name, field) {
                let message = format!(
                    "the name `{}` is that of the field `{}`, too",
                    column.name,
                    name(&first.member)
                );
                return Err(Error::new_spanned(&field.member, message));
            }
        }
        Ok(())
    }
}

fn struct_fields<'d>(data: &'d Data, trait_name: &str) -> Result<&'d Fields> {
    let (span, kind) = match data {
        Data::Struct(data) => return Ok(&data.fields),
        Data::Enum(data) => (data.enum_token.span, "an enum"),
        Data::Union(data) => (data.union_token.span, "a union"),
    };
    let message = format!("`{trait_name}` can be derived for structs, and this is {kind}");
    Err(Error::new(span, message))
}

fn support(crate_path: Option<&Path>) -> Path {
    crate_path.map_or_else(
        || syn::parse_quote!(::otaria::derive),
        |path| syn::parse_quote!(#path::derive),
    )
}

/// All errors are found at once.
fn parse_fields<'i>(fields: &'i Fields, attributes: &StructAttributes) -> Result<Vec<Field<'i>>> {
    let mut parsed = Vec::with_capacity(fields.len());
    let mut errors: Option<Error> = None;
    for (place, field) in (0..).zip(fields) {
        let member = field.ident.clone().map_or_else(
            || {
                Member::Unnamed(Index {
                    index: place,
                    span: field.ty.span(),
                })
            },
            Member::Named,
        );
        let kind = FieldAttributes::parse(&field.attrs)
            .and_then(|found| field_kind(&member, found, attributes));
        match (kind, &mut errors) {
            (Ok(kind), _) => parsed.push(Field {
                member,
                ty: &field.ty,
                kind,
            }),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(parsed), Err)
}

fn field_kind(
    member: &Member,
    attributes: FieldAttributes,
    of_struct: &StructAttributes,
) -> Result<FieldKind> {
    let span = attributes.span.unwrap_or_else(Span::call_site);
    let FieldAttributes {
        rename,
        default,
        skip,
        flatten,
        try_from,
        ..
    } = attributes;
    let is_renamed = rename.is_some();
    if flatten.is_some() {
        if is_renamed || default.is_some() || skip.is_some() || try_from.is_some() {
            let message = "`flatten` goes with no other attribute";
            return Err(Error::new(span, message));
        }
        return Ok(FieldKind::Flatten);
    }
    if skip.is_some() {
        if is_renamed || try_from.is_some() {
            let message = "`skip` goes with no other attribute but `default`";
            return Err(Error::new(span, message));
        }
        return Ok(FieldKind::Skip(default.unwrap_or(DefaultValue::OfType)));
    }
    let name = match (rename, member) {
        (Some(rename), Member::Unnamed(_)) => {
            let message = "the fields of a tuple struct go by their places, not by names";
            return Err(Error::new(rename.span(), message));
        }
        (Some(rename), Member::Named(_)) => rename.value(),
        (None, member) => {
            let field = name(member);
            of_struct
                .rename_all
                .map_or_else(|| field.clone(), |rule| rule.apply(&field))
        }
    };
    Ok(FieldKind::Column(Box::new(Column {
        name,
        default,
        try_from,
    })))
}

/// The field's name, without the `r#` of a keyword.
fn name(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
