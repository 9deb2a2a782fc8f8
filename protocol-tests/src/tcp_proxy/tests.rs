use std::net::IpAddr;

use super::*;

/// A server that says its name and then what it is told.
async fn echo(name: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                write.write_all(name).await.unwrap();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

/// What a client gets back that sends these bytes and then no more.
async fn exchanged(address: SocketAddr, bytes: &[u8]) -> (Vec<u8>, io::Result<()>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut received = Vec::new();
    let (_, result) = tokio::join!(
        async {
            write.write_all(bytes).await?;
            write.shutdown().await
        },
        async {
            loop {
                match read.read_buf(&mut received).await {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    );
    (received, result)
}

fn million() -> Vec<u8> {
    (0..1_000_000_u32).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn what_is_split_and_delayed_arrives_whole() {
    let builder = TcpProxy::to_addresses([echo(b"").await])
        .seed(1)
        .split(1000);
    let proxy = builder.delay(10, Duration::from_millis(2)).start().await;
    let proxy = proxy.unwrap();
    let (received, result) = exchanged(proxy.address(), &million()).await;
    result.unwrap();
    assert!(received == million());
    assert_eq!(proxy.ended(), 0);
}

#[tokio::test]
async fn segments_are_as_small_as_they_are_to_be() {
    let builder = TcpProxy::to_addresses([echo(b"").await]).split(1);
    let builder = builder.delay(1000, Duration::from_millis(2));
    let proxy = builder.start().await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(&[7; 50]).await.unwrap();
    let mut reads = 0;
    let mut received = 0;
    while received < 50 {
        received += stream.read(&mut [0; 50]).await.unwrap();
        reads += 1;
    }
    assert!(reads > 25, "{reads} reads of 50 bytes");
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_its_time() {
    let builder = TcpProxy::to_addresses([echo(b"").await]).seed(2);
    let builder = builder.delay(1000, Duration::from_secs(3600));
    let proxy = builder.start().await.unwrap();
    let start = tokio::time::Instant::now();
    let (received, _) = exchanged(proxy.address(), b"late").await;
    assert_eq!(received, b"late");
    assert!(start.elapsed() > Duration::from_secs(60));
}

#[tokio::test]
async fn a_connection_is_closed_behind_the_byte_that_was_named_and_others_are_not() {
    let builder = TcpProxy::to_addresses([echo(b"").await]);
    let end = (Direction::ToClient, 1234, End::Close);
    let builder = builder.end_at(1, end.0, end.1, end.2);
    let proxy = builder.start().await.unwrap();
    for connection in 0..3 {
        let (received, result) = exchanged(proxy.address(), &million()[..5000]).await;
        result.unwrap();
        assert_eq!(received.len(), if connection == 1 { 1234 } else { 5000 });
    }
    let ended: Vec<_> = proxy.passed().iter().map(|passed| passed.ended).collect();
    assert_eq!(ended, [None, Some(end), None]);
}

#[tokio::test]
async fn a_close_on_the_way_to_the_server_still_lets_its_answer_through() {
    let builder = TcpProxy::to_addresses([echo(b"name ").await]);
    let builder = builder.end_at(0, Direction::ToServer, 3, End::Close);
    let proxy = builder.start().await.unwrap();
    let (received, result) = exchanged(proxy.address(), b"123456").await;
    result.unwrap();
    assert_eq!(received, b"name 123");
}

#[tokio::test]
async fn a_reset_is_an_error_at_the_client() {
    let builder = TcpProxy::to_addresses([echo(b"").await]);
    let builder = builder.end_at(0, Direction::ToClient, 100, End::Reset);
    let proxy = builder.start().await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(&[1; 200]).await.unwrap();
    let mut received = Vec::new();
    let error = stream.read_to_end(&mut received).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(received.len() <= 100);
}

#[tokio::test]
async fn silence_passes_nothing_and_closes_nothing() {
    let builder = TcpProxy::to_addresses([echo(b"name").await]);
    let builder = builder.end_at(0, Direction::ToServer, 2, End::Silence);
    let proxy = builder.start().await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"12").await.unwrap();
    let mut received = [0; 6];
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"name12");
    stream.write_all(b"3456").await.unwrap();
    let more = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut received));
    assert!(more.await.is_err(), "neither bytes nor an end");
}

#[tokio::test]
async fn a_spared_connection_is_not_ended() {
    let builder = TcpProxy::to_addresses([echo(b"").await]);
    let builder = builder.end_at(0, Direction::ToClient, 100, End::Reset);
    let proxy = builder.start().await.unwrap();
    proxy.spare();
    let (received, result) = exchanged(proxy.address(), &[1; 200]).await;
    result.unwrap();
    assert_eq!((received.len(), proxy.ended()), (200, 0));
}

#[tokio::test]
async fn each_connection_goes_to_the_next_server_or_to_the_one_that_was_named() {
    let servers = [echo(b"a").await, echo(b"b").await, echo(b"c").await];
    let proxy = TcpProxy::to_addresses(servers).start().await.unwrap();
    let mut names = Vec::new();
    for connection in 0..7 {
        if connection == 4 {
            proxy.hand_next_to(0);
        }
        names.extend(exchanged(proxy.address(), b"").await.0);
    }
    assert_eq!(names, b"abcaabc");
    let passed: Vec<_> = proxy.passed().iter().map(|passed| passed.server).collect();
    assert_eq!(passed, [0, 1, 2, 0, 0, 1, 2]);
}

#[tokio::test]
async fn a_server_sees_the_address_that_was_chosen_for_one_connection() {
    let server = echo(b"").await;
    let proxy = TcpProxy::to_addresses([server]).start().await.unwrap();
    // A port that another connection has, to the same server.
    let other = TcpStream::connect(server).await.unwrap();
    let port = other.local_addr().unwrap().port();
    let from = SocketAddr::new(IpAddr::from([127, 0, 0, 2]), port);
    proxy.bind_next_to(from);
    for _ in 0..2 {
        exchanged(proxy.address(), b"").await.1.unwrap();
    }
    let seen: Vec<_> = proxy
        .passed()
        .iter()
        .map(|one| one.seen_by_server)
        .collect();
    assert_eq!(seen[0], Some(from));
    assert_ne!(seen[1], Some(from));
}

#[tokio::test]
async fn a_server_sees_the_ports_of_clients_where_they_are_kept() {
    let builder = TcpProxy::to_addresses([echo(b"").await]).keep_ports();
    let proxy = builder.start().await.unwrap();
    for _ in 0..2 {
        exchanged(proxy.address(), b"").await.1.unwrap();
    }
    for passed in proxy.passed() {
        let seen = passed.seen_by_server.unwrap();
        assert_eq!(
            seen,
            SocketAddr::from(([127, 0, 0, 2], passed.client.port()))
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_a_connection_that_ends() {
    let nobody = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = TcpProxy::to_addresses([nobody]).start().await.unwrap();
    let (received, _) = exchanged(proxy.address(), b"").await;
    assert!(received.is_empty());
    assert_eq!(proxy.passed()[0].seen_by_server, None);
}
