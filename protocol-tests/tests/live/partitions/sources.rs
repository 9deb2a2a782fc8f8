//! Queries, filters, predicates, odd names.

use std::io::Write;
use std::process::{Command, Stdio};

use otaria::partition::{KeyBoundaries, PartitionKey, PartitionSource};
use otaria::{PartitionOptions, PoolPartitions};
use protocol_tests::live;

use super::{all, expected, plan, pool, read};

#[tokio::test]
async fn a_query_is_read_in_parts() {
    let schema = live::shared().schema("partition_query").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, k INT);
             INSERT INTO t SELECT seq, IF(seq % 5 = 0, NULL, seq % 40) FROM seq_1_to_1000",
        )
        .unwrap();
    let pool = pool(&schema, 3);
    for sql in [
        "SELECT k, id FROM t WHERE id > 10 -- that is all;",
        "SELECT k, COUNT(*) AS n FROM t GROUP BY k WITH ROLLUP",
        "SELECT k FROM t UNION ALL SELECT id FROM t;",
        "WITH few AS (SELECT k, id FROM t ORDER BY id LIMIT 700) SELECT * FROM few",
        "SELECT a.k AS k FROM t AS b LEFT JOIN t AS a ON a.id = b.id + 100",
    ] {
        let source = PartitionSource::query(sql);
        let options = PartitionOptions::new(5).with_key("k");
        let plan = pool.plan_partitions(&source, &options).await.unwrap();
        assert!((2..=5).contains(&plan.partitions().len()), "{sql}");
        let cast = format!("SELECT CAST(k AS CHAR) FROM (\n{sql}\n) AS x").replace(';', "");
        assert_eq!(
            all(&pool, plan).await,
            expected(&pool, &cast).await,
            "{sql}"
        );
    }
}

#[tokio::test]
async fn a_filter_holds_for_all_parts_and_moves_their_boundaries() {
    let schema = live::shared().schema("partition_filter").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, x INT);
             INSERT INTO t SELECT seq, seq % 7 FROM seq_1_to_20000",
        )
        .unwrap();
    let pool = pool(&schema, 3);
    let source = PartitionSource::table("t").with_filter("x = 1 OR x = 2 -- or so");
    let rows = all(&pool, plan(&pool, &source, 4).await).await;
    let sql = "SELECT CAST(id AS CHAR) FROM t WHERE x = 1 OR x = 2";
    assert_eq!(rows, expected(&pool, sql).await);

    let source = PartitionSource::table("t").with_filter("id > 16000");
    let parts = plan(&pool, &source, 4).await.into_partitions();
    let depths: Vec<usize> = read(&pool, parts)
        .await
        .unwrap()
        .values()
        .map(Vec::len)
        .collect();
    assert_eq!(depths.iter().sum::<usize>(), 4000);
    assert!(depths.iter().all(|depth| *depth < 2000), "{depths:?}");
}

#[tokio::test]
async fn names_of_any_kind_are_quoted() {
    let schema = live::shared().schema("partition_names").unwrap();
    schema
        .sql(
            "CREATE TABLE `a``b.c\"d` (`k``; -- x` BIGINT PRIMARY KEY, `'` INT);
             INSERT INTO `a``b.c\"d` SELECT seq, 1 FROM seq_1_to_100",
        )
        .unwrap();
    let pool = pool(&schema, 2);
    let source = PartitionSource::table("a`b.c\"d").with_columns(["k`; -- x", "'"]);
    let plan = plan(&pool, &source, 3).await;
    assert_eq!(plan.key(), Some("k`; -- x"));
    assert_eq!(plan.partitions().len(), 3);
    assert_eq!(all(&pool, plan).await.len(), 100);
}

