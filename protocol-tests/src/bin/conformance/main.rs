//! The table of scenarios and servers, out of what the tests have printed.
//!
//! `conformance EXPECTATIONS FOLDER SERVER…` reads, for each server and each target that was run on
//! it, `FOLDER/SERVER/TARGET.list` (`TEST --list --format terse`) and `FOLDER/SERVER/TARGET.log`
//! (what it printed). It writes one line a scenario into `FOLDER/table.txt`, prints one a group of
//! scenarios, and fails if a cell is neither passed nor explained. `ci/conformance` runs it.

mod cell;
mod expectations;
mod outcome;
mod table;

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use expectations::Expectations;
use outcome::Outcome;
use table::{Column, Table};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [expectations, folder, servers @ ..] = arguments.as_slice() else {
        return Err("conformance EXPECTATIONS FOLDER SERVER…".into());
    };
    let expectations = Expectations::parse(&fs::read_to_string(expectations)?)?;
    let folder = Path::new(folder);
    let columns: Result<Vec<Column>, Box<dyn Error>> = servers
        .iter()
        .map(|server| {
            let outcomes = outcomes(&folder.join(server))?;
            Ok(Column::new(server, outcomes, &expectations))
        })
        .collect();
    let table = Table::new(columns?, &expectations);
    fs::write(folder.join("table.txt"), table.by_scenario())?;
    println!("{}", table.by_group());
    println!("{}", table.remarks());
    println!("{}", table.closing_line());
    Ok(if table.is_explained() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What came of the scenarios of a server, by `target::test`.
fn outcomes(folder: &Path) -> Result<BTreeMap<String, Outcome>, Box<dyn Error>> {
    let mut outcomes = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let list = entry?.path();
        if list.extension() != Some(OsStr::new("list")) {
            continue;
        }
        let target = list.file_stem().unwrap_or_default().to_string_lossy();
        let log = fs::read(list.with_extension("log"))?;
        let of_target = outcome::read(&fs::read_to_string(&list)?, &String::from_utf8_lossy(&log));
        let named = |(test, outcome)| (format!("{target}::{test}"), outcome);
        outcomes.extend(of_target.into_iter().map(named));
    }
    Ok(outcomes)
}
