use std::fmt;
use std::sync::Arc;

use otaria_connection::{CallbackFuture, Config, Connection, Error};

/// What a pool's owner has done at certain moments.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) connect: Option<Connect>,
    pub(crate) after_connect: Option<Hook>,
    pub(crate) before_get: Option<Hook>,
    pub(crate) after_return: Option<Judge>,
}

pub(crate) type Connect = Arc<dyn Fn(Config) -> Connecting + Send + Sync>;
pub(crate) type Connecting =
    std::pin::Pin<Box<dyn Future<Output = Result<Connection, Error>> + Send>>;
pub(crate) type Hook =
    Arc<dyn for<'c> Fn(&'c mut Connection) -> CallbackFuture<'c, ()> + Send + Sync>;
pub(crate) type Judge = Arc<dyn Fn(&Connection) -> bool + Send + Sync>;

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("connect", &self.connect.is_some())
            .field("after_connect", &self.after_connect.is_some())
            .field("before_get", &self.before_get.is_some())
            .field("after_return", &self.after_return.is_some())
            .finish()
    }
}
