use std::collections::HashMap;
use std::fmt;

use crate::NamedSqlError;
use crate::lexer::{Lexer, Token, Unclear, is_name_byte};

/// A statement with named parameters, `:name`, as the server takes it: with `?` in their places.
///
/// A name begins with a letter or `_` and goes on with letters, digits, `_` and `$`; case counts.
/// It may stand in several places. A colon in a string, in a quoted name, in a comment, in `:=`, in
/// `::` or directly behind a name, as in `label:LOOP`, is left as it is, and so is a statement with
/// `?` only: it has no names.
///
/// ```
/// # fn main() -> Result<(), otaria_statement::NamedSqlError> {
/// use otaria_statement::NamedSql;
///
/// let sql = "SELECT ':a' FROM t WHERE b = :b AND c > :a OR d = :b";
/// let named = NamedSql::parse(sql)?;
/// assert_eq!(named.sql(), "SELECT ':a' FROM t WHERE b = ? AND c > ? OR d = ?");
/// assert_eq!(named.names(), ["b", "a", "b"]);
/// assert_eq!(named.places(&["a", "b"])?, [1, 0, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct NamedSql<'a> {
    sql: String,
    names: Vec<&'a str>,
}

impl<'a> NamedSql<'a> {
    /// Takes the names out of `sql`, by what it says in every `sql_mode`.
    ///
    /// # Errors
    /// [`NamedSqlError::Positional`], [`NamedSqlError::Unclear`] and [`NamedSqlError::TooMany`].
    pub fn parse(sql: &'a str) -> Result<Self, NamedSqlError> {
        let mut lexer = Lexer::new(sql);
        let mut positional = String::with_capacity(sql.len());
        let mut names = Vec::new();
        let mut first_place = None;
        let mut copied = 0;
        while let Some(token) = lexer.next()? {
            match token {
                Token::Placeholder { at } => first_place = first_place.or(Some(at)),
                Token::Colon { at, name } if is_parameter(sql, at, name) => {
                    if names.len() >= MAX_PARAMETERS {
                        return Err(NamedSqlError::TooMany);
                    }
                    names.push(name);
                    positional.push_str(sql.get(copied..at).unwrap_or_default());
                    positional.push('?');
                    copied = at + 1 + name.len();
                }
                Token::Colon { .. } => {}
            }
        }
        if let (Some(at), false) = (first_place, names.is_empty()) {
            return Err(NamedSqlError::Positional { at });
        }
        positional.push_str(sql.get(copied..).unwrap_or_default());
        Ok(Self {
            sql: positional,
            names,
        })
    }

    /// The statement with a `?` in place of each name.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The name of each `?`, in their order.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// For each `?` the place of its name in `given`, the names of the values.
    ///
    /// # Errors
    /// [`NamedSqlError::NotGiven`], [`NamedSqlError::NotUsed`] and [`NamedSqlError::GivenTwice`].
    pub fn places(&self, given: &[&str]) -> Result<Vec<usize>, NamedSqlError> {
        let mut known = HashMap::with_capacity(given.len());
        for (place, name) in given.iter().copied().enumerate() {
            if known.insert(name, (place, false)).is_some() {
                let name = name.to_owned();
                return Err(NamedSqlError::GivenTwice { name });
            }
        }
        let mut places = Vec::with_capacity(self.names.len());
        for name in self.names.iter().copied() {
            let Some((place, used)) = known.get_mut(name) else {
                let name = name.to_owned();
                return Err(NamedSqlError::NotGiven { name });
            };
            *used = true;
            places.push(*place);
        }
        // The first of them, so that the error does not depend on chance.
        let is_unused = |name: &&str| known.get(name).is_some_and(|(_, used)| !used);
        match given.iter().copied().find(is_unused) {
            Some(name) => Err(NamedSqlError::NotUsed {
                name: name.to_owned(),
            }),
            None => Ok(places),
        }
    }
}

/// Shows the names and not the statement, since values may stand in it.
impl fmt::Debug for NamedSql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSql")
            .field("bytes", &self.sql.len())
            .field("names", &self.names)
            .finish()
    }
}

impl From<Unclear> for NamedSqlError {
    fn from(unclear: Unclear) -> Self {
        Self::Unclear { at: unclear.at }
    }
}

/// Whether the colon at `at` and the `name` behind it are a parameter.
fn is_parameter(sql: &str, at: usize, name: &str) -> bool {
    let before = at.checked_sub(1).and_then(|at| sql.as_bytes().get(at));
    !name.is_empty() && before.is_none_or(|&byte| byte != b':' && !is_name_byte(byte))
}

