use std::collections::BTreeMap;
use std::error::Error as _;

use super::*;
use crate::Config;

/// Files in memory.
struct Files(BTreeMap<PathBuf, String>);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self(
            files
                .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
                .collect(),
        )
    }
}

impl OptionFileSource for Files {
    fn read(&mut self, path: &Path) -> Result<Option<String>, Error> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let inside = |file: &&PathBuf| file.parent() == Some(path);
        Ok(self.0.keys().rev().filter(inside).cloned().collect())
    }
}

fn apply(files: &[(&str, &str)]) -> Result<Config, Error> {
    let builder = OptionFiles::new()
        .file("/my.cnf")
        .group("shop")
        .apply(Config::builder(), &mut Files::new(files))?;
    Ok(builder.build()?)
}

fn read(text: &str) -> Config {
    apply(&[("/my.cnf", text)]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The error and its causes.
fn refused(text: &str) -> String {
    let error = apply(&[("/my.cnf", text)]).unwrap_err();
    let mut shown = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        shown = format!("{shown}: {cause}");
        source = cause.source();
    }
    shown
}

#[test]
fn the_groups_of_clients_are_read_and_no_others() {
    let config = read(
        "[mysqld]\nport=1\nwhatever\n[client]\nuser=a\n[client-server]\nport=3307\n\
         [client-mariadb]\nlocal-infile\n[mariadb-client]\npasswort=x\n[Shop]\ndatabase=shop\n",
    );
    assert_eq!(config.user(), "a");
    assert_eq!(config.endpoint().to_string(), "localhost:3307");
    assert!(config.local_infile());
    assert_eq!(config.database(), Some("shop"));
}

#[test]
fn what_is_given_later_counts_and_files_are_included_in_place() {
    let main = "[client]\nuser=a\npassword=p\n!include /b\nuser=c\n!includedir /d\n";
    let config = apply(&[
        ("/my.cnf", main),
        ("/b", "[client]\nuser=b\npassword=q\n"),
        ("/d/1.cnf", "[client]\ndatabase=one\n"),
        ("/d/2.cnf", "[client]\ndatabase=two\n"),
        ("/d/3.txt", "[client]\ndatabase=three\n"),
    ])
    .unwrap();
    assert_eq!((config.user(), config.database()), ("c", Some("two")));
    assert_eq!(config.password().as_bytes(), b"q");
}

#[test]
fn an_unknown_option_is_an_error_that_names_file_line_and_the_nearest_known_one() {
    assert_eq!(
        refused("[client]\nuser=a\n\nssl-modus=REQUIRED\n"),
        "line 4 of the option file /my.cnf: unknown option `ssl-modus`; did you mean `ssl_mode`?"
    );
    assert!(refused("[client]\nssl-crl=/x").contains("unknown option `ssl-crl`"));
}

#[test]
fn what_is_loose_or_no_business_of_a_driver_is_ignored() {
    let config = read(
        "[client]\nloose-ssl-crl=/x\nloose_user=u\ndefault-character-set=latin1\n\
         skip-auto-rehash\nprompt='\\u> '\n",
    );
    assert_eq!(config.user(), "u");
}

#[test]
fn an_error_shows_no_value() {
    for text in [
        "[client]\nport=hunter2",
        "[client]\npassword hunter2",
        "[client]\npasswort=hunter2\n",
        "[client]\nlocal-infile='hunter2'",
        "password=hunter2",
        "[client\npassword=hunter2",
        "[client]\n=hunter2",
    ] {
        let shown = refused(text);
        assert!(shown.starts_with("line "), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn files_that_include_one_another_without_an_end_are_an_error() {
    assert!(refused("!include /my.cnf").contains("too many files"));
    let twice = "!include /my.cnf\n".repeat(1000);
    assert!(refused(&twice).contains("too many files"));
}

#[test]
fn a_missing_file_is_an_error_unless_it_may_be_missing() {
    let mut none = Files::new(&[]);
    let files = OptionFiles::new().file_if_exists("/my.cnf");
    assert!(files.apply(Config::builder(), &mut none).is_ok());
    let error = files
        .file("/x")
        .apply(Config::builder(), &mut none)
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot read the option file /x");
}
