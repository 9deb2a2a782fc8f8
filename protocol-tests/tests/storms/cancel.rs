//! Statements that are given up while others go on over the same pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Error, Pool, PooledConnection};
use protocol_tests::chaos::seed;
use protocol_tests::traces::{Process, Sampler, Watch, open_sockets};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{alone, config, dose, server, take_all};

/// What is given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Statement {
    /// It ends when its client has gone, too.
    Sleep,
    /// It ends by a kill only.
    Benchmark,
    /// It has been answered in part.
    HalfRead,
}

/// What a storm has seen.
#[derive(Debug, Default)]
struct Counts {
    given_up: AtomicUsize,
    checked: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_pooled_query_leaves_nothing_running_and_the_next_caller_gets_its_own_rows() {
    let _alone = alone().await;
    let seed = seed();
    no_sockets_are_open().await;
    let server = server();
    let config = config(server, server.port()).build().unwrap();
    let watch = Watch::connect(&config).await.unwrap();
    let start = Instant::now();
    let pool = Pool::builder(config)
        .max_size(POOL_SIZE)
        .reaper_limit(REAPER_LIMIT)
        .get_timeout(Duration::from_secs(60))
        .build();
    let mut watch = watch;
    let kills = watch.status("Com_kill").await.unwrap();
    let sampler = Sampler::start(watch);

    let counts = Arc::new(Counts::default());
    storm(&pool, &counts, seed).await;
    let (given_up, checked) = (
        counts.given_up.load(Ordering::SeqCst),
        counts.checked.load(Ordering::SeqCst),
    );
    let took = start.elapsed();

    let (mut watch, looks) = sampler.stop().await.unwrap();
    let kills = watch.status("Com_kill").await.unwrap() - kills;
    println!("{given_up} given up and {checked} checked in {took:?}, {kills} kills; {looks:?}");
    let limit = Duration::from_secs(20);
    let what = "statements that were given up";
    let runs = |process: &Process| process.info.is_some();
    watch.wait_until_gone(what, limit, runs).await.unwrap();

    assert!(looks.number > 10);
    let limit_of_connections = POOL_SIZE + REAPER_LIMIT;
    assert!(looks.connections <= limit_of_connections, "{looks:?}");
    // That of the watch besides.
    assert!(looks.sockets <= limit_of_connections + 1, "{looks:?}");
    // Those that were not yet under way need none, nor do those that have been read to their end.
    assert!(kills as usize > given_up / 3, "{kills} kills");
    let full = take_all(&pool, POOL_SIZE).await;
    println!("all connections in {full:?}: {:?}", pool.status());
    pool.close().await;
    let what = "connections of the pool";
    watch.wait_until_gone(what, limit, |_| true).await.unwrap();
    drop(watch);
    assert_eq!(open_sockets().unwrap(), 0, "descriptors");
}

/// The runtime of the storm before may be about to close its own.
async fn no_sockets_are_open() {
    let start = Instant::now();
    while open_sockets().unwrap() > 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(10)).await;
    }
}

