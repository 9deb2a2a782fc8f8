use otaria_connection::BatchWay;

/// How rows went to the server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SentBy {
    /// As parameters of a statement.
    Statement(BatchWay),
    /// By `LOAD DATA LOCAL`.
    LoadData,
}

/// Why rows do not go the other way.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WhyNot {
    /// The options ask for one way.
    #[error("the options ask for one way")]
    Asked,
    /// The configuration does not allow `LOAD DATA LOCAL`.
    #[error("local_infile is off in the configuration")]
    OffInConfiguration,
    /// The server does not allow `LOAD DATA LOCAL`.
    #[error("local_infile is off on the server")]
    OffOnServer,
    /// `LOAD DATA` cannot do what the mode asks for.
    #[error("LOAD DATA LOCAL does not do with duplicates what the mode asks for")]
    Mode,
    /// `LOAD DATA` of a MySQL server would make 0 in an `AUTO_INCREMENT` column its next number.
    #[error("LOAD DATA LOCAL would make 0 in an AUTO_INCREMENT column its next number")]
    AutoIncrement,
    /// The other way takes longer.
    #[error("it takes longer")]
    Slower,
}
