/// How the names of columns are made of those of fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rename {
    Camel,
    Pascal,
    Snake,
    ScreamingSnake,
    Kebab,
}

impl Rename {
    /// The rule that is written like this.
    pub(crate) fn parse(rule: &str) -> Option<Self> {
        RULES
            .iter()
            .find(|(name, _)| *name == rule)
            .map(|(_, rename)| *rename)
    }

    /// All rules as they are written, for errors.
    pub(crate) fn rules() -> String {
        RULES.map(|(name, _)| format!("\"{name}\"")).join(", ")
    }

    /// The name of the column for a field that is called `field`.
    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Camel => join_capitalized(field, 1),
            Self::Pascal => join_capitalized(field, 0),
            Self::Snake => field.into(),
            Self::ScreamingSnake => field.to_uppercase(),
            Self::Kebab => field.replace('_', "-"),
        }
    }
}

/// Joins the words, those from `first` on with a capital.
fn join_capitalized(field: &str, first: usize) -> String {
    let words = field.split('_').filter(|word| !word.is_empty());
    let mut joined = String::with_capacity(field.len());
    for (place, word) in words.enumerate() {
        let mut letters = word.chars();
        if place >= first {
            joined.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        }
        joined.push_str(letters.as_str());
    }
    joined
}

const RULES: [(&str, Rename); 5] = [
    ("camelCase", Rename::Camel),
    ("PascalCase", Rename::Pascal),
    ("snake_case", Rename::Snake),
    ("SCREAMING_SNAKE_CASE", Rename::ScreamingSnake),
    ("kebab-case", Rename::Kebab),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_makes_names_of_its_kind() {
        let made = RULES.map(|(name, rename)| {
            assert_eq!(Rename::parse(name), Some(rename));
            rename.apply("unit_price_2")
        });
        assert_eq!(
            made,
            [
                "unitPrice2",
                "UnitPrice2",
                "unit_price_2",
                "UNIT_PRICE_2",
                "unit-price-2"
            ]
        );
    }

    #[test]
    fn underscores_alone_are_no_words() {
        assert_eq!(Rename::Camel.apply("_id__of_"), "idOf");
        assert_eq!(Rename::parse("Camel"), None);
    }
}
