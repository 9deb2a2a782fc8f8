//! Statements that are marked as repeatable: none of them fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Pool, RetryPolicy};
use protocol_tests::chaos::seed;
use protocol_tests::live::Ending;
use protocol_tests::outcome::start_server;
use protocol_tests::traces::Watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::restart::restart;
use super::{alone, config, dose, server, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_marked_as_repeatable_outlive_restarts_of_the_server() {
    let _alone = alone().await;
    let mut random = Rng::with_seed(seed());
    let server = Arc::new(spawn_blocking(start_server).await.unwrap());
    let config = config(&server, server.port()).build().unwrap();
    let pool = Pool::builder(config).max_size(4).build();
    for sql in [
        "CREATE SCHEMA storms",
        "CREATE TABLE storms.latest (task INT PRIMARY KEY, number BIGINT NOT NULL) ENGINE = InnoDB",
    ] {
        pool.execute(sql, ()).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..8_u32 {
        let (pool, stop, done) = (pool.clone(), Arc::clone(&stop), Arc::clone(&done));
        tasks.spawn(async move {
            let policy = RetryPolicy::new().attempts(u32::MAX);
            let again = pool.repeatable(&policy).within(LIMIT);
            let mut number = 0_u64;
            while !stop.load(Ordering::SeqCst) {
                number += 1;
                let sql = "REPLACE INTO storms.latest VALUES (?, ?)";
                again.execute(sql, (task, number)).await.unwrap();
                // What has been confirmed once stays, however often it was run.
                let sql = "SELECT number FROM storms.latest WHERE task = ?";
                let (found,): (u64,) = again.query_one(sql, (task,)).await.unwrap();
                assert_eq!(found, number);
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for round in 0..dose(2, 20) {
        sleep(Duration::from_millis(random.u64(100..400))).await;
        let how = if round % 2 == 0 {
            Ending::Kill
        } else {
            Ending::Shutdown
        };
        let before = done.load(Ordering::SeqCst);
        restart(&server, how, Duration::from_millis(random.u64(0..500))).await;
        let goes_on = async {
            while done.load(Ordering::SeqCst) < before + 50 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        within(LIMIT, "statements behind a restart", goes_on).await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(task) = tasks.join_next().await {
        task.expect("no statement fails");
    }
    let done = done.load(Ordering::SeqCst);
    println!("{done} statements, none failed: {:?}", pool.status());
    assert!(pool.status().broken > 0, "the restarts were noticed");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_victims_of_deadlocks_are_run_again_until_they_are_none() {
    let _alone = alone().await;
    let server = server();
    let config = config(server, server.port()).build().unwrap();
    let pool = Pool::builder(config.clone()).max_size(8).build();
    for sql in [
        "CREATE SCHEMA storms_deadlocks",
        "CREATE TABLE storms_deadlocks.t (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB",
    ] {
        pool.execute(sql, ()).await.unwrap();
    }
    let rows = (1..=5).map(|id| (id,));
    let sql = "INSERT INTO storms_deadlocks.t VALUES (?, 0)";
    pool.execute_batch(sql, rows).await.unwrap();

    let mut watch = Watch::connect(&config).await.unwrap();
    let deadlocks = watch.status("Innodb_deadlocks").await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let policy = RetryPolicy::new().attempts(1_000);
            let again = pool.repeatable(&policy).within(LIMIT);
            let order = if task % 2 == 0 { "ASC" } else { "DESC" };
            // Row by row, and slowly, so that they meet.
            let sql = format!(
                "UPDATE storms_deadlocks.t SET n = n + 1 + SLEEP(0.002) ORDER BY id {order} LIMIT 5"
            );
            for _ in 0..dose(10, 100) {
                again.execute(&sql, ()).await.unwrap();
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("no statement fails");
    }
    let deadlocks = watch.status("Innodb_deadlocks").await.unwrap() - deadlocks;
    println!("{deadlocks} deadlocks");
    assert!(deadlocks > 0);
    // A victim is undone: what was run again was not done twice.
    let sql = "SELECT CAST(MIN(n) AS SIGNED), CAST(MAX(n) AS SIGNED) FROM storms_deadlocks.t";
    let (least, most): (i64, i64) = pool.query_one(sql, ()).await.unwrap();
    let all = i64::try_from(8 * dose(10, 100)).unwrap();
    assert_eq!((least, most), (all, all));
    pool.execute("DROP SCHEMA storms_deadlocks", ())
        .await
        .unwrap();
    pool.close().await;
}

/// How long a server may take to start again, and more.
const LIMIT: Duration = Duration::from_secs(30);
