/// What a pool holds and has done, at one moment: other tasks go on while it is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many connections there may be.
    pub max_size: usize,
    /// How many connections there are, those being made included.
    pub size: usize,
    /// How many of them wait in the pool to be taken.
    pub idle: usize,
    /// How many tasks wait for a connection.
    pub waiting: usize,
    /// How many connections were made since the pool was built.
    pub connected: u64,
    /// How many attempts to make one have failed.
    pub connect_failures: u64,
    /// How many connections were closed because they were too old, idle for too long, or not to be
    /// kept.
    pub retired: u64,
    /// How many connections were closed because they could not be used any more.
    pub broken: u64,
    /// How many calls have not got a connection in time.
    pub timeouts: u64,
}
