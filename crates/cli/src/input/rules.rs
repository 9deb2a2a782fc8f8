//! Texts of which the server makes something else without a word.

/// What the texts of a column have to be like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    /// Dates, also with a time, whose seconds have so many digits behind the point.
    Date { decimals: usize },
    /// Times likewise.
    Time { decimals: usize },
    /// Years of four digits: of 70 the server makes 1970.
    Year,
    /// Words of an ENUM or a SET: those that are numbers. Of any other number the server makes the word
    /// of that place.
    Words { numbers: Vec<String> },
}

impl Rule {
    /// That for a column of this type, as `SHOW COLUMNS` has it.
    pub(super) fn of(sql_type: &str) -> Option<Self> {
        let (name, rest) = sql_type.split_once('(').unwrap_or((sql_type, ""));
        let decimals = || rest.trim_end_matches(')').parse().unwrap_or(0);
        Some(match name {
            "date" => Self::Date { decimals: 0 },
            "datetime" | "timestamp" => Self::Date {
                decimals: decimals(),
            },
            "time" => Self::Time {
                decimals: decimals(),
            },
            "year" => Self::Year,
            "enum" | "set" => Self::Words {
                numbers: words(rest).filter(|word| is_number(word)).collect(),
            },
            _ => return None,
        })
    }

    /// What the text is not, but should be.
    pub(super) fn refuses(&self, text: &str) -> Option<&'static str> {
        match self {
            Self::Date { decimals } => of_date(text, *decimals),
            Self::Time { decimals } => of_time(text, *decimals),
            Self::Year => (!is_year(text)).then_some("year of four digits"),
            Self::Words { numbers } => {
                let word = text.trim_end();
                let is_word = !is_number(word) || numbers.iter().any(|number| number == word);
                (!is_word).then_some("word that the column has")
            }
        }
    }
}

fn of_date(text: &str, decimals: usize) -> Option<&'static str> {
    let text = text.trim_start();
    let digits = leading_digits(text);
    // 2024-02-29, 20240229, 20240229123000: of all others the year has two digits.
    if ![4, 8, 14].contains(&digits) {
        return Some("date with a year of four digits");
    }
    let has_time = digits == 14 || text.contains([':', ' ', 'T']);
    (has_time && fraction(text) > decimals).then_some(TOO_FINE)
}

fn of_time(text: &str, decimals: usize) -> Option<&'static str> {
    // The server takes 1230 for 12 minutes and 30 seconds, and 12 for 12 seconds.
    if !text.contains(':') {
        return Some("time such as 12:30:00");
    }
    (fraction(text) > decimals).then_some(TOO_FINE)
}

fn is_year(text: &str) -> bool {
    let is_long = text.len() == 4 && leading_digits(text) == 4 && !text.starts_with('0');
    is_long || ["0", "0000"].contains(&text)
}

/// How many digits there are behind the last point, but for zeros at the end.
fn fraction(text: &str) -> usize {
    let (_, fraction) = text.rsplit_once('.').unwrap_or_default();
    let digits = &fraction.trim_end_matches('0');
    leading_digits(digits)
}

fn leading_digits(text: &str) -> usize {
    let mut bytes = text.bytes();
    let end = bytes.position(|byte| !byte.is_ascii_digit());
    end.unwrap_or(text.len())
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start().trim_start_matches('+');
    !digits.is_empty() && leading_digits(digits) == digits.len()
}

/// The words of `'a','it''s')`.
fn words(list: &str) -> impl Iterator<Item = String> {
    let mut characters = list.chars().peekable();
    std::iter::from_fn(move || {
        characters.find(|character| *character == '\'')?;
        let mut word = String::new();
        while let Some(character) = characters.next() {
            if character == '\'' && characters.next_if_eq(&'\'').is_none() {
                break;
            }
            word.push(character);
        }
        Some(word)
    })
}

const TOO_FINE: &str = "second of no more digits than the column has";

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sql_type: &str, texts: &[&str]) {
        let rule = Rule::of(sql_type).expect("a rule");
        for text in texts {
            assert!(rule.refuses(text).is_some(), "{sql_type}: {text}");
        }
    }

    fn passed(sql_type: &str, texts: &[&str]) {
        let rule = Rule::of(sql_type).expect("a rule");
        for text in texts {
            assert_eq!(rule.refuses(text), None, "{sql_type}: {text}");
        }
    }

    #[test]
    fn dates_have_years_of_four_digits() {
        let dates = [
            "2024-02-29",
            "0000-00-00",
            "20240229",
            "2024/2/29",
            "2024.02.29",
        ];
        passed("date", &dates);
        refused(
            "date",
            &["24-02-29", "240229", "70-1-1", "10:11:12", "today", ""],
        );
    }

    #[test]
    fn seconds_have_no_more_digits_than_the_column() {
        let whole = [
            "2024-02-29 12:30:00",
            "2024-02-29T12:30:00.000",
            "2024-02-29",
        ];
        passed("datetime", &whole);
        passed(
            "datetime(3)",
            &["2024-02-29 12:30:00.12", "20240229123000.123000"],
        );
        refused("datetime", &["2024-02-29 12:30:00.5", "20240229123000.5"]);
        refused("timestamp(3)", &["2024-02-29 12:30:00.1234"]);
        passed("time(6)", &["-838:59:59.999999", "1 10:00:00", "12:30"]);
        refused("time", &["12:30:00.5", "1230", "12"]);
    }

    #[test]
    fn years_have_four_digits() {
        passed("year(4)", &["1970", "2155", "0", "0000"]);
        refused("year(4)", &["70", "00", "0070", "19700", "197", "x", ""]);
    }

    #[test]
    fn numbers_are_words_of_an_enum_only_if_it_has_them() {
        passed(
            "enum('a','2','it''s, 3')",
            &["a", "2", "2 ", "b", "", "2x", "-1"],
        );
        refused("enum('a','2','it''s, 3')", &["1", "3", "02", "+2"]);
        refused("set('a','b')", &["3"]);
        passed("set('a','b')", &["a,b"]);
    }

    #[test]
    fn other_types_have_no_rule() {
        for sql_type in ["int(11)", "varchar(20)", "decimal(10,2)", "longtext"] {
            assert_eq!(Rule::of(sql_type), None);
        }
    }
}