/// Runs to its end.
async fn storm(pool: &Pool, counts: &Arc<Counts>, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let each = dose(15, 1_000);
    // How many give up at a time: more would wait for each other.
    let givers = [
        (Statement::Sleep, 3),
        (Statement::Benchmark, 1),
        (Statement::HalfRead, 2),
    ];
    let mut tasks = JoinSet::new();
    for (statement, tasks_of_it) in givers {
        for task in 0..tasks_of_it {
            let count = (task..each).step_by(tasks_of_it).len();
            let (pool, counts, random) = (pool.clone(), Arc::clone(counts), random.fork());
            tasks.spawn(async move { give_up(&pool, statement, count, &counts, random).await });
        }
    }
    let checkers = 100;
    let queries = dose(2_000, 100_000) / checkers;
    for checker in 0..checkers {
        let (pool, counts, random) = (pool.clone(), Arc::clone(counts), random.fork());
        tasks.spawn(async move { check(&pool, checker, queries, &counts, random).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task has found anything wrong");
    }
}

/// Gives up `count` such statements, by a timeout or by the end of the task that runs it.
async fn give_up(
    pool: &Pool,
    statement: Statement,
    count: usize,
    counts: &Counts,
    mut random: Rng,
) {
    for _ in 0..count {
        let mut connection = pool.get().await.expect("a connection");
        let (after, prepared) = (Duration::from_micros(random.u64(0..20_000)), random.bool());
        let rows = match statement {
            Statement::HalfRead => random.usize(0..3_000),
            _ => 1,
        };
        let run = async move { run(&mut connection, statement, prepared, rows).await };
        if random.bool() {
            let ended = timeout(after, run).await;
            assert!(ended.is_err() || statement == Statement::HalfRead);
        } else {
            let task = tokio::spawn(run);
            sleep(after).await;
            task.abort();
            let ended = task.await;
            let was_cancelled = ended.is_err_and(|error| error.is_cancelled());
            assert!(was_cancelled || statement == Statement::HalfRead);
        }
        counts.given_up.fetch_add(1, Ordering::SeqCst);
        if statement == Statement::Benchmark {
            // A few at a time: the machine has others to serve.
            sleep(Duration::from_millis(60)).await;
        }
    }
}

/// Runs the statement, and checks what comes of it. It comes to its end only if it is read in part.
async fn run(connection: &mut PooledConnection, statement: Statement, prepared: bool, rows: usize) {
    let (sql, number) = match statement {
        Statement::Sleep => ("SELECT SLEEP(?)", 30),
        Statement::Benchmark => ("SELECT BENCHMARK(?, MD5('x'))", 2_000_000_000_u64),
        Statement::HalfRead => (
            "SELECT seq, CONCAT('row ', seq), ? FROM seq_1_to_1000000",
            7,
        ),
    };
    let results = if prepared {
        connection.query(sql, (number,)).await
    } else {
        let sql = sql.replace('?', &number.to_string());
        connection.simple_query(&sql).await
    };
    let mut results = results.unwrap_or_else(|error| panic!("{statement:?}: {error}"));
    for row in 1..=rows as u64 {
        let next = results.next().await;
        let next = next.unwrap_or_else(|error| panic!("{statement:?}: {error}"));
        let next = next.expect("a million rows");
        assert!(
            statement == Statement::HalfRead,
            "{statement:?} has ended: what was to stop another has stopped it"
        );
        let (seq, text, marker): (u64, &str, u64) = next.read().unwrap();
        assert_eq!((seq, marker), (row, 7));
        assert_eq!(text.strip_prefix("row "), Some(&*row.to_string()));
    }
}

/// Runs `queries`, and checks that each has its own rows and finds the session as it was.
async fn check(pool: &Pool, checker: usize, queries: usize, counts: &Counts, mut random: Rng) {
    let mut number = 0;
    while number < queries {
        let mut connection = pool.get().await.expect("a connection");
        for _ in 0..random.usize(1..4).min(queries - number) {
            let id = (checker * 1_000_000 + number) as u64;
            let answer = check_one(&mut connection, id, &mut random).await;
            answer.unwrap_or_else(|error| panic!("query {id}: {error}"));
            number += 1;
            counts.checked.fetch_add(1, Ordering::SeqCst);
        }
        if random.u8(0..50) == 0 {
            change_session(connection, number as u64, &mut random).await;
        }
    }
}

async fn check_one(
    connection: &mut PooledConnection,
    id: u64,
    random: &mut Rng,
) -> Result<(), Error> {
    let text = format!("text {id} {}", "x".repeat(random.usize(0..50)));
    match random.u8(0..4) {
        0 => {
            let row: (u64, String) = connection.query_one("SELECT ?, ?", (id, &text)).await?;
            assert_eq!(row, (id, text));
        }
        1 => {
            let sql = format!("SELECT {id}, '{text}'");
            let rows = connection.simple_query(&sql).await?;
            let rows: Vec<(u64, String)> = rows.collect().await?;
            assert_eq!(rows, [(id, text)]);
        }
        2 => {
            let sql = "SELECT ? + seq FROM seq_1_to_20";
            let rows: Vec<(u64,)> = connection.query_all(sql, (id,)).await?;
            let expected: Vec<_> = (1..=20).map(|seq| (id + seq,)).collect();
            assert_eq!(rows, expected);
        }
        _ => {
            let sql = "SELECT ?, @storm, @@in_transaction, @@autocommit, DATABASE()";
            let row: (u64, Option<u64>, u64, u64, Option<String>) =
                connection.query_one(sql, (id,)).await?;
            assert_eq!(row, (id, None, 0, 1, Some("mysql".to_owned())));
        }
    }
    Ok(())
}

/// Leaves the session changed to whoever comes next.
async fn change_session(mut connection: PooledConnection, number: u64, random: &mut Rng) {
    let changed = match random.u8(0..4) {
        0 => connection.execute("SET @storm = ?", (number,)).await,
        1 => connection.simple_execute("START TRANSACTION").await,
        2 => connection.simple_execute("SET autocommit = 0").await,
        _ => connection.simple_execute("USE information_schema").await,
    };
    changed.expect("a change of the session");
}

const POOL_SIZE: usize = 8;
const REAPER_LIMIT: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_whose_time_is_over_at_once_are_stopped_by_no_more_connections_than_those_dropped() {
    let _alone = alone().await;
    let server = server();
    let config = config(server, server.port())
        .call_timeout(Duration::from_millis(500))
        .stop_timeout(Duration::from_secs(60));
    let config = config.build().unwrap();
    let watch = Watch::connect(&config).await.unwrap();
    let pool = Pool::builder(config).max_size(POOL_SIZE).reaper_limit(1);
    let pool = pool.build();
    take_all(&pool, POOL_SIZE).await;
    let sampler = Sampler::start(watch);
    let mut tasks = JoinSet::new();
    for _ in 0..POOL_SIZE {
        let pool = pool.clone();
        tasks.spawn(async move { pool.execute("SELECT SLEEP(?)", (30,)).await });
    }
    while let Some(done) = tasks.join_next().await {
        let error = done.unwrap().unwrap_err();
        let is_stopped = matches!(
            error,
            Error::Timeout {
                statement_stopped: true,
                ..
            }
        );
        assert!(is_stopped, "{error:?}");
    }
    let (_, looks) = sampler.stop().await.unwrap();
    assert!(looks.connections <= POOL_SIZE + 1, "{looks:?}");
    assert_eq!(pool.status().size, POOL_SIZE, "none was closed");
}
