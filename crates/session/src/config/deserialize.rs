//! Configurations that are part of another, such as of a program's own file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Config, Options, Source};

impl<'de> Deserialize<'de> for Config {
    /// From a URL, or from a map of the options of URLs and of `user`, `password`, `host` (which
    /// may be a list), `port` and `database`. An error names the option and never shows its value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL such as mariadb://user:password@host/database, or a map of options")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<Config, E> {
        url.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let mut options = Options::new(Config::builder(), Source::Map);
        while let Some(name) = map.next_key::<String>()? {
            let values = map.next_value::<Values>()?;
            let values = values.by_name(&name).map_err(A::Error::custom)?;
            for value in values {
                let set = options.set(&name, Some(&value));
                set.map_err(A::Error::custom)?;
            }
        }
        let builder = options.finish().map_err(A::Error::custom)?;
        builder.build().map_err(A::Error::custom)
    }
}

/// The value of an option: text, a number or a switch, or a list of them.
enum Values {
    One(String),
    List(Vec<String>),
    /// Neither, of which nothing is shown: it may be a secret in the wrong place.
    Other,
}

impl Values {
    /// The values to set the option `name` to, one after another.
    fn by_name(self, name: &str) -> Result<Vec<String>, String> {
        match self {
            Self::One(value) => Ok(vec![value]),
            // Only init commands may be given several times. What else is a list has commas.
            Self::List(values) if super::options::may_repeat(name) => Ok(values),
            Self::List(values) => Ok(vec![values.join(",")]),
            Self::Other => Err(format!(
                "`{}` must be text, a number, true or false, or a list of them",
                super::options::shown(name)
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an option")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Values, E> {
        Ok(Values::One(value.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Values, E> {
        Ok(Values::One(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Values, E> {
        Ok(Values::One(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Values, E> {
        Ok(Values::One(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Values, E> {
        Ok(Values::One(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Values, E> {
        Ok(Values::Other)
    }

    fn visit_none<E: Error>(self) -> Result<Values, E> {
        Ok(Values::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Values, D::Error> {
        Values::deserialize(deserializer)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Values, E> {
        Ok(Values::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Values::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        let mut is_flat = true;
        while let Some(value) = list.next_element::<Self::Value>()? {
            match value {
                Values::One(value) => values.push(value),
                Values::List(_) | Values::Other => is_flat = false,
            }
        }
        Ok(if is_flat {
            Values::List(values)
        } else {
            Values::Other
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Config, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_is_read_from_a_url_or_a_map() {
        let url = read(r#""mariadb://u:secret@h:3307/d?tcp_nodelay=false""#).unwrap();
        let map = read(
            r#"{"user": "u", "password": "secret", "host": "h", "port": 3307, "database": "d",
                "tcp-nodelay": false}"#,
        )
        .unwrap();
        assert_eq!(format!("{url:?}"), format!("{map:?}"));
        assert_eq!(map.password().as_bytes(), b"secret");
    }

    #[test]
    fn lists_are_hosts_and_init_commands() {
        let config = read(
            r#"{"host": ["a", "b:3307"], "init_command": ["SET @a = 1, @b = 2", "SET @c = 3"]}"#,
        )
        .unwrap();
        assert_eq!(config.endpoints().len(), 2);
        assert_eq!(config.init_commands(), ["SET @a = 1, @b = 2", "SET @c = 3"]);
    }

    #[test]
    fn no_error_shows_a_value() {
        for json in [
            r#""mariadb://u:secret@h:x""#,
            r#"{"port": "secret"}"#,
            r#"{"password": ["secret", ["secret"]]}"#,
            r#"{"password": {"secret": "secret"}}"#,
            r#"{"pasword": "secret"}"#,
            r#"{"password": null}"#,
            r#"{"user": "secret", "user": "secret"}"#,
            r#"["secret"]"#,
        ] {
            let error = read(json).unwrap_err();
            assert!(!error.contains("secret"), "{json}: {error}");
        }
        let error = read(r#"{"pasword": "x"}"#).unwrap_err();
        assert!(error.contains("did you mean `password`?"), "{error}");
    }
}
