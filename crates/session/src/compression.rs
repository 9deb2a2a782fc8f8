/// How packets are compressed, where the server offers it: by zlib, both ways.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Compression {
    /// The level of zlib, from 0 (none) to 9 (best) for what is sent. 1 by default: a network that
    /// is worth compressing for is slower than level 1.
    pub level: u32,
    /// What is sent is compressed from this length on, in bytes. 150 by default.
    pub threshold: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            level: 1,
            threshold: 150,
        }
    }
}

impl Compression {
    /// The same with this level; above 9 is 9.
    #[must_use]
    pub const fn with_level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// The same with this threshold in bytes.
    #[must_use]
    pub const fn with_threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }
}
