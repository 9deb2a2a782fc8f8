//! Keys of all kinds: each row is in exactly one part.

use otaria::partition::{NullKeys, PartitionSource};
use otaria::{PartitionDepth, PartitionOptions, PoolPartitions};
use protocol_tests::live;

use super::{all, expected, plan, pool, read};

/// The rows of all parts are those of the table, whose key is `k`.
async fn check_rows(name: &str, definition: &str, values: &str) {
    let schema = live::shared().schema("partition_keys").unwrap();
    schema
        .sql(&format!("CREATE TABLE `{name}` ({definition})"))
        .unwrap();
    schema
        .sql(&format!("INSERT INTO `{name}` {values}"))
        .unwrap();
    let pool = pool(&schema, 3);
    let source = PartitionSource::table(name);
    let sql = format!("SELECT CAST(k AS CHAR) FROM `{name}`");
    let expected = expected(&pool, &sql).await;
    assert!(!expected.is_empty());
    for parts in [1, 2, 3, 7, 64] {
        for depth in [PartitionDepth::Even, PartitionDepth::EvenWidth] {
            let options = PartitionOptions::new(parts).with_key("K").with_depth(depth);
            let plan = pool.plan_partitions(&source, &options).await.unwrap();
            assert!(
                plan.partitions().len() <= parts + 1,
                "{name} {parts} {depth:?}"
            );
            assert_eq!(all(&pool, plan).await, expected, "{name} {parts} {depth:?}");
        }
    }
}

#[tokio::test]
async fn negative_keys_and_the_ends_of_bigint() {
    let values = "SELECT CAST(seq AS SIGNED) - 500 FROM seq_1_to_1000 \
        UNION ALL SELECT -9223372036854775808 UNION ALL SELECT 9223372036854775807";
    check_rows("signed", "k BIGINT NOT NULL PRIMARY KEY", values).await;
}

#[tokio::test]
async fn unsigned_keys_over_the_greatest_signed_one() {
    let values = "SELECT 18446744073709551615 - seq * 1000000007 FROM seq_1_to_500 \
        UNION ALL SELECT 0 UNION ALL SELECT 18446744073709551615 \
        UNION ALL SELECT 9223372036854775807 UNION ALL SELECT 9223372036854775808";
    check_rows("unsigned", "k BIGINT UNSIGNED NOT NULL PRIMARY KEY", values).await;
}

#[tokio::test]
async fn keys_that_may_be_null_with_an_index_and_without() {
    let values = "SELECT IF(seq % 3 = 0, NULL, CAST(seq AS SIGNED) - 300) FROM seq_1_to_900";
    check_rows("indexed", "k INT, KEY (k)", values).await;
    check_rows("bare", "k INT", values).await;
    check_rows(
        "only_null",
        "k INT, KEY (k)",
        "SELECT NULL FROM seq_1_to_10",
    )
    .await;
}

#[tokio::test]
async fn few_keys_that_are_there_often() {
    let values = "SELECT seq % 3 FROM seq_1_to_900";
    check_rows("few", "k INT NOT NULL, KEY (k)", values).await;
    check_rows(
        "one",
        "k INT NOT NULL, KEY (k)",
        "SELECT 7 FROM seq_1_to_20",
    )
    .await;
}

#[tokio::test]
async fn other_engines() {
    let values = "SELECT IF(seq <= 450, seq, seq * 1000000) FROM seq_1_to_900";
    // The first is MariaDB's alone.
    let engines = &["Aria", "MyISAM", "MEMORY"][usize::from(live::shared().is_mysql())..];
    for engine in engines {
        let schema = live::shared().schema("partition_engines").unwrap();
        schema
            .sql(&format!(
                "CREATE TABLE t (k BIGINT NOT NULL, PRIMARY KEY USING BTREE (k)) ENGINE = {engine}"
            ))
            .unwrap();
        schema.sql(&format!("INSERT INTO t {values}")).unwrap();
        let pool = pool(&schema, 3);
        let plan = plan(&pool, &PartitionSource::table("t").with_columns(["k"]), 4).await;
        let expected = expected(&pool, "SELECT CAST(k AS CHAR) FROM t").await;
        assert_eq!(all(&pool, plan).await, expected, "{engine}");
    }
}

#[tokio::test]
async fn an_empty_table_is_one_part_without_rows() {
    let schema = live::shared().schema("partition_empty").unwrap();
    schema.sql("CREATE TABLE t (k INT PRIMARY KEY)").unwrap();
    let pool = pool(&schema, 2);
    let plan = plan(&pool, &PartitionSource::table("t"), 4).await;
    assert_eq!(plan.partitions().len(), 1);
    // What comes meanwhile is in that part.
    schema.sql("INSERT INTO t VALUES (-1), (1)").unwrap();
    assert_eq!(all(&pool, plan).await, [Some(-1), Some(1)]);
}

#[tokio::test]
async fn rows_that_come_behind_the_plan_are_in_a_part() {
    let schema = live::shared().schema("partition_later").unwrap();
    schema.sql("CREATE TABLE t (k INT PRIMARY KEY)").unwrap();
    schema
        .sql("INSERT INTO t SELECT seq FROM seq_1_to_100")
        .unwrap();
    let pool = pool(&schema, 2);
    let plan = plan(&pool, &PartitionSource::table("t"), 4).await;
    assert_eq!(plan.partitions().len(), 4);
    schema
        .sql("INSERT INTO t VALUES (-2147483648), (2147483647), (0)")
        .unwrap();
    assert_eq!(all(&pool, plan).await.len(), 103);
}

#[tokio::test]
async fn many_null_keys_get_a_part_of_their_own_and_few_are_in_the_first() {
    let schema = live::shared().schema("partition_nulls").unwrap();
    let pool = pool(&schema, 2);
    for (nulls, own) in [(500, true), (20, false)] {
        schema
            .sql("DROP TABLE IF EXISTS t; CREATE TABLE t (k INT, KEY (k))")
            .unwrap();
        schema
            .sql(&format!(
                "INSERT INTO t SELECT IF(seq <= {nulls}, NULL, seq) FROM seq_1_to_1000"
            ))
            .unwrap();
        let source = PartitionSource::table("t");
        let plan = plan(&pool, &source, 4).await;
        let count = plan.partitions().len();
        assert_eq!(count, if own { 5 } else { 4 });
        let place = if own { 4 } else { 0 };
        let parts = read(&pool, plan.into_partitions()).await.unwrap();
        let found = parts[&place].iter().filter(|key| key.is_none()).count();
        assert_eq!(found, nulls);
        // And as the caller wants it.
        for (nulls, parts) in [(NullKeys::OwnPart, 5), (NullKeys::FirstPart, 4)] {
            let options = PartitionOptions::new(4).with_nulls(nulls);
            let plan = pool.plan_partitions(&source, &options).await.unwrap();
            assert_eq!(plan.partitions().len(), parts);
            assert_eq!(all(&pool, plan).await.len(), 1000);
        }
    }
}
