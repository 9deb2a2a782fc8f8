use std::path::Path;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// Apache Parquet
    Parquet,
    /// Arrow's file format, also called Feather
    Arrow,
    /// Arrow's stream format, which needs no seeking
    #[value(name = "arrows")]
    ArrowStream,
    /// Comma-separated values
    Csv,
    /// One array of objects
    Json,
    /// An object a line
    Ndjson,
    /// A table for people to read
    Table,
}

impl Format {
    /// The format that the ending of a file's name stands for.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            "arrows" => Self::ArrowStream,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            _ => return None,
        })
    }

    /// Those that can be read.
    pub(crate) fn to_load() -> impl TypedValueParser<Value = Self> {
        let formats = Self::value_variants().iter();
        let formats = formats.filter(|format| **format != Self::Table);
        PossibleValuesParser::new(formats.filter_map(Self::to_possible_value))
            .try_map(|name| Self::from_str(&name, false))
    }

    /// Whether columns are known by their names alone.
    pub(crate) const fn needs_distinct_names(self) -> bool {
        matches!(self, Self::Parquet | Self::Json | Self::Ndjson)
    }

    /// Whether values are written as text.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Ndjson | Self::Table)
    }

    /// The endings that are known, for an error.
    pub(crate) const ENDINGS: &'static str =
        ".parquet, .arrow, .feather, .arrows, .csv, .json, .ndjson and .jsonl";
}

/// How the pages of Parquet are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Compression {
    Snappy,
    Zstd,
    Lz4,
    Gzip,
    None,
}
