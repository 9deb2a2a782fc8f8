//! Far more tasks than connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use otaria::Pool;
use protocol_tests::chaos::seed;
use protocol_tests::polls::poll_times;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{alone, config, server, take_all, within};

fn pool(connections: usize) -> Pool {
    let server = server();
    let config = config(server, server.port()).build().unwrap();
    Pool::builder(config)
        .max_size(connections)
        .get_timeout(Duration::from_secs(120))
        .build()
}

/// 10,000 tasks of which every third gives up at some moment of its wait. All others get a
/// connection, one after another as they have come. The tasks run on one thread, in the order in
/// which they were spawned.
async fn everybody_gets_a_connection_in_turn(connections: usize) {
    let _alone = alone().await;
    let mut random = Rng::with_seed(seed());
    let pool = pool(connections);
    let start = Instant::now();
    let mut held = Vec::new();
    for _ in 0..connections {
        held.push(pool.get().await.unwrap());
    }

    let turns = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    let mut patient = Vec::new();
    let mut impatient = Vec::new();
    for number in 0..TASKS {
        let (pool, turns) = (pool.clone(), Arc::clone(&turns));
        let task = tasks.spawn(async move {
            let mut connection = pool.get().await.unwrap();
            turns.lock().unwrap().push(number);
            let sql = "SELECT ?, @@in_transaction";
            let row: (usize, u8) = connection.query_one(sql, (number,)).await.unwrap();
            assert_eq!(row, (number, 0));
        });
        if number % 3 == 0 {
            impatient.push(task);
        } else {
            patient.push(number);
        }
    }
    // All of them are in the queue.
    while pool.status().waiting < TASKS {
        tokio::task::yield_now().await;
    }
    random.shuffle(&mut impatient);
    let late = impatient.split_off(impatient.len() / 2);
    for task in impatient {
        task.abort();
    }
    drop(held);
    for task in late {
        // A few polls of other tasks between each: some of these have just been woken, some hold
        // their connection, some wait for an answer.
        task.abort();
        for _ in 0..random.u8(0..4) {
            tokio::task::yield_now().await;
        }
    }
    let all = async {
        while let Some(done) = tasks.join_next().await {
            assert!(done.is_ok() || done.is_err_and(|error| error.is_cancelled()));
        }
    };
    within(Duration::from_secs(100), "10,000 tasks", all).await;

    let turns = std::mem::take(&mut *turns.lock().unwrap());
    let of_patient: Vec<_> = turns.iter().copied().filter(|turn| turn % 3 != 0).collect();
    assert_eq!(of_patient.len(), patient.len(), "nobody starves");
    assert!(of_patient.is_sorted(), "first come, first served");
    println!(
        "{} of {TASKS} tasks had their turn on {connections} connections in {:?}",
        turns.len(),
        start.elapsed()
    );
    take_all(&pool, connections).await;
    pool.close().await;
}

#[tokio::test]
async fn no_hang_fifo_10_000_tasks_on_8_connections_and_no_wake_up_lost_by_a_dropped_waiter() {
    everybody_gets_a_connection_in_turn(8).await;
}

#[tokio::test]
async fn no_hang_fifo_10_000_tasks_on_1_connection_and_no_wake_up_lost_by_a_dropped_waiter() {
    everybody_gets_a_connection_in_turn(1).await;
}

#[tokio::test]
async fn a_waiter_that_is_dropped_when_its_turn_has_come_passes_it_on() {
    let _alone = alone().await;
    let pool = pool(1);
    for polls in 1..10 {
        let held = pool.get().await.unwrap();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { poll_times(pool.get(), polls).await.map(drop) }
        });
        let second = tokio::spawn({
            let pool = pool.clone();
            async move { pool.get().await.map(drop) }
        });
        while pool.status().waiting < usize::from(!first.is_finished()) + 1 {
            tokio::task::yield_now().await;
        }
        // The first is woken, and is gone before it is polled.
        drop(held);
        first.abort();
        let second = within(Duration::from_secs(5), "the second waiter", second).await;
        second.unwrap().unwrap();
    }
    take_all(&pool, 1).await;
    pool.close().await;
}

const TASKS: usize = 10_000;
