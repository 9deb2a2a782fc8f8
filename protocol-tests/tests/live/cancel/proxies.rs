//! KILL never hits another session: proxies that hand connections to servers of their choice.

use otaria::Stopped;
use protocol_tests::live::LiveServer;
use protocol_tests::tcp_proxy::TcpProxy;

use super::*;

fn through(proxy: &TcpProxy, server: &LiveServer) -> Config {
    let config: Config = server.url("").parse().unwrap();
    let builder = config.to_builder().host("127.0.0.1").port(proxy.port());
    builder
        .connect_timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

#[tokio::test]
async fn behind_a_proxy_nothing_is_stopped_and_the_connection_is_closed() {
    let server = live::shared();
    let proxy = TcpProxy::to(server).start().await.unwrap();
    let config = through(&proxy, server);
    let mut connection = Connection::connect(&config).await.unwrap();
    let thread_id = connection.thread_id();
    let sql = "SELECT SLEEP(30), 'behind a proxy'";
    give_up(async { connection.execute(sql, ()).await.map(drop) }).await;
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert!(connection.close_reason().is_some());
    is_gone(thread_id, &config).await;
}

/// Two servers whose next connections have the same thread id.
fn twins() -> [LiveServer; 2] {
    let servers = [LiveServer::start().unwrap(), LiveServer::start().unwrap()];
    for server in &servers {
        server
            .sql("CREATE USER twin IDENTIFIED BY 'twin'; GRANT ALL ON *.* TO twin")
            .unwrap();
    }
    let next = |server: &LiveServer| -> u64 {
        server
            .sql("SELECT CONNECTION_ID()")
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    };
    for _ in 0..1_000 {
        let [a, b] = [next(&servers[0]), next(&servers[1])];
        if a == b {
            return servers;
        }
        let behind = if a < b { &servers[0] } else { &servers[1] };
        for _ in 0..a.abs_diff(b) {
            next(behind);
        }
    }
    panic!("the servers do not count alike");
}

#[tokio::test]
async fn kill_never_hits_another_session_behind_a_proxy_the_thread_id_belongs_to_another_server() {
    let servers = twins();
    let proxy = TcpProxy::balancing(&servers)
        .keep_ports()
        .start()
        .await
        .unwrap();
    let config = Config::builder()
        .host("127.0.0.1")
        .port(proxy.port())
        .user("twin")
        .password("twin");
    let config = config.build().unwrap();
    for (sql, other) in [
        ("SELECT SLEEP(2) AS ours", "SELECT SLEEP(2) AS theirs"),
        // Nothing but its port tells it.
        ("SELECT SLEEP(2)", "SELECT SLEEP(2)"),
    ] {
        proxy.hand_next_to(0);
        let mut ours = Connection::connect(&config).await.unwrap();
        proxy.hand_next_to(1);
        let mut theirs = Connection::connect(&config).await.unwrap();
        assert_eq!(ours.thread_id(), theirs.thread_id(), "they are twins");
        let stop = async {
            give_up(async { ours.execute(sql, ()).await.map(drop) }).await;
            // The connection that looks comes to the other server.
            proxy.hand_next_to(1);
            ours.stop().await.unwrap()
        };
        let (slept, stopped) = tokio::join!(theirs.query_all::<(i64,)>(other, ()), stop);
        assert_eq!(stopped, Stopped::NotFound);
        assert_eq!(slept.unwrap(), [(0,)], "SLEEP says 1 if it is killed");
        assert!(ours.close_reason().is_some());
        drop(theirs);
        // One more on the first, for the one that has looked.
        proxy.hand_next_to(0);
        drop(Connection::connect(&config).await.unwrap());
    }
}
