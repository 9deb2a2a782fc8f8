/// What becomes of a statement that nobody waits for any more: one whose call was dropped, when the
/// connection is used again, or whose time is over.
///
/// A server goes on with a statement whatever happens to the client that has sent it, and sends a
/// result to its end.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CancelPolicy {
    /// Its response is read to the end, for as long as
    /// [`drain_timeout`](crate::ConfigBuilder::drain_timeout) allows; then the connection is closed.
    Drain,
    /// Its response is read while it keeps coming, as long as `drain_timeout` allows. If none comes, or
    /// too much, the statement is stopped: another connection to the same server, made for that,
    /// finds it in the process list and ends it by `KILL QUERY ID`. Where it cannot be told for
    /// certain from the statements of others, as behind a proxy, and where there is no room for
    /// another connection, this one is closed, and the server runs on until it next sends something.
    #[default]
    Stop,
    /// The connection is closed at once. The server runs on until it next sends something.
    Close,
}
