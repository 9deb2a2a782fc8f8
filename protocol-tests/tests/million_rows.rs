//! Memory: what a long result costs. A test binary of its own, so that nothing else moves the
//! numbers.

use otaria::{Config, Connection, Error};
use protocol_tests::live;

/// A number of `/proc/self/status` in KiB.
fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("the kernel tells it");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_result_of_1_000_000_rows_takes_at_most_16_mib_above_what_was_used_after_connect()
-> Result<(), Error> {
    let config: Config = live::shared().url("mysql").parse()?;
    let mut connection = Connection::connect(&config).await?;
    let after_connect = status_kib("VmRSS:");
    let sql = live::shared().dialect(
        "SELECT seq, CONCAT('customer ', seq), seq / 7, \
         TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq SECOND, NULL FROM seq_1_to_1000000",
    );
    let mut rows = connection.simple_query(&sql).await?;
    let (mut count, mut sum, mut bytes) = (0_u64, 0_u64, 0);
    while let Some(row) = rows.next().await? {
        let (id, name, _, _, null): (u64, &str, f64, otaria::DateTime, Option<i32>) = row.read()?;
        assert_eq!(null, None);
        count += 1;
        sum += id;
        bytes += name.len();
    }
    assert_eq!((count, sum), (1_000_000, 1_000_000 * 1_000_001 / 2));
    assert_eq!(
        bytes,
        9 * 1_000_000 + 5_888_896,
        "the digits of all numbers to a million"
    );
    let peak = status_kib("VmHWM:");
    let grown = peak.saturating_sub(after_connect);
    println!("after connect {after_connect} KiB, peak {peak} KiB, grown {grown} KiB");
    assert!(grown <= 16 * 1024, "the process has grown by {grown} KiB");
    Ok(())
}

/// The library for TLS takes memory for each record.
fn without_tls() -> Result<Config, Error> {
    Ok(live::shared().in_clear("mysql").unwrap().build()?)
}

#[tokio::test]
async fn reading_text_rows_allocates_nothing_per_row() -> Result<(), Error> {
    let config = without_tls()?;
    let count = |rows: u64| {
        let config = config.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = Connection::connect(&config).await.unwrap();
                let sql = format!("SELECT seq, CONCAT('text ', seq) FROM seq_1_to_{rows}");
                let sql = live::shared().dialect(&sql);
                let mut query = connection.simple_query(&sql).await.unwrap();
                let mut read = 0;
                while let Some(row) = query.next().await.unwrap() {
                    let (id, text): (u64, &str) = row.read().unwrap();
                    assert!(id > 0 && text.starts_with("text"));
                    read += 1;
                }
                assert_eq!(read, rows);
            });
        }
    };
    // Blocking inside the outer runtime is not allowed: a thread of its own for each.
    let measure = |rows| {
        let run = count(rows);
        std::thread::spawn(move || allocation_counter::measure(run).count_total)
            .join()
            .unwrap()
    };
    measure(10); // What is made once a process.
    let (few, many) = (measure(1_000), measure(201_000));
    println!("{few} allocations for 1,000 rows, {many} for 201,000");
    assert!(
        many <= few + 8,
        "{few} allocations for 1,000 rows, {many} for 201,000"
    );
    Ok(())
}

#[tokio::test]
async fn reading_binary_rows_allocates_nothing_per_row() -> Result<(), Error> {
    let config = without_tls()?;
    let count = |rows: u64, chunks: bool| {
        let config = config.clone();
        move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = Connection::connect(&config).await.unwrap();
                let sql = live::shared().dialect(
                    "SELECT seq, CONCAT('text ', seq), x'00ff', seq / 7, NULL, \
                     TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq SECOND \
                     FROM seq_1_to_201000 WHERE seq <= ?",
                );
                let statement = connection.prepare(&sql).await.unwrap();
                let mut query = connection.query(&statement, (rows,)).await.unwrap();
                let mut read = 0;
                if chunks {
                    while let Some(chunk) = query.next_chunk().await.unwrap() {
                        for row in chunk.read::<Borrowed<'_>>().unwrap() {
                            check(&row.unwrap());
                            read += 1;
                        }
                    }
                } else {
                    while let Some(row) = query.next().await.unwrap() {
                        check(&row.read().unwrap());
                        read += 1;
                    }
                }
                assert_eq!(read, rows);
            });
        }
    };
    let measure = |rows, chunks| {
        let run = count(rows, chunks);
        std::thread::spawn(move || allocation_counter::measure(run).count_total)
            .join()
            .unwrap()
    };
    measure(10, true); // What is made once a process.
    for chunks in [false, true] {
        let (few, many) = (measure(1_000, chunks), measure(201_000, chunks));
        println!("{few} allocations for 1,000 rows, {many} for 201,000");
        assert!(
            many <= few + 8,
            "{few} allocations for 1,000 rows, {many} for 201,000"
        );
    }
    Ok(())
}

/// A row whose fields own nothing.
type Borrowed<'r> = (
    u64,
    &'r str,
    &'r [u8],
    otaria::Decimal,
    Option<i32>,
    otaria::DateTime,
);

fn check((id, text, bytes, _, null, _): &Borrowed<'_>) {
    assert!(*id > 0 && text.starts_with("text") && bytes.len() == 2 && null.is_none());
}
