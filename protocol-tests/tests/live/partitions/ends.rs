//! How the reading ends: at its end, by an error, or by being dropped.

use std::time::Duration;

use futures_util::TryStreamExt;
use otaria::partition::PartitionSource;
use otaria::{
    ArrowOptions, Config, Error, ErrorKind, PartitionError, PartitionOptions, Pool, PoolError,
    PoolPartitions,
};
use protocol_tests::live::{self, Schema};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::traces::Watch;
use tokio::time::timeout;

use super::{plan, pool, read};

/// A table of 2,000 rows.
fn schema(name: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT PRIMARY KEY, x INT);
             INSERT INTO t SELECT seq, seq FROM seq_1_to_2000",
        )
        .unwrap();
    schema
}

/// All connections of a pool are idle, or will be when what they run has been ended.
async fn all_come_back(pool: &Pool, connections: usize) {
    let get_all = async {
        let mut all = Vec::new();
        for _ in 0..connections {
            all.push(pool.get().await.unwrap());
        }
        for connection in &mut all {
            let (one,): (i32,) = connection.query_one("SELECT 1", ()).await.unwrap();
            assert_eq!(one, 1);
        }
    };
    timeout(Duration::from_secs(60), get_all)
        .await
        .expect("all connections");
    assert_eq!(pool.status().idle, pool.status().size);
}

#[tokio::test]
async fn there_may_be_more_parts_than_connections() {
    let schema = schema("partition_more");
    for max_size in [1, 2] {
        let pool = pool(&schema, max_size);
        let plan = plan(&pool, &PartitionSource::table("t"), 9).await;
        assert_eq!(plan.partitions().len(), 9);
        let batches = pool.read_partitions(plan.into_partitions(), 100, &ArrowOptions::default());
        let batches: Vec<_> = batches.try_collect().await.unwrap();
        let rows: usize = batches.iter().map(|(_, batch)| batch.num_rows()).sum();
        assert_eq!(rows, 2000);
        assert_eq!(usize::try_from(pool.status().connected).unwrap(), max_size);
        all_come_back(&pool, max_size).await;
    }
}

#[tokio::test]
async fn no_parts_are_no_batches() {
    let schema = schema("partition_no_parts");
    let pool = pool(&schema, 1);
    let mut batches = pool.read_partitions([], 4, &ArrowOptions::default());
    assert!(batches.next().await.unwrap().is_none());
    assert!(batches.schema().is_none());
    assert_eq!(pool.status().connected, 0);
}

#[tokio::test]
async fn batches_come_from_several_parts_at_once_on_no_task_of_their_own() {
    let schema = schema("partition_at_once");
    let pool = pool(&schema, 3);
    pool.query_one::<(i32,)>("SELECT 1", ()).await.unwrap();
    let sql =
        &live::shared().dialect("SELECT seq AS id, REPEAT('x', 300) AS pad FROM seq_1_to_60000");
    let parts = PartitionSource::query(sql)
        .partition_by_predicates(["id % 3 = 0", "id % 3 = 1", "id % 3 = 2"])
        .unwrap();
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let options = ArrowOptions::default().with_max_rows(100);
    let mut batches = pool.read_partitions(parts, 3, &options);
    let mut order = Vec::new();
    while let Some((part, batch)) = batches.next().await.unwrap() {
        assert!(batch.num_rows() <= 100);
        assert_eq!(batch.schema(), batches.schema().unwrap());
        assert_eq!(tasks(), before);
        order.push(part);
    }
    let changes = order.windows(2).filter(|two| two[0] != two[1]).count();
    assert!(changes > 2, "not one behind the other: {order:?}");
    let mut seen = order;
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [0, 1, 2]);
}

#[tokio::test]
async fn an_error_of_one_part_ends_all_and_stops_the_others_on_the_server() {
    let schema = schema("partition_error");
    let pool = pool(&schema, 3);
    let mark = "partition_error_mark";
    let endless = format!("BENCHMARK(2000000000, SHA2('{mark}', 256)) = 0");
    let failing = "x = (SELECT 1 UNION SELECT 2)".to_owned();
    let parts = PartitionSource::table("t")
        .partition_by_predicates([endless.clone(), failing, endless])
        .unwrap();
    let mut batches = pool.read_partitions(parts, 3, &ArrowOptions::default());
    let error = batches.next().await.unwrap_err();
    assert!(
        matches!(error, PartitionError::Part { index: 1, .. }),
        "{error}"
    );
    assert!(
        matches!(error.driver(), Some(Error::Server(error)) if error.code() == 1242),
        "{error:?}"
    );
    assert!(
        batches.next().await.unwrap().is_none(),
        "nothing behind an error"
    );
    let config: Config = live::shared().url("").parse().unwrap();
    let mut watch = Watch::connect(&config).await.unwrap();
    let limit = Duration::from_secs(20);
    watch
        .wait_until_gone(mark, limit, |one| one.runs(mark))
        .await
        .unwrap();
    all_come_back(&pool, 3).await;
    assert_eq!(pool.status().broken, 0, "the connections stay in use");
}

