//! How the client of a conversation is configured.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use otaria::{CancelPolicy, Compression, Config, SslMode};

/// A byte of options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options(u8);

impl Options {
    pub(super) const fn new(byte: u8) -> Self {
        Self(byte)
    }

    pub(super) const fn compresses(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Whether what is written reaches the server with the flush.
    pub(super) const fn is_flushed(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Whether the connection is closed where much would have to be read that nobody wants.
    pub(super) const fn is_impatient(self) -> bool {
        self.0 & 0x90 != 0
    }

    pub(super) const fn cached_statements(self) -> usize {
        [0, 1, 2, 8][(self.0 >> 2 & 3) as usize]
    }

    /// The configuration; one for all conversations with these options. None stops statements,
    /// which takes another connection.
    pub(super) fn config(self) -> Config {
        static CONFIGS: OnceLock<Mutex<BTreeMap<u8, Config>>> = OnceLock::new();
        let configs = CONFIGS.get_or_init(Mutex::default);
        let mut configs = configs.lock().expect("configurations are valid");
        let config = configs.entry(self.0).or_insert_with(|| {
            let compression = Compression::default().with_threshold(0);
            let (closes, few) = (self.0 & 0x10 != 0, self.0 & 0x80 != 0);
            let policy = if closes {
                CancelPolicy::Close
            } else {
                CancelPolicy::Drain
            };
            let mut builder = Config::builder()
                .user("u")
                .ssl_mode(SslMode::Disable)
                .compression(self.compresses().then_some(compression))
                .server_prepared_statements(self.0 & 0x02 == 0)
                .statement_cache_capacity(self.cached_statements())
                .cancel_policy(policy)
                .on_progress(|_| ())
                .local_infile(true);
            if few {
                builder = builder.drain_bytes(1_000);
            }
            if self.0 & 0x20 != 0 {
                builder = builder.call_timeout(Duration::from_secs(60));
            }
            builder.build().expect("a configuration")
        });
        config.clone()
    }
}
