use std::fmt::{self, Write};

use otaria_types::{
    Date, DateTime, Decimal, ParameterSink, Params, ParamsError, SessionTimeZone, Time, ToSqlError,
};

/// Values as literals of SQL, for statements with parameters that go as
/// [`ComQuery`](crate::ComQuery): where a server or a proxy does not prepare.
///
/// A literal has the value and, with the exceptions below, the type of the parameter that
/// `COM_STMT_EXECUTE` would send, and nothing in a value ends it. All but integers from 0 on stand
/// in parentheses, so that neither `-` nor a string beside them becomes a part of them.
///
/// - Integers without a sign have one up to `i64::MAX`: `LIMIT` takes nothing but bare digits.
/// - The least `i64` negated is a DECIMAL, and out of range as a parameter.
/// - FLOAT is DOUBLE, of exactly the same value.
/// - Dates that no calendar has, such as `0000-00-00`, are text, since date literals follow
///   `sql_mode` and parameters do not. Columns and comparisons with dates take them as they take
///   the parameter; arithmetic does not.
/// - Bytes take two characters each.
/// - Text with a backslash is an expression, such as `(CONCAT('a',_ascii x'5c','b'))`. It has the
///   character set, collation and coercibility of the string, and the server takes it as a constant.
///   `collation_connection` must be one of Unicode, as a login makes it: with others the server
///   refuses such text, if the rest of it is ASCII, as a mix of collations (error 1267 or 1270).
///
/// # Safety against injection
/// The literals mean the same in every `sql_mode`: `NO_BACKSLASH_ESCAPES` decides whether a
/// backslash escapes, and no literal holds one. The server's status does not say for certain which
/// modes are in force: once a stored function has set them for itself, MariaDB 10.11 and 11.8 go on
/// to show them and do not read by them. Quotes are doubled, which all modes take as one.
///
/// Statements must reach the server as UTF-8, where no byte of another character looks like a quote
/// or a backslash. In gbk and its like some do: `character_set_client` must be `utf8mb4`, as a login
/// makes it, or `utf8mb3`, and no command whose response is still due may change it.
///
/// `Debug` shows how much there is and no value.
#[derive(Clone, Default)]
pub struct SqlLiterals {
    sql: String,
    ends: Vec<usize>,
    time_zone: SessionTimeZone,
}

impl SqlLiterals {
    /// No literals.
    pub const fn new() -> Self {
        Self {
            sql: String::new(),
            ends: Vec::new(),
            time_zone: SessionTimeZone::Unknown,
        }
    }

    /// Sets the session's zone, in which points in time are written from now on. At first it is not
    /// known, and they are refused.
    pub const fn set_time_zone(&mut self, time_zone: SessionTimeZone) {
        self.time_zone = time_zone;
    }

    /// Replaces the literals by those of `params`.
    ///
    /// # Errors
    /// [`ParamsError`] if one of them has no value for the server. There are none then.
    pub fn set(&mut self, params: &impl Params) -> Result<(), ParamsError> {
        self.clear();
        let result = params.write(self);
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Removes all literals, and gives back memory that a long value has taken.
    pub fn clear(&mut self) {
        self.sql.clear();
        self.sql.shrink_to(KEPT_BYTES);
        self.ends.clear();
    }

    /// How many literals there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they have.
    pub const fn bytes(&self) -> usize {
        self.sql.len()
    }

    /// The literals in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| self.sql.get(start..end).unwrap_or_default())
    }

    /// Adds a literal.
    fn literal(&mut self, literal: fmt::Arguments<'_>) {
        let written = self.sql.write_fmt(literal);
        debug_assert!(written.is_ok(), "a value shows itself without an error");
        self.end();
    }

    fn end(&mut self) {
        self.ends.push(self.sql.len());
    }

    /// Adds a string of these characters, none of which is a backslash, in quotes.
    fn quoted(&mut self, text: &str) {
        self.sql.push('\'');
        let mut rest = text;
        while let Some((plain, behind)) = rest.split_once('\'') {
            self.sql.push_str(plain);
            self.sql.push_str("''");
            rest = behind;
        }
        self.sql.push_str(rest);
        self.sql.push('\'');
    }

