use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use protocol_tests::live;

use crate::support::{Done, otaria, url};

/// `OTARIA_ROWS=10000000` counts what the README says, best with `--release`.
#[test]
#[expect(clippy::print_stderr, reason = "the number is what people run it for")]
fn memory_does_not_grow_with_the_rows_that_are_exported() {
    let rows = std::env::var("OTARIA_ROWS").map_or(300_000, |rows| rows.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lineitem.parquet");
    let url = url("mysql");
    let sql = live::shared().dialect(&lineitem(rows));
    let mut export = otaria(["query", &url, &sql, "-o"]);
    let export = export.arg(&file).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = export.spawn().unwrap();
    let peak_kib = watch(&mut child);
    let elapsed = start.elapsed();
    Done::of(&child.wait_with_output().unwrap()).assert(0, &[" rows, "]);
    let bytes = fs::metadata(&file).unwrap().len();
    eprintln!(
        "{rows} rows of 16 columns, {bytes} bytes of Parquet in {elapsed:.1?}: {peak_kib} KiB at the peak"
    );
    assert!(peak_kib <= 128 << 10, "{peak_kib} KiB");
}

/// The greatest part of the memory that the process has had in use, until it has ended.
fn watch(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a process").is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = kib.unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(peak > 0, "it has been looked at while it ran");
    peak
}

/// The shape of TPC-H's `lineitem`, from the sequence engine.
fn lineitem(rows: u64) -> String {
    format!(
        "SELECT seq DIV 4 AS l_orderkey, CAST(seq * 7919 MOD 200000 AS INT) AS l_partkey,
             CAST(seq * 104729 MOD 10000 AS INT) AS l_suppkey, CAST(seq MOD 4 AS INT) AS l_linenumber,
             CAST(1 + seq MOD 50 AS DECIMAL(15, 2)) AS l_quantity,
             CAST(seq * 31 MOD 10494950 / 100 + 901 AS DECIMAL(15, 2)) AS l_extendedprice,
             CAST(seq MOD 11 / 100 AS DECIMAL(15, 2)) AS l_discount,
             CAST(seq MOD 9 / 100 AS DECIMAL(15, 2)) AS l_tax,
             ELT(1 + seq MOD 3, 'A', 'N', 'R') AS l_returnflag,
             ELT(1 + seq MOD 2, 'O', 'F') AS l_linestatus,
             DATE '1992-01-02' + INTERVAL seq MOD 2526 DAY AS l_shipdate,
             DATE '1992-02-01' + INTERVAL seq MOD 2466 DAY AS l_commitdate,
             DATE '1992-01-04' + INTERVAL seq MOD 2550 DAY AS l_receiptdate,
             ELT(1 + seq MOD 4, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN')
                 AS l_shipinstruct,
             ELT(1 + seq MOD 7, 'REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB') AS l_shipmode,
             SUBSTR('the quickly ironic deposits haggle among the furiously even packages',
                 1 + seq MOD 20, 10 + seq MOD 34) AS l_comment
         FROM seq_1_to_{rows}"
    )
}
