use std::fmt;
use std::time::Duration;

use super::ConfigBuilder;
use crate::Config;

/// In which order the hosts of a configuration are tried.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HostOrder {
    /// In their own: a host is used while those before it cannot be.
    #[default]
    InOrder,
    /// From one drawn by lot on, around to those before it, so that connections are spread over
    /// all.
    Spread,
}

/// What a server has to be.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// Anything. Nothing is asked.
    #[default]
    Any,
    /// One that takes writes: its `@@read_only` is off.
    Writer,
    /// One that is read-only, such as a replica.
    Reader,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any server",
            Self::Writer => "a server that takes writes",
            Self::Reader => "a read-only server",
        })
    }
}

/// Which of several hosts are used, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hosts {
    pub(crate) order: HostOrder,
    pub(crate) role: Role,
    pub(crate) cool_down: Duration,
    pub(crate) permit_redirect: bool,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            order: HostOrder::default(),
            role: Role::default(),
            cool_down: DEFAULT_COOL_DOWN,
            permit_redirect: false,
        }
    }
}

/// Which of several hosts are used, and when.
impl ConfigBuilder {
    /// In which order several hosts are tried. [`InOrder`](HostOrder::InOrder) by default.
    pub fn host_order(mut self, order: HostOrder) -> Self {
        self.settings.hosts.order = order;
        self
    }

    /// What the server has to be. It is asked for `@@read_only` once, after the login, and one of
    /// the other role is followed by the next host. [`Any`](Role::Any) by default: nothing is asked.
    pub fn role(mut self, role: Role) -> Self {
        self.settings.hosts.role = role;
        self
    }

    /// How long a host that could not be used is tried only when no other can be, where connections
    /// share what they know of their hosts, as those of a pool do. 30 s by default.
    pub fn host_cool_down(mut self, time: Duration) -> Self {
        self.settings.hosts.cool_down = time;
        self
    }

    /// Whether to go where the server says by `redirect_url` at the login. It is followed only if
    /// TLS has proven who the server is, only once, and only to a server that proves itself as well
    /// ([`VerifyFull`](crate::SslMode::VerifyFull), or what the configuration asks for if that is
    /// [`VerifyCa`](crate::SslMode::VerifyCa)); if that fails, the connection stays where it is. False
    /// by default.
    pub fn permit_redirect(mut self, permit: bool) -> Self {
        self.settings.hosts.permit_redirect = permit;
        self
    }
}

/// Which of several hosts are used, and when.
impl Config {
    /// See [`ConfigBuilder::host_order`].
    pub fn host_order(&self) -> HostOrder {
        self.settings.hosts.order
    }

    /// See [`ConfigBuilder::role`].
    pub fn role(&self) -> Role {
        self.settings.hosts.role
    }

    /// See [`ConfigBuilder::host_cool_down`].
    pub fn host_cool_down(&self) -> Duration {
        self.settings.hosts.cool_down
    }

    /// See [`ConfigBuilder::permit_redirect`].
    pub fn permit_redirect(&self) -> bool {
        self.settings.hosts.permit_redirect
    }
}

const DEFAULT_COOL_DOWN: Duration = Duration::from_secs(30);