    /// Adds an expression for `prefix` and the characters of `text`: backslashes, and ASCII between
    /// them, stand as hexadecimal digits.
    fn concatenated(&mut self, prefix: &[&str], text: &str) {
        self.sql.push_str("CONCAT(");
        for part in prefix {
            self.quoted(part);
        }
        let mut rest = text;
        let mut is_first = prefix.is_empty();
        while !rest.is_empty() {
            if !is_first {
                self.sql.push(',');
            }
            is_first = false;
            let hex_len = hex_len(rest);
            let len = match rest.find('\\') {
                _ if hex_len > 0 => hex_len,
                Some(len) => len,
                None => rest.len(),
            };
            let (part, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
            if hex_len > 0 {
                self.sql.push_str("_ascii ");
                self.hex(part.as_bytes());
            } else {
                self.quoted(part);
            }
            rest = behind;
        }
        self.sql.push(')');
    }

    /// Adds these bytes as hexadecimal digits.
    fn hex(&mut self, bytes: &[u8]) {
        self.sql.push_str("x'");
        for byte in bytes {
            let [high, low] = [byte >> 4, byte & 0x0f].map(hex_digit);
            self.sql.extend([high, low]);
        }
        self.sql.push('\'');
    }
}

impl ParameterSink for SqlLiterals {
    fn null(&mut self) {
        self.literal(format_args!("(NULL)"));
    }

    fn int(&mut self, value: i64) {
        match value {
            0.. => self.literal(format_args!("{value}")),
            _ => self.literal(format_args!("({value})")),
        }
    }

    /// Writes an integer that has a sign for the server, unless it is above `i64::MAX`.
    fn uint(&mut self, value: u64) {
        self.literal(format_args!("{value}"));
    }

    /// Writes a DOUBLE of the same value. One that is not finite is a number that the server
    /// refuses.
    fn float(&mut self, value: f32) {
        self.double(value.into());
    }

    /// Writes a DOUBLE. One that is not finite is a number that the server refuses.
    fn double(&mut self, value: f64) {
        if value.is_finite() {
            // The exponent makes it a DOUBLE and no DECIMAL.
            self.literal(format_args!("({value:e})"));
        } else {
            self.literal(format_args!("(1e999)"));
        }
    }

    fn decimal(&mut self, value: &Decimal) {
        // The point makes it a DECIMAL and no integer.
        let point = if value.scale() == 0 { "." } else { "" };
        self.literal(format_args!("({value}{point})"));
    }

    /// Writes a string in the collation of the connection, as a parameter has it.
    fn text(&mut self, value: &str) {
        self.sql.reserve(value.len() + 4);
        self.sql.push('(');
        if !value.contains('\\') {
            self.quoted(value);
        } else if hex_len(value) < value.len() {
            self.concatenated(&[], value);
        } else {
            // Nothing in quotes has given it the character set of the connection.
            self.sql.push_str("SUBSTRING(");
            self.concatenated(&[" "], value);
            self.sql.push_str(",2)");
        }
        self.sql.push(')');
        self.end();
    }

    /// Writes a binary string; without `_binary` it could be taken for an integer.
    fn bytes(&mut self, value: &[u8]) {
        if value.is_empty() {
            // In sql_mode=EMPTY_STRING_IS_NULL a parameter is NULL then, and x'' is not.
            return self.literal(format_args!("(_binary'')"));
        }
        self.sql.reserve(2 * value.len() + 12);
        self.sql.push_str("(_binary ");
        self.hex(value);
        self.sql.push(')');
        self.end();
    }

    fn date(&mut self, value: Date) {
        let keyword = if value.is_calendar_date() { "DATE" } else { "" };
        self.literal(format_args!("({keyword}'{value}')"));
    }

    fn datetime(&mut self, value: DateTime) {
        let is_calendar_date = value.date().is_calendar_date();
        let keyword = if is_calendar_date { "TIMESTAMP" } else { "" };
        self.literal(format_args!("({keyword}'{value}')"));
    }

    fn time(&mut self, value: Time) {
        self.literal(format_args!("(TIME'{value}')"));
    }

    /// Writes the keyword, which the server takes where a column gets a value.
    fn column_default(&mut self) -> Result<(), ToSqlError> {
        self.literal(format_args!("DEFAULT"));
        Ok(())
    }

    /// Writes the keyword, which MariaDB takes where a column gets a value.
    fn ignore(&mut self) -> Result<(), ToSqlError> {
        self.literal(format_args!("IGNORE"));
        Ok(())
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.time_zone
    }

    fn len(&self) -> usize {
        self.ends.len()
    }
}

impl fmt::Debug for SqlLiterals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlLiterals({}, {} bytes)", self.len(), self.bytes())
    }
}

/// How much of the start of `text` is better written as digits: if a backslash is its first
/// character, up to the last one that follows in ASCII without a long gap, else nothing.
fn hex_len(text: &str) -> usize {
    let mut len = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\\' {
            len = at + 1;
        } else if !byte.is_ascii() || at - len >= GAP_BYTES || len == 0 {
            break;
        }
    }
    len
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or_default()
}

/// How many bytes between two backslashes are written as digits, which takes one more for each. To
/// write them in quotes takes about as many for all.
const GAP_BYTES: usize = 16;

/// How much memory is kept from one statement to the next.
const KEPT_BYTES: usize = 0x10_0000;

#[cfg(test)]
mod tests;
