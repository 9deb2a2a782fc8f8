//! Opening a transport to one endpoint.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use otaria_session::{Channel, Config, Endpoint, Error};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};

use crate::io::within;
use crate::transport::Transport;

/// Connects to `endpoint`. Nothing is sent yet.
pub(crate) async fn open(
    endpoint: &Endpoint,
    config: &Config,
) -> Result<(Transport, Channel), Error> {
    match endpoint {
        Endpoint::UnixSocket(path) => {
            let stream = UnixStream::connect(path).await;
            let stream = stream.map_err(|source| Error::Io {
                action: format!("connect to {endpoint}"),
                source,
            })?;
            Ok((Transport::Unix(stream), Channel::UnixSocket))
        }
        Endpoint::Tcp { host, port } => {
            let stream = connect_tcp(host, *port, endpoint).await?;
            set_options(&stream, config).map_err(|source| Error::Io {
                action: format!("set the options of the connection to {endpoint}"),
                source,
            })?;
            Ok((Transport::Tcp(stream), Channel::Plain))
        }
    }
}

/// Resolves `host` and tries its addresses.
async fn connect_tcp(host: &str, port: u16, endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let resolve = |source| Error::Io {
        action: format!("resolve {endpoint}"),
        source,
    };
    let addresses: Vec<_> = lookup_host((host, port)).await.map_err(resolve)?.collect();
    connect_any(&interleaved(&addresses), endpoint).await
}

/// Connects to the first address that answers, as RFC 8305 ("Happy Eyeballs") has it: each gets a
/// head start before the next one is tried as well, and one that fails is followed at once.
async fn connect_any(addresses: &[SocketAddr], endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let mut failure = Error::Io {
        action: format!("resolve {endpoint}"),
        source: io::ErrorKind::NotFound.into(),
    };
    let mut waiting = addresses.iter();
    let mut attempts = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(Box::pin(async move {
                (address, TcpStream::connect(address).await)
            }));
        }
        let head_start = (waiting.len() > 0).then_some(HEAD_START);
        match within(head_start, first(&mut attempts)).await {
            Some(Some((_, Ok(stream)))) => return Ok(stream),
            Some(Some((address, Err(source)))) => {
                let action = connecting(endpoint, address);
                failure = Error::Io { action, source };
            }
            // All have failed, and none is left: while one is waiting, one is tried.
            Some(None) => return Err(failure),
            None => {}
        }
    }
}

/// What was being done; the address is told where it is another word than the host.
fn connecting(endpoint: &Endpoint, address: &SocketAddr) -> String {
    let (endpoint, address) = (endpoint.to_string(), address.to_string());
    if endpoint == address {
        return format!("connect to {endpoint}");
    }
    format!("connect to {endpoint} at {address}")
}

/// The output of the future that is done first, which is taken out; `None` if there are none.
async fn first<F: Future>(futures: &mut Vec<Pin<Box<F>>>) -> Option<F::Output> {
    poll_fn(|context| {
        let mut outputs = futures
            .iter_mut()
            .enumerate()
            .filter_map(|(index, future)| match future.as_mut().poll(context) {
                Poll::Ready(output) => Some((index, output)),
                Poll::Pending => None,
            });
        match outputs.next() {
            Some((index, output)) => {
                futures.remove(index);
                Poll::Ready(Some(output))
            }
            None if futures.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    })
    .await
}

/// The addresses with those of the two families in turn, as far as there are both, so that one
/// family that leads nowhere holds nothing up.
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let starts_with_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == starts_with_ipv6);
    let mut other = other.into_iter();
    let mut order = Vec::with_capacity(addresses.len());
    for address in one {
        order.push(address);
        order.extend(other.next());
    }
    order.extend(other);
    order
}

pub(crate) fn set_options(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(config.tcp_nodelay())?;
    if let Some(time) = config.tcp_keepalive() {
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time))?;
    }
    Ok(())
}

