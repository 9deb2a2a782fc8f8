//! The types and literals at which readers of MariaDB into Arrow have been seen to fail: forty columns
//! and five literals. `--nocapture` prints a line for each.

use otaria::arrow::datatypes::{DataType, TimeUnit};
use otaria::{ArrowOptions, ColumnType, ZeroDateMode};
use protocol_tests::live;

use super::cells::of_array;
use super::types::{Case, check, connected, fractions, integers, strings, temporals, vector};
use super::{PROTOCOLS, read};

/// The columns, each with its values at the limits, and NULL.
fn columns() -> Vec<Case> {
    let more = [
        "DECIMAL(5,0) UNSIGNED",
        "DATETIME(1)",
        "DATETIME(2)",
        "DATETIME(4)",
        "DATETIME(5)",
        "TIMESTAMP(6) NULL",
        "VARCHAR(20) CHARACTER SET latin1",
        "TINYTEXT",
        "MEDIUMTEXT",
        "TINYBLOB",
        "MEDIUMBLOB",
        "POINT",
        "LONGTEXT",
        "LONGBLOB",
    ];
    let all = [
        integers(),
        fractions(),
        temporals(),
        strings(),
        vec![vector()],
    ];
    let all = all.into_iter().flatten();
    all.filter(|case| !more.contains(&case.sql_type)).collect()
}

fn literals() -> [(&'static str, DataType, &'static str); 5] {
    [
        ("NULL", DataType::Null, "NULL"),
        ("CAST('0000-00-00' AS DATE)", DataType::Date32, "NULL"),
        (
            "TIME '25:00:00'",
            DataType::Duration(TimeUnit::Microsecond),
            "25:00:00.000000",
        ),
        (
            "TIME '-01:00:00'",
            DataType::Duration(TimeUnit::Microsecond),
            "-01:00:00.000000",
        ),
        (
            "CAST('12345678901234567890.123456789012345678901234567890' AS DECIMAL(65,30))",
            DataType::Decimal256(65, 30),
            "12345678901234567890.123456789012345678901234567890",
        ),
    ]
}

#[tokio::test]
async fn forty_five_of_forty_five_probes_are_decoded() {
    let schema = live::shared().schema("probes").unwrap();
    let mut connection = connected(schema.name()).await;
    let version = live::shared().version();
    let options = ArrowOptions::default().with_zero_dates(ZeroDateMode::Null);
    let mut failures = Vec::new();
    let mut probes = 0;
    for case in columns() {
        let mut options = options.clone();
        if matches!(case.data_type, DataType::FixedSizeList(..)) {
            options = options.with_column("c", ColumnType::Vector { dimensions: None });
        }
        let checked = check(&mut connection, &case, &options).await;
        let outcome = checked.as_ref().map_or("FAILED", |()| "ok");
        probes += 1;
        println!(
            "{version} {probes:>2} {:<24} {:<34} {outcome}",
            case.sql_type, case.data_type
        );
        failures.extend(checked.err());
    }
    for (literal, data_type, words) in literals() {
        let sql = format!("SELECT {literal} AS c");
        let mut found = Vec::new();
        for protocol in PROTOCOLS {
            let batch = read(&mut connection, &sql, (protocol, &options)).await;
            found.push(batch.map(|(batch, _)| {
                let (schema, column) = (batch.schema(), batch.column(0));
                let words = of_array(schema.field(0), column, 0);
                (column.data_type().clone(), words)
            }));
        }
        let is_right = found.iter().all(|found| {
            let found = found.as_ref().ok();
            found.is_some_and(|found| *found == (data_type.clone(), words.to_owned()))
        });
        let outcome = if is_right { "ok" } else { "FAILED" };
        probes += 1;
        println!("{version} {probes:>2} {literal:.24} {data_type} {outcome}");
        if !is_right {
            failures.push(format!("{literal}: {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(probes, 45);
}