#[tokio::test]
async fn a_view_is_split_by_a_key_that_is_named() {
    let schema = live::shared().schema("partition_view").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, x INT);
             INSERT INTO t SELECT seq, seq FROM seq_1_to_500;
             CREATE VIEW v AS SELECT a.id FROM t AS b LEFT JOIN t AS a ON a.id = b.id + 100",
        )
        .unwrap();
    let pool = pool(&schema, 2);
    let options = PartitionOptions::new(4).with_key("id");
    let source = PartitionSource::table("v");
    let plan = pool.plan_partitions(&source, &options).await.unwrap();
    assert_eq!((plan.index(), plan.partitions().len()), (None, 4));
    // The server declares `id` NOT NULL in the parts whose condition leaves no NULL, and not in
    // others.
    let all = all(&pool, plan).await;
    assert_eq!(all.len(), 500);
    assert_eq!(all.iter().filter(|key| key.is_none()).count(), 100);
}

#[tokio::test]
async fn predicates_and_their_rest_have_all_rows() {
    let schema = live::shared().schema("partition_predicates").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(9));
             INSERT INTO t SELECT seq, ELT(seq % 4, 'anna', 'bert', 'zoe') FROM seq_1_to_100",
        )
        .unwrap();
    let pool = pool(&schema, 3);
    let source = PartitionSource::table("t");
    let predicates = ["name < 'b' -- first", "name >= 'b' AND name < 'm'"];
    let parts = source.partition_by_predicates_and_rest(predicates).unwrap();
    let parts = read(&pool, parts).await.unwrap();
    let depths: Vec<usize> = parts.values().map(Vec::len).collect();
    assert_eq!(depths, [25, 25, 50], "those without a name are in the rest");
    let parts = source.partition_by_predicates(predicates).unwrap();
    assert_eq!(read(&pool, parts).await.unwrap().len(), 2);
}

#[tokio::test]
async fn sampled_keys_make_parts() {
    let schema = live::shared().schema("partition_samples").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id BIGINT PRIMARY KEY);
             INSERT INTO t SELECT seq * seq * seq FROM seq_1_to_1000",
        )
        .unwrap();
    let pool = pool(&schema, 3);
    let samples: Vec<(i64,)> = pool
        .query_all("SELECT id FROM t WHERE id % 9 = 1", ())
        .await
        .unwrap();
    let samples = samples.into_iter().map(|(id,)| id);
    let boundaries = KeyBoundaries::of_samples(samples, 4).unwrap();
    let parts = PartitionSource::table("t")
        .partition_by_key(&PartitionKey::new("id"), &boundaries)
        .unwrap();
    let parts = read(&pool, parts).await.unwrap();
    let depths: Vec<usize> = parts.values().map(Vec::len).collect();
    assert_eq!(depths.iter().sum::<usize>(), 1000);
    assert!(
        depths.iter().all(|depth| (200..300).contains(depth)),
        "{depths:?}"
    );
}

#[tokio::test]
async fn parts_are_read_by_other_processes_from_their_bytes() {
    let schema = live::shared().schema("partition_process").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id BIGINT PRIMARY KEY, x INT);
             INSERT INTO t SELECT seq * seq, 1 FROM seq_1_to_5000",
        )
        .unwrap();
    let pool = pool(&schema, 1);
    let plan = plan(&pool, &PartitionSource::table("t"), 3).await;
    assert_eq!(plan.partitions().len(), 3);
    let mut totals = (0, 0);
    for part in plan.partitions() {
        let bytes = part.to_bytes();
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!shown.contains("mariadb://"), "{shown}");
        let mut process = Command::new(env!("CARGO_BIN_EXE_read_partition"))
            .arg(live::shared().url(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        let (rows, sum) = output.trim().split_once(' ').unwrap();
        let (rows, sum): (u64, i128) = (rows.parse().unwrap(), sum.parse().unwrap());
        assert!(rows > 0);
        totals = (totals.0 + rows, totals.1 + sum);
    }
    let whole: (u64, String) = pool
        .query_one("SELECT COUNT(*), CAST(SUM(id) AS CHAR) FROM t", ())
        .await
        .unwrap();
    assert_eq!((totals.0, totals.1.to_string()), whole);
}
