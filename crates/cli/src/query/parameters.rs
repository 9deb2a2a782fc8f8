//! Parameters of a statement, as they stand on the command line.

use std::str::FromStr;

use otaria::{Decimal, ToSql};

/// A parameter `name=text` or `name:=number`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    name: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Integer(i64),
    Unsigned(u64),
    Decimal(Decimal),
    Text(String),
}

impl FromStr for Parameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or(FORM)?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, number(value)?),
            None => (name, Value::Text(value.to_owned())),
        };
        let name = name.strip_prefix(':').unwrap_or(name);
        let belongs = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if name.is_empty() || !name.chars().all(belongs) {
            return Err(FORM.to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

fn number(text: &str) -> Result<Value, String> {
    if text.eq_ignore_ascii_case("null") {
        return Ok(Value::Null);
    }
    if let Ok(number) = text.parse() {
        return Ok(Value::Integer(number));
    }
    if let Ok(number) = text.parse() {
        return Ok(Value::Unsigned(number));
    }
    text.parse()
        .map(Value::Decimal)
        .map_err(|_| "behind := stands a number or null".to_owned())
}

/// The parameters as pairs of names and values.
pub(crate) fn named(parameters: &[Parameter]) -> Vec<(&str, &(dyn ToSql + Sync))> {
    let pairs = parameters.iter().map(|parameter| {
        let name = parameter.name.as_str();
        (name, parameter.value.as_sql())
    });
    pairs.collect()
}

impl Value {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Null => &None::<i64>,
            Self::Integer(number) => number,
            Self::Unsigned(number) => number,
            Self::Decimal(number) => number,
            Self::Text(text) => text,
        }
    }
}

const FORM: &str = "a parameter is name=text or name:=number, and stands in the statement as :name";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, Value), String> {
        text.parse().map(|Parameter { name, value }| (name, value))
    }

    #[test]
    fn text_stays_text_and_numbers_are_numbers() {
        let text = |value: &str| Value::Text(value.to_owned());
        for (given, name, value) in [
            ("city=Åbo", "city", text("Åbo")),
            ("zip=01234", "zip", text("01234")),
            ("a==b", "a", text("=b")),
            (":empty=", "empty", text("")),
            ("n:=-7", "n", Value::Integer(-7)),
            ("n:=18446744073709551615", "n", Value::Unsigned(u64::MAX)),
            ("n:=1.50", "n", Value::Decimal("1.50".parse().unwrap())),
            ("n:=null", "n", Value::Null),
        ] {
            assert_eq!(parsed(given), Ok((name.to_owned(), value)), "{given}");
        }
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for given in ["", "name", "=x", "a b=1", "n:=x", "n:=", "n-1=2", ":=1"] {
            assert!(parsed(given).is_err(), "{given}");
        }
    }
}
