use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::spanned::Spanned;
use syn::{Attribute, Error, LitStr, Path, Result, Token, Type};

use crate::rename::Rename;

/// The attributes of a struct.
#[derive(Default)]
pub(crate) struct StructAttributes {
    pub(crate) by_position: Option<()>,
    pub(crate) rename_all: Option<Rename>,
    pub(crate) crate_path: Option<Path>,
}

impl StructAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for_each(attributes, |meta| {
            if meta.path.is_ident("by_position") {
                set(&mut parsed.by_position, (), meta)
            } else if meta.path.is_ident("rename_all") {
                set(&mut parsed.rename_all, rename_rule(meta)?, meta)
            } else if meta.path.is_ident("crate") {
                set(&mut parsed.crate_path, value(meta)?, meta)
            } else {
                Err(unknown(meta, "a struct", STRUCT_ATTRIBUTES))
            }
        })?;
        Ok(parsed)
    }
}

/// The attributes of a field.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) rename: Option<LitStr>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) skip: Option<()>,
    pub(crate) flatten: Option<()>,
    pub(crate) try_from: Option<Type>,
    /// Where the first of them is.
    pub(crate) span: Option<Span>,
}

impl FieldAttributes {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for_each(attributes, |meta| {
            parsed.span.get_or_insert_with(|| meta.path.span());
            if meta.path.is_ident("rename") {
                set(&mut parsed.rename, meta.value()?.parse()?, meta)
            } else if meta.path.is_ident("default") {
                set(&mut parsed.default, default_value(meta)?, meta)
            } else if meta.path.is_ident("skip") {
                set(&mut parsed.skip, (), meta)
            } else if meta.path.is_ident("flatten") {
                set(&mut parsed.flatten, (), meta)
            } else if meta.path.is_ident("try_from") {
                set(&mut parsed.try_from, value(meta)?, meta)
            } else {
                Err(unknown(meta, "a field", FIELD_ATTRIBUTES))
            }
        })?;
        Ok(parsed)
    }
}

/// What a field is where there is no value.
#[derive(Clone)]
pub(crate) enum DefaultValue {
    /// That of `Default`.
    OfType,
    /// What this function returns.
    Function(Path),
}

fn for_each(
    attributes: &[Attribute],
    mut each: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("otaria"))
        .try_for_each(|attribute| attribute.parse_nested_meta(|meta| each(&meta)))
}

fn set<T>(attribute: &mut Option<T>, value: T, meta: &ParseNestedMeta<'_>) -> Result<()> {
    if attribute.replace(value).is_none() {
        return Ok(());
    }
    Err(Error::new_spanned(
        &meta.path,
        format!("`{}` is given twice", name(meta)),
    ))
}

/// What stands behind `=`, with quotation marks around it or without.
fn value<T: Parse>(meta: &ParseNestedMeta<'_>) -> Result<T> {
    let input = meta.value()?;
    if input.peek(LitStr) {
        return input.parse::<LitStr>()?.parse();
    }
    input.parse()
}

fn default_value(meta: &ParseNestedMeta<'_>) -> Result<DefaultValue> {
    if meta.input.peek(Token![=]) {
        return Ok(DefaultValue::Function(value(meta)?));
    }
    Ok(DefaultValue::OfType)
}

fn rename_rule(meta: &ParseNestedMeta<'_>) -> Result<Rename> {
    let rule: LitStr = meta.value()?.parse()?;
    Rename::parse(&rule.value()).ok_or_else(|| {
        Error::new(
            rule.span(),
            format!("unknown rule; there are {}", Rename::rules()),
        )
    })
}

fn unknown(meta: &ParseNestedMeta<'_>, place: &str, known: &[&str]) -> Error {
    let known = known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    Error::new_spanned(
        &meta.path,
        format!(
            "unknown attribute `{}`; {place} may have {known}",
            name(meta)
        ),
    )
}

fn name(meta: &ParseNestedMeta<'_>) -> String {
    meta.path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::")
}

const STRUCT_ATTRIBUTES: &[&str] = &["by_position", "rename_all", "crate"];
const FIELD_ATTRIBUTES: &[&str] = &["rename", "default", "skip", "flatten", "try_from"];
