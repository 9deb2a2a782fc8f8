//! That every promise of SECURITY.md names tests, and that there are tests of these names, which
//! `ci/test` runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the workspace")
}

/// The workspace's packages that have tests.
fn packages() -> Vec<PathBuf> {
    let crates = entries(&root().join("crates"));
    crates.chain([root().join("protocol-tests")]).collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    entries.map(|entry| entry.expect("an entry").path())
}

/// The names of the tests of a package that `cargo test` runs.
fn tests_of_package(package: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    tests_in(package, &left_out(package), &mut found);
    found
}

/// Where the targets of a package lie whose tests run only if they are asked for by name.
fn left_out(package: &Path) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let targets = manifest.get("test").and_then(toml::Value::as_array);
    let is_left_out = |target: &&toml::Value| {
        let runs = target.get("test").and_then(toml::Value::as_bool);
        runs == Some(false)
    };
    let left_out = targets.into_iter().flatten().filter(is_left_out);
    left_out
        .map(|target| {
            let path = package.join(target["path"].as_str().expect("a path"));
            // Its modules lie beside it.
            match path.parent() {
                Some(folder) if path.ends_with("main.rs") => folder.to_owned(),
                _ => path,
            }
        })
        .collect()
}

/// The functions behind `#[test]` and its like in the files of a folder.
fn tests_in(folder: &Path, left_out: &[PathBuf], found: &mut BTreeSet<String>) {
    for path in entries(folder) {
        if left_out.contains(&path) {
            continue;
        }
        if path.is_dir() {
            tests_in(&path, left_out, found);
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
    let packages = packages();
    let tests: BTreeSet<_> = packages
        .iter()
        .flat_map(|package| tests_of_package(package))
        .collect();
    let missing: Vec<_> = named(&security)
        .filter(|name| !tests.contains(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "no tests that run are called {missing:#?}"
    );
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
fn tests_of_a_target_that_runs_only_by_its_name_are_not_found() {
    let package = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &str| {
        let path = package.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write(
        "Cargo.toml",
        r#"
            [[test]]
            name = "folder"
            path = "tests/folder/main.rs"
            test = false

            [[test]]
            name = "file"
            path = "tests/file.rs"
            test = false

            [[test]]
            name = "runs"
            path = "tests/runs.rs"
        "#,
    );
    for (file, name) in [
        ("src/lib.rs", "unit"),
        ("tests/folder/main.rs", "main"),
        ("tests/folder/deep/module.rs", "module"),
        ("tests/file.rs", "file"),
        ("tests/runs.rs", "runs"),
    ] {
        write(file, &format!("#[test]\nfn {name}() {{}}\n"));
    }
    let found = tests_of_package(package.path());
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["runs", "unit"]);
}

#[test]
fn names_of_tests_are_told_from_options_and_types() {
    let text = "`ssl_mode`, `a_test_of_five_words` and `Type::with_a_method_of_it`";
    assert_eq!(named(text).collect::<Vec<_>>(), ["a_test_of_five_words"]);
}
