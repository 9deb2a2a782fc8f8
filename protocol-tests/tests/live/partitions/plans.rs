//! What a plan asks the server, and what comes of it.

use otaria::partition::PartitionSource;
use otaria::{ArrowOptions, PartitionDepth, PartitionError, PartitionOptions, PoolPartitions};
use protocol_tests::live;

use super::{all, plan, pool, read};

/// Nine tenths of the keys lie in a millionth of their range.
const SKEWED: &str = "INSERT INTO t (id) \
    SELECT IF(seq <= 180000, seq, seq * 1000000000) FROM seq_1_to_200000";

#[tokio::test]
async fn a_skewed_table_is_split_into_parts_of_about_the_same_depth() {
    let schema = live::shared().schema("partition_skew").unwrap();
    schema
        .sql("CREATE TABLE t (id BIGINT PRIMARY KEY, pad CHAR(60) NOT NULL DEFAULT 'x') ENGINE = InnoDB")
        .unwrap();
    schema.sql(SKEWED).unwrap();
    let pool = pool(&schema, 4);
    let source = PartitionSource::table("t").with_columns(["id"]);
    let plan = plan(&pool, &source, 8).await;
    println!("{plan:?}");
    assert_eq!((plan.key(), plan.index()), (Some("id"), Some("PRIMARY")));
    assert_eq!(plan.depth(), PartitionDepth::Even);
    assert!(
        (1..2_000).contains(&plan.estimates()),
        "{}",
        plan.estimates()
    );
    let parts = read(&pool, plan.into_partitions()).await.unwrap();
    let depths: Vec<usize> = parts.values().map(Vec::len).collect();
    println!("rows of the parts: {depths:?}");
    assert_eq!(depths.len(), 8);
    assert_eq!(depths.iter().sum::<usize>(), 200_000);
    assert!(depths.iter().all(|depth| *depth < 25_000 * 2), "{depths:?}");
    let mut all: Vec<_> = parts.into_values().flatten().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200_000, "no row twice");

    // Of the same width, nearly all rows are in the first.
    let even = PartitionOptions::new(8).with_depth(PartitionDepth::EvenWidth);
    let plan = pool.plan_partitions(&source, &even).await.unwrap();
    assert_eq!(
        (plan.depth(), plan.estimates()),
        (PartitionDepth::EvenWidth, 0)
    );
    let parts = read(&pool, plan.into_partitions()).await.unwrap();
    assert!(parts[&0].len() >= 180_000);
    assert_eq!(parts.values().map(Vec::len).sum::<usize>(), 200_000);
}

