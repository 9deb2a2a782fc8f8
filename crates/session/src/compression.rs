use otaria_codec::{Capabilities, CompressedDecoder, CompressedEncoder};

/// How packets are compressed, where the server offers it: by zlib, both ways, unless another
/// [algorithm](CompressionAlgorithm) is chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Compression {
    /// What compresses. A server that does not offer it sends and gets packets as they are.
    pub algorithm: CompressionAlgorithm,
    /// The level of zlib for what is sent, from 0 (none) to 9 (best), or that of zstd for what the
    /// server sends, from 1 to 22. 1 by default: a network that is worth compressing for is slower
    /// than level 1.
    pub level: u32,
    /// What is sent is compressed from this length on, in bytes. 150 by default.
    pub threshold: usize,
}

/// What compresses packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CompressionAlgorithm {
    /// zlib, which MariaDB and MySQL offer.
    #[default]
    Zlib,
    /// zstd, which MySQL offers and MariaDB does not. What is sent is not compressed. Needs the
    /// feature `zstd`.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl CompressionAlgorithm {
    pub(crate) const fn capability(self) -> Capabilities {
        match self {
            Self::Zlib => Capabilities::COMPRESS,
            #[cfg(feature = "zstd")]
            Self::Zstd => Capabilities::ZSTD_COMPRESSION_ALGORITHM,
        }
    }

    pub(crate) fn decoder(self) -> CompressedDecoder {
        match self {
            Self::Zlib => CompressedDecoder::new(),
            #[cfg(feature = "zstd")]
            Self::Zstd => CompressedDecoder::zstd(),
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            algorithm: CompressionAlgorithm::Zlib,
            level: 1,
            threshold: 150,
        }
    }
}

impl Compression {
    /// The same by this algorithm.
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: CompressionAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The same with this level; above the highest is the highest.
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

    pub(crate) fn encoder(self) -> CompressedEncoder {
        match self.algorithm {
            CompressionAlgorithm::Zlib => CompressedEncoder::new(self.level, self.threshold),
            // Content as it is belongs to every algorithm.
            #[cfg(feature = "zstd")]
            CompressionAlgorithm::Zstd => CompressedEncoder::new(0, usize::MAX),
        }
    }
}
