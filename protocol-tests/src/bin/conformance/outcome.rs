//! What came of tests, by what their program has printed.

use std::collections::BTreeMap;

/// What came of a test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    /// With what it printed.
    Failed(String),
    /// The program has ended, or was ended, before it; or it is `#[ignore]`d.
    Unfinished,
}

/// The outcomes of the tests of `list`, which is in the form of `--list --format terse`, by what
/// their run has printed.
pub(crate) fn read(list: &str, log: &str) -> BTreeMap<String, Outcome> {
    let mut outcomes: BTreeMap<String, Outcome> = list
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(|name| (name.to_owned(), Outcome::Unfinished))
        .collect();
    for (name, result) in log.lines().filter_map(result) {
        let outcome = match result {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed(String::new()),
            _ => continue,
        };
        // Others are lines that a test has printed.
        outcomes
            .entry(name.to_owned())
            .and_modify(|entry| *entry = outcome);
    }
    for (name, printed) in failures(log) {
        if let Some(Outcome::Failed(output)) = outcomes.get_mut(name) {
            *output = printed;
        }
    }
    outcomes
}

/// The name and the word of `test NAME ... WORD`; a name may be followed by `- should panic`.
fn result(line: &str) -> Option<(&str, &str)> {
    let (name, word) = line.strip_prefix("test ")?.split_once(" ... ")?;
    Some((name.split_once(' ').map_or(name, |(name, _)| name), word))
}

/// The sections headed `---- NAME stdout ----`.
fn failures(log: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in log.lines() {
        let name = line
            .strip_prefix("---- ")
            .and_then(|line| line.strip_suffix(" stdout ----"));
        if let Some(name) = name {
            sections.push((name, String::new()));
        } else if line == "failures:" {
            // Headlines of the sections, then of the list of names behind them.
            sections.push(("", String::new()));
        } else if let Some((_, printed)) = sections.last_mut() {
            *printed += line;
            printed.push('\n');
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "a::passes: test\na::fails: test\nhangs: test\nis_ignored: test\npanics: test\n";
    const LOG: &str = "
running 5 tests
test a::passes ... ok
test panics - should panic ... ok
test hangs has been running for over 60 seconds
test is_ignored ... ignored
test nobody_s ... ok
test a::fails ... FAILED

failures:

---- a::fails stdout ----
thread 'a::fails' panicked at x.rs:1:1:
ERROR 1064

failures:
    a::fails
";

    #[test]
    fn tests_pass_fail_with_what_they_printed_or_do_not_finish() {
        let outcomes = read(LIST, LOG);
        assert_eq!(outcomes.len(), 5);
        assert_eq!(outcomes["a::passes"], Outcome::Passed);
        assert_eq!(outcomes["panics"], Outcome::Passed);
        assert_eq!(outcomes["hangs"], Outcome::Unfinished);
        assert_eq!(outcomes["is_ignored"], Outcome::Unfinished);
        let printed = "thread 'a::fails' panicked at x.rs:1:1:\nERROR 1064\n\n";
        assert_eq!(outcomes["a::fails"], Outcome::Failed(printed.to_owned()));
    }

    #[test]
    fn a_program_that_printed_nothing_has_finished_no_test() {
        let outcomes = read(LIST, "");
        assert!(outcomes.values().all(|it| *it == Outcome::Unfinished));
    }
}
