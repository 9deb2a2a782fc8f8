//! Pools, each with a network of its own in front of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use otaria::{Compression, ConfigBuilder, Pool, SslMode};
use protocol_tests::live::LiveServer;
use protocol_tests::tcp_proxy::{End, TcpProxy};
use tokio::time::{Instant, sleep};

use super::config;

/// A pool and its network.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    pub(crate) pool: Pool,
    pub(crate) proxy: Arc<TcpProxy>,
    /// Whether statements that were given up are ended for certain, or nearly so: the server sees
    /// connections come from the ports of their clients, and none is cut.
    pub(crate) stops: bool,
    /// Whether connections that come back are closed.
    closes: Arc<AtomicBool>,
}

/// What is between a pool and its server.
struct Layers {
    name: &'static str,
    tls: bool,
    compressed: bool,
    keeps_ports: bool,
    /// Within how many bytes connections end, if they do.
    end_within: Option<u64>,
}

const LANES: [Layers; 6] = [
    Layers {
        name: "clear",
        tls: false,
        compressed: false,
        keeps_ports: false,
        end_within: Some(64 * 1024),
    },
    Layers {
        name: "tls",
        tls: true,
        compressed: false,
        keeps_ports: true,
        end_within: Some(256 * 1024),
    },
    Layers {
        name: "compressed",
        tls: false,
        compressed: true,
        keeps_ports: true,
        end_within: Some(64 * 1024),
    },
    Layers {
        name: "compressed, tls",
        tls: true,
        compressed: true,
        keeps_ports: false,
        end_within: Some(2 * 1024 * 1024),
    },
    // Connections that live long, and could gather what leaks.
    Layers {
        name: "calm",
        tls: false,
        compressed: false,
        keeps_ports: true,
        end_within: None,
    },
    Layers {
        name: "calm, tls",
        tls: true,
        compressed: true,
        keeps_ports: true,
        end_within: None,
    },
];

/// Starts all lanes.
pub(crate) async fn start(server: &LiveServer, seed: u64) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for (number, layers) in LANES.iter().enumerate() {
        lanes.push(layers.start(server, seed ^ (number as u64) << 32).await);
    }
    lanes
}

impl Layers {
    async fn start(&self, server: &LiveServer, seed: u64) -> Lane {
        let mut proxy = TcpProxy::to(server)
            .seed(seed)
            .split(8_000)
            .delay(5, Duration::from_millis(4))
            .remember(64);
        if let Some(bytes) = self.end_within {
            proxy = proxy.end(900, bytes, &ENDS);
        }
        if self.keeps_ports {
            proxy = proxy.keep_ports();
        }
        let proxy = proxy.start().await.unwrap();
        let config = self.config(config(server, proxy.port())).build().unwrap();
        let closes = Arc::new(AtomicBool::new(false));
        let closes_now = Arc::clone(&closes);
        let pool = Pool::builder(config)
            .max_size(POOL_SIZE)
            .reaper_limit(2)
            .get_timeout(GET_TIMEOUT)
            .after_return(move |_| !closes_now.load(Ordering::SeqCst))
            .build();
        Lane {
            name: self.name,
            pool,
            proxy: Arc::new(proxy),
            stops: self.keeps_ports && self.end_within.is_none(),
            closes,
        }
    }

    fn config(&self, mut config: ConfigBuilder) -> ConfigBuilder {
        if self.tls {
            config = config.ssl_mode(SslMode::Trust);
        }
        if self.compressed {
            config = config.compression(Compression::default().with_threshold(0));
        }
        config
            .user("soak")
            .password("p")
            .database("soak")
            .connect_timeout(CALL_TIMEOUT)
            .call_timeout(CALL_TIMEOUT)
            .stop_timeout(CALL_TIMEOUT)
            .statement_cache_capacity(STATEMENTS)
            .local_infile(true)
    }
}

impl Lane {
    /// Ends the faults, and closes all connections of the pool.
    pub(crate) async fn empty(&self) {
        self.proxy.spare();
        self.closes.store(true, Ordering::SeqCst);
        self.pool.resize(1);
        let start = Instant::now();
        while self.pool.status().size > 0 {
            let status = self.pool.status();
            assert!(start.elapsed() < EMPTY_LIMIT, "{}: {status:?}", self.name);
            // The one that is left is closed when it comes back; one that is gone is no news.
            let _ = self.pool.get().await;
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets there be connections again, and faults.
    pub(crate) fn fill(&self) {
        self.closes.store(false, Ordering::SeqCst);
        self.pool.resize(POOL_SIZE);
        self.proxy.spare_no_longer();
    }
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

pub(crate) const POOL_SIZE: usize = 4;

/// Fewer than the calls use, so that some are closed all the time.
pub(crate) const STATEMENTS: usize = 16;

const GET_TIMEOUT: Duration = Duration::from_secs(4);
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a pool may take to be rid of its connections.
const EMPTY_LIMIT: Duration = Duration::from_secs(30);