/// The greatest number of parameters of a statement: the protocol counts them in two bytes.
const MAX_PARAMETERS: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(sql: &str) -> NamedSql<'_> {
        NamedSql::parse(sql).unwrap()
    }

    fn refusal(sql: &str) -> NamedSqlError {
        NamedSql::parse(sql).unwrap_err()
    }

    #[track_caller]
    fn becomes(sql: &str, positional: &str, names: &[&str]) {
        let named = parse(sql);
        assert_eq!(named.sql(), positional);
        assert_eq!(named.names(), names, "{sql}");
    }

    #[test]
    fn named_parameters_become_placeholders_in_their_order() {
        becomes("SELECT :b,:a_1", "SELECT ?,?", &["b", "a_1"]);
        becomes(":x", "?", &["x"]);
        becomes("SELECT (:größe)+:_$2é", "SELECT (?)+?", &["größe", "_$2é"]);
        becomes("SELECT 1", "SELECT 1", &[]);
    }

    #[test]
    fn named_parameters_in_strings_comments_and_backticks_are_left_alone() {
        for sql in [
            "SELECT ':x', \":x\", `:x`",
            "SELECT 'it''s :x', '\\\\'':x', \"\\\\:x\", `a``:x\\`",
            "SELECT 1 -- :x\n",
            "SELECT 1 # :x",
            "SELECT 1 /* :x */",
            "SELECT '?', `?` /* ? */ -- ?",
        ] {
            becomes(sql, sql, &[]);
        }
        becomes("SELECT 1 --:x", "SELECT 1 --?", &["x"]);
        becomes("SELECT ':x'/*:x*/:x", "SELECT ':x'/*:x*/?", &["x"]);
    }

    #[test]
    fn named_parameters_beside_what_servers_read_by_their_modes_are_an_error_that_says_what_to_do()
    {
        let unclear = NamedSqlError::Unclear { at: 7 };
        for sql in [
            r"SELECT '\', :x, '",
            r"SELECT '\', :x, ''",
            r"SELECT 'it\'s', :x",
            r#"SELECT "\", :x, ""#,
            r#"SELECT "\", :x, """#,
            "SELECT [:x]",
        ] {
            assert_eq!(refusal(sql), unclear, "{sql}");
        }
        let said = unclear.to_string();
        assert!(said.contains("`''` for a quote"), "{said}");
    }

    #[test]
    fn named_parameters_are_not_what_colons_of_other_meaning_begin() {
        for sql in [
            "SET @a:=1",
            "SELECT a::b",
            "x:LOOP",
            ": a",
            ":1",
            "a:",
            ":",
            ":=x",
        ] {
            becomes(sql, sql, &[]);
        }
        becomes("SET @a:=:b", "SET @a:=?", &["b"]);
        becomes("SELECT @a :=b, :c", "SELECT @a :=b, ?", &["c"]);
        becomes("SELECT 'a':b", "SELECT 'a'?", &["b"]);
    }

    #[test]
    fn named_parameters_a_name_used_twice_takes_one_value() {
        let named = parse("SELECT :a, :b, :a, :A");
        assert_eq!(named.names(), ["a", "b", "a", "A"]);
        assert_eq!(named.places(&["A", "b", "a"]), Ok(vec![2, 1, 2, 0]));
    }

    #[test]
    fn named_parameters_unknown_and_unused_names_are_errors() {
        let named = parse("SELECT :a, :b");
        let name = |name: &str| name.to_owned();
        assert_eq!(
            named.places(&["a"]),
            Err(NamedSqlError::NotGiven { name: name("b") })
        );
        assert_eq!(
            named.places(&["b", "c", "a", "d"]),
            Err(NamedSqlError::NotUsed { name: name("c") })
        );
        assert_eq!(
            named.places(&["b", "a", "b"]),
            Err(NamedSqlError::GivenTwice { name: name("b") })
        );
        assert_eq!(parse("SELECT 1").places(&[]), Ok(vec![]));
    }

    #[test]
    fn names_and_places_in_one_statement_are_an_error() {
        assert_eq!(
            refusal("SELECT :a, ?"),
            NamedSqlError::Positional { at: 11 }
        );
        assert_eq!(refusal("?, ?, :a"), NamedSqlError::Positional { at: 0 });
    }

    #[test]
    fn a_statement_with_places_only_is_left_as_it_is() {
        becomes("SELECT ?, ':x', ?", "SELECT ?, ':x', ?", &[]);
    }

    #[test]
    fn what_does_not_end_and_what_may_be_executed_is_an_error_that_says_where() {
        for (sql, at) in [
            ("SELECT :a, 'b", 11),
            ("SELECT `:a", 7),
            ("SELECT 1 /* :a", 9),
            ("SELECT 1 /*! :a */", 9),
            ("SELECT 1 /*M!100000 :a */", 9),
        ] {
            assert_eq!(refusal(sql), NamedSqlError::Unclear { at }, "{sql}");
        }
    }

    #[test]
    fn named_parameters_65_535_are_taken_and_65_536_are_not() {
        let most = ":a,".repeat(65_535);
        assert_eq!(parse(&most).names().len(), 65_535);
        assert_eq!(refusal(&(most + ":a")), NamedSqlError::TooMany);
    }

    #[test]
    fn debug_shows_no_sql() {
        let shown = format!("{:?}", parse("SELECT 'secret', :a"));
        assert_eq!(shown, r#"NamedSql { bytes: 18, names: ["a"] }"#);
    }
}
