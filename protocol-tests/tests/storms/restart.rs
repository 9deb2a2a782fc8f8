//! The server goes and comes back under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use otaria::Pool;
use protocol_tests::chaos::seed;
use protocol_tests::live::{Ending, LiveServer};
use protocol_tests::outcome::start_server;
use protocol_tests::traces::Watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::ledger::Ledger;
use super::{alone, config, dose, recovers, take_all, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_restarted_under_load_leaves_every_failed_call_with_an_answer_and_the_pool_whole()
{
    let _alone = alone().await;
    let mut random = Rng::with_seed(seed());
    let server = Arc::new(spawn_blocking(start_server).await.unwrap());
    let config = config(&server, server.port())
        .call_timeout(CALL_TIMEOUT)
        .build()
        .unwrap();
    let mut watch = Watch::connect(&config).await.unwrap();
    let limit = GET_TIMEOUT + 6 * CALL_TIMEOUT;
    let ledger = Arc::new(Ledger::new(&mut watch, "storms.restart", limit).await);
    let pool = Pool::builder(config.clone())
        .max_size(POOL_SIZE)
        .get_timeout(GET_TIMEOUT)
        .build();

    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (pool, ledger, stop) = (pool.clone(), Arc::clone(&ledger), Arc::clone(&stop));
        let mut random = random.fork();
        tasks.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let failed = ledger.failed();
                ledger.call(&pool, &mut random).await;
                if ledger.failed() > failed {
                    // Who retries without a pause keeps a server from starting.
                    sleep(Duration::from_millis(random.u64(0..20))).await;
                }
            }
        });
    }

    for round in 0..dose(2, 20) {
        sleep(Duration::from_millis(random.u64(200..700))).await;
        let how = if round % 2 == 0 {
            Ending::Kill
        } else {
            Ending::Shutdown
        };
        let down = Duration::from_millis(random.u64(0..500));
        let before = ledger.succeeded();
        restart(&server, how, down).await;
        // By itself: nobody tells the pool.
        let works_again = async {
            while ledger.succeeded() < before + 200 {
                assert!(!tasks.is_empty());
                sleep(Duration::from_millis(5)).await;
            }
        };
        within(
            Duration::from_secs(20),
            "200 calls behind a restart",
            works_again,
        )
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }

    let took = recovers(&pool, POOL_SIZE).await;
    println!("recovered in {took:?}: {:?}", pool.status());
    take_all(&pool, POOL_SIZE).await;
    let mut watch = Watch::connect(&config).await.unwrap();
    assert!(ledger.failed() > 0, "the restarts were noticed");
    ledger.settle(&mut watch).await;
    pool.close().await;
}

pub(crate) async fn restart(server: &Arc<LiveServer>, how: Ending, down: Duration) {
    let ended = Arc::clone(server);
    spawn_blocking(move || ended.end(how))
        .await
        .unwrap()
        .unwrap();
    sleep(down).await;
    let started = Arc::clone(server);
    let started = spawn_blocking(move || started.start_again()).await.unwrap();
    started.unwrap();
}

const POOL_SIZE: usize = 8;
const GET_TIMEOUT: Duration = Duration::from_secs(3);
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
