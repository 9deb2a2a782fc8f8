//! Progress reports of a real server.

use std::sync::{Arc, Mutex};

use otaria::{Config, Connection, Progress};
use protocol_tests::live;

/// Reports come once a second of work, so the table grows until its copy takes that long.
#[tokio::test]
async fn a_long_alter_table_reports_how_far_it_is() {
    let schema = live::shared().schema("progress").unwrap();
    let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let tell = Arc::clone(&told);
    let config: Config = schema.url().parse().unwrap();
    let config = config
        .to_builder()
        .on_progress(move |progress: &Progress| tell.lock().unwrap().push(progress.clone()))
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    for sql in [
        "SET SESSION progress_report_time = 1",
        "CREATE TABLE t (a INT PRIMARY KEY AUTO_INCREMENT, b VARCHAR(200), KEY (b)) ENGINE=Aria",
    ] {
        connection.simple_execute(sql).await.unwrap();
    }
    let mut rows = 200_000_u32;
    while told.lock().unwrap().is_empty() {
        assert!(rows < 20_000_000, "no report for {rows} rows");
        let fill =
            format!("INSERT INTO t (b) SELECT CONCAT(SHA2(seq, 512), RAND()) FROM seq_1_to_{rows}");
        connection.simple_execute(&fill).await.unwrap();
        connection
            .simple_execute("ALTER TABLE t FORCE, ALGORITHM=COPY")
            .await
            .unwrap();
        rows *= 2;
    }
    assert!(connection.is_idle());
    for progress in told.lock().unwrap().iter() {
        assert!(
            (1..=progress.max_stage).contains(&progress.stage),
            "{progress:?}"
        );
        assert!((0.0..=100.0).contains(&progress.percent()), "{progress:?}");
        assert!(!progress.info.is_empty());
    }
}
