//! The table as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::cell::Cell;
use super::expectations::{Expectations, matches};
use super::outcome::Outcome;

/// A server, and what came of each scenario on it.
#[derive(Debug)]
pub(crate) struct Column {
    server: String,
    outcomes: BTreeMap<String, Outcome>,
    /// Texts of expectations for this server that are those of no scenario.
    strays: Vec<String>,
}

impl Column {
    pub(crate) fn new(
        server: &str,
        outcomes: BTreeMap<String, Outcome>,
        expectations: &Expectations,
    ) -> Self {
        let strays = expectations
            .on(server)
            .flat_map(|entry| &entry.scenarios)
            .filter(|text| !outcomes.keys().any(|scenario| matches(text, scenario)))
            .cloned()
            .collect();
        Self {
            server: server.to_owned(),
            outcomes,
            strays,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Table<'a> {
    columns: Vec<Column>,
    expectations: &'a Expectations,
}

impl<'a> Table<'a> {
    pub(crate) fn new(columns: Vec<Column>, expectations: &'a Expectations) -> Self {
        Self {
            columns,
            expectations,
        }
    }

    /// One line a scenario.
    pub(crate) fn by_scenario(&self) -> String {
        let lines: Vec<_> = self
            .scenarios()
            .into_iter()
            .map(|scenario| {
                let words = self.row(scenario).map(|cell| cell.word().to_owned());
                (scenario, words.collect())
            })
            .collect();
        self.text("scenario", &lines)
    }

    /// One line a target or, if it has some, a module of it: how many passed, and what the others
    /// came to.
    pub(crate) fn by_group(&self) -> String {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for scenario in self.scenarios() {
            groups.entry(group(scenario)).or_default().push(scenario);
        }
        let mut lines: Vec<(&str, Vec<String>)> = groups
            .iter()
            .map(|(group, scenarios)| (*group, self.sums(scenarios)))
            .collect();
        let all: Vec<&str> = self.scenarios().into_iter().collect();
        lines.push(("all", self.sums(&all)));
        self.text("scenarios", &lines)
    }

    /// Why cells are not applicable, and what is wrong with those that nothing explains.
    pub(crate) fn remarks(&self) -> String {
        let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut wrong = String::new();
        for (scenario, server, cell) in self.cells() {
            if let Cell::NotApplicable(entry) = cell {
                *reasons.entry((server, &entry.reason)).or_default() += 1;
            } else if !cell.is_explained() {
                let word = cell.word();
                let _ = writeln!(wrong, "{word} on {server}: {scenario}\n{}", details(cell));
            }
        }
        let mut remarks = String::new();
        for ((server, reason), count) in reasons {
            let _ = writeln!(remarks, "{count} not applicable on {server}: {reason}");
        }
        for column in &self.columns {
            for stray in &column.strays {
                let server = &column.server;
                let _ = writeln!(
                    wrong,
                    "expected on {server}, and no scenario's name: {stray}"
                );
            }
        }
        remarks + "\n" + &wrong
    }

    /// In the form that runners of tests have.
    pub(crate) fn closing_line(&self) -> String {
        let count = |is: fn(Cell<'_>) -> bool| self.cells().filter(|(.., cell)| is(*cell)).count();
        let passed = count(|cell| matches!(cell, Cell::Passed));
        let skipped = count(|cell| matches!(cell, Cell::NotApplicable(_)));
        let failed = self.cells().count() - passed - skipped + self.strays();
        format!("conformance: {passed} passed, {failed} failed, {skipped} skipped")
    }

    /// Whether something was run, and every cell is passed or explained.
    pub(crate) fn is_explained(&self) -> bool {
        self.cells().next().is_some()
            && self.strays() == 0
            && self.cells().all(|(.., cell)| cell.is_explained())
    }

    fn strays(&self) -> usize {
        self.columns.iter().map(|column| column.strays.len()).sum()
    }

    fn scenarios(&self) -> BTreeSet<&str> {
        let names = self.columns.iter().flat_map(|it| it.outcomes.keys());
        names.map(String::as_str).collect()
    }

    fn row<'s>(&'s self, scenario: &'s str) -> impl Iterator<Item = Cell<'s>> {
        self.columns.iter().map(move |column| {
            let outcome = column.outcomes.get(scenario);
            Cell::new(outcome, scenario, &column.server, self.expectations)
        })
    }

    fn cells(&self) -> impl Iterator<Item = (&str, &str, Cell<'_>)> {
        self.scenarios().into_iter().flat_map(move |scenario| {
            let servers = self.columns.iter().map(|column| column.server.as_str());
            let cells = servers.zip(self.row(scenario));
            cells.map(move |(server, cell)| (scenario, server, cell))
        })
    }

    /// For each column, how often there is which word.
    fn sums(&self, scenarios: &[&str]) -> Vec<String> {
        let mut sums = vec![BTreeMap::<&str, usize>::new(); self.columns.len()];
        for scenario in scenarios {
            for (sum, cell) in sums.iter_mut().zip(self.row(scenario)) {
                *sum.entry(cell.word()).or_default() += 1;
            }
        }
        let shown = |mut sum: BTreeMap<&str, usize>| {
            let passed = sum.remove(Cell::Passed.word()).unwrap_or_default();
            let others = sum.iter().map(|(word, count)| {
                let word = if *word == "not applicable" {
                    "n/a"
                } else {
                    word
                };
                format!("{count} {word}")
            });
            let passed = (passed > 0 || sum.is_empty()).then(|| passed.to_string());
            let parts: Vec<String> = passed.into_iter().chain(others).collect();
            parts.join(", ")
        };
        sums.into_iter().map(shown).collect()
    }

    fn text(&self, head: &str, lines: &[(&str, Vec<String>)]) -> String {
        let servers = self.columns.iter().map(|column| column.server.clone());
        let headline = (head, servers.collect());
        let rows: Vec<&(&str, Vec<String>)> = [&headline].into_iter().chain(lines).collect();
        let width = |cell: fn(&(&str, Vec<String>), usize) -> usize, at: usize| {
            rows.iter()
                .map(|row| cell(row, at))
                .max()
                .unwrap_or_default()
        };
        let first = width(|(name, _), _| name.chars().count(), 0);
        let mut text = String::new();
        for (name, cells) in &rows {
            let _ = write!(text, "{name:first$}");
            for (at, cell) in cells.iter().enumerate() {
                let wide = width(|(_, cells), at| cells[at].chars().count(), at);
                let _ = write!(text, " | {cell:wide$}");
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }
}

/// The target of a scenario, and its first module if it has one.
fn group(scenario: &str) -> &str {
    let mut ends = scenario.match_indices("::").map(|(at, _)| at);
    let (first, second) = (ends.next(), ends.next());
    second.or(first).map_or(scenario, |end| &scenario[..end])
}

/// What is wrong with a cell, indented.
fn details(cell: Cell<'_>) -> String {
    let (said, output) = match cell {
        Cell::Failed(output) => (None, output),
        Cell::FailedOtherwise(entry, output) => (Some(&entry.reason), output),
        Cell::UnexpectedlyApplicable(entry) => (Some(&entry.reason), ""),
        _ => (None, ""),
    };
    let said = said.map(|reason| format!("said to be not applicable: {reason}"));
    let lines = said.iter().map(String::as_str).chain(output.lines());
    let lines = lines.filter(|line| !line.is_empty()).take(LINES);
    let lines: Vec<String> = lines.map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

/// Of a failure; its log has them all.
const LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTATIONS: &str = "[[not-applicable]]\nscenarios = ['live::types::*']\n\
        servers = ['old']\nshows = ['1064']\nreason = 'it has no such type'";

    fn column(server: &str, outcomes: &[(&str, Outcome)], expectations: &Expectations) -> Column {
        let outcomes = outcomes
            .iter()
            .map(|(name, outcome)| ((*name).to_owned(), outcome.clone()));
        Column::new(server, outcomes.collect(), expectations)
    }

    #[test]
    fn a_table_shows_what_came_of_each_scenario_on_each_server() {
        let expectations = Expectations::parse(EXPECTATIONS).unwrap();
        let refused = Outcome::Failed("ERROR 1064".to_owned());
        let old = [
            ("live::types::uuid", refused),
            (
                "live::types::more::inet",
                Outcome::Failed("1064".to_owned()),
            ),
            ("live::rows::read", Outcome::Passed),
            ("storms", Outcome::Passed),
        ];
        let new = old.clone().map(|(name, _)| (name, Outcome::Passed));
        let columns = vec![
            column("old", &old, &expectations),
            column("new", &new, &expectations),
        ];
        let table = Table::new(columns, &expectations);
        assert!(table.is_explained());
        assert_eq!(
            table.by_group(),
            "scenarios   | old      | new\n\
             live::rows  | 1        | 1\n\
             live::types | 2 n/a    | 2\n\
             storms      | 1        | 1\n\
             all         | 2, 2 n/a | 4\n"
        );
        assert!(
            table
                .by_scenario()
                .contains("live::types::uuid       | not applicable | passed")
        );
        assert_eq!(
            table.remarks().trim(),
            "2 not applicable on old: it has no such type"
        );
        assert_eq!(
            table.closing_line(),
            "conformance: 6 passed, 0 failed, 2 skipped"
        );
    }

    #[test]
    fn a_scenario_that_a_server_lacks_and_an_expectation_of_no_scenario_are_not_explained() {
        let expectations = Expectations::parse(EXPECTATIONS).unwrap();
        let rows = [("live::rows::read", Outcome::Passed)];
        let full = || column("new", &rows, &expectations);
        assert!(Table::new(vec![full()], &expectations).is_explained());
        let lacks = vec![full(), column("other", &[], &expectations)];
        assert!(!Table::new(lacks, &expectations).is_explained());
        let stray = vec![full(), column("old", &rows, &expectations)];
        let stray = Table::new(stray, &expectations);
        assert!(!stray.is_explained());
        assert!(
            stray
                .remarks()
                .contains("no scenario's name: live::types::*")
        );
    }

    #[test]
    fn a_failure_is_shown_with_its_words_and_a_table_of_nothing_is_no_success() {
        let expectations = Expectations::parse("").unwrap();
        let failed = Outcome::Failed("first\n\nsecond".to_owned());
        let columns = vec![column("new", &[("live::a", failed)], &expectations)];
        let table = Table::new(columns, &expectations);
        let remarks = table.remarks();
        assert!(
            remarks.contains("FAILED on new: live::a\n    first\n    second\n"),
            "{remarks}"
        );
        assert_eq!(
            table.closing_line(),
            "conformance: 0 passed, 1 failed, 0 skipped"
        );
        assert!(!Table::new(Vec::new(), &expectations).is_explained());
    }
}
