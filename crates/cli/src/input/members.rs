//! The members of a JSON object.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names and values in their order, each value as it is written.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// What a value is by its form.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Kind {
    Null,
    Flag,
    Number,
    Text,
    /// An object or an array.
    Nested,
}

impl<'a> Members<'a> {
    /// Reads an object. What is wrong is told without a value.
    pub(crate) fn parse(object: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(object)
    }
}

impl Kind {
    pub(crate) fn of(value: &RawValue) -> Self {
        match value.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Flag,
            Some(b'"') => Self::Text,
            Some(b'{' | b'[') => Self::Nested,
            _ => Self::Number,
        }
    }
}

/// A value as text: what a string says, and all else as it is written. `None` if the string has
/// characters that are none.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    if Kind::of(value) != Kind::Text {
        return Some(Cow::Borrowed(value.get()));
    }
    let Name(text) = serde_json::from_str(value.get()).ok()?;
    Some(text)
}

/// A string that is borrowed where nothing in it is escaped.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_what_is_written_and_strings_what_they_say() {
        let object =
            br#"{"a": 1.50e2, "\u0062":"x\n\u00e9", "c": {"d" : [ 1 ]}, "e":true,"f":null}"#;
        let Members(members) = Members::parse(object).unwrap();
        let found: Vec<_> = members
            .iter()
            .map(|(name, value)| (&**name, Kind::of(value), text(value).unwrap()))
            .collect();
        let expected = [
            ("a", Kind::Number, "1.50e2"),
            ("b", Kind::Text, "x\né"),
            ("c", Kind::Nested, "{\"d\" : [ 1 ]}"),
            ("e", Kind::Flag, "true"),
            ("f", Kind::Null, "null"),
        ];
        let expected = expected.map(|(name, kind, text)| (name, kind, Cow::from(text)));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in [
            "{\"a\":01}",
            "{\"a\" 1}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":nan}",
            "[1]",
        ] {
            assert!(Members::parse(text.as_bytes()).is_err(), "{text}");
        }
        let lone = Members::parse(br#"{"a":"\ud800"}"#);
        assert!(lone.is_err() || text(lone.unwrap().0[0].1).is_none());
    }
}