#[tokio::test]
async fn the_key_is_the_integer_with_the_most_values_that_an_index_begins_with() {
    let schema = live::shared().schema("partition_key").unwrap();
    schema
        .sql(
            "CREATE TABLE composite (tenant INT, id BIGINT, name VARCHAR(20), PRIMARY KEY (tenant, id));
             INSERT INTO composite SELECT seq % 3, seq, seq FROM seq_1_to_900;
             CREATE TABLE indexed LIKE composite;
             ALTER TABLE indexed ADD KEY by_name (name), ADD KEY by_id (id);
             INSERT INTO indexed SELECT * FROM composite;
             ANALYZE TABLE composite, indexed",
        )
        .unwrap();
    let pool = pool(&schema, 3);
    let keys = [
        ("composite", "tenant", "PRIMARY", 3),
        ("indexed", "id", "by_id", 8),
    ];
    for (table, key, index, parts) in keys {
        let source = PartitionSource::table(table).with_columns(["id"]);
        let plan = plan(&pool, &source, 8).await;
        assert_eq!(
            (plan.key(), plan.index()),
            (Some(key), Some(index)),
            "{table}"
        );
        assert!((2..=parts).contains(&plan.partitions().len()), "{table}");
        assert_eq!(all(&pool, plan).await.len(), 900);
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_said_so() {
    let schema = live::shared().schema("partition_none").unwrap();
    schema
        .sql(
            "CREATE TABLE t (name VARCHAR(20) PRIMARY KEY, `d` DATE, n INT);
             CREATE VIEW v AS SELECT n FROM t",
        )
        .unwrap();
    let pool = pool(&schema, 1);
    let t = PartitionSource::table("t");
    let error = async |source: &PartitionSource, key: Option<&str>| {
        let options = PartitionOptions::new(2);
        let options = key.map_or(options.clone(), |key| options.with_key(key));
        pool.plan_partitions(source, &options).await.unwrap_err()
    };
    assert!(matches!(error(&t, None).await, PartitionError::NoKey));
    let view = PartitionSource::table("v");
    assert!(matches!(error(&view, None).await, PartitionError::NoKey));
    let query = PartitionSource::query("SELECT * FROM t");
    assert!(matches!(error(&query, None).await, PartitionError::NoKey));
    let unknown = error(&t, Some("m")).await;
    assert!(matches!(unknown, PartitionError::UnknownKey { column } if &*column == "m"));
    let date = error(&t, Some("d")).await;
    assert!(matches!(date, PartitionError::KeyType { sql_type, .. } if &*sql_type == "date"));
    let name = error(&query, Some("name")).await;
    assert!(matches!(name, PartitionError::KeyType { .. }), "{name}");
    let missing = error(&PartitionSource::table("missing"), None).await;
    assert!(matches!(missing, PartitionError::UnknownTable { .. }));
    let wrong = error(&PartitionSource::query("SELEKT"), Some("n")).await;
    assert!(matches!(
        wrong,
        PartitionError::Driver(otaria::Error::Server(_))
    ));
    // The connection has not suffered.
    assert_eq!((pool.status().connected, pool.status().broken), (1, 0));
    assert_eq!(pool.status().idle, 1);
}

#[tokio::test]
async fn one_part_needs_no_key() {
    let schema = live::shared().schema("partition_one").unwrap();
    schema
        .sql("CREATE TABLE t (id INT, x TEXT); INSERT INTO t VALUES (1, 'a')")
        .unwrap();
    let pool = pool(&schema, 1);
    let plan = plan(&pool, &PartitionSource::table("t"), 1).await;
    assert_eq!((plan.key(), plan.partitions().len()), (None, 1));
    assert_eq!(all(&pool, plan).await, [Some(1)]);
}

#[tokio::test]
async fn a_table_that_is_altered_behind_the_plan_is_found_out() {
    let schema = live::shared().schema("partition_altered").unwrap();
    schema.sql("CREATE TABLE t (id INT PRIMARY KEY, x INT); INSERT INTO t SELECT seq, 1 FROM seq_1_to_9").unwrap();
    let pool = pool(&schema, 2);
    let plan = plan(&pool, &PartitionSource::table("t"), 2).await;
    schema.sql("ALTER TABLE t MODIFY x BIGINT").unwrap();
    let refused = read(&pool, plan.into_partitions()).await;
    assert!(matches!(
        refused,
        Err(PartitionError::ColumnsChanged { .. })
    ));
    let whole = pool
        .query_all::<(i32,)>("SELECT id FROM t", ())
        .await
        .unwrap();
    assert_eq!(whole.len(), 9);
}

/// The bytes name the database, so that the connection's does not matter.
#[tokio::test]
async fn a_part_does_not_depend_on_the_database_of_the_connection() {
    let schema = live::shared().schema("partition_database").unwrap();
    schema
        .sql("CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_99")
        .unwrap();
    let other = live::shared().schema("partition_other").unwrap();
    let plan = plan(&pool(&schema, 1), &PartitionSource::table("t"), 3).await;
    let elsewhere = pool(&other, 2);
    let mut batches =
        elsewhere.read_partitions(plan.into_partitions(), 2, &ArrowOptions::default());
    while batches.next().await.unwrap().is_some() {}
    assert_eq!(batches.rows(), 99);
    assert_eq!(batches.schema().unwrap().field(0).name(), "id");
}
