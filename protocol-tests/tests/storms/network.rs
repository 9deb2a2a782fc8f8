//! A network that delays, splits, cuts, resets and falls silent, by a seed.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use otaria::{Compression, ConfigBuilder, Pool, SslMode};
use protocol_tests::chaos::seed;
use protocol_tests::tcp_proxy::{End, TcpProxy};
use protocol_tests::traces::Watch;
use tokio::task::JoinSet;

use super::ledger::Ledger;
use super::{alone, config, dose, recovers, server, take_all};

async fn survives_the_network(name: &str, layers: impl FnOnce(ConfigBuilder) -> ConfigBuilder) {
    let _alone = alone().await;
    let seed = seed();
    let server = server();
    let direct = config(server, server.port()).build().unwrap();
    let mut watch = Watch::connect(&direct).await.unwrap();
    let proxy = TcpProxy::to(server)
        .seed(seed)
        .split(2_000)
        .delay(5, Duration::from_millis(4))
        .end(1_000, 8 * 1024, &ENDS);
    let proxy = proxy.start().await.unwrap();
    let config = layers(config(server, proxy.port()))
        .connect_timeout(CALL_TIMEOUT)
        .call_timeout(CALL_TIMEOUT)
        .stop_timeout(CALL_TIMEOUT)
        .build()
        .unwrap();
    let pool = Pool::builder(config)
        .max_size(POOL_SIZE)
        .get_timeout(GET_TIMEOUT)
        .build();
    // Behind a timeout there may be an attempt to stop the statement, which has one of its own.
    let limit = GET_TIMEOUT + 4 * CALL_TIMEOUT;
    let table = format!("storms.network_{name}");
    let ledger = Arc::new(Ledger::new(&mut watch, &table, limit).await);

    let calls = dose(640, 20_000);
    let mut random = Rng::with_seed(seed);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (pool, ledger, mut random) = (pool.clone(), Arc::clone(&ledger), random.fork());
        tasks.spawn(async move {
            for _ in 0..calls / TASKS {
                ledger.call(&pool, &mut random).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }

    assert_eq!(ledger.calls(), calls);
    let (came, ended) = (proxy.passed().len(), proxy.ended());
    println!("{name}: {came} connections, {ended} of them ended by the network");
    assert!(ended > 0 && ledger.failed() > 0 && ledger.succeeded() > calls / 4);
    proxy.spare();
    let took = recovers(&pool, POOL_SIZE).await;
    println!("{name}: recovered in {took:?}: {:?}", pool.status());
    take_all(&pool, POOL_SIZE).await;
    ledger.settle(&mut watch).await;
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_splits_cuts_and_resets_leave_every_call_with_an_answer_in_clear() {
    survives_the_network("plain", |config| config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_splits_cuts_and_resets_leave_every_call_with_an_answer_over_tls() {
    survives_the_network("tls", |config| config.ssl_mode(SslMode::Trust)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_splits_cuts_and_resets_leave_every_call_with_an_answer_compressed() {
    let compression = Compression::default().with_threshold(0);
    survives_the_network("compressed", |config| config.compression(compression)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_splits_cuts_and_resets_leave_every_call_with_an_answer_compressed_over_tls() {
    let compression = Compression::default().with_threshold(0);
    survives_the_network("both", |config| {
        config.ssl_mode(SslMode::Trust).compression(compression)
    })
    .await;
}

/// A connection that falls silent costs somebody the time of a timeout.
const ENDS: [End; 6] = [
    End::Close,
    End::Close,
    End::Reset,
    End::Reset,
    End::Reset,
    End::Silence,
];

const TASKS: usize = 16;
const POOL_SIZE: usize = 8;
const GET_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_millis(500);
