//! The rigs that look for what tests leave behind.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::time::Duration;

use otaria::{Config, Connection, Error};
use protocol_tests::live;
use protocol_tests::traces::{Sampler, Watch, descriptors, open_sockets};

fn config() -> Config {
    live::shared().url("").parse().unwrap()
}

/// Descriptors are those of the whole process.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn a_statement_that_runs_is_in_the_process_list_until_it_has_ended() -> Result<(), Error> {
    let _alone = ALONE.lock().await;
    let mut watch = Watch::connect(&config()).await?;
    let mut connection = Connection::connect(&config()).await?;
    let sleeper = tokio::spawn(async move {
        let rows = connection.simple_query("SELECT SLEEP(0.5)").await?;
        rows.finish().await?;
        Ok::<_, Error>(connection)
    });
    let is_sleep = |process: &protocol_tests::traces::Process| process.runs("SLEEP(0.5)");
    while !watch.processes().await?.iter().any(is_sleep) {
        assert!(!sleeper.is_finished(), "it was never seen");
        tokio::task::yield_now().await;
    }
    let gone = watch
        .wait_until_gone("a sleep", Duration::from_secs(10), is_sleep)
        .await?;
    assert!(gone.looks > 1 && gone.longest > Duration::from_millis(300));
    assert!(gone.longest < Duration::from_secs(5), "{gone:?}");
    let processes = watch.processes().await?;
    assert!(
        processes.iter().any(|process| process.command == "Sleep"),
        "the connection is there: {processes:?}"
    );
    drop(sleeper.await.unwrap()?);
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "still there")]
async fn a_statement_that_does_not_go_in_time_is_a_failure() {
    let _alone = ALONE.lock().await;
    let mut watch = Watch::connect(&config()).await.unwrap();
    let mut connection = Connection::connect(&config()).await.unwrap();
    let query = connection.simple_query("SELECT SLEEP(3)");
    let (gone, _) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let limit = Duration::from_millis(200);
            watch
                .wait_until_gone("a sleep", limit, |process| process.runs("SLEEP(3)"))
                .await
        },
        query
    );
    gone.unwrap();
}

#[tokio::test]
async fn connections_are_counted_by_the_server() -> Result<(), Error> {
    let _alone = ALONE.lock().await;
    let mut watch = Watch::connect(&config()).await?;
    let others = "what another test has left";
    watch
        .wait_until_gone(others, Duration::from_secs(10), |_| true)
        .await?;
    // The list has none of those that are about to end, and the counter has them still; those that
    // never log in for ten seconds.
    let mut before = watch.status("Threads_connected").await?;
    for _ in 0..1000 {
        if before == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        before = watch.status("Threads_connected").await?;
    }
    let mut connections = Vec::new();
    for _ in 0..5 {
        connections.push(Connection::connect(&config()).await?);
    }
    assert_eq!(watch.status("Threads_connected").await?, before + 5);
    assert_eq!(watch.processes().await?.len(), 5);
    let sampler = Sampler::start(watch);
    let mut sleeper = Connection::connect(&config()).await?;
    sleeper.simple_execute("DO SLEEP(2)").await?;
    connections.push(sleeper);
    let (mut watch, looks) = sampler.stop().await?;
    assert_eq!(looks.connections, 6, "{looks:?}");
    assert!(looks.number > 3 && looks.longest > Duration::from_millis(100));
    drop(connections);
    watch
        .wait_until_gone("connections", Duration::from_secs(5), |_| true)
        .await?;
    Ok(())
}

#[tokio::test]
async fn descriptors_are_those_that_are_open() {
    let _alone = ALONE.lock().await;
    let sockets = settled_sockets().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = std::fs::File::open("/proc/self/status").unwrap();
    let number = |descriptor: i32| u32::try_from(descriptor).unwrap();
    let (socket, status) = (number(listener.as_raw_fd()), number(file.as_raw_fd()));
    let open = descriptors().unwrap();
    let link = open.get(&socket).expect("that of the listener");
    assert!(link.to_string_lossy().starts_with("socket:["), "{link:?}");
    assert!(!open.contains_key(&status), "less /proc: {open:?}");
    assert_eq!(open_sockets().unwrap(), sockets + 1);
    drop((listener, file));
    // Another thread may have got the number by now, and not the socket.
    assert_ne!(descriptors().unwrap().get(&socket), Some(link));
    assert_eq!(open_sockets().unwrap(), sockets);
}

/// How many sockets are open when those of tests that have just ended are closed.
async fn settled_sockets() -> usize {
    let (mut last, mut same) = (open_sockets().unwrap(), 0);
    while same < 10 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let sockets = open_sockets().unwrap();
        same = if sockets == last { same + 1 } else { 0 };
        last = sockets;
    }
    last
}
