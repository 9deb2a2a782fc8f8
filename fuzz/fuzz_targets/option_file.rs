//! Option files: none panics, none is read without an end, and none shows a value.
#![no_main]

use std::error::Error as _;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use otaria_session::{Config, Error, OptionFileSource, OptionFiles};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut files = Files {
        text: &text,
        reads: 0,
    };
    let builder = Config::builder().user("user");
    let applied = OptionFiles::new()
        .file("/a.cnf")
        .file_if_exists("/missing.cnf")
        .apply(builder.clone(), &mut files);
    // One for each file given and each included.
    assert!(files.reads <= 1002, "{} files", files.reads);
    if let Ok(builder) = applied {
        let _ = builder.build();
    }

    // The bytes as the value of a password, whatever ends it and follows it.
    if !text.contains(PASSWORD) {
        let text = format!("[client]\npassword='{PASSWORD}{text}");
        let mut files = Files {
            text: &text,
            reads: 0,
        };
        let shown = match OptionFiles::new().file("/a.cnf").apply(builder, &mut files) {
            Ok(builder) => format!("{builder:?}"),
            Err(error) => shown(&error),
        };
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
});

/// The input under two names, and a directory that holds them.
struct Files<'a> {
    text: &'a str,
    reads: usize,
}

impl OptionFileSource for Files<'_> {
    fn read(&mut self, path: &Path) -> Result<Option<String>, Error> {
        self.reads += 1;
        let (first, second) = self.text.split_once('\0').unwrap_or((self.text, ""));
        Ok(match path.to_str() {
            Some("/a.cnf") => Some(first.to_owned()),
            Some("/b.cnf") => Some(second.to_owned()),
            _ => None,
        })
    }

    fn list(&mut self, _: &Path) -> Result<Vec<PathBuf>, Error> {
        Ok(["/b.cnf", "/a.cnf", "/c.txt"].map(PathBuf::from).into())
    }
}

/// The error and its causes, in both forms.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        shown = format!("{shown} {cause}");
        source = cause.source();
    }
    shown
}

const PASSWORD: &str = "correct-horse";