#[tokio::test]
async fn dropped_batches_stop_their_statements_on_the_server() {
    let schema = schema("partition_dropped");
    let pool = pool(&schema, 2);
    let mark = "partition_dropped_mark";
    let endless = format!("BENCHMARK(2000000000, SHA2('{mark}', 256)) = 0");
    let parts = PartitionSource::table("t")
        .partition_by_predicates([&endless, &endless])
        .unwrap();
    let mut batches = pool.read_partitions(parts, 2, &ArrowOptions::default());
    let next = timeout(Duration::from_millis(500), batches.next()).await;
    assert!(next.is_err());
    drop(batches);
    let config: Config = live::shared().url("").parse().unwrap();
    let mut watch = Watch::connect(&config).await.unwrap();
    let limit = Duration::from_secs(20);
    watch
        .wait_until_gone(mark, limit, |one| one.runs(mark))
        .await
        .unwrap();
    all_come_back(&pool, 2).await;
}

#[tokio::test]
async fn a_plan_dropped_at_every_poll_gives_its_connection_back() {
    let schema = schema("partition_plan_polls");
    let pool = pool(&schema, 1);
    let source = PartitionSource::table("t");
    let options = PartitionOptions::new(4);
    let polls = at_every_poll(async |polls| {
        let plan = poll_times(pool.plan_partitions(&source, &options), polls).await;
        all_come_back(&pool, 1).await;
        plan.is_some_and(|plan| plan.unwrap().partitions().len() == 4)
    })
    .await;
    assert!(polls > 5, "{polls}");
    assert_eq!((pool.status().connected, pool.status().broken), (1, 0));
}

#[tokio::test]
async fn a_reading_dropped_at_every_poll_gives_all_connections_back() {
    let schema = schema("partition_read_polls");
    let pool = pool(&schema, 2);
    let parts = plan(&pool, &PartitionSource::table("t"), 3)
        .await
        .into_partitions();
    let options = ArrowOptions::default().with_max_rows(50);
    let polls = at_every_poll(async |polls| {
        let batches = pool.read_partitions(parts.clone(), 2, &options);
        let all = poll_times(batches.try_collect::<Vec<_>>(), polls).await;
        all_come_back(&pool, 2).await;
        all.is_some_and(|all| {
            let rows = all.unwrap().into_iter().map(|(_, batch)| batch.num_rows());
            assert_eq!(rows.sum::<usize>(), 2000);
            true
        })
    })
    .await;
    assert!(polls > 1, "{polls}");
    assert_eq!((pool.status().connected, pool.status().broken), (2, 0));
}

#[tokio::test]
async fn a_next_dropped_at_every_poll_loses_no_row() {
    let schema = schema("partition_next_polls");
    let pool = pool(&schema, 2);
    let parts = plan(&pool, &PartitionSource::table("t"), 3)
        .await
        .into_partitions();
    let options = ArrowOptions::default().with_max_rows(50);
    let mut batches = pool.read_partitions(parts, 2, &options);
    let mut dropped = 0;
    let rows = loop {
        match poll_times(batches.next(), 1).await {
            None => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
            Some(Ok(Some(_))) => {}
            Some(Ok(None)) => break batches.rows(),
            Some(Err(error)) => panic!("{error}"),
        }
    };
    assert_eq!(rows, 2000);
    assert!(dropped > 0);
}

/// While another part is being read, one that gets no connection in time waits for that of the
/// other.
#[tokio::test]
async fn a_part_that_the_pool_has_no_connection_for_waits_for_another_one() {
    let schema = schema("partition_timeouts");
    let config: Config = schema.url().parse().unwrap();
    let pool = Pool::builder(config)
        .max_size(2)
        .min_size(2)
        .get_timeout(Duration::from_millis(300))
        .build();
    pool.prewarm().await.unwrap();
    let slow = "id <= 2 AND SLEEP(0.5) = 0";
    let parts = PartitionSource::table("t").partition_by_predicates([slow, "id = 3", "id = 4"]);
    let parts = parts.unwrap();
    let taken = pool.get().await.unwrap();
    let rows = read(&pool, parts.clone()).await.unwrap();
    assert_eq!(rows.into_values().flatten().count(), 4);
    assert!(
        pool.status().timeouts > 0,
        "there was no connection for two"
    );
    // If nobody can give one back, it is an error.
    let other = pool.get().await.unwrap();
    let error = read(&pool, parts).await.unwrap_err();
    let timeout = matches!(error.driver(), Some(Error::Pool(PoolError::Timeout { .. })));
    assert!(timeout, "{error:?}");
    assert_ne!(error.kind(), Some(ErrorKind::Other));
    drop((taken, other));
}