/// How long an address may take before the next one is tried as well.
const HEAD_START: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;
    use tokio::time::{sleep, timeout};

    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    /// An address that nobody listens at.
    async fn closed() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    /// An address that does not answer: the queue of its listener is full.
    struct BlackHole {
        address: SocketAddr,
        listener: Socket,
        _queued: Vec<TcpStream>,
    }

    impl BlackHole {
        async fn new() -> Self {
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
            listener.bind(&any.into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap().as_socket().unwrap();
            let mut queued = Vec::new();
            let time = Duration::from_millis(300);
            while let Ok(stream) = timeout(time, TcpStream::connect(address)).await {
                queued.push(stream.unwrap());
                assert!(queued.len() < 100, "the queue does not fill");
            }
            Self {
                address,
                listener,
                _queued: queued,
            }
        }
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (open, closed) = (listener.local_addr().unwrap(), closed().await);
        let stream = connect_any(&[closed, open], &endpoint(1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = connect_any(&[closed], &endpoint(1)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot connect to 127.0.0.1:1 at {closed}")
        );
        assert!(connect_any(&[], &endpoint(1)).await.is_err());
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_is_followed_by_the_next_ones() {
        let hole = BlackHole::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (open, closed) = (listener.local_addr().unwrap(), closed().await);
        let addresses = [hole.address, hole.address, closed, open];
        let endpoint = endpoint(1);
        let connect = connect_any(&addresses, &endpoint);
        // Far less than what the operating system gives an address.
        let stream = timeout(Duration::from_secs(20), connect).await;
        assert_eq!(stream.unwrap().unwrap().peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn a_slow_address_can_still_answer_while_others_are_tried() {
        let hole = BlackHole::new().await;
        let closed = closed().await;
        let connect = async {
            let addresses = [hole.address, closed];
            connect_any(&addresses, &endpoint(1)).await.map(drop)
        };
        let accept = async {
            // The other address has failed by then; the queue gets room for the first.
            sleep(HEAD_START * 2).await;
            hole.listener.set_nonblocking(true).unwrap();
            loop {
                let _ = hole.listener.accept();
                sleep(Duration::from_millis(10)).await;
            }
        };
        let connected = async {
            tokio::select! {
                connected = connect => connected,
                () = accept => unreachable!("it has no end"),
            }
        };
        let connected = timeout(Duration::from_secs(20), connected).await;
        connected.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_future_that_is_done_is_taken_out() {
        let wait = |seconds| {
            Box::pin(async move {
                sleep(Duration::from_secs(seconds)).await;
                seconds
            })
        };
        let mut futures = vec![wait(3), wait(1), wait(2)];
        for expected in [Some(1), Some(2), Some(3), None] {
            assert_eq!(first(&mut futures).await, expected);
        }
    }

    #[test]
    fn the_families_of_addresses_take_turns() {
        let address = |text: &str| text.parse().unwrap();
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "[::3]:1", "1.2.3.4:1"].map(address);
        assert_eq!(interleaved(&[a, b, c, d]), [a, d, b, c]);
        assert_eq!(interleaved(&[d, a, b]), [d, a, b]);
        assert_eq!(interleaved(&[a, b]), [a, b]);
        assert_eq!(interleaved(&[]), []);
    }

    #[tokio::test]
    async fn nodelay_and_keepalive_are_set_as_configured() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = endpoint(listener.local_addr().unwrap().port());
        for on in [true, false] {
            let time = on.then_some(Duration::from_secs(7));
            let config = Config::builder()
                .tcp_nodelay(on)
                .tcp_keepalive(time)
                .build()
                .unwrap();
            let (transport, channel) = open(&endpoint, &config).await.unwrap();
            assert_eq!(channel, Channel::Plain);
            let Transport::Tcp(stream) = transport else {
                panic!("{transport:?}")
            };
            let socket = SockRef::from(&stream);
            assert_eq!(
                (socket.tcp_nodelay().unwrap(), socket.keepalive().unwrap()),
                (on, on)
            );
            if on {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
            }
        }
    }
}
