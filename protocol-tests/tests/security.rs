//! That every promise of SECURITY.md names tests, and that there are tests of these names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the workspace")
}

/// The functions behind `#[test]` and its like in the files of a folder.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source file");
            found.extend(tests_of(&source));
        }
    }
}

fn tests_of(source: &str) -> impl Iterator<Item = String> {
    let mut is_test = false;
    source.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        }
        let (_, rest) = line
            .split_once("fn ")
            .filter(|(before, _)| ["", "async ", "pub ", "pub async "].contains(before))?;
        let name = rest.split(['(', '<']).next()?;
        std::mem::take(&mut is_test).then(|| name.to_owned())
    })
}

/// The names of tests in backticks: no option has so many words.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let in_backticks = text.split('`').skip(1).step_by(2);
    in_backticks.filter(|name| {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(is_name) && name.matches('_').count() >= 4
    })
}

/// What stands behind a `- ` at the beginning of a line.
fn promises(text: &str) -> Vec<&str> {
    let mut promises: Vec<_> = text.split("\n- ").skip(1).collect();
    for promise in &mut promises {
        *promise = promise.split("\n\n").next().expect("a paragraph");
    }
    promises
}

#[test]
fn every_promise_of_security_md_names_tests_that_exist() {
    let security = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let mut tests = BTreeSet::new();
    for folder in ["crates", "protocol-tests"] {
        tests_in(&root().join(folder), &mut tests);
    }
    let missing: Vec<_> = named(&security)
        .filter(|name| !tests.contains(*name))
        .collect();
    assert!(missing.is_empty(), "no tests are called {missing:#?}");
    let promises = promises(&security);
    assert!(promises.len() >= 15, "{} promises", promises.len());
    for promise in promises {
        assert!(
            named(promise).next().is_some(),
            "no test is named in: {promise}"
        );
    }
}

#[test]
fn a_test_is_found_by_its_attribute_and_its_name() {
    let source = "#[test]\nfn one() {}\nfn no_test() {}\n    #[tokio::test(start_paused = true)]\n\
                  #[should_panic]\n    async fn two() {\n        let fn_ = 1;\n";
    assert_eq!(tests_of(source).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn names_of_tests_are_told_from_options_and_types() {
    let text = "`ssl_mode`, `a_test_of_five_words` and `Type::with_a_method_of_it`";
    assert_eq!(named(text).collect::<Vec<_>>(), ["a_test_of_five_words"]);
}
