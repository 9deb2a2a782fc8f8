//! What may lie between a session and its transport.

use std::sync::OnceLock;

use otaria::{Compression, Config, Connection};
use otaria_codec::Capabilities;

use super::{Compressed, Reply, Script, Tls, greeting};
use crate::certificates::{Identity, Leaf};
use crate::pipe::{Cut, Peer, Pipe, PipeHandle};

/// The layers that a [`Script`] is served through, to a client that takes whatever is offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layers {
    /// Packets as they are.
    None,
    /// Compression.
    Compression,
    /// TLS, with a certificate that nobody trusts.
    Tls,
    /// Compression inside TLS.
    CompressionInTls,
}

impl Layers {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::Compression,
        Self::Tls,
        Self::CompressionInTls,
    ];

    /// A pipe to `script` through these layers.
    pub fn serve(self, script: Script) -> Pipe {
        Pipe::new(self.peer(script), Cut::Whole)
    }

    /// The configuration of a client that compresses where these layers do.
    ///
    /// # Panics
    /// Never: it is a valid one.
    pub fn config(self) -> Config {
        let builder = Config::builder().user("u").password("p");
        let compression = Compression::default().with_threshold(0);
        let compresses = matches!(self, Self::Compression | Self::CompressionInTls);
        let builder = builder.compression(compresses.then_some(compression));
        builder.build().expect("a valid configuration")
    }

    /// A connection to `script` through these layers, which is cut as `cut` says from now on.
    ///
    /// # Panics
    /// If the login fails.
    pub async fn connect(
        self,
        script: Script,
        config: &Config,
        cut: Cut,
    ) -> (Connection, PipeHandle) {
        let pipe = self.serve(script);
        let handle = pipe.handle();
        let connection = Connection::connect_over(pipe, config).await;
        handle.set_cut(cut);
        (connection.expect("a login"), handle)
    }

    /// `script` behind these layers.
    pub fn peer(self, script: Script) -> Box<dyn Peer> {
        let without_compression = |script: Script| {
            let mut greeting = greeting();
            greeting.capabilities -= Capabilities::COMPRESS;
            greeting
                .capabilities
                .set(Capabilities::SSL, self == Self::Tls);
            script.greet(Reply::new().packet(&greeting))
        };
        match self {
            Self::None => Box::new(without_compression(script)),
            Self::Compression => Box::new(Compressed::new(script)),
            Self::Tls => {
                let script = without_compression(script.behind_tls());
                Box::new(Tls::new(script, identity()))
            }
            Self::CompressionInTls => {
                let script = Compressed::new(script.behind_tls());
                Box::new(Tls::new(script, identity()))
            }
        }
    }
}

/// One for all: to make a key takes time.
fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::self_signed(&Leaf::server(["localhost"])))
}
