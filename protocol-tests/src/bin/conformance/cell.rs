//! What came of a scenario on a server, beside what was expected.

use super::expectations::{Expectation, Expectations};
use super::outcome::Outcome;

/// A cell of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Passed,
    NotApplicable(&'a Expectation),
    /// With what the test printed.
    Failed(&'a str),
    /// It is said not to be applicable, and fails of another cause.
    FailedOtherwise(&'a Expectation, &'a str),
    /// It passes, and is said not to be applicable.
    UnexpectedlyApplicable(&'a Expectation),
    Unfinished,
    /// Other servers have it.
    Missing,
}

impl<'a> Cell<'a> {
    pub(crate) fn new(
        outcome: Option<&'a Outcome>,
        scenario: &str,
        server: &str,
        expectations: &'a Expectations,
    ) -> Self {
        let expected = expectations.of(scenario, server);
        match (outcome, expected) {
            (Some(Outcome::Passed), None) => Self::Passed,
            (Some(Outcome::Passed), Some(entry)) => Self::UnexpectedlyApplicable(entry),
            (Some(Outcome::Failed(output)), Some(entry)) if entry.explains(output) => {
                Self::NotApplicable(entry)
            }
            (Some(Outcome::Failed(output)), Some(entry)) => Self::FailedOtherwise(entry, output),
            (Some(Outcome::Failed(output)), None) => Self::Failed(output),
            (Some(Outcome::Unfinished), _) => Self::Unfinished,
            (None, _) => Self::Missing,
        }
    }

    pub(crate) fn is_explained(self) -> bool {
        matches!(self, Self::Passed | Self::NotApplicable(_))
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotApplicable(_) => "not applicable",
            Self::Failed(_) | Self::FailedOtherwise(..) => "FAILED",
            Self::UnexpectedlyApplicable(_) => "UNEXPECTEDLY APPLICABLE",
            Self::Unfinished => "UNFINISHED",
            Self::Missing => "MISSING",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(outcome: Option<&Outcome>, scenario: &str) -> (&'static str, bool) {
        let text = "[[not-applicable]]\nscenarios = ['listed']\nservers = ['old']\nshows = ['1064']\n\
            reason = 'it is too old'";
        let expectations = Expectations::parse(text).unwrap();
        let cell = Cell::new(outcome, scenario, "old", &expectations);
        (cell.word(), cell.is_explained())
    }

    #[test]
    fn only_what_passes_or_fails_as_expected_is_explained() {
        let expected = Outcome::Failed("ERROR 1064".to_owned());
        let other = Outcome::Failed("ERROR 2013".to_owned());
        let (passed, unfinished) = (Outcome::Passed, Outcome::Unfinished);
        for (outcome, scenario, shown) in [
            (Some(&passed), "a", ("passed", true)),
            (Some(&expected), "a", ("FAILED", false)),
            (Some(&expected), "listed", ("not applicable", true)),
            (Some(&other), "listed", ("FAILED", false)),
            (Some(&passed), "listed", ("UNEXPECTEDLY APPLICABLE", false)),
            (Some(&unfinished), "listed", ("UNFINISHED", false)),
            (None, "a", ("MISSING", false)),
        ] {
            assert_eq!(word(outcome, scenario), shown, "{outcome:?} {scenario}");
        }
    }
}
