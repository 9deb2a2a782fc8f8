/// The words of an ENUM or a SET.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Words {
    words: Box<[String]>,
    is_set: bool,
}

impl Words {
    /// Those of a type as `SHOW COLUMNS` has it: `enum('a','it''s')`.
    pub(crate) fn of(sql_type: &str) -> Self {
        let (kind, list) = sql_type.split_once('(').unwrap_or((sql_type, ""));
        Self {
            words: parsed(list).collect(),
            is_set: kind == "set",
        }
    }

    /// Whether a text is a value, by the very letters. The server also takes words of other case, with
    /// spaces behind them, and the numbers of their places, and stores the words that it has.
    pub(crate) fn has(&self, text: &str) -> bool {
        let has = |word: &str| self.words.iter().any(|known| known == word);
        if !self.is_set {
            return has(text);
        }
        if text.is_empty() {
            return true;
        }
        let mut members: Vec<&str> = text.split(',').collect();
        members.sort_unstable();
        let is_twice = members.windows(2).any(|pair| pair.first() == pair.last());
        !is_twice && members.into_iter().all(has)
    }
}

/// The words of `'a','it''s')`.
fn parsed(list: &str) -> impl Iterator<Item = String> {
    let mut characters = list.chars().peekable();
    std::iter::from_fn(move || {
        characters.find(|character| *character == '\'')?;
        let mut word = String::new();
        while let Some(character) = characters.next() {
            match character {
                '\'' if characters.next_if_eq(&'\'').is_none() => break,
                '\\' => word.extend(characters.next().map(unescaped)),
                character => word.push(character),
            }
        }
        Some(word)
    })
}

/// The character that the server writes as a backslash and this one.
const fn unescaped(character: char) -> char {
    match character {
        '0' => '\0',
        'n' => '\n',
        'r' => '\r',
        character => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enum_has_its_words_and_nothing_that_resembles_them() {
        let words = Words::of(r"enum('a','2','it''s, 3','b\\c')");
        for word in ["a", "2", "it's, 3", "b\\c"] {
            assert!(words.has(word), "{word}");
        }
        for word in ["A", "a ", "1", "02", "+2", "", "a,2", "b"] {
            assert!(!words.has(word), "{word}");
        }
    }

    #[test]
    fn a_set_has_members_in_any_order_and_each_once() {
        let words = Words::of("set('a','b','3')");
        for members in ["", "a", "b,a", "3,a,b"] {
            assert!(words.has(members), "{members}");
        }
        for members in ["1", "a,", ",", "a,a", "a, b", "A", "c"] {
            assert!(!words.has(members), "{members}");
        }
        assert!(!Words::of("set('a')").has("3"));
    }
}
