//! What stands in `expectations.toml`.

use std::error::Error;

use toml::{Table, Value};

/// Which scenarios which servers cannot run, and why.
#[derive(Debug)]
pub(crate) struct Expectations(Vec<Expectation>);

/// Scenarios that servers cannot run. Texts have `*` for any text.
#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) scenarios: Vec<String>,
    servers: Vec<String>,
    pub(crate) reason: String,
    /// One of these stands in what each of them prints when it is run all the same. Others of its
    /// failures have other causes.
    shows: Vec<String>,
}

impl Expectations {
    pub(crate) fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let document: Table = text.parse()?;
        if let Some(other) = document.keys().find(|key| *key != TABLE) {
            return Err(format!("{other}: there are only tables `{TABLE}`").into());
        }
        let entries = match document.get(TABLE) {
            Some(Value::Array(entries)) => entries.as_slice(),
            Some(_) => return Err(format!("{TABLE} is no array of tables").into()),
            None => &[],
        };
        let entries: Result<_, _> = entries.iter().map(Expectation::parse).collect();
        Ok(Self(entries?))
    }

    /// The first that has `scenario` on `server`.
    pub(crate) fn of(&self, scenario: &str, server: &str) -> Option<&Expectation> {
        self.on(server).find(|entry| entry.has(scenario))
    }

    /// Those of `server`.
    pub(crate) fn on(&self, server: &str) -> impl Iterator<Item = &Expectation> {
        self.0
            .iter()
            .filter(move |entry| entry.servers.iter().any(|text| matches(text, server)))
    }
}

impl Expectation {
    fn parse(value: &Value) -> Result<Self, Box<dyn Error>> {
        let table = value.as_table().ok_or("an entry is no table")?;
        let texts = |key: &str| {
            let values = table.get(key).and_then(Value::as_array);
            let texts = values.and_then(|values| {
                let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<String>>>()
            });
            texts
                .filter(|texts| !texts.is_empty())
                .ok_or_else(|| format!("{key} is no list of texts in {table:?}"))
        };
        let reason = table.get("reason").and_then(Value::as_str);
        if table.len() != 4 {
            return Err(format!("scenarios, servers, reason and shows, not {table:?}").into());
        }
        Ok(Self {
            scenarios: texts("scenarios")?,
            servers: texts("servers")?,
            reason: reason.ok_or("no reason")?.to_owned(),
            shows: texts("shows")?,
        })
    }

    fn has(&self, scenario: &str) -> bool {
        self.scenarios.iter().any(|text| matches(text, scenario))
    }

    /// Whether a failure that prints `output` is of this cause.
    pub(crate) fn explains(&self, output: &str) -> bool {
        self.shows
            .iter()
            .any(|text| matches(&format!("*{text}*"), output))
    }
}

/// Whether `text` is that of `pattern`, in which `*` is any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

const TABLE: &str = "not-applicable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, is) in [
            ("a::b", "a::b", true),
            ("a::b", "a::bc", false),
            ("a::*", "a::b::c", true),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "a", false),
            ("ab*ba", "aba", false),
            ("*1064*", "ERROR 1064 (42000)", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_entry_of_scenario_and_server_explains_what_shows_its_cause() {
        let text = "
            [[not-applicable]]
            scenarios = ['live::uuid*']
            servers = ['mariadb-10.5', 'mysql-*']
            reason = 'UUID is of 10.7'
            shows = ['Unknown data type*UUID']
        ";
        let expectations = Expectations::parse(text).unwrap();
        let entry = expectations.of("live::uuid_is_read", "mysql-9.7").unwrap();
        assert_eq!(entry.reason, "UUID is of 10.7");
        assert!(entry.explains("ERROR: Unknown data type: 'UUID'\n"));
        assert!(!entry.explains("out of memory"));
        assert!(expectations.of("live::uuid", "mariadb-10.11").is_none());
        assert!(expectations.of("live::inet6", "mariadb-10.5").is_none());
    }

    #[test]
    fn an_entry_without_a_reason_or_with_another_key_is_refused() {
        for text in [
            "[[not-applicable]]\nscenarios = ['a']\nservers = ['b']\nshows = ['c']",
            "[[not-applicable]]\nscenarios = []\nservers = ['b']\nshows = ['c']\nreason = 'd'",
            "[[not-applicable]]\nscenarios = ['a']\nservers = ['b']\nreason = 'd'",
            "[[not_applicable]]\nreason = 'd'",
            "not-applicable = 1",
        ] {
            assert!(Expectations::parse(text).is_err(), "{text}");
        }
    }
}
